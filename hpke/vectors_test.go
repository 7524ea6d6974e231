package hpke

import (
	"bytes"
	"fmt"
	"testing"

	circl "github.com/cloudflare/circl/hpke"
)

// vector is one of RFC 9180's, or of draft-ietf-hpke-pq's.
type vector struct {
	Mode         byte     `json:"mode"`
	KEM          uint16   `json:"kem_id"`
	KDF          uint16   `json:"kdf_id"`
	AEAD         uint16   `json:"aead_id"`
	Info         hexBytes `json:"info"`
	IkmR         hexBytes `json:"ikmR"`
	IkmE         hexBytes `json:"ikmE"`
	SkRm         hexBytes `json:"skRm"`
	PkRm         hexBytes `json:"pkRm"`
	PSK          hexBytes `json:"psk"`
	PSKID        hexBytes `json:"psk_id"`
	Enc          hexBytes `json:"enc"`
	SharedSecret hexBytes `json:"shared_secret"`
	Secret       hexBytes `json:"secret"`
	Key          hexBytes `json:"key"`
	BaseNonce    hexBytes `json:"base_nonce"`
	Exporter     hexBytes `json:"exporter_secret"`
	Encryptions  []struct {
		AAD hexBytes `json:"aad"`
		CT  hexBytes `json:"ct"`
		PT  hexBytes `json:"pt"`
	} `json:"encryptions"`
	Exports []struct {
		Context hexBytes `json:"exporter_context"`
		L       int      `json:"L"`
		Value   hexBytes `json:"exported_value"`
	} `json:"exports"`
}

const exportOnly = 0xffff

func (v *vector) name() string {
	return fmt.Sprintf("mode=%d,kem=%#x,kdf=%#x,aead=%#x", v.Mode, v.KEM, v.KDF, v.AEAD)
}

// suite gives our suite with the vector's KEM.
func (v *vector) suite() (Suite, bool) {
	for _, s := range suites() {
		if kem, _, _ := s.IDs(); kem == v.KEM {
			return s, true
		}
	}
	return 0, false
}

// TestRFC9180 runs every base and PSK vector with a KEM of ours, also those whose
// KDF and AEAD no suite of ours has.
func TestRFC9180(t *testing.T) {
	var vectors []vector
	readJSON(t, "vectors/hpke/rfc9180-full.json.gz", &vectors)
	ran := map[byte]int{}
	for _, v := range vectors {
		s, ours := v.suite()
		if !ours || v.Mode > 1 {
			continue
		}
		ran[v.Mode]++
		t.Run(v.name(), func(t *testing.T) {
			v.checkReference(t)
			v.checkKeys(t, s)
			if v.AEAD != exportOnly {
				v.checkContexts(t, s)
			} else if circl.AEAD(v.AEAD).IsValid() {
				t.Error("export-only contexts are possible")
			}
		})
	}
	if ran[0] != 8 || ran[1] != 8 {
		t.Fatalf("ran %v vectors by mode, want 8 of each", ran)
	}
}

// TestHPKEPQ runs the X-Wing vectors of draft-ietf-hpke-pq, upstream's and Go's.
// Of those with a KDF that is no suite's (SHAKE), it runs the KEM.
func TestHPKEPQ(t *testing.T) {
	for _, file := range []string{"hpke-pq-draft", "hpke-pq-go-std"} {
		var vectors []vector
		readJSON(t, "vectors/hpke/"+file+".json.gz", &vectors)
		whole, kemOnly := 0, 0
		for _, v := range vectors {
			s, ours := v.suite()
			if !ours {
				continue
			}
			t.Run(file+"/"+v.name(), func(t *testing.T) {
				v.checkKeys(t, s)
				equal(t, "shared secret", reference{kem: v.KEM}.decap(t, v.SkRm, v.Enc), v.SharedSecret)
				scheme := circl.KEM(v.KEM).Scheme()
				pk, err := ParsePublicKey(s, v.PkRm)
				check(t, err)
				enc, shared, err := scheme.EncapsulateDeterministically(pk.key, v.IkmE)
				check(t, err)
				equal(t, "enc", enc, v.Enc)
				equal(t, "shared secret", shared, v.SharedSecret)
				if _, kdf, aead := s.IDs(); kdf == v.KDF && aead == v.AEAD {
					whole++
					v.checkReference(t)
					v.checkContexts(t, s)
				} else {
					kemOnly++
				}
			})
		}
		if whole != 1 || kemOnly != 2 {
			t.Fatalf("%s: ran %d whole and %d KEM vectors, want 1 and 2", file, whole, kemOnly)
		}
	}
}

// TestXWing runs the draft's own vectors on keys and encapsulation.
func TestXWing(t *testing.T) {
	var vectors []struct{ Seed, Eseed, SS, SK, PK, CT hexBytes }
	readJSON(t, "vectors/hpke/xwing.json", &vectors)
	if len(vectors) != 3 {
		t.Fatalf("%d vectors, want 3", len(vectors))
	}
	for _, v := range vectors {
		sk, err := ParsePrivateKey(SuiteXWing, v.SK)
		check(t, err)
		equal(t, "public key", sk.Public().Bytes(), v.PK)
		enc, sender, err := SetupBaseSWithRand(bytes.NewReader(v.Eseed), sk.Public(), nil)
		check(t, err)
		equal(t, "enc", enc, v.CT)
		want := reference{0x647a, 1, 3}.schedule(0, v.SS, nil, nil, nil)
		equal(t, "export", sender.Export([]byte("x"), 40), want.export([]byte("x"), 40))
		recipient, err := SetupBaseR(sk, v.CT, nil)
		check(t, err)
		equal(t, "export", recipient.Export([]byte("x"), 40), want.export([]byte("x"), 40))
	}
}

// checkKeys compares derived and parsed keys.
func (v *vector) checkKeys(t *testing.T, s Suite) {
	t.Helper()
	derived, err := DeriveKeyPair(s, v.IkmR)
	check(t, err)
	raw, err := derived.Bytes()
	check(t, err)
	equal(t, "derived private key", raw, v.SkRm)
	equal(t, "derived public key", derived.Public().Bytes(), v.PkRm)
	pk, err := ParsePublicKey(s, v.PkRm)
	check(t, err)
	if !pk.Equal(derived.Public()) {
		t.Error("parsed and derived public keys differ")
	}
}

// checkReference runs the vector on the test's own HPKE.
func (v *vector) checkReference(t *testing.T) {
	t.Helper()
	r := reference{v.KEM, v.KDF, v.AEAD}
	shared := r.decap(t, v.SkRm, v.Enc)
	equal(t, "shared secret", shared, v.SharedSecret)
	c := r.schedule(v.Mode, shared, v.Info, v.PSK, v.PSKID)
	if len(v.Secret) > 0 {
		equal(t, "secret", c.secret, v.Secret)
	}
	equal(t, "key", c.key, v.Key)
	equal(t, "base nonce", c.baseNonce, v.BaseNonce)
	equal(t, "exporter secret", c.exporter, v.Exporter)
	for _, e := range v.Exports {
		equal(t, "export", c.export(e.Context, e.L), e.Value)
	}
}

// checkContexts runs the vector through both ends of this package.
func (v *vector) checkContexts(t *testing.T, s Suite) {
	t.Helper()
	alg := algorithms{circl.KEM(v.KEM), circl.KDF(v.KDF), circl.AEAD(v.AEAD)}
	pk, err := ParsePublicKey(s, v.PkRm)
	check(t, err)
	sk, err := ParsePrivateKey(s, v.SkRm)
	check(t, err)
	pk.alg, sk.alg = alg, alg
	var enc []byte
	var sender *Sender
	var recipient *Recipient
	if v.Mode == 0 {
		enc, sender, err = SetupBaseSWithRand(bytes.NewReader(v.IkmE), pk, v.Info)
		check(t, err)
		recipient, err = SetupBaseR(sk, v.Enc, v.Info)
	} else {
		enc, sender, err = SetupPSKSWithRand(bytes.NewReader(v.IkmE), pk, v.Info, v.PSK, v.PSKID)
		check(t, err)
		recipient, err = SetupPSKR(sk, v.Enc, v.Info, v.PSK, v.PSKID)
	}
	check(t, err)
	equal(t, "enc", enc, v.Enc)
	if len(v.Encryptions) == 0 || len(v.Exports) == 0 {
		t.Fatal("vector without encryptions or exports")
	}
	for _, e := range v.Encryptions {
		ct, err := sender.Seal(nil, e.AAD, e.PT)
		check(t, err)
		equal(t, "ciphertext", ct, e.CT)
		pt, err := recipient.Open(nil, e.AAD, e.CT)
		check(t, err)
		equal(t, "plaintext", pt, e.PT)
	}
	for _, e := range v.Exports {
		equal(t, "sender's export", sender.Export(e.Context, e.L), e.Value)
		equal(t, "recipient's export", recipient.Export(e.Context, e.L), e.Value)
	}
}
