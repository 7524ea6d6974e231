package cddl

import (
	"cmp"
	"fmt"
)

// controls are the operators of RFC 8610, section 3.8, that are supported: all but
// .bits.
func controls() []string {
	return []string{"size", "regexp", "cbor", "cborseq", "within", "and", "lt", "le", "gt", "ge", "eq", "ne", "default"}
}

// control checks the argument of a control.
func (l *linker) control(t *typ) {
	lit := l.literal(t.arg)
	isNumber := lit != nil && (lit.major <= 1 || lit.major == 7)
	switch t.op {
	case "regexp":
		if lit == nil || lit.major != 3 {
			stop(t.line, ".regexp wants a text")
		}
		re, err := compile(string(lit.bytes))
		if err != nil {
			stop(t.line, "regular expression: %v", err)
		}
		l.schema.regexps[string(lit.bytes)] = re
	case "lt", "le", "gt", "ge":
		if !isNumber {
			stop(t.line, ".%s wants a number", t.op)
		}
	case "eq", "ne":
		if lit == nil {
			stop(t.line, ".%s wants a value", t.op)
		}
	}
}

// control matches a value of the target against the control's argument.
func (m *matcher) control(t *typ, s *scope, v *value) bool {
	if !m.typ(t.target, s, v) {
		return false
	}
	switch t.op {
	case "default":
		return true
	case "and", "within":
		return m.typ(t.arg, s, v)
	case "size":
		return m.size(t, s, v) || m.miss(v, t)
	case "regexp":
		re := m.schema.regexps[string(m.schema.literal(t.arg).bytes)]
		return v.major == 3 && re.Match(v.bytes) || m.miss(v, t)
	case "cbor", "cborseq":
		return m.embedded(t, s, v)
	case "eq":
		return equal(m.schema.literal(t.arg), v) || m.miss(v, t)
	case "ne":
		return !equal(m.schema.literal(t.arg), v) || m.miss(v, t)
	}
	c, ok := compare(v, m.schema.literal(t.arg))
	switch t.op {
	case "lt":
		ok = ok && c < 0
	case "le":
		ok = ok && c <= 0
	case "gt":
		ok = ok && c > 0
	case "ge":
		ok = ok && c >= 0
	}
	return ok || m.miss(v, t)
}

// size matches the length in bytes. That of an unsigned integer is the width into
// which it fits, and then the argument has to be one number.
func (m *matcher) size(t *typ, s *scope, v *value) bool {
	switch v.major {
	case 2, 3:
		m.quiet++
		ok := m.typ(t.arg, s, &value{arg: uint64(len(v.bytes)), offset: v.offset})
		m.quiet--
		return ok
	case 0:
		if n := m.literal(t.arg, s); n != nil && n.major == 0 {
			return n.arg >= 8 || v.arg < 1<<(8*n.arg)
		}
	}
	m.abort(fmt.Errorf("line %d: %s: there is no size of %v", t.line, t.text, v))
	return false
}

// literal is the literal that a type stands for in a scope, or nil.
func (m *matcher) literal(t *typ, s *scope) *value {
	for {
		if t.kind == ofParens {
			t = t.target
			continue
		}
		arg, in, ok := s.lookup(t.name)
		if t.kind != ofName || !ok {
			return m.schema.literal(t)
		}
		t, s = arg, in
	}
}

// embedded matches the CBOR in a byte string.
func (m *matcher) embedded(t *typ, s *scope, v *value) bool {
	if v.major != 2 {
		return m.miss(v, t)
	}
	var in *value
	if t.op == "cbor" {
		one, err := decode(v.bytes)
		if err != nil {
			return m.miss(v, t)
		}
		in = one
	} else {
		in = &value{major: 4, offset: v.offset}
		r := &reader{data: v.bytes}
		for r.err == nil && r.pos < len(v.bytes) {
			in.items = append(in.items, r.item(0))
		}
		if r.err != nil {
			return m.miss(v, t)
		}
	}
	m.path = append(m.path, step{name: "(cbor)"})
	defer func() { m.path = m.path[:len(m.path)-1] }()
	return m.typ(t.arg, s, in)
}

// equal compares a value with a literal. A float is equal in any width.
func equal(lit, v *value) bool {
	if f, ok := lit.float(); ok {
		g, ok := v.float()
		return ok && f == g
	}
	if lit.major != v.major {
		return false
	}
	return lit.major <= 1 && lit.arg == v.arg || (lit.major == 2 || lit.major == 3) && string(lit.bytes) == string(v.bytes)
}

// compare orders two numbers, both integers or both floats.
func compare(a, b *value) (int, bool) {
	if f, ok := a.float(); ok {
		g, ok := b.float()
		return cmp.Compare(f, g), ok && f == f && g == g
	}
	switch {
	case a.major > 1 || b.major > 1:
		return 0, false
	case a.major != b.major:
		return cmp.Compare(b.major, a.major), true
	case a.major == 1:
		return cmp.Compare(b.arg, a.arg), true
	}
	return cmp.Compare(a.arg, b.arg), true
}
