package host

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
)

// A host that widens its window is given more at once, without another ack.
func TestSinkWindowGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t)
		var kept []string
		s.say = func(e map[string]any, answer string) string {
			if e["event"] != "batch" || e["kind"] != "messages" {
				return answer
			}
			switch kept = append(kept, answer); {
			case len(kept) == 1 && e["last"] != true:
				return `{"cmd":"window","size":3}` // and no ack before three are here
			case len(kept) < 3 && e["last"] != true:
				return ""
			}
			for i := len(kept) - 1; i > 0; i-- { // the newest first
				s.answers <- kept[i]
			}
			answer, kept = kept[0], nil
			return answer
		}
		sink := s.sink(t.TempDir(), SinkOptions{})
		defer s.close(sink)
		s.conn.Command([]byte(`{"cmd":"window","size":1}`))
		began := time.Now()
		if o := s.run(manySource(t, 1000), sink); o.Err() != nil || s.most != 3 || time.Since(began) > time.Minute {
			t.Errorf("%d at once after %v: %v", s.most, time.Since(began), o.Err())
		}
	})
}

// A window that is none changes nothing, and is told.
func TestWindowSizes(t *testing.T) {
	l, c := listen(t, Options{})
	for i, size := range []string{"0", "-1", "65", "1000000", "99999999999999999999", "1e3", "null", `"4"`} {
		if c.Command([]byte(`{"cmd":"window","size":` + size + `}`)); c.windowSize() != DefaultWindow || len(l.events) != i+1 {
			t.Errorf("window %s: %d, %d warnings", size, c.windowSize(), len(l.events))
		}
	}
}

// A large content goes on where the process before stopped; one that is not what its
// hash says begins anew.
func TestSinkContentGoesOn(t *testing.T) {
	const size = 5<<20 + 7
	content := make([]byte, size)
	for i := range content {
		content[i] = byte(i >> 8)
	}
	sum, s, dir := sha256.Sum256(content), newStore(t), t.TempDir()
	room, e := segment.RoomEntry{ID: "../../r"}, segment.AttachmentEntry{MessageID: "../m", Size: size, Filename: "../../../etc/passwd"}
	life := func(want uint64, data []byte, commit bool) error {
		sink := s.sink(dir, SinkOptions{})
		defer s.close(sink)
		if err := sink.Begin(t.Context(), segment.TransferInfo{ID: [32]byte{1}}); err != nil {
			t.Fatal(err)
		}
		wants, err := sink.Have(t.Context(), room, []segment.Entry{{Type: segment.AttachmentType, Attachment: e}})
		if err != nil || !wants[0].Need || wants[0].Offset != want {
			t.Fatalf("%+v, %v; want offset %d", wants, err, want)
		}
		w, err := sink.StageAttachment(t.Context(), room, segment.ID{1}, e, want)
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Write(data)
		if err == nil && commit {
			err = w.Commit(sum)
		}
		return errors.Join(err, w.Close())
	}
	for _, step := range []struct {
		want   uint64
		data   []byte
		commit bool
		err    error
	}{
		{0, content[:1<<20], false, nil},
		{1 << 20, nil, false, nil},
		{1 << 20, content[1<<20 : 3<<20], false, nil},
		{3 << 20, make([]byte, size-3<<20), true, segment.ErrHash}, // and what was there is gone
		{0, content[:4<<20], true, segment.ErrHash},                // too short
		{0, append(bytes.Clone(content), 0), true, segment.ErrHash},
		{0, content, false, nil},
		{size, nil, true, nil},
	} {
		if err := life(step.want, step.data, step.commit); !errors.Is(err, step.err) || step.err == nil && err != nil {
			t.Fatalf("from %d: %v, want %v", step.want, err, step.err)
		}
	}
	if len(s.contents) != 1 {
		t.Errorf("%d contents", len(s.contents))
	}
	if left := leftIn(t, dir); len(left) != 1 { // the journal
		t.Errorf("left %v", left)
	}
	sink := s.sink(dir, SinkOptions{})
	defer s.close(sink)
	if err := sink.Begin(t.Context(), segment.TransferInfo{ID: [32]byte{1}}); err != nil {
		t.Fatal(err)
	}
	if _, err := sink.StageAttachment(t.Context(), room, segment.ID{}, e, size+1); err == nil {
		t.Error("a content goes on behind its end")
	}
}

// More than may be named is an error and not memory; what is none is told.
func TestSinkHaveIsBounded(t *testing.T) {
	s := newStore(t)
	sink := s.sink(t.TempDir(), SinkOptions{})
	defer s.close(sink)
	warned := 0
	s.say = func(e map[string]any, answer string) string {
		switch e["event"] {
		case "warning":
			warned++
		case "have":
			s.answers <- `{"cmd":"have","segments":["ab",""],"attachments":[{"room":"","message_id":"","part":0,"size":0,"sha256":""}],"more":true}`
			return fmt.Sprintf(`{"cmd":"have","segments":["%064x"]}`, 7)
		}
		return ""
	}
	if err := sink.Begin(t.Context(), segment.TransferInfo{ID: [32]byte{1}}); err != nil {
		t.Fatal(err)
	}
	if len(sink.segments) != 1 || len(sink.contents) != 0 || warned != 3 {
		t.Errorf("%d segments, %d contents, %d warnings", len(sink.segments), len(sink.contents), warned)
	}
	for i := range MaxHeld {
		sink.segments[segment.ID{1, byte(i), byte(i >> 8), byte(i >> 16)}] = true
	}
	if err := sink.holds(&Command{Segments: []string{"x"}}); err == nil {
		t.Error("a segment more than may be named")
	}
}

// The wait for an ack ends with its context.
func TestSinkWaitIsCalledOff(t *testing.T) {
	transfertest.CheckLeaks(t)
	s := newStore(t)
	ctx, cancel := context.WithCancel(t.Context())
	s.say = func(e map[string]any, answer string) string {
		if e["event"] == "batch" {
			cancel()
			return ""
		}
		return answer
	}
	sink := s.sink(t.TempDir(), SinkOptions{})
	defer s.close(sink)
	network, began := new(transfertest.Network), time.Now()
	o := transfertest.Run(ctx, sending(sampleSource(t), network), receiving(sink, network))
	if o.ReceiveErr == nil || time.Since(began) > 30*time.Second {
		t.Errorf("after %v: %v", time.Since(began), o.ReceiveErr)
	}
}
