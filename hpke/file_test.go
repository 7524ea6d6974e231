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

// pattern is plaintext in which no two chunks are alike. It is the rule of the
// stream vectors too.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i) ^ byte(i>>8) ^ byte(i>>16)
	}
	return b
}

func sealFile(t testing.TB, s Suite, key, plain []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, s, key)
	check(t, err)
	_, err = w.Write(plain)
	check(t, err)
	check(t, w.Close())
	return b.Bytes()
}

func openFile(t testing.TB, s Suite, key []byte, src io.Reader) ([]byte, error) {
	t.Helper()
	r, err := NewReader(src, s, key)
	check(t, err)
	got, err := io.ReadAll(r)
	if _, again := r.Read(make([]byte, 1)); again != err && (err != nil || again != io.EOF) {
		t.Fatalf("read again: %v, before: %v", again, err)
	}
	return got, err
}

func fileSizes() []int {
	return []int{0, 1, 2, MaxChunk - 1, MaxChunk, MaxChunk + 1, 2*MaxChunk - 1, 2 * MaxChunk, 2*MaxChunk + 1, 3*MaxChunk + 17}
}

// sealedSize is what the format says: every chunk is full but the last, which is
// empty only in an empty stream.
func sealedSize(n int) int { return n + Overhead*max(1, (n+MaxChunk-1)/MaxChunk) }

func TestFileRoundTrip(t *testing.T) {
	for _, s := range suites() {
		for _, n := range fileSizes() {
			plain := pattern(n)
			sealed := sealFile(t, s, streamKey(3), plain)
			if len(sealed) != sealedSize(n) {
				t.Errorf("%d bytes are %d sealed, want %d", n, len(sealed), sealedSize(n))
			}
			for name, src := range map[string]io.Reader{
				"whole":    bytes.NewReader(sealed),
				"halves":   iotest.HalfReader(bytes.NewReader(sealed)),
				"data+EOF": iotest.DataErrReader(bytes.NewReader(sealed)),
				"stutter":  &stutter{bytes.NewReader(sealed), 0},
			} {
				got, err := openFile(t, s, streamKey(3), src)
				if err != nil || !bytes.Equal(got, plain) {
					t.Errorf("%d bytes, %s: %d bytes, %v", n, name, len(got), err)
				}
			}
		}
	}
}

// stutter gives nothing before each byte or so.
type stutter struct {
	src io.Reader
	n   int
}

func (s *stutter) Read(p []byte) (int, error) {
	if s.n++; s.n%3 != 0 {
		return 0, nil
	}
	return s.src.Read(p[:min(len(p), 1000)])
}

// TestFileSteps: how a stream is written and read in pieces changes nothing.
func TestFileSteps(t *testing.T) {
	plain := pattern(2*MaxChunk + 5)
	want := sealFile(t, SuiteX25519, streamKey(3), plain)
	for _, step := range []int{1, 7, MaxChunk - 1, MaxChunk, MaxChunk + 1, len(plain)} {
		var b bytes.Buffer
		w, err := NewWriter(&b, SuiteX25519, streamKey(3))
		check(t, err)
		for p := range slices.Chunk(plain, step) {
			n, err := w.Write(p)
			check(t, err)
			if n != len(p) {
				t.Fatalf("wrote %d of %d", n, len(p))
			}
			_, err = w.Write(nil)
			check(t, err)
		}
		check(t, w.Close())
		equal(t, fmt.Sprintf("written in steps of %d", step), b.Bytes(), want)

		r, err := NewReader(&b, SuiteX25519, streamKey(3))
		check(t, err)
		var got []byte
		buf := make([]byte, step)
		for {
			n, err := r.Read(buf)
			got = append(got, buf[:n]...)
			if err == io.EOF {
				break
			}
			check(t, err)
		}
		equal(t, fmt.Sprintf("read in steps of %d", step), got, plain)
		if n, err := r.Read(nil); n != 0 || err != nil {
			t.Errorf("read of nothing: %d, %v", n, err)
		}
	}
}

// TestFileChunkLimit: a stream may have MaxChunks chunks and no more.
func TestFileChunkLimit(t *testing.T) {
	for start, want := range map[uint64]error{MaxChunks - 2: nil, MaxChunks - 1: ErrExhausted} {
		var b bytes.Buffer
		w, err := NewWriter(&b, SuiteXWing, streamKey(3))
		check(t, err)
		w.sealer.n = start
		_, err = w.Write(pattern(MaxChunk + 1))
		check(t, err)
		if err := w.Close(); !errors.Is(err, want) {
			t.Errorf("write: %v, want %v", err, want)
		}
		b.Write(make([]byte, Overhead*2)) // enough for the chunk that is missing
		r, err := NewReader(&b, SuiteXWing, streamKey(3))
		check(t, err)
		r.opener.n = start
		_, err = io.ReadAll(r)
		if want == nil {
			want = ErrOpen
		}
		if !errors.Is(err, want) {
			t.Errorf("read: %v, want %v", err, want)
		}
	}
}

func TestReaderSourceErrors(t *testing.T) {
	plain := pattern(2*MaxChunk + 1)
	sealed := sealFile(t, SuiteXWing, streamKey(3), plain)
	for n, release := range map[int]int{0: 0, 1: 0, MaxSealedChunk: 0, MaxSealedChunk + 1: MaxChunk, len(sealed): 2 * MaxChunk} {
		src := io.MultiReader(bytes.NewReader(sealed[:n]), iotest.ErrReader(io.ErrClosedPipe))
		got, err := openFile(t, SuiteXWing, streamKey(3), src)
		if !errors.Is(err, io.ErrClosedPipe) || !bytes.Equal(got, plain[:release]) {
			t.Errorf("source fails after %d: %d bytes, %v", n, len(got), err)
		}
	}
	patient := &empties{src: bytes.NewReader(sealed), n: maxEmptyReads - 1}
	if got, err := openFile(t, SuiteXWing, streamKey(3), patient); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("source with %d empty reads: %v", maxEmptyReads-1, err)
	}
	got, err := openFile(t, SuiteXWing, streamKey(3), &empties{src: bytes.NewReader(sealed), n: maxEmptyReads})
	if !errors.Is(err, io.ErrNoProgress) || len(got) > 0 {
		t.Errorf("stuck source: %v", err)
	}
}

// empties gives nothing n times, then src.
type empties struct {
	src io.Reader
	n   int
}

func (e *empties) Read(p []byte) (int, error) {
	if e.n--; e.n >= 0 {
		return 0, nil
	}
	return e.src.Read(p)
}

// limited takes n bytes, then fails, or only counts short.
type limited struct {
	n     int
	err   error
	taken bytes.Buffer
}

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.n)
	l.n -= n
	l.taken.Write(p[:n])
	if n < len(p) {
		return n, l.err
	}
	return n, nil
}

func TestWriterErrors(t *testing.T) {
	for _, c := range []struct{ fail, want error }{{io.ErrClosedPipe, io.ErrClosedPipe}, {nil, io.ErrShortWrite}} {
		dst := &limited{n: MaxSealedChunk + 10, err: c.fail}
		w, err := NewWriter(dst, SuiteXWing, streamKey(3))
		check(t, err)
		n, err := w.Write(pattern(4 * MaxChunk))
		if !errors.Is(err, c.want) || n != 2*MaxChunk {
			t.Errorf("write: %d, %v", n, err)
		}
		size := dst.taken.Len()
		dst.n = 1 << 30
		if n, err := w.Write([]byte{1}); !errors.Is(err, c.want) || n != 0 {
			t.Errorf("write again: %d, %v", n, err)
		}
		for range 2 {
			if err := w.Close(); !errors.Is(err, c.want) {
				t.Errorf("close: %v", err)
			}
		}
		if dst.taken.Len() != size {
			t.Error("wrote after an error")
		}

		w, err = NewWriter(&limited{n: 3, err: c.fail}, SuiteXWing, streamKey(3))
		check(t, err)
		if err := w.Close(); !errors.Is(err, c.want) {
			t.Errorf("close: %v", err)
		}
	}
}

func TestWriterClose(t *testing.T) {
	var b bytes.Buffer
	w, err := NewWriter(&b, SuiteXWing, streamKey(3))
	check(t, err)
	_, err = w.Write([]byte("text"))
	check(t, err)
	for range 2 {
		check(t, w.Close())
		w.Abort()
	}
	if n, err := w.Write([]byte("more")); !errors.Is(err, ErrFinished) || n != 0 {
		t.Errorf("write after close: %d, %v", n, err)
	}
	got, err := openFile(t, SuiteXWing, streamKey(3), &b)
	check(t, err)
	equal(t, "plaintext", got, []byte("text"))
}

// TestWriterAbort: a stream that was given up never opens as a whole.
func TestWriterAbort(t *testing.T) {
	for _, n := range fileSizes() {
		var b bytes.Buffer
		w, err := NewWriter(&b, SuiteXWing, streamKey(3))
		check(t, err)
		_, err = w.Write(pattern(n))
		check(t, err)
		w.Abort()
		if err := w.Close(); !errors.Is(err, ErrAborted) {
			t.Errorf("close: %v", err)
		}
		if _, err := w.Write([]byte{1}); !errors.Is(err, ErrAborted) {
			t.Errorf("write: %v", err)
		}
		if _, err := openFile(t, SuiteXWing, streamKey(3), &b); !errors.Is(err, ErrTruncated) {
			t.Errorf("%d bytes, aborted: %v", n, err)
		}
	}
}

// TestNothingKept: no plaintext is left in the buffers of what has ended.
func TestNothingKept(t *testing.T) {
	var b bytes.Buffer
	w, err := NewWriter(&b, SuiteXWing, streamKey(3))
	check(t, err)
	_, err = w.Write(bytes.Repeat([]byte{0xaa}, MaxChunk+9))
	check(t, err)
	check(t, w.Close())
	b.Bytes()[MaxSealedChunk] ^= 1
	r, err := NewReader(&b, SuiteXWing, streamKey(3))
	check(t, err)
	if _, err := io.ReadAll(r); !errors.Is(err, ErrOpen) {
		t.Fatal(err)
	}
	for name, buf := range map[string][]byte{"writer": w.plain, "reader": r.buf} {
		if bytes.IndexByte(buf[:cap(buf)], 0xaa) >= 0 {
			t.Errorf("%s keeps plaintext", name)
		}
	}
	good, err := NewReader(bytes.NewReader(sealFile(t, SuiteXWing, streamKey(3), pattern(9))), SuiteXWing, streamKey(3))
	check(t, err)
	_, err = io.ReadAll(good)
	check(t, err)
	if w.sealer.aead != nil || r.opener.aead != nil || good.opener.aead != nil {
		t.Error("a key is kept")
	}
}
