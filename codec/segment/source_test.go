package segment

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

// itemsOf is a minimal source: the room and the items of one vCon.
func itemsOf(v *codec.VCon) (Room, []Item) {
	room := Room{ID: RoomOfUUID(v.UUID), Meta: v.Room, Extra: v.Extra}
	if v.Room != nil && v.Room.ID != "" {
		room.ID = v.Room.ID
	}
	items := make([]Item, len(v.Dialog))
	instants, dated := make([]int64, len(items)), make([]bool, len(items))
	for i := range items {
		instants[i], dated[i] = Instant(&v.Dialog[i])
	}
	FillInstants(instants, dated)
	seen := make(map[codec.Binary]bool)
	for i := range items {
		id := v.Dialog[i].MessageID
		again := id != "" && seen[id]
		seen[id] = true
		items[i] = Item{Again: again, Dialog: &v.Dialog[i], Parties: v.Parties, Instant: instants[i]}
		for _, a := range v.Attachments {
			if id, _, ok := ParseRef(a.DialogObjectRef); ok && id == string(v.Dialog[i].MessageID) {
				items[i].Attachments = append(items[i].Attachments, a)
			}
		}
	}
	return room, items
}

// vconOf is a vCon of items with one parties array.
func vconOf(room Room, items []Item) *codec.VCon {
	v := &codec.VCon{Version: "0.4.0", UUID: "0195544a-b9b1-8ee4-b9a2-279e0d16bc46", Room: room.Meta, Parties: items[0].Parties}
	for _, it := range items {
		v.Dialog = append(v.Dialog, *it.Dialog)
		v.Attachments = append(v.Attachments, it.Attachments...)
	}
	return v
}

// The same history gives the same segments from JSON and from CBOR.
func TestSameFromJSONAndCBOR(t *testing.T) {
	room, parties := engineering(30)
	items := talk(3, 2000, parties)
	for i := 0; i < len(items); i += 97 {
		items[i].Dialog.Extra = codec.Fields{"mood": codec.AppendText(nil, "good"), "level": codec.AppendUint(nil, uint64(i))}
		items[i].Dialog.Start = items[i].Dialog.Start[:19] + "-00:00"
		if i%2 == 0 {
			items[i].Dialog.MessageID = ""
		} else {
			picture(&items[i], 0, "picture")
		}
	}
	v := vconOf(room, items)
	asJSON, err := v.AppendJSON(nil)
	if err != nil {
		t.Fatal(err)
	}
	asCBOR, err := v.AppendCBOR(nil)
	if err != nil {
		t.Fatal(err)
	}
	fromJSON, err := codec.DecodeJSON(asJSON)
	if err != nil {
		t.Fatal(err)
	}
	fromCBOR, err := codec.DecodeCBOR(asCBOR)
	if err != nil {
		t.Fatal(err)
	}
	want := allSegments(t, room, items)
	for name, v := range map[string]*codec.VCon{"JSON": fromJSON, "CBOR": fromCBOR} {
		room, items := itemsOf(v)
		if got := allSegments(t, room, items); !bytes.Equal(got, want) {
			t.Errorf("other segments from %s", name)
		}
	}
}

// allSegments is all segments of items, one after the other, newest first.
func allSegments(t *testing.T, room Room, items []Item) (b []byte) {
	t.Helper()
	for span := range CutNewestFirst(heads(t, room, items)) {
		first := span[0].Ref
		var err error
		if b, _, _, err = Encode(room, items[first:first+uint64(len(span))], b); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// Numbering, duplicates and unused parties of a source leave no trace.
func TestNumberingLeavesNoTrace(t *testing.T) {
	room, parties := engineering(20)
	items := talk(4, 500, parties)
	for i := range items {
		if i%3 == 0 {
			items[i].Dialog.MessageID = ""
		}
		if i%5 == 0 {
			items[i].Dialog.Parties = []uint32{0, *items[i].Dialog.Originator, 7}
		}
	}
	picture(&items[5], 0, "picture")
	want := allSegments(t, room, items)
	wantHeads := heads(t, room, items)

	r := rand.New(rand.NewPCG(1, 2))
	perm := r.Perm(len(parties) - 1)
	other := []codec.Party{{IMURI: roomURI}} // says less of the room
	at := make([]uint32, len(parties))
	for i, p := range perm {
		other = append(other, codec.Party{IMURI: "unused"}, parties[1+p])
		at[1+p] = uint32(2 + 2*i)
	}
	for i := range items {
		d := *items[i].Dialog
		if err := d.MapParties(func(n uint32) (uint32, error) { return at[n], nil }); err != nil {
			t.Fatal(err)
		}
		items[i].Dialog, items[i].Parties = &d, other
		if i%2 == 0 { // as from another vCon
			items[i].Parties = append(other[:len(other):len(other)], other...)
			d.Originator = new(*d.Originator + uint32(len(other)))
		}
		for j := range items[i].Attachments {
			items[i].Attachments[j].Party = d.Originator
		}
	}
	if !bytes.Equal(allSegments(t, room, items), want) {
		t.Error("other segments when parties are numbered otherwise")
	}
	for i, h := range heads(t, room, items) {
		if h != wantHeads[i] {
			t.Fatalf("item %d: head %+v became %+v", i, wantHeads[i], h)
		}
	}
}

func TestConversationWithoutRoom(t *testing.T) {
	_, parties := engineering(3)
	items := talk(4, 20, parties[1:])
	items[4].Dialog.Parties = []uint32{0, 1, 2} // here 0 is a person
	v := vconOf(Room{}, items)
	room, items := itemsOf(v)
	b, _, _ := encode(t, room, items)
	s := decode(t, b)
	if s.Room.ID != "vcon:0195544a-b9b1-8ee4-b9a2-279e0d16bc46" || s.Room.Meta != nil {
		t.Errorf("room %q", s.Room.ID)
	}
	if s.Parties[*s.Items[0].Dialog.Originator].IMURI != items[0].Parties[*items[0].Dialog.Originator].IMURI {
		t.Error("another originator")
	}
	if len(s.Parties) != 3 {
		t.Errorf("%d parties", len(s.Parties))
	}
	again, _, _ := encode(t, s.Room, s.Items)
	if !bytes.Equal(again, b) {
		t.Error("other bytes when encoded again")
	}
	// A room object without an id is kept, and its party 0 may be anybody.
	room.Meta = &codec.Room{Name: "nameless"}
	b, _, _ = encode(t, room, items)
	if s = decode(t, b); s.Room.ID != room.ID || s.Room.Meta.Name != "nameless" || len(s.Parties) != 3 {
		t.Errorf("%+v", s.Room)
	}
}
