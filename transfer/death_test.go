package transfer_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

var errKilled = errors.New("the process was killed")

// A world is two devices whose processes are killed and started again by their
// persons until both have ended well. What is on a disk, and in the sink, survives.
type world struct {
	t      *testing.T
	source *memorySource
	sink   *memorySink
	keeps  bool // the sink keeps receipts and ledgers

	changes *rand.Rand    // between the processes of the sender; nil for a source that stays
	listed  *memorySource // what the last manifest was made of

	conns    chan wire.Conn
	sender   *device
	receiver *device

	mu      sync.Mutex
	offer   *pairing.Offer // shown and not yet taken
	code    string         // on the old device's screen
	secrets [][]byte       // of all offers: never on a disk
	sealed  map[[32]byte]bool
	numbers map[[36]byte][sha256.Size]byte // M0 by transfer and e
	receipt []byte                         // in the sink
	held    [32]byte                       // the transfer that it is of
	staged  map[[32]byte][]segment.Staged  // in the sink, by transfer

	wrong  uint64 // items too many in each ledger that the sink gives back
	unread error  // of what the sink has staged

	sent, received *transfer.Result
	giveUp         func()
	resumed        int // processes that took up what was stored
}

func newWorld(t *testing.T, source *memorySource, keeps bool, sender, receiver []int) *world {
	w := &world{
		t: t, source: source, sink: newSink(t), keeps: keeps, conns: make(chan wire.Conn),
		sealed: map[[32]byte]bool{}, numbers: map[[36]byte][sha256.Size]byte{}, staged: map[[32]byte][]segment.Staged{},
	}
	source.beforeManifest = func() { w.listed = source.clone() }
	w.sender = &device{w: w, name: "sender", kills: sender}
	w.receiver = &device{w: w, name: "receiver", kills: receiver}
	return w
}

// run is both persons, until both devices have ended well.
func (w *world) run() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 6*time.Hour) // fake
	defer cancel()
	w.giveUp = cancel
	var wait sync.WaitGroup
	sent := make(chan struct{})
	wait.Go(func() {
		defer close(sent)
		for w.sent == nil && ctx.Err() == nil {
			w.runSender(ctx)
		}
	})
	wait.Go(func() {
		for ctx.Err() == nil {
			w.runReceiver(ctx)
			if w.received == nil {
				continue
			}
			if w.receiver.stored() == nil {
				return
			}
			select {
			case <-sent:
				return
			default: // the old device has no receipt: the person starts this one again
			}
		}
	})
	wait.Wait()
	if ctx.Err() != nil {
		w.t.Errorf("it never ends: %d processes of the sender, %d of the receiver", w.sender.started, w.receiver.started)
	}
}

func (w *world) runSender(ctx context.Context) {
	time.Sleep(time.Second) // fake time: the person
	l := w.sender.start(ctx)
	if w.changes != nil && w.sender.started > 1 && w.changes.IntN(2) == 0 {
		w.source.change(w.changes)
	}
	o := transfer.SendOptions{Source: w.source, Dialer: l, Prompter: l, State: l, Label: "old phone"}
	w.mu.Lock()
	o.Offer, w.offer = w.offer, nil
	w.mu.Unlock()
	if o.Offer == nil {
		o.Resume = w.sender.stored()
	}
	if o.Offer == nil && o.Resume == nil {
		w.sender.started--
		return
	}
	w.resume(o.Resume)
	result, err := transfer.Send(l.ctx, o)
	if killed := l.stop(); err == nil && (!killed || w.sender.stored() == nil) {
		w.sent = l.result(result)
	}
}

func (w *world) runReceiver(ctx context.Context) {
	time.Sleep(time.Second) // fake time: the person
	l := w.receiver.start(ctx)
	s := &mortalSink{w.sink, l}
	o := transfer.ReceiveOptions{Sink: s, Acceptors: []transfer.Acceptor{l}, Prompter: l, State: l}
	if w.keeps {
		o.Sink = &keepingSink{s}
	}
	o.Offer.Label = "new phone"
	o.Resume = w.receiver.stored()
	w.resume(o.Resume)
	result, err := transfer.Receive(l.ctx, o)
	if killed := l.stop(); err == nil && (!killed || w.receiver.stored() == nil) {
		w.received = l.result(result)
	}
}

func (w *world) resume(stored *transfer.Checkpoint) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if stored != nil {
		w.resumed++
	}
}

// check is what holds however often which process was killed.
func (w *world) check() {
	w.t.Helper()
	if w.sent == nil || w.received == nil {
		return // run has said so
	}
	if err := w.sink.holds(w.listed); err != nil {
		w.t.Error(err)
	}
	if w.changes == nil {
		if err := w.sink.equal(w.source); err != nil {
			w.t.Error(err)
		}
	}
	if w.sent.Root != w.received.Root || !w.sent.Ledger.Equal(w.received.Ledger) || w.sent.TransferID != w.received.TransferID ||
		w.sink.committed == nil || w.sent.Root != w.sink.committed.Root {
		w.t.Errorf("the two devices have different results:\n%+v\n%+v", w.sent, w.received)
	}
	if err := w.sent.Ledger.Balanced(); err != nil {
		w.t.Error(err)
	}
	if want := w.ledger(); w.keeps && !w.received.Ledger.Equal(want) {
		w.t.Errorf("the ledger is %+v, want %+v", w.received.Ledger, want)
	}
	if w.sent.State != nil || w.received.State != nil {
		w.t.Errorf("left: %v, %v", w.sent.State, w.received.State)
	}
	if c := w.sender.stored(); c != nil {
		w.t.Errorf("the sender is done, and keeps %v", c)
	}
	if c := w.receiver.stored(); c != nil && c.Receipt == nil {
		w.t.Errorf("the receiver is done, and keeps %v without a receipt", c)
	}
}

// ledger is that of the transfer that was committed, if no death counts: what it
// staged and still lists is imported, and the rest, of one before it that ended for
// good, is there, unless it is nowhere.
func (w *world) ledger() (l segment.Ledger) {
	type leaf struct {
		id         segment.ID
		room, name string
	}
	items, room := map[leaf]uint64{}, ""
	for _, p := range w.listed.pages {
		for _, e := range p.Entries {
			switch e.Type {
			case segment.RoomType:
				room = e.Room.ID
			case segment.SegmentType:
				items[leaf{id: e.Segment.ID}] = e.Segment.Items
				l.Source += e.Segment.Items
			default:
				items[leaf{room: room, name: e.Attachment.MessageID}] = 0
				l.Attachments++
			}
		}
	}
	for _, v := range w.staged[w.received.TransferID] {
		k := leaf{id: v.Segment, room: v.Room}
		if v.Attachment != nil {
			k.name = v.Attachment.MessageID
		}
		n, listed := items[k]
		delete(items, k) // counted
		switch {
		case !listed:
		case v.Attachment != nil:
			l.AttachmentsImported++
		default:
			l.Imported += n
		}
	}
	for k := range items {
		if k.name != "" && w.listed.content[k.name] == nil && w.sink.content[k.name] == nil {
			l.AddAttachmentQuarantined(segment.ContentAbsent, 1)
		}
	}
	l.There, l.AttachmentsThere = l.Source-l.Imported, l.Attachments-l.AttachmentsImported-l.AttachmentsQuarantined[segment.ContentAbsent]
	if len(w.staged) == 1 && l.There+l.AttachmentsThere > 0 {
		w.t.Errorf("one transfer alone staged %+v", l)
	}
	return l
}

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
		w := newWorld(t, newSource(1, 1, 4, 1_000, 0), true, nil, []int{14})
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
		w := newWorld(t, newSource(1, 1, 4, 1_000, 0), true, nil, []int{20})
		w.unread = errors.New("the disk is gone")
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour) // fake
		defer cancel()
		var wait sync.WaitGroup
		wait.Go(func() { time.Sleep(time.Second); w.runSender(ctx) }) // fake time
		w.runReceiver(ctx)
		l := w.receiver.start(ctx)
		defer l.stop()
		_, err := transfer.Receive(l.ctx, transfer.ReceiveOptions{
			Sink: &keepingSink{&mortalSink{w.sink, l}}, Acceptors: []transfer.Acceptor{l}, Prompter: l, State: l, Resume: w.receiver.stored(),
		})
		if transfer.CodeOf(err) != wire.CodeStorage || !errors.Is(err, w.unread) || w.receiver.stored() == nil {
			t.Errorf("%v, stored %v", err, w.receiver.stored())
		}
		cancel()
		wait.Wait()
	})
}

// Processes of both devices are killed at random steps, again and again.
// VCON_TRANSFER_SEED=42 runs one seed alone, VCON_TRANSFER_SEEDS=100000 more.
func TestKilledAgainAndAgain(t *testing.T) {
	from, n := number("VCON_TRANSFER_SEED", 0), number("VCON_TRANSFER_SEEDS", 150)
	if os.Getenv("VCON_TRANSFER_SEED") != "" {
		n = 1
	}
	resumed := 0
	for seed := from; seed < from+n; seed++ {
		synctest.Test(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 3))
			kills := make([][]int, 2)
			for i := range kills {
				for range rnd.IntN(5) {
					kills[i] = append(kills[i], 1+rnd.IntN(60))
				}
			}
			w := newWorld(t, newSource(seed, 1+rnd.IntN(2), 1+rnd.IntN(4), 1+rnd.IntN(9_000), rnd.IntN(2)*rnd.IntN(150_000)), rnd.IntN(2) == 0, kills[0], kills[1])
			if rnd.IntN(2) == 0 {
				w.changes = rnd
			}
			w.run()
			w.check()
			resumed += w.resumed
			if t.Failed() {
				t.Fatalf("run again with VCON_TRANSFER_SEED=%d", seed)
			}
		})
		if t.Failed() {
			return
		}
	}
	if n > 10 && resumed < int(n) {
		t.Errorf("%d stored transfers were taken up with %d seeds: few were killed", resumed, n)
	}
}
