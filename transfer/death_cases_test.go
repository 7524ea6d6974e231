package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// A process is killed at each of its steps, once, and started again. What its device
// keeps of that, and whether the other one hears of it, is another matter each time.
func TestKilledAtEachStep(t *testing.T) {
	for _, keeps := range []bool{true, false} {
		for _, power := range []bool{true, false} {
			atEachStep(t, fmt.Sprintf("receipts kept: %v, power fails: %v", keeps, power), func(t *testing.T, side string, at int) (int, bool) {
				w := newWorld(t, newSource(1, 1, 2, 1_000, 70_000), keeps, nil, nil)
				d := w.device(side)
				d.kills = []int{at}
				if power {
					d.fate = rand.New(rand.NewPCG(uint64(at), 1))
				}
				w.run()
				w.check()
				if c := w.receiver.stored(); c != nil && side == "sender" && !power {
					t.Errorf("the sender came back with the receipt, and the receiver keeps %v", c)
				}
				return d.steps, w.happened["resumed"] > 0
			})
		}
	}
}

// From each step on there is no room on one device, until its person makes some.
func TestDiskFullAtEachStep(t *testing.T) {
	for _, keeps := range []bool{true, false} {
		atEachStep(t, fmt.Sprintf("receipts kept: %v", keeps), func(t *testing.T, side string, at int) (int, bool) {
			w := newWorld(t, newSource(1, 1, 2, 1_000, 70_000), keeps, nil, nil)
			d := w.device(side)
			d.full = []int{at}
			w.run()
			w.check()
			return d.steps, w.happened["disk full"] > 0
		})
	}
}

// atEachStep runs a world for each step of a process, the first time with 0, which
// says how many there are. Something must come of half of them.
func atEachStep(t *testing.T, name string, run func(t *testing.T, side string, at int) (steps int, came bool)) {
	for _, side := range []string{"sender", "receiver"} {
		t.Run(side+", "+name, func(t *testing.T) {
			last, came := 1, 0
			for at := 0; at <= last; at++ {
				synctest.Test(t, func(t *testing.T) {
					steps, ok := run(t, side, at)
					if at == 0 {
						last = steps
					}
					if ok {
						came++
					}
					if t.Failed() {
						t.Fatalf("at step %d of %d", at, last)
					}
				})
				if t.Failed() {
					return
				}
			}
			if last < 60 || came < last/3 {
				t.Errorf("%d steps, and something came of %d", last, came)
			}
		})
	}
}

func (w *world) device(name string) *device {
	if name == "sender" {
		return w.sender
	}
	return w.receiver
}

// The relay dies at each of the writes over it, and its successor knows nothing.
func TestRelayDiesAtEachWrite(t *testing.T) {
	for _, silent := range []bool{false, true} {
		died := 0
		for at := 1; at < 30; at++ {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, newSource(1, 1, 2, 1_000, 70_000), true, nil, nil)
				w.net.routes = []pairing.Route{relayRoute}
				w.net.relays = []relayDeath{{at, silent, time.Duration(at) * time.Second}}
				w.run()
				w.check()
				died += w.happened["relay died"]
				if t.Failed() {
					t.Fatalf("at write %d, silent: %v", at, silent)
				}
			})
		}
		if died < 10 {
			t.Errorf("the relay died %d times", died)
		}
	}
}

// The wall clock of a device jumps while a transfer is under way: within its bounds
// that is gone on with; beyond them it is over, and there is another one.
func TestClockJumps(t *testing.T) {
	for _, side := range []string{"sender", "receiver"} {
		for _, c := range []struct {
			by   time.Duration
			over bool
		}{{23 * time.Hour, false}, {25 * time.Hour, true}, {-23 * time.Hour, false}, {-25 * time.Hour, true}} {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, newSource(1, 1, 4, 1_000, 0), true, nil, nil)
				d := w.device(side)
				d.kills, d.jumps = []int{map[string]int{"sender": 70, "receiver": 40}[side]}, []time.Duration{0, c.by}
				w.run()
				w.check()
				if jumped, over := w.happened["clock jumped"], w.happened["over"]; jumped != 1 || over > 0 != c.over || len(w.store.begun) > 1 != c.over {
					t.Errorf("%s, %v: %v, %d transfers", side, c.by, w.happened, len(w.store.begun))
				}
			})
		}
	}
}

// The old device has the receipt when it dies, and the new one had no room to note
// that it gave one, with a sink that does not keep it either. So the history, which has
// changed, goes over once more, and the old device dies in that too: it still has what
// its receipt is of.
func TestDiesInSendingAgainWithReceipt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, newSource(1, 1, 4, 1_000, 0), false, nil, nil)
		var root [32]byte
		again := 0
		w.sender.saves = func(process int, c *transfer.Checkpoint) saving {
			switch {
			case process == 1 && c.Receipt != nil:
				root = c.End.Root
				w.receiver.now.killNow()
				w.source.change(rand.New(rand.NewPCG(5, 0)))
				return savingIsTheLast
			case process == 2:
				if again++; again == 3 { // the number of the connection, progress, and the end
					return savingIsTheLast
				}
			}
			return savingWorks
		}
		w.receiver.saves = func(process int, c *transfer.Checkpoint) saving {
			if process == 1 && c.Receipt != nil {
				return savingHasNoRoom
			}
			return savingWorks
		}
		w.run()
		if w.sent == nil {
			return // run has said so
		}
		if err := w.sink.holds(w.listed); err != nil || w.sent.Root != w.sink.committed.Root {
			t.Errorf("%v, sent %+v, committed %+v", err, w.sent, w.sink.committed)
		}
		if again != 3 || w.sender.started != 3 || w.sent.Root == root {
			t.Errorf("saved %d times in the second of %d processes, ended with %x and before that with %x", again, w.sender.started, w.sent.Root, root)
		}
	})
}

// A ledger of the sink that cannot be one of its segment counts for nothing: what is
// held is already there, and the transfer gets to its end.
func TestStagedLedgerIsWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, newSource(1, 1, 4, 1_000, 0), true, nil, []int{42})
		w.wrong = 1
		w.run()
		if w.received == nil {
			return // run has said so
		}
		l := w.received.Ledger
		if l.There == 0 || l.There > 30 || l.Imported != l.Source-l.There || l.Balanced() != nil {
			t.Errorf("%+v", l)
		}
	})
}

// A sink that cannot say what it staged fails the transfer, and the checkpoint stays.
func TestStagedIsNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, newSource(1, 1, 4, 1_000, 0), true, nil, []int{42})
		w.unread = errors.New("the disk is gone")
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour) // fake
		defer cancel()
		var wait sync.WaitGroup
		wait.Go(func() { time.Sleep(time.Second); w.runSender(ctx) }) // fake time
		w.runReceiver(ctx)
		l := w.receiver.start(ctx)
		defer l.stop()
		l.open()
		_, err := transfer.Receive(l.ctx, transfer.ReceiveOptions{
			Sink: &keepingSink{&mortalSink{memorySink: w.sink, l: l}}, Acceptors: w.net.acceptors(l), Prompter: l, State: l, Resume: l.checkpoint,
		})
		if transfer.CodeOf(err) != wire.CodeStorage || !errors.Is(err, w.unread) || w.receiver.stored() == nil {
			t.Errorf("%v, stored %v", err, w.receiver.stored())
		}
		cancel()
		wait.Wait()
	})
}
