package transfer_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// A run is one transfer between two devices in memory.
type run struct {
	source  *memorySource
	sink    *memorySink
	people  *people
	network *network
	timing  transfer.Timing
	intent  pairing.Intent
	scope   segment.Scope
	routes  []pairing.Route

	sent, received      *transfer.Result
	sendErr, receiveErr error
	sendDone, recvDone  time.Duration
	sendCtx, receiveCtx context.Context
	progress            []transfer.Progress
	beforeSend          func(*pairing.Offer)
	afterSend           func()
	prompter            transfer.ReceivePrompter // people when nil
	wrapSink            func(*memorySink) transfer.Sink

	sendState, receiveState     transfer.State
	sendProgram, receiveProgram pairing.Program

	sendLate, receiveLate   []transfer.Interruption
	sendPause, receivePause *transfer.Pauser
	arrived                 []transfer.Progress // of the receiver
	reportedAt, arrivedAt   []time.Duration     // of each progress
	guess                   transfer.Source     // in the place of source
}

func newRun(t testing.TB, source *memorySource) *run {
	return &run{source: source, sink: newSink(t), people: newPeople(), network: newNetwork()}
}

// do runs both devices to their end, in fake time.
func (r *run) do(t *testing.T) {
	t.Helper()
	start := time.Now()
	ctx := t.Context()
	if r.sendCtx == nil {
		r.sendCtx = ctx
	}
	if r.receiveCtx == nil {
		r.receiveCtx = ctx
	}
	done := make(chan struct{})
	if r.prompter == nil {
		r.prompter = r.people
	}
	var sink transfer.Sink = r.sink
	if r.wrapSink != nil {
		sink = r.wrapSink(r.sink)
	}
	go func() {
		defer close(done)
		r.received, r.receiveErr = transfer.Receive(r.receiveCtx, transfer.ReceiveOptions{
			Sink: sink, Acceptors: []transfer.Acceptor{r.network}, Prompter: r.prompter, Timing: r.timing, State: r.receiveState,
			Offer:       pairing.ReceiverOptions{Label: "new phone", Intent: r.intent, Routes: r.routes, Program: r.receiveProgram},
			Interrupted: func(i transfer.Interruption) { r.receiveLate = append(r.receiveLate, i) },
			Pause:       r.receivePause,
			Progress: func(p transfer.Progress) {
				r.arrived, r.arrivedAt = append(r.arrived, p), append(r.arrivedAt, time.Since(start))
			},
		})
		r.recvDone = time.Since(start)
	}()
	offer := <-r.people.offer
	if r.beforeSend != nil {
		r.beforeSend(offer)
	}
	var source transfer.Source = r.source
	if r.guess != nil {
		source = r.guess
	}
	r.sent, r.sendErr = transfer.Send(r.sendCtx, transfer.SendOptions{
		Source: source, Offer: offer, Dialer: r.network, Prompter: r.people, Timing: r.timing,
		Label: "old phone", Scope: r.scope, State: r.sendState,
		Progress: func(p transfer.Progress) {
			r.progress, r.reportedAt = append(r.progress, p), append(r.reportedAt, time.Since(start))
		},
		Interrupted: func(i transfer.Interruption) { r.sendLate = append(r.sendLate, i) },
		Pause:       r.sendPause,
		Program:     r.sendProgram,
	})
	r.sendDone = time.Since(start)
	if r.afterSend != nil {
		r.afterSend()
	}
	<-done
}

// succeeded checks everything that is true of a transfer that went well.
func (r *run) succeeded(t *testing.T) {
	t.Helper()
	if r.sendErr != nil || r.receiveErr != nil {
		t.Fatalf("send: %v\nreceive: %v", r.sendErr, r.receiveErr)
	}
	if err := r.sink.equal(r.source); err != nil {
		t.Fatal(err)
	}
	if r.sent.Root != r.received.Root || !r.sent.Ledger.Equal(r.received.Ledger) || r.sent.TransferID != r.received.TransferID {
		t.Errorf("the two devices have different results:\n%+v\n%+v", r.sent, r.received)
	}
	if r.sink.commits != 1 || r.sink.aborted != 0 {
		t.Errorf("%d commits, %d aborts", r.sink.commits, r.sink.aborted)
	}
	for i, p := range r.progress {
		if p.Bytes > p.TotalBytes || p.Messages > p.TotalMessages {
			t.Errorf("progress %d exceeds its totals: %+v", i, p)
		}
	}
}

func TestTransfer(t *testing.T) {
	for _, c := range []struct {
		name                                  string
		rooms, segments, size, attachmentSize int
	}{
		{"nothing", 0, 0, 0, 0},
		{"a room without segments", 1, 0, 0, 0},
		{"one small segment", 1, 1, 1, 0},
		{"one chunk exactly", 1, 1, 64<<10 - 25, 0},
		{"one byte more than a chunk", 1, 1, 64<<10 - 24, 0},
		{"an attachment of one byte", 1, 1, 10, 1},
		{"many", 3, 20, 50_000, 100_000},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRun(t, newSource(1, c.rooms, c.segments, c.size, c.attachmentSize))
				r.do(t)
				r.succeeded(t)
				items := uint64(c.rooms * c.segments * 10)
				if l := r.sent.Ledger; l.Imported != items || l.Source != items || l.There != 0 {
					t.Errorf("ledger %+v, want %d imported", l, items)
				}
				if r.sent.Peer != "new phone" || r.received.Peer != "old phone" {
					t.Errorf("peers are %q and %q", r.sent.Peer, r.received.Peer)
				}
			})
		})
	}
}

func TestEmptyAttachment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newSource(1, 1, 3, 100, 5)
		for name := range src.content {
			src.content[name] = nil
		}
		for i := range src.pages[0].Entries {
			src.pages[0].Entries[i].Attachment.Size = 0
		}
		r := newRun(t, src)
		r.do(t)
		if r.sendErr != nil || len(r.sink.content) != 3 {
			t.Fatalf("%v, %d attachments", r.sendErr, len(r.sink.content))
		}
	})
}

// A second run moves the manifest and nothing of the history.
func TestSecondRunMovesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newSource(2, 2, 50, 20_000, 50_000)
		first := newRun(t, src)
		first.do(t)
		first.succeeded(t)
		second := newRun(t, src)
		second.sink = first.sink
		second.sink.commits = 0
		second.do(t)
		second.succeeded(t)
		if l := second.sent.Ledger; l.There != l.Source || l.Imported != 0 || l.AttachmentsThere != 100 {
			t.Errorf("ledger %+v", l)
		}
		if moved := second.sent.Sent + second.sent.Received; moved > 64<<10 {
			t.Errorf("%d bytes moved", moved)
		}
		if first.sent.Root == second.sent.Root {
			t.Error("two transfers have one root")
		}
	})
}

// Cut at any byte in either direction, the transfer goes on with what is missing,
// and nothing that is durable is sent again (the sink checks that).
func TestCutAnywhere(t *testing.T) {
	src := newSource(3, 2, 4, 30_000, 90_000)
	total := int64(len(src.segments)*30_000 + len(src.content)*90_000)
	for _, toSender := range []bool{false, true} {
		step := total / 40
		if toSender {
			step = 97
		}
		for at := int64(1); at < total && (!toSender || at < 4_000); at += step {
			synctest.Test(t, func(t *testing.T) {
				r := newRun(t, src)
				r.network.faults = func(n int) (out, back transfertest.Faults) {
					if n > 0 {
						return
					}
					if toSender {
						back.CutAfter = at
					} else {
						out.CutAfter = at
					}
					return
				}
				r.do(t)
				if errors.Is(r.sendErr, context.Canceled) || r.network.dialed == 1 && r.sendErr != nil {
					// Before the sender had M1 it has no second route to try: an
					// error, and an offer that still works.
					if len(r.sink.segments) > 0 {
						t.Errorf("cut at %d: %v with segments held", at, r.sendErr)
					}
					return
				}
				r.succeeded(t)
				if at > 20_000 && r.sent.Sent > uint64(total)+uint64(total)/4 {
					t.Errorf("cut at %d: %d bytes sent for a history of %d", at, r.sent.Sent, total)
				}
			})
		}
	}
}

// Ten cuts in a row, each after some progress.
func TestCutAgainAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(t, newSource(4, 1, 20, 40_000, 0))
		r.network.faults = func(n int) (out, back transfertest.Faults) {
			if n < 10 {
				out.CutAfter = 100_000
			}
			return
		}
		r.do(t)
		r.succeeded(t)
		if r.sent.Reconnects == 0 || r.sent.Ledger.Imported != 200 {
			t.Errorf("%d reconnects, ledger %+v", r.sent.Reconnects, r.sent.Ledger)
		}
	})
}

// A connection that stalls without a close is found dead, and another one serves.
func TestStall(t *testing.T) {
	for _, back := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := newRun(t, newSource(5, 1, 10, 50_000, 0))
			r.network.faults = func(n int) (out, in transfertest.Faults) {
				if n == 0 && back {
					in.StallAfter = 3_500
				} else if n == 0 {
					out.StallAfter = 200_000
				}
				return
			}
			r.do(t)
			r.succeeded(t)
			if r.sendDone > time.Minute {
				t.Errorf("took %v", r.sendDone)
			}
		})
	}
}

// A sink that needs longer than the peer's patience for one segment is waited for.
func TestSlowSink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(t, newSource(6, 1, 5, 200_000, 0))
		r.sink.slow = 40 * time.Second
		r.do(t)
		r.succeeded(t)
		if r.sent.Reconnects != 0 {
			t.Errorf("%d reconnects", r.sent.Reconnects)
		}
	})
}

func TestLostReceiptIsGivenAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plain := newRun(t, newSource(7, 1, 1, 1000, 0))
		plain.do(t)
		plain.succeeded(t)
		// The receiver's last frame is the receipt: cut the way back just before it ends.
		r := newRun(t, plain.source)
		r.network.faults = func(n int) (out, back transfertest.Faults) {
			if n == 0 {
				back.CutAfter = int64(plain.received.Sent) - 10
			}
			return
		}
		r.do(t)
		r.succeeded(t)
		if r.network.dialed < 2 {
			t.Error("the receipt was not lost")
		}
	})
}

// When the old device never comes back for the receipt, the new one still has a
// complete import, says so, and warns.
func TestNobodyFetchesTheReceipt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plain := newRun(t, newSource(7, 1, 1, 1000, 0))
		plain.do(t)
		r := newRun(t, plain.source)
		r.network.down = func(n int) bool { return n > 0 }
		r.network.faults = func(n int) (out, back transfertest.Faults) {
			back.CutAfter = int64(plain.received.Sent) - 10
			return
		}
		r.do(t)
		if transfer.CodeOf(r.sendErr) != wire.CodeTimeout {
			t.Errorf("sender without a receipt: %v", r.sendErr)
		}
		if r.receiveErr != nil || r.sink.commits != 1 {
			t.Errorf("receiver: %v, %d commits", r.receiveErr, r.sink.commits)
		}
		if len(r.people.warnings) != 1 || r.people.warnings[0] != transfer.WarnReceipt {
			t.Errorf("warnings %v", r.people.warnings)
		}
	})
}
