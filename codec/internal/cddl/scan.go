package cddl

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A parser reads a schema from left to right. It gives up by a panic with its error,
// which read catches.
type parser struct {
	text  string
	pos   int
	depth int
	lines []int // where each line but the first begins
}

func newParser(text string) *parser {
	p := &parser{text: text}
	for i := range len(text) {
		if text[i] == '\n' {
			p.lines = append(p.lines, i+1)
		}
	}
	return p
}

func (p *parser) fail(format string, args ...any) {
	panic(&SyntaxError{Line: p.at(p.pos), Reason: fmt.Sprintf(format, args...)})
}

// at is the line of a position, from 1.
func (p *parser) at(pos int) int {
	n, found := slices.BinarySearch(p.lines, pos)
	if found {
		n++
	}
	return n + 1
}

func (p *parser) peek() byte { return p.peekAt(0) }

func (p *parser) peekAt(n int) byte {
	if p.pos+n >= len(p.text) {
		return 0
	}
	return p.text[p.pos+n]
}

func (p *parser) starts(s string) bool { return strings.HasPrefix(p.text[p.pos:], s) }

func (p *parser) accept(s string) bool {
	if !p.starts(s) {
		return false
	}
	p.pos += len(s)
	return true
}

func (p *parser) expect(s string) {
	if !p.accept(s) {
		p.fail("%q expected", s)
	}
}

// blanks passes over white space and comments.
func (p *parser) blanks() {
	for p.pos < len(p.text) {
		switch p.text[p.pos] {
		case ' ', '\n':
			p.pos++
		case '\r':
			if p.peekAt(1) != '\n' {
				p.fail("a carriage return alone")
			}
			p.pos += 2
		case '\t':
			p.fail("a tab") // RFC 8610 has none
		case ';':
			end := strings.IndexByte(p.text[p.pos:], '\n')
			if end < 0 {
				p.pos = len(p.text)
				return
			}
			p.pos += end + 1
		default:
			return
		}
	}
}

func alpha(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '@' || c == '_' || c == '$'
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// id reads a name, or "" when none begins here.
func (p *parser) id() string {
	begin := p.pos
	if !alpha(p.peek()) {
		return ""
	}
	p.pos++
	for {
		n := 0
		for c := p.peekAt(n); c == '-' || c == '.'; c = p.peekAt(n) {
			n++
		}
		if c := p.peekAt(n); !alpha(c) && !digit(c) {
			return p.text[begin:p.pos]
		}
		p.pos += n + 1
	}
}

// digits reads an unsigned integer, if one is there.
func (p *parser) digits() (uint64, bool) {
	begin, base := p.pos, 10
	if p.peek() == '0' && (p.peekAt(1) == 'x' || p.peekAt(1) == 'b') {
		base = map[byte]int{'x': 16, 'b': 2}[p.peekAt(1)]
		p.pos += 2
	}
	from := p.pos
	for c := p.peek(); digit(c) || base == 16 && strings.IndexByte("abcdefABCDEF", c) >= 0 && c != 0; c = p.peek() {
		p.pos++
	}
	if p.pos == from {
		p.pos = begin
		return 0, false
	}
	if base == 10 && p.text[from] == '0' && p.pos-from > 1 {
		p.fail("a number that begins with 0")
	}
	n, err := strconv.ParseUint(p.text[from:p.pos], base, 64)
	if err != nil {
		p.fail("a number beyond 64 bits, or not of its base")
	}
	return n, true
}

// literal reads a number, a text or bytes, or returns nil.
func (p *parser) literal() *value {
	switch c := p.peek(); {
	case c == '"':
		return &value{major: 3, bytes: []byte(p.quoted('"'))}
	case c == '\'':
		return &value{major: 2, bytes: []byte(p.quoted('\''))}
	case p.starts("h'"):
		p.pos++
		b, err := hex.DecodeString(strings.Join(strings.Fields(p.quoted('\'')), ""))
		if err != nil {
			p.fail("bytes that are not hexadecimal")
		}
		return &value{major: 2, bytes: b}
	case p.starts("b64'"):
		p.pos += 3
		text := strings.TrimRight(strings.Join(strings.Fields(p.quoted('\'')), ""), "=")
		b, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			p.fail("bytes that are not base64url")
		}
		return &value{major: 2, bytes: b}
	case digit(c) || c == '-' && digit(p.peekAt(1)):
		return p.number()
	}
	return nil
}

func (p *parser) number() *value {
	begin := p.pos
	negative := p.accept("-")
	n, ok := p.digits()
	if !ok {
		p.fail("a number expected")
	}
	isFloat := false
	if strings.IndexByte("pP", p.peek()) >= 0 && p.peek() != 0 || p.peek() == '.' && strings.HasPrefix(strings.TrimPrefix(p.text[begin:], "-"), "0x") && p.peekAt(1) != '.' {
		p.fail("hexadecimal floats are not supported")
	}
	if p.peek() == '.' && digit(p.peekAt(1)) {
		isFloat = true
		for p.pos++; digit(p.peek()); p.pos++ {
		}
	}
	if c := p.peek(); c == 'e' && (digit(p.peekAt(1)) || (p.peekAt(1) == '-' || p.peekAt(1) == '+') && digit(p.peekAt(2))) {
		isFloat = true
		for p.pos += 2; digit(p.peek()); p.pos++ {
		}
	}
	switch {
	case isFloat:
		f, err := strconv.ParseFloat(p.text[begin:p.pos], 64)
		if err != nil {
			p.fail("a float out of range")
		}
		return &value{major: 7, width: 27, arg: math.Float64bits(f)}
	case negative && n == 0:
		return &value{}
	case negative:
		return &value{major: 1, arg: n - 1}
	}
	return &value{arg: n}
}

// quoted reads what stands between quotes.
func (p *parser) quoted(quote byte) string {
	p.pos++
	var b []byte
	for {
		switch c := p.peek(); {
		case p.pos >= len(p.text):
			p.fail("a string without an end")
		case c == quote:
			p.pos++
			return string(b)
		case c == '\\':
			p.pos++
			b = p.escape(b)
		case c < 0x20 && !(quote == '\'' && (c == '\n' || c == '\r')) || c == 0x7f:
			p.fail("a control character in a string")
		default:
			_, n := utf8.DecodeRuneInString(p.text[p.pos:])
			b = append(b, p.text[p.pos:p.pos+n]...)
			p.pos += n
		}
	}
}

// escape reads what stands behind a backslash: JSON's escapes, and itself for
// everything else that is printable.
func (p *parser) escape(b []byte) []byte {
	c := p.peek()
	p.pos++
	switch c {
	case 'n':
		return append(b, '\n')
	case 't':
		return append(b, '\t')
	case 'r':
		return append(b, '\r')
	case 'b':
		return append(b, '\b')
	case 'f':
		return append(b, '\f')
	case 'u':
		if p.pos+4 > len(p.text) {
			p.fail("an escape without an end")
		}
		n, err := strconv.ParseUint(p.text[p.pos:p.pos+4], 16, 16)
		if err != nil || n >= 0xd800 && n < 0xe000 {
			p.fail("escapes of this form are not supported")
		}
		p.pos += 4
		return utf8.AppendRune(b, rune(n))
	case '"', '\'', '\\', '/':
		return append(b, c)
	}
	p.pos--
	p.fail("an escape that JSON has not")
	return nil
}
