package segment

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

func TestRoundTrip(t *testing.T) {
	room, parties := engineering(12)
	items := talk(1, 300, parties)
	picture(&items[7], 1, "the second picture")
	picture(&items[7], 0, "the first")
	picture(&items[9], 0, "another")
	b, e, as := encode(t, room, items)
	if e.ID != sha256.Sum256(b) || e.Bytes != uint64(len(b)) || e.Items != 300 || e.Kind != Messages ||
		e.First != items[0].Instant || e.Last != items[299].Instant {
		t.Errorf("entry: %+v", e)
	}
	if len(as) != 3 || as[0].Part != 0 || as[0].Size != 9 || as[1].Part != 1 ||
		as[0].MessageID != string(items[7].Dialog.MessageID) || as[0].MediaType != "image/png" {
		t.Errorf("attachments: %+v", as)
	}
	if bytes.Contains(b, []byte("the second picture")) {
		t.Error("content of an attachment in the segment")
	}
	if !codec.IsCanonical(b) {
		t.Error("not deterministic CBOR")
	}
	s := decode(t, b)
	if !s.Matches(e) {
		t.Errorf("does not match %+v", e)
	}
	again, e2, as2 := encode(t, s.Room, s.Items)
	if !bytes.Equal(again, b) || e2 != e || !slices.Equal(as, as2) {
		t.Error("encoding what was decoded gives other bytes")
	}
	if got, _ := s.Attachments(); !slices.Equal(got, as) {
		t.Errorf("attachments of the segment: %+v", got)
	}
	before, after := heads(t, room, items), heads(t, s.Room, s.Items)
	for i := range before {
		if before[i] != after[i] {
			t.Fatalf("item %d: head %+v became %+v", i, before[i], after[i])
		}
	}
}
