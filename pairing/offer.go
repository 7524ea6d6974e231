package pairing

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/vcon-transfer/vcon-transfer/hpke"
)

// Offer is what the receiver shows and the sender scans: the secret that both share from then on, and what
// the receiver's bundle has to hash to. Whoever sees it can disturb this pairing, but neither read nor, as
// long as the check code is compared, inject. It prints redacted.
type Offer struct {
	Version    uint8
	Suite      hpke.Suite
	Intent     Intent
	Secret     hpke.Secret // ps
	Commitment [sha256.Size]byte
	Expiry     time.Time // whole seconds; R enforces it, S only warns, because clocks lie
	Route      Route
}

// offerElements is the length of the offer's array.
const offerElements = 7

// MarshalBinary gives the offer's one encoding, a deterministic CBOR array of at most MaxOffer bytes:
// version, suite, intent, secret, commitment, expiry, route. The errors are those of a value that no
// offer can have: ErrVersion, ErrSuite, ErrIntent, ErrMalformed, ErrLimit.
func (o *Offer) MarshalBinary() ([]byte, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("encode offer: %w", err)
	}
	b := encode([]any{
		o.Version, uint8(o.Suite), uint8(o.Intent), o.Secret[:], o.Commitment[:],
		uint32(o.Expiry.Unix()), o.Route.encoded(),
	})
	if len(b) > MaxOffer {
		return nil, fmt.Errorf("encode offer: %d bytes: %w", len(b), ErrLimit)
	}
	return b, nil
}

// UnmarshalBinary reads what MarshalBinary gave, and nothing else. The errors are ErrMalformed, ErrVersion,
// ErrSuite and ErrIntent; o is unchanged then.
func (o *Offer) UnmarshalBinary(b []byte) error {
	n, err := parseOffer(b)
	if err != nil {
		return fmt.Errorf("read offer: %w", err)
	}
	*o = *n
	return nil
}

func parseOffer(b []byte) (*Offer, error) {
	if len(b) > MaxOffer {
		return nil, fmt.Errorf("%d bytes: %w", len(b), ErrMalformed)
	}
	var e []cbor.RawMessage
	if err := decode(b, &e); err != nil || len(e) == 0 {
		return nil, fmt.Errorf("not an array: %w", ErrMalformed)
	}
	var o Offer
	// The version comes first and alone: what follows it is another version's business.
	if err := decode(e[0], &o.Version); err != nil {
		return nil, fmt.Errorf("version: %w", ErrMalformed)
	}
	if o.Version != OfferVersion {
		return nil, fmt.Errorf("version %d: %w", o.Version, ErrVersion)
	}
	if len(e) != offerElements {
		return nil, fmt.Errorf("%d elements: %w", len(e), ErrMalformed)
	}
	var secret, commitment []byte
	var expiry uint32
	for i, v := range []any{(*uint8)(&o.Suite), (*uint8)(&o.Intent), &secret, &commitment, &expiry} {
		if err := decode(e[i+1], v); err != nil {
			return nil, fmt.Errorf("element %d: %w", i+1, ErrMalformed)
		}
	}
	if len(secret) != len(o.Secret) || len(commitment) != len(o.Commitment) {
		return nil, fmt.Errorf("length of secret or commitment: %w", ErrMalformed)
	}
	copy(o.Secret[:], secret)
	copy(o.Commitment[:], commitment)
	o.Expiry = time.Unix(int64(expiry), 0)
	var err error
	if o.Route, err = parseRoute(e[6]); err != nil {
		return nil, err
	}
	again, err := o.MarshalBinary()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, b) {
		return nil, fmt.Errorf("encoding is not deterministic: %w", ErrMalformed)
	}
	return &o, nil
}

func (o *Offer) check() error {
	if o.Version != OfferVersion {
		return fmt.Errorf("version %d: %w", o.Version, ErrVersion)
	}
	if _, err := hpke.ParseSuite(byte(o.Suite)); err != nil {
		return err
	}
	if err := o.Intent.check(); err != nil {
		return err
	}
	if o.Secret.Equal(hpke.Secret{}) {
		return fmt.Errorf("secret of zeros: %w", ErrMalformed)
	}
	if s := o.Expiry.Unix(); s < 0 || s > 1<<32-1 {
		return fmt.Errorf("expiry does not fit: %w", ErrMalformed)
	}
	return o.Route.check()
}

// Rendezvous gives what a party shows to a relay to meet its peer there. The relay can link neither value
// to the offer.
func (o *Offer) Rendezvous(r Role) (channel, token [16]byte) {
	prk := rootKey(ModePair, o.Secret)
	defer prk.Erase()
	return rendezvous(prk, r)
}

// Expired tells whether the offer is over its lifetime by this machine's wall clock. Only R enforces it: S
// warns.
func (o *Offer) Expired() bool { return !time.Now().Round(0).Before(o.Expiry) }

// Erase overwrites the secret in this copy of the offer.
func (o *Offer) Erase() { o.Secret.Erase() }

// clone gives a copy that lives on its own.
func (o *Offer) clone() *Offer {
	c := *o
	return &c
}

// String shows what is no secret.
func (o Offer) String() string {
	return fmt.Sprintf("offer(version %d, suite %v, %v, expires %s, redacted)",
		o.Version, o.Suite, o.Intent, o.Expiry.UTC().Format(time.RFC3339))
}

// Format keeps the secret out of every verb.
func (o Offer) Format(f fmt.State, _ rune) { io.WriteString(f, o.String()) }

// LogValue keeps the secret out of structured logs.
func (o Offer) LogValue() slog.Value { return slog.StringValue(o.String()) }

// MarshalJSON keeps the secret out of JSON; the text form is Text.
func (o Offer) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, "%q", o.String()), nil }

// appendU32 is the 4-byte big-endian number of the transcript.
func appendU32(b []byte, v uint32) []byte { return binary.BigEndian.AppendUint32(b, v) }
