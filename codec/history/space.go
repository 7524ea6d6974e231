package history

import (
	"encoding/binary"
	"fmt"
	"math"
)

// maxWanted bounds what a Wanted tells apart; what comes beyond is not counted, so
// that it asks for less than the truth: 32 MiB of memory.
const maxWanted = 1 << 20

// A SpaceError says that a destination has too little free space for what would
// come. Nothing of that was asked for yet.
type SpaceError struct {
	Need uint64 // bytes that would come, about
	Free uint64 // bytes that are free
}

func (e *SpaceError) Error() string {
	return fmt.Sprintf("needs about %d bytes, %d are free", e.Need, e.Free)
}

// A Wanted adds up the bytes of what a destination asks for, each thing once: after
// a lost connection it is asked for again.
type Wanted struct {
	Bytes uint64
	seen  map[uint64]struct{}
}

// Add counts n bytes of what has this name, a hash of at least 8 bytes. Two names
// that begin alike count once: that is too little, never too much.
func (w *Wanted) Add(name []byte, n uint64) {
	key := binary.BigEndian.Uint64(name)
	if _, ok := w.seen[key]; ok || len(w.seen) >= maxWanted {
		return
	}
	if w.seen == nil {
		w.seen = map[uint64]struct{}{}
	}
	w.seen[key] = struct{}{}
	w.Bytes = AddBytes(w.Bytes, n)
}

// AddBytes is the sum of two lengths, at most 2^64-1: a peer announced them.
func AddBytes(a, b uint64) uint64 {
	if a > math.MaxUint64-b {
		return math.MaxUint64
	}
	return a + b
}
