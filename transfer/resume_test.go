package transfer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// cutOnce is a run whose first connection breaks after so many bytes of the
// sender; between is called before the second one.
func cutOnce(t *testing.T, src *memorySource, after int64, between func()) *run {
	r := newRun(t, src)
	r.network.faults = func(n int) (out, back transfertest.Faults) {
		if n == 0 {
			out.CutAfter = after
		}
		return
	}
	r.network.down = func(n int) bool {
		if n == 1 {
			between()
		}
		return false
	}
	return r
}

// The source loses a content of which the receiver has a part: that is counted,
// and the rest goes on.
func TestContentGoneAfterCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newSource(1, 1, 2, 1_000, 500_000)
		r := cutOnce(t, src, 300_000, func() { delete(src.content, "message-0-0") })
		r.do(t)
		if r.sendErr != nil || r.receiveErr != nil || r.sink.commits != 1 {
			t.Fatalf("send: %v\nreceive: %v", r.sendErr, r.receiveErr)
		}
		l := r.sent.Ledger
		if l.AttachmentsQuarantined[segment.ContentAbsent] != 1 || l.AttachmentsImported != 1 || !l.Equal(r.received.Ledger) {
			t.Errorf("ledger %+v", l)
		}
	})
}

// The source has another content under the same name by now: what the receiver
// has of the old one is thrown away.
func TestContentChangedAfterCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newSource(1, 1, 2, 1_000, 500_000)
		r := cutOnce(t, src, 300_000, func() {
			src.content["message-0-0"] = bytes.Repeat([]byte("new"), 200_000)[:500_000]
		})
		r.do(t)
		r.succeeded(t)
		if r.sent.Reconnects != 2 {
			t.Errorf("%d reconnects, want one for the cut and one for the hash", r.sent.Reconnects)
		}
	})
}

// A message has the same attachment twice, and the connection breaks inside: the
// second one does not go on where the first one was.
func TestSameAttachmentTwiceAfterCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newSource(1, 1, 1, 1_000, 500_000)
		entries := src.pages[0].Entries
		src.pages[0].Entries = append(entries, entries[2])
		r := cutOnce(t, src, 300_000, func() {})
		r.do(t)
		r.succeeded(t)
		if n := r.sent.Ledger.AttachmentsImported; n != 2 {
			t.Errorf("%d attachments imported, want 2", n)
		}
	})
}

// A damagedSink finds once that what it kept of an attachment is damaged.
type damagedSink struct {
	*memorySink
	found bool
}

func (s *damagedSink) StageAttachment(ctx context.Context, r segment.RoomEntry, id segment.ID, e segment.AttachmentEntry, offset uint64) (segment.AttachmentWriter, error) {
	if offset > 0 && !s.found {
		s.found = true
		delete(s.partial, e.MessageID)
		return nil, fmt.Errorf("read what is there: %w", segment.ErrHash)
	}
	return s.memorySink.StageAttachment(ctx, r, id, e, offset)
}

func TestPartIsDamagedAfterCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := cutOnce(t, newSource(1, 1, 2, 1_000, 500_000), 300_000, func() {})
		r.wrapSink = func(s *memorySink) transfer.Sink { return &damagedSink{memorySink: s} }
		r.do(t)
		r.succeeded(t)
	})
}

// The source's own reader fails at the end.
func TestAttachmentDoesNotClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(t, newSource(1, 1, 1, 100, 100))
		r.source.closing = errors.New("disk error")
		r.do(t)
		r.refused(t, wire.CodeSource, wire.CodeSource)
	})
}

// Cancelled while no connection is there, and while the person is asked.
func TestCancelWithoutConnection(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			n, people := newNetwork(), newPeople()
			done := make(chan error)
			go func() {
				_, err := transfer.Receive(ctx, transfer.ReceiveOptions{
					Sink: newSink(t), Acceptors: []transfer.Acceptor{n}, Prompter: people,
				})
				done <- err
			}()
			l, s := greet(t, n, newSender(t, <-people.offer))
			l.request(s)
			l.record(confirm)
			l.conn.Close()
			synctest.Wait()
			cancel()
			if err := <-done; transfer.CodeOf(err) != wire.CodeCancelled {
				t.Error(err)
			}
		})
	}
}

// The totals are those of the manifest so far, before the bytes are there.
func TestTotalsComeFromTheManifest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(t, newSource(1, 1, 20, 100_000, 300_000))
		r.sink.slow = time.Second
		r.do(t)
		r.succeeded(t)
		all := transfer.Progress{Bytes: 20 * 400_000, Messages: 200}
		for i, p := range r.progress {
			if p.TotalBytes != all.Bytes || p.TotalMessages != all.Messages {
				t.Errorf("report %d: totals %d bytes, %d messages", i, p.TotalBytes, p.TotalMessages)
			}
		}
		if last := r.progress[len(r.progress)-1]; last.Bytes != all.Bytes || last.Messages != all.Messages || len(r.progress) < 10 {
			t.Errorf("last of %d reports: %+v", len(r.progress), last)
		}
	})
}

// The route that worked leads nowhere after the cut, without an answer: the other
// one is tried while the receiver waits.
func TestOtherRouteAfterCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := pairing.Route{Kind: pairing.RouteTCP, Addr: netip.MustParseAddrPort("192.168.1.2:7373")}
		two := pairing.Route{Kind: pairing.RouteTCP, Addr: netip.MustParseAddrPort("10.0.0.2:7373")}
		r := cutOnce(t, newSource(1, 1, 2, 1_000, 500_000), 300_000, func() {})
		r.routes = []pairing.Route{one, two}
		r.network.hang = func(n int, route pairing.Route) bool { return n > 0 && route == one }
		r.do(t)
		r.succeeded(t)
		if r.sent.Route != two {
			t.Errorf("went over %v", r.sent.Route)
		}
	})
}

// A connection that is not back soon is told of on both devices, and on neither when
// it is; a transfer that goes on for good is one that nobody came back to.
func TestInterrupted(t *testing.T) {
	for _, c := range []struct {
		name  string
		tries int // that fail after the cut
		told  int
	}{{"back at once", 0, 0}, {"back late", 6, 1}, {"never back", 1 << 20, 1}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := cutOnce(t, newSource(1, 1, 2, 1_000, 500_000), 300_000, func() {})
				r.network.down = func(n int) bool { return n > 0 && n <= c.tries }
				r.do(t)
				if c.tries <= 6 {
					r.succeeded(t)
				} else if transfer.CodeOf(r.sendErr) != wire.CodeTimeout || transfer.CodeOf(r.receiveErr) != wire.CodeTimeout {
					t.Errorf("send: %v, receive: %v", r.sendErr, r.receiveErr)
				}
				for side, told := range map[string][]transfer.Interruption{"sender": r.sendLate, "receiver": r.receiveLate} {
					if len(told) != c.told {
						t.Errorf("the %s is told %d times, not %d", side, len(told), c.told)
					}
					for _, i := range told {
						if i.Cause == nil || i.Until.IsZero() {
							t.Errorf("the %s is told %+v", side, i)
						}
					}
				}
			})
		})
	}
}

// Of a peer, or a relay, that freezes, the error says what was found, once, on the
// side that hears nothing any more.
func TestFrozenConnection(t *testing.T) {
	for _, back := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := newRun(t, newSource(1, 1, 2, 1_000, 500_000))
			r.network.down = func(n int) bool { return n > 0 }
			r.network.faults = func(int) (there, here transfertest.Faults) {
				if back {
					here.StallAfter = 1_750 // READY has passed
				} else {
					there.StallAfter = 1_750 // READY has passed
				}
				return
			}
			r.do(t)
			if e := r.sendErr; transfer.CodeOf(e) != wire.CodeTimeout || strings.Count(e.Error(), "timeout: ") != 1 {
				t.Errorf("sender: %v", e)
			}
			// The receiver of a small history has all of it before its answers stall.
			if e := r.receiveErr; !back && (transfer.CodeOf(e) != wire.CodeTimeout || strings.Count(e.Error(), "timeout: ") != 1) || back && e != nil {
				t.Errorf("receiver: %v", e)
			}
			late := r.receiveLate
			if back {
				late = r.sendLate
			}
			if len(late) != 1 || !strings.Contains(late[0].Cause.Error(), "nothing was heard for 15s") {
				t.Errorf("back %v: told %+v", back, late)
			}
		})
	}
}
