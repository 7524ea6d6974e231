package convert

import (
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// WhatsApp chats, as the app exports them ("Export chat"): a text in a ZIP archive or
// a folder, with its media beside it or without. WhatsApp documents no layout;
// this one is gathered from exports and from what public parsers and their issues
// tell (Pustur/whatsapp-chat-parser 4, lucasrodes/whatstk 0.7, starkdmi/whats_json 1,
// joweich/chat-miner, linuswillner/whatsapp-export-inconsistencies):
//
//	iOS      _chat.txt                  [08.02.2026, 08:00:12] Alice: text
//	Android  WhatsApp Chat with X.txt   08/02/2026, 08:00 - Alice: text
//
// Dates and hours are in the language of the phone, see parseChatHead; which of day
// and month comes first is decided over the whole chat, see chatSurvey. A line
// without a head goes on with the text before it. A line of a text that has a head
// of the chat's own shape cannot be told from a new message: nothing is escaped.
// What the app wrote has no sender on Android; on iOS it is said by the chat or by
// somebody, and begins with U+200E.

// A whatsAppChat is the state while one chat is read.
type whatsAppChat struct {
	*run
	name   string // of the file
	words  *chatWords
	survey *chatSurvey
	room   *room
	others map[string]bool // files of the folder that were not referred to; nil: not a folder
	last   int64           // instant of the record before
	nth    recentCounts

	head    chatHead // of the record that is read
	rest    strings.Builder
	reading bool
}

func (r *run) convertChat(name string, words *chatWords, s *chatSurvey, others map[string]bool) error {
	c := &whatsAppChat{run: r, name: name, words: words, survey: s, others: others}
	if s.guessed {
		r.report.mend(DateOrderGuessed)
	}
	title := c.title()
	c.room = r.roomOf(title, title)
	if err := r.chatLines(name, c.line); err != nil {
		return err
	}
	if err := c.record(); err != nil {
		return err
	}
	return c.room.flush()
}

// title finds the name of the room: that of the file, folder or archive as the app
// names it, else what the chat says itself.
func (c *whatsAppChat) title() string {
	if c.opts.Room != "" {
		return c.opts.Room
	}
	base := path.Base(c.name)
	base = strings.TrimSuffix(base, path.Ext(base))
	folder := path.Base(path.Dir(c.name))
	archive := strings.TrimSuffix(c.opts.Archive, path.Ext(c.opts.Archive))
	for _, from := range []string{base, folder, archive} {
		if name := chatName(from); name != "" {
			return name
		}
	}
	if name := c.survey.noticeFrom; name != "" {
		return name
	}
	if name := plainName(c.survey.title); name != "" {
		return name
	}
	c.report.mend(RoomGuessed)
	for _, from := range []string{strings.TrimPrefix(base, "_chat"), archive, folder} {
		if name := plainName(from); name != "" && name != "." && name != "/" {
			return name
		}
	}
	return "WhatsApp"
}

// line takes a line: a head ends the record before.
func (c *whatsAppChat) line(line string, tooLong bool) error {
	if tooLong {
		c.report.Records++
		c.report.leave(LineTooLong)
		return nil
	}
	if h, _, rest, ok := parseChatHead(line); ok && h.chatShape == c.survey.shape && h.mayBe(c.survey.order) {
		if err := c.record(); err != nil {
			return err
		}
		c.head, c.reading = h, true
		c.rest.WriteString(rest)
		return nil
	}
	switch {
	case !c.reading && strings.TrimSpace(line) == "":
		c.report.Records++
		c.report.leave(BlankLine)
	case !c.reading:
		c.report.Records++
		c.report.leave(NotALogLine)
	case c.rest.Len()+len(line) >= MaxRecord:
		c.report.Records++
		c.report.leave(LineTooLong)
	default:
		c.rest.WriteByte('\n')
		c.rest.WriteString(line)
	}
	return nil
}

// record carries the record that was read, if any.
func (c *whatsAppChat) record() error {
	if !c.reading {
		return nil
	}
	rest := c.rest.String()
	c.rest.Reset()
	c.reading = false
	c.report.Records++
	at, ok := c.moment()
	if !ok {
		c.report.leave(RecordUndated)
		return nil
	}
	if !utf8.ValidString(rest) {
		rest = strings.ToValidUTF8(rest, "\uFFFD")
		c.report.mend(BrokenText)
	}
	rest = strings.TrimRightFunc(rest, unicode.IsSpace)
	sender, text, said := splitSender(rest)
	service := !said || quotedBefore(rest)
	line := unmarked(rest)
	if said && strings.TrimLeftFunc(text, isInvisible) != text { // iOS
		service, line = true, unmarked(text)
	}
	if service {
		if e, ok := c.words.system(line); ok && e.kind != eventOther {
			return c.event(at, &e)
		}
	}
	if !said || len(plainName(sender)) > MaxName || c.isNotice(plainName(sender), text, line) {
		return c.notice(at, line)
	}
	return c.message(at, plainName(sender), text)
}

// isNotice reports a line of iOS that the app wrote and that is no event: it begins
// with a mark, and is said by the chat, or names its own sender.
func (c *whatsAppChat) isNotice(sender, text, line string) bool {
	b := c.words.body(text)
	if !b.service || b.file != "" || b.omitted || b.deleted || b.kind != "" {
		return false
	}
	if _, ok := c.words.encryption(line); ok {
		return true
	}
	return sender == c.room.name || strings.HasPrefix(line, sender+" ")
}

// A chatMoment is when a record was written: the instant, and the minute as the clock
// showed it, by which messages are told apart. Android has no seconds, and the
// zone of the phone is not in the export: so the minute is the same in all exports
// of a message.
type chatMoment struct {
	millis int64
	minute string
}

func (c *whatsAppChat) moment() (chatMoment, bool) {
	h := &c.head
	y, m, d, ok := h.dateIn(c.survey.order)
	if !ok {
		return chatMoment{}, false
	}
	t := time.Date(y, time.Month(m), d, h.hour, h.min, h.sec, 0, c.opts.Location)
	// When clocks are put back an hour comes twice: what goes back in it is in the
	// second one.
	if earlier := t.Add(-time.Hour); earlier.Hour() == t.Hour() {
		t = earlier
	}
	if later := t.Add(time.Hour); t.UnixMilli() < c.last && later.Hour() == t.Hour() {
		t = later
	}
	c.last = t.UnixMilli()
	return chatMoment{t.UnixMilli(), fmt.Sprintf("%04d-%02d-%02d %02d:%02d", y, m, d, h.hour, h.min)}, true
}

// number is how many equal records came before in the minute. An export that begins
// in the midst of a minute has a part of its equal records, by the same numbers.
func (c *whatsAppChat) number(fields ...string) string {
	return strconv.FormatUint(uint64(c.nth.next(sum16("nth", fields...))), 10)
}

func (c *whatsAppChat) message(at chatMoment, sender, text string) error {
	from := c.person(sender)
	b := c.words.body(text)
	if b.deleted {
		_, err := c.room.tombstone(at.millis, from, at.minute, c.number("deleted", at.minute, from.key))
		return err
	}
	msg := &message{sender: from, millis: at.millis, text: b.text, origin: mimi.Origin{Kind: b.kind}}
	if b.edited {
		c.report.mend(EditedBefore)
	}
	if b.omitted {
		c.report.Attachments++
		c.report.leaveAttachment(NotInExport)
	}
	if b.file != "" {
		f, err := c.file(b.file)
		if err != nil {
			return err
		}
		msg.files = []file{f}
	}
	msg.salt = salt(c.room.uri, at.minute, from.key, b.text, b.file, c.number(at.minute, from.key, b.text, b.file))
	_, err := c.room.add(msg)
	return err
}

// file finds a file beside the chat. Anybody can write "NAME (file attached)": where
// the chat was named and not its folder, only names that the app gives are looked
// for, since other files may be there.
func (c *whatsAppChat) file(name string) (f file, err error) {
	f.name = c.short(name)
	at := beside(c.name, name)
	delete(c.others, at)
	if at == c.name || c.others == nil && !isAppName(name) {
		return f, nil
	}
	f.content, err = c.fileContent(at)
	return f, err
}

func (c *whatsAppChat) notice(at chatMoment, line string) error {
	_, err := c.room.notice(at.millis, line, salt(c.room.uri, "notice", at.minute, line, c.number("notice", at.minute, line)))
	return err
}

// event carries a change of the group or of who is in it.
func (c *whatsAppChat) event(at chatMoment, e *chatEvent) error {
	by, who := roomItself, make([]person, 0, len(e.who)+1)
	if e.you {
		by = c.you()
	} else if e.by != "" {
		by = c.person(plainName(e.by))
	}
	if e.whoYou {
		who = append(who, c.you())
	}
	for _, name := range e.who {
		who = append(who, c.person(plainName(name)))
	}
	var all []change
	switch e.kind {
	case eventCreated:
		all = append(all, change{event: "room", by: by, room: &codec.Room{Name: c.short(plainName(e.name))}})
		if e.name == "" {
			all[0].room.Name = c.room.name
		}
		if by != roomItself {
			all = append(all, change{event: "self_add", who: by, by: by})
		}
	case eventSubject:
		all = append(all, change{event: "room", by: by, room: &codec.Room{Name: c.short(plainName(e.name))}})
	default:
		for _, p := range who {
			ch := change{event: "add", who: p, by: by}
			switch e.kind {
			case eventLeft:
				ch.event, ch.by = "leave", p
			case eventJoined:
				ch.event, ch.by = "self_add", p
			case eventRemoved:
				ch.event = "remove"
			}
			all = append(all, ch)
		}
	}
	return c.room.changes(at.millis, all...)
}

// you is whose export it is: who has that name, when the options tell it.
func (c *whatsAppChat) you() person {
	if owner := c.owner(); owner.name == "Me" {
		return owner
	}
	return c.named(plainName(c.opts.Owner))
}

// person is who has a name, or a number, in the export.
func (c *whatsAppChat) person(name string) person {
	switch name {
	case "You", "Du", "Tú", "Vous", "Você", "Siz", "Вы", "Jij":
		return c.you()
	}
	return c.named(name)
}

func (c *whatsAppChat) named(name string) person {
	p := person{key: name, name: name}
	digits := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -()./\u2010\u2011", r) {
			return -1
		}
		return r
	}, name)
	if number, ok := strings.CutPrefix(digits, "+"); ok && len(number) >= 7 && len(number) <= 15 && isDigits(number) {
		p.key, p.tel = digits, digits
	}
	return p
}
