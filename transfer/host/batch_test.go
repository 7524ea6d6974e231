package host

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// spoken is a segment of items whose bodies have these lengths. Each cites a party of
// its own beside a common one.
func spoken(lengths ...int) *segment.Segment {
	s := &segment.Segment{Kind: segment.Messages, Room: segment.Room{ID: "mimi://example.com/r/x"}}
	s.Parties = []codec.Party{{Name: "common"}}
	for i, n := range lengths {
		s.Parties = append(s.Parties, codec.Party{Name: fmt.Sprint("party ", i)})
		s.Items = append(s.Items, segment.Item{Instant: int64(i), Dialog: &codec.Dialog{
			Type: "text", Start: "2026-01-01T00:00:00Z", MessageID: codec.BinaryOf([]byte{1, byte(i), byte(i >> 8)}),
			Parties: []uint32{uint32(i + 1), 0}, Encoding: codec.EncodingNone,
			Body: codec.Body{Kind: codec.BodyText, Data: []byte(strings.Repeat("x", n))},
		}})
	}
	for i := range s.Items {
		s.Items[i].Parties = s.Parties
	}
	return s
}

type batchLine struct {
	Parties []codec.Party `json:"parties"`
	Items   []struct {
		Item   int `json:"item"`
		Dialog struct {
			Parties []int `json:"parties"`
		} `json:"dialog"`
	} `json:"items"`
	Room map[string]json.RawMessage `json:"room"`
	Last bool                       `json:"last"`
}

// cut gives the batches of s, each as it is read.
func cut(t *testing.T, s *segment.Segment) (lines []batchLine, taken [][]int) {
	t.Helper()
	var b batcher
	for from := 0; ; {
		line, to, err := b.next(nil, 1, segment.RoomEntry{ID: s.Room.ID}, segment.ID{1}, s, from)
		if err != nil {
			t.Fatal(err)
		}
		var l batchLine
		if err := json.Unmarshal(line, &l); err != nil || strings.Count(string(line), "\n") != 1 {
			t.Fatalf("%s: %v", line, err)
		}
		if len(l.Items) != len(b.taken) || l.Last != (to == len(s.Items)) || to <= from && !l.Last {
			t.Fatalf("%d items of %v, last %v at %d of %d", len(l.Items), b.taken, l.Last, to, len(s.Items))
		}
		cited := make(map[int]bool)
		for i, item := range l.Items {
			for _, p := range item.Dialog.Parties {
				cited[p] = true
			}
			if item.Item != i || slices.Max(item.Dialog.Parties) >= len(l.Parties) {
				t.Fatalf("item %d is %+v, of %d parties", i, item, len(l.Parties))
			}
		}
		if len(cited) != len(l.Parties) {
			t.Errorf("%d parties, of which %d are cited", len(l.Parties), len(cited))
		}
		lines, taken = append(lines, l), append(taken, slices.Clone(b.taken))
		if from = to; l.Last {
			return lines, taken
		}
	}
}

// A batch has no more items than it may, and no more bytes unless it is one item; all
// items come, in order, once.
func TestBatchLimits(t *testing.T) {
	const near = MaxBatchBytes - 1000
	for _, c := range []struct {
		name    string
		lengths []int
		want    []int // items of each batch
	}{
		{"none", nil, []int{0}},
		{"one", []int{1}, []int{1}},
		{"one less", make([]int, MaxBatchItems-1), []int{MaxBatchItems - 1}},
		{"just full", make([]int, MaxBatchItems), []int{MaxBatchItems}},
		{"one more", make([]int, MaxBatchItems+1), []int{MaxBatchItems, 1}},
		{"twice", make([]int, 2*MaxBatchItems), []int{MaxBatchItems, MaxBatchItems}},
		{"oversized", []int{3 * MaxBatchBytes}, []int{1}},
		{"oversized among others", []int{1, 3 * MaxBatchBytes, 1, 1}, []int{1, 1, 2}},
		{"bytes below", []int{near / 2, near / 2}, []int{2}},
		{"bytes above", []int{near / 2, near/2 + 1000}, []int{1, 1}},
	} {
		lines, taken := cut(t, spoken(c.lengths...))
		var got []int
		next := 0
		for i := range lines {
			got = append(got, len(taken[i]))
			for _, n := range taken[i] {
				if n != next {
					t.Errorf("%s: item %d where %d belongs", c.name, n, next)
				}
				next++
			}
		}
		if !slices.Equal(got, c.want) || next != len(c.lengths) {
			t.Errorf("%s: batches of %v, want %v", c.name, got, c.want)
		}
	}
}

// formlessRaw is a byte string, which JSON has not.
var formlessRaw = codec.Raw(codec.AppendBytes(nil, "\x01\x02"))

// An item without a form in JSON is not taken, and leaves no party behind.
func TestBatchWithoutForm(t *testing.T) {
	s := spoken(1, 1, 1, 1)
	s.Items[1].Dialog.Extra = codec.Fields{"x": formlessRaw}
	s.Parties[3].Extra = codec.Fields{"x": formlessRaw} // of item 2
	s.Items[3].Attachments = []codec.Attachment{{Extra: codec.Fields{"x": formlessRaw}}}
	lines, taken := cut(t, s)
	if len(lines) != 1 || !slices.Equal(taken[0], []int{0}) {
		t.Errorf("taken %v in %d batches", taken, len(lines))
	}
}

// What a room has beside its items comes with its roster, but for what has no form.
func TestBatchRoom(t *testing.T) {
	s := &segment.Segment{Kind: segment.Roster, Whole: true, Room: segment.Room{
		ID: "r", Meta: &codec.Room{ID: "r", Name: "<&>"}, Extra: codec.Fields{"\xff\x01": {0x01}, "bad": formlessRaw, "group": {0x81, 0x01}, "zz": {0xf5}},
	}}
	s.Roster = []codec.Party{{Extra: codec.Fields{"x": formlessRaw}}, {Name: "a"}, {Name: "b"}}
	lines, _ := cut(t, s)
	room := lines[0].Room
	for name, want := range map[string]string{
		"vcon": `{"group":[1],"zz":true}`, "vcon_room": `{"id":"r","name":"<&>"}`, "roster": `[{"name":"a"},{"name":"b"}]`,
	} {
		if got := string(room[name]); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// A whole transfer with such an item: it is in quarantine on both devices.
func TestSinkWithoutForm(t *testing.T) {
	v := manyVCon(10)
	v.Extra = codec.Fields{"x": formlessRaw, "subject2": codec.Raw(codec.AppendText(nil, "all of it"))}
	v.Dialog[1].Extra = codec.Fields{"x": formlessRaw}
	s := newStore(t)
	var warned, rooms []string
	s.say = func(e map[string]any, answer string) string {
		if e["event"] == "warning" {
			warned = append(warned, e["code"].(string))
		}
		if e["kind"] == "roster" {
			rooms = append(rooms, s.line(e["room"].(map[string]any)["vcon"]))
		}
		return answer
	}
	sink := s.sink(t.TempDir(), SinkOptions{})
	defer s.close(sink)
	o := s.run(history.NewSource(history.FromVCons([]*codec.VCon{v}), history.SourceOptions{}), sink)
	if o.Err() != nil {
		t.Fatal(o.Err())
	}
	for _, l := range []segment.Ledger{o.Sent.Ledger, o.Received.Ledger} {
		if l.Quarantined[reasonNoForm] != 1 || l.Imported != l.Source-1 || l.Balanced() != nil {
			t.Errorf("%+v", l)
		}
	}
	if !slices.Equal(warned, []string{WarnNoForm}) || !slices.Equal(rooms, []string{`{"subject2":"all of it"}`}) {
		t.Errorf("warned %v, rooms %v", warned, rooms)
	}
}
