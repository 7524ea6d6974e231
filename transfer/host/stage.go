package host

import (
	"context"
	"encoding/hex"
	"errors"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// StageSegment gives a segment to the host, and returns when it has acknowledged every
// item, and the journal has that.
//
//  1. A segment that an earlier connection left with the host goes on where it was.
//  2. As long as there is room in the window the next batch goes out.
//  3. Every ack is waited for, and counted.
//  4. The journal has the ledger before the segment counts as staged.
func (s *Sink) StageSegment(ctx context.Context, room segment.RoomEntry, e segment.SegmentEntry, data []byte) (l segment.Ledger, err error) {
	if !s.begun {
		return l, errNoTransfer
	}
	seg, err := segment.Decode(data)
	if err != nil {
		return l, err
	}
	if seg.Room.ID != room.ID || !seg.Matches(e) {
		return l, errors.New("segment is not what the manifest says")
	}
	f := s.board(cargo{id: e.ID})
	for !f.given {
		if err := s.settle(ctx, f, s.conn.windowSize); err != nil {
			return l, err
		}
		if err := s.giveBatch(f, room, seg); err != nil {
			return l, err
		}
	}
	if err := s.settle(ctx, f, all); err != nil {
		return l, err
	}
	l = f.ledger
	l.Source = e.Items
	if err := s.journal.note(&entry{Segment: hex.EncodeToString(e.ID[:]), Ledger: LedgerOf(l)}); err != nil {
		return segment.Ledger{}, stored("stage segment", err)
	}
	s.segments[e.ID] = true
	s.flight = nil
	return l, nil
}

// giveBatch gives the next batch of a segment to the host.
func (s *Sink) giveBatch(f *flight, room segment.RoomEntry, seg *segment.Segment) error {
	line, to, err := s.batcher.next(s.line[:0], s.batches+1, room, f.of.id, seg, f.next)
	if err != nil {
		return err
	}
	if err := s.reached("emit batch"); err != nil {
		return err
	}
	s.batches++
	if err := s.conn.emitLine(line); err != nil {
		return err
	}
	if s.line = line; cap(line) > 2*MaxBatchBytes {
		s.line = nil
	}
	if s.batcher.pruned {
		s.conn.Tell(WarnNoForm, "a part of a room that JSON cannot hold is left out")
	}
	// All in one: a run that goes on with this flight neither repeats nor misses an item.
	taken := s.batcher.taken
	items := make([]segment.Item, len(taken))
	for i, n := range taken {
		items[i] = seg.Items[n]
	}
	f.ledger.AddQuarantined(reasonNoForm, uint64(to-f.next-len(taken)))
	f.pending[s.batches] = batch{items, len(taken)}
	f.next, f.given = to, to == len(seg.Items)
	return nil
}
