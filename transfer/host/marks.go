package host

import (
	"context"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/transfer"
)

// Marks collects the high-water mark of each room from the manifest as it passes, on
// either side. The zero Marks is ready.
type Marks struct {
	mu   sync.Mutex
	last map[string]int64
	room string // of the pages of a source
}

// A Store is a Sink that keeps receipts and ledgers.
type Store interface {
	transfer.Sink
	transfer.ReceiptKeeper
	transfer.LedgerKeeper
}

// List returns the marks, by room; nothing when no manifest has passed, as in a run
// that only gives or takes a receipt.
func (m *Marks) List() []Mark {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []Mark
	for room, last := range m.last {
		all = append(all, Mark{room, instant(last)})
	}
	slices.SortFunc(all, func(a, b Mark) int { return strings.Compare(a.Room, b.Room) })
	return all
}

// note takes a part of the manifest of a room.
func (m *Marks) note(room string, entries []segment.Entry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last == nil {
		m.last = make(map[string]int64)
	}
	for i := range entries {
		e := &entries[i]
		if e.Type == segment.RoomType {
			room = e.Room.ID
			m.room = room
		}
		if e.Type != segment.SegmentType || e.Segment.Kind != segment.Messages {
			continue
		}
		if last, ok := m.last[room]; ok || len(m.last) < MaxMarks {
			if !ok || e.Segment.Last > last {
				m.last[room] = e.Segment.Last
			}
		}
	}
}

// Source is s, with marks of what it has.
func (m *Marks) Source(s transfer.Source) transfer.Source { return markedSource{s, m} }

type markedSource struct {
	transfer.Source
	marks *Marks
}

func (s markedSource) Manifest(ctx context.Context, scope segment.Scope) iter.Seq2[*segment.Page, error] {
	return func(yield func(*segment.Page, error) bool) {
		for page, err := range s.Source.Manifest(ctx, scope) {
			if err == nil {
				s.marks.note(s.marks.room, page.Entries)
			}
			if !yield(page, err) {
				return
			}
		}
	}
}

// Sink is s, with marks of what it is told.
func (m *Marks) Sink(s Store) Store { return markedSink{s, m} }

type markedSink struct {
	Store
	marks *Marks
}

func (s markedSink) Have(ctx context.Context, room segment.RoomEntry, entries []segment.Entry) ([]segment.Want, error) {
	s.marks.note(room.ID, entries)
	return s.Store.Have(ctx, room, entries)
}
