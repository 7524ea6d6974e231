package history

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

const room = "mimi://example.com/r/engineering_team"

// A maker makes the vCon of one room, the same for one seed.
type maker struct {
	r   *rand.Rand
	v   *codec.VCon
	now time.Time
	n   uint64
}

func newMaker(seed uint64, id string, people int) *maker {
	m := &maker{r: rand.New(rand.NewPCG(seed, 7)), now: time.Date(2024, 3, 1, 9, 0, 0, 0, time.UTC)}
	m.v = &codec.VCon{Version: codec.Version, UUID: "0190b5c4-0000-8000-8000-000000000001", Room: &codec.Room{ID: id, Name: "Engineering Team", Subject: "all of it"}}
	m.v.Parties = append(m.v.Parties, codec.Party{IMURI: id})
	for i := range people {
		m.v.Parties = append(m.v.Parties, codec.Party{IMURI: fmt.Sprintf("mimi://example.com/u/p%d", i), Name: fmt.Sprintf("Person %d", i), Role: "member"})
	}
	return m
}

func (m *maker) date() codec.Date {
	return codec.Date(m.now.Format("2006-01-02T15:04:05.000Z"))
}

func (m *maker) id() codec.Binary {
	m.n++
	sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte(m.v.Room.ID), m.n))
	sum[0] = 1
	return codec.Binary(base64.RawURLEncoding.EncodeToString(sum[:]))
}

func (m *maker) someone() *uint32 { return new(uint32(1 + m.r.IntN(len(m.v.Parties)-1))) }

// text adds a message and returns it; a pointer is valid until the next one.
func (m *maker) text(body string) *codec.Dialog {
	m.now = m.now.Add(time.Duration(m.r.IntN(4)) * 500 * time.Millisecond)
	m.v.Dialog = append(m.v.Dialog, codec.Dialog{
		Type: "text", Start: m.date(), Duration: new(uint64(0)), Parties: []uint32{0}, Originator: m.someone(),
		MediaType: "text/plain", Encoding: "none", MessageID: m.id(), Salt: "PVeWNQrjJej4AjhqkGlSkw",
		Body: codec.Body{Kind: codec.BodyText, Data: []byte(body)},
	})
	return &m.v.Dialog[len(m.v.Dialog)-1]
}

func (m *maker) event(kind string, party uint32) *codec.Dialog {
	m.now = m.now.Add(time.Second)
	m.v.Dialog = append(m.v.Dialog, codec.Dialog{PartyHistory: []codec.PartyEvent{{
		Party: &party, Originator: new(uint32(1)), Time: m.date(), Event: kind,
	}}})
	return &m.v.Dialog[len(m.v.Dialog)-1]
}

// attach adds an attachment to a message.
func (m *maker) attach(d *codec.Dialog, part int, content []byte) {
	a := codec.Attachment{
		Start: d.Start, Party: d.Originator, MediaType: "image/png", Filename: fmt.Sprintf("picture %d.png", len(m.v.Attachments)),
		DialogObjectRef: fmt.Sprintf("mid:%s:%d@anon.invalid", d.MessageID, part),
		Encoding:        codec.EncodingBase64URL, Body: codec.Body{Kind: codec.BodyBytes, Data: content},
	}
	m.v.Attachments = append(m.v.Attachments, a)
}

// history makes n items of every kind that the rules know.
func (m *maker) history(n int) *codec.VCon {
	var texts []int
	past := func() *codec.Dialog {
		if len(texts) == 0 {
			return nil
		}
		return &m.v.Dialog[texts[m.r.IntN(len(texts))]]
	}
	for len(m.v.Dialog) < n {
		var target codec.Dialog
		if d := past(); d != nil {
			target = *d
		}
		switch k := m.r.IntN(20); {
		case k == 0 && target.MessageID != "":
			d := m.text("")
			d.Replaces, d.Originator = target.MessageID, target.Originator
			d.Body, d.MediaType, d.Encoding = codec.Body{}, "", ""
			if m.r.IntN(6) == 0 {
				d.Originator = m.someone()
			}
		case k <= 2 && target.MessageID != "":
			d := m.text("edited")
			d.Replaces, d.Originator = target.MessageID, target.Originator
			if m.r.IntN(6) == 0 {
				d.Originator = m.someone()
			}
			texts = append(texts, len(m.v.Dialog)-1)
		case k <= 5 && target.MessageID != "":
			d := m.text("+1")
			d.InReplyTo, d.Disposition = target.MessageID, "reaction"
		case k <= 8 && target.MessageID != "":
			m.text("I agree").InReplyTo = target.MessageID
			texts = append(texts, len(m.v.Dialog)-1)
		case k == 9:
			d := m.text("read me soon")
			d.Expires = &codec.Expires{Relative: true, RelativeTime: 60}
			texts = append(texts, len(m.v.Dialog)-1)
		case k == 10:
			d := m.text("until then")
			d.Expires = &codec.Expires{AbsoluteTime: codec.Date(m.now.Add(time.Hour).Format(time.RFC3339))}
			texts = append(texts, len(m.v.Dialog)-1)
		case k == 11:
			m.event([]string{"add", "leave", "self_add", "remove", "ban"}[m.r.IntN(5)], *m.someone())
		case k == 12:
			e := m.event("update", *m.someone())
			e.PartyHistory[0].Name = fmt.Sprintf("Renamed %d", len(m.v.Dialog))
		case k == 13:
			e := m.event("room", 0)
			e.PartyHistory[0].Room = &codec.Room{Subject: fmt.Sprintf("Subject %d", len(m.v.Dialog))}
		case k == 14:
			d := m.text("gone")
			*d = codec.Dialog{Type: "tombstone", Start: d.Start, MessageID: d.MessageID, Status: "retracted"}
			texts = append(texts, len(m.v.Dialog)-1)
		case k == 15:
			d := m.text("look")
			d.ExternalPart = &codec.ExternalPart{URL: "https://example.com/x", Cached: true}
			d.Body, d.MediaType, d.Encoding = codec.Body{}, "", ""
			texts = append(texts, len(m.v.Dialog)-1)
			if len(m.v.Dialog)%4 == 0 {
				m.attach(d, 1, []byte("second part"))
			}
			if len(m.v.Dialog)%4 > 1 && n > 1000 {
				continue // each content is a file, and made durable
			}
			m.attach(d, 0, []byte(fmt.Sprintf("content %d", len(m.v.Dialog))))
		case k == 16:
			m.text("a reply to something lost").InReplyTo = m.id()
		case k == 17:
			m.text("an edit of something lost").Replaces = codec.Binary(base64.RawURLEncoding.EncodeToString([]byte{1, byte(m.r.IntN(4))}))
		default:
			m.text(fmt.Sprintf("message %d", len(m.v.Dialog)))
			texts = append(texts, len(m.v.Dialog)-1)
		}
	}
	return m.v
}
