package reference

import (
	"bytes"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/mlkem"
	"crypto/mlkem/mlkemtest"
	"crypto/sha256"
	"crypto/sha3"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
)

var (
	errKey  = errors.New("reference: key that has to be refused")
	errOpen = errors.New("reference: message does not open")
)

// suite is one of the two of section "HPKE", "Suites".
type suite struct {
	kem       uint16
	npk, nenc int
	seed      int // bytes of randomness of one encapsulation
}

func suiteOf(b uint64) (suite, bool) {
	switch b {
	case 1:
		return suite{kem: 0x647a, npk: 1216, nenc: 1120, seed: 64}, true
	case 2:
		return suite{kem: 0x0020, npk: 32, nenc: 32, seed: 32}, true
	}
	return suite{}, false
}

// kemID is the suite_id of functions inside the KEM.
func (s suite) kemID() []byte {
	return binary.BigEndian.AppendUint16([]byte("KEM"), s.kem)
}

// id is the suite_id of the key schedule: KDF HKDF-SHA256, AEAD
// ChaCha20-Poly1305.
func (s suite) id() []byte {
	b := binary.BigEndian.AppendUint16([]byte("HPKE"), s.kem)
	return append(b, 0, 1, 0, 3)
}

// labeledExtract and labeledExpand are those of RFC 9180, section 4.
func labeledExtract(t testing.TB, id, salt []byte, name string, ikm []byte) []byte {
	t.Helper()
	return extract(t, salt, slices.Concat([]byte("HPKE-v1"), id, []byte(name), ikm))
}

func labeledExpand(t testing.TB, id, prk []byte, name string, info []byte, n int) []byte {
	t.Helper()
	full := binary.BigEndian.AppendUint16(nil, uint16(n))
	full = slices.Concat(full, []byte("HPKE-v1"), id, []byte(name), info)
	out, err := hkdf.Expand(sha256.New, prk, string(full), n)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// deriveKey is DeriveKeyPair: RFC 9180 section 7.1.3 for X25519, SHAKE256
// LabeledDerive of draft-ietf-hpke-pq for X-Wing.
func (s suite) deriveKey(t testing.TB, ikm []byte) []byte {
	t.Helper()
	if s.kem == 0x0020 {
		prk := labeledExtract(t, s.kemID(), nil, "dkp_prk", ikm)
		return labeledExpand(t, s.kemID(), prk, "sk", nil, 32)
	}
	in := slices.Concat(ikm, []byte("HPKE-v1"), s.kemID(), []byte{0, 13}, []byte("DeriveKeyPair"), []byte{0, 32})
	return sha3.SumSHAKE256(in, 32)
}

// xwing is an expanded X-Wing seed (draft-connolly-cfrg-xwing-kem, section 5.2).
type xwing struct {
	m *mlkem.DecapsulationKey768
	x *ecdh.PrivateKey
}

func expandXWing(t testing.TB, seed []byte) xwing {
	t.Helper()
	expanded := sha3.SumSHAKE256(seed, 96)
	m, err := mlkem.NewDecapsulationKey768(expanded[:64])
	if err != nil {
		t.Fatal(err)
	}
	return xwing{m: m, x: scalar(t, expanded[64:])}
}

func scalar(t testing.TB, b []byte) *ecdh.PrivateKey {
	t.Helper()
	k, err := ecdh.X25519().NewPrivateKey(b)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// combine is X-Wing's combiner (section 5.3).
func combine(ssM, ssX, ctX, pkX []byte) []byte {
	sum := sha3.Sum256(slices.Concat(ssM, ssX, ctX, pkX, []byte(`\.//^\`)))
	return sum[:]
}

// public is the serialised public key of sk.
func (s suite) public(t testing.TB, sk []byte) []byte {
	t.Helper()
	if s.kem == 0x0020 {
		return scalar(t, sk).PublicKey().Bytes()
	}
	k := expandXWing(t, sk)
	return append(k.m.EncapsulationKey().Bytes(), k.x.PublicKey().Bytes()...)
}

// checkPoint refuses X25519 bytes that are not canonical or of low order.
func checkPoint(b []byte) (*ecdh.PublicKey, error) {
	p := bytes.Repeat([]byte{0xff}, 32) // 2^255-19, big-endian
	p[0], p[31] = 0x7f, 0xed
	value := slices.Clone(b)
	slices.Reverse(value)
	if bytes.Compare(value, p) >= 0 {
		return nil, errKey
	}
	point, err := ecdh.X25519().NewPublicKey(b)
	if err != nil {
		return nil, err
	}
	// Any clamped scalar is a multiple of the cofactor.
	probe, err := ecdh.X25519().NewPrivateKey(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		return nil, err
	}
	if _, err := probe.ECDH(point); err != nil {
		return nil, errKey
	}
	return point, nil
}

// checkPublic refuses what section "Public keys and encapsulated keys" names.
func (s suite) checkPublic(pk []byte) error {
	if len(pk) != s.npk {
		return errKey
	}
	if s.kem == 0x647a {
		if _, err := mlkem.NewEncapsulationKey768(pk[:1184]); err != nil {
			return errKey
		}
	}
	_, err := checkPoint(pk[len(pk)-32:])
	return err
}

// decapsulate returns the KEM's shared secret.
func (s suite) decapsulate(t testing.TB, sk, enc []byte) []byte {
	t.Helper()
	if len(enc) != s.nenc {
		t.Fatalf("enc has %d bytes", len(enc))
	}
	point, err := checkPoint(enc[len(enc)-32:])
	if err != nil {
		t.Fatal(err)
	}
	if s.kem == 0x0020 {
		k := scalar(t, sk)
		return s.dhkem(t, shared(t, k, point), enc, k.PublicKey().Bytes())
	}
	k := expandXWing(t, sk)
	ssM, err := k.m.Decapsulate(enc[:1088])
	if err != nil {
		t.Fatal(err)
	}
	return combine(ssM, shared(t, k.x, point), enc[1088:], k.x.PublicKey().Bytes())
}

// encapsulate uses randomness as given: X-Wing's eseed (ML-KEM's 32 bytes, then
// X25519's), or the ikm of DHKEM's ephemeral key.
func (s suite) encapsulate(t testing.TB, pk, randomness []byte) (enc, secret []byte) {
	t.Helper()
	if err := s.checkPublic(pk); err != nil {
		t.Fatal(err)
	}
	point, err := checkPoint(pk[len(pk)-32:])
	if err != nil {
		t.Fatal(err)
	}
	if s.kem == 0x0020 {
		e := scalar(t, s.deriveKey(t, randomness))
		enc = e.PublicKey().Bytes()
		return enc, s.dhkem(t, shared(t, e, point), enc, pk)
	}
	m, err := mlkem.NewEncapsulationKey768(pk[:1184])
	if err != nil {
		t.Fatal(err)
	}
	ssM, ctM, err := mlkemtest.Encapsulate768(m, randomness[:32])
	if err != nil {
		t.Fatal(err)
	}
	e := scalar(t, randomness[32:])
	ctX := e.PublicKey().Bytes()
	return append(ctM, ctX...), combine(ssM, shared(t, e, point), ctX, pk[1184:])
}

func shared(t testing.TB, k *ecdh.PrivateKey, point *ecdh.PublicKey) []byte {
	t.Helper()
	dh, err := k.ECDH(point)
	if err != nil {
		t.Fatal(err)
	}
	return dh
}

// dhkem is ExtractAndExpand of RFC 9180, section 4.1.
func (s suite) dhkem(t testing.TB, dh, enc, pk []byte) []byte {
	t.Helper()
	prk := labeledExtract(t, s.kemID(), nil, "eae_prk", dh)
	return labeledExpand(t, s.kemID(), prk, "shared_secret", slices.Concat(enc, pk), 32)
}

// hpkeContext is a context of RFC 9180, in either direction.
type hpkeContext struct {
	suite                suite
	key, nonce, exporter []byte
	sequence             uint64
}

// setup is the key schedule of RFC 9180, section 5.1: mode_psk when psk is
// there, else mode_base.
func (s suite) setup(t testing.TB, secret, info, psk, pskID []byte) *hpkeContext {
	t.Helper()
	mode := byte(0)
	if len(psk) > 0 {
		mode = 1
	}
	context := slices.Concat([]byte{mode},
		labeledExtract(t, s.id(), nil, "psk_id_hash", pskID),
		labeledExtract(t, s.id(), nil, "info_hash", info))
	prk := labeledExtract(t, s.id(), secret, "secret", psk)
	return &hpkeContext{
		suite:    s,
		key:      labeledExpand(t, s.id(), prk, "key", context, 32),
		nonce:    labeledExpand(t, s.id(), prk, "base_nonce", context, 12),
		exporter: labeledExpand(t, s.id(), prk, "exp", context, 32),
	}
}

func (c *hpkeContext) nextNonce() []byte {
	n := slices.Clone(c.nonce)
	for i, b := range binary.BigEndian.AppendUint64(nil, c.sequence) {
		n[4+i] ^= b
	}
	c.sequence++
	return n
}

func (c *hpkeContext) open(sealed, aad []byte) ([]byte, error) {
	plain, err := open(c.key, c.nextNonce(), sealed, aad)
	if err != nil {
		return nil, errOpen
	}
	return plain, nil
}

func (c *hpkeContext) seal(t testing.TB, plain, aad []byte) []byte {
	t.Helper()
	return seal(t, c.key, c.nextNonce(), plain, aad)
}

func (c *hpkeContext) export(t testing.TB, context []byte, n int) []byte {
	t.Helper()
	return labeledExpand(t, c.suite.id(), c.exporter, "sec", context, n)
}
