package segment

import "bytes"

// The rule of cutting (wire-format, "Cutting a room"). It depends on nothing but
// keys, instants and sizes near a place, so that a change of one item changes
// at most the segments around it.
//
//  1. Items of one instant are one atom, which is never cut, unless they weigh
//     more than MaxSegment together: then each is an atom. An atom's priority is
//     its highest key. A place stands after each atom.
//  2. An atom of more than half of MaxSegment is a segment of its own. The
//     others form stretches between such atoms and the ends of the room.
//  3. Within a stretch, a place is a boundary if more than Window lies between
//     it and either end, and no place within Window of it has a higher priority.
//  4. What lies between two boundaries and is heavier than MaxSegment is halved
//     at the place of the highest priority in its middle half until it fits.

// An atom is what no boundary divides.
type atom struct {
	items  int
	weight int64
	prio   Key
}

// A slicer applies the rule to items in either direction and says how many
// items the next segment has. Its memory is bounded by maxGap.
type slicer struct {
	newestFirst bool
	emit        func(items int) bool // false stops it
	stopped     bool

	run       []atom // the items of the current instant, while they may be one atom
	runWeight int64
	instant   int64
	open      bool // the current instant is too heavy for one atom

	atoms   []atom  // of the current stretch, from the last boundary on
	pos     []int64 // where the place after atoms[i] (in reading order) is, from the start of the stretch
	from    int64   // where the last boundary or the start of the stretch is
	total   int64   // weight of the stretch so far
	decided int     // atoms whose place is decided
	behind  []place // places before the last boundary that are within Window of what follows
}

// A place is where a boundary may be.
type place struct {
	pos  int64
	prio Key
}

func weigh(size uint32) int64 { return max(int64(size), MinWeight) }

// add takes the next item in reading order.
func (s *slicer) add(instant int64, size uint32, key Key) {
	if len(s.run) > 0 || s.open {
		if instant != s.instant {
			s.endRun()
		}
	}
	s.instant = instant
	it := atom{items: 1, weight: weigh(size), prio: key}
	if s.open {
		s.atom(it)
		return
	}
	s.run = append(s.run, it)
	s.runWeight += it.weight
	if len(s.run) > 1 && s.runWeight > MaxSegment {
		s.open = true
		for _, it := range s.run {
			s.atom(it)
		}
		s.run, s.runWeight = s.run[:0], 0
	}
}

// flush ends the room.
func (s *slicer) flush() {
	s.endRun()
	s.endStretch()
}

func (s *slicer) endRun() {
	s.open = false
	if len(s.run) == 0 {
		return
	}
	a := s.run[0]
	for _, it := range s.run[1:] {
		a.items++
		a.weight += it.weight
		if bytes.Compare(it.prio[:], a.prio[:]) > 0 {
			a.prio = it.prio
		}
	}
	s.run, s.runWeight = s.run[:0], 0
	s.atom(a)
}

// atom takes the next atom in reading order.
func (s *slicer) atom(a atom) {
	if s.stopped {
		return
	}
	if a.weight > MaxSegment/2 {
		s.endStretch()
		s.out(a.items)
		return
	}
	s.total += a.weight
	s.atoms = append(s.atoms, a)
	s.pos = append(s.pos, s.total)
	// A place is decided when everything within Window of it is known. The place
	// after the last atom is not: read newest first, its priority is still to come.
	for s.decided < len(s.atoms)-1 && s.pos[s.decided]+Window < s.total {
		i := s.decided
		s.decided++
		if s.pos[i] > Window && s.highest(i) {
			s.boundary(i)
		}
	}
	if s.total-s.from > maxGap {
		s.endStretch()
	}
}

// prio is the priority of the place after atom i in reading order: that of the
// older of the two atoms beside it.
func (s *slicer) prio(i int) *Key {
	if s.newestFirst {
		i++
	}
	return &s.atoms[i].prio
}

// highest tells whether no place within Window of place i has a higher priority;
// of equal ones the newer is higher. It looks outwards on both sides in turn,
// which ends soon for hashes and for sorted keys alike.
func (s *slicer) highest(i int) bool {
	at, prio := s.pos[i], s.prio(i)
	b := len(s.behind) - 1
	for l, r := i-1, i+1; ; l, r = l-1, r+1 {
		more := false
		switch {
		case l >= 0 && s.pos[l]+Window >= at:
			if beats(s.prio(l), prio, s.newestFirst) {
				return false
			}
			more = true
		case l < 0 && b >= 0 && s.behind[b].pos+Window >= at:
			if beats(&s.behind[b].prio, prio, s.newestFirst) {
				return false
			}
			b--
			more = true
		}
		if r < len(s.atoms)-1 && s.pos[r]-Window <= at {
			if beats(s.prio(r), prio, !s.newestFirst) {
				return false
			}
			more = true
		}
		if !more {
			return true
		}
	}
}

func beats(a, b *Key, newer bool) bool {
	c := bytes.Compare(a[:], b[:])
	return c > 0 || c == 0 && newer
}

// boundary ends a segment after atom i.
func (s *slicer) boundary(i int) {
	s.behind = s.behind[:0]
	for j := range i + 1 {
		if s.pos[j]+Window >= s.pos[i] {
			s.behind = append(s.behind, place{s.pos[j], *s.prio(j)})
		}
	}
	s.halve(0, i+1)
	s.from = s.pos[i]
	n := copy(s.atoms, s.atoms[i+1:])
	s.atoms = s.atoms[:n]
	copy(s.pos, s.pos[i+1:])
	s.pos = s.pos[:n]
	s.decided = 0
}

// endStretch ends a segment and the stretch with it.
func (s *slicer) endStretch() {
	if len(s.atoms) > 0 {
		s.halve(0, len(s.atoms))
	}
	s.atoms, s.pos, s.behind = s.atoms[:0], s.pos[:0], s.behind[:0]
	s.from, s.total, s.decided = 0, 0, 0
}

// halve emits atoms lo to hi in as many segments as rule 4 asks for. No atom is
// heavier than half of MaxSegment, so the middle half of what is too heavy has a
// place, and each part loses a quarter.
func (s *slicer) halve(lo, hi int) {
	start := s.from
	if lo > 0 {
		start = s.pos[lo-1]
	}
	weight := s.pos[hi-1] - start
	if weight <= MaxSegment {
		n := 0
		for _, a := range s.atoms[lo:hi] {
			n += a.items
		}
		s.out(n)
		return
	}
	best := -1
	for i := lo; i < hi-1; i++ {
		if s.pos[i]-start < weight/4 || s.pos[hi-1]-s.pos[i] < weight/4 {
			continue
		}
		if best < 0 || beats(s.prio(i), s.prio(best), !s.newestFirst) {
			best = i
		}
	}
	s.halve(lo, best+1)
	s.halve(best+1, hi)
}

func (s *slicer) out(items int) {
	if !s.stopped && !s.emit(items) {
		s.stopped = true
	}
}
