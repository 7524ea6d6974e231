package hpke

import (
	"bytes"
	"io"
	"testing"
)

func TestRoundTrip(t *testing.T) {
	for _, s := range []Suite{SuiteXWing, SuiteX25519} {
		sk, err := GenerateKey(s, nil)
		if err != nil {
			t.Fatal(err)
		}
		psk := Hash("psk")
		enc, snd, err := SetupPSKS(sk.Public(), Label("info"), psk[:], Label("id"))
		if err != nil {
			t.Fatal(err)
		}
		rcp, err := SetupPSKR(sk, enc, Label("info"), psk[:], Label("id"))
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			ct, err := snd.Seal(nil, []byte("aad"), []byte("pt"))
			if err != nil {
				t.Fatal(err)
			}
			pt, err := rcp.Open(nil, []byte("aad"), ct)
			if err != nil || string(pt) != "pt" {
				t.Fatal(err, pt)
			}
		}
		key := snd.Export([]byte("x"), s.KeySize())
		if !bytes.Equal(key, rcp.Export([]byte("x"), s.KeySize())) {
			t.Fatal("exports differ")
		}
		for _, n := range []int{0, 1, MaxChunk, MaxChunk + 1, 3 * MaxChunk} {
			var b bytes.Buffer
			w, err := NewWriter(&b, s, key)
			if err != nil {
				t.Fatal(err)
			}
			want := bytes.Repeat([]byte{7}, n)
			if _, err := w.Write(want); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			r, err := NewReader(&b, s, key)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r)
			if err != nil || !bytes.Equal(got, want) {
				t.Fatal(n, err)
			}
		}
	}
}
