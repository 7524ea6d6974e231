package sqlite

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/testdata/sample"
)

func decodeSample(t testing.TB) *codec.VCon {
	t.Helper()
	v, err := codec.DecodeCBOR(sample.CBOR)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// brief is a message in one line: who, what, and what became of it.
func brief(m Message) string {
	var b strings.Builder
	if m.Event != "" {
		return "* " + strings.ReplaceAll(m.Event, "\n", "; ")
	}
	b.WriteString(m.Sender.Name + ": " + m.Text)
	for _, mark := range []struct {
		on   bool
		text string
	}{
		{m.Edited, "edited"}, {m.Deleted, "deleted"}, {m.Expired, "expired"}, {m.NotApplied != "", "not applied " + m.NotApplied},
	} {
		if mark.on {
			b.WriteString(" [" + mark.text + "]")
		}
	}
	for _, r := range m.Reactions {
		var who []string
		for _, p := range r.Senders {
			who = append(who, p.Name)
		}
		b.WriteString(" {" + r.Text + " " + strings.Join(who, ",") + "}")
	}
	if r := m.ReplyTo; r != nil {
		switch {
		case r.Missing:
			b.WriteString(" <- missing")
		case r.Deleted:
			b.WriteString(" <- deleted of " + r.Sender.Name)
		default:
			b.WriteString(" <- " + r.Sender.Name + ": " + r.Text)
		}
	}
	return b.String()
}

func briefs(ms []Message) []string {
	var out []string
	for _, m := range ms {
		out = append(out, brief(m))
	}
	return out
}

func wantBriefs(t testing.TB, got []Message, want ...string) {
	t.Helper()
	if b := briefs(got); !slices.Equal(b, want) {
		t.Errorf("shown:\n%s\nwant:\n%s", strings.Join(b, "\n"), strings.Join(want, "\n"))
	}
}

func TestSampleConversation(t *testing.T) {
	v, s := decodeSample(t), newStore(t)
	ledger := transferTo(t, s, info(1, ""), sourceOf(v))
	if ledger.Source != 15 || ledger.Imported != 14 || ledger.Tombstones != 1 {
		t.Errorf("ledger %+v", ledger)
	}
	ms := conversation(t, s, v.Room.ID)
	wantBriefs(t, ms,
		"Alice Smith: Hi everyone, we just shipped release 2.0. __Good  work__!",
		"Bob Jones:  [edited] [deleted] <- Alice Smith: Hi everyone, we just shipped release 2.0. __Good work__!",
		"Cathy Washington: Kudos to @Alice Smith for making the release happen! <- Alice Smith: Hi everyone, we just shipped release 2.0. __Good work__!",
		"* Alice Smith added Doug King; Alice Smith added Elizabeth Roberts",
		":  [expired]",
		"Bob Jones: [video/mp4 bigfile.mp4] 2 hours of key signing video",
		"Alice Smith: Join the Foo 118 conference https://example.com/join/12345",
		"Alice Smith: # Welcome!",
		"Cathy Washington: [image/png harbour.png] It has shipped: the harbour this evening {⛵ Elizabeth Roberts}",
		"Doug King: Thank you for adding us, @Alice Smith! Merci, спасибо, ありがとう, شكرا 🎉 <- Cathy Washington: [image/png harbour.png] It has shipped: the harbour this evening",
	)
	for i, m := range ms {
		if m.Kind == Text && (m.Level != "verified" || m.Provenance != "transferred") {
			t.Errorf("message %d: level %q, %q", i, m.Level, m.Provenance)
		}
	}
	picture := ms[8].Attachments
	if len(picture) != 1 || !picture[0].Have || picture[0].Name != "harbour.png" || picture[0].Size != 29428 || picture[0].Hash != HashMatches {
		t.Fatalf("attachments %+v", picture)
	}
	file, err := os.ReadFile(picture[0].Path)
	if err != nil || !bytes.Equal(file, v.Attachments[0].Body.Data) {
		t.Errorf("content differs: %v", err)
	}
	video := ms[5].Attachments
	if len(video) != 1 || video[0].Have || video[0].Size != 708234961 || video[0].Hash != HashUnchecked {
		t.Errorf("attachments %+v", video)
	}
	// The views say the same to whoever reads the database.
	var viewed, reactions int
	if err := s.read.QueryRow("SELECT (SELECT count(*) FROM messages), (SELECT count(*) FROM reactions)").Scan(&viewed, &reactions); err != nil ||
		viewed != len(ms) || reactions != 1 {
		t.Errorf("%d messages, %d reactions in the views, %v", viewed, reactions, err)
	}
	rooms, err := s.ListRooms(t.Context())
	if err != nil || len(rooms) != 1 {
		t.Fatal(rooms, err)
	}
	want := RoomSummary{
		ID: v.Room.ID, Name: "Engineering Team", Messages: 9, Events: 1, Participants: 5,
		First: time.Date(2022, 2, 9, 6, 13, 45, 19e6, time.UTC), Last: time.Date(2022, 2, 9, 7, 2, 51, 316e6, time.UTC),
	}
	if rooms[0] != want {
		t.Errorf("%+v", rooms[0])
	}
	checked(t, s)
}

// The slide of IETF 118: old names, one id for an edit and its delete, an empty
// object, no room. As it is and upgraded, the same is shown.
func TestSlide(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "testdata", "vcon", "ietf118-slide.json"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := codec.DecodeJSON(raw)
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]*codec.VCon{"as it is": v, "upgraded": v.Upgraded()} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			if ledger := transferTo(t, s, info(1, ""), sourceOf(v)); ledger.Imported != 7 || ledger.Source != 7 {
				t.Errorf("ledger %+v", ledger)
			}
			rooms, err := s.Rooms(t.Context())
			if err != nil || len(rooms) != 1 || rooms[0].Room.Meta != nil || rooms[0].Items != 7 {
				t.Fatal(rooms, err)
			}
			ms := conversation(t, s, rooms[0].Room.ID)
			wantBriefs(t, ms,
				"Carol: Hi everyone, we just shipped release 2.0. __Good work__! {♥ Frank}",
				"Erin:  [edited] [deleted] <- Carol: Hi everyone, we just shipped release 2.0. __Good work__!",
				"Frank: Kudos to @Alice Smith for\nmaking the release happen!",
			)
			if ms[0].Sender.URI != "im:@carol@example.com" {
				t.Errorf("sender %+v", ms[0].Sender)
			}
			versions, err := s.Versions(t.Context(), ms[1].Key)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, v := range versions {
				got = append(got, v.Text)
			}
			want := []string{"Right on! _Congratulations_ 'all!", "Right on! _Congratulations_ y'all!", ""}
			if !slices.Equal(got, want) || !versions[2].Delete || ms[1].Versions != 2 {
				t.Errorf("%d versions: %q", ms[1].Versions, got)
			}
			if a, b := names(t, sourceOf(v)), names(t, sourceOfStore(s)); !slices.Equal(a, b) {
				t.Errorf("segments differ:\n%v\n%v", a, b)
			}
			checked(t, s)
		})
	}
}

// A store is a source of the very segments that it was given.
func TestSameSegments(t *testing.T) {
	for name, vs := range map[string][]*codec.VCon{
		"sample":       {decodeSample(t)},
		"two rooms":    {decodeSample(t), manyMessages(t, 50).v},
		"many":         {manyMessages(t, 1800).v},
		"one instant":  {oneInstant(t, 4200).v},
		"vcon samples": vconSamples(t),
	} {
		t.Run(name, func(t *testing.T) {
			a, b := newStore(t), newStore(t)
			transferTo(t, a, info(1, ""), sourceOf(vs...))
			want := names(t, sourceOf(vs...))
			if got := names(t, sourceOfStore(a)); !slices.Equal(got, want) {
				t.Fatalf("%d segments, want %d:\n%v\n%v", len(got), len(want), got, want)
			}
			// And again, from store to store; the long one has been seen enough.
			if name == "one instant" {
				return
			}
			transferTo(t, b, info(2, ""), sourceOfStore(a))
			if got := names(t, sourceOfStore(b)); !slices.Equal(got, want) {
				t.Errorf("second store: %d segments, want %d", len(got), len(want))
			}
			// A second run moves nothing.
			for _, w := range begin(t, a, info(3, ""), leaves(t, sourceOf(vs...))) {
				if w.Need {
					t.Error("something is asked for again")
				}
			}
			checked(t, a)
		})
	}
}

func manyMessages(t testing.TB, n int) *chat {
	c := newChat(t, "Ann", "Ben", "Cai")
	var last *codec.Dialog
	for i := range n {
		m := said{by: []string{"Ann", "Ben", "Cai"}[i%3], text: "message about boats and the weather", at: time.Duration(i) * time.Second}
		if last != nil && i%5 == 0 {
			m.reply = last.MessageID
		}
		last = c.say(m)
	}
	return c
}

// oneInstant is a room whose messages have one time and weigh more than a segment,
// so that segments share an instant.
func oneInstant(t testing.TB, n int) *chat {
	c := newChat(t, "Ann", "Ben")
	for i := range n {
		c.say(said{by: []string{"Ann", "Ben"}[i%2], text: "all at once"})
	}
	return c
}

// vconSamples are the vCons of other projects that can be read.
func vconSamples(t testing.TB) []*codec.VCon {
	t.Helper()
	var out []*codec.VCon
	dirs, err := filepath.Glob(filepath.Join("..", "..", "..", "testdata", "vcon", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range dirs {
		raw, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		if v, err := codec.DecodeJSON(raw); err == nil && len(v.Dialog) > 0 {
			out = append(out, v)
		}
	}
	if len(out) < 5 {
		t.Fatalf("only %d samples", len(out))
	}
	return out
}

// The roster events and metadata of a room come back, and what a vCon says
// besides.
func TestRoomsOfReader(t *testing.T) {
	s := newStore(t)
	c := newChat(t, "Ann", "Ben")
	c.say(said{by: "Ann", text: "hi"})
	c.v.Subject = "trip"
	c.v.Extra = codec.Fields{"x_color": codec.AppendText(nil, "blue")}
	transferTo(t, s, info(1, ""), sourceOf(decodeSample(t), c.v))
	rooms, err := s.Rooms(t.Context())
	if err != nil || len(rooms) != 2 {
		t.Fatal(rooms, err)
	}
	got := rooms[0] // newer
	if got.Room.ID != roomURI || got.Room.Meta.Subject != "boats" || got.Items != 1 || got.First != base.UnixMilli() || got.Last != got.First {
		t.Errorf("%+v", got)
	}
	if string(got.Room.Extra["x_color"]) != "\x64blue" || got.Room.Extra["subject"] == nil {
		t.Errorf("extra %v", got.Room.Extra)
	}
	if len(got.Roster) != 3 || rooms[1].Room.Meta.Avatar == "" {
		t.Errorf("roster %+v", got.Roster)
	}
}

func TestOpenAttachmentFromOffset(t *testing.T) {
	s, v := newStore(t), decodeSample(t)
	transferTo(t, s, info(1, ""), sourceOf(v))
	for _, l := range leaves(t, sourceOfStore(s)) {
		if l.e.Type != segment.AttachmentType {
			continue
		}
		for _, offset := range []uint64{0, 1, l.e.Attachment.Size - 1, l.e.Attachment.Size} {
			r, err := s.OpenAttachment(t.Context(), v.Room.ID, l.e.Attachment, offset)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r)
			r.Close()
			if err != nil || !bytes.Equal(got, v.Attachments[0].Body.Data[offset:]) {
				t.Errorf("from %d: %d bytes, %v", offset, len(got), err)
			}
		}
		return
	}
	t.Fatal("no attachment")
}
