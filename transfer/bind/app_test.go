package bind

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/testdata/gen"
)

// An app is a Listener that keeps what it is told and answers as it was told to, from
// within OnEvent.
type app struct {
	t    *testing.T
	name string
	on   map[string]func(e map[string]any) // by event

	mu     sync.Mutex
	events []map[string]any
	lines  []string
	more   chan struct{} // closed and replaced with each event
}

func newApp(t *testing.T, name string) *app {
	return &app{t: t, name: name, on: map[string]func(map[string]any){}, more: make(chan struct{})}
}

func (a *app) OnEvent(line string) {
	var e map[string]any
	if err := json.Unmarshal([]byte(line), &e); err != nil || e["v"] != 1.0 || strings.Contains(line, "\n") {
		a.t.Errorf("%s: event %q: %v", a.name, line, err)
		return
	}
	a.mu.Lock()
	a.events, a.lines = append(a.events, e), append(a.lines, line)
	close(a.more)
	a.more = make(chan struct{})
	f := a.on[e["event"].(string)]
	a.mu.Unlock()
	if f != nil {
		f(e)
	}
}

// await returns the first event of a kind.
func (a *app) await(kind string) map[string]any {
	a.t.Helper()
	late := time.After(30 * time.Second)
	for {
		a.mu.Lock()
		more := a.more
		for _, e := range a.events {
			if e["event"] == kind {
				a.mu.Unlock()
				return e
			}
		}
		a.mu.Unlock()
		select {
		case <-more:
		case <-late:
			a.t.Fatalf("%s: no event %s in %v", a.name, kind, a.kinds())
		}
	}
}

// kinds are the events so far, without progress.
func (a *app) kinds() (all []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range a.events {
		if e["event"] != "progress" {
			all = append(all, e["event"].(string))
		}
	}
	return all
}

func (a *app) count(kind string) (n int) {
	for _, k := range a.kinds() {
		if k == kind {
			n++
		}
	}
	return n
}

// end waits for the end and returns done, which is the last event and the only one.
func (a *app) end(t *Transfer) map[string]any {
	a.t.Helper()
	if !t.Join(60_000) {
		a.t.Fatalf("%s: no end; events %v", a.name, a.kinds())
	}
	a.mu.Lock()
	last := a.events[len(a.events)-1]
	a.mu.Unlock()
	if last["event"] != "done" || a.count("done") != 1 {
		a.t.Fatalf("%s: events %v", a.name, a.kinds())
	}
	return last
}

// expect is end with a code.
func (a *app) expect(t *Transfer, code string, exit int) map[string]any {
	a.t.Helper()
	done := a.end(t)
	if done["code"] != code || done["exit"] != float64(exit) || done["ok"] != (exit == 0) {
		a.t.Fatalf("%s: done %v, want %s and %d", a.name, done, code, exit)
	}
	return done
}

// A pair is two devices in one process.
type pair struct {
	t                  *testing.T
	receive            ReceiveConfig
	send               SendConfig
	receiver, sender   *app
	receiving, sending *Transfer
}

// newPair has a history of n messages, and persons who say yes and type what they see.
func newPair(t *testing.T, n int) *pair {
	t.Helper()
	dir := t.TempDir()
	p := &pair{
		t:       t,
		receive: ReceiveConfig{Folder: filepath.Join(dir, "new"), Label: "new phone", Listen: "127.0.0.1:0", TimeoutSeconds: 5},
		send:    SendConfig{Sources: written(t, dir, n), Label: "old phone", TimeoutSeconds: 5},
	}
	p.receiver, p.sender = newApp(t, "receiver"), newApp(t, "sender")
	p.sender.on["consent"] = func(e map[string]any) {
		if e["want"] == true {
			p.sending.Consent(true)
		}
	}
	p.receiver.on["check_code"] = func(map[string]any) { p.receiving.CheckCode(p.sender.await("check_code")["code"].(string)) }
	return p
}

// socket makes both meet on a unix socket.
func (p *pair) socket() {
	if runtime.GOOS == "windows" {
		p.t.Skip("unix sockets are not tested here")
	}
	dir, err := os.MkdirTemp("", "vt") // t.TempDir is too long for a socket on some systems
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { os.RemoveAll(dir) })
	p.receive.Listen, p.receive.Socket = "", filepath.Join(dir, "s")
}

// keep gives both a state directory.
func (p *pair) keep() {
	p.receive.StateDir, p.send.StateDir = filepath.Join(p.t.TempDir(), "r"), filepath.Join(p.t.TempDir(), "s")
	p.receive.StateKey, p.send.StateKey = make([]byte, 32), []byte("0123456789abcdef0123456789abcdef")
}

func (p *pair) startReceiver() {
	p.t.Helper()
	var err error
	if p.receiving, err = NewReceiver(&p.receive, p.receiver); err != nil {
		p.t.Fatal(err)
	}
	p.receiving.Start()
	p.t.Cleanup(func() { p.receiving.Cancel(); p.receiving.Join(-1) })
}

func (p *pair) startSender() {
	p.t.Helper()
	var err error
	if p.sending, err = NewSender(&p.send, p.sender); err != nil {
		p.t.Fatal(err)
	}
	p.sending.Start()
	p.t.Cleanup(func() { p.sending.Cancel(); p.sending.Join(-1) })
}

// start starts both, the sender with the offer that it scans.
func (p *pair) start() {
	p.t.Helper()
	p.startReceiver()
	p.send.Offer = p.receiver.await("offer")["text"].(string)
	p.startSender()
}

// again is another run of both with what they keep, in which nobody is asked.
func (p *pair) again() {
	p.t.Helper()
	p.receiver, p.sender = newApp(p.t, "receiver again"), newApp(p.t, "sender again")
	p.send.Offer = ""
	p.startReceiver()
	p.startSender()
}

// imported expects that all is imported and that both ledgers say so.
func (p *pair) imported(n int) {
	p.t.Helper()
	r, s := p.receiver.expect(p.receiving, "ok", 0), p.sender.expect(p.sending, "ok", 0)
	for _, field := range []string{"ledger", "root", "transfer", "rooms"} {
		if a, b := fmt.Sprint(r[field]), fmt.Sprint(s[field]); a != b || a == "<nil>" {
			p.t.Errorf("%s is %s on the new device and %s on the old one", field, a, b)
		}
	}
	if got := count(p.t, p.receive.Folder); got != n {
		p.t.Errorf("%d messages in the folder, want %d", got, n)
	}
}

// written writes n messages into a folder of vCon files.
func written(t *testing.T, dir string, n int) string {
	t.Helper()
	g := gen.New(1)
	g.Rooms = 4
	folder := filepath.Join(dir, "old")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for i, v := range g.Messages(n) {
		b, err := v.AppendCBOR(nil)
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, fmt.Sprintf("%d.vcon", i)), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return folder
}
