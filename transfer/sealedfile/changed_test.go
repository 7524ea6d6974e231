package sealedfile

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/hpke"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// A switching file is another one when it is read again.
type switching struct {
	*bytes.Reader
	next []byte
}

func (s *switching) Seek(offset int64, whence int) (int64, error) {
	if s.next != nil && s.Reader.Len() == 0 {
		s.Reader, s.next = bytes.NewReader(s.next), nil
	}
	return s.Reader.Seek(offset, whence)
}

// The file is exchanged after it was verified, for one that authenticates: by another
// of the sharer's, or by one of a recipient's. Nothing of it is staged.
func TestExchanged(t *testing.T) {
	key, sharer := keyFor(t, hpke.SuiteXWing), identity(t)
	f := forgery{v: conversation(30, 1), recipients: publics(key), sharer: sharer, ends: sharer}
	first := f.make(t)
	f.v.Dialog[3].Body.Data = []byte("another text")
	other := f.make(t)
	f.ends = identity(t)
	for name, second := range map[string][]byte{"the sharer's": other, "a recipient's": f.make(t)} {
		sink := newSink(t)
		asked := false
		_, err := Open(t.Context(), &switching{bytes.NewReader(first), second}, OpenOptions{
			Keys: []*hpke.PrivateKey{key}, Trust: []pairing.Identity{sharer.Identity()}, Sink: sink,
			Consent: func(context.Context, *Claim) error { asked = true; return nil },
		})
		if transfer.CodeOf(err) != wire.CodeVerification || sink.committed > 0 || !asked {
			t.Errorf("%s: %v, asked %v", name, err, asked)
		}
		for _, text := range sink.stagedTexts {
			if text == "another text" {
				t.Errorf("%s: staged", name)
			}
		}
	}
	sink := newSink(t)
	r, err := Open(t.Context(), &switching{bytes.NewReader(first), nil}, OpenOptions{Keys: []*hpke.PrivateKey{key}, Sink: sink})
	if err != nil || r.Ledger.Imported != 30 {
		t.Error(r, err)
	}
}

var _ io.ReadSeeker = &switching{}
