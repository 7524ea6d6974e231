package pairing

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/hpke"
)

func TestEarlyErrors(t *testing.T) {
	r := newReceiver(t, ReceiverOptions{})
	s := newSender(t, r.Offer(), SenderOptions{})
	before := s.SealError(7, "before M1")
	m1, conn, err := r.Hello(s.Hello())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.OpenBundle(m1); err != nil {
		t.Fatal(err)
	}
	after := s.SealError(8, "after M1 \x1b[31m"+strings.Repeat("é", 300))
	for _, sealed := range [][]byte{before, after} {
		e, err := conn.OpenError(sealed)
		if err != nil {
			t.Fatal(err)
		}
		if len(e.Text) > MaxErrorText || strings.Contains(e.Text, "\x1b") || strings.Contains(e.Error(), e.Text) {
			t.Errorf("text of the peer: %q in %v", e.Text, e)
		}
		if len(sealed) > MaxErrorMessage {
			t.Errorf("early error of %d bytes", len(sealed))
		}
		// Not the words of the other side.
		_, err = s.OpenError(sealed)
		wantErr(t, err, ErrTampered)
	}
	sealed := conn.SealError(19, "")
	if e, err := s.OpenError(sealed); err != nil || e.Code != 19 || e.Text != "" {
		t.Fatalf("%v, %v", e, err)
	}
	if bytes.Equal(sealed, conn.SealError(19, "")) {
		t.Error("two errors under one key")
	}
	for bit := range 8 * len(sealed) {
		bad := bytes.Clone(sealed)
		bad[bit/8] ^= 1 << (bit % 8)
		_, err := s.OpenError(bad)
		wantErr(t, err, ErrTampered)
	}
	_, err = s.OpenError(make([]byte, MaxErrorMessage+1))
	wantErr(t, err, ErrTampered)
	s.Close()
	if s.SealError(1, "") != nil {
		t.Error("an error under an erased key")
	}
	_, err = s.OpenError(sealed)
	wantErr(t, err, ErrErased)
	for _, body := range [][]byte{nil, {0x80}, {0x81, 1}, {0x82, 1, 1}, {0x82, 0x61, 'a', 0x60}, {0x82, 1, 0x61, 0x1b}} {
		_, err := parsePeerError(body)
		wantErr(t, err, ErrMalformed)
	}
	// A later version may say more.
	if e, err := parsePeerError([]byte{0x83, 1, 0x61, 'a', 1}); err != nil || e.Text != "a" {
		t.Errorf("longer early error: %v", err)
	}
}

func TestOrder(t *testing.T) {
	r := newReceiver(t, ReceiverOptions{})
	s := newSender(t, r.Offer(), SenderOptions{})
	_, err := s.Request(summary())
	wantErr(t, err, ErrOrder)
	_, _, err = s.OpenAccept(make([]byte, 100))
	wantErr(t, err, ErrOrder)
	_, conn, err := r.Hello(s.Hello())
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = conn.Accept(Accept{})
	wantErr(t, err, ErrOrder)
	r.Close()
	r.Close()
	_, err = conn.OpenRequest(nil)
	wantErr(t, err, ErrUsed)
	if c, tok := r.Rendezvous(); c != [16]byte{} || tok != [16]byte{} {
		t.Error("rendezvous of a closed offer")
	}
	if !r.Offer().Secret.Equal(hpke.Secret{}) {
		t.Error("secret of a closed offer")
	}
	s.Close()
	if c, _ := s.Rendezvous(); c != [16]byte{} {
		t.Error("rendezvous of a closed sender")
	}
	_, err = s.OpenBundle(nil)
	wantErr(t, err, ErrErased)
	_, err = s.Request(summary())
	wantErr(t, err, ErrErased)
	_, _, err = s.OpenAccept(nil)
	wantErr(t, err, ErrErased)

	// Closing between M2 and M3.
	r = newReceiver(t, ReceiverOptions{})
	s = newSender(t, r.Offer(), SenderOptions{})
	m1, conn, _ := r.Hello(s.Hello())
	s.OpenBundle(m1)
	m2, _ := s.Request(summary())
	if _, err := conn.OpenRequest(m2); err != nil {
		t.Fatal(err)
	}
	r.Close()
	_, _, err = conn.Accept(Accept{})
	wantErr(t, err, ErrUsed)
}

func TestAcceptLimits(t *testing.T) {
	r := newReceiver(t, ReceiverOptions{})
	s := newSender(t, r.Offer(), SenderOptions{})
	m1, conn, _ := r.Hello(s.Hello())
	s.OpenBundle(m1)
	m2, _ := s.Request(summary())
	if _, err := conn.OpenRequest(m2); err != nil {
		t.Fatal(err)
	}
	_, _, err := conn.Accept(Accept{Version: 2})
	wantErr(t, err, ErrVersion)
	_, _, err = conn.Accept(Accept{Receipt: make([]byte, MaxReceipt+1)})
	wantErr(t, err, ErrLimit)
	m3, _, err := conn.Accept(Accept{Receipt: bytes.Repeat([]byte{1}, MaxReceipt)})
	if err != nil || len(m3) > MaxAcceptMessage {
		t.Fatalf("largest receipt: %d bytes, %v", len(m3), err)
	}
	if a, _, err := s.OpenAccept(m3); err != nil || len(a.Receipt) != MaxReceipt {
		t.Fatal(err)
	}
}

func TestRandomFailure(t *testing.T) {
	for n := range 4 {
		if _, err := NewReceiver(ReceiverOptions{Rand: &dry{n: 32 * n}}); !errors.Is(err, errNoRandom) {
			t.Errorf("offer with %d bytes of randomness: %v", 32*n, err)
		}
	}
	r := newReceiver(t, ReceiverOptions{})
	_, err := NewSender(r.Offer(), SenderOptions{Rand: &dry{}})
	wantErr(t, err, errNoRandom)
	s := newSender(t, r.Offer(), SenderOptions{Rand: &dry{n: 32}})
	m1, conn, _ := r.Hello(s.Hello())
	s.OpenBundle(m1)
	if _, err = s.Request(summary()); err == nil {
		t.Error("request without randomness")
	}
	if s.SealError(1, "") != nil {
		t.Error("early error without randomness")
	}
	s.random = &stream{}
	m2, err := s.Request(summary())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.OpenRequest(m2); err != nil {
		t.Fatal(err)
	}
	r.random = &dry{}
	_, _, err = conn.Accept(Accept{})
	wantErr(t, err, errNoRandom)
	r.random = &stream{}
	if _, _, err := conn.Accept(Accept{}); err != nil {
		t.Errorf("accept after a failure: %v", err)
	}
	if _, err := SealReceipt(hpke.SuiteXWing, hpke.Secret{1}, &dry{}, nil); !errors.Is(err, errNoRandom) {
		t.Errorf("receipt without randomness: %v", err)
	}
}

func TestRedacted(t *testing.T) {
	h := paired(t)
	offer := h.r.Offer()
	code, err := offer.QR()
	if err != nil {
		t.Fatal(err)
	}
	secret := offer.Secret
	var out strings.Builder
	// Without the time, in whose digits a check code could be found.
	plain := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}
	json := slog.New(slog.NewJSONHandler(&out, plain))
	text := slog.New(slog.NewTextHandler(&out, plain))
	for _, v := range []any{offer, *offer, h.r, h.s, h.conn, h.sending, code, struct{ O *Offer }{offer}, h.sending.Resumption()} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		json.Info("x", "v", v)
		text.Info("x", "v", v)
	}
	all := strings.ToLower(out.String())
	for _, leak := range []string{
		fmt.Sprintf("%x", secret[:4]), fmt.Sprintf("%d %d %d", secret[0], secret[1], secret[2]),
		fmt.Sprintf("%d,%d,%d", secret[0], secret[1], secret[2]), fmt.Sprintf("0x%x, 0x%x", secret[0], secret[1]),
		strings.ToLower(offer.Text()[20:40]), h.sending.CheckCode(), fmt.Sprintf("%x", h.sending.DataKey()[:4]),
		"192.168.178.231",
	} {
		if strings.Contains(all, leak) {
			t.Errorf("%q is printed", leak)
		}
	}
	if !strings.Contains(all, "redacted") {
		t.Error("nothing is printed")
	}
}
