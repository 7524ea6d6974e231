package sqlite

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

func TestStoreRefusesWhatCannotFit(t *testing.T) {
	var free uint64
	var doubt *history.SpaceError
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "s.db"), Options{
		Free:  func(string) (uint64, bool) { return free, true },
		Doubt: func(e *history.SpaceError) { doubt = e },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	refused := func(err error) bool {
		_, full := errors.AsType[*history.SpaceError](err)
		return full && errors.Is(err, ErrDestination)
	}
	in := info(1, "")
	in.Bytes = 1 << 40
	// What is announced may be one content, again and again: there is doubt, no refusal.
	if err := s.Begin(t.Context(), in); err != nil || doubt == nil || doubt.Free != 0 || doubt.Need > in.Bytes || doubt.Need < in.Bytes/2 {
		t.Error(err, doubt)
	}
	for _, less := range []uint64{0, 1} { // than half, with what the store has
		free = 1<<39 - less
		for _, name := range []string{s.path, s.path + "-wal"} {
			file, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			free -= uint64(file.Size())
		}
		doubt = nil
		if err := s.Begin(t.Context(), in); err != nil || (doubt != nil) != (less > 0) {
			t.Errorf("%d less than half: %v, %v", less, err, doubt)
		}
	}
	e := segment.Entry{Type: segment.AttachmentType, Attachment: segment.AttachmentEntry{MessageID: "a", Size: 7000}}
	free, in.Bytes = 7000, 0
	for _, c := range []struct {
		free uint64
		fits bool
	}{{7000, true}, {6999, false}} {
		free = c.free
		if err := s.Begin(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"a", "a", "b"} { // b may be the same content
			e.Attachment.MessageID = id
			if _, err := s.Have(t.Context(), segment.RoomEntry{ID: "r"}, []segment.Entry{e}); refused(err) == c.fits {
				t.Errorf("7000 bytes into %d: %v", c.free, err)
			}
		}
	}
}

// What came takes up space that was free: room that is made meanwhile counts.
func TestStoreCountsRoomThatIsMade(t *testing.T) {
	free := uint64(7000_000)
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "s.db"), Options{Free: func(string) (uint64, bool) { return free, true }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Begin(t.Context(), info(1, "")); err != nil {
		t.Fatal(err)
	}
	room := segment.RoomEntry{ID: "r"}
	have := func(id string, size uint64) error {
		e := segment.Entry{Type: segment.AttachmentType, Attachment: segment.AttachmentEntry{MessageID: id, Size: size}}
		_, err := s.Have(t.Context(), room, []segment.Entry{e})
		return err
	}
	if err := have("a", 7000_000); err != nil {
		t.Fatal(err)
	}
	w, err := s.StageAttachment(t.Context(), room, segment.ID{}, segment.AttachmentEntry{MessageID: "a", Size: 7000_000}, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := w.Write(make([]byte, 4000_000)); err != nil {
		t.Fatal(err)
	}
	for _, less := range []uint64{1, 0} { // than what is missing of both
		database, err := s.databaseSize()
		if err != nil {
			t.Fatal(err)
		}
		free = 5000_000 - (database - s.transfer.space.database) - less
		err = have("b", 2000_000)
		if _, full := errors.AsType[*history.SpaceError](err); full != (less > 0) {
			t.Errorf("%d bytes less: %v", less, err)
		}
	}
}

// A disk that fills up ends the transfer; what is staged stays, and the same goes on.
func TestStoreFullInMidTransfer(t *testing.T) {
	s, closeIt := openStore(t, filepath.Join(t.TempDir(), "s.db"))
	defer closeIt()
	src := manyMessages(t, 2000).source()
	all := leaves(t, src)
	begin(t, s, info(1, ""), all)
	if _, err := s.write.Exec("PRAGMA max_page_count = 1"); err != nil { // no page more than there are
		t.Fatal(err)
	}
	var full error
	for _, l := range all {
		if l.e.Type == segment.SegmentType && full == nil {
			_, full = s.StageSegment(t.Context(), l.room, l.e.Segment, l.data)
		}
	}
	if e, ok := errors.AsType[*DestinationError](full); !ok || e.Cause != Full {
		t.Fatalf("full disk: %v", full)
	}
	if _, err := s.write.Exec("PRAGMA max_page_count = 1000000"); err != nil {
		t.Fatal(err)
	}
	transferTo(t, s, info(1, ""), src)
	checked(t, s)
}
