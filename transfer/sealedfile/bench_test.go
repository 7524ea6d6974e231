package sealedfile

import (
	"bytes"
	"io"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/hpke"
)

// What sealing, and verifying, costs a byte of attachments.
func BenchmarkSeal(b *testing.B) {
	source, to := sourceOf(b, conversation(200, 100)), publics(keyFor(b, hpke.SuiteXWing))
	b.ReportAllocs()
	for b.Loop() {
		r, err := Seal(b.Context(), io.Discard, SealOptions{Source: source, Recipients: to})
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(r.Head.Bytes))
	}
}

func BenchmarkVerify(b *testing.B) {
	key := keyFor(b, hpke.SuiteXWing)
	file, _ := seal(b, SealOptions{Source: sourceOf(b, conversation(200, 100)), Recipients: publics(key)})
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Open(b.Context(), bytes.NewReader(file), OpenOptions{Keys: []*hpke.PrivateKey{key}}); err != nil {
			b.Fatal(err)
		}
	}
}
