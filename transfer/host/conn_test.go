package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
)

// A listener is a host that keeps what it is told.
type listener struct {
	mu     sync.Mutex
	events []map[string]any
	answer func(e map[string]any) string // a command, or ""
	conn   *Conn
	broken bool
}

func listen(t *testing.T, o Options) (*listener, *Conn) {
	l := new(listener)
	o.Write = l.write
	l.conn = New(o)
	t.Cleanup(l.conn.Close)
	return l, l.conn
}

func (l *listener) write(line []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken {
		return errors.New("broken pipe")
	}
	var e map[string]any
	if err := json.Unmarshal(line, &e); err != nil || line[len(line)-1] != '\n' {
		return fmt.Errorf("%q: %w", line, err)
	}
	l.events = append(l.events, e)
	if l.answer != nil {
		if c := l.answer(e); c != "" {
			go l.conn.Command([]byte(c))
		}
	}
	return nil
}

func (l *listener) kinds() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	for _, e := range l.events {
		name := fmt.Sprint(e["event"])
		if code, ok := e["code"]; ok && name == "warning" {
			name += ":" + fmt.Sprint(code)
		}
		all = append(all, name)
	}
	return strings.Join(all, " ")
}

// Done is the last event, whatever comes after it.
func TestDoneIsLast(t *testing.T) {
	l, c := listen(t, Options{})
	c.Tell("one", "1")
	for range 2 {
		if err := c.Emit(Done{OK: true, Code: CodeOK}); err != nil {
			t.Fatal(err)
		}
	}
	c.Tell("two", "2")
	c.Progress(transfer.Progress{})
	if got := l.kinds(); got != "warning:one done" {
		t.Error(got)
	}
}

// A host that takes no events ends the transfer, once it is noticed.
func TestHostGone(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	l, c := listen(t, Options{Cancel: cancel})
	l.broken = true
	if err := c.Emit(CheckCode{Code: "123456"}); !errors.Is(err, ErrGone) {
		t.Errorf("%v", err)
	}
	if !errors.Is(context.Cause(ctx), ErrGone) {
		t.Errorf("%v", context.Cause(ctx))
	}
}

// An answer counts for the question that is open, and for no other.
func TestAnswers(t *testing.T) {
	transfertest.CheckLeaks(t)
	l, c := listen(t, Options{})
	c.Command([]byte(`{"cmd":"check_code","code":"000000"}`)) // before anybody asked
	l.answer = func(e map[string]any) string {
		switch {
		case e["event"] != "check_code":
			return ""
		case e["tries"] == 3.0:
			return `{"cmd":"consent","ok":true}` // another question's
		}
		return `{"cmd":"check_code","code":"111111"}`
	}
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if got, err := c.AskCheckCode(short, segment.TransferInfo{}, 3); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := c.AskCheckCode(t.Context(), segment.TransferInfo{}, 2); err != nil || got != "111111" {
		t.Errorf("%q, %v", got, err)
	}
	c.End()
	if _, err := c.AskCheckCode(t.Context(), segment.TransferInfo{}, 1); !errors.Is(err, ErrClosed) {
		t.Errorf("%v", err)
	}
	if got := l.kinds(); got != "warning:unexpected-command check_code warning:unexpected-command check_code check_code" {
		t.Error(got)
	}
}

// Progress comes ten times a second at most; the first, and that all is there, always.
func TestProgressRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, c := listen(t, Options{})
		const total = 2000
		for i := range uint64(total) {
			c.Progress(transfer.Progress{Bytes: i, TotalBytes: total, Elapsed: time.Duration(i) * time.Millisecond})
			time.Sleep(time.Millisecond)
		}
		c.Progress(transfer.Progress{Bytes: total, TotalBytes: total, Storing: true})
		if n := len(l.events); n != 21 {
			t.Errorf("%d events in two seconds", n)
		}
		if e := l.events[len(l.events)-1]; e["storing"] != true || e["bytes"] != float64(total) {
			t.Errorf("%v", e)
		}
	})
}

// A consent narrows and never widens.
func TestNarrower(t *testing.T) {
	day := func(d int) time.Time { return time.Date(2026, 1, d, 0, 0, 0, 0, time.UTC) }
	asked := segment.Scope{Rooms: []string{"a", "b"}, Since: day(5), Until: day(10), MaxMessages: 7}
	for answer, want := range map[string]string{
		`{"ok":true}`:                                "[a b] 5 10 7 false",
		`{"ok":true,"rooms":["b"]}`:                  "[b] 5 10 7 false",
		`{"ok":true,"rooms":["c"]}`:                  "declined",
		`{"ok":true,"rooms":[]}`:                     "declined",
		`{"ok":true,"since":"2026-01-01T00:00:00Z"}`: "[a b] 5 10 7 false",
		`{"ok":true,"since":"2026-01-06T00:00:00Z"}`: "[a b] 6 10 7 false",
		`{"ok":true,"since":"2026-01-10T00:00:00Z"}`: "declined",
		`{"ok":true,"until":"2026-01-20T00:00:00Z"}`: "[a b] 5 10 7 false",
		`{"ok":true,"until":"2026-01-09T00:00:00Z"}`: "[a b] 5 9 7 false",
		`{"ok":true,"max_messages":8}`:               "[a b] 5 10 7 false",
		`{"ok":true,"max_messages":6}`:               "[a b] 5 10 6 false",
		`{"ok":true,"max_messages":0}`:               "[a b] 5 10 7 false",
		`{"ok":true,"no_media":true}`:                "[a b] 5 10 7 true",
		`{"ok":false}`:                               "declined",
	} {
		l, c := listen(t, Options{})
		l.answer = func(map[string]any) string { return strings.Replace(answer, "{", `{"cmd":"consent",`, 1) }
		s, err := c.Consent(t.Context(), transfer.ConsentRequest{Intent: pairing.SameAccount, Overview: new(segment.Overview), Scope: asked})
		got := fmt.Sprint(s.Rooms, s.Since.Day(), s.Until.Day(), s.MaxMessages, s.NoMedia)
		if errors.Is(err, transfer.ErrDeclined) {
			got = "declined"
		}
		if got != want {
			t.Errorf("%s: %s, %v; want %s", answer, got, err, want)
		}
	}
}

// The marks are of the newest message of each room, on whatever page it was.
func TestMarks(t *testing.T) {
	var m Marks
	seg := func(kind segment.Kind, last int64) segment.Entry {
		return segment.Entry{Type: segment.SegmentType, Segment: segment.SegmentEntry{Kind: kind, Last: last}}
	}
	room := func(id string) segment.Entry {
		return segment.Entry{Type: segment.RoomType, Room: segment.RoomEntry{ID: id}}
	}
	m.note("", []segment.Entry{room("b"), seg(segment.Messages, 5000), seg(segment.Messages, 4000), room("a"), seg(segment.Roster, 9000)})
	m.note(m.room, []segment.Entry{seg(segment.Messages, 1000), seg(segment.Messages, 3000)})
	if got := fmt.Sprint(m.List()); got != "[{a 1970-01-01 00:00:03 +0000 UTC} {b 1970-01-01 00:00:05 +0000 UTC}]" {
		t.Error(got)
	}
}

// No name of the peer's disturbs a host that prints it.
func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"old phone": "old phone", "a\nb\tc": "a b c", "\x1b[31mred": `\x1b[31mred`, "\u202eevil": `\u202eevil`,
		"\xff": "\uFFFD", "123456789012345": "123456789012…",
	} {
		if got := Printable(in, 12); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// A null is no answer: of the rooms of a consent it would mean all of them.
func TestNullFields(t *testing.T) {
	for _, line := range []string{
		`{"cmd":"consent","ok":null}`, `{"cmd":"consent","ok":true,"rooms":null}`, `{"cmd":"consent","ok":true,"since":null}`,
		`{"cmd":"ack","batch":1,"rejected":null}`, `{"cmd":"have","more":null}`, `{"cmd":null}`, `null`,
	} {
		if c, err := parseCommand([]byte(line)); err == nil {
			t.Errorf("%s is %+v", line, c)
		}
	}
}
