package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/history/sqlite"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// An indent is what stands left of a message: the time in its first line, blanks
// in the others.
const (
	screenIndent = "       "
	plainIndent  = "    "

	minText = 10 // columns beside a name; with less the text begins below it
)

// message writes one entry of a conversation.
func (v *view) message(m *sqlite.Message) error {
	at := m.Time.Local()
	v.changes(m, at)
	indent, stamp := plainIndent, at.Format("2006-01-02 15:04:05")
	switch {
	case m.Time.UnixMilli() == 0: // what no date is known of
		stamp = "no date"
	case v.width > 0:
		stamp = at.Format("15:04")
	}
	if v.width > 0 {
		indent = screenIndent
	}
	if m.Kind == sqlite.Event || m.Kind == sqlite.Other {
		// In one line: a name with a line break in it must not begin a line.
		events := strings.ReplaceAll(m.Event, "\n", "; ")
		v.body(v.faint(stamp)+"  ", len(stamp)+2, indent, "* "+shown(events, maxShownEvents), v.faint)
		for i := range m.Attachments {
			v.attachment(indent, &m.Attachments[i])
		}
		return v.wrote()
	}
	who := v.speaker(m.Sender, m.Room)
	head, used := v.faint(stamp)+"  "+v.bold(who), len(stamp)+2+cells(who)
	lines := textOf(m, v.levels)
	long := v.width > 0 && used > v.width-minText
	switch {
	case long:
		v.body(v.faint(stamp)+"  ", len(stamp)+2, indent, who, v.bold)
	case m.ReplyTo != nil:
		v.line(head)
	}
	if m.ReplyTo != nil {
		quote := "│ " + v.quoted(m.ReplyTo, m.Room)
		if v.width > 0 {
			quote = fit(quote, v.width-len(indent))
		}
		v.line(indent, v.faint(quote))
	}
	beside := !long && m.ReplyTo == nil // the text begins beside the name
	if beside && len(lines) == 0 {
		v.line(head)
	}
	for i, l := range lines {
		if beside && i == 0 {
			v.body(head+" ", used+1, indent, l, nil)
		} else {
			v.body(indent, len(indent), indent, l, nil)
		}
	}
	for i := range m.Attachments {
		v.attachment(indent, &m.Attachments[i])
	}
	if len(m.Reactions) > 0 {
		v.body(indent, len(indent), indent+"  ", "└ "+v.reactions(m.Reactions), v.faint)
	}
	return v.wrote()
}

// wrote reports a sticky error of the output, so that a long history is not read
// to its end for nobody.
func (v *view) wrote() error {
	if _, err := v.out.Write(nil); err != nil {
		return v.flush()
	}
	return nil
}

// changes writes a line when the day changes, on a screen, and when whose word
// the messages are does.
func (v *view) changes(m *sqlite.Message, at time.Time) {
	day := at.Format("Monday, 2 January 2006")
	if at.UnixMilli() == 0 {
		day = "no date"
	}
	if v.width > 0 && day != v.day {
		v.day = day
		v.line()
		v.line(v.faint("── " + day + " " + strings.Repeat("─", max(0, v.width-len(day)-4))))
	}
	if m.Provenance != v.provenance {
		if v.provenance != "" || m.Provenance != "transferred" {
			for _, l := range wrap(shown(m.Provenance, 200)+" ──", 0, max(v.width-3, 0)) {
				v.line(v.faint("── " + l))
			}
		}
		v.provenance = m.Provenance
	}
}

// body writes one line of text behind a prefix of used columns, with more lines
// below it where it does not fit.
func (v *view) body(prefix string, used int, indent, text string, style func(string) string) {
	if style == nil {
		style = func(s string) string { return s }
	}
	width := 0
	if v.width > 0 {
		width = max(v.width-cells(indent), 8)
		used -= cells(indent)
	}
	for i, l := range wrap(text, used, width) {
		if i > 0 {
			prefix = indent
		}
		v.line(strings.TrimRight(prefix+style(l), " "))
	}
}

// textOf is what a message says, a line each, with its marks.
func textOf(m *sqlite.Message, levels bool) []string {
	text := m.Text
	if r := []rune(text); len(r) > maxShownText {
		text = fmt.Sprintf("%s… (%s more)", string(r[:maxShownText]), plural(uint64(len(r)-maxShownText), "character"))
	}
	var lines []string
	switch {
	case m.Deleted:
		text = "(deleted)"
	case m.Expired:
		text = "(expired)"
	}
	if (m.Deleted || m.Expired) && !levels {
		return []string{text}
	}
	for _, l := range strings.Split(strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), "\n") {
		lines = append(lines, shown(l, maxShownText))
	}
	lines = withoutLabels(lines, m.Attachments)
	if len(lines) == 1 && lines[0] == "" {
		lines = nil
	}
	var marks []string
	if m.Kind == sqlite.Lone {
		marks = append(marks, "a reaction")
	}
	if m.Origin.ForwardedFrom != "" {
		marks = append(marks, "forwarded from "+shown(m.Origin.ForwardedFrom, maxShownName))
	}
	if m.Edited && !m.Deleted && !m.Expired {
		marks = append(marks, "edited")
	}
	if m.NotApplied != "" {
		marks = append(marks, m.NotApplied+" of somebody else's message, not applied")
	}
	switch {
	case m.Level == mimi.Mismatch.String():
		marks = append(marks, "its id does not fit its content")
	case levels && m.Level != "":
		marks = append(marks, "id "+m.Level)
	}
	if len(marks) > 0 {
		mark := "(" + strings.Join(marks, "; ") + ")"
		if len(lines) == 0 {
			return []string{mark}
		}
		lines[len(lines)-1] += " " + mark
	}
	if len(lines) == 0 && len(m.Attachments) == 0 {
		return []string{"(no text)"}
	}
	return lines
}

// withoutLabels takes out of a text what stands in it for attachments that have
// lines of their own; what their sender says of them stays.
func withoutLabels(lines []string, attachments []sqlite.Attachment) []string {
	for i := range attachments {
		a := &attachments[i]
		if !shows(a) {
			continue
		}
		kind, _, _ := strings.Cut(a.MediaType, ";")
		label := shown("["+strings.TrimSpace(kind+" "+a.Name)+"]", maxShownText)
		for j, l := range lines {
			if rest, ok := strings.CutPrefix(l, label); ok && (rest == "" || rest[0] == ' ') {
				if lines[j] = strings.TrimSpace(rest); lines[j] == "" {
					lines = slices.Delete(lines, j, j+1)
				}
				break
			}
		}
	}
	return lines
}

// called is the name of a person. Somebody with a name that another one had
// before gets his address too.
func (v *view) called(p sqlite.Person) string {
	// A name that begins with blanks would leave its line empty where it is wrapped.
	name, uri := strings.TrimSpace(shown(p.Name, maxShownName)), strings.TrimSpace(shown(p.URI, 2*maxShownName))
	switch {
	case name == "" && uri == "":
		return "somebody"
	case name == "":
		return uri
	}
	first, ok := v.names[name]
	if !ok {
		v.names[name] = p.URI
	}
	if ok && first != p.URI {
		return fmt.Sprintf("%s (%s)", name, uri)
	}
	return name
}

// speaker is who begins a message: a name, or the mark of what the room itself says,
// as of its events. A chat of two has the name of the other one, so the room's name
// would pass for theirs.
func (v *view) speaker(p sqlite.Person, room string) string {
	if room != "" && p.URI == room {
		return "*"
	}
	return v.called(p) + ":"
}

// quoted is the message that a reply refers to, in one line.
func (v *view) quoted(r *sqlite.Ref, room string) string {
	text := shown(r.Text, 200)
	switch {
	case r.Missing:
		return "(a message that is not here)"
	case r.Deleted:
		text = "(deleted)"
	case r.Expired:
		text = "(expired)"
	case strings.TrimSpace(r.Text) == "":
		text = "(no text)"
	}
	return v.speaker(r.Sender, room) + " " + text
}

// reactions is all reactions to a message with who reacted.
func (v *view) reactions(all []sqlite.Reaction) string {
	var parts []string
	for _, r := range all {
		var names []string
		for i, p := range r.Senders {
			if i == maxReactors {
				names = append(names, fmt.Sprintf("%d more", len(r.Senders)-i))
				break
			}
			names = append(names, v.called(p))
		}
		text := shown(r.Text, maxShownName)
		if text == "" {
			text = "(no text)"
		}
		parts = append(parts, text+" "+strings.Join(names, ", "))
	}
	return strings.Join(parts, " · ")
}

// shows tells an attachment from a link, as of a meeting, which has neither name,
// size nor content: the text of the message has it already.
func shows(a *sqlite.Attachment) bool { return a.Name != "" || a.Size > 0 || a.Have }

// attachment says what an attachment is and where its content is.
func (v *view) attachment(indent string, a *sqlite.Attachment) {
	if !shows(a) {
		return
	}
	name := shown(a.Name, maxShownName)
	if name == "" {
		name = "attachment"
	}
	what := "[" + name
	if a.MediaType != "" {
		what += ", " + shown(a.MediaType, maxShownName)
	}
	if a.Size > 0 || a.Have {
		what += ", " + size(a.Size)
	}
	if !a.Have {
		what += ", content is not here"
	}
	if a.Hash == sqlite.HashMismatch {
		what += ", is not what its sender declared"
	}
	v.body(indent, len(indent), indent, what+"]", nil)
	if a.Path != "" {
		// Ours, and of use only in one piece.
		v.line(indent, v.faint(a.Path))
	}
}

// hit writes one result of a search.
func (v *view) hit(m *sqlite.Message, room, words string) error {
	at := m.Time.Local()
	who := v.speaker(m.Sender, m.Room)
	if v.width == 0 {
		v.line(at.Format("2006-01-02 15:04:05"), "  ", shown(room, maxShownName), "  ", who, " ", shown(m.Text, maxShownText))
		return v.wrote()
	}
	stamp := at.Format("2006-01-02 15:04")
	v.line(v.faint(stamp+"  "), v.bold(fit(shown(room, maxShownName), max(v.width-len(stamp)-2, 8))))
	who = fit(who, max(v.width-minText, 8))
	v.body("  "+v.bold(who)+" ", 2+cells(who)+1, "  ", v.excerpt(m.Text, words), nil)
	return v.wrote()
}

// maxExcerpt is how much of a message a search shows on a screen, in runes.
const maxExcerpt = 200

// excerpt is the part of a text around the first of the words.
func (v *view) excerpt(text, words string) string {
	r := []rune(text)
	if len(r) <= maxExcerpt {
		return shown(text, maxExcerpt)
	}
	from := 0
	lower := []rune(strings.ToLower(text))
	if fields := strings.Fields(strings.ToLower(words)); len(fields) > 0 && len(lower) == len(r) {
		if i := strings.Index(string(lower), fields[0]); i > 0 {
			from = min(max(len([]rune(string(lower)[:i]))-maxExcerpt/4, 0), len(r)-maxExcerpt)
		}
	}
	out := shown(string(r[from:from+maxExcerpt]), maxExcerpt)
	if from > 0 {
		out = "…" + out
	}
	if from+maxExcerpt < len(r) {
		out += "…"
	}
	return out
}
