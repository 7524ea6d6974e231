package cddl

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// link checks that the schema is whole, so that matching need not: each name has a
// rule, or is a socket; types stand where types are wanted; members have keys;
// controls and ranges have arguments of their kind.
func (s *Schema) link() (err error) {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*SyntaxError)
			if !ok {
				panic(r)
			}
			err = e
		}
	}()
	rules := slices.SortedFunc(maps.Values(s.rules), func(a, b *rule) int { return cmp.Compare(a.name, b.name) })
	for _, r := range rules {
		r.whole = r.join()
		r.alone = &group{choices: [][]*ent{{r.whole}}}
	}
	for _, r := range rules {
		s.findGroup(r)
	}
	for _, r := range rules {
		l := &linker{schema: s, rule: r}
		l.ent(r.whole, r.isGroup)
	}
	return nil
}

// join makes the choices of a rule one entry: a type if all are types.
func (r *rule) join() *ent {
	if len(r.choices) == 1 {
		return r.choices[0]
	}
	t := &typ{kind: ofChoice, text: r.name, line: r.line}
	g := &group{}
	for _, e := range r.choices {
		g.choices = append(g.choices, []*ent{e})
		if one := e.asType(); t != nil && one != nil {
			t.choices = append(t.choices, one)
		} else {
			t = nil
		}
	}
	e := &ent{min: 1, max: 1, line: r.line}
	if t != nil && !isGroupSocket(r.name) {
		e.typ = t
	} else {
		e.group = g
	}
	return e
}

func isSocket(name string) bool      { return name[0] == '$' }
func isGroupSocket(name string) bool { return len(name) > 1 && name[:2] == "$$" }

func stop(line int, format string, args ...any) {
	panic(&SyntaxError{Line: line, Reason: fmt.Sprintf(format, args...)})
}

// ruleOf finds a rule; a socket that has none gets one that nothing matches.
func (s *Schema) ruleOf(name string, line int) *rule {
	r := s.rules[name]
	if r == nil && isSocket(name) {
		r = &rule{name: name, line: line, isGroup: isGroupSocket(name), state: 2}
		r.whole = &ent{min: 1, max: 1, line: line, group: &group{}}
		if !r.isGroup {
			r.whole = &ent{min: 1, max: 1, line: line, typ: &typ{kind: ofChoice, text: name}}
		}
		r.alone = &group{choices: [][]*ent{{r.whole}}}
		s.rules[name] = r
	}
	if r == nil {
		stop(line, "%s has no rule", name)
	}
	return r
}

// findGroup decides whether a rule stands for entries: it does unless it is one
// type, and a lone name is what that name is.
func (s *Schema) findGroup(r *rule) bool {
	switch r.state {
	case 1:
		stop(r.line, "%s stands for itself", r.name)
	case 2:
		return r.isGroup
	}
	r.state = 1
	t := r.whole.asType()
	switch {
	case t == nil || isGroupSocket(r.name):
		r.isGroup = true
	case t.kind == ofName && !slices.Contains(r.params, t.name):
		r.isGroup = s.findGroup(s.ruleOf(t.name, t.line))
	}
	r.state = 2
	return r.isGroup
}

// A linker walks one rule.
type linker struct {
	schema *Schema
	rule   *rule
}

func (l *linker) ent(e *ent, mayBeGroup bool) {
	if e.key != nil {
		l.typ(e.key)
	}
	switch {
	case e.group != nil:
		l.group(e.group)
	case mayBeGroup && e.key == nil && (e.typ.kind == ofName || e.typ.kind == ofUnwrap):
		if r := l.name(e.typ); e.typ.kind == ofUnwrap && (r == nil || unwrapped(r) == nil) {
			stop(e.line, "only a map, an array or a tag is unwrapped")
		}
	default:
		l.typ(e.typ)
	}
}

func (l *linker) group(g *group) {
	for _, entries := range g.choices {
		for _, e := range entries {
			l.ent(e, true)
		}
	}
}

// name checks a reference, and returns its rule, or nil for a parameter.
func (l *linker) name(t *typ) *rule {
	if slices.Contains(l.rule.params, t.name) {
		if len(t.args) > 0 {
			stop(t.line, "the parameter %s has arguments", t.name)
		}
		return nil
	}
	r := l.schema.ruleOf(t.name, t.line)
	if len(t.args) != len(r.params) {
		stop(t.line, "%s has %d parameters, not %d", t.name, len(r.params), len(t.args))
	}
	for _, a := range t.args {
		l.typ(a)
	}
	return r
}

func (l *linker) typ(t *typ) {
	switch t.kind {
	case ofName:
		if r := l.name(t); r != nil && r.isGroup {
			stop(t.line, "%s is a group, where a type is wanted", t.name)
		}
	case ofUnwrap:
		if r := l.name(t); r == nil || r.isGroup || unwrapped(r) == nil || unwrapped(r).kind != ofTag {
			stop(t.line, "only a tag is unwrapped to a type")
		}
	case ofChoice:
		for _, c := range t.choices {
			l.typ(c)
		}
	case ofParens, ofTag:
		l.typ(t.target)
	case ofArray:
		l.group(t.group)
	case ofMap:
		l.group(t.group)
		l.members(t.group, map[string]bool{})
	case ofEnum:
		if t.name != "" && (slices.Contains(l.rule.params, t.name) || !l.schema.ruleOf(t.name, t.line).isGroup) {
			stop(t.line, "%s is not a group", t.name)
		}
		l.enum(t.group, map[string]bool{})
	case ofRange:
		l.typ(t.lo)
		l.typ(t.hi)
		lo, hi := l.literal(t.lo), l.literal(t.hi)
		if lo == nil || hi == nil || !ranges(lo, hi) {
			stop(t.line, "a range is of two integers or of two floats")
		}
	case ofControl:
		l.typ(t.target)
		l.typ(t.arg)
		l.control(t)
	}
}

// members checks that each entry of a map has a key. Groups may contain themselves.
func (l *linker) members(g *group, seen map[string]bool) {
	for _, entries := range g.choices {
		for _, e := range entries {
			switch {
			case e.key != nil:
			case e.group != nil:
				l.members(e.group, seen)
			default:
				l.member(e, seen)
			}
		}
	}
}

func (l *linker) member(e *ent, seen map[string]bool) {
	t := e.typ
	if t.kind != ofName && t.kind != ofUnwrap || slices.Contains(l.rule.params, t.name) {
		stop(e.line, "an entry of a map has no key")
	}
	r := l.schema.ruleOf(t.name, t.line)
	in := &linker{schema: l.schema, rule: r}
	switch u := unwrapped(r); {
	case t.kind == ofUnwrap && u != nil && u.kind == ofMap:
	case t.kind == ofUnwrap || !r.isGroup:
		stop(e.line, "an entry of a map has no key")
	case seen[t.name]:
	case r.whole.group != nil:
		seen[t.name] = true
		in.members(r.whole.group, seen)
	case r.whole.key == nil:
		seen[t.name] = true
		in.member(r.whole, seen)
	}
}

// enum checks that the entries of a group are types, or groups of such.
func (l *linker) enum(g *group, seen map[string]bool) {
	for _, entries := range g.choices {
		for _, e := range entries {
			t, lone := e.lone()
			switch {
			case e.group != nil:
				l.enum(e.group, seen)
			case lone && !slices.Contains(l.rule.params, t.name):
				r := l.name(t)
				if r.isGroup && !seen[t.name] {
					seen[t.name] = true
					(&linker{schema: l.schema, rule: r}).enum(r.alone, seen)
				}
			default:
				l.typ(e.typ)
			}
		}
	}
}

// unwrapped is the map, array or tag that a rule stands for, or nil: it has to stand
// there itself, not by another name.
func unwrapped(r *rule) *typ {
	if r.isGroup || len(r.params) > 0 {
		return nil
	}
	t := r.whole.asType()
	if t == nil || t.kind != ofMap && t.kind != ofArray && t.kind != ofTag {
		return nil
	}
	return t
}

// literal is the literal that a type stands for, or nil: what a parameter stands for
// is not known here.
func (l *linker) literal(t *typ) *value {
	for t.kind == ofParens {
		t = t.target
	}
	if t.kind == ofName && slices.Contains(l.rule.params, t.name) {
		return nil
	}
	return l.schema.literal(t)
}

// literal is the literal that a type stands for, outside of generic rules, or nil.
func (s *Schema) literal(t *typ) *value {
	for range maxSyntaxDepth {
		switch t.kind {
		case ofLiteral:
			return t.lit
		case ofParens:
			t = t.target
		case ofName:
			r := s.rules[t.name]
			if r == nil || r.isGroup || len(r.params) > 0 || r.whole.asType() == nil {
				return nil
			}
			t = r.whole.asType()
		default:
			return nil
		}
	}
	return nil
}

func ranges(lo, hi *value) bool {
	_, a := lo.float()
	_, b := hi.float()
	return a && b || lo.major <= 1 && hi.major <= 1
}
