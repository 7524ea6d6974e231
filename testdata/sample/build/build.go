// Package build makes the files of package sample from the messages of the MIMI
// content draft. Only a test imports it.
package build

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
	"github.com/vcon-transfer/vcon-transfer/testdata"
)

// Indexes in parties.
const (
	roomParty = iota
	alice
	bob
	cathy
	doug
	liz
)

const roomURI = "mimi://example.com/r/engineering_team"

var everybody = []codec.Party{
	roomParty: {IMURI: roomURI, Name: "Engineering Team"},
	alice:     {IMURI: "mimi://example.com/u/alice-smith", Name: "Alice Smith", Role: "moderator"},
	bob:       {IMURI: "mimi://example.com/u/bob-jones", Name: "Bob Jones", Role: "member"},
	cathy:     {IMURI: "mimi://example.com/u/cathy-washington", Name: "Cathy Washington", Role: "member"},
	doug:      {IMURI: "mimi://example.com/u/doug-king", Name: "Doug King", Role: "member"},
	liz:       {IMURI: "mimi://example.com/u/liz-roberts", Name: "Elizabeth Roberts", Role: "member"},
}

// The draft's messages with the hub's timestamps. Where the draft gives none,
// the time is that of the vCon-for-MIMI draft's example, whose clock is eight
// hours slow against the draft's milliseconds.
var draft = []struct {
	name   string
	sender uint32
	millis int64
}{
	{"original", alice, 1644387225019},
	{"reply", bob, 1644387237492},
	{"reaction", cathy, 1644387237728},
	{"mention", cathy, 1644387243008},
	{"edit", bob, 1644387248621}, // the draft deletes at the same moment:
	{"delete", bob, 1644387248621},
	{"", 0, addedAt},
	{"unlike", cathy, 1644387250389},
	{"expiring", alice, 1644389403227},
	{"attachment", bob, 1644389621134},
	{"conferencing", alice, 1644389649972},
	{"multipart-1", alice, 1644389834084},
}

const (
	addedAt   = 1644387249277 // Doug King and Elizabeth Roberts join
	pictureAt = 1644390120450
	likedAt   = 1644390133907
	thanksAt  = 1644390171316
)

// VCon makes the sample with a picture, a PNG.
func VCon(picture []byte) (*codec.VCon, error) {
	v := &codec.VCon{
		Version:    "0.4.0",
		Extensions: []string{codec.ExtensionMIMI},
		CreatedAt:  mimi.DateOf(thanksAt),
		Room: &codec.Room{
			ID:     roomURI,
			Name:   "Engineering Team",
			Avatar: "https://example.com/images/tHMqLMAkmCzNmweL",
			Description: []codec.RoomDescription{
				{Lang: "en", Content: "Engineering Team Internal Chat"},
				{Lang: "fr", Content: "Chat de l'équipe interne des ingénieurs"},
			},
		},
		Parties: everybody,
	}
	for i, m := range draft {
		if m.name == "" {
			v.Dialog = append(v.Dialog, added())
			continue
		}
		c, err := mimi.ParseContent(testdata.Read("mimi/content-draft-08/" + m.name + ".cbor"))
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", m.name, err)
		}
		if _, err := add(v, c, m.sender, m.millis, i == 0); err != nil {
			return nil, fmt.Errorf("add %s: %w", m.name, err)
		}
	}
	if err := addPicture(v, picture); err != nil {
		return nil, err
	}
	id, err := v.AppendCBOR(nil)
	if err != nil {
		return nil, fmt.Errorf("name the sample: %w", err)
	}
	v.UUID = uuid(sha256.Sum256(id))
	return v, nil
}

// add appends the dialog of a message. The first one lists who was there.
func add(v *codec.VCon, c *mimi.Content, sender uint32, millis int64, first bool) (mimi.MessageID, error) {
	env := mimi.Envelope{
		SenderURI:  everybody[sender].IMURI,
		RoomURI:    roomURI,
		Originator: sender,
		Start:      mimi.DateOf(millis),
	}
	if first {
		env.Parties = []uint32{alice, bob, cathy}
	}
	d, err := c.Dialog(env)
	if err != nil {
		return mimi.MessageID{}, err
	}
	v.Dialog = append(v.Dialog, *d)
	return mimi.MessageIDv8(env.SenderURI, roomURI, c.Bytes(), c.Salt), nil
}

// added is the roster event of the vCon-for-MIMI draft's example.
func added() codec.Dialog {
	by := uint32(alice)
	d := codec.Dialog{}
	for _, p := range []uint32{doug, liz} {
		d.PartyHistory = append(d.PartyHistory, codec.PartyEvent{
			Party: &p, Originator: &by, Time: mimi.DateOf(addedAt), Event: "add",
		})
	}
	return d
}

// addPicture appends a message with the picture, a reaction and a reply to it,
// and the picture itself as an attachment.
func addPicture(v *codec.VCon, picture []byte) error {
	sum := sha256.Sum256(picture)
	shown := &mimi.Content{
		Salt: salt("picture"), Extensions: mimi.URIs(everybody[cathy].IMURI, roomURI),
		Body: mimi.NestedPart{
			Disposition: mimi.Inline, Language: "en", Cardinality: mimi.External, ContentType: "image/png",
			External: &mimi.ExternalPart{
				URL: "https://example.com/storage/p2nVwD7sQzA.png", Size: uint64(len(picture)),
				HashAlg: 1, ContentHash: sum[:],
				Description: "It has shipped: the harbour this evening", Filename: "harbour.png",
			},
		},
	}
	id, err := add(v, shown, cathy, pictureAt, false)
	if err != nil {
		return err
	}
	external := v.Dialog[len(v.Dialog)-1].ExternalPart
	external.Cached = true
	text := func(label string, sender uint32, millis int64, how mimi.Disposition, kind, body string) error {
		_, err := add(v, &mimi.Content{
			Salt: salt(label), InReplyTo: &id, Extensions: mimi.URIs(everybody[sender].IMURI, roomURI),
			Body: mimi.NestedPart{
				Disposition: how, Cardinality: mimi.Single, ContentType: kind, Content: []byte(body),
			},
		}, sender, millis, false)
		return err
	}
	if err := text("liked", liz, likedAt, mimi.Reaction, "text/plain;charset=utf-8", "⛵"); err != nil {
		return err
	}
	if err := text("thanks", doug, thanksAt, mimi.Render, "text/markdown;variant=GFM-MIMI",
		"Thank you for adding us, [@Alice Smith](mimi://example.com/u/alice-smith)! Merci, спасибо, ありがとう, شكرا 🎉"); err != nil {
		return err
	}
	party := uint32(alice)
	v.Attachments = []codec.Attachment{{
		Start:           mimi.DateOf(pictureAt + 3120),
		Party:           &party,
		MediaType:       "image/png",
		Filename:        "harbour.png",
		ContentHash:     external.ContentHash,
		DialogObjectRef: "mid:" + string(codec.BinaryOf(id[:])) + ":0@anon.invalid",
		Encoding:        codec.EncodingBase64URL,
		Body:            codec.Body{Kind: codec.BodyBytes, Data: picture},
	}}
	return nil
}

// salt derives a salt from a label: the sample is the same each time.
func salt(label string) [mimi.SaltSize]byte {
	sum := sha256.Sum256([]byte("vcon-transfer sample " + label))
	return [mimi.SaltSize]byte(sum[:mimi.SaltSize])
}

// uuid is version 8 (RFC 9562, section 5.8) of a hash.
func uuid(sum [sha256.Size]byte) string {
	b := sum[:16]
	b[6] = b[6]&0x0f | 0x80
	b[8] = b[8]&0x3f | 0x80
	s := fmt.Sprintf("%x", b)
	return strings.Join([]string{s[:8], s[8:12], s[12:16], s[16:20], s[20:]}, "-")
}
