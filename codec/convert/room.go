package convert

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// A room collects the dialogs of one room and hands them over, a vCon at a time.
type room struct {
	run      *run
	uri      string
	name     string
	subject  string // "" is not known
	parties  []codec.Party
	index    map[string]uint32 // party index by URI
	dialogs  []dated
	attached []codec.Attachment
	contents []*Content
	seen     map[mimi.MessageID]bool
	text     int    // bytes of the messages' texts
	ids      []byte // of the dialogs, to name the vCon
	group    *rooms // nil for a room that is read by itself
}

// A dated is a dialog with the time by which it is put in order.
type dated struct {
	codec.Dialog
	millis int64
}

// A person is who takes part. key is what the export tells people apart by, and
// becomes the URI; what else is known may be empty.
type person struct {
	key, name, tel, mailto string
}

// owner is whose export it is, where the export does not say.
func (r *run) owner() person { return person{key: "me", name: r.opts.Owner} }

// room opens a room that an export knows by its name, which is compared without
// case.
func (r *run) room(name string) *room { return r.roomOf(strings.ToLower(name), name) }

// roomOf opens a room by what tells it apart in the export, and its name.
func (r *run) roomOf(key, name string) *room {
	m := &room{run: r, name: r.short(name), uri: "mimi://" + r.opts.Host + "/r/" + segment(key)}
	m.reset()
	return m
}

func (m *room) reset() {
	if m.group != nil {
		m.group.dialogs -= len(m.dialogs)
		m.group.text -= m.text
	}
	m.parties = []codec.Party{{IMURI: m.uri, Name: m.name}}
	m.index = map[string]uint32{m.uri: 0}
	m.dialogs, m.attached, m.contents = nil, nil, nil
	m.seen = make(map[mimi.MessageID]bool)
	m.text = 0
	m.ids = m.ids[:0]
}

// roomItself is the sender of what nobody in particular said.
var roomItself = person{}

// party returns the index of a person, which is valid until the vCon is handed
// over. The name by which he is first met in a vCon is kept.
func (m *room) party(p person) uint32 {
	if p == roomItself {
		return 0
	}
	uri := m.run.userURI(cmp.Or(p.key, "unknown"))
	if i, ok := m.index[uri]; ok {
		q := &m.parties[i]
		q.Name, q.Tel, q.Mailto = cmp.Or(q.Name, m.run.short(p.name)), cmp.Or(q.Tel, p.tel), cmp.Or(q.Mailto, p.mailto)
		m.run.fitLine(&q.Tel, MaxName)
		m.run.fitLine(&q.Mailto, MaxName)
		return i
	}
	i := uint32(len(m.parties))
	p.name = m.run.short(p.name)
	m.run.fitLine(&p.tel, MaxName)
	m.run.fitLine(&p.mailto, MaxName)
	m.parties = append(m.parties, codec.Party{IMURI: uri, Name: p.name, Tel: p.tel, Mailto: p.mailto})
	m.weigh(partyOverhead + len(uri) + len(p.name) + len(p.tel) + len(p.mailto))
	m.index[uri] = i
	return i
}

// userURI is the URI of the person with a key.
func (r *run) userURI(key string) string { return "mimi://" + r.opts.Host + "/u/" + segment(key) }

// put adds a dialog with so many bytes of text.
func (m *room) put(d *codec.Dialog, millis int64, text int) {
	m.dialogs = append(m.dialogs, dated{*d, millis})
	if m.group != nil {
		m.group.dialogs++
	}
	m.weigh(text)
}

// weigh adds so many bytes to what a vCon has.
func (m *room) weigh(text int) {
	m.text += text
	if m.group != nil {
		m.group.text += text
	}
}

// full hands over the vCon when it has as many dialogs, or as much text, as it
// may.
func (m *room) full() error {
	if len(m.dialogs) < m.run.opts.MaxMessages && m.text < MaxText {
		return nil
	}
	return m.flush()
}

// flush hands over what was added, if anything, in the order of time.
func (m *room) flush() error {
	if len(m.dialogs) == 0 {
		return nil
	}
	slices.SortStableFunc(m.dialogs, func(a, b dated) int { return cmp.Compare(a.millis, b.millis) })
	dialogs := make([]codec.Dialog, len(m.dialogs))
	for i := range m.dialogs {
		dialogs[i] = m.dialogs[i].Dialog
	}
	v := &VCon{Contents: m.contents, VCon: &codec.VCon{
		Version:     "0.4.0",
		UUID:        m.uuid(),
		Extensions:  []string{codec.ExtensionMIMI},
		CreatedAt:   mimi.DateOf(m.dialogs[len(m.dialogs)-1].millis),
		Room:        &codec.Room{ID: m.uri, Name: m.name, Subject: m.subject},
		Parties:     m.parties,
		Dialog:      dialogs,
		Attachments: m.attached,
	}}
	m.reset()
	m.run.report.VCons++
	return m.run.emit(v)
}

// uuid is version 8 (RFC 9562, section 5.8), derived from the room and the ids.
func (m *room) uuid() string {
	sum := sum16("vcon", m.uri, string(m.ids))
	sum[6] = sum[6]&0x0f | 0x80
	sum[8] = sum[8]&0x3f | 0x80
	s := hex.EncodeToString(sum[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// rooms are the rooms of an export that has their records mixed. When they hold
// much together, all are handed over.
type rooms struct {
	run           *run
	byKey         map[string]*room
	dialogs, text int // that wait in all of them
}

// of returns the room with a key, opening it when it is new.
func (s *rooms) of(key, name string) (*room, error) {
	if s.dialogs >= maxMixed || s.text >= maxMixedText {
		if err := s.flush(); err != nil {
			return nil, err
		}
	}
	m := s.byKey[key]
	if m == nil {
		if len(s.byKey) >= MaxRooms {
			return nil, errRooms
		}
		if s.byKey == nil {
			s.byKey = make(map[string]*room)
		}
		m = s.run.roomOf(key, name)
		m.group = s
		s.byKey[key] = m
	}
	return m, nil
}

// flush hands over all rooms, in the order of their keys.
func (s *rooms) flush() error {
	keys := make([]string, 0, len(s.byKey))
	for key := range s.byKey {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		if err := s.byKey[key].flush(); err != nil {
			return err
		}
	}
	return nil
}

// salt derives the salt of a message from what of it never changes. A salt has
// to be unpredictable to hide a message of a live room; these messages were
// public or are in the sender's hands in clear, and the same id each time is
// worth more.
func salt(fields ...string) [mimi.SaltSize]byte {
	return sum16("salt", fields...)
}

// derive hashes a label and fields, each with its length.
func derive(label string, fields ...string) [sha256.Size]byte {
	n := 32 + len(label)
	for _, f := range fields {
		n += 4 + len(f)
	}
	in := append(make([]byte, 0, n), "vcon-transfer convert/1 "...)
	in = append(in, label...)
	for _, f := range fields {
		in = binary.BigEndian.AppendUint32(in, uint32(len(f)))
		in = append(in, f...)
	}
	return sha256.Sum256(in)
}

// sum16 is the first half of derive.
func sum16(label string, fields ...string) [16]byte {
	sum := derive(label, fields...)
	return [16]byte(sum[:16])
}

// segment makes one segment of a URI's path of a key: percent-encoded, and by
// its hash when it is long.
func segment(key string) string {
	if len(key) > MaxName {
		sum := sum16("key", key)
		return "h-" + hex.EncodeToString(sum[:])
	}
	return url.PathEscape(key)
}
