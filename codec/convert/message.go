package convert

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// Media types of converted text.
const (
	plainText = "text/plain;charset=utf-8"
	markdown  = "text/markdown;variant=GFM"
	html      = "text/html;charset=utf-8"
)

// A message is what a converter knows of one text message. Text and files may
// both be there; with neither it is an empty text.
type message struct {
	sender    person // roomItself: a notice
	millis    int64  // since 1970
	mediaType string // of text; "" is plain text
	text      string
	html      string // the same text as text/html, for layouts that have both
	files     []file
	reply     *mimi.MessageID
	replaces  *mimi.MessageID  // of the message that it is an edit of
	expires   *mimi.Expiration // nil: never
	topic     string           // of a thread: what tells it apart in the room
	salt      [mimi.SaltSize]byte

	// What MIMI has no field for; see mimi.Origin.
	origin mimi.Origin
}

// add appends a message and returns its id. A message with the id of another one
// is counted as one that comes twice, and left out.
func (m *room) add(msg *message) (mimi.MessageID, error) {
	if err := m.full(); err != nil {
		return mimi.MessageID{}, err
	}
	m.fit(msg)
	c := &mimi.Content{Salt: msg.salt, InReplyTo: msg.reply, Replaces: msg.replaces, Expires: msg.expires, Extensions: msg.origin.Extensions(), Body: bodyOf(msg)}
	if msg.topic != "" {
		sum := sum16("topic", m.uri, msg.topic)
		c.TopicID = sum[:]
	}
	d, id, err := m.dialog(c, msg.sender, msg.millis)
	if err != nil || d == nil {
		return id, err
	}
	m.attach(d, id, msg)
	m.put(d, msg.millis, msg.size())
	m.run.report.Messages++
	return id, nil
}

// size is about how many bytes a message takes in a vCon.
func (msg *message) size() int {
	n := len(msg.text) + len(msg.html)
	for i := range msg.files {
		f := &msg.files[i]
		n += fileOverhead + 2*len(f.name) + 2*len(f.mediaType) + len(f.description) + len(f.url)
	}
	return n
}

// fit brings a message within the limits: long texts become files, and files
// beyond MaxFilesOfMessage are left. What a person or an app says of a message or a
// file is cut.
func (m *room) fit(msg *message) {
	m.run.fitLine(&msg.origin.Kind, MaxName)
	m.run.fitLine(&msg.origin.ForwardedFrom, MaxName)
	for i := range msg.files {
		f := &msg.files[i]
		m.run.fitLine(&f.name, MaxName)
		m.run.fitLine(&f.description, maxAbout)
		if len(f.url) > maxAddress {
			f.url = ""
			m.run.report.mend(FieldUnknown)
		}
	}
	if len(msg.html) > MaxMessageText {
		msg.files = append([]file{m.run.textFile("message.html", html, msg.html)}, msg.files...)
		msg.html = ""
		m.run.report.mend(TextAsFile)
	}
	if len(msg.text) > MaxMessageText {
		msg.files = append([]file{m.run.textFile("message.txt", msg.mediaType, msg.text)}, msg.files...)
		msg.text = cut(msg.text, MaxMessageText/16)
		m.run.report.mend(TextAsFile)
	}
	if n := len(msg.files); n > MaxFilesOfMessage {
		for range n - MaxFilesOfMessage {
			m.run.report.Attachments++
			m.run.report.leaveAttachment(TooManyFiles)
		}
		msg.files = msg.files[:MaxFilesOfMessage]
	}
}

// fitLine cuts what has more than limit bytes, and counts it.
func (r *run) fitLine(s *string, limit int) {
	if len(*s) > limit {
		*s = cut(*s, limit)
		r.report.mend(NameTooLong)
	}
}

// textFile is a file of a long text, which is held in memory until it is sent: when
// there is more than maxHeldText of them, the file has no content.
func (r *run) textFile(name, mediaType, text string) file {
	if isHTML(mediaType) {
		name = "message.html"
	}
	f := file{name: name, mediaType: mediaType, size: uint64(len(text)), disposition: mimi.Attachment}
	if r.report.held+len(text) <= maxHeldText {
		r.report.held += len(text)
		f.content = bytesContent([]byte(text))
	}
	return f
}

func isHTML(mediaType string) bool { return strings.HasPrefix(mediaType, "text/html") }

// dialog makes the dialog of a content; nil when one with this id is there.
func (m *room) dialog(c *mimi.Content, by person, millis int64) (*codec.Dialog, mimi.MessageID, error) {
	sender := m.party(by)
	d, id, err := c.DialogID(mimi.Envelope{
		SenderURI: m.parties[sender].IMURI, RoomURI: m.uri, Originator: sender, Start: mimi.DateOf(millis),
	})
	if err != nil {
		return nil, id, err
	}
	if m.seen[id] {
		m.run.report.leave(RecordTwice)
		return nil, id, nil
	}
	m.seen[id] = true
	m.ids = append(m.ids, id[:]...)
	return d, id, nil
}

// bodyOf is the body of a message: its text, its file, or both in one unit.
func bodyOf(msg *message) mimi.NestedPart {
	mediaType := msg.mediaType
	if mediaType == "" {
		mediaType = plainText
	}
	text := mimi.NestedPart{Disposition: mimi.Render, Cardinality: mimi.Single, ContentType: mediaType, Content: []byte(msg.text)}
	var parts []mimi.NestedPart
	switch {
	case msg.hasBoth():
		rich := mimi.NestedPart{Disposition: mimi.Render, Cardinality: mimi.Single, ContentType: html, Content: []byte(msg.html)}
		parts = append(parts, mimi.NestedPart{
			Disposition: mimi.Render, Cardinality: mimi.Multi, Semantics: mimi.ChooseOne, Parts: []mimi.NestedPart{text, rich},
		})
	case msg.text != "" || len(msg.files) == 0:
		parts = append(parts, text)
	}
	for i := range msg.files {
		parts = append(parts, msg.files[i].part())
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return mimi.NestedPart{Disposition: mimi.Render, Cardinality: mimi.Multi, Semantics: mimi.ProcessAll, Parts: parts}
}

// hasBoth reports a message whose text is there in two forms, to choose one.
func (msg *message) hasBoth() bool { return msg.text != "" && msg.html != "" }

// attach adds the attachments of a message's files, and counts them.
func (m *room) attach(d *codec.Dialog, id mimi.MessageID, msg *message) {
	// Parts are counted depth first, so that a text in two forms is three of them.
	before, number := 0, 1
	switch {
	case msg.hasBoth():
		before, number = 1, 4
	case msg.text != "":
		before, number = 1, 2
	}
	for i := range msg.files {
		f := &msg.files[i]
		m.run.report.Attachments++
		if f.content == nil {
			m.run.report.leaveAttachment(NotInExport)
			continue
		}
		m.run.report.Contents++
		part, x := 0, d.ExternalPart
		if d.MultiPart != nil {
			part, x = number+i, d.MultiPart.Parts[before+i].ExternalPart
		}
		x.Cached = true
		m.attached = append(m.attached, codec.Attachment{
			Start:           d.Start,
			Party:           d.Originator,
			MediaType:       x.MediaType,
			Filename:        x.Filename,
			DialogObjectRef: "mid:" + string(codec.BinaryOf(id[:])) + ":" + strconv.Itoa(part) + "@anon.invalid",
		})
		m.contents = append(m.contents, f.content)
	}
}

// react adds a reaction to a message. It is a record of its own.
func (m *room) react(to mimi.MessageID, by person, text string, millis int64) error {
	if err := m.full(); err != nil {
		return err
	}
	m.run.report.Records++
	c := &mimi.Content{
		Salt: salt("reaction", m.uri, string(to[:]), by.key, text), InReplyTo: &to,
		Body: mimi.NestedPart{Disposition: mimi.Reaction, Cardinality: mimi.Single, ContentType: plainText, Content: []byte(text)},
	}
	d, _, err := m.dialog(c, by, millis)
	if err != nil || d == nil {
		return err
	}
	m.put(d, millis, len(text))
	m.run.report.Messages++
	return nil
}

// notice adds a line of the messenger itself that changes neither room nor
// roster: the room says it.
func (m *room) notice(millis int64, text string, salt [mimi.SaltSize]byte) (mimi.MessageID, error) {
	m.run.report.mend(NoticeAsText)
	return m.add(&message{sender: roomItself, millis: millis, text: text, salt: salt})
}

// tombstone adds the place of a message that was deleted. Its id is derived from
// what tells the message apart in the export, since its content is gone.
func (m *room) tombstone(millis int64, by person, fields ...string) (mimi.MessageID, error) {
	var id mimi.MessageID
	if err := m.full(); err != nil {
		return id, err
	}
	sum := derive("tombstone", append([]string{m.uri, by.key}, fields...)...)
	id[0] = 1
	copy(id[1:], sum[:])
	if m.seen[id] {
		m.run.report.leave(RecordTwice)
		return id, nil
	}
	m.seen[id] = true
	m.ids = append(m.ids, id[:]...)
	sender := m.party(by)
	m.put(&codec.Dialog{
		Type: "tombstone", Start: mimi.DateOf(millis), Originator: &sender, Parties: []uint32{0},
		MessageID: codec.BinaryOf(id[:]), Status: "retracted",
	}, millis, 0)
	m.run.report.Tombstones++
	return id, nil
}

// A change is one change of a room or its roster, as party_history has it.
type change struct {
	event string // add, self_add, leave, remove, ban, update, room
	who   person // whom it is about; roomItself for the room
	by    person // roomItself: not known
	name  string // a new name, of a person
	role  string
	room  *codec.Room // what changed of the room
}

// changes appends changes of one moment, which are one record.
func (m *room) changes(millis int64, all ...change) error {
	for len(all) > maxChanges { // one dialog has to fit into one segment
		m.run.report.Records++
		if err := m.changes(millis, all[:maxChanges]...); err != nil {
			return err
		}
		all = all[maxChanges:]
	}
	if err := m.full(); err != nil {
		return err
	}
	events := make([]codec.PartyEvent, len(all))
	text := 0
	for i, c := range all {
		if c.room != nil {
			m.run.fitLine(&c.room.Subject, maxAbout)
			m.run.fitLine(&c.room.Avatar, maxAddress)
			text += len(c.room.Name) + len(c.room.Subject) + len(c.room.Avatar)
			for k := range c.room.Description {
				m.run.fitLine(&c.room.Description[k].Content, maxAbout)
				text += len(c.room.Description[k].Content)
			}
		}
		text += eventOverhead + len(c.name)
		who := m.party(c.who)
		events[i] = codec.PartyEvent{Party: &who, Event: c.event, Name: m.run.short(c.name), Role: c.role, Room: c.room}
		if c.by != roomItself {
			by := m.party(c.by)
			events[i].Originator = &by
		}
	}
	m.change(millis, events...)
	m.weigh(text)
	return nil
}

// change appends roster events of one moment. The caller has made room for it
// with full before it asked for party indexes.
func (m *room) change(millis int64, events ...codec.PartyEvent) {
	start := mimi.DateOf(millis)
	for i := range events {
		events[i].Time = start
		m.ids = binary.BigEndian.AppendUint64(m.ids, uint64(millis))
		m.ids = append(m.ids, events[i].Event...)
		m.ids = append(m.ids, m.parties[*events[i].Party].IMURI...)
	}
	m.put(&codec.Dialog{PartyHistory: events}, millis, 0)
	m.run.report.Changes++
}

// millisOf reads a date that an export has without a time zone.
func (r *run) millisOf(layout, date string) (int64, error) {
	t, err := time.ParseInLocation(layout, date, r.opts.Location)
	if err != nil || !inRange(t) {
		return 0, fmt.Errorf("read date: not of the form %q", layout)
	}
	return t.UnixMilli(), nil
}

// inRange reports a time that a vCon can say.
func inRange(t time.Time) bool { return t.Year() >= 1 && t.Year() <= 9999 }

// short is a name of a room, a person or a file, within its limit and valid.
func (r *run) short(name string) string {
	if !utf8.ValidString(name) {
		name = strings.ToValidUTF8(name, "\uFFFD")
		r.report.mend(BrokenText)
	}
	if len(name) <= MaxName {
		return name
	}
	r.report.mend(NameTooLong)
	return cut(name, MaxName)
}

// cut is the beginning of a text, of at most n bytes, with a mark that it goes on.
func cut(s string, n int) string {
	const more = "…"
	n -= len(more)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + more
}

// sortByTime puts records in the order of time, those of one moment as they came.
func sortByTime[T any](records []T, millis func(*T) int64) {
	slices.SortStableFunc(records, func(a, b T) int {
		switch x, y := millis(&a), millis(&b); {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
}
