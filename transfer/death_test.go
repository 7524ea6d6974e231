package transfer_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
)

var errKilled = errors.New("the process was killed")

// A world is two devices whose processes die and are started again by their persons
// until both have ended well. What is on a disk, and in the sink, survives.
type world struct {
	t      *testing.T
	source *memorySource
	sink   *memorySink
	keeps  bool // the sink keeps receipts and ledgers

	changes *rand.Rand                 // between the processes of the sender; nil for a source that stays
	listed  *memorySource              // what the last manifest was made of
	ended   map[[32]byte]*memorySource // the same, by the root that came of it
	items   map[segment.ID]uint64      // of its segments

	net      *deathNet
	sender   *device
	receiver *device

	mu       sync.Mutex
	offer    *pairing.Offer // shown and not yet taken
	code     string         // on the old device's screen
	wants    bool           // the old device has nothing to go on with
	secrets  [][]byte       // of all offers and transfers: never on a disk
	sealed   map[[32]byte]bool
	numbers  map[[36]byte][sha256.Size]byte // M0 by transfer and e
	accepted map[[32]byte]bool              // M0 of each resume
	store    store

	wrong  uint64 // items too many in each ledger that the sink gives back
	unread error  // of what the sink has staged

	sent, received *transfer.Result
	giveUp         func()
	happened       map[string]int
}

func newWorld(t *testing.T, source *memorySource, keeps bool, sender, receiver []int) *world {
	w := &world{
		t: t, source: source, sink: newSink(t), keeps: keeps,
		sealed: map[[32]byte]bool{}, numbers: map[[36]byte][sha256.Size]byte{}, accepted: map[[32]byte]bool{}, store: newStore(), happened: map[string]int{}, ended: map[[32]byte]*memorySource{},
	}
	source.beforeManifest = w.list
	w.net = &deathNet{w: w, conns: make(chan *arrival)}
	w.sender = newDevice(w, "sender", pairing.RoleSender, sender)
	w.receiver = newDevice(w, "receiver", pairing.RoleReceiver, receiver)
	return w
}

// list notes what a manifest is made of.
func (w *world) list() {
	w.listed, w.items = w.source.clone(), map[segment.ID]uint64{}
	for _, p := range w.listed.pages {
		for i := range p.Entries {
			if e := &p.Entries[i]; e.Type == segment.SegmentType {
				w.items[e.Segment.ID] = e.Segment.Items
			}
		}
	}
}

// run is both persons, until both devices have ended well.
func (w *world) run() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 12*time.Hour) // fake
	defer cancel()
	w.giveUp = cancel
	stop := w.net.start()
	defer stop()
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
			for n := 0; w.received != nil && w.receiver.stored() == nil && !w.wanted() && ctx.Err() == nil; n++ {
				if n == 600 && w.receiver.jumps != nil {
					break // it is over for this clock alone: the person makes another offer
				}
				select {
				case <-sent:
					return
				case <-time.After(time.Second): // fake time: the old device has the receipt, and does not say so yet
				}
			}
			select {
			case <-sent:
				if w.sent == nil || w.content() {
					return
				}
			default: // the old device has no receipt: the person starts this one again
			}
		}
	})
	wait.Wait()
	if ctx.Err() != nil {
		w.t.Errorf("it never ends: %d processes of the sender, %d of the receiver", w.sender.started, w.receiver.started)
	}
}

// content tells whether the person at the new device has nothing left to do when the
// old one has said that the import is complete.
func (w *world) content() bool {
	if w.received != nil && w.received.TransferID == w.sent.TransferID {
		return true
	}
	// The new device's own word is lost: it was killed, and its clock says that the
	// lifetime is over, or it could not note that it has committed.
	return w.receiver.stored() == nil || w.receiver.wasFull
}

func (w *world) wanted() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.wants
}

func (w *world) want(wants bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wants = wants
}

func (w *world) takeOffer() *pairing.Offer {
	w.mu.Lock()
	defer w.mu.Unlock()
	o := w.offer
	if w.offer = nil; o != nil {
		w.wants = false
	}
	return o
}

func (w *world) offered() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.offer != nil
}

func (w *world) runSender(ctx context.Context) {
	time.Sleep(time.Second) // fake time: the person
	if !w.offered() && w.sender.stored() == nil {
		w.want(true)
		time.Sleep(3 * time.Second)
		return
	}
	l := w.sender.start(ctx)
	if !l.open() {
		l.stop()
		return
	}
	if w.changes != nil && w.sender.started > 1 && w.changes.IntN(2) == 0 {
		w.source.change(w.changes)
	}
	o := transfer.SendOptions{Source: w.source, Dialer: l, Prompter: l, State: l, Label: "old phone", Progress: w.progress, Resume: l.checkpoint}
	if o.Resume == nil || o.Resume.Receipt == nil { // which is success already
		o.Offer = w.takeOffer()
	}
	if o.Offer != nil {
		o.Resume = nil
	} else if o.Resume == nil {
		l.stop()
		return // its lifetime was over
	}
	w.resume(o.Resume)
	result, err := transfer.Send(l.ctx, o)
	if killed := l.stop(); err == nil && (!killed || w.sender.stored() == nil) {
		w.sent = l.result(result)
		if !w.store.has(result.TransferID) {
			w.t.Error("the sender reports success, and the sink has not committed")
		}
	} else if !killed {
		w.explain(l, err)
	}
}

func (w *world) runReceiver(ctx context.Context) {
	time.Sleep(time.Second) // fake time: the person
	l := w.receiver.start(ctx)
	if !l.open() {
		l.stop()
		return
	}
	if l.checkpoint != nil && w.wanted() {
		_ = l.Remove(ctx) // the person forgets it: the old device cannot go on
		l.checkpoint = nil
		w.note("forgotten")
	}
	if l.checkpoint == nil {
		w.received = nil // this is another transfer, and the person waits for its end
	}
	s := &mortalSink{memorySink: w.sink, l: l}
	o := transfer.ReceiveOptions{Sink: s, Acceptors: w.net.acceptors(l), Prompter: l, State: l, Resume: l.checkpoint}
	if w.keeps {
		o.Sink = &keepingSink{s}
	}
	o.Offer.Label, o.Offer.Routes = "new phone", w.net.routes
	w.resume(o.Resume)
	result, err := transfer.Receive(l.ctx, o)
	if killed := l.stop(); err == nil && (!killed || w.receiver.stored() == nil) {
		w.received = l.result(result)
	} else if !killed {
		w.explain(l, err)
	}
}

func (w *world) resume(stored *transfer.Checkpoint) {
	if stored != nil {
		w.note("resumed")
	}
}

// note counts what happened.
func (w *world) note(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.happened[what]++
}

// secret notes what may never be read on a disk.
func (w *world) secret(b []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.ContainsFunc(w.secrets, func(s []byte) bool { return bytes.Equal(s, b) }) {
		w.secrets = append(w.secrets, bytes.Clone(b))
	}
}
