package history

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// receive is one process that receives all of src, and counts as package transfer
// does. The receipt that it commits with is its ledger. It ends with the first error
// of the folder.
func receive(t *testing.T, src *Source, d *DirSink, id byte) (l segment.Ledger, err error) {
	t.Helper()
	ctx, info := t.Context(), segment.TransferInfo{ID: [32]byte{id}}
	if receipt, err := d.Receipt(ctx, info.ID); err != nil || len(receipt) > 0 {
		return parsed(t, receipt), err
	}
	counted, fetched := remembered(t, d, id)
	if err := d.Begin(ctx, info); err != nil {
		return l, err
	}
	var room segment.RoomEntry
	var last segment.ID
	for page, err := range src.Manifest(ctx, segment.Scope{}) {
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Entries {
			if e.Type == segment.RoomType {
				room = e.Room
				continue
			}
			wants, err := d.Have(ctx, room, []segment.Entry{e})
			if err != nil {
				return l, err
			}
			if e.Type == segment.SegmentType {
				last = e.Segment.ID
				l.Source += e.Segment.Items
				columns, ok := counted[last]
				switch {
				case wants[0].Need:
					data, err := src.AppendSegment(ctx, last, nil)
					if err != nil {
						t.Fatal(err)
					}
					if columns, err = d.StageSegment(ctx, room, e.Segment, data); err != nil {
						return l, err
					}
					counted[last] = columns
				case !ok:
					columns = segment.Ledger{There: e.Segment.Items}
				}
				l.AddColumns(columns)
				continue
			}
			l.Attachments++
			a := keyOf(room.ID, e.Attachment)
			switch content, err := wholeContent(t, src, room.ID, last, e.Attachment); {
			case err != nil:
				l.AddAttachmentQuarantined(segment.ContentAbsent, 1)
			case wants[0].Need:
				if err := stageContent(t, d, room, e.Attachment, content[wants[0].Offset:], content); err != nil {
					return l, err
				}
				fetched[a] = true
				l.AttachmentsImported++
			case fetched[a]:
				l.AttachmentsImported++
			default:
				l.AttachmentsThere++
			}
		}
	}
	receipt, err := segment.AppendLedger(nil, &l)
	if err != nil {
		t.Fatal(err)
	}
	return l, d.Commit(ctx, segment.End{}, receipt)
}

func parsed(t *testing.T, receipt []byte) segment.Ledger {
	t.Helper()
	if receipt == nil {
		return segment.Ledger{}
	}
	l, err := segment.ParseLedger(receipt)
	if err != nil {
		t.Fatal(err)
	}
	return *l
}

func keyOf(room string, e segment.AttachmentEntry) string { return contentFile(room, e) }

func wholeContent(t *testing.T, src *Source, room string, seg segment.ID, e segment.AttachmentEntry) ([]byte, error) {
	t.Helper()
	r, err := src.OpenAttachment(t.Context(), room, seg, e, 0)
	if errors.Is(err, segment.ErrContentAbsent) {
		return nil, err
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	return b, nil
}

func stageContent(t *testing.T, d *DirSink, room segment.RoomEntry, e segment.AttachmentEntry, rest, whole []byte) error {
	t.Helper()
	w, err := d.StageAttachment(t.Context(), room, segment.ID{}, e, uint64(len(whole)-len(rest)))
	if err != nil {
		return err
	}
	_, err = w.Write(rest)
	if err == nil {
		err = w.Commit(sha256.Sum256(whole))
	}
	return errors.Join(err, w.Close())
}

// remembered is what a folder says that a transfer staged.
func remembered(t *testing.T, d *DirSink, id byte) (map[segment.ID]segment.Ledger, map[string]bool) {
	t.Helper()
	counted, fetched := map[segment.ID]segment.Ledger{}, map[string]bool{}
	for v, err := range d.Staged(t.Context(), [32]byte{id}) {
		if err != nil {
			t.Fatal(err)
		}
		if v.Attachment == nil {
			counted[v.Segment] = v.Ledger
		} else {
			fetched[keyOf(v.Room, *v.Attachment)] = true
		}
	}
	return counted, fetched
}

// dying opens a folder for a process that is killed before its step n, or lives.
func dying(t *testing.T, dir string, n int) (d *DirSink, steps func() []string) {
	t.Helper()
	d, err := OpenDir(dir, DirOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	var names []string
	d.step = func(name string) error {
		if len(names)+1 == n {
			return errKilled
		}
		names = append(names, name)
		return nil
	}
	return d, func() []string { return names }
}

var errKilled = errors.New("killed")

// A receiver that is killed before any step, and again before any of the next
// process, ends with the ledger, the receipt and the files of an undisturbed one.
func TestFolderRemembersAcrossDeaths(t *testing.T) {
	some := threeRooms()
	src := source(newMaker(1, room, 3).history(60), some[2], some[3])
	calm := t.TempDir()
	d, steps := dying(t, calm, 0)
	want, err := receive(t, src, d, 1)
	if err != nil {
		t.Fatal(err)
	}
	files, all := tree(t, calm), steps()
	if want.Balanced() != nil || want.Imported == 0 || want.AttachmentsImported == 0 || want.There+want.AttachmentsThere > 0 {
		t.Fatalf("undisturbed: %+v", want)
	}
	for n := 1; n <= len(all); n++ {
		dir := t.TempDir()
		died := 0
		for _, at := range []int{n, 1 + n*7%len(all), 0} {
			d, _ := dying(t, dir, at)
			got, err := receive(t, src, d, 1)
			if errors.Is(err, errKilled) {
				died++
				if err := d.Close(); err != nil {
					t.Fatal(err)
				}
				continue
			}
			if err != nil || !got.Equal(want) {
				t.Errorf("killed %d times, first before %d, %s: %+v, %v, want %+v", died, n, all[n-1], got, err, want)
			}
			if receipt, err := d.Receipt(t.Context(), [32]byte{1}); err != nil || !parsed(t, receipt).Equal(want) {
				t.Errorf("receipt %x, %v", receipt, err)
			}
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			d, _ = dying(t, dir, 0) // removes what is left of what is final
			notes, err := d.names(notesDir)
			if left := append(staged(t, d), notes...); err != nil || len(left) > 0 {
				t.Errorf("killed before %s: left %v, %v", all[n-1], left, err)
			}
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			break
		}
		if died == 0 {
			t.Fatalf("step %d of %d was not reached", n, len(all))
		}
		if got := tree(t, dir); !slices.EqualFunc(visible(t, dir), visible(t, calm), func(a, b string) bool { return a == b && bytes.Equal(got[a], files[b]) }) {
			t.Errorf("killed before %s: other files than undisturbed", all[n-1])
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("%d steps", len(all))
}

// A note is durable before what it is of, and the receipt after everything.
func TestFolderNotesFirst(t *testing.T) {
	d, steps := dying(t, t.TempDir(), 0)
	if _, err := receive(t, source(newMaker(1, room, 3).history(60)), d, 1); err != nil {
		t.Fatal(err)
	}
	synced, last := false, ""
	for _, step := range steps() {
		switch {
		case step == "sync note":
			synced = true
		case strings.HasPrefix(step, "rename "+segmentsDir), step == "rename part":
			if !synced {
				t.Errorf("%s without a note", step)
			}
			synced = false
		case strings.HasPrefix(step, "rename "+receiptsDir):
			last = step
		case last != "" && step != "drop notes":
			t.Errorf("%s after the receipt", step)
		}
	}
	if last == "" {
		t.Error("no receipt")
	}
}

// What is torn at the end of the notes is ignored, wherever, and what is noted next
// is found all the same.
func TestFolderNotesAreTorn(t *testing.T) {
	dir := t.TempDir()
	d, _ := dying(t, dir, 0)
	if err := d.Begin(t.Context(), segment.TransferInfo{ID: [32]byte{1}}); err != nil {
		t.Fatal(err)
	}
	a := segment.AttachmentEntry{MessageID: "m", Part: 1, Size: 3}
	all := []segment.Staged{
		{Segment: segment.ID{1}, Ledger: segment.Ledger{Source: 2, Imported: 1, Quarantined: map[segment.Reason]uint64{segment.Conflict: 1}}},
		{Room: "r", Attachment: &a},
		{Segment: segment.ID{2}, Ledger: segment.Ledger{Source: 3, There: 3}},
	}
	ends := []int{0}
	file := filepath.Join(dir, keptName(notesDir, [32]byte{1}))
	for _, v := range all {
		if err := d.note(&v); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, int(d.notes.size))
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []byte{1, 2} {
		d, _ := dying(t, dir, 0)
		counted, fetched := remembered(t, d, id)
		if full := id == 1; len(counted) == 2 != full || fetched[keyOf("r", a)] != full || counted[segment.ID{1}].Equal(all[0].Ledger) != full {
			t.Errorf("transfer %d: %v and %v", id, counted, fetched)
		}
		d.Close()
	}
	check := func(name string, data []byte, want int) {
		t.Helper()
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		d, _ := dying(t, dir, 0)
		defer d.Close()
		count := func() int {
			counted, fetched := remembered(t, d, 1)
			return len(counted) + len(fetched)
		}
		if got := count(); got != want {
			t.Errorf("%s: %d notes, want %d", name, got, want)
		}
		if err := d.Begin(t.Context(), segment.TransferInfo{ID: [32]byte{1}}); err != nil {
			t.Fatal(err)
		}
		if err := d.note(&segment.Staged{Segment: segment.ID{9}}); err != nil {
			t.Fatal(err)
		}
		if got := count(); got != want+1 {
			t.Errorf("%s: %d notes after one more, want %d", name, got, want+1)
		}
	}
	for n := range len(whole) {
		want := 0
		for ends[want+1] <= n {
			want++
		}
		check("cut", whole[:n], want)
		damaged := bytes.Clone(whole)
		damaged[n] ^= 1
		check("damaged", damaged, want)
	}
	huge := append(bytes.Clone(whole), 0xff, 0xff, 0xff, 0xff)
	check("long", append(huge, make([]byte, 100)...), len(all))
	other := []byte{0x81, 0x01} // of a later version
	sum := sha256.Sum256(other)
	record := append(append([]byte{0, 0, 0, 2}, sum[:noteCheck]...), other...)
	check("another version", append(record, whole...), len(all))
}

// Beyond its limits a folder notes nothing more, and keeps no receipt.
func TestFolderNotesAreLimited(t *testing.T) {
	d := openDir(t, t.TempDir(), codec.FormatCBOR)
	if err := d.Begin(t.Context(), segment.TransferInfo{ID: [32]byte{1}}); err != nil {
		t.Fatal(err)
	}
	v := segment.Staged{Segment: segment.ID{1}}
	if err := d.note(&v); err != nil {
		t.Fatal(err)
	}
	size := d.notes.size
	for _, c := range []struct{ at, want int64 }{{maxNotes - size + 1, maxNotes - size + 1}, {maxNotes - size, maxNotes}} {
		d.notes.size = c.at
		if err := d.note(&v); err != nil || d.notes.size != c.want {
			t.Errorf("at %d: %d, %v", c.at, d.notes.size, err)
		}
	}
	for n, ok := range map[int]bool{maxReceipt: true, maxReceipt + 1: false} {
		if err := d.Begin(t.Context(), segment.TransferInfo{ID: [32]byte{2}}); err != nil {
			t.Fatal(err)
		}
		if err := d.Commit(t.Context(), segment.End{}, make([]byte, n)); (err == nil) != ok {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// When nothing is staged any more, nobody's notes are of use; while something is,
// those of other transfers stay.
func TestFolderNotesOfOthers(t *testing.T) {
	whole, part := source(newMaker(1, room, 3).history(60), threeRooms()[2]), source(threeRooms()[2])
	for _, c := range []struct {
		name string
		by   *Source
		left int
	}{{"all of it", whole, 0}, {"a part", part, 1}} {
		dir := t.TempDir()
		d, _ := dying(t, dir, 0)
		move(t, whole, d, segment.Scope{}, segment.TransferInfo{ID: [32]byte{1}}, len(list(t, whole, segment.Scope{}).ids)) // all but Commit
		if err := d.Abort(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if _, err := receive(t, c.by, d, 2); err != nil {
			t.Fatal(err)
		}
		if notes, err := d.names(notesDir); err != nil || len(notes) != c.left {
			t.Errorf("%s came again: notes %v, %v", c.name, notes, err)
		}
	}
}
