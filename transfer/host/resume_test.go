package host

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
)

const filmSize = 6 << 20

// filmSource is one message with a large attachment.
func filmSource() transfer.Source {
	const room = "mimi://example.com/r/film"
	id, start := codec.BinaryOf(append([]byte{1}, make([]byte, 31)...)), codec.Date("2024-03-01T09:00:00Z")
	v := &codec.VCon{Version: codec.Version, Room: &codec.Room{ID: room, Name: "Film"}, Parties: []codec.Party{
		{IMURI: room}, {IMURI: "mimi://example.com/u/alice", Name: "Alice"},
	}}
	v.Dialog = []codec.Dialog{{
		Type: "text", Start: start, Duration: new(uint64), Parties: []uint32{0}, Originator: new(uint32(1)), MessageID: id,
		MediaType: "text/plain", Encoding: codec.EncodingNone, Body: codec.Body{Kind: codec.BodyText, Data: []byte("look")},
	}}
	var film bytes.Buffer
	for i := 0; film.Len() < filmSize; i++ {
		fmt.Fprintf(&film, "%015d\n", i)
	}
	v.Attachments = []codec.Attachment{{
		Party: new(uint32(1)), MediaType: "video/mp4", Filename: "/etc/../film\x00.mp4", Start: start,
		DialogObjectRef: "mid:" + string(id) + ":0@anon.invalid", Encoding: codec.EncodingBase64URL,
		Body: codec.Body{Kind: codec.BodyBytes, Data: film.Bytes()},
	}}
	return history.NewSource(history.FromVCons([]*codec.VCon{v}), history.SourceOptions{})
}

// A dyingSink ends its process when so many bytes of a content are written.
type dyingSink struct {
	*Sink
	left int
	die  func()
}

func (s *dyingSink) StageAttachment(ctx context.Context, room segment.RoomEntry, seg segment.ID, e segment.AttachmentEntry, offset uint64) (segment.AttachmentWriter, error) {
	w, err := s.Sink.StageAttachment(ctx, room, seg, e, offset)
	return dyingWriter{w, s}, err
}

type dyingWriter struct {
	segment.AttachmentWriter
	s *dyingSink
}

func (w dyingWriter) Write(p []byte) (int, error) {
	if w.s.left -= len(p); w.s.left < 0 {
		w.s.die()
	}
	return w.AttachmentWriter.Write(p)
}

// What is there of a large content is not sent again by another process.
func TestSinkResumesContent(t *testing.T) {
	transfertest.CheckLeaks(t)
	s, dir, state := newStore(t), t.TempDir(), [2]transfertest.State{}
	ctx, cancel := context.WithCancelCause(t.Context())
	sink := s.sink(dir, SinkOptions{})
	o := s.both(ctx, filmSource(), &dyingSink{sink, filmSize * 2 / 3, func() { cancel(errDied) }}, &state)
	cancel(nil)
	s.close(sink)
	if o.ReceiveErr == nil || len(s.contents) > 0 {
		t.Fatal("it was not cut short")
	}
	parts, err := os.ReadDir(dir + "/" + partsDir)
	if err != nil || len(parts) != 1 {
		t.Fatal(parts, err)
	}
	info, err := parts[0].Info()
	if err != nil || info.Size() < filmSize/2 || info.Size() >= filmSize || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v: %v", info, err)
	}
	sink = s.sink(dir, SinkOptions{})
	defer s.close(sink)
	o = s.both(t.Context(), filmSource(), sink, &state)
	if o.Err() != nil || len(s.contents) != 1 || o.Received.Ledger.AttachmentsImported != 1 {
		t.Fatalf("%v: %d contents", o.Err(), len(s.contents))
	}
	if most := uint64(filmSize-info.Size()) + filmSize/8; o.Received.Received > most {
		t.Errorf("%d bytes came in the second run, want at most %d", o.Received.Received, most)
	}
}

// A host that acknowledges late, after the connection was lost, and moves the file when
// the new connection has asked for its end already, gets it once and ends nothing.
func TestSinkMovesLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t)
		network := new(transfertest.Network)
		given, path := 0, ""
		s.copies = true
		s.say = func(e map[string]any, answer string) string {
			if e["kind"] != "attachment" {
				return answer
			}
			given++
			path = e["attachments"].([]any)[0].(map[string]any)["path"].(string)
			s.wait.Go(func() {
				time.Sleep(time.Second)
				network.Vanish()
				time.Sleep(4 * time.Minute)
				s.conn.Command([]byte(answer))
			})
			return ""
		}
		sink := s.sink(t.TempDir(), SinkOptions{})
		o := transfertest.Run(t.Context(), sending(filmSource(), network), receiving(&movingSink{sink, func() { os.Remove(path) }}, network))
		s.close(sink)
		if o.Err() != nil || given != 1 || o.Received.Ledger.AttachmentsImported != 1 {
			t.Errorf("%v: given %d times over %d connections", o.Err(), given, network.Made())
		}
	})
}

// A movingSink lets the host move a content between Have and what Have asked for.
type movingSink struct {
	*Sink
	move func()
}

func (s *movingSink) StageAttachment(ctx context.Context, room segment.RoomEntry, seg segment.ID, e segment.AttachmentEntry, offset uint64) (segment.AttachmentWriter, error) {
	if offset > 0 && s.move != nil {
		s.move()
		s.move = nil
	}
	return s.Sink.StageAttachment(ctx, room, seg, e, offset)
}
