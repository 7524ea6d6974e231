package sealedfile

import (
	"bytes"
	"io"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/hpke"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// FuzzPayload gives a payload that authenticates and that a dishonest recipient wrote:
// nothing but a refusal comes of it, unless the sharer signed its end.
func FuzzPayload(f *testing.F) {
	key, sharer := keyFor(f, hpke.SuiteX25519), identity(f)
	var head *pairing.ShareHead
	var id [32]byte
	for _, v := range []int{0, 1, 5} {
		file, r := seal(f, SealOptions{Source: sourceOf(f, conversation(v, min(v, 1))), Recipients: publics(key), Classic: true, Signer: sharer})
		opened, err := hpke.OpenFile(bytes.NewReader(file), key)
		if err != nil {
			f.Fatal(err)
		}
		plain, err := io.ReadAll(opened.Payload())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(plain)
		f.Add(plain[:len(plain)/2])
		head, id = r.Head, r.ID // of the last seed, which has to be accepted
	}
	secret := bytes.Repeat([]byte{7}, hpke.SuiteX25519.KeySize())
	f.Fuzz(func(t *testing.T, plain []byte) {
		var sealed bytes.Buffer
		w, err := hpke.NewWriter(&sealed, hpke.SuiteX25519, secret)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(plain); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		r, err := hpke.NewReader(&sealed, hpke.SuiteX25519, secret)
		if err != nil {
			t.Fatal(err)
		}
		p := newPayload(r, head, id, &verifier{}, newMeter(nil, 0, 0))
		if err := p.take(t.Context()); err == nil {
			if err := p.ledger.Balanced(); err != nil || p.root.Sum() != p.end.Root {
				t.Error("accepts what does not add up: ", err)
			}
		} else if code := transfer.CodeOf(err); code != wire.CodeVerification && code != wire.CodeLimit {
			t.Errorf("%v: %v", code, err)
		}
	})
}
