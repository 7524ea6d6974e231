package pairing

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/hpke"
)

// An Identity names a device for longer than one transfer: an Ed25519 public key (RFC 8032), of 32 bytes.
// The zero Identity is none.
type Identity [ed25519.PublicKeySize]byte

// A Purpose is what a signature is for; none counts for another one (wire-format, "Identities").
type Purpose string

const (
	// PurposeReceiver is R's, over its bundle.
	PurposeReceiver Purpose = "receiver"
	// PurposeSender is S's, over the transcript up to M2.
	PurposeSender Purpose = "sender"
)

// A Signer signs with a device's key, or asks who keeps it.
type Signer interface {
	// Identity is the public key.
	Identity() Identity
	// Sign signs SigningBytes(purpose, hash); the signature has 64 bytes.
	Sign(purpose Purpose, hash [32]byte) ([]byte, error)
}

// SigningBytes is what a signature is over: L(purpose) || 00 || hash. A key that signs other things too
// signs nothing else that begins so.
func SigningBytes(purpose Purpose, hash [32]byte) []byte {
	return append(append(hpke.Label(string(purpose)), 0), hash[:]...)
}

// An IdentityKey is a Signer that has the private key. It prints redacted.
type IdentityKey struct{ key ed25519.PrivateKey }

// NewIdentityKey makes one; random is crypto/rand for nil.
func NewIdentityKey(random io.Reader) (*IdentityKey, error) {
	if random == nil {
		random = rand.Reader
	}
	seed := make([]byte, ed25519.SeedSize)
	defer clear(seed)
	if _, err := io.ReadFull(random, seed); err != nil {
		return nil, fmt.Errorf("make identity: %w", err)
	}
	return &IdentityKey{ed25519.NewKeyFromSeed(seed)}, nil
}

// Identity is that of Signer.
func (k *IdentityKey) Identity() Identity { return Identity(k.key.Public().(ed25519.PublicKey)) }

// Sign is that of Signer.
func (k *IdentityKey) Sign(purpose Purpose, hash [32]byte) ([]byte, error) {
	return ed25519.Sign(k.key, SigningBytes(purpose, hash)), nil
}

// Format keeps the key out of every verb.
func (k *IdentityKey) Format(f fmt.State, _ rune) {
	io.WriteString(f, "pairing.IdentityKey(redacted)")
}

// LogValue keeps the key out of structured logs.
func (k *IdentityKey) LogValue() slog.Value {
	return slog.StringValue("pairing.IdentityKey(redacted)")
}

// Prefixes of the text forms. That of a key says that it is a secret.
const (
	identityPrefix = "VCT-IDENTITY-"
	keyPrefix      = "VCT-SECRET-IDENTITY-"
)

// Text gives the text form of an identity: a prefix, and upper-case base32 of the key and a check.
func (i Identity) Text() string {
	check := hpke.Hash("identity check", i[:])
	return identityPrefix + textEncoding().EncodeToString(append(i[:], check[:checkSize]...))
}

// Text gives the text form of a key, which is a secret: it goes into a file of mode 0600.
func (k *IdentityKey) Text() string {
	seed := k.key.Seed()
	defer clear(seed)
	check := hpke.Hash("identity key check", seed)
	return keyPrefix + textEncoding().EncodeToString(append(seed, check[:checkSize]...))
}

// ErrSigner is of a Signer whose signature does not verify.
var ErrSigner = errors.New("the signature is not of the identity that was given")

// ErrIdentity is of a text that is no identity, or a key that no honest device has.
var ErrIdentity = errors.New("not an identity")

// ParseIdentity reads the text form of an identity, in any case, with blanks around it. The error is
// ErrIdentity: also for a secret key, so that nobody passes on what he should not.
func ParseIdentity(text string) (id Identity, err error) {
	b, err := parseKeyText(text, identityPrefix, "identity check")
	if err != nil {
		return id, fmt.Errorf("read identity: %w", err)
	}
	id = Identity(b)
	if err := id.check(); err != nil {
		return Identity{}, fmt.Errorf("read identity: %w", err)
	}
	return id, nil
}

// ParseIdentityKey reads the text form of a key. The error is ErrIdentity.
func ParseIdentityKey(text string) (*IdentityKey, error) {
	seed, err := parseKeyText(text, keyPrefix, "identity key check")
	if err != nil {
		return nil, fmt.Errorf("read identity key: %w", err)
	}
	defer clear(seed)
	return &IdentityKey{ed25519.NewKeyFromSeed(seed)}, nil
}

func parseKeyText(text, prefix, label string) ([]byte, error) {
	if len(text) > MaxIdentityText {
		return nil, fmt.Errorf("%d bytes: %w", len(text), ErrIdentity)
	}
	encoded, ok := strings.CutPrefix(strings.ToUpper(strings.TrimSpace(text)), prefix)
	if !ok {
		return nil, fmt.Errorf("it does not begin with %s: %w", prefix, ErrIdentity)
	}
	b, err := textEncoding().DecodeString(encoded)
	if err != nil || len(b) != ed25519.SeedSize+checkSize || textEncoding().EncodeToString(b) != encoded {
		return nil, fmt.Errorf("mistyped: %w", ErrIdentity)
	}
	body, check := b[:ed25519.SeedSize], b[ed25519.SeedSize:]
	if want := hpke.Hash(label, body); subtle.ConstantTimeCompare(check, want[:checkSize]) != 1 {
		return nil, fmt.Errorf("mistyped: %w", ErrIdentity)
	}
	return body, nil
}

// check refuses keys that verify signatures which nobody made, or one key under two names: those of small
// order, and encodings that are not canonical. The standard library takes both.
func (i Identity) check() error {
	y := i
	y[31] &= 0x7f
	for _, small := range smallOrder() {
		if y == small {
			return fmt.Errorf("key of small order: %w", ErrIdentity)
		}
	}
	// y < 2^255-19, compared from the most significant byte.
	if y[31] == 0x7f && y[0] >= 0xed && bytes.Equal(y[1:31], bytes.Repeat([]byte{0xff}, 30)) {
		return fmt.Errorf("key that is not canonical: %w", ErrIdentity)
	}
	return nil
}

// smallOrder are the y coordinates, without sign, of the eight points whose order divides 8.
func smallOrder() [5]Identity {
	p1 := Identity(bytes.Repeat([]byte{0xff}, 32)) // p - 1
	p1[0], p1[31] = 0xec, 0x7f
	return [5]Identity{
		{},  // order 4
		{1}, // the identity
		p1,  // order 2
		{
			0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
			0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
		}, // order 8
		{
			0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
			0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
		}, // order 8
	}
}

// verify tells whether a signature is one of i's.
func (i Identity) verify(purpose Purpose, hash [32]byte, signature []byte) bool {
	return i.check() == nil && ed25519.Verify(i[:], SigningBytes(purpose, hash), signature)
}

// sign asks s, and does not trust what it returns: a signature that does not verify would be found out by the
// other device, who would take us for an attacker.
func sign(s Signer, purpose Purpose, hash [32]byte) ([]byte, error) {
	signature, err := s.Sign(purpose, hash)
	if err != nil {
		return nil, fmt.Errorf("sign as %s: %w", purpose, err)
	}
	if !s.Identity().verify(purpose, hash, signature) {
		return nil, fmt.Errorf("sign as %s: %w", purpose, ErrSigner)
	}
	return signature, nil
}

// receiverHash is what R signs: its bundle without identity and attestation.
func receiverHash(bare []byte) [32]byte { return hpke.Hash("receiver identity", bare) }

// senderHash is what S signs: the transcript, the encapsulation, and its summary with its identity and without
// the signature.
func senderHash(th1 [32]byte, enc, rest []byte) [32]byte {
	return hpke.Hash("sender identity", th1[:], hpke.AppendPrefixed(nil, enc), rest)
}

// signBundle sets R's identity in a bundle that is complete but for that.
func signBundle(b *Bundle, s Signer) error {
	bare, err := b.bare()
	if err != nil {
		return err
	}
	signature, err := sign(s, PurposeReceiver, receiverHash(bare))
	if err != nil {
		return err
	}
	id := s.Identity()
	b.Identity = append(id[:], signature...)
	return nil
}

// bare is the encoding of b without what its signature is not over.
func (b *Bundle) bare() ([]byte, error) {
	c := *b
	c.Identity, c.Attestation = nil, nil
	return c.MarshalBinary()
}

// signedIdentity is the length of a bundle's identity as this version makes one: a key and a signature. Of
// another length it is of another scheme, and nobody's.
const signedIdentity = ed25519.PublicKeySize + ed25519.SignatureSize

// verifyIdentity finds out who signed the bundle. The error is ErrIdentity, of one that claims what it cannot prove.
func (b *Bundle) verifyIdentity() error {
	if len(b.Identity) != signedIdentity {
		return nil
	}
	bare, err := b.bare()
	if err != nil {
		return err
	}
	id := Identity(b.Identity[:ed25519.PublicKeySize])
	if !id.verify(PurposeReceiver, receiverHash(bare), b.Identity[ed25519.PublicKeySize:]) {
		return fmt.Errorf("identity of the receiver: %w", ErrIdentity)
	}
	b.Signer = id
	return nil
}

// sign sets S's identity and signature in a summary that is complete but for them.
func (s *Summary) sign(by Signer, th1 [32]byte, enc []byte) error {
	id := by.Identity()
	s.Identity, s.Signature = id[:], nil
	rest, err := s.marshal()
	if err != nil {
		return err
	}
	s.Signature, err = sign(by, PurposeSender, senderHash(th1, enc, rest))
	return err
}

// verifyIdentity finds out who signed the summary.
func (s *Summary) verifyIdentity(th1 [32]byte, enc []byte) error {
	if len(s.Identity) != ed25519.PublicKeySize {
		return nil
	}
	unsigned := *s
	unsigned.Signature = nil
	rest, err := unsigned.marshal()
	if err != nil {
		return err
	}
	id := Identity(s.Identity)
	if !id.verify(PurposeSender, senderHash(th1, enc, rest), s.Signature) {
		return fmt.Errorf("identity of the sender: %w", ErrIdentity)
	}
	s.Signer = id
	return nil
}
