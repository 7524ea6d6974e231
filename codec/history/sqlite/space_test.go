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
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "s.db"), Options{Free: func(string) (uint64, bool) { return free, true }})
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
	if err := s.Begin(t.Context(), in); !refused(err) {
		t.Error(err)
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
		if err := s.Begin(t.Context(), in); refused(err) != (less > 0) {
			t.Errorf("%d less than half: %v", less, err)
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
