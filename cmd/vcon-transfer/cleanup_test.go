package main

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer/statedir"
)

// A device is one of two that share nothing but the network: its data, its state and
// its temporary files are its own.
type device struct {
	dir string
}

func newDevice(t *testing.T, name string) device {
	t.Helper()
	d := device{filepath.Join(t.TempDir(), name)}
	for _, dir := range []string{d.dir, d.temp()} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func (d device) temp() string  { return filepath.Join(d.dir, "tmp") }
func (d device) state() string { return filepath.Join(d.dir, "vcon-transfer", "state") }

func (d device) begin(t *testing.T, ctx context.Context, args ...string) *process {
	t.Helper()
	p, err := start(ctx, d.dir, []string{"XDG_DATA_HOME=" + d.dir, "TMPDIR=" + d.temp(), "TZ=UTC"}, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.signal(os.Kill); p.wait() })
	return p
}

// stateName is what a file of the state directory may be called.
var stateName = regexp.MustCompile(`^(key|[0-9a-f]{32}\.(transfer|new|lock))$`)

// nothingIn walks the state directory, and fails for a file that is not known, or
// that has something in clear. Only the key file may hold the key.
func (d device) nothingIn(t *testing.T, clear *needles) {
	t.Helper()
	for path, b := range filesOf(t, d.state()) {
		name := filepath.Base(path)
		if !stateName.MatchString(name) || filepath.Dir(path) != d.state() {
			t.Errorf("the state directory holds %s", path)
		}
		if what := clear.in(b); what != "" && name != "key" {
			t.Errorf("%s holds %s", name, what)
		}
	}
}

// onlyKey fails when something is left in the state directory but the key, or
// something of a temporary file.
func (d device) onlyKey(t *testing.T) {
	t.Helper()
	var names []string
	for path := range filesOf(t, d.state()) {
		names = append(names, filepath.Base(path))
	}
	if !slices.Equal(names, []string{"key"}) {
		t.Errorf("the state directory holds %q", names)
	}
	d.noTemp(t)
}

func (d device) noTemp(t *testing.T) {
	t.Helper()
	if left := filesOf(t, d.temp()); len(left) > 0 && runtime.GOOS != "windows" { // where an open file keeps its name
		t.Errorf("temporary files are left: %d", len(left))
	}
}

// stored opens the state directory as its owner, and gives what is in it.
func (d device) stored(t *testing.T) (*statedir.Dir, statedir.Item) {
	t.Helper()
	dir, err := statedir.Open(d.state(), statedir.Options{})
	if err != nil {
		t.Fatal(err)
	}
	items, err := dir.List()
	if err != nil || len(items) != 1 || items[0].Checkpoint == nil {
		t.Fatalf("%d transfers, %v", len(items), err)
	}
	return dir, items[0]
}

// expire rewrites what is stored as if it had been paired a day earlier.
func (d device) expire(t *testing.T, role pairing.Role) {
	t.Helper()
	dir, item := d.stored(t)
	defer dir.Close()
	e, err := dir.Take(statedir.Name{Role: role, Place: item.Place})
	if err != nil {
		t.Fatal(err)
	}
	c := item.Checkpoint
	c.Paired, c.Expires = c.Paired.Add(-25*time.Hour), c.Expires.Add(-25*time.Hour)
	if err := e.Save(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// staging are the files below a destination that are not final.
func staging(t *testing.T, destination string) (names []string) {
	t.Helper()
	for path := range filesOf(t, filepath.Dir(destination)) {
		dir := filepath.Base(filepath.Dir(path))
		if dir == "unfinished" || filepath.Base(filepath.Dir(filepath.Dir(path))) == ".staging" && dir != "held" && dir != "receipts" {
			names = append(names, path)
		}
	}
	return names
}

// Both devices are killed in mid-transfer. Until it is over the state directories hold
// nothing in clear, the old device nothing of the history anywhere, and the new one
// no key anywhere; then nothing but the state keys is left: at the end, when it
// expires, and when it is forgotten.
func TestNothingIsLeft(t *testing.T) {
	if raceEnabled {
		t.Skip("nothing is concurrent here but the processes, which TestKilledProcesses races")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*processTime)
	defer cancel()
	source := t.TempDir()
	writeChat(t, source, "WhatsApp Chat - Clean", 4, 24, 0)
	logs := filepath.Join(source, "logs") // enough for a temporary file
	if err := os.Mkdir(logs, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, file := range ircLogs(20) {
		if err := os.WriteFile(filepath.Join(logs, name), file.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sources := []string{sampleFile(t), filepath.Join(source, "WhatsApp Chat - Clean")}
	history := historyNeedles(t, source)
	for round, c := range []struct{ end, into, name string }{
		{"finish", "--store", "history.db"},
		{"finish", "--out", "folder"},
		{"expire", "--store", "history.db"},
		{"forget", "--store", "history.db"},
		{"forget", "--out", "folder"},
	} {
		t.Run(c.end+" "+c.into, func(t *testing.T) {
			n := &cleaning{old: newDevice(t, "old"), new: newDevice(t, "new"), sources: slices.Clone(sources), into: c.into}
			if round == 0 {
				n.sources = append(n.sources, logs)
			}
			n.destination = filepath.Join(n.new.dir, "received", c.name)
			if err := os.Mkdir(filepath.Dir(n.destination), 0o700); err != nil {
				t.Fatal(err)
			}
			secrets := n.kill(t, ctx, rand.New(rand.NewPCG(uint64(round), 7)))
			for _, d := range []device{n.old, n.new} {
				d.nothingIn(t, history)
				d.nothingIn(t, secrets)
				d.noTemp(t)
			}
			for path, b := range filesOf(t, n.old.dir) {
				if what := history.in(b); what != "" {
					t.Errorf("the old device keeps %s in %s", what, path)
				}
			}
			for _, d := range []device{n.old, n.new} {
				for path, b := range filesOf(t, d.dir) {
					if what := secrets.in(b); what != "" && path != filepath.Join(d.state(), "key") && filepath.Base(path) != "offer.txt" {
						t.Errorf("%s holds %s", path, what)
					}
				}
			}
			switch c.end {
			case "finish":
				n.finish(t, ctx)
			case "expire":
				n.old.expire(t, pairing.RoleSender)
				n.new.expire(t, pairing.RoleReceiver)
				r := n.new.begin(t, ctx, n.receive()...)
				heard(t, ctx, r, "(?s)lifetime of the unfinished transfer is over.*Waiting")
				r.signal(os.Interrupt)
				exits(t, r, exitInterrupted)
				exits(t, n.old.begin(t, ctx, "status"), exitDone)
			case "forget":
				for _, d := range []device{n.old, n.new} {
					p := d.begin(t, ctx, "status", "--forget")
					exits(t, p, exitDone)
					if said := p.out.String(); !strings.Contains(said, "Forgotten.") || strings.Contains(said, "What came of it stays there") != (d == n.new) {
						t.Errorf("says %q", said)
					}
				}
			}
			n.old.onlyKey(t)
			n.new.onlyKey(t)
			if c.end != "finish" {
				// What came stays for another transfer, which needs a new code.
				r, s := n.pair(t, ctx)
				exits(t, s, exitDone)
				exits(t, r, exitDone)
				n.old.onlyKey(t)
				n.new.onlyKey(t)
			}
			if left := staging(t, n.destination); len(left) > 0 {
				t.Errorf("staged are still %q", left)
			}
			if _, err := os.Stat(filepath.Join(n.new.dir, "offer.txt")); err == nil {
				t.Error("the offer is still there")
			}
		})
	}
}

// A cleaning is one transfer between two devices.
type cleaning struct {
	old, new          device
	sources           []string
	into, destination string
	addr              string
	wire              *tripwire
}

func (n *cleaning) receive() []string {
	return []string{"receive", n.into, n.destination, "--qr", "none", "--label", "label of the new device",
		"--listen", n.addr, "--advertise", n.wire.Addr().String(), "--offer-out", "offer.txt"}
}

func (n *cleaning) send(more ...string) []string {
	return slices.Concat([]string{"send", "--yes", "--label", "label of the old device"}, more, n.sources)
}

// pair begins a transfer on both devices, and types the digits.
func (n *cleaning) pair(t *testing.T, ctx context.Context) (r, s *process) {
	t.Helper()
	r, s, code := n.meet(t, ctx)
	r.tell(code)
	return r, s
}

func (n *cleaning) meet(t *testing.T, ctx context.Context) (r, s *process, code string) {
	t.Helper()
	if n.wire == nil {
		n.addr = freeAddr(t)
		n.wire = newTripwire(t, n.addr)
	}
	r = n.new.begin(t, ctx, n.receive()...)
	heard(t, ctx, r, "Waiting")
	s = n.old.begin(t, ctx, n.send("--offer-file", filepath.Join(n.new.dir, "offer.txt"))...)
	code = heard(t, ctx, s, `Check code: (\d{6})`)
	heard(t, ctx, r, "six digits")
	return r, s, code
}

// kill kills both after the digits were typed, and gives the keys of the transfer.
func (n *cleaning) kill(t *testing.T, ctx context.Context, rnd *rand.Rand) *needles {
	t.Helper()
	r, s, code := n.meet(t, ctx)
	text, err := os.ReadFile(filepath.Join(n.new.dir, "offer.txt"))
	if err != nil {
		t.Fatal(err)
	}
	offer, err := pairing.ParseOffer(string(text))
	if err != nil {
		t.Fatal(err)
	}
	fell := make(chan struct{})
	n.wire.set(1+rnd.Int64N(24*cutPicture*6/10), func() {
		close(fell) // first: they end at once
		r.signal(os.Kill)
		s.signal(os.Kill)
	})
	r.tell(code)
	select {
	case <-fell:
	case <-s.ended:
		t.Fatal(s.stderr())
	}
	r.wait()
	s.wait()
	n.wire.set(1<<60, func() {})

	secrets := newNeedles()
	secrets.raw("the check code", []byte(code), 1)
	secrets.short[code] = "the check code"
	secrets.add("the secret of the offer", offer.Secret[:], 1)
	secrets.add("the text of the offer", bytes.TrimSpace(text), 1)
	for _, d := range []device{n.old, n.new} {
		dir, item := d.stored(t)
		secrets.add("the resumption secret", item.Checkpoint.Resumption[:], 1)
		if item.Checkpoint.Code != "" && item.Checkpoint.Role == pairing.RoleReceiver {
			t.Error("the new device keeps the check code")
		}
		item.Checkpoint.Erase()
		dir.Close()
		key, err := os.ReadFile(filepath.Join(d.state(), "key"))
		if err != nil {
			t.Fatal(err)
		}
		secrets.add("the state key", key, 1)
	}
	return secrets
}

// finish runs the same commands again.
func (n *cleaning) finish(t *testing.T, ctx context.Context) {
	t.Helper()
	r := n.new.begin(t, ctx, n.receive()...)
	heard(t, ctx, r, goingOnFrom)
	heard(t, ctx, r, "There is no offer in offer.txt: .*`--new` makes one")
	if _, err := os.Stat(filepath.Join(n.new.dir, "offer.txt")); err == nil {
		t.Error("an offer that is dead is still there")
	}
	s := n.old.begin(t, ctx, n.send()...)
	exits(t, s, exitDone)
	exits(t, r, exitDone)
}

// The secrets of a checkpoint are found when they are in clear.
func TestSecretsAreFound(t *testing.T) {
	c := storedTransfer(1, time.Now())
	for i := range c.Resumption {
		c.Resumption[i] = byte(i)
	}
	b, err := c.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	n := newNeedles()
	n.add("the resumption secret", c.Resumption[:], 1)
	if n.in(b) == "" {
		t.Error("not found in the clear encoding")
	}
}
