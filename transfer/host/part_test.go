package host

import (
	"crypto/sha256"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// begun is a sink in a transfer, whose host acknowledges everything and takes no file.
func begun(t *testing.T, dir string) *Sink {
	t.Helper()
	s := newStore(t)
	s.copies = true
	sink := s.sink(dir, SinkOptions{})
	t.Cleanup(func() { s.close(sink) })
	if err := sink.Begin(t.Context(), segment.TransferInfo{ID: [32]byte{1}}); err != nil {
		t.Fatal(err)
	}
	return sink
}

var (
	partRoom  = segment.RoomEntry{ID: "mimi://example.com/r/many"}
	partSeg   = segment.ID{7}
	partData  = []byte(strings.Repeat("content ", 1000))
	partEntry = segment.AttachmentEntry{MessageID: "m", Part: 1, Size: uint64(len(partData))}
)

func offset(t *testing.T, s *Sink) uint64 {
	t.Helper()
	w, err := s.haveContent(keyOf(partRoom.ID, &partEntry))
	if err != nil || !w.Need {
		t.Fatalf("%+v, %v", w, err)
	}
	return w.Offset
}

// A part that is shorter than it was when Have looked, or gone, as after a host that moves
// the file late, is asked for anew and ends nothing.
func TestSinkPartVanishes(t *testing.T) {
	sum := sha256.Sum256(partData)
	for name, spoil := range map[string]func(path string) error{
		"gone":    os.Remove,
		"shorter": func(path string) error { return os.Truncate(path, 5) },
		"other":   func(path string) error { return os.WriteFile(path, make([]byte, 3000), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			s := begun(t, t.TempDir())
			w, err := s.StageAttachment(t.Context(), partRoom, partSeg, partEntry, 0)
			if err == nil {
				_, err = w.Write(partData[:3000])
			}
			if err = errors.Join(err, w.Close()); err != nil {
				t.Fatal(err)
			}
			at := offset(t, s)
			if at != 3000 {
				t.Fatal(at)
			}
			if err := spoil(s.path + "/" + keyOf(partRoom.ID, &partEntry).part()); err != nil {
				t.Fatal(err)
			}
			w, err = s.StageAttachment(t.Context(), partRoom, partSeg, partEntry, at)
			if err == nil {
				_, err = w.Write(partData[at:])
				err = errors.Join(err, w.Commit(sum), w.Close())
			}
			if !errors.Is(err, segment.ErrHash) {
				t.Fatalf("%v, want %v", err, segment.ErrHash)
			}
			if at := offset(t, s); at != 0 {
				t.Fatalf("%d bytes are still there", at)
			}
			if w, err = s.StageAttachment(t.Context(), partRoom, partSeg, partEntry, 0); err == nil {
				_, err = w.Write(partData)
				err = errors.Join(err, w.Commit(sum), w.Close())
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := s.contents[keyOf(partRoom.ID, &partEntry)]; got != sum {
				t.Errorf("%x", got)
			}
		})
	}
}
