package host

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
)

// The sink keeps the contract of every sink, with a host that does.
func TestSinkContract(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transfertest.CheckSink(t, func() transfer.Sink {
			s := newStore(t)
			sink := s.sink(t.TempDir(), SinkOptions{})
			t.Cleanup(func() { s.close(sink) })
			return sink
		})
	})
}

// What the host does not take is in both ledgers, with its reason.
func TestSinkRejects(t *testing.T) {
	transfertest.CheckLeaks(t)
	s := newStore(t)
	n := 0
	s.reject = func(item map[string]any) string {
		if n++; item["path"] != nil {
			return "too-large"
		} else if n == 3 || n == 5 {
			return "no-such-room"
		}
		return ""
	}
	sink := s.sink(t.TempDir(), SinkOptions{})
	defer s.close(sink)
	o := s.run(sampleSource(t), sink)
	if err := o.Err(); err != nil {
		t.Fatal(err)
	}
	for _, l := range []segment.Ledger{o.Sent.Ledger, o.Received.Ledger} {
		if l.Quarantined["host no-such-room"] != 2 || l.AttachmentsQuarantined["host too-large"] != 1 || l.Lost() != 2 ||
			l.Imported+l.Tombstones != l.Source-2 || l.Balanced() != nil {
			t.Errorf("%+v", l)
		}
	}
	if len(s.items) != int(o.Sent.Ledger.Source)-2 || len(s.contents) != 0 || s.commits != 1 {
		t.Errorf("%d items, %d contents, %d commits", len(s.items), len(s.contents), s.commits)
	}
	left, err := os.ReadDir(sink.path + "/" + partsDir)
	if err != nil || len(left) > 0 {
		t.Errorf("a content that nobody wants: %v, %v", left, err)
	}
}

// More codes than a ledger lists end in one row and not in an error.
func TestSinkManyReasons(t *testing.T) {
	s := newStore(t)
	n := 0
	s.reject = func(map[string]any) string { n++; return fmt.Sprintf("reason-%d", n) }
	sink := s.sink(t.TempDir(), SinkOptions{})
	defer s.close(sink)
	for i := range 40 {
		if r := sink; i == 0 {
			r.reasons = make(map[string]bool)
		}
		sink.reason(fmt.Sprintf("code-%d", i))
	}
	if got := sink.reason("code-40"); got != "host" || len(sink.reasons) != maxRejections {
		t.Errorf("%q, %d reasons", got, len(sink.reasons))
	}
	if o := s.run(sampleSource(t), sink); o.Err() != nil || len(o.Sent.Ledger.Quarantined) > segment.MaxReasons || o.Sent.Ledger.Lost() == 0 {
		t.Errorf("%v, %+v", o.Err(), o.Sent)
	}
}

// A slow host has as many batches as its window, and the connection lasts.
func TestSinkWindow(t *testing.T) {
	for _, window := range []int{1, DefaultWindow, MaxWindow} {
		synctest.Test(t, func(t *testing.T) {
			s := newStore(t)
			s.slow = 20 * time.Second // more than a device may be silent
			sink := s.sink(t.TempDir(), SinkOptions{})
			defer s.close(sink)
			s.conn.Command(fmt.Appendf(nil, `{"cmd":"window","size":%d}`, window))
			network := new(transfertest.Network)
			o := transfertest.Run(t.Context(), transfer.SendOptions{Source: manySource(t, 2000), Dialer: network},
				transfer.ReceiveOptions{Sink: sink, Acceptors: []transfer.Acceptor{network}})
			if err := o.Err(); err != nil || network.Made() != 1 {
				t.Fatalf("%d connections, %v", network.Made(), err)
			}
			for _, n := range s.batches {
				if n > MaxBatchItems {
					t.Errorf("a batch of %d items", n)
				}
			}
			if want := min(window, s.largest()); s.most != want {
				t.Errorf("window %d: %d in flight, want %d", window, s.most, want)
			}
		})
	}
}

// largest is how many batches the segment with the most has.
func (s *store) largest() (most int) {
	run := 0
	for _, n := range s.batches {
		if run++; n < MaxBatchItems {
			most, run = max(most, run), 0
		}
	}
	return most
}

// An ack that is none is told and not taken.
func TestSinkHostileAcks(t *testing.T) {
	s := newStore(t)
	warned := 0
	s.say = func(e map[string]any, answer string) string {
		if e["event"] == "warning" {
			warned++
			return ""
		}
		if e["event"] != "batch" {
			return answer
		}
		n := int(e["batch"].(float64))
		for _, bad := range []string{
			fmt.Sprintf(`{"cmd":"ack","batch":%d}`, n+1),
			fmt.Sprintf(`{"cmd":"ack","batch":%d,"there":[100000]}`, n),
			fmt.Sprintf(`{"cmd":"ack","batch":%d,"there":[-1]}`, n),
			fmt.Sprintf(`{"cmd":"ack","batch":%d,"there":[0,0]}`, n),
			fmt.Sprintf(`{"cmd":"ack","batch":%d,"there":[0],"rejected":[{"item":0,"code":"x"}]}`, n),
		} {
			s.answers <- bad
		}
		return answer
	}
	sink := s.sink(t.TempDir(), SinkOptions{})
	defer s.close(sink)
	if o := s.run(sampleSource(t), sink); o.Err() != nil || o.Sent.Ledger.Imported != 14 {
		t.Errorf("%v, %+v", o.Err(), o.Sent)
	}
	if want := 5 * len(s.batches); warned != want {
		t.Errorf("%d warnings, want %d", warned, want)
	}
}

// A host that is silent, or does not commit, ends the run; the next one goes on.
func TestSinkRefusals(t *testing.T) {
	for event, c := range map[string]struct {
		answer string
		code   string
	}{
		"have":   {"", "timeout"},
		"batch":  {"", "timeout"},
		"commit": {`{"cmd":"abort","code":"disk-full"}`, "storage"},
	} {
		t.Run(event, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, dir := newStore(t), t.TempDir()
				s.say = func(e map[string]any, answer string) string {
					if e["event"] == event {
						return c.answer
					}
					return answer
				}
				sink := s.sink(dir, SinkOptions{})
				o := s.run(sampleSource(t), sink)
				s.close(sink)
				if got := CodeOf(o.ReceiveErr); got != c.code || o.SendErr == nil {
					t.Errorf("%s: %v; %v", got, o.ReceiveErr, o.SendErr)
				}
				s.say = nil
				sink = s.sink(dir, SinkOptions{})
				defer s.close(sink)
				if o := s.run(sampleSource(t), sink); o.Err() != nil {
					t.Error(o.Err())
				}
			})
		})
	}
}

var errDied = errors.New("died")

// Whatever step a process dies behind, the next one ends with each item once, and
// nothing that is in the journal comes again.
func TestSinkDies(t *testing.T) {
	whole := newStore(t)
	sink := whole.sink(t.TempDir(), SinkOptions{})
	source := manySource(t, 2000)
	o := whole.run(source, sink)
	if o.Err() != nil {
		t.Fatal(o.Err())
	}
	ledger := o.Received.Ledger
	whole.close(sink)
	events := len(whole.batches) + 1 // and commit
	for at := range events {
		s, dir, state := newStore(t), t.TempDir(), [2]transfertest.State{}
		s.repeats = true
		done := make(map[string]bool) // segments and contents of which all was acknowledged: others came since
		last, n := "", 0
		// A host that does not say what it has: the journal is all there is.
		s.say = func(e map[string]any, answer string) string {
			switch e["event"] {
			case "have":
				return `{"cmd":"have"}`
			case "batch", "commit":
				what := fmt.Sprint(e["segment"], e["attachments"])
				if done[what] {
					t.Errorf("death at %d: %s was acknowledged and came again", at, what)
				}
				if last != "" && last != what {
					done[last] = true
				}
				last = what
				if n++; n-1 == at {
					last = ""
					return `{"cmd":"cancel"}` // the host has it, and nobody hears of it
				}
			}
			return answer
		}
		sink := s.sink(dir, SinkOptions{})
		ctx, cancel := context.WithCancelCause(t.Context())
		s.conn.opts.Cancel = func(error) { cancel(errDied) }
		s.both(ctx, source, sink, &state)
		cancel(nil)
		s.close(sink)
		sink = s.sink(dir, SinkOptions{})
		o := s.both(t.Context(), source, sink, &state)
		s.close(sink)
		if o.Err() != nil {
			t.Fatalf("death at %d: %v", at, o.Err())
		}
		if !maps.EqualFunc(s.items, whole.items, func(a, b stagedItem) bool { return a.dialog == b.dialog }) || !maps.Equal(s.contents, whole.contents) {
			t.Errorf("death at %d: %d items of %d, %d contents of %d", at, len(s.items), len(whole.items), len(s.contents), len(whole.contents))
		}
		if s.final != 1 {
			t.Errorf("death at %d: committed %d times", at, s.final)
		}
		if l := o.Received.Ledger; !l.Equal(ledger) || !l.Equal(o.Sent.Ledger) {
			t.Errorf("death at %d: %+v", at, l)
		}
	}
}

// both runs both devices, going on with what state has.
func (s *store) both(ctx context.Context, source transfer.Source, sink transfer.Sink, state *[2]transfertest.State) *transfertest.Outcome {
	send := transfer.SendOptions{Source: source, State: &state[0]}
	receive := transfer.ReceiveOptions{Sink: sink, State: &state[1]}
	var err error
	if receive.Resume, err = state[1].Load(); err != nil {
		s.t.Fatal(err)
	}
	if receive.Resume != nil {
		if send.Resume, err = state[0].Load(); err != nil {
			s.t.Fatal(err)
		}
	}
	return transfertest.Run(ctx, send, receive)
}
