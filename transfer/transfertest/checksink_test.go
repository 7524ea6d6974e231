package transfertest_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/history/sqlite"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
)

func dirSink(t testing.TB) transfer.Sink {
	s, err := history.OpenDir(t.TempDir(), history.DirOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestCheckSinkOfOurs(t *testing.T) {
	t.Run("folder", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			transfertest.CheckSink(t, func() transfer.Sink { return dirSink(t) })
		})
	})
	t.Run("store", func(t *testing.T) {
		transfertest.CheckSink(t, func() transfer.Sink {
			s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"), sqlite.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() })
			return s
		})
	})
}

// A check that finds nothing in what is wrong is worth nothing.
func TestCheckSinkFinds(t *testing.T) {
	for _, c := range []struct {
		name, want string
		sink       func(transfer.Sink) transfer.Sink
	}{
		{"asks for everything again", "Have asked for", func(s transfer.Sink) transfer.Sink { return forgetful{s} }},
		{"counts everything as imported", "tombstones, want 1", func(s transfer.Sink) transfer.Sink { return boastful{s} }},
		{"takes any content", "want ErrHash", func(s transfer.Sink) transfer.Sink { return trusting{s} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				heard := &hearing{TB: t}
				done := make(chan struct{})
				go func() { // Fatal ends the goroutine
					defer close(done)
					transfertest.CheckSink(heard, func() transfer.Sink { return c.sink(dirSink(t)) })
				}()
				<-done
				if got := strings.Join(heard.said, "\n"); !strings.Contains(got, c.want) {
					t.Errorf("CheckSink says %q, want %q", got, c.want)
				}
			})
		})
	}
}

// A forgetful sink needs each segment, whatever it has.
type forgetful struct{ transfer.Sink }

func (s forgetful) Have(ctx context.Context, room segment.RoomEntry, entries []segment.Entry) ([]segment.Want, error) {
	wants, err := s.Sink.Have(ctx, room, entries)
	for i := range wants {
		if entries[i].Type == segment.SegmentType {
			wants[i].Need = true
		}
	}
	return wants, err
}

// A boastful sink has imported all that it was given.
type boastful struct{ transfer.Sink }

func (s boastful) StageSegment(ctx context.Context, room segment.RoomEntry, e segment.SegmentEntry, data []byte) (segment.Ledger, error) {
	_, err := s.Sink.StageSegment(ctx, room, e, data)
	return segment.Ledger{Imported: e.Items}, err
}

// A trusting sink finds no fault with content.
type trusting struct{ transfer.Sink }

func (s trusting) StageAttachment(ctx context.Context, room segment.RoomEntry, seg segment.ID, e segment.AttachmentEntry, offset uint64) (segment.AttachmentWriter, error) {
	w, err := s.Sink.StageAttachment(ctx, room, seg, e, offset)
	if err != nil {
		return nil, err
	}
	return trustingWriter{w}, nil
}

type trustingWriter struct{ segment.AttachmentWriter }

func (w trustingWriter) Commit(sum [32]byte) error {
	_ = w.AttachmentWriter.Commit(sum)
	return nil
}
