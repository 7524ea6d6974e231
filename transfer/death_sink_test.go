package transfer_test

import (
	"bytes"
	"context"
	"iter"
	"slices"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// A mortalSink is the store as one process has it open.
type mortalSink struct {
	*memorySink
	l *life
}

func (s *mortalSink) Begin(ctx context.Context, info segment.TransferInfo) error {
	c := s.l.d.stored()
	if c != nil && c.Info.Started.Equal(info.Started) {
		c.Info.Started = info.Started // another location
	}
	if c == nil || c.TransferID != info.ID || c.Info != info {
		s.l.d.w.t.Errorf("begins, and stored is %v", c)
	}
	if !s.l.step() {
		return errKilled
	}
	return s.memorySink.Begin(ctx, info)
}

func (s *mortalSink) StageSegment(ctx context.Context, r segment.RoomEntry, e segment.SegmentEntry, data []byte) (segment.Ledger, error) {
	if !s.l.step() {
		return segment.Ledger{}, errKilled
	}
	l, err := s.memorySink.StageSegment(ctx, r, e, data)
	if err == nil {
		s.l.staged(segment.Staged{Segment: e.ID, Ledger: l})
	}
	if !s.l.step() {
		return l, errKilled
	}
	return l, err
}

func (s *mortalSink) StageAttachment(ctx context.Context, r segment.RoomEntry, id segment.ID, e segment.AttachmentEntry, offset uint64) (segment.AttachmentWriter, error) {
	if !s.l.step() {
		return nil, errKilled
	}
	w, err := s.memorySink.StageAttachment(ctx, r, id, e, offset)
	return &mortalWriter{w, s.l, segment.Staged{Room: r.ID, Attachment: &e}}, err
}

func (s *mortalSink) Commit(ctx context.Context, end segment.End, receipt []byte) error {
	if !s.l.step() {
		return errKilled
	}
	if err := s.memorySink.Commit(ctx, end, receipt); err != nil {
		return err
	}
	s.l.d.w.mu.Lock()
	s.l.d.w.receipt = bytes.Clone(receipt)
	if c := s.l.d.stored(); c != nil {
		s.l.d.w.held = c.TransferID
	}
	s.l.d.w.mu.Unlock()
	if !s.l.step() {
		return errKilled
	}
	return nil
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
	l      *life
	staged segment.Staged
}

func (w *mortalWriter) Write(p []byte) (int, error) {
	if !w.l.step() {
		return 0, errKilled
	}
	return w.AttachmentWriter.Write(p)
}

func (w *mortalWriter) Commit(sum [32]byte) error {
	if !w.l.step() {
		return errKilled
	}
	if err := w.AttachmentWriter.Commit(sum); err != nil {
		return err
	}
	w.l.staged(w.staged)
	if !w.l.step() {
		return errKilled
	}
	return nil
}

// A keepingSink can be asked for its receipt, and for what it staged.
type keepingSink struct{ *mortalSink }

func (s *keepingSink) Staged(_ context.Context, id [32]byte) iter.Seq2[segment.Staged, error] {
	return func(yield func(segment.Staged, error) bool) {
		s.l.d.w.mu.Lock()
		staged := slices.Clone(s.l.d.w.staged[id])
		s.l.d.w.mu.Unlock()
		for _, v := range staged {
			v.Ledger.Imported += s.l.d.w.wrong
			if !yield(v, nil) {
				return
			}
		}
		if err := s.l.d.w.unread; err != nil {
			yield(segment.Staged{}, err)
		}
	}
}

// staged notes what a sink has taken, as part of taking it.
func (l *life) staged(v segment.Staged) {
	c := l.d.stored() // the transfer that is under way
	if c == nil {
		return
	}
	l.d.w.mu.Lock()
	defer l.d.w.mu.Unlock()
	l.d.w.staged[c.TransferID] = append(l.d.w.staged[c.TransferID], v)
}

func (s *keepingSink) Receipt(_ context.Context, id [32]byte) ([]byte, error) {
	w := s.l.d.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.held != id {
		return nil, nil
	}
	return w.receipt, nil
}
