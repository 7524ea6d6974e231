package convert

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// SMS Backup & Restore (SyncTech), an Android app: one XML file of messages, one
// of calls. Layout as in the app's page "Fields in XML backup files"
// (synctech.com.au) and in what the app writes (version 10):
//
//	<smses count backup_set backup_date>
//	  <sms address date type subject body … contact_name/>
//	  <mms address date msg_box m_type sub m_id … contact_name>
//	    <parts><part seq ct name fn cl cid text data/>…</parts>
//	    <addrs><addr address type charset/>…</addrs>
//	  </mms>
//	</smses>
//	<calls count …><call number duration date type presentation … contact_name/></calls>
//
// Dates are in milliseconds since 1970; "null" stands for no value. type and
// msg_box: 1 received, 2 sent, 3 draft, 4 outbox, 5 failed, 6 queued. The type of
// an addr is that of a PDU header: 129 Bcc, 130 Cc, 137 From, 151 To. data is
// base64. Addresses of a group have "~" between them.
//
// Whose backup it is, is not in it. A conversation is told apart by its numbers as
// they are written, without blanks and signs between digits: whether a national
// and an international number are the same cannot be known.

// detectSMS looks for the root element.
func detectSMS(_ string, prefix []byte) bool {
	prefix = bytes.TrimPrefix(prefix, []byte("\uFEFF"))
	if !bytes.HasPrefix(bytes.TrimLeft(prefix, " \t\r\n"), []byte("<")) {
		return false
	}
	t, err := newXMLScanner(bytes.NewReader(prefix), passData).next()
	if err != nil {
		return false
	}
	counted := slices.ContainsFunc(t.attrs, func(a attribute) bool { return a.name == "count" })
	return t.name == "smses" || t.name == "calls" && counted
}

// passData passes over contents.
func passData(element, attribute string) bool { return element == "part" && attribute == "data" }

// An smsFile is the state while one file is read.
type smsFile struct {
	*run
	file  string
	in    *xmlScanner
	rooms rooms
	names map[string]string // of people, by address
}

// convertSMS converts one file. It is read twice: names of people stand at their
// own messages, and are wanted in groups too.
func convertSMS(r *run, name string) error {
	s := &smsFile{run: r, file: name, rooms: rooms{run: r}, names: make(map[string]string)}
	err := s.each(func(t *tag) error {
		switch t.name {
		case "sms", "mms", "call":
			s.learn(t)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := s.each(s.record); err != nil {
		return err
	}
	return s.rooms.flush()
}

// each calls use with the tags below the root, whose end has to be there.
func (s *smsFile) each(use func(t *tag) error) error {
	f, err := s.openAt(s.file, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	s.in = newXMLScanner(f, passData)
	root := ""
	for n := 0; ; n++ {
		if n%1024 == 0 {
			if err := s.ctx.Err(); err != nil {
				return err
			}
		}
		t, err := s.in.next()
		switch {
		case s.in.offset > MaxExport:
			return s.in.failed(errExportTooLong)
		case errors.Is(err, io.EOF):
			return s.in.failed(errTruncatedXML)
		case err != nil:
			return s.in.failed(err)
		case root == "" && (t.name == "smses" || t.name == "calls"):
			root = t.name
			if t.empty {
				return nil
			}
		case root == "":
			return s.in.failed(errMalformedXML)
		case t.name == root && t.end:
			return nil
		default:
			if err := use(t); err != nil {
				return err
			}
		}
	}
}

// record converts one record.
func (s *smsFile) record(t *tag) error {
	if t.end {
		return nil // of something that was passed over
	}
	s.report.Records++
	switch {
	case t.name == "mms":
		return s.mms(t)
	case t.tooLong:
		s.report.leave(RecordTooLong)
	case t.name == "sms":
		return s.sms(s.values(t, smsFields))
	case t.name == "call":
		return s.call(s.values(t, callFields))
	default:
		s.report.leave(RecordMalformed)
	}
	return nil
}

// learn keeps the name of who is at the other end.
func (s *smsFile) learn(t *tag) {
	var address, name string
	for _, a := range t.attrs {
		switch a.name {
		case "address", "number":
			address = present(a.value)
		case "contact_name":
			name = contactName(a.value)
		}
	}
	key := smsKey(address)
	if key != "" && name != "" && !strings.Contains(address, "~") && s.names[key] == "" && len(s.names) < MaxNames {
		s.names[key] = s.short(name)
	}
}

// values are the attributes of a tag that have a value, by name. Those that are
// not known are counted.
func (s *smsFile) values(t *tag, known string) map[string]string {
	if s.in.mended {
		s.report.mend(BrokenText)
	}
	all := make(map[string]string, len(t.attrs))
	for _, a := range t.attrs {
		v := present(a.value)
		if v == "" {
			continue
		}
		if !strings.Contains(known, " "+a.name+" ") {
			s.report.mend(FieldUnknown)
		}
		all[a.name] = v
	}
	return all
}

// Attributes that are known. Most say how a phone sent a message or shows it, and
// nothing of what it says; readable_date repeats date.
const (
	smsFields = " protocol address date type subject body toa sc_toa service_center read status locked" +
		" date_sent sub_id seen readable_date contact_name creator error_code reply_path_present thread_id person _id "
	callFields = " number duration date type presentation subscription_id post_dial_digits" +
		" subscription_component_name readable_date contact_name "
)

func (s *smsFile) sms(v map[string]string) error {
	millis, ok := smsDate(v["date"])
	if !ok {
		s.report.leave(RecordUndated)
		return nil
	}
	m, err := s.room(v["address"], v["contact_name"])
	if err != nil {
		return err
	}
	sender, kind := s.box(v["type"])
	if sender == roomItself {
		sender = s.person(v["address"])
	}
	_, err = m.add(&message{
		sender: sender, millis: millis, text: withSubject(v["subject"], v["body"]), origin: kind,
		salt: salt("sms", m.uri, v["date"], v["type"], v["address"], v["body"]),
	})
	return err
}

// room is the room of an address, or of several with "~" between them.
func (s *smsFile) room(address, name string) (*room, error) {
	keys := smsKeys(address)
	name = contactName(name)
	switch {
	case name != "":
	case len(keys) == 1 && !isDialable(keys[0]):
		name = strings.TrimSpace(address) // a service, as it writes itself
	default:
		var names []string
		for _, key := range keys {
			names = append(names, cmp.Or(s.names[key], key))
		}
		name = cmp.Or(strings.Join(names, ", "), unknownNumber)
	}
	return s.rooms.of(cmp.Or(strings.Join(keys, "~"), "unknown"), name)
}

// person is who has an address.
func (s *smsFile) person(address string) person {
	key := smsKey(address)
	if key == "" {
		return hidden("")
	}
	p := person{key: key, name: cmp.Or(s.names[key], strings.TrimSpace(address))}
	if isDialable(key) {
		p.tel = key
	}
	return p
}

// box says who sent a message, roomItself for the other end, and what became of it.
func (s *smsFile) box(kind string) (sender person, o mimi.Origin) {
	switch kind {
	case "2":
		return s.owner(), o
	case "3":
		return s.owner(), mimi.Origin{Kind: "draft"}
	case "4":
		return s.owner(), mimi.Origin{Kind: "outbox"}
	case "5":
		return s.owner(), mimi.Origin{Kind: "failed"}
	case "6":
		return s.owner(), mimi.Origin{Kind: "queued"}
	case "1":
	default:
		s.report.mend(FieldUnknown)
	}
	return roomItself, o
}

func withSubject(subject, text string) string {
	if subject == "" {
		return text
	}
	return strings.TrimSuffix("Subject: "+subject+"\n\n"+text, "\n\n")
}

// smsKeys are the keys of addresses, each once and sorted.
func smsKeys(address string) []string {
	var keys []string
	for one := range strings.SplitSeq(address, "~") {
		if key := smsKey(one); key != "" {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// smsKey tells an address apart: a number by its digits, anything else (a
// service's name, an e-mail address) without case.
func smsKey(address string) string {
	address = strings.TrimSpace(address)
	number := strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune("-.()/", r) || unicode.IsSpace(r) || unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, address)
	if isDialable(number) {
		return number
	}
	return strings.ToLower(address)
}

// isDialable reports digits, of an international number with a plus before them.
func isDialable(s string) bool {
	digits := strings.TrimPrefix(s, "+")
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return digits != ""
}

// present is a value, "" for "null".
func present(v string) string {
	if v == "null" {
		return ""
	}
	return v
}

// contactName is a name that is one.
func contactName(v string) string {
	if v = present(v); v == "(Unknown)" {
		return ""
	}
	return strings.TrimSpace(v)
}

func smsDate(v string) (int64, bool) {
	n, err := strconv.ParseInt(v, 10, 64)
	return n, err == nil && n > 0 && inRange(time.UnixMilli(n).UTC())
}
