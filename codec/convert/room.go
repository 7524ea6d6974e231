package convert

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net/url"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// Media types of converted text.
const (
	plainText = "text/plain;charset=utf-8"
	markdown  = "text/markdown;variant=GFM"
)

// A room collects the dialogs of one room and hands them over, a vCon at a time.
type room struct {
	run     *run
	uri     string
	name    string
	parties []codec.Party
	index   map[string]uint32 // party index by URI
	dialogs []codec.Dialog
	text    int    // bytes of the messages' texts
	ids     []byte // of the dialogs, to name the vCon
	last    codec.Date
}

// room opens a room by name. Room names are compared without case.
func (r *run) room(name string) *room {
	m := &room{run: r, name: name, uri: "mimi://" + r.opts.Host + "/r/" + segment(name)}
	m.reset()
	return m
}

func (m *room) reset() {
	m.parties = []codec.Party{{IMURI: m.uri, Name: m.name}}
	m.index = make(map[string]uint32)
	m.dialogs = nil
	m.text = 0
	m.ids = m.ids[:0]
}

// party returns the index of a person by name, whose first spelling is kept.
func (m *room) party(name string) uint32 {
	uri := "mimi://" + m.run.opts.Host + "/u/" + segment(name)
	if i, ok := m.index[uri]; ok {
		return i
	}
	i := uint32(len(m.parties))
	m.parties = append(m.parties, codec.Party{IMURI: uri, Name: name})
	m.index[uri] = i
	return i
}

// A message is what a converter knows of one text message.
type message struct {
	sender    string
	millis    int64 // since 1970
	mediaType string
	text      string
	reply     *mimi.MessageID
	salt      [mimi.SaltSize]byte
}

// add appends a message and returns its id.
func (m *room) add(msg *message) (mimi.MessageID, error) {
	if err := m.full(); err != nil {
		return mimi.MessageID{}, err
	}
	c := &mimi.Content{
		Salt:      msg.salt,
		InReplyTo: msg.reply,
		Body: mimi.NestedPart{
			Disposition: mimi.Render, Cardinality: mimi.Single,
			ContentType: msg.mediaType, Content: []byte(msg.text),
		},
	}
	sender := m.party(msg.sender)
	start := mimi.DateOf(msg.millis)
	d, id, err := c.DialogID(mimi.Envelope{
		SenderURI: m.parties[sender].IMURI, RoomURI: m.uri, Originator: sender, Start: start,
	})
	if err != nil {
		return id, err
	}
	m.dialogs = append(m.dialogs, *d)
	m.text += len(msg.text)
	m.ids = append(m.ids, id[:]...)
	m.last = start
	m.run.report.Messages++
	return id, nil
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
	m.dialogs = append(m.dialogs, codec.Dialog{PartyHistory: events})
	m.last = start
	m.run.report.Changes++
}

// full hands over the vCon when it has as many dialogs, or as much text, as it
// may.
func (m *room) full() error {
	if len(m.dialogs) < m.run.opts.MaxMessages && m.text < MaxText {
		return nil
	}
	return m.flush()
}

// flush hands over what was added, if anything.
func (m *room) flush() error {
	if len(m.dialogs) == 0 {
		return nil
	}
	v := &codec.VCon{
		Version:    "0.4.0",
		UUID:       m.uuid(),
		Extensions: []string{codec.ExtensionMIMI},
		CreatedAt:  m.last,
		Room:       &codec.Room{ID: m.uri, Name: m.name},
		Parties:    m.parties,
		Dialog:     m.dialogs,
	}
	m.reset()
	m.run.report.VCons++
	return m.run.emit(v)
}

// uuid is version 8 (RFC 9562, section 5.8), derived from the room and the ids.
func (m *room) uuid() string {
	sum := derive("vcon", m.uri, string(m.ids))
	sum[6] = sum[6]&0x0f | 0x80
	sum[8] = sum[8]&0x3f | 0x80
	s := hex.EncodeToString(sum[:16])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// salt derives the salt of a message from what of it never changes. A salt has
// to be unpredictable to hide a message of a live room; these messages were
// public or are in the sender's hands in clear, and the same id each time is
// worth more.
func salt(fields ...string) [mimi.SaltSize]byte {
	sum := derive("salt", fields...)
	return [mimi.SaltSize]byte(sum[:mimi.SaltSize])
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

// segment makes one segment of a URI's path of a name: without case, as IRC,
// gitter and GitHub compare names, and percent-encoded.
func segment(name string) string {
	return url.PathEscape(strings.ToLower(name))
}
