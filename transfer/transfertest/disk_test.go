package transfertest_test

import (
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/transfer/internal/disk"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
)

// content is what a file holds, or "-".
func content(t *testing.T, d disk.Dir, name string) string {
	t.Helper()
	f, err := d.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "-"
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// replace puts a file in the place of another one; of its two syncs it may leave one out.
func replace(t *testing.T, d disk.Dir, text string, syncFile, syncDir bool) {
	t.Helper()
	f, err := d.Create("new")
	if err != nil {
		t.Fatal(err)
	}
	if _, err = f.Write([]byte(text)); err == nil && syncFile {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close(), d.Rename("new", "it")); err == nil && syncDir {
		err = d.Sync()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// What a power failure leaves of a file that was replaced, and of one that was removed.
func TestDiskLosesWhatWasNotSynced(t *testing.T) {
	for _, c := range []struct {
		name              string
		syncFile, syncDir bool
		remove            bool
		want              []string // all that is seen over many failures
	}{
		{"synced", true, true, false, []string{"second"}},
		{"name not synced", true, false, false, []string{"first", "second"}},
		{"content not synced", false, true, false, []string{"", "\x00\x00\x00\x00\x00\x00", "s", "se", "sec", "seco", "secon", "second"}},
		{"removed and not synced", true, true, true, []string{"-", "second"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			seen := map[string]bool{}
			for seed := range uint64(300) {
				d := transfertest.NewDisk()
				replace(t, d.Process(nil), "first", true, true)
				replace(t, d.Process(nil), "second", c.syncFile, c.syncDir)
				if c.remove {
					d.Process(nil).Remove("it")
				}
				least := content(t, d.Durable().Process(nil), "it")
				d.Crash(nil)
				if got := content(t, d.Process(nil), "it"); (got != "second") != c.remove {
					t.Fatalf("a killed process leaves %q", got)
				}
				d.Crash(rand.New(rand.NewPCG(seed, 0)))
				seen[content(t, d.Process(nil), "it")] = true
				if !slices.Contains(c.want, least) || least == "second" && len(c.want) > 1 && !c.remove {
					t.Fatalf("durable is %q", least)
				}
				if got := content(t, d.Durable().Process(nil), "it"); !seen[got] {
					t.Fatalf("%q after the failure is not durable", got)
				}
			}
			for _, want := range c.want {
				if !seen[want] {
					t.Errorf("never %q", want)
				}
				delete(seen, want)
			}
			if len(seen) > 0 {
				t.Errorf("also %v", seen)
			}
		})
	}
}

// A call that is not let through does nothing; a lock ends with its process.
func TestDiskOfAProcess(t *testing.T) {
	d := transfertest.NewDisk()
	full := errors.New("full")
	p := d.Process(func(c transfertest.DiskCall) error {
		if c.Op == "create" {
			return full
		}
		return nil
	})
	if _, err := p.Create("it"); !errors.Is(err, full) || len(d.Names()) > 0 {
		t.Errorf("%v, and there is %v", err, d.Names())
	}
	if _, err := p.Lock("lock"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Process(nil).Lock("lock"); !errors.Is(err, disk.ErrLocked) {
		t.Errorf("locked twice: %v", err)
	}
	d.Crash(nil)
	l, err := d.Process(nil).Lock("lock")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Unlock(); err != nil || len(d.Names()) > 0 {
		t.Errorf("%v, left: %v", err, d.Names())
	}
}
