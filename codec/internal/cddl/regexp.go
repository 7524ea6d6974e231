package cddl

import (
	"errors"
	"regexp"
	"strings"
)

// regexps are the compiled patterns of a schema.
type regexps map[string]*regexp.Regexp

// compile makes an expression of XML Schema, which is what .regexp has, one of Go
// that means the same. Supported: literals, ".", classes without subtraction,
// groups, "|", "? * + {n,m}", and the escapes of single characters, \d and \p{..}
// of general categories. Everything else is an error: a bare "^" or "$" means itself
// in XML Schema, and something else to most who write it.
func compile(pattern string) (*regexp.Regexp, error) {
	var b strings.Builder
	b.WriteString(`\A(?:`)
	class, quantified := false, false
	for rest := pattern; rest != ""; {
		n, err := 1, error(nil)
		was := quantified
		quantified = false
		switch c := rest[0]; {
		case c == '\\':
			n, err = escaped(&b, rest)
		case class:
			class = c != ']'
			if c == '[' {
				err = errors.New("a bracket in a class is not supported")
			}
			b.WriteByte(c)
		case c == '[':
			class = true
			if strings.HasPrefix(rest, "[^") {
				n = 2
			}
			if strings.HasPrefix(rest[n:], "]") {
				err = errors.New("a class of nothing")
			}
			b.WriteString(rest[:n])
		case c == '^' || c == '$' || c == ']' || c == '}':
			err = errors.New("a bare ^ $ ] or } is not supported")
		case c == '.':
			b.WriteString(`[^\n\r]`)
		case c == '?' || c == '+' || c == '*' || c == '{':
			quantified = true
			if was {
				err = errors.New("a quantifier of a quantifier")
			}
			if c == '{' {
				n = strings.IndexByte(rest, '}') + 1
			}
			if n == 0 || c == '{' && (n < 3 || strings.Trim(rest[1:n-1], "0123456789,") != "" || rest[1] == ',') {
				n, err = 1, errors.New("a quantifier of another form")
			}
			b.WriteString(rest[:n])
		case strings.HasPrefix(rest, "(?"):
			err = errors.New("(? is not supported")
		default:
			b.WriteByte(c)
		}
		if err != nil {
			return nil, err
		}
		rest = rest[n:]
	}
	b.WriteString(`)\z`)
	return regexp.Compile(b.String())
}

// escaped writes what begins with a backslash, and returns its length.
func escaped(b *strings.Builder, s string) (int, error) {
	switch {
	case len(s) == 1:
	case strings.IndexByte(`nrt\|.?*+(){}-[]^`, s[1]) >= 0:
		b.WriteString(s[:2])
		return 2, nil
	case s[1] == 'd':
		b.WriteString(`\p{Nd}`)
		return 2, nil
	case strings.HasPrefix(s, `\p{`) || strings.HasPrefix(s, `\P{`):
		if end := strings.IndexByte(s, '}'); end == 4 || end == 5 {
			b.WriteString(s[:end+1])
			return end + 1, nil
		}
	}
	return 0, errors.New("this escape is not supported")
}
