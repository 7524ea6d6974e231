package statedir

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
)

var errKilled = errors.New("killed")

// on opens a directory that is killed at a call, from 1, or half a call later; 0 never.
func on(disk *transfertest.Disk, at int) (*Entry, *int, error) {
	calls := new(int)
	d, err := OpenOn(disk.Process(func(transfertest.DiskCall) error {
		if *calls++; at > 0 && *calls >= at {
			return errKilled
		}
		return nil
	}), Options{})
	if err != nil {
		return nil, calls, err
	}
	e, err := d.Take(Name{pairing.RoleSender, "x"})
	return e, calls, err
}

// connection is what is on a disk: that of its checkpoint, or 0 for none.
func connection(t *testing.T, disk *transfertest.Disk) uint32 {
	t.Helper()
	e, _, err := on(disk, 0)
	if err != nil {
		t.Fatal(err)
	}
	c, err := e.Load()
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if c == nil {
		return 0
	}
	return c.Connection
}

// The power fails at any call of the first use, a save, another one, and the removal:
// what was there before or what was to be there is there, and when the call has
// returned the latter, for certain.
func TestPowerFailsAtEachCall(t *testing.T) {
	acts := func(e *Entry) []func() error {
		save := func(n uint32) func() error {
			c := sample(1)
			c.Connection = n
			return func() error { return e.Save(t.Context(), c) }
		}
		return []func() error{save(1), save(2), func() error { return e.Remove(t.Context()) }}
	}
	last := 1
	for at := 0; at <= last; at++ {
		for seed := range uint64(20) {
			disk := transfertest.NewDisk()
			before, after := uint32(0), uint32(0)
			e, calls, err := on(disk, at)
			for i := 0; err == nil && i < 3; i++ {
				before, after = after, uint32([]int{1, 2, 0}[i])
				if err = acts(e)[i](); err == nil {
					if got := connection(t, disk.Durable()); got != after {
						t.Fatalf("durable is %d, want %d", got, after)
					}
				}
			}
			if at == 0 {
				last = *calls
			}
			if killed := at > 0; killed != errors.Is(err, errKilled) {
				t.Fatalf("at call %d of %d: %v", at, last, err)
			}
			disk.Crash(rand.New(rand.NewPCG(seed, uint64(at))))
			first := connection(t, disk)
			if first != before && first != after {
				t.Fatalf("at call %d: %d is there, was %d, should be %d", at, first, before, after)
			}
			// What was found stays, whatever fails after that.
			disk.Crash(rand.New(rand.NewPCG(seed, uint64(at)+1)))
			if again := connection(t, disk); again != first {
				t.Fatalf("at call %d: found %d, and then %d", at, first, again)
			}
		}
	}
	if last < 40 {
		t.Errorf("%d calls", last)
	}
}

// A process that was killed in a save leaves it to the system. Who finds it there can
// build on it.
func TestWhatLoadFindsIsDurable(t *testing.T) {
	found := 0
	for at := 1; at < 60; at++ {
		disk := transfertest.NewDisk()
		c := sample(1)
		c.Connection = 1
		e, _, err := on(disk, at)
		if err == nil {
			err = e.Save(t.Context(), c)
		}
		disk.Crash(nil)
		got := connection(t, disk)
		if durable := connection(t, disk.Durable()); durable != got {
			t.Fatalf("killed at call %d: found %d, and durable is %d", at, got, durable)
		}
		if got != 0 && errors.Is(err, errKilled) {
			found++
		}
	}
	if found == 0 {
		t.Error("no save was killed when its file was there")
	}
}
