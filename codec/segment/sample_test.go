package segment

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

const roomURI = "mimi://example.com/r/engineering"

// engineering is a room with n people and a vCon's parties of it.
func engineering(people int) (Room, []codec.Party) {
	room := Room{ID: roomURI, Meta: &codec.Room{ID: roomURI, Name: "Engineering Team", Subject: "everything"}}
	parties := []codec.Party{{IMURI: roomURI, Name: "Engineering Team"}}
	for i := range people {
		parties = append(parties, codec.Party{
			IMURI: fmt.Sprintf("mimi://example.com/u/user-%05d", i), Name: fmt.Sprintf("User %d", i), Role: "member",
		})
	}
	return room, parties
}

// talk makes n messages of a room, in canonical order.
func talk(seed uint64, n int, parties []codec.Party) []Item {
	r := rand.New(rand.NewPCG(seed, 2))
	items := make([]Item, n)
	at := time.Date(2024, 2, 8, 22, 13, 45, 0, time.UTC)
	duration := uint64(0)
	for i := range items {
		at = at.Add(time.Duration(r.IntN(60)) * time.Second)
		id := make([]byte, 32)
		binary.BigEndian.PutUint64(id, r.Uint64())
		binary.BigEndian.PutUint64(id[8:], uint64(i))
		who := uint32(1 + r.IntN(len(parties)-1))
		d := &codec.Dialog{
			Type: "text", Start: codec.Date(at.Format("2006-01-02T15:04:05Z")), Duration: &duration,
			Parties: []uint32{0}, Originator: &who, MediaType: "text/markdown;charset=utf-8",
			Body:      codec.Body{Kind: codec.BodyText, Data: fmt.Appendf(nil, "message %d of %x", i, r.Uint64())},
			Encoding:  "none",
			MessageID: codec.BinaryOf(id), Salt: codec.BinaryOf(id[:16]),
		}
		if i > 0 && r.IntN(5) == 0 {
			d.InReplyTo = items[r.IntN(i)].Dialog.MessageID
		}
		items[i] = Item{Dialog: d, Parties: parties, Instant: at.UnixMilli()}
	}
	return items
}

func heads(tb testing.TB, room Room, items []Item) []Head {
	tb.Helper()
	var k Keyer
	hs := make([]Head, len(items))
	for i := range items {
		h, err := k.Head(room, items[i], uint64(i))
		if err != nil {
			tb.Fatal(err)
		}
		hs[i] = h
	}
	return hs
}

// picture attaches an image to an item.
func picture(it *Item, part int, content string) {
	party := *it.Dialog.Originator
	it.Attachments = append(it.Attachments, codec.Attachment{
		Start: it.Dialog.Start, Party: &party, MediaType: "image/png", Filename: "picture.png",
		ContentHash:     "sha256:" + base64.RawURLEncoding.EncodeToString([]byte(content)[:4]),
		DialogObjectRef: fmt.Sprintf("mid:%s:%d@anon.invalid", it.Dialog.MessageID, part),
		Encoding:        "base64url", Body: codec.Body{Kind: codec.BodyBytes, Data: []byte(content)},
	})
}

func encode(tb testing.TB, room Room, items []Item) ([]byte, SegmentEntry, []AttachmentEntry) {
	tb.Helper()
	b, e, as, err := Encode(room, items, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return b, e, as
}

func decode(tb testing.TB, b []byte) *Segment {
	tb.Helper()
	s, err := Decode(b)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}
