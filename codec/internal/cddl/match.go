package cddl

import (
	"fmt"
	"slices"
	"strings"
)

// A matcher matches one data item. Its failures are tried alternatives, of which it
// remembers the one that came farthest; fatal ends everything.
type matcher struct {
	schema *Schema
	path   []step
	best   *failure
	steps  int
	calls  int
	fatal  error
	quiet  int // > 0: nobody asks why

	maxSteps int
}

type failure struct {
	path   []step
	offset int
	reason func() string
	rule   string // of the schema, whose type was wanted

	// literal: one value was wanted. It mostly tells choices apart, so that what
	// failed in another choice is the one that was meant.
	literal bool
}

// A step is a member's name or an element's index.
type step struct {
	name    string
	element bool
}

// A scope is what the parameters of a generic rule stand for.
type scope struct {
	names []string
	args  []*typ
	outer *scope // in which the arguments are
}

func (m *matcher) mismatch() error {
	if m.best == nil {
		return &Mismatch{Reason: "it does not match"}
	}
	var b strings.Builder
	for _, p := range m.best.path {
		b.WriteByte('/')
		b.WriteString(pointerEscape(p.name))
	}
	e := &Mismatch{Path: b.String(), Reason: m.best.reason(), Offset: m.best.offset}
	if m.best.rule != "" {
		e.Reason += " (" + m.best.rule + ")"
	}
	return e
}

// miss notes that a value is not of a type.
func (m *matcher) miss(v *value, t *typ) bool {
	return m.note(v.offset, func() string { return fmt.Sprintf("%v where %s is wanted", v, t.text) })
}

// other notes that a value is not the one that was wanted.
func (m *matcher) other(v *value, t *typ) bool {
	before := m.best
	m.miss(v, t)
	if m.best != before {
		m.best.literal = true
	}
	return false
}

// note keeps a failure at the present path when none came farther.
func (m *matcher) note(offset int, reason func() string) bool {
	if m.fatal == nil && m.quiet == 0 && farther(m.best, m.path, offset) {
		m.best = &failure{path: slices.Clone(m.path), offset: offset, reason: reason}
	}
	return false
}

// farther says whether a path leads farther than f: deeper, or to a later element.
func farther(f *failure, path []step, offset int) bool {
	n := len(path)
	return f == nil || len(f.path) < n || len(f.path) == n && n > 0 && path[n-1].element && f.offset < offset
}

// far is the failure that came farther, the first of equal ones.
func far(a, b *failure) *failure {
	if b != nil && farther(a, b.path, b.offset) {
		return b
	}
	return a
}

// meant is, of the failures of two choices, that of the one that was meant.
func meant(a, b *failure) *failure {
	switch {
	case a == nil || b != nil && a.literal && !b.literal:
		return b
	case b == nil || b.literal && !a.literal:
		return a
	}
	return far(a, b)
}

func (m *matcher) abort(err error) {
	if m.fatal == nil {
		m.fatal = err
	}
}

// enter counts a call; leave with the function that it returns, if ok.
func (m *matcher) enter() bool {
	m.steps++
	m.calls++
	switch {
	case m.steps > m.maxSteps:
		m.abort(errSteps)
	case m.calls > maxCalls:
		m.abort(errCalls)
	}
	return m.fatal == nil
}

// typ matches a value against a type. What failed inside of something that
// matches is forgotten.
func (m *matcher) typ(t *typ, s *scope, v *value) bool {
	before := m.best
	ok := m.enter() && m.kind(t, s, v) && m.fatal == nil
	m.calls--
	if ok {
		m.best = before
	}
	return ok
}

func (m *matcher) kind(t *typ, s *scope, v *value) bool {
	switch t.kind {
	case ofAny:
		return true
	case ofParens:
		return m.typ(t.target, s, v)
	case ofName:
		return m.name(t, s, v)
	case ofChoice:
		return m.choice(t, s, v)
	case ofControl:
		return m.control(t, s, v)
	case ofLiteral:
		return equal(t.lit, v) || m.other(v, t)
	case ofRange:
		return m.within(t, v) || m.miss(v, t)
	case ofMajor:
		return major(t, v) || m.miss(v, t)
	case ofTag:
		if v.major != 6 || t.tag != nil && t.tag.lit.arg != v.arg {
			return m.miss(v, t)
		}
		return m.typ(t.target, s, v.items[0])
	case ofMap:
		if v.major != 5 {
			return m.miss(v, t)
		}
		return m.object(t, s, v)
	case ofArray:
		if v.major != 4 {
			return m.miss(v, t)
		}
		return m.array(t, s, v)
	case ofUnwrap: // of a tag, which link holds
		return m.typ(unwrapped(m.schema.rules[t.name]).target, nil, v)
	case ofEnum:
		return m.enum(t.group, s, v) || m.miss(v, t)
	}
	panic("cddl: a type of no kind")
}

// lookup finds the argument that a parameter stands for.
func (s *scope) lookup(name string) (*typ, *scope, bool) {
	if s == nil {
		return nil, nil, false
	}
	for i, n := range s.names {
		if n == name {
			return s.args[i], s.outer, true
		}
	}
	return nil, nil, false
}

func (m *matcher) name(t *typ, s *scope, v *value) bool {
	if arg, in, ok := s.lookup(t.name); ok {
		return m.typ(arg, in, v)
	}
	r, before := m.schema.rules[t.name], m.best
	if m.typ(r.whole.asType(), r.scope(t, s), v) {
		return true
	}
	if m.best == before || m.best == nil || len(m.best.path) != len(m.path) {
		return false // what is known to be wrong is elsewhere
	}
	if r.prelude { // whose names everybody knows
		m.best = before
		return m.miss(v, t)
	}
	if m.best.rule == "" {
		m.best.rule = t.name
	}
	return false
}

// scope is the one of a rule's body, as t refers to it.
func (r *rule) scope(t *typ, s *scope) *scope {
	if len(r.params) == 0 {
		return nil
	}
	return &scope{names: r.params, args: t.args, outer: s}
}

// choice takes the first type that matches. When none came inside, all of them were
// wanted.
func (m *matcher) choice(t *typ, s *scope, v *value) bool {
	before, tried := m.best, (*failure)(nil)
	for _, c := range t.choices {
		m.best = nil
		if m.typ(c, s, v) {
			return true
		}
		tried = meant(tried, m.best)
	}
	m.best = before
	if tried != nil && len(tried.path) > len(m.path) {
		m.best = far(before, tried)
		return false
	}
	m.miss(v, t)
	if tried != nil && m.best != before {
		m.best.literal = tried.literal
	}
	return false
}

func (m *matcher) within(t *typ, v *value) bool {
	lo, ok := compare(v, m.schema.literal(t.lo))
	hi, _ := compare(v, m.schema.literal(t.hi))
	return ok && lo >= 0 && (hi < 0 || hi == 0 && !t.open)
}

func major(t *typ, v *value) bool {
	switch {
	case v.major != t.major:
		return false
	case !t.hasInfo:
		return true
	case t.info >= 25 && t.info <= 27:
		return uint64(v.width) == t.info
	}
	return (v.width <= 24) && v.arg == t.info
}

// enum matches the types of a group's entries.
func (m *matcher) enum(g *group, s *scope, v *value) bool {
	ok := m.enter() && m.enumEntries(g, s, v)
	m.calls--
	return ok
}

func (m *matcher) enumEntries(g *group, s *scope, v *value) bool {
	before := m.best
	for _, entries := range g.choices {
		for _, e := range entries {
			in, body, isGroup := m.entries(e, s)
			if isGroup && m.enum(body, in, v) || !isGroup && m.typ(e.typ, s, v) {
				m.best = before
				return true
			}
		}
	}
	m.best = before
	return false
}

// entries says whether an entry stands for a group: one in parentheses, one that a
// name stands for, or what is in an unwrapped map or array.
func (m *matcher) entries(e *ent, s *scope) (*scope, *group, bool) {
	if e.group != nil {
		return s, e.group, true
	}
	if e.key != nil || e.typ.kind != ofName && e.typ.kind != ofUnwrap {
		return nil, nil, false
	}
	t := e.typ
	if _, _, isParam := s.lookup(t.name); isParam {
		return nil, nil, false
	}
	r := m.schema.rules[t.name]
	if t.kind == ofUnwrap {
		u := unwrapped(r)
		if u == nil || u.kind == ofTag {
			return nil, nil, false
		}
		return nil, u.group, true
	}
	if !r.isGroup {
		return nil, nil, false
	}
	return r.scope(t, s), r.alone, true
}
