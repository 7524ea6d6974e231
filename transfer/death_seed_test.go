package transfer_test

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
)

// Processes of both devices die at random steps, again and again, and with them what
// their disks had not synced. Connections are cut, stall, or hang half-open; strangers
// repeat them; the relay dies; disks are full; clocks jump; the source changes. Each
// seed ends with an import that is what the source was, and a receipt.
//
// VCON_TRANSFER_SEED=42 runs one seed alone, VCON_TRANSFER_SEEDS=100000 more; both
// together begin there. Keys come from the system, so a seed repeats what happens and
// not every byte.
func TestKilledAgainAndAgain(t *testing.T) {
	from, n := seeds(150)
	happened := map[string]int{}
	for seed := from; seed < from+n; seed++ {
		synctest.Test(t, func(t *testing.T) {
			w := seededWorld(t, seed)
			w.run()
			w.check()
			for what, n := range w.happened {
				happened[what] += n
			}
			if t.Failed() {
				t.Fatalf("run again with VCON_TRANSFER_SEED=%d", seed)
			}
		})
		if t.Failed() {
			return
		}
	}
	t.Log(happened)
	for _, what := range []string{
		"resumed", "killed", "power failed", "names lost", "the store lost a call", "half open", "relay died", "repeated",
		"disk full", "clock jumped", "over", "forgotten", "another transfer",
	} {
		if n >= 1000 && happened[what] == 0 {
			t.Errorf("%d seeds, and never: %s", n, what)
		}
	}
	if n > 10 && happened["resumed"] < int(n) {
		t.Errorf("%d stored transfers were taken up with %d seeds: few were killed", happened["resumed"], n)
	}
}

// seededWorld is what a seed says will happen.
func seededWorld(t *testing.T, seed uint64) *world {
	rnd := rand.New(rand.NewPCG(seed, 3))
	source := newSource(seed, 1+rnd.IntN(2), 1+rnd.IntN(4), 1+rnd.IntN(9_000), rnd.IntN(2)*rnd.IntN(150_000))
	w := newWorld(t, source, rnd.IntN(2) == 0, nil, nil)
	for i, d := range []*device{w.sender, w.receiver} {
		d.kills = list(rnd, 6, func() int { return 1 + rnd.IntN(100) })
		if rnd.IntN(3) > 0 {
			d.fate = rand.New(rand.NewPCG(seed, 10+uint64(i)))
		}
		if rnd.IntN(5) == 0 {
			d.full = list(rnd, 4, func() int { return rnd.IntN(2) * (1 + rnd.IntN(100)) })
		}
		if rnd.IntN(4) == 0 {
			d.jumps = list(rnd, 6, func() time.Duration { return time.Duration(rnd.IntN(60)-30) * time.Hour })
		}
	}
	if rnd.IntN(2) == 0 {
		w.changes = rand.New(rand.NewPCG(seed, 4))
	}
	w.net.seed(rnd, seed)
	return w
}

// list makes fewer than n values.
func list[T any](rnd *rand.Rand, n int, value func() T) (l []T) {
	for range rnd.IntN(n) {
		l = append(l, value())
	}
	return l
}

func (n *deathNet) seed(rnd *rand.Rand, seed uint64) {
	switch rnd.IntN(4) {
	case 0:
		n.routes = []pairing.Route{relayRoute}
	case 1:
		n.routes = []pairing.Route{relayRoute, directRoute}
	}
	if len(n.routes) > 0 {
		n.relays = list(rnd, 4, func() relayDeath {
			return relayDeath{1 + rnd.IntN(40), rnd.IntN(2) == 0, time.Duration(rnd.IntN(60)) * time.Second}
		})
	}
	if rnd.IntN(2) == 0 {
		fault := func() (f transfertest.Faults) {
			at := 1 + rnd.Int64N(6_000)
			if rnd.IntN(2) == 0 {
				at = 1 + rnd.Int64N(200_000)
			}
			switch rnd.IntN(4) {
			case 0:
				f.CutAfter = at
			case 1:
				f.StallAfter = at
			}
			return f
		}
		n.faults, n.back = list(rnd, 8, fault), list(rnd, 8, fault)
		n.down = list(rnd, 8, func() bool { return rnd.IntN(4) == 0 })
	}
	if rnd.IntN(2) == 0 {
		n.rnd = rand.New(rand.NewPCG(seed, 6))
	}
}
