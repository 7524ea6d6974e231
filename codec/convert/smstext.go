package convert

import (
	"bufio"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// text is the text of a value: entities are replaced, two that are halves of one
// character joined, and what is no Unicode is mended.
func (s *xmlScanner) text(v string) string {
	if !utf8.ValidString(v) {
		v = strings.ToValidUTF8(v, "\uFFFD")
		s.mended = true
	}
	if strings.Contains(v, "\r") {
		v = strings.ReplaceAll(strings.ReplaceAll(v, "\r\n", "\n"), "\r", "\n")
	}
	if !strings.Contains(v, "&") {
		return v
	}
	var out strings.Builder
	out.Grow(len(v))
	for {
		before, rest, found := strings.Cut(v, "&")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		r, n := entityOf(rest)
		if n == 0 {
			out.WriteByte('&')
			v = rest
			continue
		}
		v = rest[n:]
		if utf16.IsSurrogate(r) {
			low, m := rune(0), 0
			if strings.HasPrefix(v, "&") {
				low, m = entityOf(v[1:])
			}
			if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
				v = v[1+m:]
			} else {
				s.mended = true
			}
		}
		out.WriteRune(r)
	}
}

// entityOf reads the entity that follows an ampersand, and its length; 0 when
// there is none.
func entityOf(v string) (rune, int) {
	end := strings.IndexByte(v[:min(len(v), 12)], ';')
	if end < 0 {
		return 0, 0
	}
	switch name := v[:end]; {
	case name == "amp":
		return '&', end + 1
	case name == "lt":
		return '<', end + 1
	case name == "gt":
		return '>', end + 1
	case name == "quot":
		return '"', end + 1
	case name == "apos":
		return '\'', end + 1
	case strings.HasPrefix(name, "#"):
		digits, base := name[1:], 10
		if strings.HasPrefix(digits, "x") || strings.HasPrefix(digits, "X") {
			digits, base = digits[1:], 16
		}
		n, err := strconv.ParseUint(digits, base, 32)
		if err != nil || n > utf8.MaxRune {
			return 0, 0
		}
		return rune(n), end + 1
	}
	return 0, 0
}

// An entityless passes over the entities of a stream, which in base64 are line
// breaks.
type entityless struct {
	in     *bufio.Reader
	inside bool
}

func (e *entityless) Read(p []byte) (int, error) {
	for {
		n, err := e.in.Read(p)
		kept := 0
		for _, c := range p[:n] {
			switch {
			case c == '&':
				e.inside = true
			case e.inside:
				e.inside = c != ';'
			default:
				p[kept] = c
				kept++
			}
		}
		if kept > 0 || err != nil || len(p) == 0 {
			return kept, err
		}
	}
}
