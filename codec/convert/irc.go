package convert

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// IRC logs: jkkummerfeld/irc-disentanglement's raw text, which is that of
// irclogs.ubuntu.com (see parseIRC), with its reply links (see readLinks).
// Layout as in that project's data/README.md.

// detectIRC looks for log lines among the first lines.
func detectIRC(_ string, prefix []byte) bool {
	seen, matched := 0, 0
	for len(prefix) > 0 && seen < 8 {
		line, rest, whole := bytes.Cut(prefix, []byte("\n"))
		prefix = rest
		if !whole && seen > 0 {
			break // cut short
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		seen++
		switch parseIRC(string(line)).kind {
		case lineMessage, lineNotice, lineJoin, lineLeave, lineRename, lineKick, lineTopic, lineMode, lineServer:
			matched++
		case lineAction:
			if line[0] == '[' {
				matched++
			}
		}
	}
	return seen > 0 && matched*2 > seen
}

// An ircLog is the state while one log is read.
type ircLog struct {
	*run
	room   *room
	clock  ircClock
	ids    []mimi.MessageID // by line; zero for a line that is no message
	links  map[uint32][]uint32
	lineNo int
}

// convertIRC converts one log. Its lines keep their message ids when lines are
// appended to it.
func convertIRC(r *run, name string) error {
	day, err := dateOf(name)
	if err != nil {
		return err
	}
	channel, err := r.channelOf(name)
	if err != nil {
		return err
	}
	l := &ircLog{run: r, room: r.room(channel), clock: ircClock{day: day}}
	if l.links, err = r.readLinks(annotationOf(name)); err != nil {
		return err
	}
	err = r.lines(name, l.line)
	if err != nil {
		return err
	}
	for _, from := range l.links {
		for range from {
			r.report.leaveLink(LinkToNothing)
		}
	}
	return l.room.flush()
}

// lines calls use with each line of a file; tooLong lines come as "" with true.
func (r *run) lines(name string, use func(line string, tooLong bool) error) error {
	f, err := r.fsys.Open(name)
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, MaxLine)
	for n := 0; ; n++ {
		line, err := in.ReadSlice('\n')
		tooLong := false
		for errors.Is(err, bufio.ErrBufferFull) {
			tooLong = true
			line, err = in.ReadSlice('\n')
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read log: %w", err)
		}
		if len(line) == 0 && !tooLong {
			return nil
		}
		if n >= MaxLines {
			return fmt.Errorf("read log: more than %d lines", MaxLines)
		}
		if n%4096 == 0 {
			if err := r.ctx.Err(); err != nil {
				return err
			}
		}
		text := string(line)
		if tooLong {
			text = ""
		}
		if uerr := use(text, tooLong); uerr != nil {
			return uerr
		}
		if err != nil {
			return nil
		}
	}
}

func (l *ircLog) line(s string, tooLong bool) error {
	n := l.lineNo
	l.lineNo++
	l.ids = append(l.ids, mimi.MessageID{})
	l.report.Records++
	if tooLong {
		l.report.leave(LineTooLong)
		l.drop(n, LinkToEvent)
		return nil
	}
	if !utf8.ValidString(s) {
		s = latin1(s)
		l.report.mend(NotUTF8)
	}
	p := parseIRC(s)
	switch p.kind {
	case lineMessage, lineAction, lineNotice:
		return l.message(n, &p)
	}
	l.drop(n, LinkToEvent)
	switch p.kind {
	case lineBlank:
		l.report.leave(BlankLine)
	case lineUnknown:
		l.report.leave(NotALogLine)
	case lineMode:
		l.report.leave(ModeChange)
	case lineServer:
		l.report.leave(ServerNotice)
	default:
		return l.event(&p)
	}
	return nil
}

func (l *ircLog) message(n int, p *ircLine) error {
	millis, nth := l.clock.next(p.minute, l.report)
	text := p.text
	if p.kind == lineAction {
		text = "/me " + text // as XEP-0245 has it
	}
	id, err := l.room.add(&message{
		sender: nick(p.nick), millis: millis, mediaType: plainText, text: text, reply: l.reply(n),
		salt: salt(l.room.uri, strconv.FormatInt(millis, 10), strconv.Itoa(nth), p.nick, text),
	})
	l.ids[n] = id
	return err
}

// reply returns the message that line n replies to: the first of its links that
// leads to a message.
func (l *ircLog) reply(n int) (to *mimi.MessageID) {
	for _, from := range l.links[uint32(n)] {
		switch {
		case l.ids[from] == mimi.MessageID{}:
			l.report.leaveLink(LinkToEvent)
		case to != nil:
			l.report.leaveLink(LinkFurther)
		default:
			id := l.ids[from]
			to = &id
			l.report.Replies++
		}
	}
	delete(l.links, uint32(n))
	return to
}

// drop counts the links of line n as left.
func (l *ircLog) drop(n int, why Reason) {
	for range l.links[uint32(n)] {
		l.report.leaveLink(why)
	}
	delete(l.links, uint32(n))
}

// event carries a roster or topic line as party_history.
func (l *ircLog) event(p *ircLine) error {
	if err := l.room.full(); err != nil {
		return err
	}
	millis, _ := l.clock.next(p.minute, l.report)
	on := func(party, by uint32, event string) codec.PartyEvent {
		return codec.PartyEvent{Party: &party, Originator: &by, Event: event}
	}
	if p.kind == lineTopic {
		room := uint32(0)
		e := codec.PartyEvent{Party: &room, Event: "room", Room: &codec.Room{Subject: p.text}}
		if p.nick != "" {
			by := l.room.party(nick(p.nick))
			e.Originator = &by
		}
		l.room.change(millis, e)
		return nil
	}
	who := l.room.party(nick(p.nick))
	switch p.kind {
	case lineJoin:
		l.room.change(millis, on(who, who, "self_add"))
	case lineLeave:
		l.room.change(millis, on(who, who, "leave"))
	case lineKick:
		l.room.change(millis, on(who, l.room.party(nick(p.other)), "remove"))
	default:
		// A nick is what identifies a person, so a new one is a new party; the
		// update, originated by the old one, says who it was.
		other := l.room.party(nick(p.other))
		update := on(other, who, "update")
		update.Name = p.other
		l.room.change(millis, on(who, who, "leave"), on(other, other, "self_add"), update)
	}
	return nil
}

// nick is a person by nickname: IRC compares them without case.
func nick(name string) person { return person{key: strings.ToLower(name), name: name} }

// latin1 reads bytes as ISO 8859-1, the usual other encoding of IRC.
func latin1(s string) string {
	out := make([]rune, len(s))
	for i := range len(s) {
		out[i] = rune(s[i])
	}
	return string(out)
}

// dateOf finds the date of a log in its name, the last one of its path:
// "2004-12-25.train-c.raw.txt", "2008/12/11/#ubuntu.txt".
func dateOf(name string) (time.Time, error) {
	for i := len(name) - len("2006-01-02"); i >= 0; i-- {
		s := strings.ReplaceAll(name[i:i+len("2006-01-02")], "/", "-")
		if t, err := time.Parse("2006-01-02", s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errNoDate
}

// errNoDate says that the name of a log does not hold its date, without which no
// line has a time.
var errNoDate = errors.New("read log: no date (YYYY-MM-DD) in the name of the file")

// channelOf finds the channel of a log: from the options, its name or its lines.
// A log of a folder that does not say gets that of the log before it, so that
// days that are added later change nothing; the first ones get that of the first
// log that says.
func (r *run) channelOf(name string) (string, error) {
	if r.opts.Room != "" {
		return channelName(r.opts.Room), nil
	}
	found, err := r.namedChannel(name)
	if err != nil {
		return "", err
	}
	if found == "" {
		r.report.mend(ChannelGuessed)
		for _, next := range r.files {
			if r.channel != "" {
				break
			}
			if r.channel, err = r.namedChannel(next); err != nil {
				return "", err
			}
		}
		found = cmp.Or(r.channel, string(IRC))
	}
	r.channel = found
	return channelName(found), nil
}

// namedChannel is the channel that a log's name has, or the first line that
// names one; "" if there is none.
func (r *run) namedChannel(name string) (string, error) {
	if i := strings.IndexByte(path.Base(name), '#'); i >= 0 {
		base := path.Base(name)[i:]
		return strings.TrimSuffix(base, path.Ext(base)), nil
	}
	found := ""
	err := r.lines(name, func(line string, _ bool) error {
		if p := parseIRC(line); p.channel != "" && len(p.channel) <= MaxName && utf8.ValidString(p.channel) {
			found = p.channel
			return errFound
		}
		return nil
	})
	if err != nil && !errors.Is(err, errFound) {
		return "", err
	}
	return found, nil
}

var errFound = errors.New("found")

// channelName is a channel without the # of an ordinary one.
func channelName(s string) string {
	if t := strings.TrimPrefix(s, "#"); t != "" {
		return t
	}
	return s
}
