package mimi

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha256"
	_ "crypto/sha512" // of P-384 and P-521
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

// A frank is a hub's stamp on a message (draft-ietf-mimi-protocol-06, "Message
// Franking"): server_frank, which only the hub can check, and a signature over it, the
// sender, the room and the hub's time. It attests this envelope. That the content is
// what was stamped follows from server_frank alone, of which the hub's secret is part:
// a dishonest exporter can put another content, with a tag of its own, under an
// envelope that is genuine.

// ErrHubKey is of bytes that are no public key of a hub.
var ErrHubKey = errors.New("not a public key of a hub")

const (
	frankSize    = sha256.Size // of server_frank and franking_tag, in bytes
	maxFrankSign = 256         // bytes of a signature: P-521 in DER has 139
)

// A HubKey is a franking_signature_key.
type HubKey struct{ key crypto.PublicKey }

// ParseHubKey reads the key as it stands in the MLS group (Ed25519, 32 bytes; P-256,
// P-384 or P-521, uncompressed). The error is ErrHubKey.
func ParseHubKey(data []byte) (*HubKey, error) {
	if len(data) == ed25519.PublicKeySize {
		return &HubKey{ed25519.PublicKey(data)}, nil
	}
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		if key, err := ecdsa.ParseUncompressedPublicKey(curve, data); err == nil {
			return &HubKey{key}, nil
		}
	}
	return nil, fmt.Errorf("read hub key: %d bytes: %w", len(data), ErrHubKey)
}

// A Franking says what franking data attests of a message.
type Franking uint8

const (
	// Unfranked: there is no frank, or what its signature is over is not all there.
	Unfranked Franking = 0
	// EnvelopeAttested: the hub signed this sender, room and time. It says nothing of
	// the content.
	EnvelopeAttested Franking = 1
	// FrankFalse: the signature is another hub's, or of another envelope.
	FrankFalse Franking = 2
)

// String returns the words that `inspect` counts under.
func (f Franking) String() string {
	switch f {
	case EnvelopeAttested:
		return "envelope attested"
	case FrankFalse:
		return "frank of another envelope or hub"
	}
	return "no frank"
}

// VerifyFrank verifies the hub's signature in the frank of a text dialog. stamp is
// server_frank, which no other message of an honest history has; nil without a frank.
func VerifyFrank(d *codec.Dialog, senderURI, roomURI string, hub *HubKey) (f Franking, stamp []byte) {
	frank, ok := d.Frank.Bytes()
	if !ok || len(frank) == 0 {
		return Unfranked, nil
	}
	stamp, suite, signature, ok := parseFrank(frank)
	at, dated := d.Start.Instant()
	if !ok || !dated || senderURI == "" || len(senderURI) > MaxURI || roomURI == "" || len(roomURI) > MaxURI {
		return Unfranked, stamp
	}
	if !hub.verifies(suite, signedFrank(stamp, senderURI, roomURI, at), signature) {
		return FrankFalse, stamp
	}
	return EnvelopeAttested, stamp
}

// parseFrank reads the structure Frank, with a variable-size integer in front of the
// signature (RFC 9420, section 2.1.2).
func parseFrank(b []byte) (stamp []byte, suite uint16, signature []byte, ok bool) {
	if len(b) < frankSize+3 {
		return nil, 0, nil, false
	}
	stamp, suite, b = b[:frankSize], binary.BigEndian.Uint16(b[frankSize:]), b[frankSize+2:]
	n, rest := int(b[0]), b[1:]
	if b[0]>>6 == 1 && len(rest) > 0 {
		n, rest = int(b[0]&0x3f)<<8|int(rest[0]), rest[1:]
	} else if b[0]>>6 > 1 {
		return stamp, suite, nil, false
	}
	if n == 0 || n > maxFrankSign || n != len(rest) {
		return stamp, suite, nil, false
	}
	return stamp, suite, rest, true
}

// signedFrank is what the hub signs: server_frank and the context.
func signedFrank(stamp []byte, sender, room string, at time.Time) []byte {
	b := append([]byte(nil), stamp...)
	for _, uri := range []string{sender, room} {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(uri))), uri...)
	}
	return binary.BigEndian.AppendUint64(b, uint64(at.UnixMilli()))
}

// verifies tells whether the hub signed this, by the algorithm of an MLS cipher suite
// (RFC 9420, section 17.1).
func (k *HubKey) verifies(suite uint16, signed, signature []byte) bool {
	hash := map[uint16]crypto.Hash{2: crypto.SHA256, 5: crypto.SHA512, 7: crypto.SHA384}[suite]
	switch key := k.key.(type) {
	case ed25519.PublicKey:
		return (suite == 1 || suite == 3) && ed25519.Verify(key, signed, signature)
	case *ecdsa.PublicKey:
		if hash == 0 || key.Curve != map[uint16]elliptic.Curve{2: elliptic.P256(), 5: elliptic.P521(), 7: elliptic.P384()}[suite] {
			return false
		}
		sum := hash.New()
		sum.Write(signed)
		return ecdsa.VerifyASN1(key, sum.Sum(nil), signature)
	}
	return false
}

// FrankingTag is HMAC-SHA256 of the content bytes under the salt: what a sender commits
// to, where no content is advertised around it.
func (c *Content) FrankingTag() [frankSize]byte {
	mac := hmac.New(sha256.New, c.Salt[:])
	mac.Write(c.Bytes())
	return [frankSize]byte(mac.Sum(nil))
}

// VerifyTag recomputes the franking tag of a text dialog. known is false when there is
// none, or when the content is not all there.
func VerifyTag(d *codec.Dialog) (matches, known bool) {
	tag, ok := d.FrankingTag.Bytes()
	if !ok || len(tag) != frankSize {
		return false, false
	}
	c, missing := contentOf(d)
	if len(missing) > 0 {
		return false, false
	}
	want := c.FrankingTag()
	return subtle.ConstantTimeCompare(tag, want[:]) == 1, true
}
