package history

import (
	"bytes"

	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/testdata/sample"
)

// listing is what a source's manifest says, and the bytes that it stands for.
type listing struct {
	ids   []segment.ID
	segs  []*segment.Segment
	rooms []segment.RoomEntry
	atts  []segment.AttachmentEntry
	left  segment.Ledger
	pages int
}

func list(t testing.TB, s *Source, scope segment.Scope) listing {
	t.Helper()
	var l listing
	for page, err := range s.Manifest(t.Context(), scope) {
		if err != nil {
			t.Fatal(err)
		}
		l.pages++
		if _, err := segment.AppendPage(nil, page); err != nil {
			t.Fatal(err)
		}
		l.left.Add(page.Left)
		for _, e := range page.Entries {
			switch e.Type {
			case segment.RoomType:
				l.rooms = append(l.rooms, e.Room)
			case segment.SegmentType:
				data, err := s.AppendSegment(t.Context(), e.Segment.ID, nil)
				if err != nil {
					t.Fatal(err)
				}
				seg, err := segment.Decode(data)
				if err != nil {
					t.Fatal(err)
				}
				if !seg.Matches(e.Segment) {
					t.Fatal("manifest and segment differ")
				}
				l.ids = append(l.ids, e.Segment.ID)
				l.segs = append(l.segs, seg)
			case segment.AttachmentType:
				l.atts = append(l.atts, e.Attachment)
			}
		}
	}
	if err := l.left.Balanced(); err != nil {
		t.Fatal(err)
	}
	return l
}

// dialogs are the ids, or dates, of all items of the messages segments, oldest first.
func (l listing) items() (items []segment.Item) {
	for i := len(l.segs) - 1; i >= 0; i-- {
		items = append(items, l.segs[i].Items...)
	}
	return items
}

func open(t testing.TB, paths ...string) Reader {
	t.Helper()
	r, err := OpenFiles(t.Context(), paths, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func write(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func sameIDs(a, b []segment.ID) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestSampleIsTheSameFromEverywhere(t *testing.T) {
	v, err := codec.DecodeCBOR(sample.CBOR)
	if err != nil {
		t.Fatal(err)
	}
	readers := map[string]Reader{
		"memory": FromVCons([]*codec.VCon{v}),
		"cbor":   open(t, write(t, "sample.cbor", sample.CBOR)),
		"json":   open(t, write(t, "sample.vcon", sample.JSON)),
	}
	want := list(t, NewSource(readers["memory"], SourceOptions{}), segment.Scope{})
	if len(want.ids) < 2 || len(want.atts) == 0 || want.left.Source != 0 {
		t.Fatalf("%d segments, %d attachments, left %v", len(want.ids), len(want.atts), want.left)
	}
	for _, format := range []codec.Format{codec.FormatCBOR, codec.FormatJSON} {
		rooms, err := readers["memory"].Rooms(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := WriteVCon(t.Context(), &out, readers["memory"], rooms[0], WriteOptions{Format: format}); err != nil {
			t.Fatal(err)
		}
		readers["written as "+format.String()] = open(t, write(t, "out.vcon", out.Bytes()))
	}
	for name, r := range readers {
		got := list(t, NewSource(r, SourceOptions{}), segment.Scope{})
		if !sameIDs(got.ids, want.ids) || len(got.atts) != len(want.atts) {
			t.Errorf("%s: other segments", name)
		}
	}
}

// longAgo is before everything that expires.
func longAgo() time.Time { return time.Unix(0, 0) }
