package hpke

import (
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"math"
	"strings"
)

// protocol begins everything that is hashed, expanded or signed, so that none of
// it means anything elsewhere (wire-format: "Notation").
const protocol = "vcon-transfer/1 "

// Secret is a pseudorandom key of the key schedule (HKDF-SHA256). It prints
// redacted, also in JSON; but package fmt cannot ask a Secret in an unexported
// field of another type, so such a type must redact itself.
type Secret [32]byte

// Label is L(x) of the key schedule: "vcon-transfer/1 " || x.
func Label(x string) []byte { return append([]byte(protocol), x...) }

// Hash is H(x, parts...) of the key schedule: SHA-256(L(x) || 00 || parts...).
// The parts are not delimited: a part of variable length goes through
// AppendPrefixed first, unless it is the last one.
func Hash(x string, parts ...[]byte) [32]byte {
	h := sha256.New()
	h.Write(terminated(x))
	for _, p := range parts {
		h.Write(p)
	}
	return [32]byte(h.Sum(nil))
}

// AppendPrefixed appends lp(b) of the key schedule: the length of b in four
// bytes, big-endian, and b.
func AppendPrefixed(dst, b []byte) []byte {
	if uint64(len(b)) > math.MaxUint32 {
		panic("hpke: length prefix of more than 4 GiB")
	}
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(b))), b...)
}

// Extract is HKDF-Extract with SHA-256 (RFC 5869 section 2.2).
func Extract(salt, ikm []byte) Secret {
	prk, err := hkdf.Extract(sha256.New, ikm, salt)
	if err != nil {
		panic("hpke: extract: " + err.Error())
	}
	defer clear(prk)
	return Secret(prk)
}

// Expand is HKDF-Expand with SHA-256 and info = L(label) || 00 || context, giving
// n bytes, 1 to MaxDerived. The label has no zero byte. Breaking these is a bug
// of the caller and panics.
//
// The length is not part of info: two lengths under one label and context share
// their first bytes, so one label has one length.
func (s Secret) Expand(label string, context []byte, n int) []byte {
	return s.expand(string(terminated(label))+string(context), n)
}

// expand is the plain HKDF-Expand.
func (s Secret) expand(info string, n int) []byte {
	if n < 1 || n > MaxDerived {
		panic("hpke: expand: length out of range")
	}
	out, err := hkdf.Expand(sha256.New, s[:], info, n)
	if err != nil {
		panic("hpke: expand: " + err.Error())
	}
	return out
}

// Equal compares in constant time.
func (s Secret) Equal(t Secret) bool { return subtle.ConstantTimeCompare(s[:], t[:]) == 1 }

// Erase overwrites the secret. Copies made by assignment stay.
func (s *Secret) Erase() { clear(s[:]) }

// terminated is L(x) || 00, which no other label's form is a prefix of.
func terminated(x string) []byte {
	if strings.IndexByte(x, 0) >= 0 {
		panic("hpke: label with a zero byte")
	}
	return append(Label(x), 0)
}
