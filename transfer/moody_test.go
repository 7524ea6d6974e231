package transfer_test

import (
	"context"
	"errors"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// A moodySink takes its time, ends with its context, and fails at a call.
type moodySink struct {
	*memorySink
	slow   time.Duration
	calls  int
	failAt int
}

var errDisk = errors.New("disk full")

func (s *moodySink) mood(ctx context.Context) error {
	if s.calls++; s.calls-1 == s.failAt {
		return errDisk
	}
	select {
	case <-time.After(s.slow):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *moodySink) Have(ctx context.Context, r segment.RoomEntry, e []segment.Entry) ([]segment.Want, error) {
	if err := s.mood(ctx); err != nil {
		return nil, err
	}
	return s.memorySink.Have(ctx, r, e)
}

func (s *moodySink) StageSegment(ctx context.Context, r segment.RoomEntry, e segment.SegmentEntry, data []byte) (segment.Ledger, error) {
	if err := s.mood(ctx); err != nil {
		return segment.Ledger{}, err
	}
	return s.memorySink.StageSegment(ctx, r, e, data)
}

func (s *moodySink) Commit(ctx context.Context, end segment.End, receipt []byte) error {
	if err := s.mood(ctx); err != nil {
		return err
	}
	return s.memorySink.Commit(ctx, end, receipt)
}
