package pairing

import (
	"errors"
	"fmt"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/hpke"
)

// Programs of all versions, by the highest that they speak: each speaks the one before
// it too. Where two have one in common the session is in the highest; else both refuse.
func TestVersionIsAgreed(t *testing.T) {
	program := func(newest uint8) Program {
		return Program{Oldest: max(1, newest-1), Newest: newest, Field: encode("later")}
	}
	for s := uint8(1); s <= 4; s++ {
		for r := uint8(1); r <= 4; r++ {
			t.Run(fmt.Sprintf("S %d, R %d", s, r), func(t *testing.T) {
				receiver := newReceiver(t, ReceiverOptions{Suite: hpke.SuiteX25519, Program: program(r)})
				offer := receiver.Offer()
				if offer.Version != 1 {
					t.Fatalf("offer of version %d, which an old sender cannot read", offer.Version)
				}
				sender := newSender(t, offer, SenderOptions{Program: program(s)})
				agreed, err := agree(t, receiver, sender)
				common := min(s, r)
				if common+1 < max(s, r) {
					if !errors.Is(err, ErrVersion) {
						t.Fatalf("version %d, %v, want %v", agreed, err, ErrVersion)
					}
					return
				}
				if err != nil || agreed != common {
					t.Fatalf("version %d, %v, want %d", agreed, err, common)
				}
			})
		}
	}
}

// agree is M0 to M3.
func agree(t *testing.T, r *Receiver, s *Sender) (uint8, error) {
	t.Helper()
	m1, conn, err := r.Hello(s.Hello())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.OpenBundle(m1); err != nil {
		t.Fatal(err)
	}
	m2, err := s.Request(Summary{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.OpenRequest(m2); err != nil {
		refused, ok := errors.AsType[*RefusedError](err)
		if !ok {
			t.Fatal(err)
		}
		said, openErr := s.OpenError(refused.Sealed)
		if openErr != nil || said.Code != codeVersion {
			t.Errorf("the sender is told %v, %v", said, openErr)
		}
		return 0, err
	}
	m3, receiving, err := conn.Accept(Accept{})
	if err != nil {
		t.Fatal(err)
	}
	_, sending, err := s.OpenAccept(m3)
	if err != nil {
		return 0, err
	}
	if receiving.Version() != sending.Version() {
		t.Errorf("R speaks %d, S %d", receiving.Version(), sending.Version())
	}
	return sending.Version(), nil
}

// A receiver must not choose a version that the sender does not speak, nor one that it
// does not speak itself; a request that it refuses leaves the offer to others.
func TestVersionOutOfRange(t *testing.T) {
	r := newReceiver(t, ReceiverOptions{Suite: hpke.SuiteX25519, Program: Program{Oldest: 2, Newest: 3}})
	if _, err := agree(t, r, newSender(t, r.Offer(), SenderOptions{})); !errors.Is(err, ErrVersion) {
		t.Fatalf("%v, want %v", err, ErrVersion)
	}
	s := newSender(t, r.Offer(), SenderOptions{Program: Program{Newest: 2}})
	m1, conn, err := r.Hello(s.Hello())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.OpenBundle(m1); err != nil {
		t.Fatal(err)
	}
	m2, err := s.Request(Summary{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.OpenRequest(m2); err != nil {
		t.Fatal(err)
	}
	for _, v := range []uint8{1, 3, 255} {
		if _, _, err := conn.Accept(Accept{Version: v}); !errors.Is(err, ErrVersion) {
			t.Errorf("version %d: %v, want %v", v, err, ErrVersion)
		}
	}
	// A receiver that breaks the rule is found out.
	r.speaks.oldest = 1
	m3, _, err := conn.Accept(Accept{Version: 1})
	if err != nil {
		t.Fatal(err)
	}
	s.speaks.oldest = 2
	if _, _, err := s.OpenAccept(m3); !errors.Is(err, ErrVersion) {
		t.Errorf("%v, want %v", err, ErrVersion)
	}
	s.speaks.oldest, s.said = 1, 0
	if _, _, err := s.OpenAccept(m3); !errors.Is(err, ErrVersion) {
		t.Errorf("above what was said: %v, want %v", err, ErrVersion)
	}
}
