package segment

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whatever the sizes, instants and keys are: nothing is lost, both directions
// agree, limits hold, and one change makes at most three segments.
func TestCutProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		n := rapid.IntRange(0, 1500).Draw(t, "items")
		longest := rapid.SampledFrom([]uint32{1, 500, 5000, Window, MaxSegment/2 + 2, MaxSegment, MaxRecord}).Draw(t, "longest")
		same := rapid.IntRange(1, 50).Draw(t, "items of an instant")
		if longest > 100_000 {
			same = 1 // a run that opens is another matter: see the specification
		}
		g := &headGen{
			r: r, size: func(r *rand.Rand) uint32 { return 1 + r.Uint32N(longest) },
			step: func(r *rand.Rand) int64 { return int64(r.IntN(same) / max(1, same-1)) },
		}
		if same == 1 {
			g.step = func(*rand.Rand) int64 { return 1 }
		}
		hs := g.heads(n)
		spans := cutBackward(hs)
		if got := slices.Concat(spans...); !slices.Equal(got, hs) {
			t.Fatal("items lost or moved")
		}
		if !equalSpans(spans, cutForward(hs)) {
			t.Fatal("directions differ")
		}
		for _, s := range spans {
			if len(s) == 0 || len(s) > MaxItems || len(s) > 1 && weightOf(s) > MaxSegment {
				t.Fatalf("span of %d items, weight %d", len(s), weightOf(s))
			}
		}
		if n == 0 {
			return
		}
		i := r.IntN(n)
		after := slices.Clone(hs)
		switch rapid.IntRange(0, 3).Draw(t, "change") {
		case 0:
			h := g.next()
			h.Instant = hs[i].Instant
			after = slices.Insert(after, i, h)
		case 1:
			after = slices.Delete(after, i, i+1)
		case 2:
			after[i].Size = g.size(r)
		case 3:
			after[i].Key = g.key()
		}
		if n := fresh(named(spans), named(cutBackward(after))); n > 3 {
			t.Fatalf("%d segments change", n)
		}
	})
}

// Somebody who orders his messages by key finds no boundary, and gets neither
// our memory nor our time.
func TestCutSortedKeys(t *testing.T) {
	g := regimes[0].gen(1)
	hs := g.heads(200_000)
	keys := make([]Key, len(hs))
	for i := range hs {
		keys[i] = hs[i].Key
	}
	slices.SortFunc(keys, func(a, b Key) int { return bytes.Compare(a[:], b[:]) })
	for _, order := range []string{"rising", "falling", "organ pipe"} {
		for i := range hs {
			switch {
			case order == "rising":
				hs[i].Key = keys[i]
			case order == "falling":
				hs[i].Key = keys[len(keys)-1-i]
			case i < len(hs)/2:
				hs[i].Key = keys[2*i]
			default:
				hs[i].Key = keys[2*(len(hs)-1-i)+1]
			}
		}
		start := time.Now()
		c := Cutter{Direction: NewestFirst}
		held, small, segments := 0, 0, 0
		count := func(s []Head) error {
			segments++
			if w := weightOf(s); w > MaxSegment || w < MaxSegment/5 {
				small++
			}
			return nil
		}
		for _, h := range slices.Backward(hs) {
			if err := c.Add(h, count); err != nil {
				t.Fatal(err)
			}
			held = max(held, len(c.heads))
		}
		if err := c.Flush(count); err != nil {
			t.Fatal(err)
		}
		if held > 17*MaxItems || small > segments/20+2 {
			t.Errorf("%s: %d heads held, %d of %d segments are tiny or too large", order, held, small, segments)
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("%s: took %v", order, d)
		}
	}
}

// Equal keys are no reason to cut otherwise in the other direction.
func TestCutEqualKeys(t *testing.T) {
	hs := regimes[0].gen(2).heads(20_000)
	for i := range hs {
		hs[i].Key = Key{byte(i % 3)}
	}
	if !equalSpans(cutForward(hs), cutBackward(hs)) {
		t.Error("directions differ")
	}
}

// The first segment comes before the room was looked at whole, and stopping stops.
func TestNewestSegmentComesFirst(t *testing.T) {
	g := regimes[0].gen(3)
	hs := g.heads(50_000)
	c := Cutter{Direction: NewestFirst}
	stop := errors.New("stop")
	var first []Head
	read := 0
	for _, h := range slices.Backward(hs) {
		read++
		err := c.Add(h, func(s []Head) error { first = slices.Clone(s); return stop })
		if first != nil {
			if err != stop {
				t.Errorf("error %v", err)
			}
			break
		}
	}
	if read > 3*MaxItems || first[len(first)-1] != hs[len(hs)-1] {
		t.Errorf("read %d heads before the first segment", read)
	}
	for span := range CutNewestFirst(hs) {
		if cap(span) != len(span) {
			t.Error("appending to a span would overwrite heads")
		}
		if first == nil {
			break
		}
		if !slices.Equal(span, first) {
			t.Error("another first segment")
		}
		first = nil
	}
}

func TestSplitRoster(t *testing.T) {
	hs := regimes[0].gen(3).heads(10)
	hs[2].Roster, hs[9].Roster = true, true
	m, r := SplitRoster(hs)
	if len(m) != 8 || len(r) != 2 || r[0] != hs[2] || r[1] != hs[9] || m[2] != hs[3] {
		t.Error("not parted as marked")
	}
}
