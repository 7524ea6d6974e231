package pairing

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/hpke"
)

func TestRecipientText(t *testing.T) {
	for _, suite := range []hpke.Suite{hpke.SuiteXWing, hpke.SuiteX25519} {
		k, err := hpke.GenerateKey(suite, nil)
		if err != nil {
			t.Fatal(err)
		}
		public := RecipientText(k.Public())
		secret, err := RecipientKeyText(k)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseRecipient("  " + strings.ToLower(public) + "\n")
		if err != nil || !got.Equal(k.Public()) {
			t.Errorf("%v: %v", suite, err)
		}
		again, err := ParseRecipientKey(secret)
		if err != nil || !again.Public().Equal(k.Public()) {
			t.Errorf("%v: %v", suite, err)
		}
		raw, err := RawRecipient(k.Public().Bytes())
		if err != nil || !raw.Equal(k.Public()) || raw.Suite() != suite {
			t.Errorf("%v: %v", suite, err)
		}
		for name, text := range map[string]string{
			"secret": secret, "cut": public[:len(public)-1], "mistyped": public[:20] + "A" + public[21:], "nothing": "", "prefix": recipientPrefix,
			"long": public + strings.Repeat(" ", MaxRecipientText), "identity": attestKey(t, 1).Identity().Text(),
		} {
			if text == public { // the letter was an A
				continue
			}
			if _, err := ParseRecipient(text); !errors.Is(err, ErrRecipient) {
				t.Errorf("%v, %s: %v", suite, name, err)
			}
		}
		if _, err := ParseRecipientKey(public); !errors.Is(err, ErrRecipient) {
			t.Errorf("%v: a public key for a secret one: %v", suite, err)
		}
		if _, err := RawRecipient(k.Public().Bytes()[1:]); !errors.Is(err, ErrRecipient) {
			t.Errorf("%v: a byte less: %v", suite, err)
		}
		k.Erase()
		if _, err := RecipientKeyText(k); !errors.Is(err, hpke.ErrErased) {
			t.Errorf("erased: %v", err)
		}
	}
	if _, err := RawRecipient(make([]byte, 32)); !errors.Is(err, ErrRecipient) {
		t.Errorf("a point of small order: %v", err)
	}
}

func TestRequest(t *testing.T) {
	signer := attestKey(t, 1)
	b, key, err := NewRequest(ReceiverOptions{Label: "new phone", Signer: signer, Routes: []Route{{Kind: RouteUnix, Path: "/x"}}, Attestation: []byte("a")})
	if err != nil {
		t.Fatal(err)
	}
	text, err := b.RequestText()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseRequest(text)
	if err != nil {
		t.Fatal(err)
	}
	if got.Signer != signer.Identity() || got.Label != "new phone" || len(got.Routes) > 0 || string(got.Attestation) != "a" ||
		got.Suite != hpke.SuiteXWing || !bytes.Equal(got.PublicKey, key.Public().Bytes()) {
		t.Errorf("%+v", got)
	}
	if k, err := ParseRecipient(text); err != nil || !k.Equal(key.Public()) {
		t.Errorf("a request for a recipient: %v", err)
	}
	b.Label = "thief"
	if text, err = b.RequestText(); err != nil {
		t.Fatal(err)
	}
	if _, err := ParseRequest(text); !errors.Is(err, ErrIdentity) {
		t.Errorf("a label that nobody signed: %v", err)
	}
	if _, err := ParseRequest(text[:len(text)-8]); !errors.Is(err, ErrRecipient) {
		t.Errorf("cut: %v", err)
	}
	if _, _, err := NewRequest(ReceiverOptions{Label: strings.Repeat("x", MaxLabel+1)}); !errors.Is(err, ErrLimit) {
		t.Errorf("a long label: %v", err)
	}
}

// FuzzParseRecipient: what is read has one text form.
func FuzzParseRecipient(f *testing.F) {
	k, err := hpke.GenerateKey(hpke.SuiteX25519, nil)
	if err != nil {
		f.Fatal(err)
	}
	secret, err := RecipientKeyText(k)
	if err != nil {
		f.Fatal(err)
	}
	b, _, err := NewRequest(ReceiverOptions{Suite: hpke.SuiteX25519, Signer: attestKey(f, 1)})
	if err != nil {
		f.Fatal(err)
	}
	request, err := b.RequestText()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(RecipientText(k.Public()))
	f.Add(secret)
	f.Add(request)
	f.Fuzz(func(t *testing.T, text string) {
		clean := strings.ToUpper(strings.TrimSpace(text))
		if k, err := ParseRecipient(text); err == nil && strings.HasPrefix(clean, recipientPrefix) && RecipientText(k) != clean {
			t.Error("two forms of a key")
		}
		if b, err := ParseRequest(text); err == nil {
			if again, err := b.RequestText(); err != nil || again != clean {
				t.Error("two forms of a request: ", err)
			}
		}
		if k, err := ParseRecipientKey(text); err == nil {
			if again, err := RecipientKeyText(k); err != nil || again != clean {
				t.Error("two forms of a secret key: ", err)
			}
		}
	})
}
