package pairing

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/hpke"
)

// Prefixes of the text forms of recipient keys and requests.
const (
	recipientPrefix    = "VCT-KEY-"
	recipientKeyPrefix = "VCT-SECRET-KEY-"
	requestPrefix      = "VCT-REQUEST-"
)

const (
	// MaxRecipientText bounds the text form of a recipient key, in bytes, blanks included: X-Wing takes 1,960.
	MaxRecipientText = 4 << 10
	// MaxRequestText bounds the text form of a request, in bytes, blanks included.
	MaxRequestText = 2 * MaxBundleMessage
)

// ErrRecipient is of a text or bytes that are no recipient key and no request.
var ErrRecipient = errors.New("not a recipient key")

// RecipientText gives the text form of a key that sealed files can be sealed to: a prefix, and upper-case base32
// of the suite, the public key and a check.
func RecipientText(k *hpke.PublicKey) string {
	return checked(recipientPrefix, "recipient check", append([]byte{byte(k.Suite())}, k.Bytes()...))
}

// RecipientKeyText gives the text form of the secret key, for a file of mode 0600. The error is hpke.ErrErased.
func RecipientKeyText(k *hpke.PrivateKey) (string, error) {
	secret, err := k.Bytes()
	if err != nil {
		return "", err
	}
	defer clear(secret)
	return checked(recipientKeyPrefix, "recipient key check", append([]byte{byte(k.Suite())}, secret...)), nil
}

// ParseRecipient reads the text form of a public key, or of a request, in any case, with blanks around it. The
// errors are ErrRecipient, also for a secret key, and those of ParseRequest.
func ParseRecipient(text string) (*hpke.PublicKey, error) {
	if strings.HasPrefix(strings.ToUpper(strings.TrimSpace(text)), requestPrefix) {
		b, err := ParseRequest(text)
		if err != nil {
			return nil, err
		}
		return hpke.ParsePublicKey(b.Suite, b.PublicKey)
	}
	b, err := unchecked(text, recipientPrefix, "recipient check", MaxRecipientText)
	if err != nil {
		return nil, err
	}
	k, err := hpke.ParsePublicKey(hpke.Suite(b[0]), b[1:])
	if err != nil {
		return nil, fmt.Errorf("read recipient key: %w", errors.Join(ErrRecipient, err))
	}
	return k, nil
}

// ParseRecipientKey reads the text form of a secret key. The error is ErrRecipient.
func ParseRecipientKey(text string) (*hpke.PrivateKey, error) {
	b, err := unchecked(text, recipientKeyPrefix, "recipient key check", MaxRecipientText)
	if err != nil {
		return nil, err
	}
	defer clear(b)
	k, err := hpke.ParsePrivateKey(hpke.Suite(b[0]), b[1:])
	if err != nil {
		return nil, fmt.Errorf("read recipient key: %w", errors.Join(ErrRecipient, err))
	}
	return k, nil
}

// RawRecipient takes the bytes of a public key from elsewhere, an MLS leaf's say: its length tells the suite. The
// error is ErrRecipient.
func RawRecipient(b []byte) (*hpke.PublicKey, error) {
	for _, s := range []hpke.Suite{hpke.SuiteXWing, hpke.SuiteX25519} {
		if len(b) != s.PublicKeySize() {
			continue
		}
		k, err := hpke.ParsePublicKey(s, b)
		if err != nil {
			return nil, fmt.Errorf("read recipient key: %w", errors.Join(ErrRecipient, err))
		}
		return k, nil
	}
	return nil, fmt.Errorf("%d bytes: %w", len(b), ErrRecipient)
}

// A request is a receiver bundle without routes: who writes it waits for a sealed file, on no network.

// NewRequest makes a key and the request for a sealed file for it. Of o, Suite, Intent, Room, Label, Signer,
// Attestation and Rand count. The errors are those of NewReceiver.
func NewRequest(o ReceiverOptions) (*Bundle, *hpke.PrivateKey, error) {
	if o.Suite == 0 {
		o.Suite = hpke.SuiteXWing
	}
	if o.Intent == 0 {
		o.Intent = SameAccount
	}
	a, err := newAttempt(randomOr(o.Rand), Bundle{
		Suite: o.Suite, Intent: o.Intent, Room: o.Room, Label: o.Label, Identity: o.Identity, Attestation: o.Attestation,
	}, o.Signer)
	if err != nil {
		return nil, nil, fmt.Errorf("make request: %w", err)
	}
	b, err := ParseBundle(a.bundle)
	if err != nil {
		return nil, nil, fmt.Errorf("make request: %w", err)
	}
	return b, a.key, b.verifyIdentity()
}

// RequestText gives the text form of a request. The errors are those of MarshalBinary.
func (b *Bundle) RequestText() (string, error) {
	raw, err := b.MarshalBinary()
	if err != nil {
		return "", err
	}
	return checked(requestPrefix, "request check", raw), nil
}

// ParseRequest reads a request, and finds out who signed it. The errors are ErrRecipient, and those of
// ParseBundle; ErrIdentity for a signature that is another's.
func ParseRequest(text string) (*Bundle, error) {
	raw, err := unchecked(text, requestPrefix, "request check", MaxRequestText)
	if err != nil {
		return nil, err
	}
	b, err := ParseBundle(raw)
	if err != nil {
		return nil, err
	}
	if err := b.verifyIdentity(); err != nil {
		return nil, err
	}
	return b, nil
}

// checked is a text form with a check behind the bytes.
func checked(prefix, label string, b []byte) string {
	check := hpke.Hash(label, b)
	return prefix + textEncoding().EncodeToString(append(b[:len(b):len(b)], check[:checkSize]...))
}

// unchecked reads what checked gave, of more than nothing.
func unchecked(text, prefix, label string, limit int) ([]byte, error) {
	if len(text) > limit {
		return nil, fmt.Errorf("%d bytes: %w", len(text), ErrRecipient)
	}
	encoded, ok := strings.CutPrefix(strings.ToUpper(strings.TrimSpace(text)), prefix)
	if !ok {
		return nil, fmt.Errorf("it does not begin with %s: %w", prefix, ErrRecipient)
	}
	b, err := textEncoding().DecodeString(encoded)
	if err != nil || len(b) <= checkSize+1 || textEncoding().EncodeToString(b) != encoded {
		return nil, fmt.Errorf("mistyped: %w", ErrRecipient)
	}
	body, check := b[:len(b)-checkSize], b[len(b)-checkSize:]
	if want := hpke.Hash(label, body); subtle.ConstantTimeCompare(check, want[:checkSize]) != 1 {
		return nil, fmt.Errorf("mistyped: %w", ErrRecipient)
	}
	return body, nil
}

// RecipientQR is the text form of a recipient key as a QR code. It is no secret.
func RecipientQR(k *hpke.PublicKey) (*Code, error) { return newCode(RecipientText(k)) }
