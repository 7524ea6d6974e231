package segment

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"testing"
)

// TestReferenceCuts holds the cutting against spans that the second
// implementation, written from docs/wire-format.md alone, has found as well.
func TestReferenceCuts(t *testing.T) {
	data, err := os.ReadFile("../../testdata/vectors/reference/cut.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name  string
		Heads []string
		Spans []int
	}
	if err := json.Unmarshal(data, &cases); err != nil || len(cases) == 0 {
		t.Fatalf("%v, %d cases", err, len(cases))
	}
	for _, c := range cases {
		heads := make([]Head, len(c.Heads))
		for i, text := range c.Heads {
			var key string
			if _, err := fmt.Sscanf(text, "%d %d %s", &heads[i].Instant, &heads[i].Size, &key); err != nil {
				t.Fatal(err)
			}
			if _, err := hex.Decode(heads[i].Key[:], []byte(key)); err != nil {
				t.Fatal(err)
			}
		}
		var spans []int // newest first
		for span := range CutNewestFirst(heads) {
			spans = append(spans, len(span))
		}
		if len(spans) != len(c.Spans) {
			t.Errorf("%s: %d segments, want %d", c.Name, len(spans), len(c.Spans))
			continue
		}
		for i, n := range c.Spans {
			if spans[len(spans)-1-i] != n {
				t.Errorf("%s: segment %d has %d items, want %d", c.Name, i, spans[len(spans)-1-i], n)
				break
			}
		}
	}
}
