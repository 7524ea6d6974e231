package pairing

import (
	"encoding/hex"
	"testing"
)

// An attestationVector is an attestation with the secret key that signed it.
type attestationVector struct {
	Secret      string   `json:"secret"` // text form of the account's key
	URI         string   `json:"uri"`
	Version     uint64   `json:"version"`
	Issued      int64    `json:"issued"`
	NotAfter    int64    `json:"not_after"`
	Devices     []string `json:"devices"` // text forms
	Attestation string   `json:"attestation"`
}

func TestAttestationVector(t *testing.T) {
	a, b, err := attested(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := attestationVector{
		Secret: attestKey(t, 1).Text(), URI: a.URI, Version: a.Version,
		Issued: a.Issued.UnixMilli(), NotAfter: a.NotAfter.UnixMilli(), Attestation: hex.EncodeToString(b),
	}
	for _, d := range a.Devices {
		got.Devices = append(got.Devices, d.Text())
	}
	for _, want := range vectors(t, "attestation.json", []attestationVector{got}) {
		read, err := ParseAttestation(unhex(t, want.Attestation))
		if err != nil {
			t.Fatal(err)
		}
		if got.Attestation != want.Attestation || read.URI != want.URI || read.Version != want.Version || len(read.Devices) != len(want.Devices) {
			t.Errorf("made %+v, want %+v", got, want)
		}
	}
}
