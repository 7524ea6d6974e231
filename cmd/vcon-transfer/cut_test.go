package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	cutPictures = 160
	cutPicture  = 128 << 10
	cutVideo    = 16 << 20
	cutPayload  = cutPictures*cutPicture + cutVideo

	cutAt        = 90 // per cent of what the old device sends
	maxAgain     = 15 // per cent of all that may go again
	refusedDials = 2  // each side tries for much longer
)

// writeChat makes the export of a chat in dir/name: pictures and, last, a video.
func writeChat(t *testing.T, dir, name string, seed uint64, pictures, video int) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
		t.Fatal(err)
	}
	random := rand.NewChaCha8([32]byte{byte(seed)})
	var chat bytes.Buffer
	put := func(n int, file string, size int) {
		fmt.Fprintf(&chat, "[%02d/01/2024, %02d:%02d:00] Ada: <attached: %s>\n", 13+n/1440, n/60%24, n%60, file)
		b := make([]byte, size)
		random.Read(b)
		if err := os.WriteFile(filepath.Join(dir, name, file), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for n := range pictures {
		put(n, fmt.Sprintf("%08d-PHOTO.jpg", n), cutPicture)
	}
	if video > 0 {
		put(pictures, fmt.Sprintf("%08d-VIDEO.mp4", pictures), video)
	}
	if err := os.WriteFile(filepath.Join(dir, name, "_chat.txt"), chat.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// After a cut at 90 % at most 15 % of the payload goes again, whatever it was that
// ended, and a further run with a new code moves next to nothing. A proxy counts.
func TestCutLate(t *testing.T) {
	if raceEnabled {
		t.Skip("counts bytes; the kills are raced by TestKilledProcesses")
	}
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	writeChat(t, dir, "WhatsApp Chat - Cut", 1, cutPictures, cutVideo)
	source := "WhatsApp Chat - Cut"
	there := regexp.MustCompile(`[1-9]\d* already there`)
	relay, url, err := startRelay(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { relay.Process.Kill(); relay.Wait() })
	var want map[string][]byte
	calm, sent := map[bool]int64{}, map[bool]int64{} // over a relay, or not: all bytes, and those before the cut
	for _, c := range []struct {
		name             string
		relay            bool
		sender, receiver bool // is killed
		refuse           int  // else the connections are cut, and so many refused
		folder           bool // is received into
	}{
		{"sender", false, true, false, 0, false},
		{"receiver", false, false, true, 0, false},
		{"receiver into a folder", false, false, true, 0, true},
		{"connection", false, false, false, 0, false}, // refused, it would go to the other address
		{"sender at a relay", true, true, false, 0, false},
		{"connections to a relay", true, false, false, refusedDials, false},
	} {
		store, into := strings.ReplaceAll(c.name, " ", "-"), "--store"
		if c.folder {
			into = "--out"
		}
		var wire *tripwire
		var receive []string
		if c.relay {
			wire = newTripwire(t, strings.TrimPrefix(url, "http://"))
			receive = []string{"receive", "--no-lan", "--relay", "http://" + wire.Addr().String()}
		} else {
			addr := freeAddr(t)
			wire = newTripwire(t, addr)
			receive = []string{"receive", "--listen", addr, "--advertise", wire.Addr().String()}
		}
		receive = append(receive, "--qr", "none", into)
		pair := func(store string) (r, s *process, code string) {
			r = begin(t, ctx, dir, append(slices.Clone(receive), store, "--offer-out", "offer.txt")...)
			heard(t, ctx, r, "Waiting")
			s = begin(t, ctx, dir, "send", "--yes", source, "--offer-file", "offer.txt")
			code = heard(t, ctx, s, `Check code: (\d{6})`)
			heard(t, ctx, r, "six digits")
			return r, s, code
		}
		whole := func(store string) int64 {
			before := wire.both()
			r, s, code := pair(store)
			r.tell(code)
			exits(t, s, exitDone)
			exits(t, r, exitDone)
			return wire.both() - before
		}
		sides := int64(1) // that reach each other through the proxy
		if c.relay {
			sides = 2
		}
		if calm[c.relay] == 0 {
			before := wire.carried()
			calm[c.relay] = whole("calm-" + store)
			sent[c.relay] = (wire.carried() - before) * cutAt / 100
			want = content(t, ctx, dir, "calm-"+store)
		}

		r, s, code := pair(store)
		begun, fell, home := wire.both(), make(chan struct{}), wire.to()
		wire.set(sent[c.relay], func() {
			close(fell) // first: who is killed ends at once
			if c.sender {
				s.signal(os.Kill)
			}
			if c.receiver {
				r.signal(os.Kill)
			}
		})
		r.tell(code)
		select {
		case <-fell:
		case <-s.ended:
			t.Fatalf("%s: it ended before the cut:\n%s", c.name, s.stderr())
		}
		if !c.sender && !c.receiver {
			wire.cut(c.refuse)
		}
		if c.receiver {
			r.wait()
			// On another port, which only the wire knows: what goes past it is not counted.
			again := freeAddr(t)
			wire.lead(again)
			r = begin(t, ctx, dir, append(slices.Clone(receive), store, "--listen", again)...)
			heard(t, ctx, r, goingOnFrom)
		}
		if c.sender {
			s.wait()
			s = begin(t, ctx, dir, "send", "--yes", source)
		}
		exits(t, s, exitDone)
		exits(t, r, exitDone)
		wire.lead(home)
		// Whatever died, what this transfer brought was not there before.
		if there.MatchString(r.stderr()) || there.MatchString(s.stderr()) {
			t.Errorf("%s: counts as already there what it brought:\n%s%s", c.name, r.stderr(), s.stderr())
		}
		// With less than the payload, something went past the proxy and was not counted.
		moved := wire.both() - begun
		t.Logf("%s: %d bytes undisturbed, %d with the cut, %.1f %%", c.name, calm[c.relay], moved, float64(moved)/float64(calm[c.relay])*100)
		if moved > calm[c.relay]+sides*cutPayload*maxAgain/100 || moved < sides*cutPayload {
			t.Errorf("%s: %d bytes, and %d undisturbed", c.name, moved, calm[c.relay])
		}
		if wire.refusing() > 0 {
			t.Errorf("%s: nobody tried again", c.name)
		}
		if got := content(t, ctx, dir, store); !maps.EqualFunc(got, want, bytes.Equal) {
			t.Errorf("%s: the store is not what an undisturbed transfer brings", c.name)
		}
		again := whole(store)
		t.Logf("%s: %d bytes for a further run", c.name, again)
		if again > maxSecondRun {
			t.Errorf("%s: a further run moves %d bytes", c.name, again)
		}
	}
}
