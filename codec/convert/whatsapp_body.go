package convert

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A chatBody is what a record of a chat says after its sender.
type chatBody struct {
	text    string
	kind    string // of mimi.Origin; "" for text
	file    string // the name of a file, as the export refers to it
	omitted bool   // there was a file that has no name
	deleted bool
	edited  bool
	service bool // the app may have written it: it begins with a mark
}

// body reads the text of a record.
func (w *chatWords) body(raw string) (b chatBody) {
	b.service = strings.TrimLeftFunc(raw, isInvisible) != raw
	raw, b.edited = w.cutEdited(raw)
	b.text = unmarked(raw)
	plain := plainWord(b.text)
	switch {
	case w.deleted[plain] || strings.HasPrefix(plain, "this message was deleted by admin "):
		b.deleted = true
	case w.attachedFile(raw, &b), w.omittedFile(raw, &b):
	default:
		b.kind = chatKindOf(b.text, plain, b.service)
	}
	return b
}

// cutEdited takes the remark off that a text was edited.
func (w *chatWords) cutEdited(raw string) (string, bool) {
	trimmed := strings.TrimRightFunc(raw, unicode.IsSpace)
	inner, ok := strings.CutSuffix(trimmed, ">")
	i := strings.LastIndexByte(inner, '<')
	if !ok || i < 0 || !w.edited[plainWord(unmarked(inner[i+1:]))] {
		return raw, false
	}
	return strings.TrimRightFunc(inner[:i], func(r rune) bool { return isInvisible(r) || unicode.IsSpace(r) }), true
}

// attachedFile finds the file of a message: "NAME (file attached)" or
// "<attached: NAME>", at the end of the first line or of the text. The rest of the
// text is its caption.
func (w *chatWords) attachedFile(raw string, b *chatBody) bool {
	first, after, _ := strings.Cut(raw, "\n")
	name, caption, ok := w.attachedAtEnd(first)
	if !ok {
		i := strings.LastIndexByte(raw, '\n')
		if i < 0 {
			return false
		}
		if name, caption, ok = w.attachedAtEnd(raw[i+1:]); !ok || raw[len(raw)-1] == ')' {
			return false // Android's is in the first line
		}
		caption, after = raw[:i]+"\n"+caption, ""
	}
	b.file = name
	b.text = strings.TrimSpace(unmarked(caption))
	if after = unmarked(after); after != "" {
		b.text = strings.TrimPrefix(b.text+"\n"+after, "\n")
	}
	switch ext := strings.ToLower(path.Ext(name)); {
	case ext == ".vcf":
		b.kind = "contact"
	case strings.HasPrefix(name, "STK-") || strings.Contains(name, "-STICKER-"):
		b.kind = "sticker"
	case strings.HasPrefix(name, "PTT-"):
		b.kind = "voice"
	}
	return true
}

// attachedAtEnd splits a line that ends with a file into its name and what stands
// before it.
func (w *chatWords) attachedAtEnd(line string) (name, before string, ok bool) {
	line = strings.TrimRightFunc(line, func(r rune) bool { return isInvisible(r) || unicode.IsSpace(r) })
	if inner, cut := strings.CutSuffix(line, ")"); cut {
		i := strings.LastIndexByte(inner, '(')
		if i < 0 || !w.attached[plainWord(unmarked(inner[i+1:]))] && !isAppName(strings.TrimSpace(unmarked(inner[:i]))) {
			return "", "", false
		}
		name = strings.TrimSpace(unmarked(inner[:i]))
		return name, "", isPlainFileName(name)
	}
	inner, cut := strings.CutSuffix(line, ">")
	i := strings.LastIndexByte(inner, '<')
	if !cut || i < 0 {
		return "", "", false
	}
	before = inner[:i]
	word, name, ok := strings.Cut(strings.ReplaceAll(inner[i+1:], "：", ":"), ":")
	if name = strings.TrimSpace(unmarked(name)); !ok { // "NAME <attached>"
		name = strings.TrimSpace(unmarked(before))
		return name, "", w.attached[plainWord(unmarked(word))] && isPlainFileName(name)
	}
	known := w.attached[plainWord(unmarked(word))] || strings.TrimRightFunc(before, isInvisible) != before
	return name, before, known && isPlainFileName(name)
}

// omittedFile finds what stands in the place of a file that was not exported.
func (w *chatWords) omittedFile(raw string, b *chatBody) bool {
	first, _, _ := strings.Cut(b.text, "\n")
	word := strings.TrimSpace(first)
	if inner, ok := strings.CutPrefix(word, "<"); ok {
		word = strings.TrimSuffix(inner, ">")
	}
	if kind, ok := w.omitted[plainWord(word)]; ok {
		b.omitted, b.kind = true, kind
		return true
	}
	// iOS: after the text, or the name and the pages of a document, and a mark.
	i := strings.LastIndex(raw, lrm)
	if i < 0 {
		return false
	}
	kind, ok := w.omitted[plainWord(unmarked(raw[i:]))]
	if !ok {
		return false
	}
	b.omitted, b.kind = true, kind
	if before, _, found := strings.Cut(unmarked(raw[:i]), " • "); kind == "document" && isPlainFileName(strings.TrimSpace(before)) {
		if found || !strings.Contains(before, "\n") {
			b.file, b.omitted, b.text = strings.TrimSpace(before), false, ""
		}
	}
	return true
}

const lrm = "\u200e"

// chatKindOf tells polls, places and calls from text. service says that the app wrote
// it; on Android nothing says so, and only whole phrases are taken.
func chatKindOf(text, plain string, service bool) string {
	first, _, _ := strings.Cut(text, "\n")
	if isChatPoll(first) && strings.Contains(text, "\n") {
		return "poll"
	}
	for _, at := range []string{": https://maps.google.com/?q=", ": https://maps.google.com/maps?q=", ": https://www.google.com/maps", ": https://maps.apple.com/"} {
		if i := strings.Index(first, at); i > 0 && !strings.ContainsAny(first[:i], " ") {
			return "location"
		}
	}
	for _, call := range callWords() {
		if plain == call || service && strings.HasPrefix(plain, call) {
			return "call"
		}
	}
	return ""
}

// isPlainFileName reports what can be the name of one file of an export.
func isPlainFileName(name string) bool {
	ext := path.Ext(name)
	return len(name) <= MaxName && utf8.ValidString(name) && len(ext) > 1 && len(ext) < len(name) && !strings.ContainsAny(name, "\n\r/\\<>") &&
		!strings.ContainsFunc(name, unicode.IsControl)
}

// isAppName reports a name that the app gives: IMG-20240101-WA0001.jpg (Android),
// 00000012-PHOTO-2024-01-01-10-00-00.jpg or 00000012-Report.pdf (iOS).
func isAppName(name string) bool {
	parts := strings.SplitN(name, "-", 3)
	if len(parts) == 3 && len(parts[0]) == 3 && len(parts[1]) == 8 && isDigits(parts[1]) && strings.HasPrefix(parts[2], "WA") {
		return isPlainFileName(name)
	}
	return len(parts) > 1 && len(parts[0]) == 8 && isDigits(parts[0]) && isPlainFileName(name)
}

// unmarked is a text without the marks that the app sets: those of direction in
// front of its own words and names, and those around mentions. Marks from right to
// left within a text are the writer's.
func unmarked(s string) string {
	if !strings.ContainsFunc(s, isInvisible) {
		return s
	}
	s = strings.TrimLeftFunc(s, isInvisible)
	return strings.Map(func(r rune) rune {
		if r == '\u200e' || r == '\ufeff' || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' {
			return -1
		}
		return r
	}, s)
}

// plainName is a name as it is compared: without marks and control characters, with
// ordinary blanks.
func plainName(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case isInvisible(r) || unicode.IsControl(r):
			return -1
		case unicode.Is(unicode.Zs, r):
			return ' '
		}
		return r
	}, s)
	if s = strings.TrimSpace(s); strings.HasPrefix(s, "~") {
		s = "~" + strings.TrimSpace(s[1:])
	}
	return s
}

// splitSender splits what follows a head into sender and text. said is false when
// there is no sender: the app wrote the line.
func splitSender(rest string) (sender, text string, said bool) {
	first, _, _ := strings.Cut(rest, "\n")
	i := strings.Index(first, ": ")
	if i < 0 {
		// "Name:" and an empty text, or one that begins in the next line.
		trimmed := strings.TrimRight(first, " ")
		if j := len(trimmed) - 1; j > 0 && trimmed[j] == ':' && plainName(trimmed[:j]) != "" {
			return trimmed[:j], rest[len(first):], true
		}
		if j := strings.Index(first, ":"+lrm); j > 0 {
			return first[:j], rest[j+1:], true
		}
		return "", rest, false
	}
	if plainName(first[:i]) == "" || i > MaxName {
		return "", rest, false
	}
	return rest[:i], rest[i+2:], true
}

// quotedBefore reports a quote before the first colon of a line: the colon may be in
// the name of a group.
func quotedBefore(rest string) bool {
	i := strings.Index(rest, ": ")
	return i >= 0 && strings.ContainsAny(rest[:i], `"“„«`)
}
