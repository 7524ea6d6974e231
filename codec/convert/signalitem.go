package convert

import (
	"cmp"
	"math"
	"strconv"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// item takes a message with all of its versions, the oldest first. The first is the
// message, each other one replaces it.
func (s *signal) item(f fields) error {
	var versions []fields
	for _, v := range f.list("revisions") {
		if old, ok := fieldsOf(v); ok {
			versions = append(versions, old)
		} else {
			s.report.leaveMany(1, RecordMalformed)
		}
	}
	versions = append(versions, f)
	c := s.chats[f.text("chatId")]
	if c == nil {
		s.report.leaveMany(int64(len(versions)), RecordMalformed)
		return nil
	}
	deleted := isSignalDeleted(f)
	var first *signalFirst
	for i, v := range versions {
		s.report.Records++
		author, _ := scalar(v["authorId"])
		sent, _ := scalar(v["dateSent"])
		switch last := i == len(versions)-1; {
		case !last && deleted: // a deletion is of all versions
			s.report.leave(EditOfDeleted)
			continue
		case first != nil && author != first.author:
			s.report.leave(NotTheAuthor)
			continue
		}
		id, err := s.version(c, v, first)
		if err != nil {
			return err
		}
		if id != nil && first == nil {
			at, _ := flexible(sent).int64()
			first = &signalFirst{*id, author, at}
		}
	}
	return nil
}

// A signalFirst is the first version of a message, which only its author edits.
type signalFirst struct {
	id     mimi.MessageID
	author string
	sent   int64
}

func isSignalDeleted(f fields) bool {
	return f.has("remoteDeletedMessage") || f.has("adminDeletedMessage")
}

// A signalItem is one version of a message on its way.
type signalItem struct {
	*signal
	fields
	chat *signalChat
	room *room
	by   person
	byID string // of by, in the file
	sent int64
	msg  *message
}

// version takes one version; first is that which it is an edit of. It returns the id
// of the message, nil when it became none.
func (s *signal) version(c *signalChat, f fields, first *signalFirst) (*mimi.MessageID, error) {
	sent, ok := f.int("dateSent")
	if !ok || !inRange(time.UnixMilli(sent)) {
		s.report.leave(RecordUndated)
		return nil, nil
	}
	m, err := s.open(c)
	if err != nil {
		return nil, err
	}
	authorID := f.text("authorId")
	x := &signalItem{signal: s, fields: f, chat: c, room: m, by: s.author(authorID), byID: authorID, sent: sent}
	// When it was received, delivered, read and sent again is not history.
	f.drop("chatId", "incoming", "outgoing", "directionless")
	x.msg = &message{sender: x.by, millis: sent, salt: salt(m.uri, x.by.key, strconv.FormatInt(sent, 10)), expires: expiry(f)}
	if first != nil { // an edit comes after what it edits
		x.msg.replaces, x.msg.millis = &first.id, max(sent, first.sent)
	}
	id, err := x.convert()
	if err != nil {
		return nil, err
	}
	s.rest(f)
	if id == nil {
		return nil, nil
	}
	if first != nil {
		id = &first.id
	}
	if len(s.ids) < MaxMessageIDs {
		s.ids[signalID{c.id, authorID, sent}] = *id
	}
	return id, nil
}

// expiry is when a message has to vanish: at a time, when it was read, else so long
// after it will have been. A part of a second is cut: nothing lives longer for being
// converted.
func expiry(f fields) *mimi.Expiration {
	in, ok := f.int("expiresInMs")
	start, read := f.int("expireStartDate")
	if !ok || in <= 0 {
		return nil
	}
	if !read || start <= 0 {
		return &mimi.Expiration{Relative: true, Time: uint32(min(max(in/1000, 1), math.MaxUint32))}
	}
	return &mimi.Expiration{Time: uint32(min(start/1000+in/1000+(start%1000+in%1000)/1000, math.MaxUint32))}
}

// convert takes what the message is.
func (x *signalItem) convert() (*mimi.MessageID, error) {
	switch {
	case isSignalDeleted(x.fields):
		x.drop("remoteDeletedMessage")
		if admin := x.object("adminDeletedMessage"); admin != nil { // whose name has no place
			x.report.mend(FieldUnknown)
		}
		id, err := x.room.tombstone(x.sent, x.by, strconv.FormatInt(x.sent, 10))
		return &id, err
	case x.has("updateMessage"):
		return x.update(x.object("updateMessage"))
	}
	var reactions []fields
	known := false
	for _, kind := range []struct {
		name string
		take func(f fields) error
	}{
		{"standardMessage", x.standard}, {"contactMessage", x.contactMessage}, {"stickerMessage", x.sticker},
		{"paymentNotification", x.payment}, {"giftBadge", x.gift}, {"viewOnceMessage", x.viewOnce},
		{"directStoryReplyMessage", x.storyReply}, {"poll", x.poll},
	} {
		f := x.object(kind.name)
		if f == nil {
			continue
		}
		if known { // no message is two things
			x.report.mend(FieldUnknown)
			continue
		}
		known = true
		for _, v := range f.list("reactions") {
			if r, ok := fieldsOf(v); ok {
				reactions = append(reactions, r)
			} else {
				x.report.mend(FieldUnknown)
			}
		}
		if err := kind.take(f); err != nil {
			return nil, err
		}
		x.rest(f)
	}
	if !known {
		x.report.leave(NotExported)
		return nil, nil
	}
	id, err := x.room.add(x.msg)
	if err != nil {
		return nil, err
	}
	to := id
	if x.msg.replaces != nil {
		to = *x.msg.replaces
	}
	for _, r := range reactions {
		at, ok := r.int("sentTimestamp")
		if !ok || !inRange(time.UnixMilli(at)) {
			at = x.sent
			x.report.mend(DateAssumed)
		}
		if err := x.room.react(to, x.author(r.text("authorId")), r.text("emoji"), at); err != nil {
			return nil, err
		}
		r.drop("sortOrder") // as the dates
		x.rest(r)
	}
	return &id, nil
}

// standard takes a message of text and files.
func (x *signalItem) standard(f fields) error {
	var quoted []span
	if q := f.object("quote"); q != nil {
		quoted = x.quote(q)
	}
	spans, err := x.text(f.object("text"), f.object("longText"))
	if err != nil {
		return err
	}
	if len(quoted) > 0 && len(spans) > 0 {
		quoted = append(quoted, span{text: "\n"})
	}
	x.msg.text, x.msg.mediaType = textOf(append(quoted, spans...))
	for _, v := range f.list("attachments") {
		if a, ok := fieldsOf(v); ok {
			if err := x.attachment(a); err != nil {
				return err
			}
		} else {
			x.report.mend(FieldUnknown)
		}
	}
	for _, v := range f.list("linkPreview") {
		if p, ok := fieldsOf(v); ok {
			if err := x.preview(p); err != nil {
				return err
			}
		} else {
			x.report.mend(FieldUnknown)
		}
	}
	return nil
}

// quote makes a message a reply. What it quotes is said again only when the message
// is not there.
func (x *signalItem) quote(q fields) []span {
	x.report.Links++
	q.drop("attachments", "type") // small forms of what is in the message
	text := q.object("text")
	author := q.text("authorId")
	at, ok := q.int("targetSentTimestamp")
	if id, known := x.ids[signalID{x.chat.id, author, at}]; ok && known {
		x.msg.reply = &id
		x.report.Replies++
		x.rest(q)
		return nil
	}
	x.report.leaveLink(LinkToNothing)
	x.rest(q)
	said := text.text("body")
	if said == "" {
		return nil
	}
	who := cmp.Or(x.author(author).name, x.room.name)
	return []span{{text: who + ": " + said, look: quote}}
}
