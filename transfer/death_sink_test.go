package transfer_test

import (
	"bytes"
	"context"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/transfer"
)

// A store is what is known of the sink beside its content.
type store struct {
	mu       *sync.Mutex
	begun    map[[32]byte]bool
	receipts map[[32]byte][]byte           // of the transfers that it has committed
	certain  map[[32]byte]bool             // those of which Commit has returned
	staged   map[[32]byte][]segment.Staged // by transfer
	durable  map[segment.ID]bool           // segments of which StageSegment has returned

	// Of the call under way: it may be lost as long as it has not returned.
	undo, done func()
}

func newStore() store {
	return store{
		mu: new(sync.Mutex), begun: map[[32]byte]bool{}, receipts: map[[32]byte][]byte{}, certain: map[[32]byte]bool{},
		staged: map[[32]byte][]segment.Staged{}, durable: map[segment.ID]bool{},
	}
}

// has tells whether a transfer is certainly committed.
func (s *store) has(id [32]byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.certain[id]
}

// progress checks that what the old device is told of is durable on the new one: of
// what it lists, or of what the receipt is of when that has come.
func (w *world) progress(p transfer.Progress) {
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	var durable uint64
	for id, n := range w.items {
		if w.store.durable[id] {
			durable += n
		}
	}
	if end := w.sink.committed; end != nil && p.Storing {
		durable = max(durable, end.Ledger.Imported+end.Ledger.There+end.Ledger.Tombstones)
	}
	if p.Messages > durable {
		w.t.Errorf("the old device is told of %d messages, and %d are durable", p.Messages, durable)
	}
}

// crashStore is the end of a process for the sink: a call that had not returned has
// happened, or not; of an attachment that was not complete the power failure keeps a
// part.
func (w *world) crashStore(powerFailed bool, rnd *rand.Rand) {
	s := &w.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.undo != nil && powerFailed && rnd.IntN(2) == 0 {
		s.undo()
		w.note("the store lost a call")
	} else if s.undo != nil {
		s.done()
	}
	s.undo, s.done = nil, nil
	if !powerFailed {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(w.sink.partial)) {
		part := w.sink.partial[name]
		w.sink.partial[name] = part[:rnd.IntN(len(part)+1)]
	}
}

// A mortalSink is the store as one process has it open.
type mortalSink struct {
	*memorySink
	l  *life
	id [32]byte
}

// change is a call whose effect is certain only when it has returned.
func (s *mortalSink) change(do func() error, undo, done func()) error {
	if err := s.l.room(); err != nil {
		return err
	}
	store := &s.l.d.w.store
	store.mu.Lock()
	err := do()
	if err == nil {
		store.undo, store.done = undo, done
	}
	store.mu.Unlock()
	if err != nil {
		return err
	}
	if !s.l.step() {
		return errKilled
	}
	store.mu.Lock()
	defer store.mu.Unlock()
	store.undo, store.done = nil, nil
	done()
	return nil
}

func (s *mortalSink) Begin(ctx context.Context, info segment.TransferInfo) error {
	c := s.l.d.durable()
	if c != nil && c.Info.Started.Equal(info.Started) {
		c.Info.Started = info.Started // another location
	}
	if c == nil || c.TransferID != info.ID || c.Info != info {
		s.l.d.w.t.Errorf("begins, and stored is %v", c)
	}
	if err := s.l.room(); err != nil {
		return err
	}
	s.id = info.ID
	s.l.d.w.store.begun[info.ID] = true
	return s.memorySink.Begin(ctx, info)
}

func (s *mortalSink) StageSegment(ctx context.Context, r segment.RoomEntry, e segment.SegmentEntry, data []byte) (l segment.Ledger, err error) {
	store := &s.l.d.w.store
	return l, s.change(func() error {
		if l, err = s.memorySink.StageSegment(ctx, r, e, data); err == nil {
			store.stage(s.id, segment.Staged{Segment: e.ID, Ledger: l})
		}
		return err
	}, func() {
		delete(s.segments, e.ID)
		store.unstage(s.id)
	}, func() { store.durable[e.ID] = true })
}

// stage notes what a sink has taken, as part of taking it.
func (s *store) stage(id [32]byte, v segment.Staged) { s.staged[id] = append(s.staged[id], v) }

func (s *store) unstage(id [32]byte) { s.staged[id] = s.staged[id][:len(s.staged[id])-1] }

func (s *mortalSink) StageAttachment(ctx context.Context, r segment.RoomEntry, id segment.ID, e segment.AttachmentEntry, offset uint64) (segment.AttachmentWriter, error) {
	if err := s.l.room(); err != nil {
		return nil, err
	}
	w, err := s.memorySink.StageAttachment(ctx, r, id, e, offset)
	return &mortalWriter{w, s, segment.Staged{Room: r.ID, Attachment: &e}}, err
}

func (s *mortalSink) Commit(ctx context.Context, end segment.End, receipt []byte) error {
	store, before := &s.l.d.w.store, s.committed
	if s.l.d.w.keeps && store.has(s.id) {
		s.l.d.w.t.Error("commits once more what the sink has the receipt of")
	}
	return s.change(func() error {
		store.receipts[s.id] = bytes.Clone(receipt)
		return s.memorySink.Commit(ctx, end, receipt)
	}, func() {
		delete(store.receipts, s.id)
		s.committed = before
	}, func() { store.certain[s.id] = true })
}

func (s *mortalSink) Abort(ctx context.Context, cause error) error {
	if !s.l.lives() {
		return errKilled
	}
	return s.memorySink.Abort(ctx, cause)
}

// A mortalWriter writes nothing any more when its process is dead.
type mortalWriter struct {
	segment.AttachmentWriter
	s      *mortalSink
	staged segment.Staged
}

func (w *mortalWriter) Write(p []byte) (int, error) {
	if err := w.s.l.room(); err != nil {
		return 0, err
	}
	return w.AttachmentWriter.Write(p)
}

func (w *mortalWriter) Commit(sum [32]byte) error {
	store := &w.s.l.d.w.store
	return w.s.change(func() error {
		err := w.AttachmentWriter.Commit(sum)
		if err == nil {
			store.stage(w.s.id, w.staged)
		}
		return err
	}, func() {
		delete(w.s.content, w.staged.Attachment.MessageID)
		store.unstage(w.s.id)
	}, func() {})
}

// A keepingSink can be asked for its receipt, and for what it staged.
type keepingSink struct{ *mortalSink }

func (s *keepingSink) Staged(_ context.Context, id [32]byte) iter.Seq2[segment.Staged, error] {
	return func(yield func(segment.Staged, error) bool) {
		w := s.l.d.w
		w.store.mu.Lock()
		staged := slices.Clone(w.store.staged[id])
		w.store.mu.Unlock()
		for _, v := range staged {
			v.Ledger.Imported += w.wrong
			if !yield(v, nil) {
				return
			}
		}
		if err := w.unread; err != nil {
			yield(segment.Staged{}, err)
		}
	}
}

func (s *keepingSink) Receipt(_ context.Context, id [32]byte) ([]byte, error) {
	store := &s.l.d.w.store
	store.mu.Lock()
	defer store.mu.Unlock()
	return store.receipts[id], nil
}
