package host

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
)

// half is a host that has most of a history from a run that was cut short before its
// commit, with the folder and the states of that.
func half(t *testing.T) (s *store, dir string, state [2]transfertest.State) {
	t.Helper()
	s, dir = newStore(t), t.TempDir()
	s.repeats = true
	s.say = func(e map[string]any, answer string) string {
		switch e["event"] {
		case "have":
			return `{"cmd":"have"}`
		case "commit":
			return `{"cmd":"abort","code":"disk-full"}`
		}
		return answer
	}
	sink := s.sink(dir, SinkOptions{})
	o := s.both(t.Context(), manySource(t, 800), sink, &state)
	s.close(sink)
	if CodeOf(o.ReceiveErr) != CodeStorage {
		t.Fatal(o.Err())
	}
	s.say = func(e map[string]any, answer string) string {
		if e["event"] == "have" {
			return `{"cmd":"have"}`
		}
		return answer
	}
	return s, dir, state
}

// Wherever a journal is damaged, what it cannot say comes again, and nothing else, and
// the host ends with each item once.
func TestSinkJournalDamaged(t *testing.T) {
	flip := func(at func(n int) int) func([]byte) []byte {
		return func(b []byte) []byte { b[at(len(b))] ^= 1; return b }
	}
	for name, damage := range map[string]func([]byte) []byte{
		"empty":       func([]byte) []byte { return nil },
		"first byte":  flip(func(int) int { return 0 }),
		"middle":      flip(func(n int) int { return n / 2 }),
		"last byte":   flip(func(n int) int { return n - 1 }),
		"torn":        func(b []byte) []byte { return b[:len(b)-7] },
		"zeros":       func(b []byte) []byte { return append(b, make([]byte, 4096)...) },
		"long line":   func(b []byte) []byte { return append(b, bytes.Repeat([]byte("a"), 2*maxEntry)...) },
		"same twice":  func(b []byte) []byte { return append(b, b...) },
		"random tail": func(b []byte) []byte { return append(b, "\n\nnonsense\n"...) },
	} {
		t.Run(name, func(t *testing.T) {
			s, dir, state := half(t)
			files, err := filepath.Glob(filepath.Join(dir, journalsDir, "*"))
			if err != nil || len(files) != 1 {
				t.Fatal(files, err)
			}
			b, err := os.ReadFile(files[0])
			if err == nil {
				b = damage(b)
				err = os.WriteFile(files[0], b, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			known := 0
			if _, err := readJournal(bytes.NewReader(b), func(*entry) bool { known++; return true }); err != nil {
				t.Fatal(err)
			}
			items, contents := maps.Clone(s.items), maps.Clone(s.contents)
			before := len(s.batches)
			sink := s.sink(dir, SinkOptions{})
			o := s.both(t.Context(), manySource(t, 800), sink, &state)
			s.close(sink)
			if o.Err() != nil {
				t.Fatal(o.Err())
			}
			if !maps.Equal(s.items, items) || !maps.Equal(s.contents, contents) || s.final != 1 {
				t.Errorf("%d items, %d contents, %d commits", len(s.items), len(s.contents), s.final)
			}
			if came := len(s.batches) - before; known > 0 && came == before || known == 0 && came != before {
				t.Errorf("%d batches of %d came again, although the journal has %d entries", came, before, known)
			}
			if l := o.Received.Ledger; l.Balanced() != nil || !l.Equal(o.Sent.Ledger) || l.Source != 800 || l.Imported+l.There != 800 {
				t.Errorf("%+v", l)
			}
		})
	}
}

// A full disk ends the run with storage, whatever it was that did not fit; with room
// again, the next run ends well.
func TestSinkDiskFull(t *testing.T) {
	full := func() *os.File {
		f, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
		if err != nil {
			t.Skip("needs /dev/full")
		}
		return f
	}
	full().Close()
	t.Run("journal", func(t *testing.T) {
		s, dir, state := newStore(t), t.TempDir(), [2]transfertest.State{}
		s.repeats = true
		sink := s.sink(dir, SinkOptions{})
		n := 0
		sink.step = func(step string) error {
			if n++; step == "note" && n > 3 {
				return errors.Join(sink.journal.f.Close(), func() error { sink.journal.f = full(); return nil }())
			}
			return nil
		}
		o := s.both(t.Context(), manySource(t, 800), sink, &state)
		if CodeOf(o.ReceiveErr) != CodeStorage || o.SendErr == nil {
			t.Errorf("%v; %v", o.ReceiveErr, o.SendErr)
		}
		s.close(sink)
		sink = s.sink(dir, SinkOptions{})
		o = s.both(t.Context(), manySource(t, 800), sink, &state)
		s.close(sink)
		if o.Err() != nil || len(s.items) != 800 || len(s.contents) != 2 || s.final != 1 {
			t.Errorf("%v: %d items, %d contents, %d commits", o.Err(), len(s.items), len(s.contents), s.final)
		}
	})
	t.Run("part", func(t *testing.T) {
		s := begun(t, t.TempDir())
		w, err := s.StageAttachment(t.Context(), partRoom, partSeg, partEntry, 0)
		if err != nil {
			t.Fatal(err)
		}
		p := w.(*partWriter)
		if _, err := p.Write(partData[:3000]); err != nil {
			t.Fatal(err)
		}
		there := p.f
		p.f = full()
		if _, err := p.Write(partData[3000:]); CodeOf(err) != CodeStorage {
			t.Errorf("%v", err)
		}
		if err := errors.Join(w.Close(), there.Close()); err != nil && CodeOf(err) != CodeStorage {
			t.Error(err)
		}
		if at := offset(t, s); at != 3000 {
			t.Errorf("goes on at %d", at)
		}
		if _, ok := s.contents[keyOf(partRoom.ID, &partEntry)]; ok {
			t.Error("held")
		}
	})
}

// The window may change while batches are with the host: nobody is given more than the
// new one, and a larger one is filled at once.
func TestSinkWindowChanges(t *testing.T) {
	s := newStore(t)
	var waiting []string
	limit, flying := 2, 0
	s.say = func(e map[string]any, answer string) string {
		if e["event"] != "batch" || e["kind"] != "messages" {
			return answer
		}
		if flying++; flying > limit {
			t.Errorf("%d batches in flight, the window is %d", flying, limit)
		}
		waiting = append(waiting, answer)
		switch {
		case limit == 2 && flying == 2: // a larger one, and no ack
			limit = 3
			return `{"cmd":"window","size":3}`
		case limit == 3 && flying == 3 || e["last"] == true: // a smaller one, and then all acks, the last first
			limit, flying = 1, 0
			s.answers <- `{"cmd":"window","size":1}`
			for i := len(waiting) - 1; i >= 0; i-- {
				s.answers <- waiting[i]
			}
			waiting = nil
			return ""
		case limit == 1:
			flying, waiting = 0, nil
			return answer
		}
		return ""
	}
	sink := s.sink(t.TempDir(), SinkOptions{})
	defer s.close(sink)
	s.conn.setWindow(2)
	o := s.run(manySource(t, 2000), sink)
	if o.Err() != nil || o.Received.Ledger.Imported != 2000 || limit != 1 {
		t.Errorf("%v, the window is %d", o.Err(), limit)
	}
}

// What an ack says of another batch, or says twice, counts nothing: a host that says each
// thing two times, and to every number, has the same ledger.
func TestSinkAcksTwice(t *testing.T) {
	s := newStore(t)
	warned := 0
	s.say = func(e map[string]any, answer string) string {
		if e["event"] == "warning" {
			warned++
			return ""
		}
		if e["event"] == "batch" {
			s.answers <- `{"cmd":"ack","batch":0}`
			s.answers <- `{"cmd":"ack","batch":18446744073709551615,"rejected":[{"item":0,"code":"x"}]}`
			s.answers <- answer
		}
		return answer
	}
	sink := s.sink(t.TempDir(), SinkOptions{})
	defer s.close(sink)
	o := s.run(manySource(t, 800), sink)
	if o.Err() != nil {
		t.Fatal(o.Err())
	}
	if l := o.Received.Ledger; l.Imported != 800 || len(l.Quarantined) > 0 || !l.Equal(o.Sent.Ledger) || warned == 0 {
		t.Errorf("%d warnings, %+v", warned, l)
	}
}
