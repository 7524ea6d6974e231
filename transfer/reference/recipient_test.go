package reference

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// Section "Share", "Recipient keys and requests": one key in all its forms.
func TestRecipientVectors(t *testing.T) {
	var all []struct{ Suite, Public, Secret, Request, Bundle, Signer string }
	load(t, "pairing/recipient.json", &all)
	if len(all) != 2 {
		t.Fatalf("%d vectors", len(all))
	}
	for i, v := range all {
		suiteByte, public, ok := readRecipient(v.Public)
		again, secret, fine := readRecipientKey(v.Secret)
		if !ok || !fine || suiteByte != again || v.Suite != map[uint64]string{1: "xwing", 2: "x25519"}[suiteByte] {
			t.Fatalf("vector %d: suites %d and %d", i, suiteByte, again)
		}
		s, _ := suiteOf(suiteByte)
		if !bytes.Equal(s.public(t, secret), public) {
			t.Errorf("vector %d: the public key is another one's", i)
		}
		b, ok := readRequest(v.Request)
		if !ok || !bytes.Equal(b.publicKey, public) || b.suiteByte != suiteByte || b.label != "new phone" {
			t.Errorf("vector %d: request %+v", i, b)
		}
		if raw, ok := readText(v.Request, "VCT-REQUEST-", "request check"); !ok || hex.EncodeToString(raw) != v.Bundle {
			t.Errorf("vector %d: another bundle", i)
		}
	}
}
