package reference

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// Identities are section "Identities": the text forms, what is signed, and the signature.
func TestIdentities(t *testing.T) {
	var all []struct{ Purpose, Secret, Identity, TH1, Enc, Signed, Hash, Signature string }
	text, err := os.ReadFile("../../testdata/vectors/pairing/identity.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &all); err != nil || len(all) == 0 {
		t.Fatal(err, len(all))
	}
	bin := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	labelled := func(label string, parts ...[]byte) []byte {
		sum := sha256.Sum256(bytes.Join(append([][]byte{[]byte("vcon-transfer/1 " + label + "\x00")}, parts...), nil))
		return sum[:]
	}
	checked := func(text, prefix, label string) []byte {
		b, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.TrimPrefix(text, prefix))
		if err != nil || !strings.HasPrefix(text, prefix) || len(b) != 35 || !bytes.Equal(b[32:], labelled(label, b[:32])[:3]) {
			t.Fatalf("text form %s: %v", text, err)
		}
		return b[:32]
	}
	for i, v := range all {
		seed := checked(v.Secret, "VCT-SECRET-IDENTITY-", "identity key check")
		public := checked(v.Identity, "VCT-IDENTITY-", "identity check")
		key := ed25519.NewKeyFromSeed(seed)
		if !bytes.Equal(key.Public().(ed25519.PublicKey), public) {
			t.Errorf("vector %d: the identity is of another key", i)
		}
		hash := labelled("receiver identity", bin(v.Signed))
		if v.Purpose == "sender" {
			enc := bin(v.Enc)
			hash = labelled("sender identity", bin(v.TH1), binary.BigEndian.AppendUint32(nil, uint32(len(enc))), enc, bin(v.Signed))
		}
		if !bytes.Equal(hash, bin(v.Hash)) {
			t.Errorf("vector %d: hash %x, want %s", i, hash, v.Hash)
		}
		message := append([]byte("vcon-transfer/1 "+v.Purpose+"\x00"), hash...)
		if !bytes.Equal(ed25519.Sign(key, message), bin(v.Signature)) {
			t.Errorf("vector %d: another signature", i)
		}
	}
}
