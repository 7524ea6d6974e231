package pairing

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/hpke"
)

func TestHandshake(t *testing.T) {
	for _, suite := range suites() {
		t.Run(suite.String(), func(t *testing.T) {
			r := newReceiver(t, ReceiverOptions{
				Suite: suite, Intent: CatchUp, Room: "mimi://example.com/r/1", Label: "new phone",
				Routes:   []Route{lan(), {Kind: RouteRelay, Path: "https://relay.example.com/x"}},
				Identity: []byte("identity"), Attestation: []byte("attestation"),
			})
			s := newSender(t, r.Offer(), SenderOptions{Intent: CatchUp})
			if c, rt := r.Rendezvous(); true {
				cs, st := s.Rendezvous()
				if c != cs || rt == st || c == rt || c == st {
					t.Error("rendezvous: the channel must be one, the tokens two")
				}
				oc, ot := r.Offer().Rendezvous(RoleReceiver)
				if oc != c || ot != rt {
					t.Error("rendezvous of the offer differs")
				}
			}
			h := shake(t, r, s)
			sameSession(t, h.receiving, h.sending)
			if len(h.m0) != HelloSize || len(h.m1) > MaxBundleMessage || len(h.m2) > MaxRequestMessage || len(h.m3) > MaxAcceptMessage {
				t.Errorf("sizes %d %d %d %d", len(h.m0), len(h.m1), len(h.m2), len(h.m3))
			}
			if h.bundle.Room != "mimi://example.com/r/1" || h.bundle.Label != "new phone" || len(h.bundle.Routes) != 2 ||
				string(h.bundle.Identity) != "identity" || string(h.bundle.Attestation) != "attestation" {
				t.Errorf("bundle came as %+v", h.bundle)
			}
			want := summary()
			want.Intent, want.MaxVersion = CatchUp, Version
			got := *h.summary
			got.unknown = nil
			if !reflect.DeepEqual(got, want) {
				t.Errorf("summary came as %+v, want %+v", got, want)
			}
			if !h.accept.HasAny || h.accept.Version != Version {
				t.Errorf("accept came as %+v", h.accept)
			}
			if code := h.sending.CheckCode(); len(code) != 6 {
				t.Errorf("check code has %d digits", len(code))
			}
			if err := r.TryCode(h.receiving, h.sending.CheckCode()); err != nil {
				t.Fatal(err)
			}
			wantErr(t, r.TryCode(h.receiving, h.sending.CheckCode()), ErrUsed)
			sameSession(t, h.receiving, h.sending)
			_, _, err := r.Hello(h.m0)
			wantErr(t, err, ErrUsed)
		})
	}
}

func TestRepeat(t *testing.T) {
	h := paired(t)
	if !bytes.Equal(h.s.Hello(), h.m0) {
		t.Error("M0 is not the same on another route")
	}
	m1, conn, err := h.r.Hello(h.m0)
	if err != nil || !bytes.Equal(m1, h.m1) {
		t.Fatalf("M1 is not the same on another route: %v", err)
	}
	if b, err := h.s.OpenBundle(m1); err != nil || b.Label != h.bundle.Label {
		t.Fatalf("bundle on another route: %v", err)
	}
	other := summary()
	other.Messages++
	m2, err := h.s.Request(other)
	if err != nil || !bytes.Equal(m2, h.m2) {
		t.Fatalf("M2 is not the same on another route: %v", err)
	}
	if sum, err := conn.OpenRequest(m2); err != nil || sum.Messages != summary().Messages {
		t.Fatalf("repeated M2: %v", err)
	}
	// Whatever the second accept says, one key must not get another plaintext.
	m3, session, err := conn.Accept(Accept{Receipt: []byte("another plaintext")})
	if err != nil || !bytes.Equal(m3, h.m3) || session != h.receiving {
		t.Fatalf("M3 is not the same on another route: %v", err)
	}
	if _, again, err := h.s.OpenAccept(m3); err != nil || again != h.sending {
		t.Fatalf("repeated M3: %v", err)
	}
}

func TestStrangersChangeNothing(t *testing.T) {
	r := newReceiver(t, ReceiverOptions{Suite: hpke.SuiteX25519})
	s := newSender(t, r.Offer(), SenderOptions{})
	m0 := s.Hello()
	other := newReceiver(t, ReceiverOptions{Suite: hpke.SuiteX25519})
	foreign := newSender(t, other.Offer(), SenderOptions{}).Hello()
	for i := range 3000 {
		junk := make([]byte, i%(2*HelloSize))
		rand.Read(junk)
		if i%3 == 0 {
			junk = bytes.Clone(m0)
			junk[i%HelloSize] ^= byte(1 + i%255)
		} else if i%3 == 1 {
			junk = foreign
		}
		if _, c, err := r.Hello(junk); !errors.Is(err, ErrStranger) || c != nil {
			t.Fatalf("hello of a stranger: %v", err)
		}
	}
	m1, conn, err := r.Hello(m0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.OpenBundle(m1); err != nil {
		t.Fatal(err)
	}
	m2, err := s.Request(summary())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		junk := make([]byte, i)
		rand.Read(junk)
		if i%2 == 0 {
			junk = bytes.Clone(m2)
			junk[i%len(m2)] ^= byte(1 + i%255)
		}
		if _, err := conn.OpenRequest(junk); !errors.Is(err, ErrStranger) {
			t.Fatalf("request of a stranger: %v", err)
		}
	}
	if _, err := conn.OpenRequest(m2); err != nil {
		t.Fatalf("the right request after 4000 wrong messages: %v", err)
	}
}

// Every flipped bit of every message is refused, and the right message is taken afterwards.
func TestBitFlips(t *testing.T) {
	r := newReceiver(t, ReceiverOptions{Suite: hpke.SuiteX25519})
	s := newSender(t, r.Offer(), SenderOptions{})
	flip := func(m []byte, try func([]byte) error, want error) {
		t.Helper()
		for bit := range 8 * len(m) {
			bad := bytes.Clone(m)
			bad[bit/8] ^= 1 << (bit % 8)
			if err := try(bad); !errors.Is(err, want) {
				t.Fatalf("bit %d of %d: %v, want %v", bit, 8*len(m), err, want)
			}
		}
		for n := range len(m) {
			if err := try(m[:n]); !errors.Is(err, want) {
				t.Fatalf("cut at %d: %v, want %v", n, err, want)
			}
		}
		if err := try(append(bytes.Clone(m), 0)); !errors.Is(err, want) {
			t.Fatalf("one byte more: %v, want %v", err, want)
		}
		if err := try(m); err != nil {
			t.Fatalf("the right message: %v", err)
		}
	}
	var m1, m2, m3 []byte
	var conn *ReceiverConn
	flip(s.Hello(), func(b []byte) (err error) { m1, conn, err = r.Hello(b); return err }, ErrStranger)
	flip(m1, func(b []byte) error { _, err := s.OpenBundle(b); return err }, ErrWrongBundle)
	m2, err := s.Request(summary())
	if err != nil {
		t.Fatal(err)
	}
	flip(m2, func(b []byte) error { _, err := conn.OpenRequest(b); return err }, ErrStranger)
	if m3, _, err = conn.Accept(Accept{}); err != nil {
		t.Fatal(err)
	}
	flip(m3, func(b []byte) error { _, _, err := s.OpenAccept(b); return err }, ErrTampered)
	flip(m3, func(b []byte) error { _, _, err := s.OpenAccept(b); return err }, ErrTampered)
}

// Two receivers of one offer text cannot exist, but who has seen the text (V) can speak as both sides. It
// must neither read a request, nor know the check code, which holds R's nonce of M3.
func TestCodeNeedsReceiversNonce(t *testing.T) {
	codes := map[string]bool{}
	for i := range 3 {
		r := newReceiver(t, ReceiverOptions{Suite: hpke.SuiteX25519, Rand: &stream{seed: "fixed"}})
		s := newSender(t, r.Offer(), SenderOptions{Rand: &stream{seed: "fixed sender"}})
		// All that V sees or makes up to M2 is the same each time; only nR is new.
		r.random = &stream{seed: fmt.Sprint("nonce", i)}
		codes[shake(t, r, s).sending.CheckCode()] = true
	}
	if len(codes) != 3 {
		t.Fatalf("%d codes of 3 nonces: the code does not depend on nR", len(codes))
	}

	r := newReceiver(t, ReceiverOptions{Suite: hpke.SuiteX25519})
	honest := newSender(t, r.Offer(), SenderOptions{})
	// V answers as R with a key of its own, under the seen secret.
	fake := newReceiver(t, ReceiverOptions{Suite: hpke.SuiteX25519})
	fake.offer.Secret = r.offer.Secret
	fake.prk = r.prk
	m1, _, err := fake.Hello(honest.Hello())
	if err != nil {
		t.Fatal(err)
	}
	_, err = honest.OpenBundle(m1)
	wantErr(t, err, ErrWrongBundle)
	// V makes M3 for a request that it could not open.
	h := shake(t, r, honest)
	th2 := honest.th2
	guess := exports{accept: hpke.Secret{1}, session: hpke.Secret{1}}
	forged := make([]byte, nonceSize)
	forged = sealOnce(r.suite, guess.acceptKey(r.suite, forged), forged, pad(nil), th2[:])
	fresh := newSender(t, r.Offer(), SenderOptions{})
	m1, _, _ = r.Hello(fresh.Hello())
	fresh.OpenBundle(m1)
	fresh.Request(summary())
	for _, m3 := range [][]byte{forged, h.m3} {
		_, _, err = fresh.OpenAccept(m3)
		wantErr(t, err, ErrTampered)
	}
}

// Many connections at once, one of them honest.
func TestConcurrentConnections(t *testing.T) {
	r := newReceiver(t, ReceiverOptions{Suite: hpke.SuiteX25519})
	var wait sync.WaitGroup
	won := make(chan *Session, 16)
	for range 16 {
		s := newSender(t, r.Offer(), SenderOptions{})
		wait.Go(func() {
			m1, conn, err := r.Hello(s.Hello())
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := s.OpenBundle(m1); err != nil {
				t.Error(err)
				return
			}
			m2, err := s.Request(summary())
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := conn.OpenRequest(m2); err != nil {
				if !errors.Is(err, ErrTaken) {
					t.Error(err)
				}
				return
			}
			m3, session, err := conn.Accept(Accept{})
			if err != nil {
				t.Error(err)
				return
			}
			if _, _, err := s.OpenAccept(m3); err != nil {
				t.Error(err)
			}
			won <- session
		})
	}
	wait.Wait()
	if len(won) != 1 {
		t.Fatalf("%d senders have the offer", len(won))
	}
}
