package segment

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
)

// A headGen makes heads without records, so that whole histories can be cut
// thousands of times.
type headGen struct {
	r       *rand.Rand
	n       uint64
	instant int64
	size    func(*rand.Rand) uint32
	step    func(*rand.Rand) int64 // to the next instant
}

func (g *headGen) key() (k Key) {
	g.n++
	return sha256.Sum256(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, g.r.Uint64()), g.n))
}

func (g *headGen) next() Head {
	g.instant += g.step(g.r)
	return Head{Key: g.key(), Instant: g.instant, Size: g.size(g.r), Ref: g.n}
}

func (g *headGen) heads(n int) []Head {
	hs := make([]Head, n)
	for i := range hs {
		hs[i] = g.next()
	}
	return hs
}

func chat(r *rand.Rand) uint32 { return 200 + uint32(r.ExpFloat64()*150) }
func long(r *rand.Rand) uint32 { return 200 + min(uint32(r.ExpFloat64()*9000), 400<<10) }
func mixed(r *rand.Rand) uint32 { // chat with now and then a huge record
	switch x := r.Float64(); {
	case x < 0.0005:
		return MaxRecord - uint32(r.IntN(1000))
	case x < 0.005:
		return 50_000 + uint32(r.IntN(600_000))
	}
	return chat(r)
}
func seconds(r *rand.Rand) int64 { return int64(r.ExpFloat64() * 30_000) }
func minutes(r *rand.Rand) int64 { // the resolution of many exports
	if r.IntN(4) > 0 {
		return 0
	}
	return 60_000 * (1 + int64(r.IntN(5)))
}
func bursts(r *rand.Rand) int64 { // many of one instant
	if r.IntN(200) > 0 {
		return 0
	}
	return 1
}
func undated(*rand.Rand) int64 { return 0 }

type regime struct {
	name string
	size func(*rand.Rand) uint32
	step func(*rand.Rand) int64
	n    int
	max  int // segments that a change may make
}

var regimes = []regime{
	{"chat", chat, seconds, 100_000, 3},
	{"minutes", chat, minutes, 100_000, 3},
	{"bursts", chat, bursts, 50_000, 3},
	{"long", long, seconds, 10_000, 3},
	{"mixed", mixed, minutes, 50_000, 3},
	{"undated", chat, undated, 30_000, 3},
}

func (g regime) gen(seed uint64) *headGen {
	return &headGen{r: rand.New(rand.NewPCG(seed, 1)), size: g.size, step: g.step, instant: 1_600_000_000_000}
}

// A name stands for a segment's id: all of its heads go into it.
type name struct{ sum, product uint64 }

func named(spans [][]Head) map[name]int {
	m := make(map[name]int, len(spans))
	for _, s := range spans {
		n := name{product: 1}
		for i := range s {
			x := binary.BigEndian.Uint64(s[i].Key[:]) ^ uint64(s[i].Instant)<<20 ^ uint64(s[i].Size)
			n.sum += x
			n.product = n.product*0x9e3779b97f4a7c15 + x
		}
		m[n] = len(s)
	}
	return m
}

func fresh(before, after map[name]int) (n int) {
	for id := range after {
		if _, ok := before[id]; !ok {
			n++
		}
	}
	return n
}

func cutForward(hs []Head) (spans [][]Head) {
	var c Cutter
	keep := func(s []Head) error { spans = append(spans, slices.Clone(s)); return nil }
	for _, h := range hs {
		if err := c.Add(h, keep); err != nil {
			panic(err)
		}
	}
	if err := c.Flush(keep); err != nil {
		panic(err)
	}
	return spans
}

func cutBackward(hs []Head) (spans [][]Head) {
	for s := range CutNewestFirst(hs) {
		spans = append(spans, s)
	}
	slices.Reverse(spans)
	return spans
}

func weightOf(hs []Head) (w int64) {
	for _, h := range hs {
		w += weigh(h.Size)
	}
	return w
}

func runWeight(hs []Head, instant int64) int64 {
	i, _ := slices.BinarySearchFunc(hs, instant, func(h Head, t int64) int { return cmp.Compare(h.Instant, t) })
	j, _ := slices.BinarySearchFunc(hs, instant+1, func(h Head, t int64) int { return cmp.Compare(h.Instant, t) })
	return weightOf(hs[i:j])
}

func equalSpans(a, b [][]Head) bool {
	return slices.EqualFunc(a, b, func(x, y []Head) bool { return slices.Equal(x, y) })
}

func TestCutBounds(t *testing.T) {
	for _, g := range regimes {
		t.Run(g.name, func(t *testing.T) {
			hs := g.gen(7).heads(g.n)
			spans := cutForward(hs)
			if !equalSpans(spans, cutBackward(hs)) {
				t.Fatal("newest first is cut at other places")
			}
			if got := slices.Concat(spans...); !slices.Equal(got, hs) {
				t.Fatal("items lost or moved")
			}
			var over, sum int
			for i, s := range spans {
				if w := weightOf(s); w > MaxSegment && len(s) > 1 || len(s) > MaxItems {
					t.Errorf("span %d: %d items of weight %d", i, len(s), w)
				}
				if i > 0 && spans[i-1][len(spans[i-1])-1].Instant == s[0].Instant && runWeight(hs, s[0].Instant) <= MaxSegment {
					over++
				}
				sum += len(s)
			}
			if over > 0 {
				t.Errorf("%d cuts between equal instants", over)
			}
			t.Logf("%d segments, mean %d items", len(spans), sum/len(spans))
		})
	}
}

// place puts h at its place in hs.
func insertHead(hs []Head, i int, h Head) []Head { return slices.Insert(slices.Clone(hs), i, h) }

func TestOneChangeIsLocal(t *testing.T) {
	for _, g := range regimes {
		t.Run(g.name, func(t *testing.T) { oneChange(t, g, 2, 3) })
		g.n = min(g.n, 6000)
		t.Run(g.name+" small", func(t *testing.T) { oneChange(t, g, 50, 4) })
	}
}

func oneChange(t *testing.T, g regime, rounds int, seed uint64) {
	gen := g.gen(seed)
	hs := gen.heads(g.n)
	spans := cutBackward(hs)
	before := named(spans)
	worst, hist := 0, map[int]int{}
	try := func(what string, i int, after []Head) {
		n := fresh(before, named(cutBackward(after)))
		hist[n]++
		worst = max(worst, n)
		if n > g.max {
			t.Errorf("%s at %d: %d segments change", what, i, n)
		}
	}
	var ends []int // where a change matters most
	at := 0
	for _, s := range spans {
		at += len(s)
		ends = append(ends, at-1)
	}
	pick := func() int {
		if gen.r.IntN(2) == 0 {
			return ends[gen.r.IntN(len(ends))]
		}
		return gen.r.IntN(len(hs))
	}
	for range rounds {
		i := pick()
		h := gen.next()
		h.Instant = hs[i].Instant
		try("insert", i, insertHead(hs, i, h))
		i = pick()
		h.Key[0] |= 0xff // likely a boundary
		h.Instant = hs[i].Instant
		try("insert high", i, insertHead(hs, i, h))
		i = pick()
		try("delete", i, slices.Delete(slices.Clone(hs), i, i+1))
		i = pick()
		e := slices.Clone(hs)
		e[i].Size = gen.size(gen.r)
		try("edit", i, e)
		i = pick()
		e = slices.Clone(hs)
		e[i].Key = gen.key()
		try("edit without id", i, e)
	}
	try("append", len(hs), append(slices.Clone(hs), gen.next()))
	first := hs[0]
	first.Key, first.Instant = gen.key(), first.Instant-1
	try("prepend", 0, insertHead(hs, 0, first))
	t.Logf("segments changed: %v", hist)
}
