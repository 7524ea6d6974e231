package convert

import "strings"

// A markup collects the spans of a message whose layout has a markup of its own.
type markup struct {
	spans []span
	look  look // of what is added next
}

// add appends a span with the look that is set.
func (m *markup) add(s span) {
	s.look |= m.look
	if s.text != "" {
		m.spans = append(m.spans, s)
	}
}

// text appends a text with its line breaks.
func (m *markup) text(s string) { m.add(span{text: s}) }

// markdown appends what is Markdown already.
func (m *markup) markdown(s string) { m.add(span{text: s, look: asIs}) }

// styled calls add with formats that are set for what it adds.
func (m *markup) styled(l look, add func()) {
	before := m.look
	m.look |= l
	add()
	m.look = before
}

// mention appends a mention of a user or a room (MIMI content, section 9.6). One
// name may be mentioned in a text as often as there is place for its id: it is cut.
func (m *markup) mention(name, uri string) { m.add(span{text: mentionOf(name), href: uri}) }

func mentionOf(name string) string {
	if len(name) > MaxName {
		return cut(name, MaxName)
	}
	return name
}

// link appends a link; text may be empty. What is no address is no link.
func (m *markup) link(text, uri string) {
	switch {
	case text == "" || text == uri:
		m.text(uri)
	case !strings.Contains(uri, ":"):
		m.text(text)
	default:
		m.add(span{text: text, href: uri})
	}
}

// line begins a new line where none begins.
func (m *markup) line() {
	if n := len(m.spans); n > 0 {
		last := m.spans[n-1]
		// A block ends its line itself, but for one of the same kind.
		if last.look&(pre|quote)&^m.look == 0 && !strings.HasSuffix(last.text, "\n") {
			m.text("\n")
		}
	}
}

// quote appends what another markup holds, as a quotation.
func (m *markup) quote(q *markup) {
	q.trim()
	m.styled(quote, func() {
		if n := len(m.spans); n > 0 && m.spans[n-1].look&quote != 0 {
			m.text("\n")
		}
		for _, s := range q.spans {
			m.add(s)
		}
	})
}

// trim takes away blanks and line breaks at the end.
func (m *markup) trim() {
	for n := len(m.spans); n > 0; n = len(m.spans) {
		last := &m.spans[n-1]
		if last.text = strings.TrimRight(last.text, "\n "); last.text != "" {
			return
		}
		m.spans = m.spans[:n-1]
	}
}

// empty reports whether nothing of m can be seen.
func (m *markup) empty() bool { return strings.TrimSpace(m.plain()) == "" }

// plain is the text without its formats.
func (m *markup) plain() string {
	var b strings.Builder
	for _, s := range m.spans {
		b.WriteString(s.text)
	}
	return b.String()
}

// result is the text and its media type, without blanks at its end.
func (m *markup) result() (text, mediaType string) {
	m.trim()
	return textOf(m.spans)
}
