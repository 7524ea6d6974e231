package history

import (
	"bytes"

	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// A moved is what a transfer in memory moved.
type moved struct {
	segments, bytes, attachments int
	ledger                       segment.Ledger
}

// move runs a transfer from s to d, without a network. A limit stops it after so
// many segments, before Commit.
func move(t testing.TB, s *Source, d *DirSink, scope segment.Scope, info segment.TransferInfo, limit int) (m moved) {
	t.Helper()
	ctx := t.Context()
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ok(d.Begin(ctx, info))
	var room segment.RoomEntry
	var last segment.ID
	for page, err := range s.Manifest(ctx, scope) {
		ok(err)
		for _, e := range page.Entries {
			if e.Type == segment.RoomType {
				room = e.Room
				continue
			}
			wants, err := d.Have(ctx, room, []segment.Entry{e})
			ok(err)
			if len(wants) != 1 {
				t.Fatalf("%d wants", len(wants))
			}
			w := wants[0]
			switch {
			case e.Type == segment.SegmentType:
				last = e.Segment.ID
				if !w.Need {
					continue
				}
				data, err := s.AppendSegment(ctx, e.Segment.ID, nil)
				ok(err)
				l, err := d.StageSegment(ctx, room, e.Segment, data)
				ok(err)
				if l.Columns() != e.Segment.Items || l.Source != e.Segment.Items {
					t.Fatalf("counted %d of %d items", l.Columns(), e.Segment.Items)
				}
				m.ledger.Add(l)
				m.segments++
				m.bytes += len(data)
				if m.segments == limit {
					return m
				}
			case w.Need:
				r, err := s.OpenAttachment(ctx, room.ID, last, e.Attachment, w.Offset)
				if errors.Is(err, segment.ErrContentAbsent) {
					continue
				}
				ok(err)
				aw, err := d.StageAttachment(ctx, room, last, e.Attachment, w.Offset)
				ok(err)
				rest, err := io.ReadAll(r)
				ok(err)
				ok(r.Close())
				_, err = aw.Write(rest)
				ok(err)
				whole, err := s.OpenAttachment(ctx, room.ID, last, e.Attachment, 0)
				ok(err)
				h := sha256.New()
				n, err := io.Copy(h, whole)
				ok(err)
				ok(whole.Close())
				if uint64(n) != e.Attachment.Size {
					t.Fatalf("%d bytes of %d", n, e.Attachment.Size)
				}
				ok(aw.Commit([32]byte(h.Sum(nil))))
				ok(aw.Close())
				m.attachments++
			}
		}
	}
	ok(d.Commit(ctx, segment.End{}, nil))
	return m
}

func openDir(t testing.TB, dir string, format codec.Format) *DirSink {
	t.Helper()
	d, err := OpenDir(dir, DirOptions{Format: format})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// visible lists the files of a folder but for the staging.
func visible(t testing.TB, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.Name() == stagingDir {
			return fs.SkipDir
		}
		if !e.IsDir() {
			name, _ := filepath.Rel(dir, path)
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func tree(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for _, name := range visible(t, dir) {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		out[name] = data
	}
	return out
}

func threeRooms() []*codec.VCon {
	a := newMaker(1, room, 5).history(3000)
	b := newMaker(2, "mimi://example.com/r/../../etc/passwd", 4).history(300)
	c := newMaker(3, "mimi://example.com/r/\x00\u202egnp.exe", 3).history(50)
	d := newMaker(4, room, 2).history(20)
	d.Room, d.UUID = nil, "0190B5C4-0000-8000-8000-00000000000F"
	return []*codec.VCon{a, b, c, d}
}

func TestRoundTripThroughAFolder(t *testing.T) {
	for _, format := range []codec.Format{codec.FormatCBOR, codec.FormatJSON} {
		t.Run(format.String(), func(t *testing.T) {
			src := NewSource(FromVCons(threeRooms()), SourceOptions{Now: longAgo})
			want := list(t, src, segment.Scope{})
			dir := t.TempDir()
			d := openDir(t, dir, format)
			first := move(t, src, d, segment.Scope{}, segment.TransferInfo{}, 0)
			if first.segments != len(want.ids) || first.attachments == 0 || first.ledger.There != 0 {
				t.Fatalf("moved %+v of %d segments", first, len(want.ids))
			}
			again := move(t, src, d, segment.Scope{}, segment.TransferInfo{}, 0)
			if again.segments != 0 || again.attachments != 0 {
				t.Errorf("a second run moved %+v", again)
			}
			if left := staged(t, d); len(left) > 0 {
				t.Errorf("staging holds %v", left)
			}
			got := list(t, NewSource(open(t, dir), SourceOptions{Now: longAgo}), segment.Scope{})
			if !sameSet(got.ids, want.ids) || len(got.atts) != len(want.atts) {
				t.Errorf("the folder is another history: %d of %d segments", common(got.ids, want.ids), len(want.ids))
			}
			for _, name := range visible(t, dir) {
				base := filepath.Base(name)
				if strings.Trim(base, "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" || strings.Contains(base, "..") {
					t.Errorf("file is named %q", name)
				}
			}
			// Without our list of segments the file itself tells.
			if err := os.RemoveAll(filepath.Join(dir, heldDir)); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(filepath.Join(dir, heldDir), 0o700); err != nil {
				t.Fatal(err)
			}
			if again := move(t, src, d, segment.Scope{}, segment.TransferInfo{}, 0); again.segments != 0 || again.attachments != 0 {
				t.Errorf("without the list, a second run moved %+v", again)
			}
		})
	}
}

func staged(t testing.TB, d *DirSink) (names []string) {
	for _, dir := range []string{segmentsDir, partsDir, contentsDir, roomsDir} {
		n, err := d.names(dir)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, n...)
	}
	return names
}

func sameSet(a, b []segment.ID) bool { return len(a) == len(b) && common(a, b) == len(a) }

func common(a, b []segment.ID) (n int) {
	for _, id := range a {
		if slices.Contains(b, id) {
			n++
		}
	}
	return n
}

func TestNothingIsFinalBeforeCommit(t *testing.T) {
	src := NewSource(FromVCons(threeRooms()), SourceOptions{Now: longAgo})
	dir := t.TempDir()
	d := openDir(t, dir, codec.FormatCBOR)
	part := move(t, src, d, segment.Scope{}, segment.TransferInfo{}, 3)
	if names := visible(t, dir); len(names) > 0 {
		t.Fatalf("before Commit there is %v", names)
	}
	if err := d.Commit(t.Context(), segment.End{}, nil); err == nil && len(visible(t, dir)) == 0 {
		t.Log("nothing was missing")
	}
	if _, err := OpenDir(dir, DirOptions{}); !errors.Is(err, ErrLocked) {
		t.Errorf("opened twice: %v", err)
	}
	// The process dies here; another one goes on.
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = openDir(t, dir, codec.FormatCBOR)
	whole := list(t, src, segment.Scope{})
	rest := move(t, src, d, segment.Scope{}, segment.TransferInfo{ID: [32]byte{9}}, 0)
	if part.segments+rest.segments != len(whole.ids) {
		t.Errorf("%d and then %d segments of %d", part.segments, rest.segments, len(whole.ids))
	}
	clean := t.TempDir()
	move(t, src, openDir(t, clean, codec.FormatCBOR), segment.Scope{}, segment.TransferInfo{}, 0)
	a, b := tree(t, dir), tree(t, clean)
	if len(a) != len(b) {
		t.Errorf("%d files, want %d", len(a), len(b))
	}
	for name := range b {
		if !bytes.Equal(a[name], b[name]) {
			t.Errorf("%s differs from an undisturbed transfer", name)
		}
	}
}

func TestACommitThatIsCutShortIsCompleted(t *testing.T) {
	vcons := threeRooms()
	vcons[0] = newMaker(1, room, 5).history(300)
	src := NewSource(FromVCons(vcons), SourceOptions{Now: longAgo})
	clean, dir := t.TempDir(), t.TempDir()
	move(t, src, openDir(t, clean, codec.FormatCBOR), segment.Scope{}, segment.TransferInfo{}, 0)
	want := tree(t, clean)
	// The room that is written last is damaged where it is staged.
	l := list(t, src, segment.Scope{})
	d := openDir(t, dir, codec.FormatCBOR)
	move(t, src, d, segment.Scope{}, segment.TransferInfo{}, len(l.ids)) // all but Commit
	last := segmentsDir + "/" + hex.EncodeToString(l.ids[len(l.ids)-1][:])
	if err := d.root.WriteFile(last, []byte("rot"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.Commit(t.Context(), segment.End{}, nil); !errors.Is(err, segment.ErrHash) {
		t.Fatalf("commit: %v", err)
	}
	some := tree(t, dir)
	if len(some) == 0 || len(some) >= len(want) {
		t.Fatalf("%d of %d files are final", len(some), len(want))
	}
	for name, data := range some {
		if !bytes.Equal(data, want[name]) {
			t.Errorf("%s is final and not whole", name)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = openDir(t, dir, codec.FormatCBOR)
	if got := move(t, src, d, segment.Scope{}, segment.TransferInfo{ID: [32]byte{1}}, 0); got.segments != 1 {
		t.Errorf("then moved %+v", got)
	}
	got := tree(t, dir)
	for name, data := range want {
		if !bytes.Equal(got[name], data) {
			t.Errorf("%s differs from an undisturbed transfer", name)
		}
	}
	if names := staged(t, d); len(got) != len(want) || len(names) > 0 {
		t.Errorf("%d files of %d, staged %v", len(got), len(want), names)
	}
}
