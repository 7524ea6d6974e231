package convert

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// telegramSpans reads a text: a text, or an array of texts and of objects with a
// type. Entities do not overlap: Telegram Desktop writes a text as its pieces.
func (t *telegram) telegramSpans(v jsontext.Value) []span {
	switch v.Kind() {
	case '"':
		s, _ := scalar(v)
		return []span{{text: s}}
	case '[':
	default:
		return nil
	}
	var parts []jsontext.Value
	if !unmarshal(v, &parts) {
		return nil
	}
	spans := make([]span, 0, len(parts))
	for _, p := range parts {
		if s, ok := scalar(p); ok {
			spans = append(spans, span{text: s})
			continue
		}
		f, ok := fieldsOf(p)
		if !ok {
			t.report.mend(FieldUnknown)
			continue
		}
		spans = append(spans, t.telegramSpan(f))
		t.rest(f)
	}
	return spans
}

func (t *telegram) telegramSpan(f fields) span {
	s := span{text: f.text("text")}
	switch f.text("type") {
	case "bold":
		s.look = bold
	case "italic":
		s.look = italic
	case "underline":
		s.look = underline
	case "strikethrough":
		s.look = strike
	case "spoiler":
		s.look = spoiler
	case "code":
		s.look = code
	case "pre":
		s.look, s.lang = pre, f.text("language")
	case "blockquote":
		s.look = quote
		f.drop("collapsed") // how much of it is shown at first
	case "text_link":
		s.href = f.text("href")
	case "mention_name":
		if id := f.text("user_id"); id != "" {
			s.href = t.userURI("user" + id)
		}
	case "custom_emoji":
		f.drop("document_id") // the text is the emoji that stands for it
	default:
		// plain, mention, hashtag, cashtag, bot_command, link, email, phone, bank_card:
		// their text says it.
	}
	return s
}

// plain is a text without its formats.
func (t *telegram) plain(v jsontext.Value) string {
	var b strings.Builder
	for _, s := range t.telegramSpans(v) {
		b.WriteString(s.text)
	}
	return b.String()
}

// details are members that have no form of their own, as "name: value" in the order
// of their names.
func (t *telegram) details(f fields, depth int) string {
	var all []string
	for _, name := range sortedKeys(f) {
		if s := t.value(f[name], depth+1); s != "" {
			all = append(all, words(name)+": "+s)
			delete(f, name)
		}
	}
	return strings.Join(all, ", ")
}

// value is a member as a person can read it; "" when it says nothing, or is of no
// known form, such as one that is deeper than Telegram's.
func (t *telegram) value(v jsontext.Value, depth int) string {
	if isBlank(v) || depth > maxDetailDepth {
		return ""
	}
	if s, ok := scalar(v); ok {
		if s == "true" {
			return "yes"
		}
		return s
	}
	var parts []jsontext.Value
	if v.Kind() == '[' && unmarshal(v, &parts) {
		var all []string
		for _, p := range parts {
			if f, ok := fieldsOf(p); ok && f["type"] != nil && f["text"] != nil { // a piece of a text
				return t.plain(v)
			}
			if s := t.value(p, depth+1); s != "" {
				all = append(all, s)
			}
		}
		return strings.Join(all, ", ")
	}
	if f, ok := fieldsOf(v); ok {
		if _, ok := f["text"]; ok {
			return t.plain(f["text"])
		}
		return t.details(f, depth)
	}
	return ""
}

// maxDetailDepth bounds lists and objects inside each other: each level is read
// again.
const maxDetailDepth = 6
