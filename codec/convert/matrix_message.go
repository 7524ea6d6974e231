package convert

import (
	"cmp"
	"net/url"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// message converts what somebody wrote: a message, or an edit of one.
func (x *matrixExport) message(m *room, e *matrixEvent, millis int64) error {
	msg := &message{sender: x.who(string(e.Sender)), millis: millis, salt: salt(m.uri, string(e.EventID))}
	content := &e.Content
	to := &content.RelatesTo
	if to.Type == "m.replace" {
		var fresh matrixContent
		if content.New.Kind() == '{' && unmarshal(content.New, &fresh) {
			fresh.RelatesTo = content.RelatesTo
			content = &fresh
		}
		first, ok := x.known[string(to.EventID)]
		switch {
		case !ok || first.none || first.room != m: // the edit is all that there is of it
			x.report.Links++
			x.report.leaveLink(LinkToNothing)
			msg.origin.EditedAt = string(mimi.DateOf(millis))
		case first.gone:
			x.report.leave(EditOfDeleted)
			return nil
		case first.sender != string(e.Sender):
			x.report.leave(NotTheAuthor)
			return nil
		default:
			// An edit changes the content only, and comes after what it edits.
			msg.replaces, msg.reply, msg.topic = &first.id, first.reply, first.topic
			msg.millis = max(millis, first.millis)
		}
	} else {
		x.related(m, msg, to)
	}
	x.unknown(content.Rest, matrixShown...)
	if err := x.fill(msg, e, content); err != nil {
		return err
	}
	edit, own := x.bundled(e, msg)
	id, err := m.add(msg)
	if err != nil {
		return err
	}
	remember(x.known, string(e.EventID), matrixKnown{id: id, room: m, sender: string(e.Sender), millis: msg.millis, reply: msg.reply, topic: msg.topic})
	for _, a := range e.Unsigned.Relations.Annotation.Chunk { // old servers count reactions
		n, _ := a.Count.int64()
		x.report.leaveMany(n, ReactorUnknown)
	}
	if own {
		return x.record(edit)
	}
	return nil
}

// related finds what a message answers, and its thread. What a thread's message
// answers for clients without threads only is the thread's first message.
func (x *matrixExport) related(m *room, msg *message, to *matrixRelation) {
	answers := to.InReplyTo.EventID
	if to.Type == "m.thread" {
		msg.topic = string(to.EventID)
		if answers == "" || to.FallingBack == "true" {
			answers = to.EventID
		}
	}
	if answers == "" {
		return
	}
	x.answer(m, msg, string(answers))
}

// answer makes a message answer an event.
func (x *matrixExport) answer(m *room, msg *message, id string) {
	x.report.Links++
	k, ok := x.known[id]
	switch {
	case !ok:
		x.report.leaveLink(LinkToNothing)
	case k.none:
		x.report.leaveLink(LinkToEvent)
	case k.room != m:
		x.report.leaveLink(LinkElsewhere)
	default:
		x.report.Replies++
		msg.reply = &k.id
	}
}

// bundled is the edit that a server put into the message that it edits, where the
// export has it nowhere else. When the message has the edited content already,
// only the date is left of it.
func (x *matrixExport) bundled(e *matrixEvent, msg *message) (edit *matrixEvent, own bool) {
	raw := e.Unsigned.Relations.Replace
	edit = &matrixEvent{}
	if raw.Kind() != '{' || !unmarshal(raw, edit) || edit.EventID == "" || x.scan.has(string(edit.EventID)) || e.Content.RelatesTo.Type == "m.replace" {
		return nil, false
	}
	if edit.Sender != "" && edit.Sender != e.Sender {
		x.report.leaveMany(1, NotTheAuthor)
		return nil, false
	}
	edit.RoomID = e.RoomID
	var fresh matrixContent
	if edit.Sender != "" && edit.Content.RelatesTo.Type == "m.replace" && edit.Content.New.Kind() == '{' &&
		unmarshal(edit.Content.New, &fresh) && (fresh.Body != e.Content.Body || fresh.Formatted != e.Content.Formatted) {
		return edit, true
	}
	if at, ok := matrixTime(edit.TS); ok {
		msg.origin.EditedAt = string(mimi.DateOf(at))
		x.report.mend(EditedBefore)
	}
	return nil, false
}

// fill makes the body of a message by its type.
func (x *matrixExport) fill(msg *message, e *matrixEvent, c *matrixContent) error {
	body := string(c.Body)
	if c.RelatesTo.InReplyTo.EventID != "" {
		body = withoutFallback(body)
	}
	rich := ""
	if c.Format == "org.matrix.custom.html" {
		rich = x.html(string(c.Formatted))
	}
	kind := string(c.Msgtype)
	if e.Type == "m.sticker" {
		kind = "m.sticker"
	}
	switch kind {
	case "m.image", "m.file", "m.audio", "m.video", "m.sticker":
		f, err := x.attachment(e, c, kind)
		if err != nil {
			return err
		}
		msg.files = []file{f}
		switch {
		case kind == "m.sticker":
			msg.origin.Kind = "sticker"
		case len(c.Voice) > 0:
			msg.origin.Kind = "voice"
		}
		if c.Filename == "" || c.Filename == c.Body {
			return nil
		}
		if msg.text = body; rich != "" { // a caption
			msg.mediaType, msg.text = html, rich
		}
		return nil
	case "m.emote":
		msg.text = "/me " + body // as XEP-0245 has it
		if rich != "" {
			msg.html = "/me " + rich
		}
		return nil
	case "m.location":
		msg.origin.Kind = "location"
		msg.text = strings.TrimSpace(body + "\n" + string(c.GeoURI))
		return nil
	case "m.notice", "m.server_notice":
		msg.origin.Kind = "notice"
	case "m.key.verification.request":
		msg.origin.Kind = "notice"
		body, rich = cmp.Or(body, "Asked to verify each other's devices."), ""
	case "m.bad.encrypted":
		x.report.mend(Undecryptable)
		msg.origin.Kind = "undecryptable"
	case "", "m.text":
	default:
		msg.origin.Kind = kind
	}
	msg.text, msg.html = body, rich
	if msg.html == msg.text {
		msg.html = ""
	}
	return nil
}

// undecryptable carries the place of a message that nobody could read.
func (x *matrixExport) undecryptable(m *room, e *matrixEvent, millis int64) error {
	x.report.mend(Undecryptable)
	msg := &message{sender: x.who(string(e.Sender)), millis: millis, salt: salt(m.uri, string(e.EventID)),
		text: "Unable to decrypt this message.", origin: mimi.Origin{Kind: "undecryptable"}}
	if e.Content.RelatesTo.Type != "m.replace" {
		x.related(m, msg, &e.Content.RelatesTo)
	}
	id, err := m.add(msg)
	if err == nil {
		remember(x.known, string(e.EventID), matrixKnown{id: id, room: m, sender: string(e.Sender), millis: millis, reply: msg.reply, topic: msg.topic})
	}
	return err
}

// withoutFallback takes away the quotation in front of a reply ("Stripping the
// fallback", until v1.12 of the specification).
func withoutFallback(body string) string {
	if !strings.HasPrefix(body, "> <") && !strings.HasPrefix(body, "> * <") {
		return body
	}
	rest := body
	for strings.HasPrefix(rest, "> ") || rest == ">" || strings.HasPrefix(rest, ">\n") {
		_, rest, _ = strings.Cut(rest, "\n")
	}
	return strings.TrimPrefix(rest, "\n")
}

// html is a formatted body without the quotation of what it answers, its links to
// people as mentions (MIMI content, section 9.6).
func (x *matrixExport) html(s string) string {
	if strings.HasPrefix(s, "<mx-reply>") {
		if _, rest, ok := strings.Cut(s, "</mx-reply>"); ok {
			s = rest
		}
	}
	const before = `href="https://matrix.to/#/`
	var out strings.Builder
	for {
		head, rest, ok := strings.Cut(s, before)
		out.WriteString(head)
		if !ok {
			return out.String()
		}
		target, after, ok := strings.Cut(rest, `"`)
		id, _, _ := strings.Cut(target, "?")
		id, err := url.PathUnescape(id)
		if !ok || err != nil || !strings.HasPrefix(id, "@") || !strings.Contains(id, ":") || strings.ContainsAny(id, `"<>&/`) {
			out.WriteString(before)
			s = rest
			continue
		}
		out.WriteString(`href="` + x.userURI(id) + `"`)
		s = after
	}
}

// call converts a call: who began and ended it is a message, the rest is between
// apps.
func (x *matrixExport) call(m *room, e *matrixEvent, millis int64) error {
	text := ""
	switch e.Type {
	case "m.call.invite":
		text = "Started a voice call."
		if o := e.Content.Offer; o != nil && strings.Contains(string(o.SDP), "m=video") {
			text = "Started a video call."
		}
	case "m.call.answer":
		text = "Answered the call."
	case "m.call.reject":
		text = "Declined the call."
	case "m.call.hangup":
		text = "Ended the call."
	case "m.call.notify":
		text = "Asked everybody to join the call."
	default:
		x.report.leave(NotAMessage)
		return nil
	}
	_, err := m.add(&message{sender: x.who(string(e.Sender)), millis: millis, text: text, salt: salt(m.uri, string(e.EventID)), origin: mimi.Origin{Kind: "call"}})
	return err
}
