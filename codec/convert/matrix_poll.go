package convert

import (
	"cmp"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// A matrixPoll is a question with its answers (MSC3381, which stable events will
// name otherwise than those before it).
type matrixPoll struct {
	Question matrixPollText   `json:"question"`
	Answers  []matrixPollText `json:"answers"`
}

type matrixPollText struct {
	ID      flexible   `json:"m.id"`
	OldID   flexible   `json:"id"`
	Text    matrixText `json:"m.text"`
	OldText flexible   `json:"org.matrix.msc1767.text"`
	Body    flexible   `json:"body"`
}

func (p *matrixPollText) text() string { return string(cmp.Or(p.Text.plain, p.OldText, p.Body)) }

type matrixVotes struct {
	Answers []string `json:"answers"`
}

type matrixPlace struct {
	URI   flexible `json:"uri"`
	About flexible `json:"description"`
}

// A matrixText is extensible text (MSC1767): a list of forms, or the text itself.
type matrixText struct {
	plain flexible
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (t *matrixText) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() != '[' {
		return t.plain.UnmarshalJSONFrom(dec)
	}
	v, err := dec.ReadValue()
	if err != nil {
		return err
	}
	var forms []struct {
		Body flexible `json:"body"`
		Type flexible `json:"mimetype"`
	}
	if unmarshal(v, &forms) {
		for _, f := range forms {
			if t.plain == "" || f.Type == "" || f.Type == "text/plain" {
				t.plain = f.Body
			}
		}
	}
	return nil
}

func isPoll(kind string) bool {
	return strings.HasPrefix(kind, "m.poll.") || strings.HasPrefix(kind, "org.matrix.msc3381.")
}

// poll converts a poll, a vote and the end of a poll into texts; the last two
// answer the first.
func (x *matrixExport) poll(m *room, e *matrixEvent, millis int64) error {
	c := &e.Content
	msg := &message{sender: x.who(string(e.Sender)), millis: millis, salt: salt(m.uri, string(e.EventID)), origin: mimi.Origin{Kind: "poll"}}
	fallback := string(cmp.Or(c.Text.plain, c.OldText, c.Body))
	known := matrixKnown{room: m, sender: string(e.Sender), millis: millis}
	if c.RelatesTo.Type == "m.replace" { // a poll may be changed while nobody has voted
		x.report.leave(EventUnknown)
		return nil
	}
	switch p := cmp.Or(c.Poll, c.OldPoll); {
	case strings.HasSuffix(string(e.Type), ".start"):
		if msg.text = fallback; p == nil {
			break
		}
		lines := []string{"Poll: " + p.Question.text()}
		known.answers = map[string]string{}
		for i := range p.Answers {
			a := &p.Answers[i]
			known.answers[string(cmp.Or(a.ID, a.OldID))] = a.text()
			lines = append(lines, "- "+a.text())
		}
		msg.text = strings.Join(lines, "\n")
	case strings.HasSuffix(string(e.Type), ".response"):
		chosen := c.Chosen
		if len(chosen) == 0 && c.Response != nil {
			chosen = c.Response.Answers
		}
		answers := x.known[string(c.RelatesTo.EventID)].answers
		var names []string
		for _, id := range chosen {
			names = append(names, cmp.Or(answers[id], id))
		}
		msg.text = "Voted: " + cmp.Or(strings.Join(names, ", "), "nothing")
		x.answer(m, msg, e.refersTo())
	case strings.HasSuffix(string(e.Type), ".end"):
		msg.text = cmp.Or(fallback, "The poll ended.")
		x.answer(m, msg, e.refersTo())
	default:
		x.report.leave(EventUnknown)
		return nil
	}
	id, err := m.add(msg)
	if err != nil {
		return err
	}
	known.id, known.reply = id, msg.reply
	remember(x.known, string(e.EventID), known)
	return nil
}

// sharing converts the beginning, or the end, of sharing one's location.
func (x *matrixExport) sharing(m *room, e *matrixEvent, millis int64) error {
	text := "Shares their live location."
	if e.Content.About != "" {
		text += " " + string(e.Content.About)
	}
	id, err := m.add(&message{sender: x.who(string(e.Sender)), millis: millis, text: text, salt: salt(m.uri, string(e.EventID)), origin: mimi.Origin{Kind: "location"}})
	if err == nil {
		remember(x.known, string(e.EventID), matrixKnown{id: id, room: m, sender: string(e.Sender), millis: millis})
	}
	return err
}

// beacon converts a place where somebody was, of a location that is shared.
func (x *matrixExport) beacon(m *room, e *matrixEvent, millis int64) error {
	place := cmp.Or(e.Content.Location, e.Content.OldPlace)
	if place == nil {
		x.report.leave(EventUnknown)
		return nil
	}
	msg := &message{sender: x.who(string(e.Sender)), millis: millis, text: strings.TrimSpace(string(place.About) + "\n" + string(place.URI)),
		salt: salt(m.uri, string(e.EventID)), origin: mimi.Origin{Kind: "location"}}
	x.answer(m, msg, e.refersTo())
	_, err := m.add(msg)
	return err
}
