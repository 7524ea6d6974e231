package pairing

import (
	"encoding/hex"
	"testing"
)

// An identityVector is one signature of a handshake, with all that it is over.
type identityVector struct {
	Purpose   string `json:"purpose"`
	Secret    string `json:"secret"`   // text form of the key
	Identity  string `json:"identity"` // text form
	TH1       string `json:"th1,omitempty"`
	Enc       string `json:"enc,omitempty"`
	Signed    string `json:"signed"` // the bundle or the summary, without what the table leaves out
	Hash      string `json:"hash"`
	Signature string `json:"signature"`
}

func TestIdentityVectors(t *testing.T) {
	rk, sk := newKey(t, "vector receiver"), newKey(t, "vector sender")
	r := newReceiver(t, ReceiverOptions{Signer: rk, Label: "new phone", Rand: &stream{seed: "vector R"}})
	s := newSender(t, r.Offer(), SenderOptions{Signer: sk, Rand: &stream{seed: "vector S"}})
	h := shake(t, r, s)
	bare, err := h.bundle.bare()
	if err != nil {
		t.Fatal(err)
	}
	unsigned := *h.summary
	unsigned.Signature = nil
	rest, err := unsigned.marshal()
	if err != nil {
		t.Fatal(err)
	}
	enc := h.m2[:r.suite.EncSize()]
	of := func(k *IdentityKey, p Purpose, signed []byte, hash [32]byte, signature []byte) identityVector {
		return identityVector{
			Purpose: string(p), Secret: k.Text(), Identity: k.Identity().Text(), Signed: hex.EncodeToString(signed),
			Hash: hex.EncodeToString(hash[:]), Signature: hex.EncodeToString(signature),
		}
	}
	got := []identityVector{
		of(rk, PurposeReceiver, bare, receiverHash(bare), h.bundle.Identity[32:]),
		of(sk, PurposeSender, rest, senderHash(s.th1, enc, rest), h.summary.Signature),
	}
	got[1].TH1, got[1].Enc = hex.EncodeToString(s.th1[:]), hex.EncodeToString(enc)
	for i, want := range vectors(t, "identity.json", got) {
		// The expiry of an offer is of the clock, and so are th1 and what it is in.
		if i == 1 {
			got[1].TH1, got[1].Hash, got[1].Signature, got[1].Enc = want.TH1, want.Hash, want.Signature, want.Enc
		}
		if want != got[i] {
			t.Errorf("vector %d is\n%+v\nwant\n%+v", i, got[i], want)
		}
		id, err := ParseIdentity(want.Identity)
		if err != nil {
			t.Fatal(err)
		}
		signature, hash := unhex(t, want.Signature), [32]byte(unhex(t, want.Hash))
		if !id.verify(Purpose(want.Purpose), hash, signature) {
			t.Errorf("vector %d: the signature does not verify", i)
		}
		if Purpose(want.Purpose) == PurposeSender && senderHash([32]byte(unhex(t, want.TH1)), unhex(t, want.Enc), unhex(t, want.Signed)) != hash {
			t.Errorf("vector %d: another hash", i)
		}
	}
}
