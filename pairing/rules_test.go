package pairing

import (
	"bytes"
	"errors"
	"testing"
)

// A sender that knows the secret and breaks the rules.
func TestRuleBreakers(t *testing.T) {
	h := paired(t)
	// Another encapsulation under one hello is another request.
	if err := h.s.seal([]byte{0xa0}); err != nil {
		t.Fatal(err)
	}
	_, err := h.conn.OpenRequest(h.s.m2)
	wantErr(t, err, ErrMalformed)
	sum := *h.summary
	content, err := sum.marshal()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.s.seal(content); err != nil {
		t.Fatal(err)
	}
	_, err = h.conn.OpenRequest(h.s.m2)
	wantErr(t, err, ErrTaken)

	// A hello of the other mode under this secret.
	for _, mode := range []Mode{0, ModeResume, 3} {
		for e := range uint32(2) {
			bad, err := newHello(h.r.prk, mode, e, &stream{})
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = h.r.Hello(bad.raw[:])
			wantErr(t, err, ErrStranger)
		}
	}
	bad, err := newHello(h.r.prk, ModePair, 1, &stream{})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = h.r.Hello(bad.raw[:])
	wantErr(t, err, ErrStranger)

	// Another M1 of one bundle would be another transcript than that of M2.
	nB := [nonceSize]byte{1}
	other := sealOnce(h.r.suite, bundleKey(h.r.suite, h.r.prk, h.s.hello.nonce, nB), nB[:], pad(h.r.current.bundle), h.m0)
	_, err = h.s.OpenBundle(other)
	wantErr(t, err, ErrWrongBundle)

	// A bundle of another suite than the offer's.
	s := newSender(t, h.r.Offer(), SenderOptions{})
	raw, err := sampleBundle(t).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	raw = change(t, raw, bundleIntent, 1)
	s.offer.Commitment = commitment(raw)
	m1 := sealOnce(h.r.suite, bundleKey(h.r.suite, h.r.prk, s.hello.nonce, nB), bytes.Clone(nB[:]), pad(raw), s.Hello())
	_, err = s.OpenBundle(m1)
	wantErr(t, err, ErrMalformed)
}

func TestTaken(t *testing.T) {
	h := paired(t)
	second := newSender(t, h.r.Offer(), SenderOptions{})
	m1, conn, err := h.r.Hello(second.Hello())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := second.OpenBundle(m1); err != nil {
		t.Fatal(err)
	}
	m2, err := second.Request(summary())
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.OpenRequest(m2)
	refused, ok := errors.AsType[*RefusedError](err)
	if !ok || !errors.Is(err, ErrTaken) {
		t.Fatalf("second sender: %v", err)
	}
	peer, err := second.OpenError(refused.Sealed)
	if err != nil || peer.Code != codeTaken {
		t.Fatalf("sealed refusal: %v %v", peer, err)
	}
	if _, err := h.s.OpenError(refused.Sealed); !errors.Is(err, ErrTampered) {
		t.Errorf("the first sender opens the refusal of the second: %v", err)
	}
	if _, _, err := conn.Accept(Accept{}); !errors.Is(err, ErrOrder) {
		t.Errorf("accept for the second sender: %v", err)
	}
	// An M2 of the first sender on the connection of the second is another transcript.
	if _, err := conn.OpenRequest(h.m2); !errors.Is(err, ErrStranger) {
		t.Errorf("spliced M2: %v", err)
	}
	if err := h.r.TryCode(h.receiving, h.sending.CheckCode()); err != nil {
		t.Errorf("the first sender was disturbed: %v", err)
	}
}

func TestMalformedRequestDoesNotTakeOffer(t *testing.T) {
	r := newReceiver(t, ReceiverOptions{})
	bad := newSender(t, r.Offer(), SenderOptions{})
	m1, conn, err := r.Hello(bad.Hello())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bad.OpenBundle(m1); err != nil {
		t.Fatal(err)
	}
	if err := bad.seal([]byte{0xa1, 0x01, 0x60}); err != nil {
		t.Fatal(err)
	}
	_, err = conn.OpenRequest(bad.m2)
	wantErr(t, err, ErrMalformed)
	shake(t, r, newSender(t, r.Offer(), SenderOptions{}))
}

func TestIntentMustMatch(t *testing.T) {
	r := newReceiver(t, ReceiverOptions{})
	_, err := NewSender(r.Offer(), SenderOptions{Intent: CatchUp})
	wantErr(t, err, ErrIntent)
	s := newSender(t, r.Offer(), SenderOptions{Intent: SameAccount})
	m1, conn, err := r.Hello(s.Hello())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.OpenBundle(m1); err != nil {
		t.Fatal(err)
	}
	sum := summary()
	sum.Intent = CatchUp
	_, err = s.Request(sum)
	wantErr(t, err, ErrIntent)
	sum = sum.fit()
	content, err := sum.marshal()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.seal(content); err != nil {
		t.Fatal(err)
	}
	_, err = conn.OpenRequest(s.m2)
	wantErr(t, err, ErrIntent)
	refused, ok := errors.AsType[*RefusedError](err)
	if !ok {
		t.Fatalf("not a refusal: %v", err)
	}
	if peer, err := s.OpenError(refused.Sealed); err != nil || peer.Code != codeIntent {
		t.Fatalf("sealed refusal: %v, %v", peer, err)
	}

	// A receiver whose bundle says something else than its offer.
	r = newReceiver(t, ReceiverOptions{})
	offer := r.Offer()
	offer.Intent = CatchUp
	s = newSender(t, offer, SenderOptions{})
	if m1, _, err = r.Hello(s.Hello()); err != nil {
		t.Fatal(err)
	}
	_, err = s.OpenBundle(m1)
	wantErr(t, err, ErrIntent)
}
