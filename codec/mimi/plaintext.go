package mimi

import (
	"strings"
	"unicode/utf8"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

// PlainText returns what a dialog says, for one place where formatting is not
// rendered: markdown as it was typed, HTML without its tags, a mention by the
// name that the sender gave it. It is empty for a NullPart. Nothing is escaped:
// text from a peer may hold control characters.
func PlainText(d *codec.Dialog) string { return PlainTextWith(d, nil) }

// PlainTextWith is PlainText with names for mentions: name returns the name of
// the party with a URI, "" if it knows none. A name that it returns takes the
// place of the sender's (section 9.6: the sender's is only a hint).
func PlainTextWith(d *codec.Dialog, name func(uri string) string) string {
	w := &writer{name: name, budget: MaxParts}
	w.part(&codec.Part{
		Disposition: d.Disposition, MediaType: d.MediaType, Encoding: d.Encoding, Body: d.Body,
		ExternalPart: d.ExternalPart, MultiPart: d.MultiPart, Extra: d.Extra,
	}, 1)
	return w.out.String()
}

// A Mention is a link to a user or room, with the text that the sender gave it.
type Mention struct {
	URI  string
	Text string
}

// Mentions returns the links to users and rooms in the text parts of a dialog,
// in order.
func Mentions(d *codec.Dialog) []Mention {
	w := &writer{budget: MaxParts, all: true}
	w.part(&codec.Part{
		MediaType: d.MediaType, Encoding: d.Encoding, Body: d.Body,
		ExternalPart: d.ExternalPart, MultiPart: d.MultiPart, Extra: d.Extra,
	}, 1)
	return w.mentions
}

// A writer collects the text of a message.
type writer struct {
	out      strings.Builder
	name     func(uri string) string
	mentions []Mention
	budget   int
	all      bool // every part, also those that are not chosen
}

func (w *writer) part(p *codec.Part, depth int) {
	if w.budget--; w.budget < 0 || depth > MaxPartDepth {
		return
	}
	switch {
	case p.ExternalPart != nil:
		w.external(p)
	case p.MultiPart != nil:
		parts := p.MultiPart.Parts
		if !w.all && p.MultiPart.PartSemantics == ChooseOne.String() {
			if i := choose(parts); i >= 0 {
				w.part(&parts[i], depth+1)
			}
			return
		}
		for i := range parts {
			w.part(&parts[i], depth+1)
		}
	default:
		content, present, ok := bytesOf(p.Body, p.Encoding, p.Extra)
		switch {
		case !present:
		case !ok:
			w.label(p.MediaType, "")
		case isHTML(p.MediaType) && utf8.Valid(content):
			w.separate()
			w.html(string(content))
		case isMarkdown(p.MediaType) && utf8.Valid(content):
			w.separate()
			w.markdown(string(content))
		case isText(p.MediaType) || p.MediaType == "" && utf8.Valid(content):
			w.separate()
			w.out.WriteString(strings.ToValidUTF8(string(content), "\uFFFD"))
		default:
			w.label(p.MediaType, "")
		}
	}
}

// external writes an external part: its kind and file name, then what the sender
// says of it, else its URL; a link to join something always shows where it goes.
func (w *writer) external(p *codec.Part) {
	x := p.ExternalPart
	w.label(x.MediaType, x.Filename)
	if x.Description != "" {
		w.space()
		w.out.WriteString(x.Description)
	}
	if x.URL != "" && (x.Filename == "" && x.Description == "" || p.Disposition == Session.String()) {
		w.space()
		w.out.WriteString(x.URL)
	}
}

func (w *writer) label(mediaType, filename string) {
	kind, _, _ := strings.Cut(mediaType, ";")
	s := strings.TrimSpace(kind + " " + filename)
	w.separate()
	if s != "" {
		w.out.WriteString("[" + s + "]")
	}
}

// separate begins a new line, space a new word, if there is text before.
func (w *writer) separate() {
	if s := w.out.String(); s != "" && s[len(s)-1] != '\n' {
		w.out.WriteByte('\n')
	}
}

func (w *writer) space() {
	if s := w.out.String(); s != "" && s[len(s)-1] != '\n' {
		w.out.WriteByte(' ')
	}
}

// mention writes a mention by the party's name, the sender's hint, or its URI.
func (w *writer) mention(uri, hint string) {
	w.mentions = append(w.mentions, Mention{URI: uri, Text: hint})
	if w.name != nil {
		if n := w.name(uri); n != "" {
			hint = "@" + n
		}
	}
	if hint == "" {
		hint = uri
	}
	w.out.WriteString(hint)
}

// choose picks the part that reads best as plain text.
func choose(parts []codec.Part) int {
	best, rank := -1, -1
	for i := range parts {
		if r := rankOf(&parts[i], 1); r > rank {
			best, rank = i, r
		}
	}
	return best
}

func rankOf(p *codec.Part, depth int) int {
	switch {
	case depth > MaxPartDepth:
		return 0
	case p.MultiPart != nil:
		best := 0
		for i := range p.MultiPart.Parts {
			best = max(best, rankOf(&p.MultiPart.Parts[i], depth+1))
		}
		return best
	case p.ExternalPart != nil:
		return 1
	case p.Body.Kind == codec.BodyAbsent:
		return 0
	case isHTML(p.MediaType):
		return 3
	case isText(p.MediaType):
		return 4
	}
	return 1
}

func isHTML(mediaType string) bool     { return isType(mediaType, "text/html") }
func isMarkdown(mediaType string) bool { return isType(mediaType, "text/markdown") }

func isType(mediaType, want string) bool {
	kind, _, _ := strings.Cut(mediaType, ";")
	return strings.EqualFold(strings.TrimSpace(kind), want)
}

// isIM reports whether a link is to a user or a room (section 9.6).
func isIM(uri string) bool {
	scheme, rest, ok := strings.Cut(uri, ":")
	return ok && rest != "" && (strings.EqualFold(scheme, "mimi") || strings.EqualFold(scheme, "im"))
}
