package convert

import (
	"cmp"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// record converts one element of a chat's messages, which is counted already.
func (c *telegramChat) record(v jsontext.Value) error {
	f, ok := fieldsOf(v)
	if !ok {
		c.report.leave(RecordMalformed)
		return nil
	}
	kind := f.text("type")
	if kind == "unsupported" { // an id and no more: newer than the app that wrote it
		c.report.leave(NotExported)
		return nil
	}
	id, numbered := f.int("id")
	at, ok := c.date(f)
	if !ok {
		c.report.leave(RecordUndated)
		return nil
	}
	var became telegramID
	var err error
	if kind == "service" {
		became, err = c.service(f, id, at)
	} else {
		became, err = c.message(f, id, at)
	}
	if err == nil && numbered && len(c.ids) < MaxMessageIDs {
		c.ids[id] = became
	}
	c.rest(f)
	return err
}

// A telegramTime is when a record was made, and how the export writes local times.
type telegramTime struct {
	millis int64
	zone   *time.Location
}

// date takes the date of a record. The export's own zone is known from records that
// have both forms of it; it is used where it is not the one of the options.
func (c *telegramChat) date(f fields) (at telegramTime, ok bool) {
	unix, known := f.int("date_unixtime")
	text := f.text("date")
	local, err := telegramDate(text, c.opts.Location)
	at.zone = c.opts.Location
	if !known {
		return telegramTime{local.UnixMilli(), at.zone}, err == nil
	}
	t := time.Unix(unix, 0)
	if err == nil && local.Unix() != unix {
		if wall, err := telegramDate(text, time.UTC); err == nil && abs(wall.Unix()-unix) <= 24*3600 {
			at.zone = time.FixedZone("", int(wall.Unix()-unix))
		}
	}
	at.millis = t.UnixMilli()
	return at, inRange(t)
}

func abs(n int64) int64 { return max(n, -n) }

// telegramDate reads a date, which has a zone in exports of other writers only.
func telegramDate(s string, zone *time.Location) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t, err = time.ParseInLocation("2006-01-02T15:04:05", s, zone)
	}
	if err == nil && !inRange(t) {
		return t, strconv.ErrRange
	}
	return t, err
}

// message converts a message.
func (c *telegramChat) message(f fields, id int64, at telegramTime) (telegramID, error) {
	msg := &message{millis: at.millis, salt: c.salt(f, id, at)}
	sender, known := c.taken(f, "from")
	if known {
		msg.sender = sender
	}
	if sign := f.text("author"); sign != "" && known { // of a channel, or of an admin that hides
		msg.sender = person{key: sender.key + "/" + sign, name: sender.name + " (" + sign + ")"}
	}
	msg.origin.EditedAt = c.edited(f, at)
	msg.origin.ForwardedFrom = c.forwarded(f)
	var became telegramID
	msg.reply, became.topic = c.reply(f, "reply_to_message_id", "reply_to_peer_id")
	msg.topic = topicOf(became.topic)
	said, err := c.media(f, msg)
	if err != nil {
		return became, err
	}
	spans := c.said(f)
	if said != "" {
		if len(spans) > 0 {
			said += "\n"
		}
		spans = append([]span{{text: said}}, spans...)
	}
	msg.text, msg.mediaType = textOf(append(spans, c.buttons(f, len(spans) > 0)...))
	became.id, err = c.room.add(msg)
	if err != nil {
		return became, err
	}
	return became, c.reactions(f, became.id, at)
}

// salt is of what never changes of a message: its number in the chat.
func (c *telegramChat) salt(f fields, id int64, at telegramTime) [mimi.SaltSize]byte {
	if id == 0 {
		s, _ := scalar(f["from_id"])
		return salt(c.room.uri, "", s, strconv.FormatInt(at.millis, 10))
	}
	return salt(c.room.uri, strconv.FormatInt(id, 10))
}

func topicOf(id int64) string {
	if id == 0 {
		return ""
	}
	return strconv.FormatInt(id, 10)
}

// edited takes the date of the last edit. Old versions write 1970 for none.
func (c *telegramChat) edited(f fields, at telegramTime) string {
	unix, known := f.int("edited_unixtime")
	t, err := telegramDate(f.text("edited"), at.zone)
	if known {
		t, err = time.Unix(unix, 0), nil
	}
	if err != nil || t.Year() <= 1970 || !inRange(t) {
		return ""
	}
	c.report.mend(EditedBefore)
	return t.UTC().Format(time.RFC3339)
}

// forwarded takes whose message it is, and the chat that it was saved from.
func (c *telegramChat) forwarded(f fields) string {
	_, is := f["forwarded_from"]
	from, saved := f.text("forwarded_from"), f.text("saved_from")
	if is && from == "" {
		from = "Deleted Account"
	}
	if saved != "" && saved != from {
		if from == "" {
			return saved
		}
		return from + ", in " + saved
	}
	return from
}

// reply takes the message that is replied to. A reply to the message that began a
// topic is how a message is of that topic: it is no reply to anything.
func (c *telegramChat) reply(f fields, name, peer string) (*mimi.MessageID, int64) {
	to, ok := f.int(name)
	if !ok {
		return nil, 0
	}
	if f.text(peer) != "" {
		c.report.Links++
		c.report.leaveLink(LinkElsewhere)
		return nil, 0
	}
	was, known := c.ids[to]
	if known && was.topic == to {
		return nil, to
	}
	c.report.Links++
	switch {
	case !known:
		c.report.leaveLink(LinkToNothing)
	case was.id == mimi.MessageID{}:
		c.report.leaveLink(LinkToEvent)
	default:
		c.report.Replies++
		return &was.id, was.topic
	}
	return nil, was.topic
}

// said takes the text. text_entities says the same as text, and more of links.
func (c *telegramChat) said(f fields) []span {
	v := f.take("text")
	if entities := f.take("text_entities"); entities != nil && !isBlank(entities) {
		v = entities
	}
	if v != nil && v.Kind() != '"' && v.Kind() != '[' {
		c.report.mend(FieldUnknown)
	}
	if isBlank(v) {
		return nil
	}
	return c.telegramSpans(v)
}

// buttons takes the buttons below a message of a bot, a line each.
func (c *telegramChat) buttons(f fields, follow bool) []span {
	var spans []span
	for _, row := range f.list("inline_bot_buttons") {
		var buttons []fields
		if !unmarshal(row, &buttons) {
			c.report.mend(FieldUnknown)
			continue
		}
		for _, b := range buttons {
			label := "[" + b.text("text") + "]"
			if follow || len(spans) > 0 {
				label = "\n" + label
			}
			s := span{text: label}
			if data := b.text("data"); strings.HasPrefix(data, "http://") || strings.HasPrefix(data, "https://") {
				s.text += " " + data
			}
			b.drop("type", "dataBase64", "button_id", "forward_text") // for the bot
			c.rest(b)
			spans = append(spans, s)
		}
	}
	return spans
}

// reactions takes the reactions to a message. The export names the latest of those
// who reacted, and counts all.
func (c *telegramChat) reactions(f fields, to mimi.MessageID, at telegramTime) error {
	for _, v := range f.list("reactions") {
		r, ok := fieldsOf(v)
		if !ok {
			c.report.mend(FieldUnknown)
			continue
		}
		text := telegramReaction(r)
		recent := r.list("recent")
		named := int64(0)
		for _, v := range recent {
			one, ok := fieldsOf(v)
			if !ok {
				continue
			}
			by, known := c.taken(one, "from")
			if !known {
				continue
			}
			when, err := telegramDate(one.text("date"), at.zone)
			if err != nil {
				when = time.UnixMilli(at.millis)
				c.report.mend(DateAssumed)
			}
			named++
			if err := c.room.react(to, by, text, when.UnixMilli()); err != nil {
				return err
			}
			c.rest(one)
		}
		n, counted := r.int("count")
		if !counted {
			n = int64(len(recent))
		}
		c.report.leaveMany(max(n, 0)-named, ReactorUnknown)
		c.rest(r)
	}
	return nil
}

// telegramReaction is the text of a reaction. An emoji of Telegram's own has none:
// it goes by its number, which is the name of its file where the export has that.
func telegramReaction(r fields) string {
	kind, emoji, document := r.text("type"), r.text("emoji"), r.text("document_id")
	switch {
	case emoji != "":
		return emoji
	case kind == "paid":
		return "⭐"
	case document != "" && !isTelegramPlaceholder(document):
		base := path.Base(strings.ReplaceAll(document, `\`, "/"))
		return ":" + strings.TrimSuffix(base, path.Ext(base)) + ":"
	}
	return ":" + cmp.Or(kind, "reaction") + ":"
}
