package history

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/testdata/gen"
)

func source(vcons ...*codec.VCon) *Source {
	return NewSource(FromVCons(vcons), SourceOptions{Now: longAgo})
}

// stored are the items of a folder, as they are read again.
func stored(t *testing.T, dir string) []segment.Item {
	t.Helper()
	r := open(t, dir)
	rooms, err := r.Rooms(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out []segment.Item
	for _, info := range rooms {
		var heads []segment.Head
		for h, err := range r.Heads(t.Context(), info.Room.ID) {
			if err != nil {
				t.Fatal(err)
			}
			heads = append(heads, h)
		}
		items, err := r.Items(t.Context(), info.Room.ID, heads)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, items...)
	}
	return out
}

func TestOneMoreMessageMovesOneSegment(t *testing.T) {
	m := newMaker(1, room, 5)
	v := m.history(5000)
	dir := t.TempDir()
	d := openDir(t, dir, codec.FormatCBOR)
	move(t, source(v), d, segment.Scope{}, segment.TransferInfo{}, 0)
	m.now = m.now.Add(1e9)
	m.text("one more")
	got := move(t, source(v), d, segment.Scope{}, segment.TransferInfo{ID: [32]byte{2}}, 0)
	if got.segments != 1 || got.ledger.Imported != 1 || got.ledger.There == 0 {
		t.Errorf("moved %+v", got)
	}
	if n := len(stored(t, dir)); n != 5001 {
		t.Errorf("%d items", n)
	}
}

func TestAnotherFormatTakesTheRoomOver(t *testing.T) {
	v := newMaker(1, room, 5).history(200)
	dir := t.TempDir()
	d := openDir(t, dir, codec.FormatCBOR)
	move(t, source(v), d, segment.Scope{}, segment.TransferInfo{}, 0)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	m := newMaker(1, room, 5)
	v = m.history(200)
	m.text("more")
	d = openDir(t, dir, codec.FormatJSON)
	move(t, source(v), d, segment.Scope{}, segment.TransferInfo{}, 0)
	if n := len(stored(t, dir)); n != 201 {
		t.Errorf("%d items", n)
	}
	for _, name := range visible(t, dir) {
		if strings.HasSuffix(name, ".cbor") {
			t.Errorf("%s is still there", name)
		}
	}
}

func TestMediaMayComeLater(t *testing.T) {
	m := newMaker(1, room, 5)
	d1 := m.text("look")
	m.attach(d1, 0, bytes.Repeat([]byte("picture"), 1000))
	m.attach(m.text("same"), 0, bytes.Repeat([]byte("picture"), 1000))
	dir := t.TempDir()
	d := openDir(t, dir, codec.FormatCBOR)
	first := move(t, source(m.v), d, segment.Scope{NoMedia: true}, segment.TransferInfo{}, 0)
	if first.attachments != 0 || first.segments == 0 {
		t.Fatalf("moved %+v", first)
	}
	without := list(t, NewSource(open(t, dir), SourceOptions{Now: longAgo}), segment.Scope{})
	if !sameIDs(without.ids, list(t, source(m.v), segment.Scope{}).ids) {
		t.Error("without media the folder is another history")
	}
	r := open(t, dir)
	if _, err := r.OpenAttachment(t.Context(), room, without.atts[0], 0); !errors.Is(err, segment.ErrContentAbsent) {
		t.Errorf("content that never came: %v", err)
	}
	second := move(t, source(m.v), d, segment.Scope{}, segment.TransferInfo{}, 0)
	if second.attachments != 2 || second.segments != 0 {
		t.Errorf("then moved %+v", second)
	}
	if third := move(t, source(m.v), d, segment.Scope{}, segment.TransferInfo{}, 0); third.attachments+third.segments != 0 {
		t.Errorf("then moved %+v", third)
	}
	with := NewSource(open(t, dir), SourceOptions{Now: longAgo})
	l := list(t, with, segment.Scope{})
	c, err := with.OpenAttachment(t.Context(), room, l.ids[len(l.ids)-1], l.atts[0], 7)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if data, err := io.ReadAll(c); err != nil || !bytes.Equal(data, bytes.Repeat([]byte("picture"), 999)) {
		t.Errorf("%d bytes of content, %v", len(data), err)
	}
	if n := len(visible(t, dir)); n != 2 {
		t.Errorf("%d files, want a room and one content", n)
	}
	// A file that is not what its name says is not our content.
	if err := os.WriteFile(filepath.Join(dir, sidecarURL(sha256.Sum256(bytes.Repeat([]byte("picture"), 1000)))), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if again := move(t, source(m.v), d, segment.Scope{}, segment.TransferInfo{}, 0); again.attachments != 2 {
		t.Errorf("with a damaged content moved %+v", again)
	}
}

func TestAttachmentsGoOnWhereTheyStopped(t *testing.T) {
	m := newMaker(1, room, 5)
	content := bytes.Repeat([]byte("0123456789"), 500)
	m.attach(m.text("look"), 0, content)
	src := source(m.v)
	l := list(t, src, segment.Scope{})
	e, r, seg := l.atts[0], l.rooms[0], l.ids[len(l.ids)-1]
	dir := t.TempDir()
	d := openDir(t, dir, codec.FormatCBOR)
	ctx := t.Context()
	stage := func(offset uint64) segment.AttachmentWriter {
		t.Helper()
		if err := d.Begin(ctx, segment.TransferInfo{}); err != nil {
			t.Fatal(err)
		}
		w, err := d.StageAttachment(ctx, r, seg, e, offset)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	want := func(offset uint64, need bool) {
		t.Helper()
		wants, err := d.Have(ctx, r, []segment.Entry{{Type: segment.AttachmentType, Attachment: e}})
		if err != nil || len(wants) != 1 || wants[0].Offset != offset || wants[0].Need != need {
			t.Fatalf("%+v, %v", wants, err)
		}
	}
	w := stage(0)
	if _, err := d.StageAttachment(ctx, r, seg, e, 0); err == nil {
		t.Error("one attachment is written twice at a time")
	}
	if _, err := w.Write(content[:1234]); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), w.Close(), d.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(nil); err == nil {
		t.Error("a closed writer writes")
	}
	d = openDir(t, dir, codec.FormatCBOR)
	w = stage(1000) // less than there is
	want(1000, true)
	if _, err := w.Write(content[1000:]); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("x")); !errors.Is(err, segment.ErrHash) {
		t.Errorf("more than was announced: %v", err)
	}
	if err := w.Commit(sha256.Sum256(content)); !errors.Is(err, segment.ErrHash) {
		t.Errorf("after that: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	want(5000, true)
	w = stage(5000)
	if err := w.Commit([32]byte{1}); !errors.Is(err, segment.ErrHash) {
		t.Errorf("another hash: %v", err)
	}
	want(0, true) // begin anew
	if _, err := d.StageAttachment(ctx, r, seg, e, 1); err == nil {
		t.Error("goes on where nothing is")
	}
	if _, err := d.StageAttachment(ctx, r, seg, e, 5001); !isLimit(err) {
		t.Error("goes on behind the end")
	}
	w = stage(0)
	if _, err := w.Write(content[:10]); err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(sha256.Sum256(content[:10])); !errors.Is(err, segment.ErrHash) {
		t.Errorf("shorter than announced: %v", err)
	}
	w = stage(0)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Commit(sha256.Sum256(content)), w.Close()); err != nil {
		t.Fatal(err)
	}
	want(0, false)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = openDir(t, dir, codec.FormatCBOR)
	if got := move(t, src, d, segment.Scope{}, segment.TransferInfo{}, 0); got.attachments != 0 {
		t.Errorf("a content that is staged came again: %+v", got)
	}
}

func TestTombstonesAreFinal(t *testing.T) {
	build := func(stone bool) *codec.VCon {
		m := newMaker(1, room, 3)
		m.text("one")
		d := m.text("regretted")
		m.text("three")
		if stone {
			*d = codec.Dialog{Type: "tombstone", Start: d.Start, MessageID: d.MessageID, Status: "retracted"}
			m.v.Dialog[1] = *d
		}
		return m.v
	}
	texts := func(dir string) (stones, all int) {
		for _, it := range stored(t, dir) {
			all++
			if isTombstone(it) {
				stones++
			}
		}
		return stones, all
	}
	mallory := segment.TransferInfo{ID: [32]byte{3}, SharedBy: "mimi://example.com/u/mallory"}
	for _, c := range []struct {
		name          string
		first, second bool // a tombstone?
		by            segment.TransferInfo
		stones        int
		ledger        segment.Ledger
	}{
		{"own tombstone comes", false, true, segment.TransferInfo{ID: [32]byte{2}}, 1, segment.Ledger{Source: 3, There: 2, Tombstones: 1}},
		{"the message comes back", true, false, segment.TransferInfo{ID: [32]byte{2}}, 1, segment.Ledger{Source: 3, There: 3}},
		{"somebody's tombstone comes", false, true, mallory, 0, segment.Ledger{Source: 3, There: 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			d := openDir(t, dir, codec.FormatCBOR)
			move(t, source(build(c.first)), d, segment.Scope{}, segment.TransferInfo{ID: [32]byte{1}}, 0)
			got := move(t, source(build(c.second)), d, segment.Scope{}, c.by, 0)
			if !got.ledger.Equal(c.ledger) {
				t.Errorf("counted %+v", got.ledger)
			}
			if stones, all := texts(dir); stones != c.stones || all != 3 {
				t.Errorf("%d tombstones of %d items", stones, all)
			}
		})
	}
}

func TestWhoSharedItIsKept(t *testing.T) {
	v := newMaker(1, room, 3).history(30)
	dir := t.TempDir()
	d := openDir(t, dir, codec.FormatJSON)
	move(t, source(v), d, segment.Scope{CatchUp: true}, segment.TransferInfo{SharedBy: "Alice"}, 0)
	for _, it := range stored(t, dir) {
		if it.Provenance != "Alice" {
			t.Fatalf("shared by %q", it.Provenance)
		}
	}
	n := len(stored(t, dir))
	// One's own device knows it too: then it needs nobody's word.
	move(t, source(v), d, segment.Scope{}, segment.TransferInfo{ID: [32]byte{1}}, 0)
	// What one's own device told stays so, whoever shares it too.
	m := newMaker(1, room, 3)
	more := m.history(30)
	m.text("new")
	move(t, source(more), d, segment.Scope{}, segment.TransferInfo{ID: [32]byte{2}, SharedBy: "Bob"}, 0)
	if got := move(t, source(v), d, segment.Scope{}, segment.TransferInfo{ID: [32]byte{3}}, 0); got.segments != 0 {
		t.Errorf("what our own device told moved again: %+v", got)
	}
	all := slices.DeleteFunc(stored(t, dir), func(it segment.Item) bool { return it.Provenance == "Bob" && string(it.Dialog.Body.Data) == "new" })
	if len(all) <= n {
		t.Fatalf("%d items after %d", len(all), n)
	}
	for _, it := range all {
		if it.Provenance != "" {
			t.Errorf("still shared by %q", it.Provenance)
		}
	}
}

func TestOneInstantKeepsItsOrder(t *testing.T) {
	m := newMaker(1, room, 3)
	for i := range 6000 { // several segments, all of one instant
		m.text(fmt.Sprintf("%d %s", i, strings.Repeat("x", 100))).Start = "2024-01-01T00:00:00Z"
	}
	src := source(m.v)
	want := list(t, src, segment.Scope{})
	dir := t.TempDir()
	d := openDir(t, dir, codec.FormatCBOR)
	move(t, src, d, segment.Scope{}, segment.TransferInfo{}, 0)
	if len(want.ids) < 4 {
		t.Fatalf("%d segments", len(want.ids))
	}
	for i, it := range stored(t, dir) {
		if !strings.HasPrefix(string(it.Dialog.Body.Data), fmt.Sprintf("%d ", i)) {
			t.Fatalf("item %d is another one", i)
		}
	}
}

func TestAWindowAndThenEverything(t *testing.T) {
	m := newMaker(1, room, 3)
	m.text("one").Parties = []uint32{1, 2}
	m.event("add", 3)
	m.now = m.now.Add(3600e9)
	since := m.now
	m.text("two")
	m.text("three")
	dir := t.TempDir()
	d := openDir(t, dir, codec.FormatCBOR)
	move(t, source(m.v), d, segment.Scope{Since: since}, segment.TransferInfo{}, 0)
	if n := len(stored(t, dir)); n != 2 {
		t.Fatalf("%d items in the window", n)
	}
	got := move(t, source(m.v), d, segment.Scope{}, segment.TransferInfo{}, 0)
	if got.ledger.Imported != 2 || got.ledger.There != 2 {
		t.Errorf("counted %+v", got.ledger)
	}
	all := stored(t, dir)
	if len(all) != 4 {
		t.Errorf("%d items in all", len(all))
	}
	for _, it := range all {
		if string(it.Dialog.Body.Data) == "two" && len(it.Dialog.Parties) != 1 {
			t.Error("the list of recipients of the window's start stayed")
		}
	}
}

func TestSegmentsThatAreNotWhatTheManifestSays(t *testing.T) {
	src := source(newMaker(1, room, 3).history(50))
	ctx := t.Context()
	d := openDir(t, t.TempDir(), codec.FormatCBOR)
	var e segment.SegmentEntry
	var data []byte
	var r segment.RoomEntry
	for page, err := range src.Manifest(ctx, segment.Scope{}) {
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range page.Entries {
			switch x.Type {
			case segment.RoomType:
				r = x.Room
			case segment.SegmentType:
				e = x.Segment
				if data, err = src.AppendSegment(ctx, e.ID, nil); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if _, err := d.StageSegment(ctx, r, e, data); !errors.Is(err, errNoTransfer) {
		t.Errorf("before Begin: %v", err)
	}
	if _, err := d.Have(ctx, r, nil); !errors.Is(err, errNoTransfer) {
		t.Errorf("before Begin: %v", err)
	}
	if _, err := d.StageAttachment(ctx, r, e.ID, segment.AttachmentEntry{}, 0); !errors.Is(err, errNoTransfer) {
		t.Errorf("before Begin: %v", err)
	}
	if err := d.Commit(ctx, segment.End{}, nil); !errors.Is(err, errNoTransfer) {
		t.Errorf("before Begin: %v", err)
	}
	if err := d.Begin(ctx, segment.TransferInfo{}); err != nil {
		t.Fatal(err)
	}
	other := e
	other.Items++
	renamed := e
	renamed.ID[0]++
	for name, try := range map[string]func() error{
		"another room": func() error { _, err := d.StageSegment(ctx, segment.RoomEntry{ID: "x"}, e, data); return err },
		"other counts": func() error { _, err := d.StageSegment(ctx, r, other, data); return err },
		"other bytes":  func() error { _, err := d.StageSegment(ctx, r, e, data[1:]); return err },
		"another name": func() error { _, err := d.StageSegment(ctx, r, renamed, data); return err },
		"no segment": func() error {
			junk := []byte("junk")
			_, err := d.StageSegment(ctx, r, segment.SegmentEntry{ID: sha256.Sum256(junk)}, junk)
			return err
		},
	} {
		if err := try(); err == nil {
			t.Errorf("%s: staged", name)
		}
	}
	if names := staged(t, d); len(names) > 0 {
		t.Errorf("staged %v", names)
	}
	// Announced, and never sent.
	if _, err := d.Have(ctx, r, []segment.Entry{{Type: segment.SegmentType, Segment: e}}); err != nil {
		t.Fatal(err)
	}
	if err := d.Commit(ctx, segment.End{}, nil); !errors.Is(err, errMissing) {
		t.Errorf("without a segment: %v", err)
	}
	if _, err := d.StageSegment(ctx, r, e, data); err != nil {
		t.Fatal(err)
	}
	// Damaged where it lies: the next run asks for it again.
	names := staged(t, d)
	if err := d.root.WriteFile(segmentsDir+"/"+names[0], []byte("rot"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.Commit(ctx, segment.End{}, nil); !errors.Is(err, segment.ErrHash) {
		t.Errorf("damaged: %v", err)
	}
	wants, err := d.Have(ctx, r, []segment.Entry{{Type: segment.SegmentType, Segment: e}})
	if err != nil || !wants[0].Need {
		t.Errorf("damaged: %+v, %v", wants, err)
	}
	if err := d.Abort(ctx, errors.New("cut")); err != nil {
		t.Fatal(err)
	}
}

func TestWhatWasStagedLongAgoIsRemoved(t *testing.T) {
	dir := t.TempDir()
	d := openDir(t, dir, codec.FormatCBOR)
	move(t, source(newMaker(1, room, 3).history(20)), d, segment.Scope{}, segment.TransferInfo{}, 1)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		later time.Duration
		files int
	}{{maxStaged - time.Hour, 1}, {maxStaged + time.Hour, 0}} {
		d, err := OpenDir(dir, DirOptions{Now: func() time.Time { return time.Now().Add(c.later) }})
		if err != nil {
			t.Fatal(err)
		}
		if n := staged(t, d); len(n) != c.files {
			t.Errorf("after %v: %v", c.later, n)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFoldersThatCannotBeWrittenTo(t *testing.T) {
	file := write(t, "file", nil)
	if _, err := OpenDir(file, DirOptions{}); !isDestination(err) || strings.Contains(err.Error(), file) {
		t.Errorf("a file: %v", err)
	}
	d := openDir(t, t.TempDir(), codec.FormatCBOR)
	if err := errors.Join(d.Close(), d.Close()); err != nil {
		t.Fatal(err)
	}
	if err := d.Begin(t.Context(), segment.TransferInfo{}); !isDestination(err) || !errors.Is(err, fs.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	// Our name, and a link to elsewhere behind it.
	dir, elsewhere := t.TempDir(), write(t, "precious", []byte("{}"))
	if err := os.Symlink(elsewhere, filepath.Join(dir, fileName(room)+".vcon.cbor")); err != nil {
		t.Fatal(err)
	}
	d = openDir(t, dir, codec.FormatCBOR)
	if err := d.Begin(t.Context(), segment.TransferInfo{}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Have(t.Context(), segment.RoomEntry{ID: room}, nil); !isDestination(err) {
		t.Errorf("a link for a room's file: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, fileName("other")+".vcon.cbor"), []byte{0xa1, 0x64}, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Have(t.Context(), segment.RoomEntry{ID: "other"}, nil); !isDestination(err) || strings.Contains(err.Error(), dir) {
		t.Errorf("half a room's file: %v", err)
	}
	if data, _ := os.ReadFile(elsewhere); string(data) != "{}" {
		t.Error("what the link refers to was written")
	}
}

func isDestination(err error) bool { _, ok := errors.AsType[*DestinationError](err); return ok }

func TestFileNames(t *testing.T) {
	for id, want := range map[string]string{
		"mimi://example.com/r/engineering_team": "engineering-team-",
		"../../etc/passwd":                      "passwd-",
		"":                                      "room-",
		"///":                                   "room-",
		"CON":                                   "con-",
		"vcon:0190b5c4":                         "0190b5c4-",
		"x/" + strings.Repeat("a", 500):         strings.Repeat("a", maxSlug) + "-",
		"mimi://e/r/\x00\n..\\..\\x":            "x-",
		"mimi://e/r/日本":                         "room-",
	} {
		got := fileName(id)
		if !strings.HasPrefix(got, want) || len(got) != len(want)+16 {
			t.Errorf("%q is named %q", id, got)
		}
	}
	if fileName("a/b") == fileName("c/b") {
		t.Error("two rooms have one name")
	}
}

func TestEveryScopeRoundTrips(t *testing.T) {
	vcons := gen.New(7).Messages(600)
	since := time.UnixMilli(1614585600000).Add(90 * time.Minute)
	now := func() time.Time { return time.UnixMilli(1614585600000) }
	for name, scope := range map[string]segment.Scope{
		"all": {}, "newest": {MaxMessages: 20}, "since": {Since: since}, "catch-up": {CatchUp: true, Since: since}, "no media": {NoMedia: true},
	} {
		t.Run(name, func(t *testing.T) {
			src := NewSource(FromVCons(vcons), SourceOptions{Now: now})
			want := list(t, src, scope)
			dir := t.TempDir()
			d := openDir(t, dir, codec.FormatCBOR)
			if got := move(t, src, d, scope, segment.TransferInfo{}, 0); got.segments != len(want.ids) {
				t.Errorf("moved %d segments of %d", got.segments, len(want.ids))
			}
			if got := move(t, src, d, scope, segment.TransferInfo{}, 0); got.segments+got.attachments != 0 {
				t.Errorf("a second run moved %+v", got)
			}
			got := list(t, NewSource(open(t, dir), SourceOptions{Now: now}), segment.Scope{})
			if !sameSet(got.ids, want.ids) {
				t.Errorf("%d of %d segments come back", common(got.ids, want.ids), len(want.ids))
			}
		})
	}
}
