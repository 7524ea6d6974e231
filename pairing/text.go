package pairing

import (
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"strings"
	"unicode"

	"github.com/vcon-transfer/vcon-transfer/hpke"
)

// checkSize is the bytes of the check at the end of the text form: a mistyped text passes it once in 2^24.
const checkSize = 3

// Text gives the offer as upper-case base32 (RFC 4648, no padding) of the binary form and a check. It has
// no URL scheme, so that no camera app turns a phisher's code into a tap. It is a secret: show it on the
// screen, never in an argument or a log. It panics for an offer that MarshalBinary refuses.
func (o *Offer) Text() string {
	b, err := o.MarshalBinary()
	if err != nil {
		panic("pairing: text of an invalid offer: " + err.Error())
	}
	defer clear(b)
	return textOf(b)
}

func textOf(b []byte) string {
	return textEncoding().EncodeToString(append(b, offerCheck(b)...))
}

// ParseOffer reads the text form as people bring it: in any case, with blanks, line breaks, hyphens, and
// with the digits 0, 1 and 8, which base32 does not have, for O, I and B. The errors are
//   - ErrMistyped: something was left out, added or changed; copy it again;
//   - ErrVersion, ErrSuite, ErrIntent: an offer, but not one that this version can take up;
//   - ErrMalformed: the check matches, yet it is no offer.
//
// It takes an expired offer and one to a public address; see Offer.Expired and NewSender.
func ParseOffer(text string) (*Offer, error) {
	if len(text) > MaxOfferText {
		return nil, fmt.Errorf("read offer text: %d bytes: %w", len(text), ErrMistyped)
	}
	clean, err := normalize(text)
	if err != nil {
		return nil, fmt.Errorf("read offer text: %w", err)
	}
	if clean == "" {
		return nil, fmt.Errorf("read offer text: it is empty: %w", ErrMistyped)
	}
	raw, err := textEncoding().DecodeString(clean)
	if err != nil || len(raw) <= checkSize || textEncoding().EncodeToString(raw) != clean {
		return nil, fmt.Errorf("read offer text: %d characters: %w", len(clean), ErrMistyped)
	}
	defer clear(raw)
	body, check := raw[:len(raw)-checkSize], raw[len(raw)-checkSize:]
	if subtle.ConstantTimeCompare(check, offerCheck(body)) != 1 {
		return nil, fmt.Errorf("read offer text: the check does not match: %w", ErrMistyped)
	}
	o, err := parseOffer(body)
	if err != nil {
		return nil, fmt.Errorf("read offer: %w", err)
	}
	return o, nil
}

// normalize takes out what grouping and copying put in.
func normalize(text string) (string, error) {
	var b strings.Builder
	n := 0
	for _, r := range text {
		n++
		switch {
		case r >= 'A' && r <= 'Z' || r >= '2' && r <= '7':
			b.WriteRune(r)
		case r >= 'a' && r <= 'z':
			b.WriteRune(r - 'a' + 'A')
		case r == '0':
			b.WriteByte('O')
		case r == '1':
			b.WriteByte('I')
		case r == '8':
			b.WriteByte('B')
		case unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) || unicode.Is(unicode.Cf, r):
			// Blanks, dashes of any kind, and the invisible marks that mail and chat programs add.
		default:
			return "", fmt.Errorf("character %d is in no offer: %w", n, ErrMistyped)
		}
	}
	return b.String(), nil
}

func offerCheck(b []byte) []byte {
	h := hpke.Hash("offer check", b)
	return h[:checkSize]
}

func textEncoding() *base32.Encoding { return base32.StdEncoding.WithPadding(base32.NoPadding) }
