package cddl

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// read adds the rules of a text.
func (s *Schema) read(text string) (err error) {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*SyntaxError)
			if !ok {
				panic(r)
			}
			err = e
		}
	}()
	if !utf8.ValidString(text) {
		return &SyntaxError{Line: 1, Reason: "not UTF-8"}
	}
	p := newParser(text)
	for p.blanks(); p.pos < len(p.text); p.blanks() {
		s.rule(p)
	}
	return nil
}

func (s *Schema) rule(p *parser) {
	line := p.at(p.pos)
	name := p.id()
	if name == "" {
		p.fail("the name of a rule expected")
	}
	r := s.rules[name]
	switch {
	case r == nil && len(s.rules) >= maxRules:
		p.fail("too many rules")
	case r == nil:
		r = &rule{name: name, line: line}
		s.rules[name] = r
	case r.prelude:
		p.fail("%s is a name of the prelude", name)
	}
	if s.first == "" {
		s.first = name
	}
	params := p.params()
	if len(r.choices) > 0 && !slices.Equal(params, r.params) {
		p.fail("%s has other parameters than before", name)
	}
	r.params = params
	p.blanks()
	switch {
	case p.accept("//="), p.accept("/="):
	case p.accept("=") && !strings.HasPrefix(p.text[p.pos:], ">"):
		if r.defined {
			p.fail("%s is there twice", name)
		}
		r.defined = true
	default:
		p.fail("\"=\" expected")
	}
	p.blanks()
	r.choices = append(r.choices, p.ent())
}

func (p *parser) params() (names []string) {
	if !p.accept("<") {
		return nil
	}
	for {
		p.blanks()
		n := p.id()
		if n == "" || slices.Contains(names, n) {
			p.fail("the name of a parameter expected")
		}
		names = append(names, n)
		p.blanks()
		if p.accept(">") {
			return names
		}
		p.expect(",")
	}
}

// deeper bounds the parser's recursion.
func (p *parser) deeper() func() {
	if p.depth++; p.depth > maxSyntaxDepth {
		p.fail("nested too deep")
	}
	return func() { p.depth-- }
}

// group reads choices of entries, up to a closing bracket.
func (p *parser) group(closing string) *group {
	defer p.deeper()()
	g := &group{choices: [][]*ent{nil}}
	for {
		p.blanks()
		last := &g.choices[len(g.choices)-1]
		switch {
		case p.accept(closing):
			return g
		case p.accept("//"):
			g.choices = append(g.choices, nil)
		case p.pos >= len(p.text):
			p.fail("%q expected", closing)
		default:
			*last = append(*last, p.ent())
			p.blanks()
			p.accept(",")
		}
	}
}

// ent reads an entry: occurrence, key, and a type, or a group in parentheses.
func (p *parser) ent() *ent {
	e := &ent{line: p.at(p.pos)}
	p.occurrence(e)
	p.blanks()
	begin := p.pos
	var t *typ
	if p.accept("(") {
		e.group = p.group(")")
		end := p.pos
		if !p.goesOn() {
			p.pos = end
			return e
		}
		t = (&ent{group: e.group}).asType()
		if t == nil {
			p.fail("a group stands where a type is expected")
		}
		e.group = nil
		p.pos = end
		t = p.operator(p.made(begin, &typ{kind: ofParens, target: t}), begin)
	} else {
		name := p.id()
		p.blanks()
		if name != "" && p.accept(":") {
			e.key, e.cut = &typ{kind: ofLiteral, lit: &value{major: 3, bytes: []byte(name)}, text: name}, true
			p.blanks()
			e.typ = p.typ()
			return e
		}
		p.pos = begin
		t = p.type1()
	}
	end := p.pos
	p.blanks()
	switch {
	case t.kind == ofLiteral && p.accept(":"):
		e.key, e.cut = t, true
	case p.accept("^"):
		p.blanks()
		p.expect("=>")
		e.key, e.cut = t, true
	case p.accept("=>"):
		e.key = t
	default:
		p.pos = end
		e.typ = p.choices(t, begin)
		return e
	}
	p.blanks()
	e.typ = p.typ()
	return e
}

// goesOn says whether what stood in parentheses is the beginning of a type or a key.
func (p *parser) goesOn() bool {
	p.blanks()
	return p.starts("=>") || p.starts("^") || p.starts("/") && !p.starts("//") && !p.starts("/=") ||
		p.starts("..") || p.peek() == '.' && alpha(p.peekAt(1))
}

func (p *parser) occurrence(e *ent) {
	e.min, e.max = 1, 1
	begin := p.pos
	switch {
	case p.accept("?"):
		e.min = 0
	case p.accept("+"):
		e.max = maxUint
	default:
		n, ok := uint64(0), false
		if digit(p.peek()) {
			n, ok = p.digits()
		}
		if !p.accept("*") {
			p.pos = begin
			return
		}
		e.min, e.max = 0, maxUint
		if ok {
			e.min = n
		}
		if digit(p.peek()) {
			e.max, _ = p.digits()
		}
		if e.max < e.min {
			p.fail("an occurrence that is never met")
		}
	}
	e.occurs = true
}
