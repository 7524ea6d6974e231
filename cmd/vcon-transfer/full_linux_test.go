package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	fullPictures = 16
	fullVideo    = 2 << 20
	fullDays     = 6 // of logs
	fullDisk     = 96 << 20
	fullLeft     = 16 << 10 // bytes that are free when it is full: less than is written at once

	// maxFullAgain is how many bytes more go over the wire than undisturbed: what was
	// under way, in the sockets too, the manifest, and what was begun of a segment. It is
	// less than goes before the disk is full. When all has come only the manifest goes
	// again: maxManifestAgain.
	maxFullAgain     = 2 << 20
	maxManifestAgain = 64 << 10
)

// A filling is what the tests of full disks have in common.
type filling struct {
	dir    string
	source []string
	calm   int64                        // bytes of the sender when nothing happens
	want   map[string]map[string][]byte // by the kind of destination
}

// destinations are the arguments of each kind, for a folder.
func destinations(dir string) map[string][]string {
	out := filepath.Join(dir, "new")
	return map[string][]string{"store": {"--store", out}, "cbor": {"--out", out}, "json": {"--out", out, "--format", "json"}}
}

func newFilling(t *testing.T) *filling {
	t.Helper()
	if raceEnabled {
		t.Skip("fills disks; what is concurrent is raced by TestKilledProcesses")
	}
	f := &filling{dir: t.TempDir(), source: []string{"logs.cbor", "WhatsApp Chat - Full"}, want: map[string]map[string][]byte{}}
	writeChat(t, f.dir, "WhatsApp Chat - Full", 1, fullPictures, fullVideo)
	writeLogs(t, filepath.Join(f.dir, "logs"), fullDays)
	exits(t, begin(t, limited(t), f.dir, "convert", "--quiet", "logs", "logs.cbor"), exitDone)
	for kind, to := range destinations(filepath.Join(f.dir, "calm")) {
		ctx := limited(t)
		to[1] += kind
		addr := freeAddr(t)
		wire := newTripwire(t, addr)
		r, s := f.begin(t, ctx, append(to, "--listen", addr, "--advertise", wire.Addr().String()), nil)
		exits(t, s, exitDone)
		exits(t, r, exitDone)
		f.calm = wire.carried()
		f.want[kind] = f.content(t, ctx, to)
	}
	return f
}

func writeLogs(t *testing.T, dir string, days int) {
	t.Helper()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, file := range ircLogs(days) {
		if err := os.WriteFile(filepath.Join(dir, name), file.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// begin begins a transfer, and calls before, with the sender, when the digits are about to be typed.
func (f *filling) begin(t *testing.T, ctx context.Context, to []string, before func(s *process)) (r, s *process) {
	t.Helper()
	r = begin(t, ctx, f.dir, append([]string{"receive", "--qr", "none", "--offer-out", "offer.txt"}, to...)...)
	heard(t, ctx, r, "Waiting")
	s = begin(t, ctx, f.dir, append([]string{"send", "--yes", "--offer-file", "offer.txt"}, f.source...)...)
	code := heard(t, ctx, s, `Check code: (\d{6})`)
	heard(t, ctx, r, "six digits")
	if before != nil {
		before(s)
	}
	r.tell(code)
	return r, s
}

// again runs the same two commands.
func (f *filling) again(t *testing.T, ctx context.Context, to []string) (r, s *process) {
	t.Helper()
	r = begin(t, ctx, f.dir, append([]string{"receive", "--qr", "none"}, to...)...)
	heard(t, ctx, r, goingOnFrom)
	return r, begin(t, ctx, f.dir, append([]string{"send", "--yes"}, f.source...)...)
}

// content is what a destination holds: a store's as files, a folder's visible files.
func (f *filling) content(t *testing.T, ctx context.Context, to []string) map[string][]byte {
	t.Helper()
	if to[0] == "--store" {
		return content(t, ctx, filepath.Dir(to[1]), filepath.Base(to[1]))
	}
	files := map[string][]byte{}
	root := os.DirFS(to[1])
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name == ".staging":
			return fs.SkipDir
		case d.IsDir():
			return nil
		}
		files[name], err = fs.ReadFile(root, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// The disk of the new device fills up while attachments come, while texts come, or
// while a folder is made final. Both sides say so, nothing that is half is to be seen,
// and when there is room the same two commands go on: nothing that was durable goes
// again.
func TestDiskFull(t *testing.T) {
	if !mountsHere(t) {
		return
	}
	f := newFilling(t)
	there := regexp.MustCompile(`[1-9]\d* already there`)
	for kind := range destinations("") {
		for _, c := range []struct {
			at   int64  // per cent of the bytes, 0: from the start
			left int64  // bytes
			more int64  // bytes that may go again
			said string // what could not be done
		}{
			{50, fullLeft, maxFullAgain, "(write|stage|commit) attachment"},
			{80, fullLeft, maxFullAgain, "stage segment"},
			{0, f.calm * 11 / 10, maxManifestAgain, "commit transfer"},
		} {
			if kind == "store" && c.at == 0 {
				continue // it imports as it goes
			}
			t.Run(kind+" "+c.said, func(t *testing.T) {
				ctx, d := limited(t), newDisk(t, fullDisk)
				addr := freeAddr(t)
				wire := newTripwire(t, addr)
				to := append(destinations(d.dir)[kind], "--listen", addr, "--advertise", wire.Addr().String())
				filled := make(chan error, 1)
				fill := func() { filled <- d.fill(c.left) }
				r, s := f.begin(t, ctx, to, func(*process) {
					if c.at > 0 {
						wire.set(f.calm*c.at/100, fill)
					} else {
						fill()
					}
				})
				exits(t, r, exitDestination)
				exits(t, s, exitDestination)
				if err := <-filled; err != nil {
					t.Fatal(err)
				}
				place := regexp.QuoteMeta(to[1])
				for p, says := range map[*process]string{
					r: "vcon-transfer: storage: " + c.said + ": (disk full|no space left on device): " + place + "\n  Make room, then run the same command",
					s: "vcon-transfer: the other device cannot keep what comes: full, or not writable\n  Make room there, then run the same command",
				} {
					if !regexp.MustCompile(says).MatchString(p.stderr()) {
						t.Errorf("%s does not say %q:\n%s", p.name, says, p.stderr())
					}
				}
				f.onlyWhole(t, ctx, kind, to)
				d.makeRoom(t)
				r, s = f.again(t, ctx, to)
				exits(t, s, exitDone)
				exits(t, r, exitDone)
				if kind == "store" && (there.MatchString(r.stderr()) || there.MatchString(s.stderr())) {
					t.Errorf("counts as already there what it brought:\n%s%s", r.stderr(), s.stderr())
				}
				moved := wire.carried()
				t.Logf("%d bytes undisturbed, %d when it was full in between", f.calm, moved)
				if moved > f.calm+c.more {
					t.Error("what was durable went again")
				}
				if !maps.EqualFunc(f.content(t, ctx, to), f.want[kind], bytes.Equal) {
					t.Error("another history is there than after an undisturbed transfer")
				}
			})
		}
	}
}

// onlyWhole looks at what a destination shows after a transfer that did not end.
func (f *filling) onlyWhole(t *testing.T, ctx context.Context, kind string, to []string) {
	t.Helper()
	if kind == "store" {
		list := begin(t, ctx, f.dir, "history", "list", "--store", to[1])
		exits(t, list, exitDone)
		if !strings.Contains(list.out.String(), "ncomplete") {
			t.Errorf("looks complete:\n%s", &list.out)
		}
		return
	}
	for name, data := range f.content(t, ctx, to) {
		sum := sha256.Sum256(data)
		if filepath.Dir(name) == "attachments" && filepath.Base(name) == hex.EncodeToString(sum[:]) {
			continue
		}
		if !bytes.Equal(data, f.want[kind][name]) {
			t.Errorf("%s is there, and not whole", name)
		}
	}
}

// Without room for its state a transfer goes on, unless the directory was asked for.
// When something is kept and no more can be, before the last word at the latest, that is
// an error, and what was kept is gone on with when there is room.
func TestStateDiskFull(t *testing.T) {
	if !mountsHere(t) {
		return
	}
	f := newFilling(t)
	source := []string{filepath.Join(f.dir, f.source[0]), filepath.Join(f.dir, f.source[1])}
	// pair begins a transfer of two processes whose default state directory is on d.
	pair := func(t *testing.T, ctx context.Context, d *disk, to []string) (r, s *process, code string) {
		r = begin(t, ctx, d.dir, append([]string{"receive", "--qr", "none", "--offer-out", filepath.Join(f.dir, "offer.txt")}, to...)...)
		heard(t, ctx, r, "Waiting")
		s = begin(t, ctx, d.dir, append([]string{"send", "--yes", "--offer-file", filepath.Join(f.dir, "offer.txt")}, source...)...)
		code = heard(t, ctx, s, `Check code: (\d{6})`)
		heard(t, ctx, r, "six digits")
		return r, s, code
	}
	t.Run("from the start", func(t *testing.T) {
		ctx, d := limited(t), newDisk(t, 1<<20)
		if err := d.fill(0); err != nil {
			t.Fatal(err)
		}
		r, s, code := pair(t, ctx, d, []string{"--listen", "127.0.0.1:0", "--store", filepath.Join(t.TempDir(), "new")})
		r.tell(code)
		for _, p := range []*process{s, r} {
			exits(t, p, exitDone)
			if !strings.Contains(p.stderr(), "cannot be gone on with after this process") || !strings.Contains(p.stderr(), "no space left") {
				t.Errorf("%s does not say that it keeps nothing:\n%s", p.name, p.stderr())
			}
		}
		asked := begin(t, ctx, d.dir, "receive", "--qr", "none", "--listen", "127.0.0.1:0", "--state-dir", "mine", "--store", filepath.Join(t.TempDir(), "new"))
		exits(t, asked, exitDestination)
		if !strings.Contains(asked.stderr(), "mine: ") || !strings.Contains(asked.stderr(), "no space left") {
			t.Errorf("asked for, and not usable: %s", asked.stderr())
		}
	})
	for _, killed := range []bool{false, true} {
		t.Run(map[bool]string{false: "meanwhile", true: "meanwhile, and both die"}[killed], func(t *testing.T) {
			ctx, d := limited(t), newDisk(t, 1<<20)
			addr := freeAddr(t)
			wire := newTripwire(t, addr)
			to := append(destinations(t.TempDir())["store"], "--listen", addr, "--advertise", wire.Addr().String())
			r, s, code := pair(t, ctx, d, to)
			filled := make(chan error, 1)
			wire.set(f.calm/2, func() {
				filled <- d.fill(0)
				if killed {
					r.signal(os.Kill)
					s.signal(os.Kill)
				}
			})
			r.tell(code)
			if err := <-filled; err != nil {
				t.Fatal(err)
			}
			resend := func() *process { return begin(t, ctx, d.dir, append([]string{"send", "--yes"}, source...)...) }
			rereceive := func() *process {
				p := begin(t, ctx, d.dir, append([]string{"receive", "--qr", "none"}, to...)...)
				heard(t, ctx, p, goingOnFrom)
				return p
			}
			if killed {
				r.wait()
				s.wait()
				r, s = rereceive(), resend()
			}
			exits(t, s, exitDestination)
			if !strings.Contains(s.stderr(), "storage: keep the state of the transfer: ") || !strings.Contains(s.stderr(), "Make room, then run the same") {
				t.Errorf("the old device does not say what is full:\n%s", s.stderr())
			}
			if killed {
				r.signal(os.Interrupt) // nobody has come
				exits(t, r, exitInterrupted)
				d.makeRoom(t)
				r = rereceive()
			} else {
				d.makeRoom(t) // the new device waits
			}
			s = resend()
			exits(t, s, exitDone)
			exits(t, r, exitDone)
			if left, err := os.ReadDir(filepath.Join(d.dir, "vcon-transfer", "state")); err != nil || len(left) != 1 || left[0].Name() != "key" {
				t.Errorf("left %v, %v", left, err)
			}
			if moved := wire.carried(); moved > f.calm+maxFullAgain {
				t.Errorf("%d bytes undisturbed, %d now", f.calm, moved)
			}
			if !maps.EqualFunc(f.content(t, ctx, to), f.want["store"], bytes.Equal) {
				t.Error("another history is there than after an undisturbed transfer")
			}
		})
	}
}
