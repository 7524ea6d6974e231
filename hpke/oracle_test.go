package hpke

import (
	stdhpke "crypto/hpke"
	"fmt"
	"testing"
)

// stdKEM gives crypto/hpke's algorithms for a suite.
func stdSuite(t *testing.T, s Suite) (stdhpke.KEM, stdhpke.KDF, stdhpke.AEAD) {
	t.Helper()
	kemID, kdfID, aeadID := s.IDs()
	kem, err := stdhpke.NewKEM(kemID)
	check(t, err)
	kdf, err := stdhpke.NewKDF(kdfID)
	check(t, err)
	aead, err := stdhpke.NewAEAD(aeadID)
	check(t, err)
	return kem, kdf, aead
}

// TestAgainstStandardLibrary seals with one implementation and opens with the
// other, in base mode, both ways.
func TestAgainstStandardLibrary(t *testing.T) {
	for _, s := range suites() {
		t.Run(s.String(), func(t *testing.T) {
			kem, kdf, aead := stdSuite(t, s)
			info := []byte("info of both")

			ours := newKey(t, s)
			theirView, err := kem.NewPublicKey(ours.Public().Bytes())
			check(t, err)
			enc, stdSender, err := stdhpke.NewSender(theirView, kdf, aead, info)
			check(t, err)
			recipient, err := SetupBaseR(ours, enc, info)
			check(t, err)

			theirs, err := kem.GenerateKey()
			check(t, err)
			ourView, err := ParsePublicKey(s, theirs.PublicKey().Bytes())
			check(t, err)
			enc, sender, err := SetupBaseS(ourView, info)
			check(t, err)
			stdRecipient, err := stdhpke.NewRecipient(enc, theirs, kdf, aead, info)
			check(t, err)

			for i := range 300 { // past the second byte of the sequence number
				aad, want := fmt.Append(nil, "aad ", i), make([]byte, i)
				ct, err := stdSender.Seal(aad, want)
				check(t, err)
				pt, err := recipient.Open(nil, aad, ct)
				check(t, err)
				equal(t, "theirs to ours", pt, want)
				ct, err = sender.Seal(nil, aad, want)
				check(t, err)
				pt, err = stdRecipient.Open(aad, ct)
				check(t, err)
				equal(t, "ours to theirs", pt, want)
			}
			for _, n := range []int{1, 32, 33, MaxDerived} {
				want, err := stdSender.Export("context", n)
				check(t, err)
				equal(t, "export of recipient", recipient.Export([]byte("context"), n), want)
				want, err = stdRecipient.Export("context", n)
				check(t, err)
				equal(t, "export of sender", sender.Export([]byte("context"), n), want)
			}
		})
	}
}

// TestPSKAgainstReference does the same in PSK mode, which crypto/hpke lacks.
func TestPSKAgainstReference(t *testing.T) {
	for _, s := range suites() {
		t.Run(s.String(), func(t *testing.T) {
			kem, kdf, aead := s.IDs()
			ref := reference{kem, kdf, aead}
			psk, id, info := make([]byte, MinPSK), []byte("id"), []byte("info")
			psk[0] = 1
			sk := newKey(t, s)
			raw, err := sk.Bytes()
			check(t, err)

			enc, sender, err := SetupPSKS(sk.Public(), info, psk, id)
			check(t, err)
			refRecipient := ref.schedule(1, ref.decap(t, raw, enc), info, psk, id)

			shared, enc := ref.encap(t, sk.Public().Bytes())
			refSender := ref.schedule(1, shared, info, psk, id)
			recipient, err := SetupPSKR(sk, enc, info, psk, id)
			check(t, err)

			for i := range 300 {
				aad, want := fmt.Append(nil, "aad ", i), make([]byte, i)
				ct, err := sender.Seal(nil, aad, want)
				check(t, err)
				equal(t, "ours to reference", refRecipient.open(t, aad, ct), want)
				pt, err := recipient.Open(nil, aad, refSender.seal(t, aad, want))
				check(t, err)
				equal(t, "reference to ours", pt, want)
			}
			equal(t, "export of sender", sender.Export(id, 77), refRecipient.export(id, 77))
			equal(t, "export of recipient", recipient.Export(id, 77), refSender.export(id, 77))
		})
	}
}
