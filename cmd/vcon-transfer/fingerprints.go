package main

import "hash/maphash"

// Fingerprints is a set of texts that keeps 64 bits of each and never the text: to
// find what comes twice among a million in 16 MiB. Two texts are taken for one with
// a chance of n²/2^65 for n texts, 2^-25 for a million; the hash is keyed afresh for
// each set, so nobody can make texts that meet. The zero set is empty.
type fingerprints struct {
	seed  maphash.Seed
	slots []uint64 // open addressing, 0 is free; a power of two
	n     int
	full  bool // a text was not taken
	limit int  // of slots; 0 is maxFingerprintSlots
}

const (
	minFingerprintSlots = 1 << 4
	// maxFingerprintSlots bounds a set: 16 MiB, for 1,835,008 texts.
	maxFingerprintSlots = 1 << 21
)

// add takes a text and reports whether it is new. A full set knows the texts that
// it has, and calls every other one new.
func (f *fingerprints) add(text string) bool {
	if f.slots == nil {
		f.seed, f.slots = maphash.MakeSeed(), make([]uint64, minFingerprintSlots)
	}
	h := maphash.String(f.seed, text)
	if h == 0 {
		h = 1
	}
	at, found := f.find(h)
	if found {
		return false
	}
	if f.n >= len(f.slots)/8*7 {
		if !f.grow() {
			f.full = true
			return true
		}
		at, _ = f.find(h)
	}
	f.slots[at] = h
	f.n++
	return true
}

// find returns the slot of h, or the free one for it.
func (f *fingerprints) find(h uint64) (at int, found bool) {
	mask := len(f.slots) - 1
	for at = int(h>>32) & mask; f.slots[at] != 0; at = (at + 1) & mask {
		if f.slots[at] == h {
			return at, true
		}
	}
	return at, false
}

// grow doubles the slots, while there may be more.
func (f *fingerprints) grow() bool {
	limit := f.limit
	if limit == 0 {
		limit = maxFingerprintSlots
	}
	if len(f.slots) >= limit {
		return false
	}
	old := f.slots
	f.slots = make([]uint64, 2*len(old))
	for _, h := range old {
		if h != 0 {
			at, _ := f.find(h)
			f.slots[at] = h
		}
	}
	return true
}
