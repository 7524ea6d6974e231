package segment

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

// rawSegment is a small segment as a vCon, to be spoilt.
func rawSegment(tb testing.TB) *codec.VCon {
	tb.Helper()
	room, parties := engineering(3)
	items := talk(3, 4, parties)
	picture(&items[1], 0, "picture")
	picture(&items[2], 0, "another")
	b, _, _ := encode(tb, room, items)
	v, err := codec.DecodeCBOR(b)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

func own(p parameter) func(*codec.VCon) {
	return func(v *codec.VCon) { v.Extra[Parameter] = p.append(nil) }
}

func ofAttachment(i int, p attachmentParameter) func(*codec.VCon) {
	return func(v *codec.VCon) { v.Attachments[i].Extra[Parameter] = p.append(nil) }
}

func ownRaw(b ...byte) func(*codec.VCon) {
	return func(v *codec.VCon) { v.Extra[Parameter] = b }
}

// Each input is a valid segment with one thing wrong.
func TestDecodeRefuses(t *testing.T) {
	event := codec.Dialog{Start: "2024-01-01T00:00:00Z", PartyHistory: []codec.PartyEvent{{Event: "add"}}}
	for _, c := range []struct {
		name, reason string
		set          func(*codec.VCon)
	}{
		{"valid", "", func(*codec.VCon) {}},
		{"version", "unknown version", func(v *codec.VCon) { v.Version = "0.3.0" }},
		{"critical", "critical extensions", func(v *codec.VCon) { v.Critical = []string{"x"} }},
		{"extensions", "extensions of no segment", func(v *codec.VCon) { v.Extensions = v.Extensions[:1] }},
		{"unknown parameter", "parameters that no segment has", func(v *codec.VCon) { v.Extra["x"] = codec.Raw{0xf6} }},
		{"subject", "parameters that no segment has", func(v *codec.VCon) { v.Subject = "x" }},
		{"updated", "parameters that no segment has", func(v *codec.VCon) { v.UpdatedAt = v.CreatedAt }},
		{"no parameter", "parameters that no segment has", func(v *codec.VCon) { v.Extra = nil }},
		{"another parameter", "truncated", func(v *codec.VCon) { v.Extra = codec.Fields{"x": {0xf6}} }},
		{"parameter of another type", "unexpected type", ownRaw(0xf6)},
		{"no kind", "no kind", ownRaw(0xa0)},
		{"unknown kind", "unknown kind", own(parameter{kind: 9})},
		{"unknown name", "unknown parameter", ownRaw(0xa1, 0x61, 'x', 0)},
		{"whole is false", "not true", ownRaw(0xa1, 0x65, 'w', 'h', 'o', 'l', 'e', 0xf4)},
		{"empty room id", "empty room id", ownRaw(0xa1, 0x64, 'r', 'o', 'o', 'm', 0x60)},
		{"empty roster", "empty roster", ownRaw(0xa1, 0x66, 'r', 'o', 's', 't', 'e', 'r', 0)},
		{"room id too long", "text too long", own(parameter{kind: Messages, room: strings.Repeat("x", MaxRoomID+1)})},
		{"whole messages", "another kind", own(parameter{kind: Messages, whole: true})},
		{"roster among messages", "another kind", own(parameter{kind: Messages, roster: 1})},
		{"extra without whole", "another kind", own(parameter{kind: Messages, extra: codec.Raw{0xa0}})},
		{"no messages", "another kind", func(v *codec.VCon) { v.Dialog, v.Attachments = nil, nil }},
		{"messages as roster", "dialog 0: belongs to another kind", own(parameter{kind: Roster})},
		{"event among messages", "dialog 3: belongs to another kind", func(v *codec.VCon) { v.Dialog[3] = event }},
		{"no room", "no room id", func(v *codec.VCon) { v.Room = nil }},
		{"room without id", "no room id", func(v *codec.VCon) { v.Room.ID = "" }},
		{"room with a long id", "no room id", func(v *codec.VCon) {
			v.Room.ID = strings.Repeat("x", MaxRoomID+1)
			v.Parties[0].IMURI = v.Room.ID
		}},
		{"room id twice", "room id given twice", own(parameter{kind: Messages, room: roomURI})},
		{"party 0", "party 0 is not the room", func(v *codec.VCon) { v.Parties[0].IMURI = "x" }},
		{"no parties", "party 0 is not the room", func(v *codec.VCon) { v.Parties = nil }},
		{"party index", "dialog 2: " + ErrNoParty.Error(), func(v *codec.VCon) { v.Dialog[2].Parties = []uint32{uint32(len(v.Parties))} }},
		{"order", "dialog 3: not in canonical order", func(v *codec.VCon) { v.Dialog[3].Start = "2001-01-01T00:00:00Z" }},
		{"undated", "dialog 0: no instant", func(v *codec.VCon) { v.Dialog[0].Start = "" }},
		{"again without id", "dialog 1: no message id", func(v *codec.VCon) {
			v.Dialog[1].MessageID = ""
			own(parameter{kind: Messages, again: []int{1}})(v)
		}},
		{"again twice", "out of order", own(parameter{kind: Messages, again: []int{1, 1}})},
		{"again out of range", "out of range", own(parameter{kind: Messages, again: []int{4}})},
		{"instant twice", "out of order", own(parameter{kind: Messages, instants: []indexed{{2, 1}, {1, 1}}})},
		{"instants of too many", "more than 4 elements", own(parameter{kind: Messages, again: []int{0, 1, 2, 3, 4}})},
		{"attachment of no dialog", "attachment 0: of no dialog", ofAttachment(0, attachmentParameter{sized: true})},
		{"attachment out of range", "attachment 1: of no dialog", ofAttachment(1, attachmentParameter{bound: true, dialog: 4})},
		{"attachment out of order", "attachment 1: of no dialog", ofAttachment(1, attachmentParameter{bound: true})},
		{"attachment with content", "attachment 0: content", func(v *codec.VCon) {
			v.Attachments[0].Body = codec.Body{Kind: codec.BodyBytes, Data: []byte("x")}
		}},
		{"attachment's party", "attachment 0: " + ErrNoParty.Error(), func(v *codec.VCon) { v.Attachments[0].Party = new(uint32(99)) }},
		{"attachment without parameter", "truncated", func(v *codec.VCon) { v.Attachments[0].Extra = nil }},
		{"attachment's size", "larger than an attachment may be", ofAttachment(0, attachmentParameter{bound: true, dialog: 1, sized: true, size: MaxContent + 1})},
		{"attachment's parameter", "unknown parameter", func(v *codec.VCon) { v.Attachments[0].Extra[Parameter] = codec.Raw{0xa1, 0x61, 'x', 0} }},
		{"attachments too many", "more than 1024 attachments", func(v *codec.VCon) {
			for range MaxAttachments {
				v.Attachments = append(v.Attachments, v.Attachments[1])
			}
		}},
		{"items too many", "more than 4096 items", func(v *codec.VCon) {
			for range MaxItems {
				v.Dialog = append(v.Dialog, codec.Dialog{Type: "text"})
			}
		}},
	} {
		v := rawSegment(t)
		c.set(v)
		b, err := v.AppendCBOR(nil)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		_, err = Decode(b)
		if c.reason == "" {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		_, ours := errors.AsType[*Error](err)
		if !ours || !strings.Contains(err.Error(), c.reason) || !strings.HasPrefix(err.Error(), "decode segment: ") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// Both sides of limits that a valid segment can reach.
func TestDecodeLimits(t *testing.T) {
	v := rawSegment(t)
	for len(v.Dialog) < MaxItems {
		v.Dialog = append(v.Dialog, codec.Dialog{Type: "text"})
	}
	for len(v.Attachments) < MaxAttachments+1 {
		v.Attachments = append(v.Attachments, v.Attachments[1])
	}
	b, err := v.AppendCBOR(nil)
	if err != nil {
		t.Fatal(err)
	}
	s := decode(t, b)
	if len(s.Items) != MaxItems || len(s.Items[2].Attachments) != MaxAttachments {
		t.Errorf("%d items", len(s.Items))
	}
	room, parties := engineering(1)
	for n, ok := range map[int]bool{MaxItems: true, MaxItems + 1: false} {
		items := make([]Item, n)
		for i := range items {
			items[i] = Item{Dialog: &codec.Dialog{Type: "text"}, Parties: parties}
		}
		if _, _, _, err := Encode(room, items, nil); (err == nil) != ok {
			t.Errorf("%d items: %v", n, err)
		}
	}
	for n, ok := range map[int]bool{0: false, 1: true, MaxRoomID: true, MaxRoomID + 1: false} {
		r := Room{ID: strings.Repeat("r", n)}
		b, _, _, err := Encode(r, []Item{{Dialog: &codec.Dialog{Type: "text"}}}, nil)
		if (err == nil) != ok {
			t.Errorf("room id of %d: %v", n, err)
		}
		if ok && decode(t, b).Room.ID != r.ID {
			t.Errorf("room id of %d changed", n)
		}
	}
	var ce *codec.Error
	if _, err := Decode(make([]byte, MaxSegmentBytes+1)); !errors.As(err, &ce) || ce.Reason != "input too long" {
		t.Errorf("too long: %v", err)
	}
	if _, err := Decode(nil); !errors.As(err, &ce) {
		t.Errorf("nothing: %v", err)
	}
}

func TestEncodeRefuses(t *testing.T) {
	room, parties := engineering(2)
	items := talk(1, 3, parties)
	ev := Item{Dialog: &codec.Dialog{PartyHistory: []codec.PartyEvent{{Event: "add"}}}}
	for name, err := range map[string]error{
		"nothing":          second(Encode(room, nil, nil)),
		"wrong order":      second(Encode(room, []Item{items[2], items[0]}, nil)),
		"event as message": second(Encode(room, []Item{ev}, nil)),
		"message as event": second(EncodeRoster(room, RosterSpan{}, items, nil)),
		"party twice":      second(EncodeRoster(room, RosterSpan{Parties: []codec.Party{parties[1], parties[1]}}, nil, nil)),
		"text not UTF-8":   second(Encode(room, []Item{{Dialog: &codec.Dialog{Type: "\xff"}}}, nil)),
		"extra not CBOR":   second(EncodeRoster(Room{ID: "x", Extra: codec.Fields{"x": {0xff}}}, RosterSpan{Whole: true}, nil, nil)),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), "encode segment: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	buf := []byte("kept")
	if b, _, _, err := Encode(room, []Item{ev}, buf); err == nil || !bytes.Equal(b, buf) {
		t.Errorf("%q after an error", b)
	}
	if b, _, _, err := Encode(room, items, buf); err != nil || !bytes.HasPrefix(b, buf) {
		t.Errorf("not appended: %v", err)
	} else {
		decode(t, b[len(buf):])
	}
}

func second(_ []byte, _ SegmentEntry, _ []AttachmentEntry, err error) error { return err }

func TestAttachmentForms(t *testing.T) {
	room, parties := engineering(2)
	base := talk(1, 1, parties)[0]
	text := func(encoding, body string) codec.Attachment {
		return codec.Attachment{Encoding: encoding, Body: codec.Body{Kind: codec.BodyText, Data: []byte(body)}}
	}
	sized := codec.Attachment{Extra: codec.Fields{"x": {1}}}
	shared := sized.Extra
	SetSize(&sized, 5_000_000_000)
	if len(shared) != 1 {
		t.Error("SetSize changed a shared map")
	}
	for _, c := range []struct {
		name string
		a    codec.Attachment
		size uint64
		ok   bool
	}{
		{"text", text("none", "hello"), 5, true},
		{"empty text", text("none", ""), 0, true},
		{"base64url with line breaks", text("base64url", "aGVs\r\nbG8="), 5, true},
		{"not base64url", text("base64url", "#"), 0, false},
		{"reference", codec.Attachment{URL: "https://example.com/x"}, 0, false},
		{"object as body", codec.Attachment{Encoding: "json", Extra: codec.Fields{"body": {0xa0}}}, 0, false},
		{"streamed", sized, 5_000_000_000, true},
		{"core's dialog index", codec.Attachment{Extra: codec.Fields{"dialog": {0x18, 77}}}, 0, false},
	} {
		it := base
		it.Attachments = []codec.Attachment{c.a}
		if n, ok := SizeOf(&c.a); n != c.size || ok != c.ok {
			t.Errorf("%s: %d %v", c.name, n, ok)
		}
		b, e, as := encode(t, room, []Item{it})
		if (len(as) == 1) != c.ok || c.ok && (as[0].Size != c.size || as[0].MessageID != string(it.Dialog.MessageID)) {
			t.Errorf("%s: %+v", c.name, as)
		}
		s := decode(t, b)
		a := s.Items[0].Attachments[0]
		if n, ok := SizeOf(&a); n != c.size || ok != c.ok {
			t.Errorf("%s: decoded: %d %v", c.name, n, ok)
		}
		if a.Encoding != c.a.Encoding || a.URL != c.a.URL || !c.ok && a.Body.Kind != c.a.Body.Kind {
			t.Errorf("%s: %+v", c.name, a)
		}
		if c.a.Extra["dialog"] != nil && !bytes.Equal(a.Extra["dialog"], []byte{0}) {
			t.Errorf("%s: the index was not renumbered", c.name)
		}
		if again, e2, _ := encode(t, s.Room, s.Items); e2 != e || !bytes.Equal(again, b) {
			t.Errorf("%s: other bytes when encoded again", c.name)
		}
		if h, h2 := heads(t, room, []Item{it}), heads(t, s.Room, s.Items); h[0] != h2[0] {
			t.Errorf("%s: %+v became %+v", c.name, h, h2)
		}
	}
	it := base
	SetSize(&sized, MaxContent+1)
	it.Attachments = []codec.Attachment{sized}
	if _, _, _, err := Encode(room, []Item{it}, nil); err == nil {
		t.Error("encoded content beyond MaxContent")
	}
	if _, err := HeadOf(room, it, 0); err == nil {
		t.Error("head of content beyond MaxContent")
	}
}

func TestParseRef(t *testing.T) {
	for ref, want := range map[string]struct {
		id   string
		part uint64
		ok   bool
	}{
		"mid:AQID:0@anon.invalid":          {"AQID", 0, true},
		"mid:a@b.example:12@anon.invalid":  {"a@b.example", 12, true},
		"mid:a:b:4294967295@anon.invalid":  {"a:b", 1<<32 - 1, true},
		"mid:AQID:4294967296@anon.invalid": {},
		"mid:AQID:-1@anon.invalid":         {},
		"mid:AQID@anon.invalid":            {},
		"mid::0@anon.invalid":              {},
		"AQID:0@anon.invalid":              {},
		"mid:AQID:0":                       {},
		"":                                 {},
	} {
		if id, part, ok := ParseRef(ref); id != want.id || part != want.part || ok != want.ok {
			t.Errorf("%q: %q %d %v", ref, id, part, ok)
		}
	}
}
