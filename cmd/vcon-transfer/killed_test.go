package main

import (
	"bytes"
	"context"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/testdata/sample"
)

// killedSources is a history of some thousand messages, and one with attachments.
func killedSources(t *testing.T, ctx context.Context, dir string) []string {
	t.Helper()
	logs := ircLogs(5)
	for name, file := range logs {
		if err := os.MkdirAll(filepath.Join(dir, "logs"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "logs", name), file.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	exits(t, begin(t, ctx, dir, "convert", "--quiet", "logs", "logs.cbor"), exitDone)
	if err := os.WriteFile(filepath.Join(dir, "sample.cbor"), sample.CBOR, 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"logs.cbor", "sample.cbor"}
}

// content is everything that a store holds, as files.
func content(t *testing.T, ctx context.Context, dir, store string) map[string][]byte {
	t.Helper()
	out := store + ".out"
	exits(t, begin(t, ctx, dir, "convert", "--quiet", "--format", "json", store, out), exitDone)
	files := map[string][]byte{}
	entries, err := os.ReadDir(filepath.Join(dir, out))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(dir, out, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// Sender and receiver are killed at random moments, again and again; the same
// commands go on without a new code, and what is in the store is what an undisturbed
// transfer brings. VCON_TRANSFER_KILLS=200 runs so many rounds.
func TestKilledProcesses(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	sources := killedSources(t, ctx, dir)
	calm, addr := newCalmRun(t, ctx, dir, sources)
	want := content(t, ctx, dir, "calm.db")
	rounds, all := 3, 0
	if n := number("VCON_TRANSFER_KILLS"); n > 0 {
		rounds = n
	}
	for round := range rounds {
		rnd := rand.New(rand.NewPCG(uint64(round), 5))
		store := "killed" + string(rune('a'+round%26)) + ".db"
		os.Remove(filepath.Join(dir, store))
		wire := newTripwire(t, addr)
		receive := []string{"receive", "--listen", addr, "--advertise", wire.Addr().String(), "--store", store, "--qr", "none"}
		send := append([]string{"send", "--yes"}, sources...)
		r := begin(t, ctx, dir, append(slices.Clone(receive), "--offer-out", "offer.txt")...)
		heard(t, ctx, r, "Waiting")
		s := begin(t, ctx, dir, append(slices.Clone(send), "--offer-file", "offer.txt")...)
		code := heard(t, ctx, s, `Check code: (\d{6})`)
		heard(t, ctx, r, "six digits")
		kills := 0
		for victim := rnd.IntN(3); kills < 4; victim = rnd.IntN(3) {
			fell := make(chan struct{})
			wire.set(1+rnd.Int64N(calm/5), func() {
				if victim != 1 {
					r.signal(os.Kill)
				}
				if victim != 0 {
					s.signal(os.Kill)
				}
				close(fell)
			})
			if code != "" {
				r.tell(code)
				code = ""
			}
			select {
			case <-fell:
			case <-s.ended: // what was on its way when it fell last was enough
			case <-ctx.Done():
				t.Fatal(ctx.Err())
			}
			wire.set(1<<60, func() {}) // from here on it has fallen or never does
			if !fallen(fell) {
				break
			}
			kills++
			if victim != 1 {
				r.wait()
				r = begin(t, ctx, dir, receive...)
				heard(t, ctx, r, goingOnFrom)
			}
			if victim != 0 {
				s.wait()
				s = begin(t, ctx, dir, send...)
				heard(t, ctx, s, "Going on with the transfer to|Done: ")
			}
		}
		all += kills
		exits(t, s, exitDone)
		if strings.Contains(r.stderr(), "has not said that it knows") {
			// Killed between the old device's last word and its own end: nobody comes.
			r.signal(os.Interrupt)
			exits(t, r, exitDone)
			exits(t, begin(t, ctx, dir, "status", "--forget"), exitDone)
		}
		exits(t, r, exitDone)
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
		if got := content(t, ctx, dir, store); !maps.EqualFunc(got, want, bytes.Equal) {
			t.Fatalf("round %d: the store is not what an undisturbed transfer brings", round)
		}
		os.RemoveAll(filepath.Join(dir, store+".out"))
		status := begin(t, ctx, dir, "status")
		exits(t, status, exitDone)
		if status.out.String() != "" {
			t.Errorf("round %d: left unfinished:\n%s", round, &status.out)
		}
		left, err := os.ReadDir(filepath.Join(dir, "vcon-transfer", "state"))
		if err != nil || len(left) != 1 || left[0].Name() != "key" {
			t.Errorf("round %d: left %v, %v", round, left, err)
		}
	}
	if all < 2*rounds {
		t.Errorf("%d kills in %d rounds", all, rounds)
	}
}

// goingOnFrom is what the new device says when it is started again.
const goingOnFrom = "Going on with the transfer from|The transfer from .* is complete"

// fallen tells whether the wire was tripped.
func fallen(fell chan struct{}) bool {
	select {
	case <-fell:
		return true
	default:
		return false
	}
}

// newCalmRun is an undisturbed transfer into calm.db; it returns the bytes of the
// sender, and an address for the others.
func newCalmRun(t *testing.T, ctx context.Context, dir string, sources []string) (sent int64, addr string) {
	t.Helper()
	addr = freeAddr(t)
	wire := newTripwire(t, addr)
	receive, send, err := pairRun{
		dir: dir, env: []string{"XDG_DATA_HOME=" + dir, "TMPDIR=" + dir},
		receive: []string{"--listen", addr, "--advertise", wire.Addr().String(), "--store", "calm.db"},
		send:    append([]string{"--yes"}, sources...),
	}.run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	exits(t, receive, exitDone)
	exits(t, send, exitDone)
	if !strings.Contains(send.stderr(), "Done: ") {
		t.Fatal(send.stderr())
	}
	return wire.carried(), addr
}

// number is a number in the environment, or 0.
func number(name string) int {
	n, _ := strconv.Atoi(os.Getenv(name))
	return max(n, 0)
}
