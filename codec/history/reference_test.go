package history

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// TestReferenceSegments holds the segments of odd vCons against bytes that the
// second implementation, written from docs/wire-format.md alone, has made as well.
func TestReferenceSegments(t *testing.T) {
	data, err := os.ReadFile("../../testdata/vectors/reference/segments.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Source   json.RawMessage
		Segments []string
	}
	if err := json.Unmarshal(data, &cases); err != nil || len(cases) == 0 {
		t.Fatalf("%v, %d cases", err, len(cases))
	}
	for i, c := range cases {
		v, err := codec.DecodeJSON(c.Source)
		if err != nil {
			t.Fatal(err)
		}
		src := NewSource(FromVCons([]*codec.VCon{v}), SourceOptions{})
		var got []string
		for page, err := range src.Manifest(t.Context(), segment.Scope{}) {
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Entries {
				if e.Type != segment.SegmentType {
					continue
				}
				b, err := src.AppendSegment(t.Context(), e.Segment.ID, nil)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, hex.EncodeToString(b))
			}
		}
		slices.Sort(got)
		slices.Sort(c.Segments)
		if !slices.Equal(got, c.Segments) {
			t.Errorf("case %d: other segments", i)
		}
	}
}
