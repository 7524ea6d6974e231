package hpke

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
)

func streamKey(n byte) []byte { return bytes.Repeat([]byte{n}, 32) }

func sealerAndOpener(t testing.TB, key []byte) (*ChunkSealer, *ChunkOpener) {
	t.Helper()
	sealer, err := NewChunkSealer(SuiteXWing, key)
	check(t, err)
	opener, err := NewChunkOpener(SuiteXWing, key)
	check(t, err)
	return sealer, opener
}

// chunk is one argument of Open.
type chunk struct {
	ct, aad []byte
	last    bool
}

// sealedChunks are four chunks: full, empty, one byte, short and last.
func sealedChunks(t testing.TB, key []byte) (plain [][]byte, sealed []chunk) {
	t.Helper()
	sealer, _ := sealerAndOpener(t, key)
	for i, n := range []int{MaxChunk, 0, 1, 1000} {
		p := bytes.Repeat([]byte{byte(i + 1)}, n)
		aad := fmt.Append(nil, "aad ", i)
		ct, err := sealer.Seal(nil, p, aad, i == 3)
		check(t, err)
		plain = append(plain, p)
		sealed = append(sealed, chunk{ct, aad, i == 3})
	}
	return plain, sealed
}

// refused opens chunks of which the one at index bad is the first wrong one.
func refused(t *testing.T, what string, key []byte, chunks []chunk, bad int, want error) {
	t.Helper()
	plain, _ := sealedChunks(t, key)
	_, opener := sealerAndOpener(t, key)
	for i, c := range chunks {
		pt, err := opener.Open(nil, c.ct, c.aad, c.last)
		switch {
		case i < bad:
			check(t, err)
			equal(t, what, pt, plain[i])
		case i == bad:
			var place *ChunkError
			if !errors.Is(err, want) || pt != nil || !errors.As(err, &place) || place.Chunk != uint64(bad) {
				t.Fatalf("%s: chunk %d: %d bytes, %v", what, i, len(pt), err)
			}
		case !errors.Is(err, want):
			t.Fatalf("%s: chunk %d opens after the failure: %v", what, i, err)
		}
	}
	if len(chunks) <= bad {
		t.Fatalf("%s: nothing was refused", what)
	}
	if want != ErrFinished && opener.Finished() {
		t.Fatalf("%s: finished", what)
	}
}

func TestChunkRoundTrip(t *testing.T) {
	for _, s := range suites() {
		for _, sizes := range [][]int{{0}, {1}, {MaxChunk}, {MaxChunk - 1, 0}, {0, 0, 5}, {MaxChunk, MaxChunk, 1}, {1, 2, 3, 4}} {
			key := streamKey(1)
			sealer, err := NewChunkSealer(s, key)
			check(t, err)
			opener, err := NewChunkOpener(s, key)
			check(t, err)
			clear(key) // the caller may erase it at once
			for i, n := range sizes {
				last := i == len(sizes)-1
				want := bytes.Repeat([]byte{byte(n)}, n)
				buf := make([]byte, n, n+Overhead)
				copy(buf, want)
				ct, err := sealer.Seal(buf[:0], buf, []byte("aad"), last) // in place
				check(t, err)
				if len(ct) != n+Overhead || sealer.Finished() != last || opener.Finished() {
					t.Fatalf("chunk %d of %v: %d bytes, %v, %v", i, sizes, len(ct), sealer.Finished(), opener.Finished())
				}
				pt, err := opener.Open([]byte("kept"), ct, []byte("aad"), last)
				check(t, err)
				equal(t, "plaintext", pt, append([]byte("kept"), want...))
				if opener.Finished() != last {
					t.Fatalf("chunk %d of %v: finished %v", i, sizes, opener.Finished())
				}
			}
		}
	}
}

// TestChunkNonce spells the nonce out once more.
func TestChunkNonce(t *testing.T) {
	sealer, _ := sealerAndOpener(t, streamKey(1))
	aead, err := SuiteXWing.NewAEAD(streamKey(1))
	check(t, err)
	sealer.n = 0x01020304 - 1
	for i, nonce := range []string{
		"\x00\x00\x00\x00\x00\x00\x00\x01\x02\x03\x03\x00",
		"\x00\x00\x00\x00\x00\x00\x00\x01\x02\x03\x04\x00",
		"\x00\x00\x00\x00\x00\x00\x00\x01\x02\x03\x05\x01",
	} {
		ct, err := sealer.Seal(nil, []byte("text"), []byte("aad"), i == 2)
		check(t, err)
		equal(t, "chunk", ct, aead.Seal(nil, []byte(nonce), []byte("text"), []byte("aad")))
	}
}

func TestChunkTruncation(t *testing.T) {
	key := streamKey(1)
	_, sealed := sealedChunks(t, key)
	// Cut at a boundary: the opener is not finished, or the chunk that now comes
	// last does not open as the last one.
	for n := range len(sealed) {
		_, opener := sealerAndOpener(t, key)
		for _, c := range sealed[:n] {
			_, err := opener.Open(nil, c.ct, c.aad, c.last)
			check(t, err)
		}
		if opener.Finished() {
			t.Errorf("finished after %d of %d chunks", n, len(sealed))
		}
		if n > 0 {
			cut := slices.Clone(sealed[:n])
			cut[n-1].last = true
			refused(t, "cut and called last", key, cut, n-1, ErrOpen)
		}
	}
	for i := range sealed {
		for _, n := range []int{0, Overhead - 1, Overhead, len(sealed[i].ct) - 1} {
			if n == len(sealed[i].ct) {
				continue
			}
			cut := slices.Clone(sealed)
			cut[i].ct = cut[i].ct[:n]
			refused(t, fmt.Sprintf("chunk %d cut to %d", i, n), key, cut, i, ErrOpen)
		}
	}
}

func TestChunkReordering(t *testing.T) {
	key := streamKey(1)
	for i := range 4 {
		for j := i + 1; j < 4; j++ {
			_, sealed := sealedChunks(t, key)
			sealed[i], sealed[j] = sealed[j], sealed[i]
			refused(t, fmt.Sprintf("%d and %d swapped", i, j), key, sealed, i, ErrOpen)
		}
	}
}

func TestChunkDuplication(t *testing.T) {
	key := streamKey(1)
	for i := range 4 {
		_, sealed := sealedChunks(t, key)
		want := ErrOpen
		if i == 3 {
			want = ErrFinished
		}
		refused(t, fmt.Sprintf("%d doubled", i), key, slices.Insert(sealed, i, sealed[i]), i+1, want)
	}
}

func TestChunkOmission(t *testing.T) {
	key := streamKey(1)
	for i := range 3 {
		_, sealed := sealedChunks(t, key)
		refused(t, fmt.Sprintf("%d left out", i), key, slices.Delete(sealed, i, i+1), i, ErrOpen)
	}
}

func TestChunkSplicing(t *testing.T) {
	key := streamKey(1)
	_, other := sealedChunks(t, streamKey(2))
	for i := range 4 {
		_, sealed := sealedChunks(t, key)
		sealed[i] = other[i]
		refused(t, fmt.Sprintf("%d from another stream", i), key, sealed, i, ErrOpen)
	}
}

func TestChunkExtension(t *testing.T) {
	key := streamKey(1)
	_, sealed := sealedChunks(t, key)
	refused(t, "chunk after the last", key, append(slices.Clone(sealed), sealed[1]), 4, ErrFinished)
	for i := range sealed {
		longer := slices.Clone(sealed)
		longer[i].ct = append(slices.Clone(longer[i].ct), 0)
		want := ErrOpen
		if i == 0 { // a full chunk
			want = ErrTooLarge
		}
		refused(t, fmt.Sprintf("%d made longer", i), key, longer, i, want)
	}
	open := slices.Clone(sealed)
	open[3].last = false
	refused(t, "last chunk called not last", key, open, 3, ErrOpen)
}

func TestChunkBitFlips(t *testing.T) {
	key := streamKey(1)
	_, sealed := sealedChunks(t, key)
	for i, c := range sealed {
		body := len(c.ct) - Overhead
		for _, at := range []int{0, body - 1, body, len(c.ct) - 1} {
			for _, bit := range []byte{1, 0x80} {
				if at < 0 {
					continue
				}
				flipped := slices.Clone(sealed)
				flipped[i].ct = slices.Clone(c.ct)
				flipped[i].ct[at] ^= bit
				refused(t, fmt.Sprintf("bit of byte %d of chunk %d", at, i), key, flipped, i, ErrOpen)
			}
		}
		for _, aad := range []string{"", "aad", "aad 9", "aad 00"} {
			changed := slices.Clone(sealed)
			changed[i].aad = []byte(aad)
			refused(t, fmt.Sprintf("aad of chunk %d", i), key, changed, i, ErrOpen)
		}
	}
}

func TestChunkWrongKey(t *testing.T) {
	_, sealed := sealedChunks(t, streamKey(1))
	refused(t, "wrong key", streamKey(2), sealed, 0, ErrOpen)
	for _, n := range []int{0, 16, 31, 33} {
		if _, err := NewChunkSealer(SuiteXWing, make([]byte, n)); !errors.Is(err, ErrKey) {
			t.Errorf("sealer, %d bytes of key: %v", n, err)
		}
		if _, err := NewChunkOpener(SuiteXWing, make([]byte, n)); !errors.Is(err, ErrKey) {
			t.Errorf("opener, %d bytes of key: %v", n, err)
		}
	}
}

// TestChunkSizeLimit: the longest chunk, one byte more, and nothing after that.
func TestChunkSizeLimit(t *testing.T) {
	sealer, opener := sealerAndOpener(t, streamKey(1))
	ct, err := sealer.Seal(nil, make([]byte, MaxChunk), nil, false)
	check(t, err)
	_, err = opener.Open(nil, ct, nil, false)
	check(t, err)
	for range 2 {
		if ct, err := sealer.Seal(nil, make([]byte, MaxChunk+1), nil, false); !errors.Is(err, ErrTooLarge) || ct != nil {
			t.Errorf("seal: %v", err)
		}
		if _, err := opener.Open(nil, make([]byte, MaxSealedChunk+1), nil, false); !errors.Is(err, ErrTooLarge) {
			t.Errorf("open: %v", err)
		}
	}
	if _, err := sealer.Seal(nil, nil, nil, true); !errors.Is(err, ErrTooLarge) {
		t.Errorf("seal after an error: %v", err)
	}
}

// TestChunkCountLimit: the last place in a stream and the one after it.
func TestChunkCountLimit(t *testing.T) {
	sealer, opener := sealerAndOpener(t, streamKey(1))
	sealer.n, opener.n = MaxChunks-1, MaxChunks-1
	ct, err := sealer.Seal(nil, nil, nil, false)
	check(t, err)
	_, err = opener.Open(nil, ct, nil, false)
	check(t, err)
	for range 2 {
		if _, err := sealer.Seal(nil, nil, nil, true); !errors.Is(err, ErrExhausted) {
			t.Errorf("seal: %v", err)
		}
		if _, err := opener.Open(nil, ct, nil, true); !errors.Is(err, ErrExhausted) {
			t.Errorf("open: %v", err)
		}
	}
}

func TestSealAfterLast(t *testing.T) {
	sealer, _ := sealerAndOpener(t, streamKey(1))
	_, err := sealer.Seal(nil, nil, nil, true)
	check(t, err)
	for _, last := range []bool{false, true} {
		if _, err := sealer.Seal(nil, nil, nil, last); !errors.Is(err, ErrFinished) {
			t.Errorf("seal: %v", err)
		}
	}
	if !sealer.Finished() {
		t.Error("no longer finished")
	}
}

func TestEraseStream(t *testing.T) {
	sealer, opener := sealerAndOpener(t, streamKey(1))
	ct, err := sealer.Seal(nil, nil, nil, false)
	check(t, err)
	for range 2 {
		sealer.Erase()
		opener.Erase()
	}
	if _, err := sealer.Seal(nil, nil, nil, false); !errors.Is(err, ErrErased) {
		t.Errorf("seal: %v", err)
	}
	if _, err := opener.Open(nil, ct, nil, false); !errors.Is(err, ErrErased) {
		t.Errorf("open: %v", err)
	}
	if sealer.Finished() || opener.Finished() {
		t.Error("finished by Erase")
	}
	done, _ := sealerAndOpener(t, streamKey(1))
	_, err = done.Seal(nil, nil, nil, true)
	check(t, err)
	if done.Erase(); !done.Finished() {
		t.Error("not finished after Erase")
	}
}
