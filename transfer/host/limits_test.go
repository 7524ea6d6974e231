package host

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// Every limit, on both sides of it.

func TestCommandLimits(t *testing.T) {
	line := func(n int) []byte {
		const head, tail = `{"cmd":"check_code","code":"`, `"}`
		return []byte(head + strings.Repeat("1", n-len(head)-len(tail)) + tail)
	}
	if _, err := parseCommand(line(MaxCommand)); err != nil {
		t.Errorf("a command of %d bytes: %v", MaxCommand, err)
	}
	if _, err := parseCommand(line(MaxCommand + 1)); err == nil {
		t.Error("a longer command is taken")
	}
	for n, ok := range map[int]bool{0: false, 1: true, maxToken: true, maxToken + 1: false} {
		_, err := parseCommand(fmt.Appendf(nil, `{"cmd":"ack","batch":1,"rejected":[{"item":0,"code":%q}]}`, strings.Repeat("a", n)))
		if (err == nil) != ok {
			t.Errorf("a code of %d characters: %v", n, err)
		}
	}
	for n, want := range map[int]int{0: DefaultWindow, 1: 1, MaxWindow: MaxWindow, MaxWindow + 1: DefaultWindow, -1: DefaultWindow} {
		l, c := listen(t, Options{})
		c.Command(fmt.Appendf(nil, `{"cmd":"window","size":%d}`, n))
		if got := c.windowSize(); got != want || (l.kinds() == "") != (n == want) {
			t.Errorf("window %d: %d, %s", n, got, l.kinds())
		}
	}
}

func TestHeldLimit(t *testing.T) {
	_, c := listen(t, Options{})
	sink, err := OpenSink(c, t.TempDir(), SinkOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	if err := sink.enter(segment.TransferInfo{}); err != nil {
		t.Fatal(err)
	}
	for n := range uint32(MaxHeld - 1) {
		var id segment.ID
		binary.BigEndian.PutUint32(id[:], n)
		sink.segments[id] = true
	}
	hex := func(b byte) string { return strings.Repeat(fmt.Sprintf("%02x", b), 32) }
	if err := sink.holds(&Command{Segments: []string{hex(0xfe)}}); err != nil {
		t.Errorf("%d segments: %v", MaxHeld, err)
	}
	if err := sink.holds(&Command{Segments: []string{hex(0xff)}}); err == nil {
		t.Errorf("%d segments are held", len(sink.segments))
	}
}

// A journal that is full takes no more, and loses nothing of what it has.
func TestJournalLimit(t *testing.T) {
	_, c := listen(t, Options{})
	sink, err := OpenSink(c, t.TempDir(), SinkOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	if err := sink.enter(segment.TransferInfo{}); err != nil {
		t.Fatal(err)
	}
	e := &entry{Segment: strings.Repeat("ab", 32), Ledger: new(Ledger)}
	line, err := appendLine(nil, e)
	if err != nil {
		t.Fatal(err)
	}
	for room, noted := range map[int64]bool{int64(len(line)): true, int64(len(line)) - 1: false} {
		j := sink.journal
		j.size = maxJournal - room
		if err := j.note(e); err != nil || (j.size == maxJournal) != noted {
			t.Errorf("room for %d bytes: now %d, %v", room, j.size, err)
		}
	}
}

func TestReceiptLimit(t *testing.T) {
	s := newStore(t)
	sink := s.sink(t.TempDir(), SinkOptions{})
	defer s.close(sink)
	for n, ok := range map[int]bool{maxReceipt: true, maxReceipt + 1: false} {
		info := segment.TransferInfo{ID: [32]byte{byte(n)}}
		if err := sink.Begin(t.Context(), info); err != nil {
			t.Fatal(err)
		}
		err := sink.Commit(t.Context(), segment.End{}, make([]byte, n))
		kept, kerr := sink.Receipt(t.Context(), info.ID)
		if (err == nil) != ok || kerr != nil || (len(kept) == n) != ok {
			t.Errorf("a receipt of %d bytes: %v; %d are kept, %v", n, err, len(kept), kerr)
		}
	}
}

func TestMarksLimit(t *testing.T) {
	var m Marks
	entry := []segment.Entry{{Type: segment.SegmentType, Segment: segment.SegmentEntry{Kind: segment.Messages, Last: 1}}}
	for n := range MaxMarks + 1 {
		m.note(fmt.Sprint("room ", n), entry)
	}
	entry[0].Segment.Last = 2
	m.note("room 0", entry)
	if all := m.List(); len(all) != MaxMarks || all[0].Room != "room 0" || all[0].Last.UnixMilli() != 2 {
		t.Errorf("%d marks, the first %v", len(all), all[0])
	}
}
