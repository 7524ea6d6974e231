package cddl

import (
	"slices"
	"strings"
)

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
