package hpke

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

// FuzzOpenStream opens bytes under a fixed key: what opens is the one encoding of
// its plaintext, what does not fails with one of the errors of Read, and what was
// given before is whole chunks.
func FuzzOpenStream(f *testing.F) {
	key := streamKey(3)
	for _, n := range []int{0, 1, 40, MaxChunk, MaxChunk + 3} {
		sealed := sealFile(f, SuiteXWing, key, pattern(n))
		f.Add(sealed)
		f.Add(sealed[:len(sealed)-1])
		f.Add(append(sealed, 0))
	}
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, sealed []byte) {
		r, err := NewReader(bytes.NewReader(sealed), SuiteXWing, key)
		check(t, err)
		plain, err := io.ReadAll(r)
		if err == nil {
			equal(t, "sealed again", sealFile(t, SuiteXWing, key, plain), sealed)
			return
		}
		if len(plain)%MaxChunk != 0 || len(plain) > len(sealed) {
			t.Errorf("%d bytes given before %v", len(plain), err)
		}
		var place *ChunkError
		if !errors.As(err, &place) {
			t.Errorf("not one of our errors: %v", err)
		}
		for _, known := range []error{ErrOpen, ErrTruncated, ErrTrailing, ErrEmptyChunk} {
			if errors.Is(err, known) {
				return
			}
		}
		t.Errorf("unknown reason: %v", err)
	})
}

// FuzzDamageStream edits a sealed stream: whatever changes it, it does not open,
// and what was given before is the beginning of the plaintext.
func FuzzDamageStream(f *testing.F) {
	const (
		flip = iota
		cut
		insert
		swap
		operations
	)
	f.Add(uint16(0), byte(flip), uint32(0), uint32(0))
	f.Add(uint16(17), byte(cut), uint32(MaxSealedChunk), uint32(9))
	f.Add(uint16(3), byte(insert), uint32(MaxSealedChunk), uint32(1))
	f.Add(uint16(500), byte(swap), uint32(0), uint32(MaxSealedChunk))
	key := streamKey(3)
	f.Fuzz(func(t *testing.T, size uint16, op byte, at, n uint32) {
		plain := pattern(MaxChunk + int(size)) // one or two chunks
		whole := sealFile(t, SuiteXWing, key, plain)
		i := int(at % uint32(len(whole)))
		j := min(len(whole), i+int(n%MaxSealedChunk))
		var sealed []byte
		switch op % operations {
		case flip:
			sealed = bytes.Clone(whole)
			sealed[i] ^= byte(n)
		case cut:
			sealed = append(bytes.Clone(whole[:i]), whole[j:]...)
		case insert:
			sealed = append(bytes.Clone(whole[:j]), whole[i:]...)
		case swap:
			sealed = append(bytes.Clone(whole[j:]), whole[:j]...)
		}
		r, err := NewReader(bytes.NewReader(sealed), SuiteXWing, key)
		check(t, err)
		got, err := io.ReadAll(r)
		if (err == nil) != bytes.Equal(sealed, whole) {
			t.Errorf("damaged: %v, error: %v", !bytes.Equal(sealed, whole), err)
		}
		if !bytes.HasPrefix(plain, got) {
			t.Errorf("%d bytes given that are not the plaintext", len(got))
		}
	})
}

// FuzzParsePublicKey: a key that is read has these bytes, and what is sealed to
// it has the sizes of its suite.
func FuzzParsePublicKey(f *testing.F) {
	for _, s := range suites() {
		sk, err := DeriveKeyPair(s, streamKey(5))
		check(f, err)
		pk := sk.Public().Bytes()
		f.Add(byte(s), pk)
		f.Add(byte(s), pk[1:])
		f.Add(byte(s), append(pk[:len(pk)-32], make([]byte, 32)...))
	}
	f.Fuzz(func(t *testing.T, b byte, raw []byte) {
		pk, err := ParsePublicKey(Suite(b), raw)
		if err != nil {
			if !errors.Is(err, ErrKey) && !errors.Is(err, ErrSuite) {
				t.Errorf("not one of our errors: %v", err)
			}
			return
		}
		equal(t, "bytes", pk.Bytes(), raw)
		enc, sender, err := SetupBaseS(pk, nil)
		check(t, err)
		if len(enc) != pk.Suite().EncSize() || !honestPoint([32]byte(enc[len(enc)-32:])) {
			t.Errorf("enc of %d bytes", len(enc))
		}
		ct, err := sender.Seal(nil, nil, raw)
		check(t, err)
		if len(ct) != len(raw)+Overhead {
			t.Errorf("%d bytes sealed to %d", len(raw), len(ct))
		}
	})
}
