package hpke

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/mlkem"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"encoding/binary"
	"hash"
	"slices"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"
)

// reference is HPKE written once more, from RFC 9180, on the standard library
// only: the oracle for PSK mode and for export-only, which crypto/hpke and circl
// do not have, and for vectors that need the inside of a context. The RFC's
// vectors are run on it too.
type reference struct {
	kem, kdf, aead uint16
}

type referenceContext struct {
	reference
	secret, key, baseNonce, exporter []byte
	seq                              uint64
}

func (r reference) hash() func() hash.Hash {
	return map[uint16]func() hash.Hash{1: sha256.New, 3: sha512.New}[r.kdf]
}

func (r reference) suiteID() []byte {
	b := []byte("HPKE")
	for _, id := range []uint16{r.kem, r.kdf, r.aead} {
		b = binary.BigEndian.AppendUint16(b, id)
	}
	return b
}

func labeledExtract(h func() hash.Hash, suite, salt []byte, label string, ikm []byte) []byte {
	prk, err := hkdf.Extract(h, slices.Concat([]byte("HPKE-v1"), suite, []byte(label), ikm), salt)
	if err != nil {
		panic(err)
	}
	return prk
}

func labeledExpand(h func() hash.Hash, suite, prk []byte, label string, info []byte, n int) []byte {
	full := slices.Concat(binary.BigEndian.AppendUint16(nil, uint16(n)), []byte("HPKE-v1"), suite, []byte(label), info)
	out, err := hkdf.Expand(h, prk, string(full), n)
	if err != nil {
		panic(err)
	}
	return out
}

// dhShared is DHKEM(X25519)'s ExtractAndExpand.
func dhShared(dh, enc, pkR []byte) []byte {
	suite := []byte{'K', 'E', 'M', 0x00, 0x20}
	prk := labeledExtract(sha256.New, suite, nil, "eae_prk", dh)
	return labeledExpand(sha256.New, suite, prk, "shared_secret", slices.Concat(enc, pkR), 32)
}

// xwingShared is X-Wing's combiner.
func xwingShared(ssM, ssX, ctX, pkX []byte) []byte {
	sum := sha3.Sum256(slices.Concat(ssM, ssX, ctX, pkX, []byte(`\./`+`/^\`)))
	return sum[:]
}

// decap gives the shared secret for the private key's 32 bytes.
func (r reference) decap(t testing.TB, sk, enc []byte) []byte {
	t.Helper()
	if r.kem == 0x0020 {
		k, err := ecdh.X25519().NewPrivateKey(sk)
		check(t, err)
		return dhShared(x25519DH(t, k, enc), enc, k.PublicKey().Bytes())
	}
	expanded := sha3.SumSHAKE256(sk, 96)
	m, err := mlkem.NewDecapsulationKey768(expanded[:64])
	check(t, err)
	x, err := ecdh.X25519().NewPrivateKey(expanded[64:])
	check(t, err)
	ssM, err := m.Decapsulate(enc[:mlkem.CiphertextSize768])
	check(t, err)
	ctX := enc[mlkem.CiphertextSize768:]
	return xwingShared(ssM, x25519DH(t, x, ctX), ctX, x.PublicKey().Bytes())
}

// encap makes a fresh shared secret for the public key's bytes.
func (r reference) encap(t testing.TB, pk []byte) (shared, enc []byte) {
	t.Helper()
	e, err := ecdh.X25519().GenerateKey(nil)
	check(t, err)
	encX := e.PublicKey().Bytes()
	if r.kem == 0x0020 {
		return dhShared(x25519DH(t, e, pk), encX, pk), encX
	}
	m, err := mlkem.NewEncapsulationKey768(pk[:mlkem.EncapsulationKeySize768])
	check(t, err)
	ssM, encM := m.Encapsulate()
	pkX := pk[mlkem.EncapsulationKeySize768:]
	return xwingShared(ssM, x25519DH(t, e, pkX), encX, pkX), slices.Concat(encM, encX)
}

func x25519DH(t testing.TB, k *ecdh.PrivateKey, peer []byte) []byte {
	t.Helper()
	p, err := ecdh.X25519().NewPublicKey(peer)
	check(t, err)
	dh, err := k.ECDH(p)
	check(t, err)
	return dh
}

// schedule is RFC 9180's KeySchedule.
func (r reference) schedule(mode byte, shared, info, psk, pskID []byte) *referenceContext {
	h, id := r.hash(), r.suiteID()
	nh := h().Size()
	ctx := slices.Concat([]byte{mode},
		labeledExtract(h, id, nil, "psk_id_hash", pskID),
		labeledExtract(h, id, nil, "info_hash", info))
	c := &referenceContext{reference: r}
	c.secret = labeledExtract(h, id, shared, "secret", psk)
	c.exporter = labeledExpand(h, id, c.secret, "exp", ctx, nh)
	if nk := map[uint16]int{1: 16, 2: 32, 3: 32}[r.aead]; nk > 0 {
		c.key = labeledExpand(h, id, c.secret, "key", ctx, nk)
		c.baseNonce = labeledExpand(h, id, c.secret, "base_nonce", ctx, 12)
	}
	return c
}

func (c *referenceContext) export(context []byte, n int) []byte {
	return labeledExpand(c.hash(), c.suiteID(), c.exporter, "sec", context, n)
}

func (c *referenceContext) seal(t testing.TB, aad, pt []byte) []byte {
	t.Helper()
	aead, nonce := c.next(t)
	return aead.Seal(nil, nonce, pt, aad)
}

func (c *referenceContext) open(t testing.TB, aad, ct []byte) []byte {
	t.Helper()
	aead, nonce := c.next(t)
	pt, err := aead.Open(nil, nonce, ct, aad)
	check(t, err)
	return pt
}

func (c *referenceContext) next(t testing.TB) (cipher.AEAD, []byte) {
	t.Helper()
	nonce := slices.Clone(c.baseNonce)
	for i, b := range binary.BigEndian.AppendUint64(nil, c.seq) {
		nonce[4+i] ^= b
	}
	c.seq++
	if c.aead == 3 {
		aead, err := chacha20poly1305.New(c.key)
		check(t, err)
		return aead, nonce
	}
	block, err := aes.NewCipher(c.key)
	check(t, err)
	aead, err := cipher.NewGCM(block)
	check(t, err)
	return aead, nonce
}
