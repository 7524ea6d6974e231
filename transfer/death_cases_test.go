package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// A process is killed at each of its steps, once, and started again.
func TestKilledAtEachStep(t *testing.T) {
	for _, keeps := range []bool{true, false} {
		for _, side := range []string{"sender", "receiver"} {
			t.Run(fmt.Sprintf("%s, receipts kept: %v", side, keeps), func(t *testing.T) {
				last, resumed := 1, 0
				for at := 0; at <= last; at++ {
					synctest.Test(t, func(t *testing.T) {
						kills := [][]int{nil, nil}
						if side == "sender" {
							kills[0] = []int{at}
						} else {
							kills[1] = []int{at}
						}
						w := newWorld(t, newSource(1, 1, 2, 1_000, 70_000), keeps, kills[0], kills[1])
						w.run()
						w.check()
						if c := w.receiver.stored(); c != nil && side == "sender" {
							t.Errorf("the sender came back with the receipt, and the receiver keeps %v", c)
						}
						resumed += w.resumed
						if at == 0 {
							last = w.sender.steps
							if side == "receiver" {
								last = w.receiver.steps
							}
						}
						if t.Failed() {
							t.Fatalf("killed at step %d of %d", at, last)
						}
					})
					if t.Failed() {
						return
					}
				}
				if last < 20 || resumed < last/2 {
					t.Errorf("%d steps, %d stored transfers taken up", last, resumed)
				}
			})
		}
	}
}

// A ledger of the sink that cannot be one of its segment counts for nothing: what is
// held is already there, and the transfer gets to its end.
func TestStagedLedgerIsWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, newSource(1, 1, 4, 1_000, 0), true, nil, []int{40})
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
		w := newWorld(t, newSource(1, 1, 4, 1_000, 0), true, nil, []int{40})
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
