package history

import (
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// A new member learns nothing of the other rooms, nor of what stands beside the
// messages; one's own device is told what was not chosen.
func TestCatchUpIsOfItsRoom(t *testing.T) {
	vcon := func(room string, n int) *codec.VCon {
		zero := uint32(0)
		v := &codec.VCon{
			Version: codec.Version, Room: &codec.Room{ID: room}, Parties: []codec.Party{{IMURI: room}, {IMURI: "mimi://example.com/u/a"}},
			Extra: codec.Fields{"analysis": codec.Raw{0x80}},
		}
		for i := range n {
			one := uint32(1)
			v.Dialog = append(v.Dialog, codec.Dialog{
				Type: "text", Start: codec.Date("2026-01-01T00:00:0" + string(rune('0'+i)) + "Z"), Parties: []uint32{zero},
				Originator: &one, MessageID: codec.BinaryOf([]byte{1, byte(i)}), MediaType: "text/plain", Encoding: "none",
				Body: codec.Body{Kind: codec.BodyText, Data: []byte("text")},
			})
		}
		return v
	}
	const here, there = "mimi://example.com/r/here", "mimi://example.com/r/there"
	src := NewSource(FromVCons([]*codec.VCon{vcon(here, 3), vcon(there, 5)}), SourceOptions{})
	for _, catchUp := range []bool{true, false} {
		var left segment.Ledger
		extra := false
		for page, err := range src.Manifest(t.Context(), segment.Scope{Rooms: []string{here}, CatchUp: catchUp}) {
			if err != nil {
				t.Fatal(err)
			}
			left.Add(page.Left)
			for _, e := range page.Entries {
				if e.Type != segment.SegmentType {
					continue
				}
				data, err := src.AppendSegment(t.Context(), e.Segment.ID, nil)
				if err != nil {
					t.Fatal(err)
				}
				s, err := segment.Decode(data)
				if err != nil {
					t.Fatal(err)
				}
				extra = extra || len(s.Room.Extra) > 0
			}
		}
		want := uint64(5)
		if catchUp {
			want = 0
		}
		if left.Source != want || left.Excluded[segment.OutsideScope] != want || extra == catchUp {
			t.Errorf("catch-up %v: left %+v, extra parameters %v", catchUp, left, extra)
		}
	}
}
