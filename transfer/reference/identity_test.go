package reference

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// Identities are section "Identities": the text forms, what is signed, and the signature.
func TestIdentities(t *testing.T) {
	var all []struct{ Purpose, Secret, Identity, TH1, Enc, Signed, Hash, Signature string }
	load(t, "pairing/identity.json", &all)
	if len(all) == 0 {
		t.Fatal("no vectors")
	}
	for i, v := range all {
		seed, ok := readSeed(v.Secret)
		public, good := readIdentity(v.Identity)
		if !ok || !good {
			t.Fatalf("vector %d: text forms %s and %s", i, v.Secret, v.Identity)
		}
		if !bytes.Equal(publicIdentity(seed), public) {
			t.Errorf("vector %d: the identity is of another key", i)
		}
		signed := unhex(t, v.Signed)
		hash := labeledHash("receiver identity", signed)
		if v.Purpose == "sender" {
			hash = labeledHash("sender identity", unhex(t, v.TH1), lp(unhex(t, v.Enc)), signed)
		}
		if hex.EncodeToString(hash) != v.Hash {
			t.Errorf("vector %d: hash %x, want %s", i, hash, v.Hash)
		}
		signature := unhex(t, v.Signature)
		if !bytes.Equal(sign(seed, v.Purpose, hash), signature) || !verify(public, v.Purpose, hash, signature) {
			t.Errorf("vector %d: another signature", i)
		}
	}
}
