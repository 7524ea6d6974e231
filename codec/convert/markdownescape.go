package convert

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// target is the destination of a link.
func target(href string) string {
	var b strings.Builder
	for i := range len(href) {
		switch c := href[i]; {
		case c <= ' ' || c == 0x7f || strings.IndexByte(`()<>\`, c) >= 0:
			const digits = "0123456789ABCDEF"
			b.WriteString("%" + string(digits[c>>4]) + string(digits[c&15]))
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// escape puts a backslash before what Markdown would take for a mark; first: s
// begins a line. Addresses stay as they are (GFM, section 6.9).
func escape(s string, first bool) string {
	var b strings.Builder
	if first {
		s = lineStart(s, &b)
	}
	prev := rune(0)
	for i := 0; i < len(s); {
		if n := address(s[i:], prev); n > 0 {
			if url := s[i : i+n]; hasMark(url) {
				b.WriteString("<" + url + ">")
			} else {
				b.WriteString(url)
			}
			prev = 'x'
			i += n
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		next, _ := utf8.DecodeRuneInString(s[i+n:])
		if i+n == len(s) {
			next = 0
		}
		if isMark(prev, r, next) {
			b.WriteByte('\\')
		}
		b.WriteString(s[i : i+n])
		prev = r
		i += n
	}
	return b.String()
}

// isMark reports a character that may be a mark between these two.
func isMark(prev, r, next rune) bool {
	switch r {
	case '*', '`', '~', '[', ']', '|':
		return true
	case '_':
		return !isWord(prev) || !isWord(next)
	case '\\':
		return next == 0 || next < utf8.RuneSelf && !isWord(next) && next != ' '
	case '<':
		return next == 0 || isWord(next) || strings.ContainsRune("/!?", next)
	case '&':
		return next == '#' || isWord(next)
	}
	return false
}

// hasMark reports an address that has to stand in brackets. An ampersand is no mark
// in one, unless it may begin the name of a character.
func hasMark(url string) bool {
	prev, entity := rune(0), strings.Contains(url, ";")
	for i := 0; i < len(url); {
		r, n := utf8.DecodeRuneInString(url[i:])
		i += n
		next, _ := utf8.DecodeRuneInString(url[i:])
		if i == len(url) {
			next = 0
		}
		if isMark(prev, r, next) && (r != '&' || entity) {
			return true
		}
		prev = r
	}
	return false
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// address returns the length of the web address that s begins with, 0 if there is
// none.
func address(s string, prev rune) int {
	if isWord(prev) || !strings.HasPrefix(s, "http://") && !strings.HasPrefix(s, "https://") {
		return 0
	}
	if end := strings.IndexAny(s, " \t<>"); end >= 0 {
		return end
	}
	return len(s)
}

// lineStart writes the beginning of a line where it would begin a block, and
// returns what is left of it.
func lineStart(s string, b *strings.Builder) string {
	text := strings.TrimLeft(s, " \t")
	indent := s[:len(s)-len(text)]
	if len(indent) > 3 || strings.Contains(indent, "\t") { // would be code (section 4.4)
		b.WriteString("&#32;")
		indent = ""
	}
	b.WriteString(indent)
	marks := len(text) - len(strings.TrimLeft(text, "#"))
	digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
	switch {
	case text == "":
	case text[0] == '>', marks > 0 && (marks == len(text) || text[marks] == ' '), strings.Trim(text, "= ") == "":
		b.WriteByte('\\')
		b.WriteByte(text[0])
		return text[1:]
	case strings.IndexByte("-+", text[0]) >= 0 && (len(text) == 1 || strings.IndexByte(" -\t", text[1]) >= 0):
		b.WriteByte('\\')
		b.WriteByte(text[0])
		return text[1:]
	case digits > 0 && digits < len(text) && strings.IndexByte(".)", text[digits]) >= 0 && (digits+1 == len(text) || text[digits+1] == ' '):
		b.WriteString(text[:digits] + `\` + text[digits:digits+1])
		return text[digits+1:]
	}
	return text
}
