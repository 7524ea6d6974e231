package segment

import (
	"iter"
	"slices"
)

// A Direction is the order in which a Cutter is given heads.
type Direction uint8

const (
	OldestFirst Direction = iota
	NewestFirst
)

// A Cutter cuts the messages of one room into the spans that become segments,
// as their heads arrive. It holds back about MaxSegment of items, and never more
// than seventeen times that. The zero Cutter takes the oldest head first.
type Cutter struct {
	Direction Direction

	s     slicer
	heads []Head // not yet emitted, in reading order
	done  int    // of heads, emitted in this step
	emit  func([]Head) error
	err   error
}

// Add takes the next head, in canonical order or its reverse. It calls emit with
// each span that is complete: heads in canonical order, valid until emit returns.
// It returns the first error of emit, after which the Cutter is of no use.
func (c *Cutter) Add(h Head, emit func([]Head) error) error {
	c.begin(emit)
	c.heads = append(c.heads, h)
	c.s.add(h.Instant, h.Size, h.Key)
	return c.end()
}

// Flush ends the room and emits what is left. The Cutter is then as new.
func (c *Cutter) Flush(emit func([]Head) error) error {
	c.begin(emit)
	c.s.flush()
	return c.end()
}

func (c *Cutter) begin(emit func([]Head) error) {
	c.emit = emit
	if c.s.emit == nil {
		c.s.newestFirst = c.Direction == NewestFirst
		c.s.emit = c.out
	}
}

func (c *Cutter) end() error {
	c.emit = nil
	if c.done > 0 {
		c.heads = c.heads[:copy(c.heads, c.heads[c.done:])]
		c.done = 0
	}
	return c.err
}

func (c *Cutter) out(items int) bool {
	span := c.heads[c.done : c.done+items]
	c.done += items
	if c.Direction == NewestFirst {
		slices.Reverse(span)
	}
	c.err = c.emit(span)
	return c.err == nil
}

// CutNewestFirst cuts the messages of a room, whose heads are in canonical order,
// and yields the newest span first, each a part of heads. It looks back only as
// far as the next boundaries, so the first span comes at once.
func CutNewestFirst(heads []Head) iter.Seq[[]Head] {
	return func(yield func([]Head) bool) {
		end := len(heads)
		s := slicer{newestFirst: true, emit: func(n int) bool {
			span := heads[end-n : end : end]
			end -= n
			return yield(span)
		}}
		for i := len(heads) - 1; i >= 0 && !s.stopped; i-- {
			s.add(heads[i].Instant, heads[i].Size, heads[i].Key)
		}
		if !s.stopped {
			s.flush()
		}
	}
}

// SplitRoster parts a room's heads into those of its messages and those of its
// roster events, each in their order.
func SplitRoster(heads []Head) (messages, roster []Head) {
	for _, h := range heads {
		if h.Roster {
			roster = append(roster, h)
		} else {
			messages = append(messages, h)
		}
	}
	return messages, roster
}
