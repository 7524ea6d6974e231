package mimi

import (
	"html"
	"strings"
)

// html writes the text of HTML: tags away, blocks on lines of their own,
// mentions by name, other links with their target behind them. It is a reader
// for display, not a sanitiser: its output is text.
func (w *writer) html(s string) {
	t := &tagReader{s: s}
	var href string
	var label strings.Builder
	open := false // inside a link
	first := true
	var gap byte // what parts the next text from the last: 0, a blank or a line
	part := func() {
		switch {
		case first || gap == '\n':
			w.separate()
		case gap == ' ':
			w.space()
		}
		first, gap = false, 0
	}
	put := func(text string) {
		if open {
			label.WriteString(text)
			return
		}
		for _, c := range text {
			if c == ' ' || c == '\t' || c == '\n' || c == '\r' {
				if gap == 0 {
					gap = ' '
				}
				continue
			}
			part()
			w.out.WriteRune(c)
		}
	}
	closeLink := func() {
		if !open {
			return
		}
		open = false
		text := strings.Join(strings.Fields(label.String()), " ")
		label.Reset()
		part()
		switch {
		case isIM(href):
			w.mention(href, text)
		case href == "" || href == text:
			w.out.WriteString(text)
		default:
			w.out.WriteString(text + " (" + href + ")")
		}
	}
	for {
		text, tag, ok := t.next()
		put(html.UnescapeString(text))
		if !ok {
			break
		}
		name, attrs, _ := strings.Cut(tag, " ")
		switch name = strings.ToLower(strings.TrimSuffix(name, "/")); name {
		case "a":
			closeLink()
			open, href = true, html.UnescapeString(attribute(attrs, "href"))
		case "/a":
			closeLink()
		case "script", "style":
			t.skip("</" + name)
		case "img":
			put(html.UnescapeString(attribute(attrs, "alt")))
		case "br", "p", "/p", "div", "/div", "li", "ul", "/ul", "ol", "/ol", "tr", "table", "/table", "pre", "/pre",
			"blockquote", "/blockquote", "h1", "/h1", "h2", "/h2", "h3", "/h3", "h4", "/h4", "h5", "/h5", "h6", "/h6":
			closeLink()
			gap = '\n'
		}
	}
	closeLink()
}

// A tagReader splits HTML into text and tags.
type tagReader struct {
	s string
}

// next returns the text up to the next tag, and the tag without its brackets; ok
// is false when no tag follows. Comments are passed over.
func (t *tagReader) next() (text, tag string, ok bool) {
	i := strings.IndexByte(t.s, '<')
	if i < 0 {
		text, t.s = t.s, ""
		return text, "", false
	}
	text, t.s = t.s[:i], t.s[i:]
	if strings.HasPrefix(t.s, "<!--") {
		_, t.s, _ = strings.Cut(t.s, "-->")
		return text, "!", true
	}
	if len(t.s) < 2 || t.s[1] != '/' && t.s[1] != '!' && !letter(t.s[1]) {
		t.s = t.s[1:]
		return text + "<", "", true
	}
	var quote byte
	for j := 1; j < len(t.s); j++ {
		switch c := t.s[j]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			tag = strings.Map(spaceOf, t.s[1:j])
			t.s = t.s[j+1:]
			return text, tag, true
		}
	}
	t.s = ""
	return text, "", false
}

// skip passes over everything up to the tag that begins with end.
func (t *tagReader) skip(end string) {
	for i := 0; i+len(end) <= len(t.s); i++ {
		if strings.EqualFold(t.s[i:i+len(end)], end) {
			t.s = t.s[i:]
			return
		}
	}
	t.s = ""
}

// attribute returns the value of an attribute of a tag, "" if it has none.
func attribute(attrs, name string) string {
	for attrs = strings.TrimSpace(attrs); attrs != ""; attrs = strings.TrimSpace(attrs) {
		i := strings.IndexAny(attrs, "= ")
		if i < 0 {
			return ""
		}
		key, rest := attrs[:i], strings.TrimLeft(attrs[i:], " ")
		if !strings.HasPrefix(rest, "=") {
			attrs = rest
			continue
		}
		rest = strings.TrimLeft(rest[1:], " ")
		var value string
		if rest != "" && (rest[0] == '"' || rest[0] == '\'') {
			value, attrs, _ = strings.Cut(rest[1:], rest[:1])
		} else {
			value, attrs, _ = strings.Cut(rest, " ")
		}
		if strings.EqualFold(key, name) {
			return value
		}
	}
	return ""
}

func spaceOf(c rune) rune {
	switch c {
	case '\n', '\r', '\t', '\f':
		return ' '
	}
	return c
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
