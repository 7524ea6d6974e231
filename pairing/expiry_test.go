package pairing

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/hpke"
)

func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t, ReceiverOptions{Suite: hpke.SuiteX25519, Lifetime: time.Minute})
		early := newSender(t, r.Offer(), SenderOptions{})
		m1, conn, err := r.Hello(early.Hello())
		if err != nil {
			t.Fatal(err)
		}
		slow := newSender(t, r.Offer(), SenderOptions{})
		m1slow, connSlow, err := r.Hello(slow.Hello())
		if err != nil {
			t.Fatal(err)
		}
		wait := func(d time.Duration) { <-time.After(d) }
		wait(time.Minute - time.Nanosecond)
		if r.Offer().Expired() {
			t.Error("expired before its time")
		}
		late := newSender(t, r.Offer(), SenderOptions{})
		if _, _, err := r.Hello(late.Hello()); err != nil {
			t.Errorf("one nanosecond before the expiry: %v", err)
		}
		wait(time.Nanosecond)
		if !r.Offer().Expired() {
			t.Error("not expired at its time")
		}
		_, _, err = r.Hello(late.Hello())
		wantErr(t, err, ErrExpired)
		refused, ok := errors.AsType[*RefusedError](err)
		if !ok {
			t.Fatalf("not a refusal: %v", err)
		}
		if peer, err := late.OpenError(refused.Sealed); err != nil || peer.Code != codeExpired {
			t.Fatalf("sealed refusal: %v, %v", peer, err)
		}
		// The person reads the consent question meanwhile.
		wait(ConsentTime - time.Nanosecond)
		if _, err := slow.OpenBundle(m1slow); err != nil {
			t.Fatal(err)
		}
		if _, err := early.OpenBundle(m1); err != nil {
			t.Fatal(err)
		}
		m2slow, err := slow.Request(summary())
		if err != nil {
			t.Fatal(err)
		}
		r2 := r.current.bound
		wait(time.Nanosecond)
		_, err = connSlow.OpenRequest(m2slow)
		wantErr(t, err, ErrExpired)
		if r.current.bound != r2 {
			t.Error("an expired request took the offer")
		}
		m2, _ := early.Request(summary())
		_, err = conn.OpenRequest(m2)
		wantErr(t, err, ErrExpired)
	})
}

func TestConsentTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t, ReceiverOptions{Suite: hpke.SuiteX25519, Lifetime: time.Minute})
		s := newSender(t, r.Offer(), SenderOptions{})
		m1, conn, err := r.Hello(s.Hello())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.OpenBundle(m1); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Minute + ConsentTime - time.Nanosecond)
		m2, err := s.Request(Summary{})
		if err != nil {
			t.Fatal(err)
		}
		sum, err := conn.OpenRequest(m2)
		if err != nil {
			t.Fatalf("request within the time for consent: %v", err)
		}
		if sum.Time.UnixMilli() != time.Now().UnixMilli() {
			t.Errorf("time of the summary is %v", sum.Time)
		}
		// The sender that has it may come again on another route, however late.
		<-time.After(time.Hour)
		if _, conn, err = r.Hello(s.Hello()); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.OpenRequest(m2); err != nil {
			t.Fatal(err)
		}
	})
}

// The expiry has whole seconds, and an offer lives at least as long as was asked for.
func TestExpiryRoundsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		<-time.After(time.Nanosecond)
		r := newReceiver(t, ReceiverOptions{Lifetime: MinLifetime})
		if left := time.Until(r.Offer().Expiry); left < time.Second || left >= 2*time.Second {
			t.Errorf("an offer of one second lives %v", left)
		}
		<-time.After(time.Second)
		if !r.expired(0) {
			t.Error("the monotonic clock does not end it")
		}
	})
}

// Whichever clock is first: the wall clock set back must not prolong an offer, nor a stopped monotonic one.
func TestExpiryByEitherClock(t *testing.T) {
	r := newReceiver(t, ReceiverOptions{})
	r.deadline = time.Now().Add(-time.Second)
	if !r.expired(0) {
		t.Error("wall clock set back: not expired")
	}
	r = newReceiver(t, ReceiverOptions{})
	r.offer.Expiry = time.Now().Add(-time.Second).Round(0)
	if !r.expired(0) {
		t.Error("monotonic clock stopped: not expired")
	}
	if newReceiver(t, ReceiverOptions{}).expired(0) {
		t.Error("expired at once")
	}
}
