package mimi

import "strings"

// markdown writes Markdown as it was typed, but mentions by name. Links in code
// are no links (GFM, section 6).
func (w *writer) markdown(s string) {
	for len(s) > 0 {
		i := strings.IndexAny(s, "`\\[<")
		if i < 0 {
			break
		}
		w.out.WriteString(s[:i])
		s = s[i:]
		n := 1
		switch s[0] {
		case '`':
			n = codeSpan(s)
		case '\\':
			n = min(2, len(s))
		case '[':
			if text, uri, size, ok := link(s); ok && isIM(uri) {
				w.mention(uri, text)
				s = s[size:]
				continue
			}
		case '<':
			// GFM, section 6.9: an autolink holds no blank and no other bracket.
			uri := s[1:min(len(s), maxLink)]
			if end := strings.IndexAny(uri, "<> \n"); end > 0 && uri[end] == '>' && isIM(uri[:end]) {
				w.mention(uri[:end], "")
				s = s[end+2:]
				continue
			}
		}
		w.out.WriteString(s[:n])
		s = s[n:]
	}
	w.out.WriteString(s)
}

// codeSpan returns the length of the code that s begins with: up to the next run
// of as many backticks, else the run itself.
func codeSpan(s string) int {
	run := len(s) - len(strings.TrimLeft(s, "`"))
	s = s[:max(run, min(len(s), maxCode))]
	for i := run; i < len(s); {
		j := strings.IndexByte(s[i:], '`')
		if j < 0 {
			break
		}
		i += j
		k := len(s[i:]) - len(strings.TrimLeft(s[i:], "`"))
		i += k
		if k == run {
			return i
		}
	}
	return run
}

// Bounds on how far the end of something is looked for, so that a text of nothing
// but beginnings takes linear time.
const (
	maxLink     = 2048     // bytes of a link
	maxBrackets = 8        // brackets within brackets of a link's text
	maxCode     = 64 << 10 // bytes of a code span
)

// link reads an inline link "[text](uri)" at the start of s, which is size bytes.
func link(s string) (text, uri string, size int, ok bool) {
	s = s[:min(len(s), maxLink)]
	depth := 0
	end := -1
	for i := 0; i < len(s) && end < 0; i++ {
		switch s[i] {
		case '\\':
			i++
		case '[':
			if depth++; depth > maxBrackets {
				return "", "", 0, false
			}
		case ']':
			if depth--; depth == 0 {
				end = i
			}
		}
	}
	if end < 0 || end+1 >= len(s) || s[end+1] != '(' {
		return "", "", 0, false
	}
	to := strings.IndexAny(s[end:], ")\n")
	if to < 0 || s[end+to] != ')' {
		return "", "", 0, false
	}
	uri = strings.TrimSpace(s[end+2 : end+to])
	uri, _, _ = strings.Cut(uri, " ") // a title follows
	uri = strings.TrimSuffix(strings.TrimPrefix(uri, "<"), ">")
	return unescape(s[1:end]), uri, end + to + 1, true
}

// unescape takes the backslashes from escaped punctuation.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && strings.IndexByte("\\`*_{}[]()#+-.!<>@", s[i+1]) >= 0 {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
