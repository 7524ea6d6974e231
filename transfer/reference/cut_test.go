package reference

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
)

// Section "Segments", "Cutting a room".
const (
	targetWeight = 1 << 20
	windowWeight = targetWeight / 8
	leastWeight  = 256
)

// head is what cutting knows of an item.
type head struct {
	key     [32]byte
	weight  int
	instant int64
}

// atom is a run of items that are not cut.
type atom struct {
	items, weight int
	priority      [32]byte
}

// cutRoom returns the number of items of each segment.
func cutRoom(heads []head) []int { return cutAtoms(atoms(heads)) }

// cutAtoms is rule 2.
func cutAtoms(all []atom) []int {
	var out []int
	var stretch []atom
	flush := func() {
		out = append(out, cutStretch(stretch)...)
		stretch = nil
	}
	for _, a := range all {
		if a.weight > targetWeight/2 {
			flush()
			out = append(out, a.items)
			continue
		}
		stretch = append(stretch, a)
	}
	flush()
	return out
}

// atoms is rule 1.
func atoms(heads []head) []atom {
	var all []atom
	for len(heads) > 0 {
		n, sum := 0, 0
		for n < len(heads) && heads[n].instant == heads[0].instant {
			sum += heads[n].weight
			n++
		}
		group := [][]head{heads[:n]}
		if n > 1 && sum > targetWeight {
			group = slices.Collect(slices.Chunk(heads[:n], 1))
		}
		for _, items := range group {
			a := atom{items: len(items)}
			for _, h := range items {
				a.weight += h.weight
				if bytes.Compare(h.key[:], a.priority[:]) > 0 {
					a.priority = h.key
				}
			}
			all = append(all, a)
		}
		heads = heads[n:]
	}
	return all
}

// cutStretch ends a stretch that has too long no boundary, read from its newest
// end; what is older is another one.
func cutStretch(atoms []atom) []int {
	position := positions(atoms)
	whole := boundaries(atoms, position)
	total, last := 0, 0 // weights from the newest end
	for i := len(atoms) - 1; i > 0; i-- {
		total += atoms[i].weight
		for _, j := range whole {
			if behind := position[len(atoms)-1] - position[j]; behind+windowWeight < total {
				last = max(last, behind)
			}
		}
		if total-last > 16*targetWeight {
			return append(cutStretch(atoms[:i]), cutAll(atoms[i:])...)
		}
	}
	return cutAll(atoms)
}

// cutAll is rule 4 between the boundaries of a stretch.
func cutAll(atoms []atom) []int {
	if len(atoms) == 0 {
		return nil
	}
	var out []int
	start := 0
	for _, i := range boundaries(atoms, positions(atoms)) {
		out = append(out, halve(atoms[start:i+1])...)
		start = i + 1
	}
	return append(out, halve(atoms[start:])...)
}

// positions are those of the places after each atom.
func positions(atoms []atom) []int {
	out, at := make([]int, len(atoms)), 0
	for i, a := range atoms {
		at += a.weight
		out[i] = at
	}
	return out
}

// boundaries is rule 3, place by place.
func boundaries(atoms []atom, position []int) (out []int) {
	for i := range atoms[:max(len(atoms), 1)-1] {
		total := position[len(atoms)-1]
		if position[i] > windowWeight && total-position[i] > windowWeight && highest(atoms, position, i) {
			out = append(out, i)
		}
	}
	return out
}

// highest says whether no other place within W of place i comes before it.
func highest(atoms []atom, position []int, i int) bool {
	for j := i - 1; j >= 0 && position[i]-position[j] <= windowWeight; j-- {
		if bytes.Compare(atoms[j].priority[:], atoms[i].priority[:]) > 0 {
			return false
		}
	}
	for j := i + 1; j < len(atoms)-1 && position[j]-position[i] <= windowWeight; j++ {
		if bytes.Compare(atoms[j].priority[:], atoms[i].priority[:]) >= 0 {
			return false
		}
	}
	return true
}

// halve is rule 4.
func halve(atoms []atom) []int {
	items, weight := 0, 0
	for _, a := range atoms {
		items += a.items
		weight += a.weight
	}
	if weight <= targetWeight {
		return []int{items}
	}
	best, at := -1, 0
	for i, a := range atoms[:len(atoms)-1] {
		at += a.weight
		if at < weight/4 || weight-at < weight/4 {
			continue
		}
		if best < 0 || bytes.Compare(a.priority[:], atoms[best].priority[:]) >= 0 {
			best = i
		}
	}
	return append(halve(atoms[:best+1]), halve(atoms[best+1:])...)
}

func TestCut(t *testing.T) {
	var v struct {
		Heads int
		Spans []int
	}
	load(t, "segment/cut.json", &v)
	heads := make([]head, v.Heads)
	for i := range heads {
		h := head{key: sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i))), instant: int64(i / 3)}
		h.weight = max(leastWeight, 200+int(binary.BigEndian.Uint16(h.key[:]))%1000)
		if i%500 == 499 {
			h.weight = 100000 * (1 + i/500%7)
		}
		heads[i] = h
	}
	if got := cutRoom(heads); len(got) == 0 || !slices.Equal(got, v.Spans) {
		t.Errorf("cut into\n%v, want\n%v", got, v.Spans)
	}
}

// What cut.json does not show: places at exactly W, equal keys, instants and
// items that are heavier than T, and long stretches without a boundary.
func TestCutMore(t *testing.T) {
	var cases []struct {
		Name  string
		Heads []string // instant, size and the first bytes of the key
		Spans []int
	}
	load(t, "reference/cut.json", &cases)
	if len(cases) == 0 {
		t.Fatal("no cases")
	}
	for _, c := range cases {
		var heads []head
		for _, line := range c.Heads {
			var h head
			var key []byte
			if _, err := fmt.Sscanf(line, "%d %d %x", &h.instant, &h.weight, &key); err != nil {
				t.Fatal(err)
			}
			h.weight = max(leastWeight, h.weight)
			copy(h.key[:], key)
			heads = append(heads, h)
		}
		if got := cutRoom(heads); !slices.Equal(got, c.Spans) {
			t.Errorf("%s: cut into\n%v, want\n%v", c.Name, got, c.Spans)
		}
	}
}
