package history

import (
	"bytes"
	"errors"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

func TestDirRefusesWhatCannotFit(t *testing.T) {
	m := newMaker(1, room, 5)
	m.attach(m.text("look"), 0, bytes.Repeat([]byte("picture"), 1000))
	l := list(t, source(m.v), segment.Scope{})
	var free uint64
	d, err := OpenDir(t.TempDir(), DirOptions{Free: func(string) (uint64, bool) { return free, true }})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, c := range []struct {
		free, bytes uint64
		fits        bool
	}{{900, 1000, true}, {899, 1000, false}, {0, 0, true}} {
		free = c.free
		err := d.Begin(t.Context(), segment.TransferInfo{Bytes: c.bytes})
		e, full := errors.AsType[*SpaceError](err)
		if full == c.fits || full && (!isDestination(err) || e.Need != c.bytes || e.Free != c.free) {
			t.Errorf("%d bytes into %d: %v", c.bytes, c.free, err)
		}
	}
	e := segment.Entry{Type: segment.AttachmentType, Attachment: l.atts[0]}
	for _, c := range []struct {
		free uint64
		fits bool
	}{{7000, true}, {6999, false}} {
		free = c.free
		if err := d.Begin(t.Context(), segment.TransferInfo{}); err != nil {
			t.Fatal(err)
		}
		for range 2 { // once more after a lost connection: counted once
			_, err := d.Have(t.Context(), segment.RoomEntry{ID: room}, []segment.Entry{e})
			if _, full := errors.AsType[*SpaceError](err); full == c.fits || full && !isDestination(err) {
				t.Errorf("7000 bytes into %d: %v", c.free, err)
			}
		}
	}
	// What came takes up space that was free: room that is made meanwhile counts.
	free = 7000
	if err := d.Begin(t.Context(), segment.TransferInfo{}); err != nil {
		t.Fatal(err)
	}
	other := e
	other.Attachment.MessageID, other.Attachment.Size = "b", 2000
	where := segment.RoomEntry{ID: room}
	if _, err := d.Have(t.Context(), where, []segment.Entry{e}); err != nil {
		t.Fatal(err)
	}
	w, err := d.StageAttachment(t.Context(), where, segment.ID{}, e.Attachment, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := w.Write(make([]byte, 4000)); err != nil {
		t.Fatal(err)
	}
	for _, less := range []uint64{1, 0} { // than what is missing of both
		free = 5000 - less
		_, err := d.Have(t.Context(), where, []segment.Entry{other})
		if _, full := errors.AsType[*SpaceError](err); full != (less > 0) {
			t.Errorf("%d bytes less: %v", less, err)
		}
	}
	if got := (&SpaceError{Need: 12e8, Free: 3e8}).Error(); got != "needs about 1200000000 bytes, 300000000 are free" {
		t.Error(got)
	}
}
