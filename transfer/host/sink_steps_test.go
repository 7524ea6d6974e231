package host

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
)

// picky rejects some items, and one content of three.
func picky(item map[string]any) string {
	if key, ok := item["key"].(string); ok && key[0] == 'a' {
		return "no-such-room"
	}
	if sum, ok := item["sha256"].(string); ok && item["size"].(float64) == 55000 {
		return "too-" + sum[:1]
	}
	return ""
}

// A process may die before any step of the sink: the next one ends with each item once,
// and the same ledger as if nothing had been. What the journal has does not come again.
func TestSinkDiesBeforeEachStep(t *testing.T) {
	source := manySource(t, 1500)
	whole := newStore(t)
	whole.reject = picky
	sink := whole.sink(t.TempDir(), SinkOptions{})
	var steps []string
	sink.step = func(name string) error { steps = append(steps, name); return nil }
	o := whole.run(source, sink)
	whole.close(sink)
	if o.Err() != nil {
		t.Fatal(o.Err())
	}
	ledger := o.Sent.Ledger
	if len(ledger.Quarantined) != 1 || len(ledger.AttachmentsQuarantined) != 1 || ledger.AttachmentsImported != 2 {
		t.Fatalf("%+v", ledger)
	}
	for _, want := range []string{"emit batch", "note", "sync note", "emit content", "remove part", "keep receipt", "emit commit", "mark receipt", "drop journal"} {
		if !slices.Contains(steps, want) {
			t.Errorf("no step is called %s", want)
		}
	}
	for at, name := range steps {
		s, dir, state := newStore(t), t.TempDir(), [2]transfertest.State{}
		s.reject, s.copies, s.repeats = picky, at%2 == 0, true
		sink := s.sink(dir, SinkOptions{})
		n := 0
		sink.step = func(string) error {
			if n++; n <= at {
				return nil
			}
			s.mu.Lock()
			s.dead = true
			s.mu.Unlock()
			return errDied
		}
		died := s.both(t.Context(), source, sink, &state)
		if died.SendErr == nil || CodeOf(died.ReceiveErr) != CodeStorage {
			t.Errorf("death at %s: %v, %v", name, died.SendErr, died.ReceiveErr)
		}
		segments, contents := sink.segments, sink.contents
		s.close(sink)
		s.dead = false
		s.say = func(e map[string]any, answer string) string {
			id, _ := parseHash(e["segment"].(string))
			if e["kind"] != "attachment" {
				if segments[id] {
					t.Errorf("death at %s: segment %x comes again", name, id)
				}
				return answer
			}
			a := e["attachments"].([]any)[0].(map[string]any)
			for key := range contents {
				if key.message == a["message_id"] {
					t.Errorf("death at %s: a content comes again", name)
				}
			}
			return answer
		}
		said := s.say
		s.say = func(e map[string]any, answer string) string {
			if e["event"] != "batch" {
				return answer
			}
			return said(e, answer)
		}
		sink = s.sink(dir, SinkOptions{})
		o := s.both(t.Context(), source, sink, &state)
		s.close(sink)
		if o.Err() != nil {
			t.Fatalf("death at %s: %v", name, o.Err())
		}
		if !o.Sent.Ledger.Equal(ledger) || !o.Received.Ledger.Equal(ledger) {
			t.Errorf("death at %s: %+v, want %+v", name, o.Received.Ledger, ledger)
		}
		if !maps.EqualFunc(s.items, whole.items, func(a, b stagedItem) bool { return a.dialog == b.dialog }) || !maps.Equal(s.contents, whole.contents) {
			t.Errorf("death at %s: %d items of %d, %d contents of %d", name, len(s.items), len(whole.items), len(s.contents), len(whole.contents))
		}
		if left := leftIn(t, dir); len(left) > 0 {
			t.Errorf("death at %s: left %v", name, left)
		}
	}
}

// leftIn lists the files of a folder without receipts.
func leftIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	for _, sub := range []string{partsDir, journalsDir} {
		entries, err := os.ReadDir(filepath.Join(dir, sub))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			names = append(names, sub+"/"+e.Name())
		}
	}
	return names
}

// A content that was rejected keeps its column over a lost connection too, and does not
// come again.
func TestSinkRejectsOnceOverConnections(t *testing.T) {
	s := newStore(t)
	s.reject = picky
	network := new(transfertest.Network)
	rejected := 0
	s.say = func(e map[string]any, answer string) string {
		contents, _ := e["attachments"].([]any)
		if len(contents) > 0 && picky(contents[0].(map[string]any)) != "" {
			if rejected++; rejected == 1 {
				s.wait.Go(func() { time.Sleep(20 * time.Millisecond); network.Cut() })
			}
		}
		return answer
	}
	s.slow = 10 * time.Millisecond
	sink := s.sink(t.TempDir(), SinkOptions{})
	defer s.close(sink)
	o := transfertest.Run(t.Context(), sending(manySource(t, 1500), network), receiving(sink, network))
	if o.Err() != nil {
		t.Fatal(o.Err())
	}
	if l := o.Sent.Ledger; rejected != 1 || len(l.AttachmentsQuarantined) != 1 || !l.Equal(o.Received.Ledger) || l.Balanced() != nil {
		t.Errorf("rejected %d times: %+v", rejected, l)
	}
}

// Two transfers in one folder: what the first had staged the host says it has, the
// second completes the rest, and what the first left goes when it is old.
func TestSinkTwoTransfers(t *testing.T) {
	s, dir := newStore(t), t.TempDir()
	sink := s.sink(dir, SinkOptions{})
	n := 0
	sink.step = func(step string) error {
		if n++; n == 8 {
			return errDied
		}
		return nil
	}
	if o := s.run(manySource(t, 1500), sink); o.Err() == nil {
		t.Fatal("it was not cut short")
	}
	s.close(sink)
	sink = s.sink(dir, SinkOptions{})
	o := s.run(manySource(t, 1500), sink)
	s.close(sink)
	if l := o.Sent.Ledger; o.Err() != nil || l.There == 0 || l.Imported == 0 || l.There+l.Imported != 1500 || len(s.items) != 1500 {
		t.Errorf("%v: %+v, %d items", o.Err(), l, len(s.items))
	}
	if left := leftIn(t, dir); len(left) == 0 {
		t.Error("nothing is left of the first transfer, so that nothing grows old here")
	}
	sink = s.sink(dir, SinkOptions{Now: func() time.Time { return time.Now().Add(maxStaged + time.Hour) }})
	s.close(sink)
	receipts, err := os.ReadDir(filepath.Join(dir, receiptsDir))
	if left := leftIn(t, dir); len(left) > 0 || len(receipts) > 0 || err != nil {
		t.Errorf("left %v, %v: %v", left, receipts, err)
	}
}

// One process has a folder at a time.
func TestSinkLocked(t *testing.T) {
	s, dir := newStore(t), t.TempDir()
	sink := s.sink(dir, SinkOptions{})
	if _, err := OpenSink(s.conn, dir, SinkOptions{}); CodeOf(err) != CodeStorage {
		t.Errorf("opened twice: %v", err)
	}
	s.close(sink)
	for _, err := range sink.Staged(t.Context(), [32]byte{1}) {
		if err == nil {
			t.Error("a closed sink has staged something")
		}
	}
	if err := sink.Begin(t.Context(), segment.TransferInfo{}); CodeOf(err) != CodeStorage {
		t.Errorf("begun in a closed sink: %v", err)
	}
	sink = s.sink(dir, SinkOptions{})
	s.close(sink)
}
