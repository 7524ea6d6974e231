package convert

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A span is a piece of a text that looks one way.
type span struct {
	text string
	look look
	href string // of a link; the URI of a person for a mention
	lang string // of pre
}

// A look is a set of formats.
type look uint16

const (
	bold look = 1 << iota
	italic
	strike
	underline // GFM has none: a tag
	spoiler   // GFM has none: ||text||, as people write it
	code
	quote // a block
	pre   // a block
	asIs  // Markdown already
)

// textOf is the text of spans and its media type: plain text when none of them has
// a format, else GitHub Flavored Markdown, in which what is no format is escaped.
func textOf(spans []span) (text, mediaType string) {
	var plain strings.Builder
	formatted := false
	for _, s := range spans {
		plain.WriteString(s.text)
		formatted = formatted || (s.look != 0 || s.href != "") && strings.TrimSpace(s.text) != ""
	}
	if !formatted {
		return plain.String(), ""
	}
	var w markdownWriter
	for i, s := range spans {
		var next rune
		w.linked = false
		if i+1 < len(spans) {
			next, _ = utf8.DecodeRuneInString(spans[i+1].text)
			w.linked = spans[i+1].href != ""
		}
		w.span(s, next)
	}
	return w.end(), markdown
}

// A markdownWriter writes a line at a time, since a line break of a message is a
// hard one and a block begins on a line of its own.
type markdownWriter struct {
	out     strings.Builder
	line    strings.Builder
	begun   bool // the line has a text, which may be empty
	quoted  bool // the line is of a quotation
	linked  bool // a link follows the span
	last    blockKind
	written bool
}

// A blockKind is what the line before is of.
type blockKind uint8

const (
	blankBlock blockKind = iota
	textBlock
	quoteBlock
	fenceBlock
)

// span writes a span that next follows (0: nothing).
func (w *markdownWriter) span(s span, next rune) {
	if s.text == "" {
		return
	}
	if s.look&pre != 0 {
		w.flush()
		w.fence(s)
		return
	}
	if q := s.look&quote != 0; q != w.quoted {
		w.flush()
		w.quoted = q
	}
	lines := strings.Split(s.text, "\n")
	for i, part := range lines {
		if i > 0 {
			w.begun = true
			w.flush()
			w.quoted = s.look&quote != 0
		}
		if part != "" {
			follow := next
			if i < len(lines)-1 {
				follow = 0
			}
			w.piece(part, s, follow)
			w.begun = true
		}
	}
}

// piece writes a piece of one line. Blanks at its ends stand outside of its marks.
func (w *markdownWriter) piece(text string, s span, next rune) {
	if s.look&asIs != 0 {
		w.line.WriteString(text)
		return
	}
	core := strings.Trim(text, " \t")
	if core == "" || s.look&^quote == 0 && s.href == "" {
		text = escape(text, w.line.Len() == 0)
		if w.linked && next != 0 && strings.HasSuffix(text, "!") { // would make an image of it
			text = strings.TrimSuffix(text, "!") + `\!`
		}
		w.line.WriteString(text)
		return
	}
	before, after, _ := strings.Cut(text, core)
	w.line.WriteString(escape(before, w.line.Len() == 0))
	if after != "" {
		next, _ = utf8.DecodeRuneInString(after)
	}
	prev, _ := utf8.DecodeLastRuneInString(w.line.String())
	if w.line.Len() == 0 {
		prev = 0
	}
	open, end := marks(s.look, parts(prev) && !strings.ContainsRune("*~`|\\_", prev) && parts(next))
	inner := escape(core, w.line.Len() == 0 && open == "")
	if s.look&code != 0 {
		inner = codeOf(core, prev == '`' && open == "")
	}
	if s.href != "" {
		inner = "[" + inner + "](" + target(s.href) + ")"
	}
	w.line.WriteString(open + inner + end + after)
}

// marks are what stands around a format. Marks of asterisks count only beside a
// blank or punctuation (GFM, section 6.4): elsewhere tags do.
func marks(l look, apart bool) (open, end string) {
	for _, m := range []struct {
		look      look
		mark, tag string
	}{{underline, "", "u"}, {strike, "~~", "s"}, {bold, "**", "b"}, {italic, "*", "i"}} {
		switch {
		case l&m.look == 0:
		case apart && m.mark != "":
			open, end = open+m.mark, m.mark+end
		default:
			open, end = open+"<"+m.tag+">", "</"+m.tag+">"+end
		}
	}
	if l&spoiler != 0 {
		open, end = open+"||", "||"+end
	}
	return open, end
}

// parts reports a rune that parts words; 0 is the end of a line.
func parts(r rune) bool {
	return r == 0 || unicode.IsSpace(r) || unicode.IsPunct(r) || unicode.IsSymbol(r) && r < utf8.RuneSelf
}

// codeOf is a code span, in more backticks than it holds; a tag where a backtick
// stands before it.
func codeOf(s string, tag bool) string {
	if tag {
		return "<code>" + escape(s, false) + "</code>"
	}
	ticks := fenceOf(s, 1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return ticks + s + ticks
}

// fenceOf is a run of backticks, at least n, that s does not hold.
func fenceOf(s string, n int) string {
	run := 0
	for i := range len(s) {
		if s[i] != '`' {
			run = 0
			continue
		}
		run++
		n = max(n, run+1)
	}
	return strings.Repeat("`", n)
}

// fence writes a block of code.
func (w *markdownWriter) fence(s span) {
	ticks := fenceOf(s.text, 3)
	lang := s.lang
	if strings.ContainsAny(lang, " `\n\r\t") {
		lang = ""
	}
	if w.written {
		w.out.WriteString("\n")
	}
	w.out.WriteString(ticks + lang + "\n" + strings.TrimSuffix(s.text, "\n") + "\n" + ticks)
	w.last, w.written = fenceBlock, true
}

// flush ends the line.
func (w *markdownWriter) flush() {
	if !w.begun {
		w.quoted = false
		return
	}
	text, kind := w.line.String(), textBlock
	switch {
	case w.quoted:
		text, kind = "> "+text, quoteBlock
	case text == "":
		kind = blankBlock
	}
	if w.written {
		switch {
		case w.last == kind && kind != blankBlock:
			w.out.WriteString("  ") // a hard break (section 6.12)
		case w.last == quoteBlock && kind == textBlock:
			w.out.WriteString("\n") // else it would go on the quotation
		}
		w.out.WriteString("\n")
	}
	w.out.WriteString(text)
	w.last, w.written = kind, true
	w.line.Reset()
	w.begun, w.quoted = false, false
}

func (w *markdownWriter) end() string {
	w.flush()
	return w.out.String()
}
