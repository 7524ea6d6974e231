package reference

import (
	"bytes"
	"crypto/ed25519"
	"math/big"
	"slices"
	"testing"
)

// signedBytes is what an identity signs: L(purpose) || 00 || hash.
func signedBytes(purpose string, hash []byte) []byte {
	return slices.Concat(label(purpose), []byte{0}, hash)
}

// verify refuses a key that has to be refused, too.
func verify(key []byte, purpose string, hash, signature []byte) bool {
	return checkIdentity(key) && len(signature) == ed25519.SignatureSize &&
		ed25519.Verify(key, signedBytes(purpose, hash), signature)
}

func sign(seed []byte, purpose string, hash []byte) []byte {
	return ed25519.Sign(ed25519.NewKeyFromSeed(seed), signedBytes(purpose, hash))
}

func publicIdentity(seed []byte) []byte {
	return ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
}

// checkIdentity refuses what section "Identities" names. A point has an order
// that divides 8 if doubling it twice gives x = 0. On edwards25519
// (-x² + y² = 1 + d·x²·y²) that are y = 1 and -1 (x = 0), y = 0 (double: y = -1),
// and those with x² + y² = 0, whose double has y = 0: for them the curve says
// d·y⁴ + 2·y² = 1.
func checkIdentity(key []byte) bool {
	if len(key) != 32 {
		return false
	}
	little := bytes.Clone(key)
	little[31] &= 0x7f
	slices.Reverse(little)
	y := new(big.Int).SetBytes(little)
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	one := big.NewInt(1)
	if y.Cmp(p) >= 0 || y.Cmp(one) <= 0 || y.Cmp(new(big.Int).Sub(p, one)) == 0 {
		return false
	}
	// d = -121665/121666, so both sides times 121666.
	square := new(big.Int).Mod(new(big.Int).Mul(y, y), p)
	left := new(big.Int).Mul(big.NewInt(-121665), new(big.Int).Mul(square, square))
	left.Add(left, new(big.Int).Mul(big.NewInt(2*121666), square))
	left.Sub(left, big.NewInt(121666))
	return left.Mod(left, p).Sign() != 0
}

func TestIdentitiesThatAreRefused(t *testing.T) {
	p := bytes.Repeat([]byte{0xff}, 32) // 2^255-19, little-endian
	p[0], p[31] = 0xed, 0x7f
	minusOne, notCanonical := bytes.Clone(p), bytes.Clone(p)
	minusOne[0]--
	notCanonical[0]++ // y = 1 once more
	one := make([]byte, 32)
	one[0] = 1
	for what, key := range map[string][]byte{
		"y = 0": make([]byte, 32), "y = 1": one, "y = -1": minusOne, "y = p": p, "y = p + 1": notCanonical,
		"order 8":       unhex(t, "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
		"order 8 again": unhex(t, "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
		"too short":     one[:31],
	} {
		if checkIdentity(key) {
			t.Errorf("%s is taken", what)
		}
		if len(key) == 32 {
			key = bytes.Clone(key)
			key[31] |= 0x80
			if checkIdentity(key) {
				t.Errorf("%s with the other sign is taken", what)
			}
		}
	}
	if !checkIdentity(publicIdentity(make([]byte, 32))) {
		t.Error("an honest key is refused")
	}
}
