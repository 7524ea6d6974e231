package history

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// peak is the largest heap while f runs, looked at after each collection.
func peak(t *testing.T, f func(look func())) (mib float64) {
	t.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(20))
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before, most := m.HeapAlloc, uint64(0)
	look := func() {
		runtime.ReadMemStats(&m)
		most = max(most, m.HeapAlloc)
	}
	f(look)
	look()
	return float64(most-min(before, most)) / (1 << 20)
}

func TestMemoryIsThatOfTheHeads(t *testing.T) {
	const n = 100_000 / slower
	m := newMaker(1, room, 300)
	for i := range n {
		d := m.text(fmt.Sprintf("message %d, with some words to be as long as people's messages are", i))
		if i%3 == 0 && i > 0 {
			d.InReplyTo = m.v.Dialog[i-1].MessageID
		}
	}
	path := filepath.Join(t.TempDir(), "big.vcon")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	r := FromVCons([]*codec.VCon{m.v})
	rooms, err := r.Rooms(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteVCon(t.Context(), f, r, rooms[0], WriteOptions{Format: codec.FormatJSON}); err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	m, r, rooms = nil, nil, nil
	var indexed, firstPage, all time.Duration
	begin := time.Now()
	mib := peak(t, func(look func()) {
		r := open(t, path)
		indexed = time.Since(begin)
		look()
		src := NewSource(r, SourceOptions{})
		items := uint64(0)
		for page, err := range src.Manifest(t.Context(), segment.Scope{}) {
			if err != nil {
				t.Fatal(err)
			}
			if firstPage == 0 {
				firstPage = time.Since(begin)
			}
			for _, e := range page.Entries {
				if e.Type != segment.SegmentType {
					continue
				}
				items += e.Segment.Items
				if _, err := src.AppendSegment(t.Context(), e.Segment.ID, nil); err != nil {
					t.Fatal(err)
				}
			}
			look()
		}
		all = time.Since(begin)
		if items != n {
			t.Errorf("%d items", items)
		}
	})
	t.Logf("%d MiB file: heap %.0f MiB; indexed %v, first page %v, all %v", info.Size()>>20, mib, indexed, firstPage, all)
	if mib > 64 {
		t.Errorf("%.0f MiB for %d items", mib, n)
	}
}

// A sparse file holds an attachment of a gigabyte without a gigabyte of disk.
func TestAGigabyteIsStreamed(t *testing.T) {
	const size = 1 << 30 / slower
	v := &codec.VCon{Version: codec.Version, Room: &codec.Room{ID: room}, Parties: []codec.Party{{IMURI: room}, {IMURI: "mimi://e/u/a"}},
		Dialog: []codec.Dialog{{Type: "text", Start: "2024-01-01T00:00:00Z", MessageID: "AAEC", Originator: new(uint32(1))}},
		Attachments: []codec.Attachment{{DialogObjectRef: "mid:AAEC:0@anon.invalid", Filename: "film.mp4", Encoding: codec.EncodingBase64URL,
			Body: codec.Body{Kind: codec.BodyBytes, Data: []byte("the body stands here")}}}}
	raw, err := v.AppendCBOR(nil)
	if err != nil {
		t.Fatal(err)
	}
	before, after, ok := bytes.Cut(raw, codec.AppendBytes(nil, "the body stands here"))
	if !ok {
		t.Fatal("no place for the body")
	}
	path := filepath.Join(t.TempDir(), "film.cbor")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	head := codec.AppendHead(before, 2, size)
	tail := append([]byte("the last bytes"), after...)
	if _, err := f.Write(head); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(tail, int64(len(head))+size-14); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	mib := peak(t, func(look func()) {
		r := open(t, path)
		look()
		src := NewSource(r, SourceOptions{})
		l := list(t, src, segment.Scope{})
		if len(l.atts) != 1 || l.atts[0].Size != size {
			t.Fatalf("attachments %+v", l.atts)
		}
		c, err := src.OpenAttachment(t.Context(), room, l.ids[len(l.ids)-1], l.atts[0], size-14)
		if err != nil {
			t.Fatal(err)
		}
		if end, err := io.ReadAll(c); err != nil || string(end) != "the last bytes" {
			t.Fatalf("%q, %v", end, err)
		}
		look()
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if c, err = src.OpenAttachment(t.Context(), room, l.ids[len(l.ids)-1], l.atts[0], 0); err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if n, err := io.CopyN(io.Discard, c, 64<<20); n != 64<<20 || err != nil {
			t.Fatal(err)
		}
		look()
	})
	t.Logf("heap %.1f MiB", mib)
	if mib > 16 {
		t.Errorf("%.0f MiB", mib)
	}
}

func TestBodiesOfEveryEncoding(t *testing.T) {
	long := strings.Repeat("größer als ein Fenster \" \\ \n\x01 ", 9000)
	binary := bytes.Repeat([]byte{0, 255, 7}, 50_001)
	m := newMaker(1, room, 2)
	add := func(encoding string, kind codec.BodyKind, data []byte) {
		m.attach(m.text("x"), 0, data)
		a := &m.v.Attachments[len(m.v.Attachments)-1]
		a.Encoding, a.Body.Kind = encoding, kind
	}
	add("none", codec.BodyText, []byte(long))
	add("none", codec.BodyText, []byte("short"))
	add("", codec.BodyText, []byte("no encoding"))
	add(codec.EncodingBase64URL, codec.BodyBytes, binary)
	add(codec.EncodingBase64URL, codec.BodyBytes, binary[:100])
	add(codec.EncodingBase64URL, codec.BodyText, []byte(base64.StdEncoding.EncodeToString(binary))) // not canonical
	add("none", codec.BodyText, nil)
	want := [][]byte{[]byte(long), []byte("short"), []byte("no encoding"), binary, binary[:100], binary, nil}
	memory := FromVCons([]*codec.VCon{m.v})
	rooms, err := memory.Rooms(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	readers := map[string]Reader{"memory": memory}
	for _, format := range []codec.Format{codec.FormatCBOR, codec.FormatJSON} {
		// As the codec writes it, and as we do.
		raw, err := m.v.AppendCBOR(nil)
		if format == codec.FormatJSON {
			raw, err = m.v.AppendJSON(nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		readers[format.String()] = open(t, write(t, "a.vcon", raw))
		var out bytes.Buffer
		if err := WriteVCon(t.Context(), &out, memory, rooms[0], WriteOptions{Format: format}); err != nil {
			t.Fatal(err)
		}
		readers[format.String()+" written"] = open(t, write(t, "b.vcon", out.Bytes()))
	}
	for name, r := range readers {
		src := NewSource(r, SourceOptions{})
		l := list(t, src, segment.Scope{})
		if len(l.atts) != len(want) {
			t.Fatalf("%s: %d attachments", name, len(l.atts))
		}
		for i, e := range l.atts {
			for _, offset := range []uint64{0, 1, 2, 3, 4, 70_000} {
				if offset > e.Size {
					continue
				}
				c, err := src.OpenAttachment(t.Context(), room, l.ids[len(l.ids)-1], e, offset)
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(c)
				if err != nil || !bytes.Equal(got, want[i][offset:]) {
					t.Errorf("%s: attachment %d from %d: %d bytes, %v", name, i, offset, len(got), err)
				}
				if err := c.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := src.OpenAttachment(t.Context(), room, l.ids[len(l.ids)-1], e, e.Size+1); err == nil {
				t.Errorf("%s: opened behind the end", name)
			}
		}
	}
}
