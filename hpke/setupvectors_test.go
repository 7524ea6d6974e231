package hpke

import (
	"bytes"
	"io"
	"testing"
)

// setupVectors is testdata/vectors/hpke/setup.json: our suites in PSK and base
// mode as the protocol uses them, and the helpers of the key schedule.
type setupVectors struct {
	Setups  []setupVector  `json:"setups"`
	Expands []expandVector `json:"expands"`
	Hashes  []hashVector   `json:"hashes"`
}

type setupVector struct {
	Suite    byte     `json:"suite"`
	IkmR     hexBytes `json:"ikmR"`
	SkR      hexBytes `json:"skR"`
	PkR      hexBytes `json:"pkR"`
	IkmE     hexBytes `json:"ikmE"`
	Info     hexBytes `json:"info"`
	PSK      hexBytes `json:"psk"`
	PSKID    hexBytes `json:"psk_id"`
	Enc      hexBytes `json:"enc"`
	AAD      hexBytes `json:"aad"`
	Plain    hexBytes `json:"plain"`
	Sealed   hexBytes `json:"sealed"`
	Context  hexBytes `json:"exporter_context"`
	Exported hexBytes `json:"exported"`
}

type expandVector struct {
	Salt    hexBytes `json:"salt"`
	IKM     hexBytes `json:"ikm"`
	Secret  hexBytes `json:"secret"`
	Label   string   `json:"label"`
	Context hexBytes `json:"context"`
	Out     hexBytes `json:"out"`
}

type hashVector struct {
	Label string     `json:"label"`
	Parts []hexBytes `json:"parts"`
	Hash  hexBytes   `json:"hash"`
}

func buildSetupVectors(t *testing.T) *setupVectors {
	t.Helper()
	v := new(setupVectors)
	random := seeded(9)
	take := func(n int) []byte {
		b := make([]byte, n)
		_, err := io.ReadFull(random, b)
		check(t, err)
		return b
	}
	prk := Extract(Label("pair"), take(32))
	for _, s := range suites() {
		for _, mode := range []string{"psk", "base"} {
			x := setupVector{Suite: byte(s), IkmR: take(32), IkmE: take(32), AAD: []byte("aad"), Plain: []byte("plain text")}
			if s == SuiteXWing {
				x.IkmE = take(64)
			}
			th1 := Hash("th1", take(10))
			x.Info = append(append(Label("hpke"), 0), th1[:]...)
			sk, err := DeriveKeyPair(s, x.IkmR)
			check(t, err)
			x.SkR, err = sk.Bytes()
			check(t, err)
			x.PkR = sk.Public().Bytes()
			var sender *Sender
			if mode == "psk" {
				x.PSK, x.PSKID = prk.Expand("psk", nil, 32), Label("pair")
				x.Enc, sender, err = SetupPSKSWithRand(bytes.NewReader(x.IkmE), sk.Public(), x.Info, x.PSK, x.PSKID)
			} else {
				x.PSK, x.PSKID = hexBytes{}, hexBytes{}
				x.Enc, sender, err = SetupBaseSWithRand(bytes.NewReader(x.IkmE), sk.Public(), x.Info)
			}
			check(t, err)
			x.Sealed, err = sender.Seal(nil, x.AAD, x.Plain)
			check(t, err)
			x.Context = Label("session")
			x.Exported = sender.Export(x.Context, 32)
			v.Setups = append(v.Setups, x)
		}
	}
	for _, c := range []struct {
		label string
		ctx   int
		n     int
	}{{"psk", 0, 32}, {"bundle", 64, 32}, {"mdns", 0, 16}, {"check code", 0, 8}, {"data", 0, 100}} {
		x := expandVector{Salt: Label("pair"), IKM: take(32), Label: c.label, Context: take(c.ctx)}
		s := Extract(x.Salt, x.IKM)
		x.Secret = s[:]
		x.Out = s.Expand(x.Label, x.Context, c.n)
		v.Expands = append(v.Expands, x)
	}
	for _, parts := range [][]hexBytes{{}, {{}}, {hexBytes("a"), hexBytes("bc")}, {AppendPrefixed(nil, []byte("enc")), take(32)}} {
		x := hashVector{Label: "th1", Parts: parts}
		x.Hash = x.sum()
		v.Hashes = append(v.Hashes, x)
	}
	return v
}

func (x *hashVector) sum() []byte {
	parts := make([][]byte, len(x.Parts))
	for i, p := range x.Parts {
		parts[i] = p
	}
	h := Hash(x.Label, parts...)
	return h[:]
}

// TestSetupVectors opens the file's messages with this package and with the
// test's own HPKE.
func TestSetupVectors(t *testing.T) {
	v := updated(t, "vectors/hpke/setup.json", buildSetupVectors(t))
	for _, x := range v.Setups {
		s, err := ParseSuite(x.Suite)
		check(t, err)
		sk, err := ParsePrivateKey(s, x.SkR)
		check(t, err)
		equal(t, "public key", sk.Public().Bytes(), x.PkR)
		mode := byte(0)
		var r *Recipient
		if len(x.PSK) > 0 {
			mode = 1
			r, err = SetupPSKR(sk, x.Enc, x.Info, x.PSK, x.PSKID)
		} else {
			r, err = SetupBaseR(sk, x.Enc, x.Info)
		}
		check(t, err)
		pt, err := r.Open(nil, x.AAD, x.Sealed)
		check(t, err)
		equal(t, "plaintext", pt, x.Plain)
		equal(t, "export", r.Export(x.Context, len(x.Exported)), x.Exported)

		kem, kdf, aead := s.IDs()
		ref := reference{kem, kdf, aead}
		c := ref.schedule(mode, ref.decap(t, x.SkR, x.Enc), x.Info, x.PSK, x.PSKID)
		equal(t, "plaintext of the reference", c.open(t, x.AAD, x.Sealed), x.Plain)
		equal(t, "export of the reference", c.export(x.Context, len(x.Exported)), x.Exported)
	}
	for _, x := range v.Expands {
		s := Extract(x.Salt, x.IKM)
		equal(t, "secret", s[:], x.Secret)
		equal(t, "out", s.Expand(x.Label, x.Context, len(x.Out)), x.Out)
	}
	for _, x := range v.Hashes {
		equal(t, "hash", x.sum(), x.Hash)
	}
	if len(v.Setups) != 4 || len(v.Expands) == 0 || len(v.Hashes) == 0 {
		t.Errorf("%d setups, %d expands, %d hashes", len(v.Setups), len(v.Expands), len(v.Hashes))
	}
}
