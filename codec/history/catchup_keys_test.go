package history

import (
	"bytes"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// What is shared without media has no keys to it, at whatever depth; one's own devices
// keep them, and so does what is shared with media.
func TestSharedWithoutKeys(t *testing.T) {
	const secret = "c2VjcmV0LWtleS1vZi1jb250ZW50"
	external := &codec.ExternalPart{URL: "https://example.com/f", EncAlg: new(uint64(1)), Key: secret, Nonce: secret, AAD: secret}
	m := newMaker(1, room, 3)
	m.text("first").ExternalPart = external
	nested := m.text("")
	nested.Body, nested.Encoding, nested.MediaType = codec.Body{}, "", ""
	nested.MultiPart = &codec.MultiPart{PartSemantics: "processAll", Parts: []codec.Part{
		{Cardinality: "single", MediaType: "text/plain", Body: codec.Body{Kind: codec.BodyText, Data: []byte("x")}, Encoding: "none"},
		{Cardinality: "multi", MultiPart: &codec.MultiPart{PartSemantics: "processAll", Parts: []codec.Part{{Cardinality: "external", ExternalPart: external}}}},
	}}
	keeps := m.text("kept")
	kept, err := codec.RawOfJSON([]byte(`"` + secret + `"`))
	if err != nil {
		t.Fatal(err)
	}
	keeps.ExternalPart, keeps.Extra = external, codec.Fields{mimi.KeepParameter: kept}
	for _, c := range []struct {
		scope segment.Scope
		has   bool
	}{
		{segment.Scope{CatchUp: true, NoMedia: true, Rooms: []string{room}}, false},
		{segment.Scope{CatchUp: true, Rooms: []string{room}}, true},
		{segment.Scope{NoMedia: true}, true},
	} {
		source := NewSource(FromVCons([]*codec.VCon{m.v}), SourceOptions{})
		var all []byte
		for page, err := range source.Manifest(t.Context(), c.scope) {
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Entries {
				if e.Type != segment.SegmentType {
					continue
				}
				if all, err = source.AppendSegment(t.Context(), e.Segment.ID, all); err != nil {
					t.Fatal(err)
				}
			}
		}
		raw, _ := codec.Binary(secret).Bytes()
		if has := bytes.Contains(all, raw) || bytes.Contains(all, []byte(secret)); has != c.has {
			t.Errorf("%+v: keys %v", c.scope, has)
		}
		if !bytes.Contains(all, []byte("https://example.com/f")) {
			t.Error("where the content is does not travel")
		}
	}
	if external.Key != secret {
		t.Error("the source was changed")
	}
}
