//go:build unix

package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	stoppedPictures = 60 // of cutPicture bytes each
	stoppedAt       = stoppedPictures * cutPicture / 2

	lookingAgain = "The connection was lost. Looking for another one until"
	takenUpAgain = "taken up again"
)

// A stopping is one transfer in whose middle a process is stopped.
type stopping struct {
	dir     string
	source  string
	timeout string
	relay   *process // nil when they reach each other
	wire    *tripwire
	receive []string

	r, s *process
}

// newStopping prepares it, through a tripwire.
func newStopping(t *testing.T, ctx context.Context, source, timeout string, relayed bool) *stopping {
	t.Helper()
	p := &stopping{dir: t.TempDir(), source: source, timeout: timeout}
	addr := freeAddr(t)
	p.wire = newTripwire(t, addr)
	if p.receive = []string{"receive", "--listen", addr, "--advertise", p.wire.Addr().String()}; relayed {
		p.relay = begin(t, ctx, p.dir, "relay", "--listen", addr)
		heard(t, ctx, p.relay, "On both devices")
		p.receive = []string{"receive", "--no-lan", "--relay", "http://" + p.wire.Addr().String()}
	}
	p.receive = append(p.receive, "--store", "stopped.db", "--qr", "none", "--timeout", timeout)
	return p
}

// start pairs the devices. In the middle of the data fall is called.
func (p *stopping) start(t *testing.T, ctx context.Context, fall func()) {
	t.Helper()
	p.r = begin(t, ctx, p.dir, append(slices.Clone(p.receive), "--offer-out", "offer.txt")...)
	heard(t, ctx, p.r, "Waiting")
	p.s = begin(t, ctx, p.dir, "send", "--yes", p.source, "--timeout", p.timeout, "--offer-file", "offer.txt")
	code := heard(t, ctx, p.s, `Check code: (\d{6})`)
	heard(t, ctx, p.r, "six digits")
	fell := make(chan struct{})
	p.wire.set(stoppedAt, func() { fall(); close(fell) })
	p.r.tell(code)
	select {
	case <-fell:
	case <-p.s.ended:
		t.Fatalf("it ended before it was stopped:\n%s", p.s.stderr())
	case <-ctx.Done():
		t.Fatal(ctx.Err())
	}
}

// again runs the same commands once more.
func (p *stopping) again(t *testing.T, ctx context.Context) {
	t.Helper()
	p.r = begin(t, ctx, p.dir, p.receive...)
	heard(t, ctx, p.r, goingOnFrom)
	p.s = begin(t, ctx, p.dir, "send", "--yes", p.source, "--timeout", p.timeout)
}

// ends checks that both ended well and that the store is what it has to be.
func (p *stopping) ends(t *testing.T, ctx context.Context, want map[string][]byte) {
	t.Helper()
	exits(t, p.s, exitDone)
	exits(t, p.r, exitDone)
	for _, side := range []*process{p.s, p.r} {
		if said := side.stderr(); !strings.Contains(said, "Everything that was on the old device is here.") ||
			!strings.Contains(said, fmt.Sprintf("%d imported", stoppedPictures)) || strings.Contains(said, "1 already there") {
			t.Errorf("%s: the ledger is another one:\n%s", side.name, said)
		}
	}
	if got := content(t, ctx, p.dir, "stopped.db"); !maps.EqualFunc(got, want, bytes.Equal) {
		t.Error("the store is not what an undisturbed transfer brings")
	}
	status := begin(t, ctx, p.dir, "status")
	exits(t, status, exitDone)
	if status.out.String() != "" {
		t.Errorf("left unfinished:\n%s", &status.out)
	}
}

// A device or a relay that freezes without a word (SIGSTOP) is noticed after the
// timeout, and what the other side then does is said; when it goes on in time the
// transfer ends well by itself, and otherwise with the same commands. One that is
// paused (SIGTSTP) is waited for, on the same connection.
func TestStoppedProcesses(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	dir := t.TempDir()
	writeChat(t, dir, "WhatsApp Chat - Stopped", 3, stoppedPictures, 0)
	source := filepath.Join(dir, "WhatsApp Chat - Stopped")
	newCalmRun(t, ctx, dir, "calm.db", []string{source})
	want := content(t, ctx, dir, "calm.db")

	// The parallel tests below are over before the group, and so before dir and ctx.
	t.Run("group", func(t *testing.T) {
		t.Run("sender", func(t *testing.T) {
			notRaced(t)
			t.Parallel()
			ctx := unhurried(t)
			p := newStopping(t, ctx, source, "1s", false)
			p.start(t, ctx, func() { p.s.signal(syscall.SIGSTOP) })
			heard(t, ctx, p.r, lookingAgain)
			p.s.signal(syscall.SIGCONT)
			p.ends(t, ctx, want)
			if !strings.Contains(p.s.stderr(), takenUpAgain) || !strings.Contains(p.r.stderr(), takenUpAgain) {
				t.Errorf("nothing is said of the lost connection:\n%s%s", p.s.stderr(), p.r.stderr())
			}
		})
		t.Run("receiver", func(t *testing.T) {
			notRaced(t)
			t.Parallel()
			ctx := unhurried(t)
			p := newStopping(t, ctx, source, "1s", false)
			p.start(t, ctx, func() { p.r.signal(syscall.SIGSTOP) })
			heard(t, ctx, p.s, lookingAgain)
			p.r.signal(syscall.SIGCONT)
			p.ends(t, ctx, want)
			if !strings.Contains(p.s.stderr(), takenUpAgain) || !strings.Contains(p.r.stderr(), takenUpAgain) {
				t.Errorf("nothing is said of the lost connection:\n%s%s", p.s.stderr(), p.r.stderr())
			}
		})
		t.Run("relay", func(t *testing.T) {
			notRaced(t)
			t.Parallel()
			ctx := unhurried(t)
			p := newStopping(t, ctx, source, "1s", true)
			p.start(t, ctx, func() { p.relay.signal(syscall.SIGSTOP) })
			heard(t, ctx, p.r, lookingAgain)
			heard(t, ctx, p.s, lookingAgain)
			p.relay.signal(syscall.SIGCONT)
			p.ends(t, ctx, want)
		})
		t.Run("relay that stays", func(t *testing.T) {
			notRaced(t)
			t.Parallel()
			ctx := unhurried(t)
			p := newStopping(t, ctx, source, "1s", true)
			p.start(t, ctx, func() { p.relay.signal(syscall.SIGSTOP) })
			exits(t, p.s, exitPeer)
			exits(t, p.r, exitPeer)
			for _, side := range []*process{p.s, p.r} {
				if said := side.stderr(); !strings.Contains(said, lookingAgain) || !strings.Contains(said, "un the same command again to go on") {
					t.Errorf("%s: no hint:\n%s", side.name, said)
				}
			}
			status := begin(t, ctx, p.dir, "status")
			exits(t, status, exitDone)
			if n := strings.Count(status.out.String(), "unfinished"); n != 2 {
				t.Errorf("%d are kept:\n%s", n, &status.out)
			}
			p.relay.signal(syscall.SIGCONT)
			p.again(t, ctx)
			p.ends(t, ctx, want)
		})
		for _, c := range []struct {
			name   string
			sender bool
		}{{"sender is paused", true}, {"receiver is paused", false}} {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				ctx := unhurried(t)
				const timeout = 1500 * time.Millisecond
				p := newStopping(t, ctx, source, timeout.String(), false)
				paused := func() *process {
					if c.sender {
						return p.s
					}
					return p.r
				}
				p.start(t, ctx, func() { paused().signal(syscall.SIGTSTP) })
				awake := p.r
				if !c.sender {
					awake = p.s
				}
				heard(t, ctx, awake, "The other device is paused. Waiting for it until")
				if state := stateOf(t, ctx, paused().cmd.Process.Pid); state != "T" {
					t.Errorf("the paused process is in state %q", state)
				}
				select {
				case <-time.After(2 * timeout): // what a silent peer does not get
				case <-awake.ended:
					t.Errorf("it did not wait:\n%s", awake.stderr())
				}
				paused().signal(syscall.SIGCONT)
				p.ends(t, ctx, want)
				if said := p.s.stderr() + p.r.stderr(); strings.Contains(said, "connection was lost") {
					t.Errorf("another connection was needed:\n%s", said)
				}
			})
		}
	})
}

// unhurried bounds a test in which processes do nothing for long.
func unhurried(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 3*processTime)
	t.Cleanup(cancel)
	return ctx
}

// notRaced skips what has no code of its own to race.
func notRaced(t *testing.T) {
	if raceEnabled {
		t.Skip("a lost connection is raced in package transfer")
	}
}

// stateOf is what ps calls the state of a process, by its first letter.
func stateOf(t *testing.T, ctx context.Context, pid int) string {
	t.Helper()
	out, err := exec.CommandContext(ctx, "ps", "-o", "state=", "-p", strconv.Itoa(pid)).Output()
	if err != nil || len(out) == 0 {
		t.Fatalf("ps: %q, %v", out, err)
	}
	return strings.TrimSpace(string(out))[:1]
}
