package cddl

import "strconv"

// array matches all elements of an array against a group.
func (m *matcher) array(t *typ, s *scope, v *value) bool {
	next, ok := m.sequence(t.group, s, v, 0)
	if ok && next < len(v.items) {
		m.path = append(m.path, step{strconv.Itoa(next), true})
		m.note(v.items[next].offset, func() string { return "an element too many for " + t.text })
		m.path = m.path[:len(m.path)-1]
		ok = false
	}
	return ok
}

// sequence matches a group from an element on, and returns the one after.
func (m *matcher) sequence(g *group, s *scope, v *value, from int) (next int, ok bool) {
	before, tried := m.best, (*failure)(nil)
	if m.enter() {
		for _, entries := range g.choices {
			m.best = nil
			if next, ok = m.row(entries, s, v, from); ok {
				// Why the next element was not taken is worth telling, if it has to be.
				if at := len(m.path); m.best == nil || len(m.best.path) <= at || m.best.path[at].name != strconv.Itoa(next) {
					m.best = nil
				}
				tried = m.best
				break
			}
			tried = meant(tried, m.best)
		}
		m.best = far(before, tried)
		if len(g.choices) == 0 {
			m.note(v.offset, func() string { return "a socket that nothing is plugged into" })
		}
	}
	m.calls--
	return next, ok && m.fatal == nil
}

// row matches the entries of one choice, in order.
func (m *matcher) row(entries []*ent, s *scope, v *value, from int) (int, bool) {
	for _, e := range entries {
		n := uint64(0)
		for n < e.max {
			next, ok := m.element(e, s, v, from)
			if !ok {
				break
			}
			n++
			if next == from { // nothing was taken: once is as often as one likes
				n = max(n, e.min)
				break
			}
			from = next
		}
		if n < e.min || m.fatal != nil {
			return 0, false
		}
	}
	return from, true
}

// element matches an entry once.
func (m *matcher) element(e *ent, s *scope, v *value, at int) (int, bool) {
	if in, g, isGroup := m.entries(e, s); isGroup {
		return m.sequence(g, in, v, at)
	}
	if at >= len(v.items) {
		m.note(v.offset, func() string { return "the array ends where " + e.typ.text + " is wanted" })
		return 0, false
	}
	m.path = append(m.path, step{strconv.Itoa(at), true})
	ok := m.typ(e.typ, s, v.items[at])
	m.path = m.path[:len(m.path)-1]
	return at + 1, ok
}

// An object is a map that is being matched. A pair is used when a member took it,
// and locked when its key matched one with a cut whose type it is not of: from then
// on no other member takes it, but for those of the other choices of the group in
// which it was locked. (RFC 8610, section 3.5.4, says the first part; choices that
// differ in the type of one member need the second.)
type object struct {
	v      *value
	used   []bool
	locked []bool
	trail  []int            // used pairs, in order
	cuts   []int            // locked pairs, in order
	why    map[int]*failure // a member did not take a pair
}

func (m *matcher) object(t *typ, s *scope, v *value) bool {
	o := &object{v: v, used: make([]bool, len(v.pairs)), locked: make([]bool, len(v.pairs)), why: map[int]*failure{}}
	if !m.members(t.group, s, o) {
		return false
	}
	for i, p := range v.pairs {
		if o.used[i] {
			continue
		}
		if why := o.why[i]; why != nil && (m.best == nil || len(m.best.path) <= len(why.path)) {
			m.best = why
		} else {
			m.at(p, func() bool {
				return m.note(p.value.offset, func() string { return "a member that " + t.text + " has no place for" })
			})
		}
		return false
	}
	return true
}

// at runs f with the path of a member.
func (m *matcher) at(p pair, f func() bool) bool {
	name := string(p.key.bytes)
	if p.key.major != 3 {
		name = p.key.String()
	}
	m.path = append(m.path, step{name: name})
	ok := f()
	m.path = m.path[:len(m.path)-1]
	return ok
}

// members matches a group against the pairs that are left.
func (m *matcher) members(g *group, s *scope, o *object) (ok bool) {
	before, tried := m.best, (*failure)(nil)
	if m.enter() {
		var cuts []int // of choices that failed
		for _, entries := range g.choices {
			trail, locked := len(o.trail), len(o.cuts)
			m.best = nil
			if ok = m.memberRow(entries, s, o); ok {
				tried = nil // what was not taken is in o.why
				break
			}
			tried = meant(tried, m.best)
			for _, i := range o.trail[trail:] {
				o.used[i] = false
			}
			o.trail = o.trail[:trail]
			for _, i := range o.cuts[locked:] {
				o.locked[i] = false
				cuts = append(cuts, i)
			}
			o.cuts = o.cuts[:locked]
		}
		for _, i := range cuts {
			if !o.used[i] && !o.locked[i] {
				o.lock(i)
			}
		}
		m.best = far(before, tried)
		if len(g.choices) == 0 {
			m.note(o.v.offset, func() string { return "a socket that nothing is plugged into" })
		}
	}
	m.calls--
	return ok && m.fatal == nil
}

func (o *object) lock(i int) {
	o.locked[i] = true
	o.cuts = append(o.cuts, i)
}

func (m *matcher) memberRow(entries []*ent, s *scope, o *object) bool {
	for _, e := range entries {
		n := uint64(0)
		if e.key != nil {
			n = m.take(e, s, o)
		} else {
			in, g, _ := m.entries(e, s)
			for n < e.max {
				had := len(o.trail)
				if !m.members(g, in, o) {
					break
				}
				n++
				if len(o.trail) == had {
					n = max(n, e.min)
					break
				}
			}
		}
		if n < e.min {
			if e.key != nil {
				m.note(o.v.offset, func() string { return "no member " + e.key.text + ": " + e.typ.text })
			}
			return false
		}
		if m.fatal != nil {
			return false
		}
	}
	return true
}

// take uses the pairs that an entry matches, as many as it may, and says how many.
func (m *matcher) take(e *ent, s *scope, o *object) (n uint64) {
	for i, p := range o.v.pairs {
		if n >= e.max || m.fatal != nil {
			break
		}
		if o.used[i] || o.locked[i] || !m.key(e.key, s, p.key) {
			continue
		}
		before := m.best
		m.best = nil
		if m.at(p, func() bool { return m.typ(e.typ, s, p.value) }) {
			o.used[i] = true
			o.trail = append(o.trail, i)
			n++
		} else {
			o.why[i] = meant(o.why[i], m.best)
			if e.cut {
				o.lock(i)
			}
		}
		m.best = far(before, m.best)
	}
	return n
}

// key matches a key; that another one is not it is no failure to tell of.
func (m *matcher) key(t *typ, s *scope, k *value) bool {
	m.quiet++
	ok := m.typ(t, s, k)
	m.quiet--
	return ok
}
