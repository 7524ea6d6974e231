package sqlite

import (
	"slices"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

func TestReaderRefuses(t *testing.T) {
	s := newStore(t)
	c := newChat(t, "Ann")
	c.say(said{by: "Ann", text: "hi"})
	transferTo(t, s, info(1, ""), c.source())
	var heads []segment.Head
	for h, err := range s.Heads(t.Context(), roomURI) {
		if err != nil {
			t.Fatal(err)
		}
		heads = append(heads, h)
	}
	if len(heads) != 1 {
		t.Fatal(heads)
	}
	items, err := s.Items(t.Context(), roomURI, heads)
	if err != nil || len(items) != 1 || items[0].Parties[0].IMURI != roomURI || !slices.Equal(items[0].Dialog.Parties, []uint32{0}) {
		t.Fatal(items, err)
	}
	gone := heads[0]
	gone.Ref += 100
	other := heads[0]
	other.Key[0] ^= 1
	for name, h := range map[string][]segment.Head{"gone": {gone}, "another": {other}, "too many": make([]segment.Head, maxHeads+1)} {
		if _, err := s.Items(t.Context(), roomURI, h); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := s.Items(t.Context(), "mimi://example.com/r/none", nil); err == nil {
		t.Error("unknown room: no error")
	}
	for _, e := range []segment.AttachmentEntry{{MessageID: "x", Size: 1}, {Size: maxAttachment + 1}} {
		if r, err := s.OpenAttachment(t.Context(), roomURI, e, 0); err == nil {
			r.Close()
			t.Errorf("%+v: no error", e)
		}
	}
	n := 0
	for _, err := range s.Messages(t.Context(), "mimi://example.com/r/none", Query{}) {
		if err == nil {
			t.Error("unknown room: no error")
		}
		n++
	}
	if n != 1 {
		t.Errorf("%d errors", n)
	}
}
