package reference

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"
)

// Section "HPKE", "Notation and key schedule helpers".

// label is L(x).
func label(x string) []byte { return []byte("vcon-transfer/1 " + x) }

// lp is the length of b in 4 bytes, then b.
func lp(b []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)
}

// labeledHash is H(x, parts...).
func labeledHash(x string, parts ...[]byte) []byte {
	h := sha256.New()
	h.Write(label(x))
	h.Write([]byte{0})
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

func extract(t testing.TB, salt, ikm []byte) []byte {
	t.Helper()
	prk, err := hkdf.Extract(sha256.New, ikm, salt)
	if err != nil {
		t.Fatal(err)
	}
	return prk
}

// expand is Expand(prk, x, context, n).
func expand(t testing.TB, prk []byte, x string, context []byte, n int) []byte {
	t.Helper()
	info := string(label(x)) + "\x00" + string(context)
	out, err := hkdf.Expand(sha256.New, prk, info, n)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func mac(key, message []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(message)
	return h.Sum(nil)
}

// open opens ChaCha20-Poly1305; the zero nonce is nil.
func open(key, nonce, sealed, aad []byte) ([]byte, error) {
	aead, err := chacha20poly1305.New(key)
	if err != nil {
		return nil, err
	}
	if nonce == nil {
		nonce = make([]byte, 12)
	}
	return aead.Open(nil, nonce, sealed, aad)
}

// seal is the inverse of open.
func seal(t testing.TB, key, nonce, plain, aad []byte) []byte {
	t.Helper()
	aead, err := chacha20poly1305.New(key)
	if err != nil {
		t.Fatal(err)
	}
	if nonce == nil {
		nonce = make([]byte, 12)
	}
	return aead.Seal(nil, nonce, plain, aad)
}

// padme is the Padmé size of n (section "Pairing", "Messages").
func padme(n uint64) uint64 {
	if n < 2 {
		return n
	}
	e := bits.Len64(n) - 1
	s := bits.Len64(uint64(e))
	step := uint64(1) << (e - s)
	return (n + step - 1) / step * step
}

// pad is pad(c).
func pad(c []byte) []byte {
	out := lp(c)
	return append(out, make([]byte, int(padme(uint64(max(256, len(out)))))-len(out))...)
}

// unpad refuses what pad would not have made.
func unpad(b []byte) ([]byte, bool) {
	if len(b) < 4 {
		return nil, false
	}
	n := binary.BigEndian.Uint32(b)
	if uint64(n) > uint64(len(b)-4) {
		return nil, false
	}
	c := b[4 : 4+n]
	return c, bytes.Equal(pad(c), b)
}

// stream is the deterministic randomness of the vectors: block i is
// SHA-256(seed || u64 i).
type stream struct {
	seed    string
	counter uint64
	rest    []byte
}

// next takes n bytes.
func (s *stream) next(n int) []byte {
	for len(s.rest) < n {
		block := sha256.Sum256(binary.BigEndian.AppendUint64([]byte(s.seed), s.counter))
		s.rest = append(s.rest, block[:]...)
		s.counter++
	}
	out := s.rest[:n:n]
	s.rest = s.rest[n:]
	return out
}
