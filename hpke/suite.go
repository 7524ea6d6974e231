package hpke

import (
	"crypto/cipher"
	"fmt"

	circl "github.com/cloudflare/circl/hpke"
)

// Suite is one fixed choice of KEM, KDF and AEAD. It is one byte on the wire;
// 0 is no suite.
type Suite uint8

const (
	// SuiteXWing is X-Wing (KEM 0x647a: X25519 and ML-KEM-768), HKDF-SHA256 and
	// ChaCha20-Poly1305: the default.
	SuiteXWing Suite = 1
	// SuiteX25519 is DHKEM(X25519, HKDF-SHA256) (KEM 0x0020), HKDF-SHA256 and
	// ChaCha20-Poly1305: classic, for recipients that have nothing else.
	SuiteX25519 Suite = 2
)

const (
	// Overhead is how many bytes longer a sealed message is than its plaintext,
	// in every suite.
	Overhead = 16
	// NonceSize is the size of a nonce, in bytes, in every suite.
	NonceSize = 12
)

// algorithms are RFC 9180's three identifiers of a suite.
type algorithms struct {
	kem  circl.KEM
	kdf  circl.KDF
	aead circl.AEAD
}

// ParseSuite reads the suite's byte. The error is ErrSuite.
func ParseSuite(b byte) (Suite, error) {
	if _, err := Suite(b).algorithms(); err != nil {
		return 0, err
	}
	return Suite(b), nil
}

// algorithms is the table of suites. What is not in it does not exist.
func (s Suite) algorithms() (algorithms, error) {
	a := algorithms{kdf: circl.KDF_HKDF_SHA256, aead: circl.AEAD_ChaCha20Poly1305}
	switch s {
	case SuiteXWing:
		a.kem = circl.KEM_XWING
	case SuiteX25519:
		a.kem = circl.KEM_X25519_HKDF_SHA256
	default:
		return algorithms{}, fmt.Errorf("read suite %d: %w", uint8(s), ErrSuite)
	}
	return a, nil
}

func (a algorithms) suite() circl.Suite { return circl.NewSuite(a.kem, a.kdf, a.aead) }

// IDs gives RFC 9180's identifiers, all zero for an unknown suite.
func (s Suite) IDs() (kem, kdf, aead uint16) {
	a, err := s.algorithms()
	if err != nil {
		return 0, 0, 0
	}
	return uint16(a.kem), uint16(a.kdf), uint16(a.aead)
}

// String names the suite for people and logs.
func (s Suite) String() string {
	switch s {
	case SuiteXWing:
		return "xwing"
	case SuiteX25519:
		return "x25519"
	}
	return fmt.Sprintf("unknown-%d", uint8(s))
}

// PostQuantum tells whether a recording of today stays closed to a quantum
// computer of tomorrow.
func (s Suite) PostQuantum() bool { return s == SuiteXWing }

// PublicKeySize is the size of a public key, in bytes (RFC 9180: Npk); 0 for an
// unknown suite.
func (s Suite) PublicKeySize() int {
	a, err := s.algorithms()
	if err != nil {
		return 0
	}
	return a.kem.Scheme().PublicKeySize()
}

// EncSize is the size of an encapsulated key, in bytes (RFC 9180: Nenc); 0 for
// an unknown suite.
func (s Suite) EncSize() int {
	a, err := s.algorithms()
	if err != nil {
		return 0
	}
	return a.kem.Scheme().CiphertextSize()
}

// KeySize is the size of an AEAD key, in bytes (RFC 9180: Nk); 0 for an unknown
// suite.
func (s Suite) KeySize() int {
	a, err := s.algorithms()
	if err != nil {
		return 0
	}
	return int(a.aead.KeySize())
}

// NewAEAD gives the suite's AEAD under a key of KeySize bytes. The caller must
// not use a nonce twice. The errors are ErrSuite and ErrKey.
func (s Suite) NewAEAD(key []byte) (cipher.AEAD, error) {
	a, err := s.algorithms()
	if err != nil {
		return nil, err
	}
	if len(key) != s.KeySize() {
		return nil, fmt.Errorf("set up aead: %d bytes of key: %w", len(key), ErrKey)
	}
	aead, err := a.aead.New(key)
	if err != nil {
		return nil, fmt.Errorf("set up aead: %w", err)
	}
	return aead, nil
}
