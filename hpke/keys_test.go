package hpke

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/cryptotest"
	"testing/iotest"
)

// TestParseSuite: of 256 bytes, two are suites; 0x30, the obsolete Kyber KEM, is
// none by any name.
func TestParseSuite(t *testing.T) {
	for b := range 256 {
		s, err := ParseSuite(byte(b))
		if ok := b == 1 || b == 2; ok != (err == nil) || !ok && (!errors.Is(err, ErrSuite) || s != 0) {
			t.Errorf("suite %d: %v, %v", b, s, err)
		}
		if kem, _, _ := Suite(b).IDs(); kem == 0x30 {
			t.Errorf("suite %d has KEM 0x30", b)
		}
	}
}

func TestSuite(t *testing.T) {
	for _, c := range []struct {
		suite          Suite
		name           string
		kem, kdf, aead uint16
		pk, enc, key   int
		pq             bool
	}{
		{SuiteXWing, "xwing", 0x647a, 1, 3, 1216, 1120, 32, true},
		{SuiteX25519, "x25519", 0x0020, 1, 3, 32, 32, 32, false},
		{9, "unknown-9", 0, 0, 0, 0, 0, 0, false},
	} {
		s := c.suite
		kem, kdf, aead := s.IDs()
		if kem != c.kem || kdf != c.kdf || aead != c.aead || s.String() != c.name || s.PublicKeySize() != c.pk ||
			s.EncSize() != c.enc || s.KeySize() != c.key || s.PostQuantum() != c.pq {
			t.Errorf("%v: %x %x %x %d %d %d %v", s, kem, kdf, aead, s.PublicKeySize(), s.EncSize(), s.KeySize(), s.PostQuantum())
		}
		for _, n := range []int{0, 16, 31, 32, 33} {
			a, err := s.NewAEAD(make([]byte, n))
			if ok := n == 32 && c.key > 0; ok != (err == nil) {
				t.Errorf("%v: aead under %d bytes: %v", s, n, err)
			} else if ok && (a.NonceSize() != NonceSize || a.Overhead() != Overhead) {
				t.Errorf("%v: aead of nonce %d, overhead %d", s, a.NonceSize(), a.Overhead())
			}
		}
	}
}

// TestUnknownSuite: nothing can be made for a suite that is none.
func TestUnknownSuite(t *testing.T) {
	b := make([]byte, 32)
	b[0] = 1
	for name, f := range map[string]func() error{
		"GenerateKey":     func() error { _, err := GenerateKey(0, nil); return err },
		"DeriveKeyPair":   func() error { _, err := DeriveKeyPair(3, b); return err },
		"ParsePrivateKey": func() error { _, err := ParsePrivateKey(0x30, b); return err },
		"ParsePublicKey":  func() error { _, err := ParsePublicKey(0x20, b); return err },
		"NewChunkSealer":  func() error { _, err := NewChunkSealer(0, b); return err },
		"NewChunkOpener":  func() error { _, err := NewChunkOpener(0, b); return err },
		"NewWriter":       func() error { _, err := NewWriter(io.Discard, 0, b); return err },
		"NewReader":       func() error { _, err := NewReader(&bytes.Buffer{}, 0, b); return err },
	} {
		if err := f(); !errors.Is(err, ErrSuite) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKeySizes(t *testing.T) {
	for _, s := range suites() {
		for _, n := range []int{0, 1, 31, 32, 33, 64, 1 << 16, 1<<16 + 1} {
			b := bytes.Repeat([]byte{7}, n)
			if _, err := ParsePrivateKey(s, b); (err == nil) != (n == 32) || err != nil && !errors.Is(err, ErrKey) {
				t.Errorf("%v: private key of %d bytes: %v", s, n, err)
			}
			ok := n == 32 || s == SuiteXWing && n > 32 && n <= MaxSetupInput
			if _, err := DeriveKeyPair(s, b); (err == nil) != ok || err != nil && !errors.Is(err, ErrKey) {
				t.Errorf("%v: input of %d bytes: %v", s, n, err)
			}
		}
		size := s.PublicKeySize()
		good := newKey(t, s).Public().Bytes()
		for _, n := range []int{0, 1, size - 1, size + 1, 2 * size} {
			if _, err := ParsePublicKey(s, append(good, good...)[:n]); !errors.Is(err, ErrKey) {
				t.Errorf("%v: public key of %d bytes: %v", s, n, err)
			}
		}
	}
}

// badPoints are X25519 shares that no honest peer has: every point of low order,
// and second encodings.
func badPoints(t *testing.T) map[string][]byte {
	t.Helper()
	p := func(s string) []byte {
		b, err := hex.DecodeString(s)
		check(t, err)
		return b
	}
	fill := func(first, last byte) []byte {
		b := bytes.Repeat([]byte{0xff}, 32)
		b[0], b[31] = first, last
		return b
	}
	bad := map[string][]byte{
		"0":     make([]byte, 32),
		"1":     append([]byte{1}, make([]byte, 31)...),
		"8a":    p("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
		"8b":    p("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
		"p-1":   fill(0xec, 0x7f),
		"p":     fill(0xed, 0x7f),
		"p+1":   fill(0xee, 0x7f),
		"p+9":   fill(0xf6, 0x7f), // the base point again
		"2^255": append(make([]byte, 31), 0x80),
	}
	for name, b := range bad {
		high := slices.Clone(b)
		high[31] |= 0x80
		bad[name+" with the high bit"] = high
	}
	base := append([]byte{9}, make([]byte, 31)...)
	base[31] = 0x80
	bad["base point with the high bit"] = base
	return bad
}

func TestBadPoints(t *testing.T) {
	for _, s := range suites() {
		sk := newKey(t, s)
		enc, _, err := SetupBaseS(sk.Public(), nil)
		check(t, err)
		for name, point := range badPoints(t) {
			pk := sk.Public().Bytes()
			copy(pk[len(pk)-32:], point)
			if _, err := ParsePublicKey(s, pk); !errors.Is(err, ErrKey) {
				t.Errorf("%v: public key %s: %v", s, name, err)
			}
			bad := slices.Clone(enc)
			copy(bad[len(bad)-32:], point)
			if _, err := SetupBaseR(sk, bad, nil); !errors.Is(err, ErrEncapsulation) {
				t.Errorf("%v: enc %s: %v", s, name, err)
			}
		}
		// One below and above the edges is an ordinary point.
		for _, first := range []byte{0xeb, 9} {
			pk := sk.Public().Bytes()
			point := bytes.Repeat([]byte{0xff}, 32)
			if point[0], point[31] = first, 0x7f; first == 9 {
				point = append([]byte{9}, make([]byte, 31)...)
			}
			copy(pk[len(pk)-32:], point)
			if _, err := ParsePublicKey(s, pk); err != nil {
				t.Errorf("%v: ordinary point %x: %v", s, first, err)
			}
		}
	}
}

// TestUnreducedMLKEM: a coefficient of q or more is a second encoding (FIPS 203
// section 7.2).
func TestUnreducedMLKEM(t *testing.T) {
	pk := newKey(t, SuiteXWing).Public().Bytes()
	for _, value := range []uint16{3328, 3329, 4095} {
		pk[0], pk[1] = byte(value), pk[1]&0xf0|byte(value>>8)
		_, err := ParsePublicKey(SuiteXWing, pk)
		if ok := value < 3329; ok != (err == nil) || !ok && !errors.Is(err, ErrKey) {
			t.Errorf("coefficient %d: %v", value, err)
		}
	}
}

func TestZeroPrivateKey(t *testing.T) {
	for _, s := range suites() {
		if _, err := ParsePrivateKey(s, make([]byte, PrivateKeySize)); !errors.Is(err, ErrKey) {
			t.Errorf("%v: key of zeros: %v", s, err)
		}
		if _, err := GenerateKey(s, zeros{}); !errors.Is(err, ErrKey) {
			t.Errorf("%v: randomness of zeros: %v", s, err)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestRandomness: keys and encapsulations take theirs from crypto/rand when told
// nothing else, and fail when it fails.
func TestRandomness(t *testing.T) {
	broken := iotest.ErrReader(io.ErrClosedPipe)
	for _, s := range suites() {
		make2 := func() ([]byte, []byte) {
			sk, err := GenerateKey(s, nil)
			check(t, err)
			enc, _, err := SetupBaseS(sk.Public(), nil)
			check(t, err)
			return sk.Public().Bytes(), enc
		}
		cryptotest.SetGlobalRandom(t, 1)
		pk1, enc1 := make2()
		pk2, enc2 := make2()
		cryptotest.SetGlobalRandom(t, 1)
		pk3, enc3 := make2()
		if bytes.Equal(pk1, pk2) || bytes.Equal(enc1, enc2) {
			t.Errorf("%v: two keys or encapsulations are one", s)
		}
		equal(t, "public key from the same randomness", pk3, pk1)
		equal(t, "enc from the same randomness", enc3, enc1)

		if _, err := GenerateKey(s, broken); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%v: key without randomness: %v", s, err)
		}
		pk, err := ParsePublicKey(s, pk1)
		check(t, err)
		if _, _, err := SetupBaseSWithRand(broken, pk, nil); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%v: setup without randomness: %v", s, err)
		}
		short := bytes.NewReader(make([]byte, 31))
		if _, _, err := SetupBaseSWithRand(short, pk, nil); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%v: setup with short randomness: %v", s, err)
		}
	}
}

// TestKeyCopies: nothing outside reaches the inside of a key.
func TestKeyCopies(t *testing.T) {
	for _, s := range suites() {
		sk := newKey(t, s)
		raw, err := sk.Bytes()
		check(t, err)
		again, err := ParsePrivateKey(s, raw)
		check(t, err)
		pk := sk.Public().Bytes()
		clear(raw)
		clear(sk.Public().Bytes())
		equal(t, "public key", sk.Public().Bytes(), pk)
		if !again.Public().Equal(sk.Public()) || again.Suite() != s || again.Public().Suite() != s {
			t.Errorf("%v: key changed on its way", s)
		}
		other := newKey(t, s)
		if other.Public().Equal(sk.Public()) || sk.Public().Equal(nil) {
			t.Errorf("%v: other keys are equal", s)
		}
		parsed, err := ParsePublicKey(s, pk)
		check(t, err)
		clear(pk)
		if !parsed.Equal(sk.Public()) {
			t.Errorf("%v: parsed key shares memory", s)
		}
	}
}

func TestErasePrivateKey(t *testing.T) {
	for _, s := range suites() {
		sk := newKey(t, s)
		enc, _, err := SetupBaseS(sk.Public(), nil)
		check(t, err)
		sk.Erase()
		sk.Erase()
		if sk.raw != [PrivateKeySize]byte{} {
			t.Errorf("%v: bytes are still there", s)
		}
		if _, err := sk.Bytes(); !errors.Is(err, ErrErased) {
			t.Errorf("%v: bytes: %v", s, err)
		}
		if _, err := SetupBaseR(sk, enc, nil); !errors.Is(err, ErrErased) {
			t.Errorf("%v: setup: %v", s, err)
		}
		if _, err := ParsePublicKey(s, sk.Public().Bytes()); err != nil {
			t.Errorf("%v: public key: %v", s, err)
		}
	}
}
