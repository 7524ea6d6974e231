package pairing

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/hpke"
)

// A recipientVector is a recipient's key in its forms, and a request for it.
type recipientVector struct {
	Suite   string `json:"suite"`
	Public  string `json:"public"` // text form, as those below
	Secret  string `json:"secret"`
	Request string `json:"request"`
	Bundle  string `json:"bundle"` // of the request, hexadecimal
	Signer  string `json:"signer"` // of the request; "" for nobody
}

func TestRecipientVectors(t *testing.T) {
	var got []recipientVector
	for n, suite := range []hpke.Suite{hpke.SuiteXWing, hpke.SuiteX25519} {
		o := ReceiverOptions{Suite: suite, Label: "new phone", Rand: bytes.NewReader(bytes.Repeat([]byte{byte(n + 1)}, 1<<10))}
		signer := ""
		if suite == hpke.SuiteXWing {
			o.Signer = attestKey(t, 1)
			signer = o.Signer.Identity().Text()
		} else {
			o.Intent, o.Room = CatchUp, "mimi://example.com/r/engineering_team"
		}
		b, key, err := NewRequest(o)
		if err != nil {
			t.Fatal(err)
		}
		secret, err := RecipientKeyText(key)
		if err != nil {
			t.Fatal(err)
		}
		request, err := b.RequestText()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := b.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, recipientVector{suite.String(), RecipientText(key.Public()), secret, request, hex.EncodeToString(raw), signer})
	}
	want := vectors(t, "recipient.json", got)
	for i := range got {
		if len(want) != len(got) || got[i] != want[i] {
			t.Errorf("made %+v, want %+v", got[i], want[i])
		}
	}
}
