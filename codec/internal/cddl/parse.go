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

// made gives a type its text.
func (p *parser) made(begin int, t *typ) *typ {
	t.line = p.at(begin)
	t.text = oneLine(p.text[begin:p.pos])
	return t
}

// oneLine is a piece of a schema without comments, blanks made one, and cut.
func oneLine(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if c := strings.IndexByte(l, ';'); c >= 0 && strings.IndexByte(l, '"') < 0 {
			lines[i] = l[:c]
		}
	}
	s = strings.Join(strings.Fields(strings.Join(lines, " ")), " ")
	if len(s) <= maxTextShown {
		return s
	}
	return strings.ToValidUTF8(s[:maxTextShown], "") + "..."
}

// typ reads a type: choices.
func (p *parser) typ() *typ {
	begin := p.pos
	return p.choices(p.type1(), begin)
}

func (p *parser) choices(first *typ, begin int) *typ {
	all := []*typ{first}
	for {
		end := p.pos
		p.blanks()
		if p.starts("//") || p.starts("/=") || !p.accept("/") {
			p.pos = end
			break
		}
		p.blanks()
		all = append(all, p.type1())
	}
	if len(all) == 1 {
		return first
	}
	return p.made(begin, &typ{kind: ofChoice, choices: all})
}

// type1 reads a type without choices: one operator at most.
func (p *parser) type1() *typ {
	begin := p.pos
	return p.operator(p.type2(), begin)
}

func (p *parser) operator(left *typ, begin int) *typ {
	end := p.pos
	p.blanks()
	switch {
	case p.accept("..."):
		p.blanks()
		return p.made(begin, &typ{kind: ofRange, lo: left, hi: p.type2(), open: true})
	case p.accept(".."):
		p.blanks()
		return p.made(begin, &typ{kind: ofRange, lo: left, hi: p.type2()})
	case p.peek() == '.' && alpha(p.peekAt(1)):
		p.pos++
		op := p.id()
		if !slices.Contains(controls(), op) {
			p.fail("the control .%s is not supported", op)
		}
		p.blanks()
		return p.made(begin, &typ{kind: ofControl, op: op, target: left, arg: p.type2()})
	}
	p.pos = end
	return left
}

func (p *parser) type2() *typ {
	defer p.deeper()()
	begin := p.pos
	if lit := p.literal(); lit != nil {
		return p.made(begin, &typ{kind: ofLiteral, lit: lit})
	}
	switch {
	case p.accept("("):
		t := (&ent{group: p.group(")")}).asType()
		if t == nil {
			p.fail("a group stands where a type is expected")
		}
		return p.made(begin, &typ{kind: ofParens, target: t})
	case p.accept("{"):
		return p.made(begin, &typ{kind: ofMap, group: p.group("}")})
	case p.accept("["):
		return p.made(begin, &typ{kind: ofArray, group: p.group("]")})
	case p.accept("~"):
		p.blanks()
		return p.named(begin, ofUnwrap)
	case p.accept("&"):
		p.blanks()
		if p.accept("(") {
			return p.made(begin, &typ{kind: ofEnum, group: p.group(")")})
		}
		t := p.named(begin, ofName)
		alone := &group{choices: [][]*ent{{{min: 1, max: 1, typ: t, line: t.line}}}}
		return p.made(begin, &typ{kind: ofEnum, name: t.name, group: alone})
	case p.accept("#"):
		return p.hash(begin)
	}
	return p.named(begin, ofName)
}

func (p *parser) named(begin int, k kind) *typ {
	t := &typ{kind: k, name: p.id()}
	if t.name == "" {
		p.fail("a type expected")
	}
	if p.accept("<") {
		for {
			p.blanks()
			t.args = append(t.args, p.type1())
			p.blanks()
			if p.accept(">") {
				break
			}
			p.expect(",")
		}
	}
	return p.made(begin, t)
}

// hash reads what begins with "#": any, a tag, a major type.
func (p *parser) hash(begin int) *typ {
	if !digit(p.peek()) {
		return p.made(begin, &typ{kind: ofAny})
	}
	t := &typ{kind: ofMajor, major: p.peek() - '0'}
	p.pos++
	if t.major > 7 {
		p.fail("there is no major type %d", t.major)
	}
	if p.accept(".") {
		if p.peek() == '<' {
			p.fail("a type as a number is not supported")
		}
		n, ok := p.digits()
		if !ok {
			p.fail("a number expected")
		}
		t.info, t.hasInfo = n, true
	}
	switch {
	case t.major == 6:
		p.expect("(")
		p.blanks()
		target := p.typ()
		p.blanks()
		p.expect(")")
		tagged := &typ{kind: ofTag, target: target}
		if t.hasInfo {
			tagged.tag = &typ{kind: ofLiteral, lit: &value{arg: t.info}}
		}
		return p.made(begin, tagged)
	case t.hasInfo && (t.major != 7 || t.info == 24 || t.info > 27 && t.info < 32 || t.info > 255):
		p.fail("this additional information is not supported")
	}
	return p.made(begin, t)
}
