package hpke

import (
	"io"
	"testing"
)

// TestChunkAllocations: sealing and opening chunks allocates nothing.
func TestChunkAllocations(t *testing.T) {
	for _, s := range suites() {
		sealer, err := NewChunkSealer(s, streamKey(1))
		check(t, err)
		opener, err := NewChunkOpener(s, streamKey(1))
		check(t, err)
		plain, aad := make([]byte, MaxChunk), make([]byte, 8)
		sealed, opened := make([]byte, 0, MaxSealedChunk), make([]byte, 0, MaxChunk)
		if n := testing.AllocsPerRun(100, func() {
			ct, err := sealer.Seal(sealed, plain, aad, false)
			check(t, err)
			_, err = opener.Open(opened, ct, aad, false)
			check(t, err)
		}); n != 0 {
			t.Errorf("%v: %v allocations a chunk", s, n)
		}
	}
}

// TestFileAllocations: so do Writer and Reader.
func TestFileAllocations(t *testing.T) {
	pr, pw := &loop{}, &loop{}
	w, err := NewWriter(pw, SuiteXWing, streamKey(1))
	check(t, err)
	r, err := NewReader(pr, SuiteXWing, streamKey(1))
	check(t, err)
	plain, out := make([]byte, MaxChunk), make([]byte, MaxChunk)
	pw.to = pr
	step := func() {
		_, err := w.Write(plain)
		check(t, err)
	}
	for range 4 {
		step()
	}
	if n := testing.AllocsPerRun(50, func() {
		step()
		_, err := io.ReadFull(r, out)
		check(t, err)
	}); n != 0 {
		t.Errorf("%v allocations a chunk", n)
	}
}

// loop is a ring of bytes from a writer to a reader, without a goroutine.
type loop struct {
	to   *loop
	ring [8 * MaxSealedChunk]byte
	r, w int
}

func (l *loop) Write(p []byte) (int, error) {
	for _, b := range p {
		l.to.ring[l.to.w%len(l.to.ring)] = b
		l.to.w++
	}
	return len(p), nil
}

func (l *loop) Read(p []byte) (int, error) {
	n := 0
	for ; n < len(p) && l.r < l.w; n++ {
		p[n] = l.ring[l.r%len(l.ring)]
		l.r++
	}
	return n, nil
}

func benchmarkStream(b *testing.B, step func() error) {
	b.SetBytes(MaxChunk)
	b.ReportAllocs()
	for b.Loop() {
		if err := step(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkChunkSealer(b *testing.B) {
	sealer, err := NewChunkSealer(SuiteXWing, streamKey(1))
	check(b, err)
	buf := make([]byte, MaxChunk, MaxSealedChunk)
	benchmarkStream(b, func() error {
		_, err := sealer.Seal(buf[:0], buf, nil, false)
		return err
	})
}

func BenchmarkChunkOpener(b *testing.B) {
	sealer, err := NewChunkSealer(SuiteXWing, streamKey(1))
	check(b, err)
	opener, err := NewChunkOpener(SuiteXWing, streamKey(1))
	check(b, err)
	ct, err := sealer.Seal(nil, make([]byte, MaxChunk), nil, false)
	check(b, err)
	out := make([]byte, 0, MaxChunk)
	benchmarkStream(b, func() error {
		opener.n = 0 // the same chunk in the same place
		_, err := opener.Open(out, ct, nil, false)
		return err
	})
}

func BenchmarkWriter(b *testing.B) {
	w, err := NewWriter(io.Discard, SuiteXWing, streamKey(1))
	check(b, err)
	buf := make([]byte, MaxChunk)
	benchmarkStream(b, func() error {
		_, err := w.Write(buf)
		return err
	})
}

func BenchmarkSetup(b *testing.B) {
	for _, s := range suites() {
		b.Run(s.String(), func(b *testing.B) {
			sk, err := GenerateKey(s, nil)
			check(b, err)
			b.ReportAllocs()
			for b.Loop() {
				enc, _, err := SetupBaseS(sk.Public(), nil)
				check(b, err)
				_, err = SetupBaseR(sk, enc, nil)
				check(b, err)
			}
		})
	}
}

func BenchmarkParsePublicKey(b *testing.B) {
	for _, s := range suites() {
		b.Run(s.String(), func(b *testing.B) {
			sk, err := GenerateKey(s, nil)
			check(b, err)
			raw := sk.Public().Bytes()
			for b.Loop() {
				_, err := ParsePublicKey(s, raw)
				check(b, err)
			}
		})
	}
}
