package hpke

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/iotest"
)

// damaged opens a stream that has to fail with want, after exactly the first
// release bytes of the plaintext.
func damaged(t *testing.T, what string, sealed, plain []byte, release int, want error) {
	t.Helper()
	// A source may give its end with the last bytes or after them.
	damagedFrom(t, what, bytes.NewReader(sealed), plain, release, want)
	damagedFrom(t, what+", end with data", iotest.DataErrReader(bytes.NewReader(sealed)), plain, release, want)
}

func damagedFrom(t *testing.T, what string, src io.Reader, plain []byte, release int, want error) {
	t.Helper()
	got, err := openFile(t, SuiteXWing, streamKey(3), src)
	if !errors.Is(err, want) || errors.Is(err, io.EOF) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
	if want == ErrTruncated && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%s: %v is no unexpected EOF", what, err)
	}
	var place *ChunkError
	if !errors.As(err, &place) || place.Chunk != uint64(release/MaxChunk) {
		t.Errorf("%s: %v, want chunk %d", what, err, release/MaxChunk)
	}
	if !bytes.Equal(got, plain[:release]) {
		t.Errorf("%s: %d bytes given, want %d", what, len(got), release)
	}
}

// boundaries are the offsets at which something ends in a sealed stream.
func boundaries(size int) []int {
	var at []int
	for start := 0; start < size; start += MaxSealedChunk {
		end := min(start+MaxSealedChunk, size)
		at = append(at, start, end-Overhead)
	}
	return append(at, size)
}

func TestFileTruncation(t *testing.T) {
	for _, n := range fileSizes() {
		plain := pattern(n)
		sealed := sealFile(t, SuiteXWing, streamKey(3), plain)
		for _, b := range boundaries(len(sealed)) {
			for at := b - 1; at <= b+1; at++ {
				if at < 0 || at >= len(sealed) {
					continue
				}
				want, rest := ErrOpen, at%MaxSealedChunk
				if rest < Overhead {
					want = ErrTruncated // no whole tag, or a boundary
				}
				release := at / MaxSealedChunk * MaxChunk
				if rest == 0 && at > 0 {
					release -= MaxChunk // a full chunk that is not the last one
				}
				damaged(t, fmt.Sprintf("%d bytes cut at %d", n, at), sealed[:at], plain, release, want)
			}
		}
	}
}

func TestFileBitFlips(t *testing.T) {
	for _, n := range fileSizes() {
		plain := pattern(n)
		sealed := sealFile(t, SuiteXWing, streamKey(3), plain)
		for _, b := range boundaries(len(sealed)) {
			for _, at := range []int{b - 1, b} {
				if at < 0 || at >= len(sealed) {
					continue
				}
				flipped := slices.Clone(sealed)
				flipped[at] ^= 1 << (at % 8)
				damaged(t, fmt.Sprintf("%d bytes, bit of %d", n, at), flipped, plain, at/MaxSealedChunk*MaxChunk, ErrOpen)
			}
		}
	}
}

// chunksOf cuts a sealed stream at its boundaries.
func chunksOf(sealed []byte) [][]byte { return slices.Collect(slices.Chunk(sealed, MaxSealedChunk)) }

func TestFileReordering(t *testing.T) {
	plain := pattern(4 * MaxChunk)
	for i := range 4 {
		for j := i + 1; j < 4; j++ {
			c := chunksOf(sealFile(t, SuiteXWing, streamKey(3), plain))
			c[i], c[j] = c[j], c[i]
			damaged(t, fmt.Sprintf("%d and %d swapped", i, j), bytes.Join(c, nil), plain, i*MaxChunk, ErrOpen)
		}
	}
}

func TestFileDuplication(t *testing.T) {
	plain := pattern(3*MaxChunk + 1)
	for i := range 4 {
		c := chunksOf(sealFile(t, SuiteXWing, streamKey(3), plain))
		release := (i + 1) * MaxChunk
		if i == 3 {
			release = 3 * MaxChunk // the last chunk and its copy are one wrong chunk
		}
		damaged(t, fmt.Sprintf("%d doubled", i), bytes.Join(slices.Insert(c, i, c[i]), nil), plain, release, ErrOpen)
	}
	plain = plain[:4*MaxChunk-MaxChunk]
	c := chunksOf(sealFile(t, SuiteXWing, streamKey(3), plain))
	damaged(t, "full last chunk doubled", bytes.Join(append(c, c[2]), nil), plain, 2*MaxChunk, ErrTrailing)
}

func TestFileOmission(t *testing.T) {
	plain := pattern(3*MaxChunk + 1)
	for i := range 3 {
		c := chunksOf(sealFile(t, SuiteXWing, streamKey(3), plain))
		damaged(t, fmt.Sprintf("%d left out", i), bytes.Join(slices.Delete(c, i, i+1), nil), plain, i*MaxChunk, ErrOpen)
	}
}

func TestFileSplicing(t *testing.T) {
	plain := pattern(3*MaxChunk + 1)
	other := chunksOf(sealFile(t, SuiteXWing, streamKey(4), plain))
	for i := range 4 {
		c := chunksOf(sealFile(t, SuiteXWing, streamKey(3), plain))
		c[i] = other[i]
		damaged(t, fmt.Sprintf("%d from another stream", i), bytes.Join(c, nil), plain, i*MaxChunk, ErrOpen)
	}
	first := sealFile(t, SuiteXWing, streamKey(3), plain[:MaxChunk])
	damaged(t, "two streams", append(first, bytes.Join(other, nil)...), plain, 0, ErrTrailing)
}

func TestFileExtension(t *testing.T) {
	for _, n := range fileSizes() {
		plain := pattern(n)
		for _, more := range []int{1, Overhead, MaxSealedChunk} {
			longer := append(sealFile(t, SuiteXWing, streamKey(3), plain), make([]byte, more)...)
			want := ErrOpen
			if n > 0 && n%MaxChunk == 0 {
				want = ErrTrailing
			}
			damaged(t, fmt.Sprintf("%d bytes and %d more", n, more), longer, plain, max(0, n-1)/MaxChunk*MaxChunk, want)
		}
	}
}

// TestFileEmptyLast: a stream whose sealer had the key, but closed with an empty
// chunk: a second encoding.
func TestFileEmptyLast(t *testing.T) {
	plain := pattern(2 * MaxChunk)
	sealer, _ := sealerAndOpener(t, streamKey(3))
	var sealed []byte
	for p := range slices.Chunk(plain, MaxChunk) {
		var err error
		sealed, err = sealer.Seal(sealed, p, nil, false)
		check(t, err)
	}
	sealed, err := sealer.Seal(sealed, nil, nil, true)
	check(t, err)
	damaged(t, "empty last chunk", sealed, plain, 2*MaxChunk, ErrEmptyChunk)
}

// TestFileShortChunk: so is a chunk in the middle that is not full.
func TestFileShortChunk(t *testing.T) {
	plain := pattern(2*MaxChunk - 1)
	sealer, _ := sealerAndOpener(t, streamKey(3))
	sealed, err := sealer.Seal(nil, plain[:MaxChunk-1], nil, false)
	check(t, err)
	sealed, err = sealer.Seal(sealed, plain[MaxChunk-1:], nil, true)
	check(t, err)
	damaged(t, "short chunk", sealed, plain, 0, ErrOpen)
}

func TestFileWrongKey(t *testing.T) {
	for _, n := range fileSizes() {
		plain := pattern(n)
		damaged(t, fmt.Sprintf("%d bytes, wrong key", n), sealFile(t, SuiteXWing, streamKey(4), plain), plain, 0, ErrOpen)
	}
}
