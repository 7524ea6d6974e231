package hpke

import (
	"bytes"
	"crypto/rand"
	"crypto/sha3"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/cloudflare/circl/dh/x25519"
	"github.com/cloudflare/circl/kem"
)

// PrivateKeySize is the size of a private key's bytes in every suite: a scalar
// for X25519, a seed for X-Wing.
const PrivateKeySize = 32

// PrivateKey opens what is sealed to its public key. It holds the 32 bytes only
// and expands them for each setup, so that Erase reaches all that lives long.
type PrivateKey struct {
	suite  Suite
	alg    algorithms
	raw    [PrivateKeySize]byte
	public *PublicKey
	erased bool
}

// PublicKey is a key that was checked; its bytes are the only encoding of it.
type PublicKey struct {
	suite Suite
	alg   algorithms
	raw   []byte
	key   kem.PublicKey
}

// GenerateKey makes a key from 32 bytes of random, or of crypto/rand when random
// is nil. The errors are ErrSuite and what random returns.
func GenerateKey(s Suite, random io.Reader) (*PrivateKey, error) {
	if random == nil {
		random = rand.Reader
	}
	var raw [PrivateKeySize]byte
	defer clear(raw[:])
	if _, err := io.ReadFull(random, raw[:]); err != nil {
		return nil, fmt.Errorf("generate key: %w", err)
	}
	return ParsePrivateKey(s, raw[:])
}

// DeriveKeyPair makes a key from at least 32 bytes of secret input, the same key
// each time: RFC 9180 section 7.1.3 for X25519 (which takes exactly 32 bytes
// here), draft-ietf-hpke-pq for X-Wing. The errors are ErrSuite and ErrKey.
func DeriveKeyPair(s Suite, ikm []byte) (*PrivateKey, error) {
	a, err := s.algorithms()
	if err != nil {
		return nil, err
	}
	if len(ikm) < PrivateKeySize || len(ikm) > MaxSetupInput || s == SuiteX25519 && len(ikm) != PrivateKeySize {
		return nil, fmt.Errorf("derive key: %d bytes of input: %w", len(ikm), ErrKey)
	}
	var raw []byte
	if s == SuiteXWing {
		// circl hashes ikm with plain SHAKE256, as an older draft did.
		raw = shakeDerive(uint16(a.kem), ikm)
	} else {
		_, sk := a.kem.Scheme().DeriveKeyPair(ikm)
		if raw, err = sk.MarshalBinary(); err != nil {
			return nil, fmt.Errorf("derive key: %w", err)
		}
	}
	defer clear(raw)
	return ParsePrivateKey(s, raw)
}

// shakeDerive is draft-ietf-hpke-pq's DeriveKeyPair: SHAKE256.LabeledDerive with
// the label "DeriveKeyPair" and no context.
func shakeDerive(kemID uint16, ikm []byte) []byte {
	const label = "DeriveKeyPair"
	h := sha3.NewSHAKE256()
	h.Write(ikm)
	h.Write([]byte("HPKE-v1KEM"))
	h.Write(binary.BigEndian.AppendUint16(nil, kemID))
	h.Write(binary.BigEndian.AppendUint16(nil, uint16(len(label))))
	h.Write([]byte(label))
	h.Write(binary.BigEndian.AppendUint16(nil, PrivateKeySize))
	out := make([]byte, PrivateKeySize)
	h.Read(out)
	return out
}

// ParsePrivateKey reads what Bytes gave. The errors are ErrSuite and ErrKey.
func ParsePrivateKey(s Suite, b []byte) (*PrivateKey, error) {
	a, err := s.algorithms()
	if err != nil {
		return nil, err
	}
	if len(b) != PrivateKeySize {
		return nil, fmt.Errorf("read private key: %d bytes: %w", len(b), ErrKey)
	}
	if bytes.Count(b, []byte{0}) == len(b) {
		// An erased key or one that was never filled, not a random one.
		return nil, fmt.Errorf("read private key: zeros: %w", ErrKey)
	}
	k := &PrivateKey{suite: s, alg: a, raw: [PrivateKeySize]byte(b)}
	sk, err := k.expand()
	if err != nil {
		return nil, err
	}
	raw, err := sk.Public().MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("read private key: %w", err)
	}
	if k.public, err = ParsePublicKey(s, raw); err != nil {
		return nil, fmt.Errorf("read private key: %w", err)
	}
	return k, nil
}

// expand gives circl's form of the key, for one use.
func (k *PrivateKey) expand() (kem.PrivateKey, error) {
	if k.erased {
		return nil, ErrErased
	}
	sk, err := k.alg.kem.Scheme().UnmarshalBinaryPrivateKey(k.raw[:])
	if err != nil {
		return nil, fmt.Errorf("read private key: %w", ErrKey)
	}
	return sk, nil
}

// Suite tells which suite the key is for.
func (k *PrivateKey) Suite() Suite { return k.suite }

// Public gives the public key, also after Erase.
func (k *PrivateKey) Public() *PublicKey { return k.public }

// Bytes gives a copy of the 32 bytes, to be stored sealed and erased by the
// caller. The error is ErrErased.
func (k *PrivateKey) Bytes() ([]byte, error) {
	if k.erased {
		return nil, ErrErased
	}
	return bytes.Clone(k.raw[:]), nil
}

// Erase overwrites the key; what needs it fails with ErrErased from then on. It
// may be called again.
func (k *PrivateKey) Erase() {
	clear(k.raw[:])
	k.erased = true
}

// ParsePublicKey reads a public key of exactly PublicKeySize bytes. It refuses
// X25519 points of low order (whose shared secret everybody knows), the other
// encodings of an X25519 point (the holder's HPKE context has the canonical one,
// so nothing sealed to them could be opened) and ML-KEM keys that are not
// reduced (FIPS 203 section 7.2). The errors are ErrSuite and ErrKey.
func ParsePublicKey(s Suite, b []byte) (*PublicKey, error) {
	a, err := s.algorithms()
	if err != nil {
		return nil, err
	}
	if len(b) != s.PublicKeySize() {
		return nil, fmt.Errorf("read public key: %d bytes: %w", len(b), ErrKey)
	}
	if !honestPoint([x25519.Size]byte(b[len(b)-x25519.Size:])) {
		return nil, fmt.Errorf("read public key: %w", ErrKey)
	}
	key, err := a.kem.Scheme().UnmarshalBinaryPublicKey(b)
	if err != nil {
		return nil, fmt.Errorf("read public key: %w", ErrKey)
	}
	return &PublicKey{suite: s, alg: a, raw: bytes.Clone(b), key: key}, nil
}

// Suite tells which suite the key is for.
func (k *PublicKey) Suite() Suite { return k.suite }

// Bytes gives a copy of the key's encoding (RFC 9180: SerializePublicKey).
func (k *PublicKey) Bytes() []byte { return bytes.Clone(k.raw) }

// Equal compares suite and bytes.
func (k *PublicKey) Equal(o *PublicKey) bool {
	return o != nil && k.suite == o.suite && subtle.ConstantTimeCompare(k.raw, o.raw) == 1
}

// honestPoint tells whether p is the one encoding of an X25519 point that is not
// of low order. In both suites the X25519 share is the end of keys and of enc.
func honestPoint(p x25519.Key) bool {
	if !canonical(p) {
		return false
	}
	// Any scalar will do: clamping makes it a multiple of the cofactor, so that
	// exactly the points of low order give zero.
	scalar := x25519.Key{1}
	var shared x25519.Key
	return x25519.Shared(&shared, &scalar, &p)
}

// canonical tells whether p, little-endian, is below 2^255 - 19.
func canonical(p x25519.Key) bool {
	if p[31] != 0x7f {
		return p[31] < 0x7f
	}
	for _, b := range p[1:31] {
		if b != 0xff {
			return true
		}
	}
	return p[0] < 0xed
}
