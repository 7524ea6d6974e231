package segment

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

func lp(s string) string {
	return string(binary.BigEndian.AppendUint32(nil, uint32(len(s)))) + s
}

// The formulas of the specification, written out once more.
func TestKeyFormula(t *testing.T) {
	room, parties := engineering(5)
	one, three := uint32(1), uint32(3)
	d := &codec.Dialog{Type: "text", Start: "2024-02-08T22:13:45Z", Parties: []uint32{3, 0, 3}, Originator: &three,
		PartyHistory: []codec.PartyEvent{{Party: &one}}}
	it := Item{Dialog: d, Parties: parties}
	var k Keyer
	record, err := k.RecordOf(room, it)
	if err != nil {
		t.Fatal(err)
	}
	zero, first, second := uint32(0), uint32(0), uint32(2)
	local := *d
	local.Parties, local.Originator = []uint32{zero, 1, zero}, &first
	local.PartyHistory = []codec.PartyEvent{{Party: &second}}
	b, _ := codec.AppendDialogCBOR([]byte{0x82}, &local)
	b = append(b, 0x83)
	for _, p := range []codec.Party{parties[3], {IMURI: roomURI}, parties[1]} {
		b, _ = codec.AppendPartyCBOR(b, &p)
	}
	if !bytes.Equal(record, b) {
		t.Errorf("record %x, want %x", record, b)
	}
	for _, c := range []struct {
		id    string
		again bool
		tail  string
	}{
		{"", false, "\x02" + lp(string(b))},
		{"AQID", false, "\x01" + lp("AQID")},
		{"AQID", true, ""},
	} {
		it.Again = c.again
		d.MessageID = codec.Binary(c.id)
		if c.tail == "" {
			local.MessageID = d.MessageID
			r, _ := codec.AppendDialogCBOR([]byte{0x82}, &local)
			r = append(r, b[bytes.IndexByte(b, 0x83):]...)
			if rec, _ := k.RecordOf(room, it); !bytes.HasPrefix(rec, r[:20]) {
				t.Fatal("record")
			} else {
				c.tail = "\x03" + lp(c.id) + lp(string(rec))
			}
		}
		want := Key(sha256.Sum256([]byte("vcon-transfer/1 item\x00" + lp(roomURI) + c.tail)))
		got, err := KeyOf(room, it)
		if err != nil || got != want {
			t.Errorf("id %q again %v: %x, %v", c.id, c.again, got, err)
		}
		if h, err := HeadOf(room, it, 7); err != nil || h.Key != want || h.Ref != 7 {
			t.Errorf("id %q again %v: head %+v, %v", c.id, c.again, h, err)
		}
	}
	if KeyOfMessage(roomURI, "AQID") == KeyOfMessage(roomURI+"x", "AQID") {
		t.Error("the room is not part of the key")
	}
}

// The edit and the delete that share an id, as on the seed slide, both survive;
// an edited record keeps the key of its message.
func TestSharedMessageID(t *testing.T) {
	room, parties := engineering(3)
	items := talk(9, 3, parties)
	del := *items[2].Dialog
	del.Body, del.MediaType = codec.Body{}, ""
	items = append(items, Item{Dialog: &del, Parties: parties, Instant: items[2].Instant, Again: true})
	b, _, _ := encode(t, room, items)
	s := decode(t, b)
	hs, before := heads(t, s.Room, s.Items), heads(t, room, items)
	if hs[2].Key == hs[3].Key {
		t.Error("two records, one key")
	}
	if hs[2].Key != before[2].Key || hs[3].Key != before[3].Key || !s.Items[3].Again || s.Items[2].Again {
		t.Error("keys change on the way")
	}
	grave := Item{Dialog: &codec.Dialog{Type: "tombstone", MessageID: items[0].Dialog.MessageID}}
	if k, err := KeyOf(room, grave); err != nil || k != before[0].Key {
		t.Error("a tombstone has another key than its message")
	}
	items[3].Dialog.MessageID = ""
	if _, _, _, err := Encode(room, items, nil); err == nil {
		t.Error("Again without a message id is encoded")
	}
}

func TestInstants(t *testing.T) {
	for _, c := range []struct {
		d  codec.Dialog
		ms int64
		ok bool
	}{
		{codec.Dialog{Type: "text", Start: "1970-01-01T00:00:01.5Z"}, 1500, true},
		{codec.Dialog{Type: "text", Start: "1969-12-31T23:59:59-00:00"}, -1000, true},
		{codec.Dialog{PartyHistory: []codec.PartyEvent{{Time: "1970-01-01T00:00:02Z"}, {Time: "1970-01-01T00:00:09Z"}}}, 2000, true},
		{codec.Dialog{Start: "1970-01-01T00:00:03Z", PartyHistory: []codec.PartyEvent{{}}}, 3000, true},
		{codec.Dialog{}, 0, false},
		{codec.Dialog{Type: "text", Start: "yesterday"}, 0, false},
	} {
		if ms, ok := Instant(&c.d); ms != c.ms || ok != c.ok {
			t.Errorf("%+v: %d %v", c.d, ms, ok)
		}
	}
	for _, c := range []struct {
		in    []int64
		dated []bool
		want  []int64
	}{
		{nil, nil, nil},
		{[]int64{9, 9}, []bool{false, false}, []int64{0, 0}},
		{[]int64{0, 0, 5, 0, 3, 0}, []bool{false, false, true, false, true, false}, []int64{5, 5, 5, 5, 3, 3}},
	} {
		FillInstants(c.in, c.dated)
		for i := range c.want {
			if c.in[i] != c.want[i] {
				t.Errorf("%v: %v, want %v", c.dated, c.in, c.want)
				break
			}
		}
	}
}

// Instants that the records do not tell come back: undated records, also where
// the record that dated them was left out.
func TestUndatedComeBack(t *testing.T) {
	room, parties := engineering(3)
	items := talk(2, 6, parties)
	for _, i := range []int{0, 2, 3, 5} {
		items[i].Dialog.Start = ""
	}
	items[2].Instant = items[1].Instant
	items[3].Instant = items[2].Instant + 5 // of a record that a scope excluded
	items[5].Dialog.Start = "noon"
	b, _, _ := encode(t, room, items)
	s := decode(t, b)
	for i := range items {
		if s.Items[i].Instant != items[i].Instant {
			t.Errorf("item %d: %d became %d", i, items[i].Instant, s.Items[i].Instant)
		}
	}
	if again, _, _ := encode(t, s.Room, s.Items); !bytes.Equal(again, b) {
		t.Error("other bytes when encoded again")
	}
}

func TestCreatedAt(t *testing.T) {
	for date, want := range map[codec.Date]codec.Date{
		"2024-02-08T22:13:45-00:00":     "2024-02-08T22:13:45-00:00",
		"2024-02-08T22:13:45.000Z":      "2024-02-08T22:13:45.000Z",
		"2024-02-08t22:13:45z":          "2024-02-08T22:13:45.000Z",
		"2016-12-31T23:59:60Z":          "2017-01-01T00:00:00.000Z",
		"2024-02-08 22:13:45.123+01:00": "2024-02-08T21:13:45.123Z",
		"":                              "1970-01-01T00:00:00.000Z",
	} {
		d := &codec.Dialog{Type: "text", Start: date}
		ms, _ := Instant(d)
		if got := createdAt([]Item{{Dialog: d, Instant: ms}}); got != want {
			t.Errorf("%q: %q, want %q", date, got, want)
		}
	}
	if got := createdAt([]Item{{Dialog: &codec.Dialog{}, Instant: 1 << 62}}); got != "9999-12-31T23:59:59.999Z" {
		t.Errorf("far future: %q", got)
	}
}

// The uuid is of the content: the same for the same bytes, another for others.
func TestUUID(t *testing.T) {
	room, parties := engineering(3)
	room.Meta.Name = "duuidx$" + noUUID // in the bytes before the uuid
	items := talk(2, 6, parties)
	b, _, _ := encode(t, room, items)
	v, err := codec.DecodeCBOR(b)
	if err != nil {
		t.Fatal(err)
	}
	u, err := hex.DecodeString(v.UUID[0:8] + v.UUID[9:13] + v.UUID[14:18] + v.UUID[19:23] + v.UUID[24:])
	if err != nil || u[6]>>4 != 8 || u[8]>>6 != 2 {
		t.Errorf("uuid %q", v.UUID)
	}
	blank := bytes.Replace(b, []byte(v.UUID), []byte(noUUID), 1)
	sum := sha256.Sum256(append([]byte("vcon-transfer/1 segment uuid\x00"), blank...))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80
	if !bytes.Equal(sum[:16], u) {
		t.Error("uuid is not derived as specified")
	}
	if v.Room.Name != room.Meta.Name {
		t.Error("the name was changed")
	}
}

func TestItemLimits(t *testing.T) {
	room, parties := engineering(3)
	it := talk(1, 1, parties)[0]
	size := func(n int) (Head, error) {
		d := *it.Dialog
		d.Body.Data = bytes.Repeat([]byte("x"), n)
		return HeadOf(room, Item{Dialog: &d, Parties: parties}, 0)
	}
	h, err := size(MaxRecord / 2)
	if err != nil {
		t.Fatal(err)
	}
	room1 := MaxRecord - (int(h.Size) - MaxRecord/2) // no more than fits
	if _, err := size(room1); err != nil {
		t.Errorf("record of MaxRecord: %v", err)
	}
	if _, err := size(room1 + 200); !errors.Is(err, ErrTooLarge) {
		t.Errorf("record beyond MaxRecord: %v", err)
	}
	d := *it.Dialog
	d.Parties = []uint32{4}
	if _, err := HeadOf(room, Item{Dialog: &d, Parties: parties}, 0); !errors.Is(err, ErrNoParty) {
		t.Errorf("index behind the parties: %v", err)
	}
	if _, _, _, err := Encode(room, []Item{{Dialog: &d, Parties: parties}}, nil); !errors.Is(err, ErrNoParty) {
		t.Errorf("encoded: %v", err)
	}
	for n, want := range map[int]error{MaxAttachments: nil, MaxAttachments + 1: ErrTooLarge} {
		it := it
		it.Attachments = make([]codec.Attachment, n)
		if _, err := HeadOf(room, it, 0); err != want {
			t.Errorf("%d attachments: %v", n, err)
		}
		if _, _, _, err := Encode(room, []Item{it}, nil); !errors.Is(err, want) {
			t.Errorf("%d attachments encoded: %v", n, err)
		}
	}
	for n, want := range map[int]error{3: nil, 5: ErrTooLarge} { // a megabyte of metadata each
		it := it
		for range n {
			it.Attachments = append(it.Attachments, codec.Attachment{Filename: string(bytes.Repeat([]byte("f"), 1<<20))})
		}
		if _, err := HeadOf(room, it, 0); err != want {
			t.Errorf("%d large attachments: %v", n, err)
		}
	}
	big := func(n int) []codec.Party {
		return []codec.Party{parties[0], {IMURI: "mimi://example.com/u/big", Name: string(bytes.Repeat([]byte("n"), n))}}
	}
	for n, want := range map[int]error{MaxParty - 100: nil, MaxParty: ErrTooLarge} {
		d := *it.Dialog
		d.Originator = new(uint32(1))
		if _, err := HeadOf(room, Item{Dialog: &d, Parties: big(n)}, 0); err != want {
			t.Errorf("party of %d: %v", n, err)
		}
		if _, err := PlanRoster(room, big(n), nil); err != want {
			t.Errorf("roster with a party of %d: %v", n, err)
		}
	}
	many := make([]codec.Party, 40)
	for i := range many {
		many[i] = codec.Party{IMURI: string(rune('a' + i)), Name: string(bytes.Repeat([]byte("n"), MaxParty-100))}
	}
	for n, want := range map[int]error{31: nil, 33: ErrTooLarge} {
		d := *it.Dialog
		d.Parties, d.Originator = nil, nil
		for i := range n {
			d.Parties = append(d.Parties, uint32(i))
		}
		it := Item{Dialog: &d, Parties: many}
		if _, err := HeadOf(room, it, 0); err != want {
			t.Errorf("%d large parties: %v", n, err)
		}
		if want == nil {
			if b, _, _, err := Encode(room, []Item{it}, nil); err != nil || len(b) > MaxSegmentBytes {
				t.Errorf("%d large parties: %d bytes, %v", n, len(b), err)
			}
		}
	}
	for n, want := range map[int]error{MaxRoom - 100: nil, MaxRoom: ErrTooLarge} {
		r := room
		r.Extra = codec.Fields{"analysis": codec.AppendText(nil, string(bytes.Repeat([]byte("x"), n-len(roomURI))))}
		r.Meta = &codec.Room{ID: roomURI}
		if _, err := PlanRoster(r, nil, nil); err != want {
			t.Errorf("room of %d: %v", n, err)
		}
	}
}
