package bind

import (
	"context"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/host"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
)

// count is how many messages a source of these files has.
func count(t *testing.T, paths ...string) int {
	t.Helper()
	r, err := history.OpenFiles(t.Context(), paths, history.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := history.NewSource(r, history.SourceOptions{})
	defer s.Close()
	o, err := s.Overview(t.Context(), segment.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	return int(o.Messages)
}

func TestImport(t *testing.T) {
	for _, route := range []string{"loopback", "socket"} {
		t.Run(route, func(t *testing.T) {
			transfertest.CheckLeaks(t)
			p := newPair(t, 300)
			if route == "socket" {
				p.socket()
			}
			p.start()
			p.imported(count(t, p.send.Sources))
			if got, want := strings.Join(p.receiver.kinds(), " "), "offer connected check_code connected done"; got != want {
				t.Errorf("receiver: %s, want %s", got, want)
			}
			if got, want := strings.Join(p.sender.kinds(), " "), "connected consent check_code connected done"; got != want {
				t.Errorf("sender: %s, want %s", got, want)
			}
			if p.receiver.await("connected")["peer"] != "old phone" || p.sender.await("done")["resume"] != false {
				t.Error(p.receiver.lines, p.sender.lines)
			}
		})
	}
}

func TestConsented(t *testing.T) {
	transfertest.CheckLeaks(t)
	p := newPair(t, 20)
	p.send.Consented, p.send.NoMedia, p.send.Sources = true, true, "[\""+p.send.Sources+"\"]"
	p.start()
	p.imported(count(t, p.send.Sources[2:len(p.send.Sources)-2]))
	if p.sender.await("consent")["want"] != false {
		t.Error("asked")
	}
}

func TestDeclined(t *testing.T) {
	transfertest.CheckLeaks(t)
	p := newPair(t, 20)
	p.sender.on["consent"] = func(map[string]any) { p.sending.Consent(false) }
	p.start()
	p.sender.expect(p.sending, "declined", 6)
	p.receiver.expect(p.receiving, "declined", 6)
}

func TestWrongCode(t *testing.T) {
	transfertest.CheckLeaks(t)
	p := newPair(t, 20)
	p.receiver.on["check_code"] = func(map[string]any) {
		digits := []byte(p.sender.await("check_code")["code"].(string))
		digits[0] = '0' + (digits[0]-'0'+1)%10
		p.receiving.CheckCode(string(digits))
	}
	p.start()
	p.receiver.expect(p.receiving, "too-many-tries", 5)
	p.sender.expect(p.sending, "too-many-tries", 5)
	if left := files(t, p.receive.Folder); left != 0 {
		t.Errorf("%d files", left)
	}
}

// files is how many files a folder has, but for what is staged.
func files(t *testing.T, folder string) (n int) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(folder, "*.vcon*"))
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

func TestCancel(t *testing.T) {
	transfertest.CheckLeaks(t)
	p := newPair(t, 20)
	p.receiver.on["check_code"] = func(map[string]any) { p.sending.Cancel() }
	p.start()
	p.sender.expect(p.sending, "interrupted", 130)
	p.receiver.expect(p.receiving, "cancelled", 7)

	// Before anybody is there, and before it has begun.
	p = newPair(t, 20)
	p.receiver.on["offer"] = func(map[string]any) { p.receiving.Cancel() }
	p.startReceiver()
	p.receiver.expect(p.receiving, "interrupted", 130)
	l := newApp(t, "never")
	never, err := NewReceiver(&p.receive, l)
	if err != nil {
		t.Fatal(err)
	}
	never.Cancel()
	never.Start()
	l.expect(never, "interrupted", 130)
}

// Cut in the middle, a transfer is gone on with by the same configuration: without an
// offer, consent or digits.
func TestResume(t *testing.T) {
	transfertest.CheckLeaks(t)
	p := newPair(t, 6000)
	p.keep()
	var cut sync.Once
	p.receiver.on["progress"] = func(map[string]any) { cut.Do(func() { p.receiving.Cancel() }) }
	p.start()
	if done := p.receiver.expect(p.receiving, "interrupted", 130); done["resume"] != true {
		t.Fatalf("done %v", done)
	}
	if done := p.sender.end(p.sending); done["ok"] == true || done["resume"] != true {
		t.Fatalf("done %v", done)
	}
	p.again()
	p.imported(count(t, p.send.Sources))
	for _, a := range []*app{p.receiver, p.sender} {
		if got, want := strings.Join(a.kinds(), " "), "resumed connected done"; got != want {
			t.Errorf("%s: %s, want %s", a.name, got, want)
		}
		if a.await("connected")["verified"] != true || a.await("done")["resume"] != false {
			t.Error(a.lines)
		}
	}
	// Nothing is left: the old device needs an offer now.
	p.sender = newApp(t, "sender for the third time")
	p.startSender()
	p.sender.expect(p.sending, "offer", 4)
}

func TestPause(t *testing.T) {
	transfertest.CheckLeaks(t)
	p := newPair(t, 6000)
	var once sync.Once
	p.sender.on["progress"] = func(map[string]any) { once.Do(func() { p.sending.Pause() }) }
	p.sender.on["paused"] = func(e map[string]any) {
		if e["told"] != true {
			t.Errorf("paused %v", e)
		}
		p.sending.Resume()
	}
	p.start()
	p.sender.await("paused")
	p.imported(count(t, p.send.Sources))
}

// A panic of the listener or of ours ends in the event done like everything else.
func TestPanics(t *testing.T) {
	transfertest.CheckLeaks(t)
	p := newPair(t, 5)
	p.receiver.on["offer"] = func(map[string]any) { panic("an app") }
	p.startReceiver()
	p.receiver.expect(p.receiving, "interrupted", 130)

	l := newApp(t, "ours")
	ours := newTransfer(func(context.Context, *Transfer) (*transfer.Result, error) { panic("a bug") }, l, host.Options{})
	ours.Start()
	if done := l.expect(ours, "internal", 1); done["message"] != "bug: a bug" {
		t.Error(done)
	}
}

// Whatever is called, whenever, from wherever, does no harm.
func TestAnyOrder(t *testing.T) {
	transfertest.CheckLeaks(t)
	p := newPair(t, 5)
	var err error
	if p.receiving, err = NewReceiver(&p.receive, p.receiver); err != nil {
		t.Fatal(err)
	}
	r := p.receiving
	if r.Join(0) {
		t.Error("ended before it began")
	}
	all := func() {
		r.Start()
		r.Consent(true)
		r.AllowRoute(false)
		r.CheckCode("\"")
		r.Pause()
		r.Resume()
		for _, line := range []string{"", "{", "null", `{"cmd":"nothing"}`, `{"cmd":"consent"}`, `{"cmd":"window","size":0}`} {
			r.Command(line)
		}
		r.Join(1)
	}
	var again sync.Once
	p.receiver.on["warning"] = func(map[string]any) { again.Do(func() { r.Command("again") }) } // from within
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(all)
	}
	wait.Wait()
	r.Cancel()
	p.receiver.expect(r, "interrupted", 130)
	all()
	r.Cancel()
	p.receiver.expect(r, "interrupted", 130)
}

// Java can make a Transfer of nothing, and have none.
func TestTransferOfNothing(t *testing.T) {
	for _, n := range []*Transfer{nil, {}} {
		n.Start()
		n.Pause()
		n.CheckCode("1")
		n.Cancel()
		if n.Join(-1) {
			t.Error("there was an end")
		}
	}
}

func TestQueueKeepsTheNewestProgress(t *testing.T) {
	q := queue{more: make(chan struct{}, 1)}
	for _, line := range []string{"a", progress + "1", progress + "2", "b", progress + "3"} {
		if err := q.put([]byte(line + "\n")); err != nil {
			t.Fatal(err)
		}
	}
	q.close()
	var got []string
	for line, ok := q.next(); ok; line, ok = q.next() {
		got = append(got, strings.TrimPrefix(line, progress))
	}
	if strings.Join(got, " ") != "a 2 b 3" {
		t.Errorf("%q", got)
	}
}
