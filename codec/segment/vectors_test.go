package segment

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

const vectors = "../../testdata/vectors/segment"

// A vector is one file: a conversation and its segments, a page, an answer, an
// end or a root with its bytes, cut heads, or one input that is refused.
type vector struct {
	Comment string `json:"comment"`

	Source   json.RawMessage `json:"source,omitempty"` // a vCon
	Segments []segmentVector `json:"segments,omitempty"`

	Parser string `json:"parser,omitempty"` // "page", "answer", "end", "segment"
	Hex    string `json:"hex,omitempty"`
	Error  string `json:"error,omitempty"` // exact, when Hex is refused

	Root *rootVector `json:"root,omitempty"`

	Heads int   `json:"heads,omitempty"` // head i as headVector makes it
	Spans []int `json:"spans,omitempty"` // items of each span, oldest first
}

type segmentVector struct {
	ID          string   `json:"id"`
	Kind        string   `json:"kind"`
	First       int64    `json:"first"`
	Last        int64    `json:"last"`
	Keys        []string `json:"keys"`
	Sizes       []uint32 `json:"sizes"` // of the items, as cutting counts them
	Attachments int      `json:"attachments,omitempty"`
	Hex         string   `json:"hex"`
}

type rootVector struct {
	Transfer string `json:"transfer_id"`
	Page     string `json:"page"`              // the leaves, in order
	Hashes   string `json:"attachment_sha256"` // one for each attachment
	Root     string `json:"root"`
}

// headVector: key SHA-256(u64 i), size 200 + the next two bytes of the key mod
// 1000 (every 500th 100,000 times 1 to 7), instant one more at every third.
func headVector(i int) Head {
	h := Head{Key: sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i))), Instant: int64(i / 3)}
	h.Size = 200 + uint32(binary.BigEndian.Uint16(h.Key[:]))%1000
	if i%500 == 499 {
		h.Size = 100_000 * uint32(1+i/500%7)
	}
	return h
}

func segmentsOf(t *testing.T, source []byte) (out []segmentVector) {
	t.Helper()
	v, err := codec.DecodeJSON(source)
	if err != nil {
		t.Fatal(err)
	}
	room, items := itemsOf(v)
	slices.SortStableFunc(items, func(a, b Item) int { return cmp.Compare(a.Instant, b.Instant) })
	messages, events := SplitRoster(heads(t, room, items))
	add := func(b []byte, e SegmentEntry, as []AttachmentEntry, err error, hs []Head) {
		if err != nil {
			t.Fatal(err)
		}
		s := segmentVector{ID: hex.EncodeToString(e.ID[:]), Kind: e.Kind.String(), First: e.First, Last: e.Last,
			Keys: []string{}, Sizes: []uint32{}, Attachments: len(as), Hex: hex.EncodeToString(b)}
		for _, h := range hs {
			s.Keys = append(s.Keys, hex.EncodeToString(h.Key[:]))
			s.Sizes = append(s.Sizes, h.Size)
		}
		out = append(out, s)
	}
	pick := func(hs []Head) (its []Item) {
		for _, h := range hs {
			its = append(its, items[h.Ref])
		}
		return its
	}
	for span := range CutNewestFirst(messages) {
		b, e, as, err := Encode(room, pick(span), nil)
		add(b, e, as, err, span)
	}
	spans, err := PlanRoster(room, v.Parties, events)
	if err != nil {
		t.Fatal(err)
	}
	for _, span := range spans {
		b, e, as, err := EncodeRoster(room, span, pick(span.Heads), nil)
		add(b, e, as, err, span.Heads)
	}
	return out
}

func parse(parser string, data []byte) (again []byte, err error) {
	switch parser {
	case "page":
		p, err := ParsePage(data)
		if err != nil {
			return nil, err
		}
		return AppendPage(nil, p)
	case "answer":
		a, err := ParseAnswer(data)
		if err != nil {
			return nil, err
		}
		return AppendAnswer(nil, a)
	case "end":
		e, err := ParseEnd(data)
		if err != nil {
			return nil, err
		}
		return AppendEnd(nil, e)
	}
	s, err := Decode(data)
	if err != nil {
		return nil, err
	}
	if s.Kind == Roster {
		again, _, _, err = EncodeRoster(s.Room, RosterSpan{Whole: s.Whole, Parties: s.Roster}, s.Items, nil)
	} else {
		again, _, _, err = Encode(s.Room, s.Items, nil)
	}
	return again, err
}

// fill computes what a vector claims.
func (v *vector) fill(t *testing.T) {
	t.Helper()
	switch {
	case v.Source != nil:
		v.Segments = segmentsOf(t, v.Source)
		for i, s := range v.Segments {
			b, _ := hex.DecodeString(s.Hex)
			if again, err := parse("segment", b); err != nil || !bytes.Equal(again, b) {
				t.Errorf("segment %d does not come back: %v", i, err)
			}
		}
	case v.Root != nil:
		b, _ := hex.DecodeString(v.Root.Page)
		p, err := ParsePage(b)
		if err != nil {
			t.Fatal(err)
		}
		var transfer [32]byte
		hex.Decode(transfer[:], []byte(v.Root.Transfer))
		sums, _ := hex.DecodeString(v.Root.Hashes)
		h := NewRootHasher(transfer)
		for i := range p.Entries {
			switch e := &p.Entries[i]; e.Type {
			case SegmentType:
				h.Segment(e.Segment.ID, e.Segment.Bytes)
			case AttachmentType:
				h.Attachment(&e.Attachment, [32]byte(sums))
				sums = sums[32:]
			}
		}
		sum := h.Sum()
		v.Root.Root = hex.EncodeToString(sum[:])
	case v.Heads > 0:
		hs := make([]Head, v.Heads)
		for i := range hs {
			hs[i] = headVector(i)
		}
		v.Spans = nil
		for _, s := range cutBackward(hs) {
			v.Spans = append(v.Spans, len(s))
		}
	default:
		b, err := hex.DecodeString(v.Hex)
		if err != nil {
			t.Fatal(err)
		}
		again, err := parse(v.Parser, b)
		v.Error = ""
		if err != nil {
			v.Error = err.Error()
		} else if !bytes.Equal(again, b) {
			t.Error("encodes to other bytes")
		}
	}
}

func TestVectors(t *testing.T) {
	update := os.Getenv("VCON_TRANSFER_UPDATE") == "1"
	if update {
		for name, v := range makeVectors(t) {
			writeVector(t, filepath.Join(vectors, name), v)
		}
	}
	files, err := filepath.Glob(filepath.Join(vectors, "*.json"))
	if err != nil || len(files) < 20 {
		t.Fatalf("%d vectors, %v", len(files), err)
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			var v vector
			if err := json.Unmarshal(b, &v); err != nil {
				t.Fatal(err)
			}
			v.fill(t)
			if got := vectorText(t, &v); update {
				writeVector(t, f, &v)
			} else if !bytes.Equal(got, b) {
				t.Errorf("differs; got:\n%s", got)
			}
			if refused := strings.HasPrefix(filepath.Base(f), "invalid-"); refused != (v.Error != "") {
				t.Errorf("error %q", v.Error)
			}
		})
	}
}

func vectorText(t *testing.T, v *vector) []byte {
	t.Helper()
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

func writeVector(t *testing.T, file string, v *vector) {
	t.Helper()
	if err := os.WriteFile(file, vectorText(t, v), 0o644); err != nil {
		t.Fatal(err)
	}
}
