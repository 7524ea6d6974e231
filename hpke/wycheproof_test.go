package hpke

import (
	"bytes"
	"slices"
	"testing"

	"github.com/cloudflare/circl/dh/x25519"
	"github.com/cloudflare/circl/kem/mlkem/mlkem768"
)

// wycheproof is what the four files share.
type wycheproof[T any] struct {
	TestGroups []struct {
		IVSize int `json:"ivSize"`
		Tests  []T `json:"tests"`
	} `json:"testGroups"`
}

type caseID struct {
	ID     int      `json:"tcId"`
	Result string   `json:"result"`
	Flags  []string `json:"flags"`
}

// TestWycheproofAEAD: the suites' AEAD.
func TestWycheproofAEAD(t *testing.T) {
	var file wycheproof[struct {
		caseID
		Key, IV, AAD, Msg, CT, Tag hexBytes
	}]
	readJSON(t, "wycheproof/chacha20_poly1305_test.json.gz", &file)
	ran := 0
	for _, g := range file.TestGroups {
		for _, c := range g.Tests {
			aead, err := SuiteXWing.NewAEAD(c.Key)
			check(t, err)
			if g.IVSize != 8*NonceSize {
				// Another nonce size is no input here: NonceSize is constant.
				if c.Result == "valid" || aead.NonceSize() != NonceSize {
					t.Errorf("case %d: nonce of %d bits is valid", c.ID, g.IVSize)
				}
				continue
			}
			ran++
			sealed := slices.Concat(c.CT, c.Tag)
			pt, err := aead.Open(nil, c.IV, sealed, c.AAD)
			if (err == nil) != (c.Result == "valid") {
				t.Errorf("case %d (%s): %v", c.ID, c.Result, err)
			}
			if c.Result == "valid" {
				equal(t, "plaintext", pt, c.Msg)
				equal(t, "ciphertext", aead.Seal(nil, c.IV, c.Msg, c.AAD), sealed)
			}
		}
	}
	if ran < 300 {
		t.Fatalf("ran %d cases", ran)
	}
}

// TestWycheproofHKDF: Extract and the expansion under Expand.
func TestWycheproofHKDF(t *testing.T) {
	var file wycheproof[struct {
		caseID
		IKM, Salt, Info, OKM hexBytes
		Size                 int
	}]
	readJSON(t, "wycheproof/hkdf_sha256_test.json.gz", &file)
	ran := 0
	for _, g := range file.TestGroups {
		for _, c := range g.Tests {
			ran++
			prk := Extract(c.Salt, c.IKM)
			if c.Result != "valid" {
				mustPanic(t, "length", func() { prk.expand(string(c.Info), c.Size) })
				continue
			}
			equal(t, "okm", prk.expand(string(c.Info), c.Size), c.OKM)
		}
	}
	if ran < 80 {
		t.Fatalf("ran %d cases", ran)
	}
}

// TestWycheproofX25519 runs each case on circl's X25519 and on our setups, where
// the public key comes in as a recipient's key and as enc. We are stricter where
// Wycheproof says "acceptable": low order and second encodings are refused.
func TestWycheproofX25519(t *testing.T) {
	var file wycheproof[struct {
		caseID
		Public, Private, Shared hexBytes
	}]
	readJSON(t, "wycheproof/x25519_test.json.gz", &file)
	ran, lowOrder, second := 0, 0, 0
	for _, g := range file.TestGroups {
		for _, c := range g.Tests {
			ran++
			public, private := x25519.Key(c.Public), x25519.Key(c.Private)
			zero := slices.Contains(c.Flags, "ZeroSharedSecret")
			var shared x25519.Key
			if ok := x25519.Shared(&shared, &private, &public); ok == zero {
				t.Errorf("case %d: circl took low order: %v", c.ID, ok)
			} else if ok {
				equal(t, "shared secret", shared[:], c.Shared)
			}

			refuse := zero || slices.Contains(c.Flags, "NonCanonicalPublic") || c.Public[31]&0x80 != 0
			if zero {
				lowOrder++
			} else if refuse {
				second++
			}
			if _, err := ParsePublicKey(SuiteX25519, c.Public); (err != nil) != refuse {
				t.Errorf("case %d %v: public key refused: %v", c.ID, c.Flags, err)
			}
			sk, err := ParsePrivateKey(SuiteX25519, c.Private)
			if err != nil {
				if bytes.Count(c.Private, []byte{0}) == len(c.Private) {
					continue
				}
				t.Fatalf("case %d: %v", c.ID, err)
			}
			r, err := SetupBaseR(sk, c.Public, nil)
			if (err != nil) != refuse {
				t.Errorf("case %d %v: enc refused: %v", c.ID, c.Flags, err)
			}
			if err == nil {
				want := reference{0x20, 1, 3}.schedule(0, dhShared(c.Shared, c.Public, sk.Public().Bytes()), nil, nil, nil)
				equal(t, "export", r.Export(nil, 32), want.export(nil, 32))
			}
		}
	}
	if ran < 500 || lowOrder < 20 || second < 10 {
		t.Fatalf("ran %d cases, %d low order, %d second encodings", ran, lowOrder, second)
	}
}

// TestWycheproofMLKEM runs circl's ML-KEM-768, the post-quantum half of X-Wing,
// whose own key derivation hides it from the outside of this package.
func TestWycheproofMLKEM(t *testing.T) {
	var file wycheproof[struct {
		caseID
		Seed, EK, C, K hexBytes
	}]
	readJSON(t, "wycheproof/mlkem_768_test.json.gz", &file)
	scheme := mlkem768.Scheme()
	point := newKey(t, SuiteX25519).Public().Bytes()
	ran := 0
	for _, g := range file.TestGroups {
		for _, c := range g.Tests {
			ran++
			if len(c.Seed) != mlkem768.KeySeedSize {
				if c.Result == "valid" {
					t.Errorf("case %d: valid seed of %d bytes", c.ID, len(c.Seed))
				}
				continue
			}
			pk, sk := scheme.DeriveKeyPair(c.Seed)
			ek, err := pk.MarshalBinary()
			check(t, err)
			equal(t, "encapsulation key", ek, c.EK)
			xwing, err := ParsePublicKey(SuiteXWing, slices.Concat(ek, point))
			check(t, err)
			equal(t, "X-Wing key", xwing.Bytes()[:len(ek)], ek)
			shared, err := scheme.Decapsulate(sk, c.C)
			if (err == nil) != (c.Result == "valid") {
				t.Errorf("case %d (%s): %v", c.ID, c.Result, err)
			}
			if err == nil {
				equal(t, "shared secret", shared, c.K)
			}
		}
	}
	if ran < 190 {
		t.Fatalf("ran %d cases", ran)
	}
}
