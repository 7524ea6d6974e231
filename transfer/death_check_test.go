package transfer_test

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/statedir"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// watch checks what must be durable before a frame goes out, and that no key seals
// twice.
func (w *world) watch(c *mortalConn, frame []byte) {
	kind, payload := wire.Type(frame[0]), frame[wire.HeaderSize:]
	switch kind {
	case wire.Hello:
		e := binary.BigEndian.Uint32(payload[1:])
		if e == 0 {
			return
		}
		stored := c.l.d.durable()
		if stored == nil || stored.Connection < e {
			w.t.Errorf("hello with %d, and stored is %v", e, stored)
			return
		}
		name := [36]byte(binary.BigEndian.AppendUint32(stored.TransferID[:], e))
		sum := sha256.Sum256(payload)
		w.mu.Lock()
		defer w.mu.Unlock()
		if old, ok := w.numbers[name]; ok && old != sum {
			w.t.Errorf("connection number %d is used twice", e)
		}
		w.numbers[name] = sum
	case wire.Bundle:
		// What an earlier process accepted is old.
		if _, e := c.heard(); e > 0 && c.l.checkpoint != nil && e <= c.l.checkpoint.Connection {
			w.t.Errorf("answers the hello with %d, and has taken up %v", e, c.l.checkpoint)
		}
	case wire.Accept:
		hello, e := c.heard()
		if e == 0 {
			return
		}
		// Before the check code matched a process has nothing to be taken up.
		if stored := c.l.d.durable(); stored != nil && stored.Connection < e {
			w.t.Errorf("accepts %d, and stored is %v", e, stored)
		}
		sum := sha256.Sum256(hello)
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.accepted[sum] {
			w.t.Errorf("connection number %d is accepted twice", e)
		}
		w.accepted[sum] = true
	case wire.Control, wire.Data:
		sum := sha256.Sum256(payload)
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.sealed[sum] {
			w.t.Error("a key was used twice")
		}
		w.sealed[sum] = true
	}
}

// checkRemove checks that nobody forgets what is still needed.
func (w *world) checkRemove(l *life) {
	c, sender := l.d.durable(), w.sender.durable()
	if c == nil || !l.lives() || l.isFull() || sender == nil || sender.TransferID != c.TransferID {
		return
	}
	if sender.Receipt == nil && sender.Code == "" {
		w.t.Errorf("the %s forgets a transfer that is not over", l.d.name)
	}
}

// explain checks why a process ended that was not killed.
func (w *world) explain(l *life, err error) {
	peer := w.sender
	if l.d == w.sender {
		peer = w.receiver
	}
	e, _ := errors.AsType[*transfer.Error](err)
	switch code := transfer.CodeOf(err); code {
	case wire.CodeTimeout, wire.CodeExpired, wire.CodeTaken:
		return
	case wire.CodeCancelled:
		if l.ctx.Err() != nil {
			return
		}
	case wire.CodeStorage:
		if e != nil && e.Peer && len(peer.full) > 0 || l.isFull() && errors.Is(err, syscall.ENOSPC) {
			w.note("disk full")
			return
		}
	}
	w.t.Errorf("the %s ended: %v", l.d.name, err)
}

// check is what holds however often which process died.
func (w *world) check() {
	w.t.Helper()
	if w.sent == nil {
		return // run has said so
	}
	// Of a history that began to go over again, behind the receipt, nothing is said.
	if w.listed = w.ended[w.sent.Root]; w.listed == nil {
		w.t.Errorf("the receipt is for the root %x, which nobody kept", w.sent.Root)
		return
	}
	if err := w.sink.holds(w.listed); err != nil {
		w.t.Error(err)
	}
	if w.changes == nil {
		if err := w.sink.equal(w.source); err != nil {
			w.t.Error(err)
		}
	}
	if w.sink.committed == nil || w.sent.Root != w.sink.committed.Root && !w.again() {
		w.t.Errorf("the sender has the root %x, and the sink %v", w.sent.Root, w.sink.committed)
	}
	if err := w.sent.Ledger.Balanced(); err != nil {
		w.t.Error(err)
	}
	if w.sent.State != nil {
		w.t.Errorf("left: %v", w.sent.State)
	}
	if c := w.sender.stored(); c != nil {
		w.t.Errorf("the sender is done, and keeps %v", c)
	}
	if r := w.received; r != nil && r.TransferID == w.sent.TransferID {
		w.checkReceived(r)
	} else if w.receiver.jumps == nil && !w.receiver.wasFull {
		w.t.Errorf("the receiver says %+v of another transfer than %+v", r, w.sent)
	}
	if w.t.Failed() {
		return // cleaning would find more of it
	}
	if len(w.store.begun) > 1 {
		w.note("another transfer")
	}
	w.sender.clean()
	w.receiver.clean()
}

// again tells whether the import was committed once more behind the receipt that the
// old device has: nothing at the new one said that there was one, as its sink keeps
// none and there was no room in its state.
func (w *world) again() bool { return !w.keeps && w.receiver.wasFull && w.sink.commits > 1 }

func (w *world) checkReceived(r *transfer.Result) {
	w.t.Helper()
	if w.again() {
		return
	}
	if w.sent.Root != r.Root || !w.sent.Ledger.Equal(r.Ledger) {
		w.t.Errorf("the two devices have different results:\n%+v\n%+v", w.sent, r)
	}
	if want := w.ledger(); w.keeps && !r.Ledger.Equal(want) {
		w.t.Errorf("the ledger is %+v, want %+v", r.Ledger, want)
	}
	if r.State != nil {
		w.t.Errorf("left: %v", r.State)
	}
	if c := w.receiver.stored(); c != nil && c.Receipt == nil && !w.receiver.wasFull {
		w.t.Errorf("the receiver is done, and keeps %v without a receipt", c)
	}
}

// clean lets the power of a device fail that is done, and its next command clean up.
func (d *device) clean() {
	d.disk.Crash(rand.New(rand.NewPCG(uint64(d.started), 5)))
	left := 0
	if c := d.stored(); c != nil {
		left = 1 // nobody told the receiver that it may forget
		if d == d.w.sender && (!d.killed || c.Receipt == nil && !d.wasFull) {
			d.w.t.Errorf("what the sender forgot is back: %v", c)
		}
	}
	dir, err := statedir.OpenOn(d.disk.Process(nil), statedir.Options{})
	if err == nil {
		err = errors.Join(dir.Clean(), dir.Close())
	}
	names := slices.DeleteFunc(d.disk.Names(), func(name string) bool { return strings.HasSuffix(name, ".transfer") })
	if all := d.disk.Names(); err != nil || !slices.Equal(names, []string{"key"}) || len(all) != 1+left {
		d.w.t.Errorf("left on the %s: %v, %v", d.name, all, err)
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
	for _, v := range w.store.staged[w.received.TransferID] {
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
	if len(w.store.begun) == 1 && l.There+l.AttachmentsThere > 0 {
		w.t.Errorf("one transfer alone staged %+v", l)
	}
	return l
}
