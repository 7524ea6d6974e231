package jws

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

var at = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

func draftExample(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("../../testdata/vcon/core-draft/ab_call_ext_rec_signed.vcon")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// chainOf are the certificates of the draft's example, the leaf first.
func chainOf(t testing.TB, data []byte) [][]byte {
	t.Helper()
	var o struct {
		Signatures []struct {
			Header struct{ X5c [][]byte }
		}
	}
	if err := json.Unmarshal(data, &o); err != nil {
		t.Fatal(err)
	}
	return o.Signatures[0].Header.X5c
}

func certificate(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func signersOf(t testing.TB, data []byte) *Signers {
	t.Helper()
	s, err := ParseSigners("test", data)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The draft's own example is signed by the leaf that comes with it. Its chain is of
// version 1 and has no authorities, so that nothing follows from its root.
func TestDraftExample(t *testing.T) {
	data := draftExample(t)
	chain := chainOf(t, data)
	leaf := signersOf(t, certificate(chain[0]))
	all, err := Verify(data, leaf, at)
	if err != nil || len(all) != 1 || all[0].Err != nil || !strings.Contains(all[0].Signer, "CN=grp.div.fakevcon.io") || all[0].Algorithm != "RS256" {
		t.Errorf("%+v, %v", all, err)
	}
	_, other := keyPair(t)
	changed := bytes.Replace(data, []byte("eyJwYXJ0aWVz"), []byte("eyJwYXJ0aWVT"), 1)
	for name, c := range map[string]struct {
		data    []byte
		signers *Signers
	}{
		"its root": {data, signersOf(t, certificate(chain[2]))}, "somebody else": {data, signersOf(t, other)}, "another payload": {changed, leaf},
	} {
		if all, err := Verify(c.data, c.signers, at); err != nil || !errors.Is(all[0].Err, ErrSignature) {
			t.Errorf("%s: %+v, %v", name, all, err)
		}
	}
}

// A chain that comes with a signature counts when it ends in a certificate that is
// trusted, at its time, and when the signature is the leaf's.
func TestChain(t *testing.T) {
	rootKey, _ := keyPair(t)
	leafKey, _ := keyPair(t)
	otherKey, _ := keyPair(t)
	issue := func(template, parent *x509.Certificate, of crypto.Signer, by crypto.Signer) []byte {
		template.SerialNumber, template.NotBefore, template.NotAfter = big.NewInt(7), at.Add(-time.Hour), at.Add(time.Hour)
		der, err := x509.CreateCertificate(rand.Reader, template, parent, of.Public(), by)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	root := &x509.Certificate{Subject: pkix.Name{CommonName: "root"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	rootDER := issue(root, root, rootKey, rootKey)
	leafDER := issue(&x509.Certificate{Subject: pkix.Name{CommonName: "leaf"}}, root, leafKey, rootKey)
	signed := func(key crypto.Signer) []byte {
		options := (&jose.SignerOptions{}).WithHeader("x5c", []string{base64.StdEncoding.EncodeToString(leafDER)})
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, options)
		if err != nil {
			t.Fatal(err)
		}
		o, err := signer.Sign([]byte("{}"))
		if err != nil {
			t.Fatal(err)
		}
		return []byte(o.FullSerialize())
	}
	trusted := signersOf(t, certificate(rootDER))
	if all, err := Verify(signed(leafKey), trusted, at); err != nil || all[0].Err != nil || all[0].Signer != "CN=leaf" {
		t.Errorf("%+v, %v", all, err)
	}
	_, other := keyPair(t)
	for name, c := range map[string]struct {
		data    []byte
		signers *Signers
		now     time.Time
	}{
		"another root":          {signed(leafKey), signersOf(t, other), at},
		"another's certificate": {signed(otherKey), trusted, at},
		"after its end":         {signed(leafKey), trusted, at.Add(2 * time.Hour)},
	} {
		if all, err := Verify(c.data, c.signers, c.now); err != nil || !errors.Is(all[0].Err, ErrSignature) {
			t.Errorf("%s: %+v, %v", name, all, err)
		}
	}
}

func keyPair(t testing.TB) (crypto.Signer, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key, publicPEM(t, key.Public())
}

func publicPEM(t testing.TB, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// sign makes a JWS in JSON, of these keys.
func sign(t testing.TB, keys ...jose.SigningKey) string {
	t.Helper()
	signer, err := jose.NewMultiSigner(keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	o, err := signer.Sign([]byte(`{"vcon":"0.4.0"}`))
	if err != nil {
		t.Fatal(err)
	}
	return o.FullSerialize()
}

// Each signature has its own verdict, in both serializations.
func TestVerdicts(t *testing.T) {
	alice, alicePEM := keyPair(t)
	bob, _ := keyPair(t)
	public, carol, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	known := signersOf(t, append(alicePEM, publicPEM(t, public)...))
	a, b := jose.SigningKey{Algorithm: jose.ES256, Key: alice}, jose.SigningKey{Algorithm: jose.ES256, Key: bob}
	c := jose.SigningKey{Algorithm: jose.EdDSA, Key: carol}
	for name, want := range map[string]struct {
		text string
		good []bool
	}{
		"flattened":      {sign(t, a), []bool{true}},
		"unknown":        {sign(t, b), []bool{false}},
		"three":          {sign(t, b, a, c), []bool{false, true, true}},
		"twice the same": {sign(t, a, a), []bool{true, true}},
		"another's":      {strings.Replace(sign(t, a), `"payload":"`, `"payload":"AA`, 1), []bool{false}},
		"none":           {`{"payload":"e30","protected":"` + base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + `","signature":""}`, []bool{false}},
		"an HMAC":        {sign(t, jose.SigningKey{Algorithm: jose.HS256, Key: alicePEM}), []bool{false}},
	} {
		all, err := Verify([]byte(want.text), known, at)
		if err != nil || len(all) != len(want.good) {
			t.Errorf("%s: %+v, %v", name, all, err)
			continue
		}
		for i, v := range all {
			if (v.Err == nil) != want.good[i] || (v.Signer != "") != want.good[i] || v.Err != nil && !errors.Is(v.Err, ErrSignature) {
				t.Errorf("%s: signature %d: %+v", name, i, v)
			}
		}
	}
}

func TestForms(t *testing.T) {
	alice, alicePEM := keyPair(t)
	s := signersOf(t, alicePEM)
	flat := sign(t, jose.SigningKey{Algorithm: jose.ES256, Key: alice})
	many := `{"payload":"e30","signatures":[` + strings.Repeat(`{"signature":"AA"},`, MaxSignatures) + `{"signature":"AA"}]}`
	for name, text := range map[string]string{
		"empty": "", "a vCon": `{"vcon":"0.4.0","parties":[]}`, "no signatures": `{"payload":"e30","signatures":[]}`,
		"both": strings.Replace(flat, "{", `{"signatures":[{}],`, 1), "too many": many, "twice": strings.Replace(flat, "{", `{"payload":"e30",`, 1),
	} {
		if all, err := Verify([]byte(text), s, at); !errors.Is(err, ErrForm) {
			t.Errorf("%s: %+v, %v", name, all, err)
		}
	}
	if all, err := Verify([]byte(strings.Replace(many, `{"signature":"AA"},`, "", 1)), s, at); err != nil || len(all) != MaxSignatures {
		t.Errorf("%d signatures: %v", len(all), err)
	}
	for name, data := range map[string][]byte{
		"empty": nil, "words": []byte("words"), "a secret": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")}),
		"broken": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("x")}), "too many": bytes.Repeat(alicePEM, MaxSigners+1),
	} {
		if _, err := ParseSigners(name, data); !errors.Is(err, ErrSigners) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ParseSigners("most", bytes.Repeat(alicePEM, MaxSigners)); err != nil {
		t.Error(err)
	}
}

// FuzzVerify: nothing that is not signed by the one key is taken for it.
func FuzzVerify(f *testing.F) {
	alice, alicePEM := keyPair(f)
	bob, _ := keyPair(f)
	s := signersOf(f, alicePEM)
	good := sign(f, jose.SigningKey{Algorithm: jose.ES256, Key: alice})
	f.Add([]byte(good))
	f.Add([]byte(sign(f, jose.SigningKey{Algorithm: jose.ES256, Key: bob}, jose.SigningKey{Algorithm: jose.ES256, Key: alice})))
	f.Add(draftExample(f))
	const payload = `{"vcon":"0.4.0"}`
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := Verify(data, s, at)
		if err != nil {
			return
		}
		for _, v := range all {
			if v.Err == nil && !bytes.Contains(data, []byte(base64.RawURLEncoding.EncodeToString([]byte(payload)))) {
				t.Error("a payload that nobody signed")
			}
		}
	})
}
