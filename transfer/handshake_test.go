package transfer_test

import (
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/hpke"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// next is the sender's next connection.
func (s *sendAgainst) next() *rawLink {
	s.t.Helper()
	select {
	case conn := <-s.network.conns:
		return &rawLink{t: s.t, conn: conn, frames: wire.NewReader(conn), writer: wire.NewWriter(conn)}
	case <-time.After(time.Hour):
		s.t.Fatal("the sender does not come")
		return nil
	}
}

// TestSenderMeetsSomebodyElse plays what answers at the address of the offer.
func TestSenderMeetsSomebodyElse(t *testing.T) {
	other := func(t testing.TB) *pairing.Receiver {
		r, err := pairing.NewReceiver(pairing.ReceiverOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for _, c := range []struct {
		name  string
		plays func(t *testing.T, s *sendAgainst, l *rawLink)
		code  wire.Code
		peer  bool
	}{
		{"nothing", func(*testing.T, *sendAgainst, *rawLink) {}, wire.CodeTimeout, false},
		{"a close", func(_ *testing.T, _ *sendAgainst, l *rawLink) { l.conn.Close() }, wire.CodeTimeout, false},
		{"another protocol", func(_ *testing.T, _ *sendAgainst, l *rawLink) {
			l.conn.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
		}, wire.CodeLimit, false},
		{"a message out of order", func(_ *testing.T, _ *sendAgainst, l *rawLink) { l.write(wire.Accept, make([]byte, 100)) }, wire.CodeProtocol, false},
		{"a bundle of nobody", func(_ *testing.T, _ *sendAgainst, l *rawLink) { l.write(wire.Bundle, make([]byte, 1000)) }, wire.CodeVerification, false},
		{"an error of nobody", func(_ *testing.T, _ *sendAgainst, l *rawLink) { l.write(wire.Error, make([]byte, 100)) }, wire.CodeVerification, false},
		{"a refusal", func(t *testing.T, s *sendAgainst, l *rawLink) {
			_, peer, err := s.receiver.Hello(l.frame(wire.Hello))
			if err != nil {
				t.Fatal(err)
			}
			l.write(wire.Error, peer.SealError(uint16(wire.CodeExpired), ""))
		}, 0, false}, // sealed for after M1, which did not come
		{"a refusal after the bundle", func(t *testing.T, s *sendAgainst, l *rawLink) {
			m1, peer, err := s.receiver.Hello(l.frame(wire.Hello))
			if err != nil {
				t.Fatal(err)
			}
			l.write(wire.Bundle, m1)
			l.frame(wire.Request)
			l.write(wire.Error, peer.SealError(uint16(wire.CodeTaken), ""))
		}, wire.CodeTaken, true},
		{"an accept that does not open", func(t *testing.T, s *sendAgainst, l *rawLink) {
			m1, _, err := s.receiver.Hello(l.frame(wire.Hello))
			if err != nil {
				t.Fatal(err)
			}
			l.write(wire.Bundle, m1)
			l.frame(wire.Request)
			l.write(wire.Accept, make([]byte, 200))
		}, wire.CodeVerification, false},
		{"the bundle of another offer", func(t *testing.T, s *sendAgainst, l *rawLink) {
			o := other(t)
			m0, err := pairing.NewSender(o.Offer(), pairing.SenderOptions{})
			if err != nil {
				t.Fatal(err)
			}
			m1, _, err := o.Hello(m0.Hello())
			if err != nil {
				t.Fatal(err)
			}
			l.write(wire.Bundle, m1)
		}, wire.CodeVerification, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startSend(t, newSource(1, 1, 1, 100, 0), transfer.Timing{Reconnect: time.Second})
				l := s.next()
				c.plays(t, s, l)
				s.wait(time.Minute)
				if e, _ := asError(s.err); e == nil || c.code != 0 && e.Code != c.code || e.Peer != c.peer {
					t.Errorf("send: %v, want code %v", s.err, c.code)
				}
			})
		})
	}
}

// M3 is lost: the sender comes once more with the same bytes, and gets the same.
func TestLostAccept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSend(t, newSource(1, 1, 1, 100, 0), transfer.Timing{})
		_, m3 := s.answer(s.receiver)
		l, again := s.answer(s.receiver)
		if string(m3) != string(again) {
			t.Fatal("another M3")
		}
		l.write(wire.Accept, again)
		if kind, _ := l.read(); kind != confirm {
			t.Fatalf("record %d, want confirm", kind)
		}
		l.record(errorType, 0, byte(wire.CodeStorage))
		s.refused(wire.CodeStorage)
	})
}

// After a cut somebody else answers at the address for a while: the sender tries
// on until its peer is there.
func TestStrangerAtTheAddressOnResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSend(t, newSource(1, 1, 1, 100, 0), transfer.Timing{})
		first := s.pair()
		first.conn.Close()
		for _, says := range []func(*rawLink){
			func(l *rawLink) { l.conn.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) },
			func(l *rawLink) { l.write(wire.Bundle, make([]byte, 1000)) },
			func(l *rawLink) { l.write(wire.Error, make([]byte, 100)) },
			func(l *rawLink) { l.conn.Close() },
		} {
			says(s.next())
		}
		resumed, err := pairing.NewResumeReceiver(pairing.ResumeOptions{Session: first.session})
		if err != nil {
			t.Fatal(err)
		}
		l := s.accept(resumed)
		if kind, _ := l.read(); kind != confirm {
			t.Fatalf("record %d, want confirm", kind)
		}
		l.record(errorType, 0, byte(wire.CodeStorage))
		s.refused(wire.CodeStorage)
	})
}

// A sender that keeps coming with connection numbers that were used is told so,
// and one with the next number is served.
func TestStaleConnectionNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startReceive(t, transfer.Timing{})
		first := r.pair()
		l := r.resume(first.session, 5)
		if kind, _ := l.read(); kind != ready {
			t.Fatalf("record %d, want ready", kind)
		}
		for _, e := range []uint32{1, 4, 5} {
			hello(t, r.network, resumeSender(t, first.session, e-1)).frame(wire.Error)
		}
		l = r.resume(first.session, 6)
		if kind, _ := l.read(); kind != ready {
			t.Fatalf("record %d, want ready", kind)
		}
		r.complete(l, []byte("a segment"))
	})
}

// Offers that a sender does not take up, with the code that says why.
func TestOffersThatAreNotTaken(t *testing.T) {
	receiver, err := pairing.NewReceiver(pairing.ReceiverOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		change func(*pairing.Offer)
		code   wire.Code
	}{
		{func(o *pairing.Offer) { o.Version = 9 }, wire.CodeVersion},
		{func(o *pairing.Offer) { o.Suite = hpke.Suite(9) }, wire.CodeSuite},
		{func(o *pairing.Offer) { o.Intent = 9 }, wire.CodeIntent},
		{func(o *pairing.Offer) {
			o.Route = pairing.Route{Kind: pairing.RouteTCP, Addr: netip.MustParseAddrPort("8.8.8.8:7373")}
		}, wire.CodePolicy},
		{func(o *pairing.Offer) { o.Secret = hpke.Secret{} }, wire.CodeProtocol},
	} {
		offer := receiver.Offer()
		c.change(offer)
		_, err := transfer.Send(t.Context(), transfer.SendOptions{Source: newSource(1, 0, 0, 0, 0), Offer: offer, Prompter: newPeople()})
		if transfer.CodeOf(err) != c.code {
			t.Errorf("send: %v, want code %v", err, c.code)
		}
	}
}

// What a person reads of an error names the code, who reports it, and why.
func TestErrorText(t *testing.T) {
	why := errors.New("disk full")
	for _, c := range []struct {
		err  error
		want string
	}{
		{&transfer.Error{Code: wire.CodeStorage, Err: why}, "storage: disk full"},
		{&transfer.Error{Code: wire.CodeStorage, Peer: true}, "the other device: storage"},
		{&transfer.Error{Code: 4711}, "code 4711"},
	} {
		if c.err.Error() != c.want {
			t.Errorf("%q, want %q", c.err, c.want)
		}
	}
	if transfer.CodeOf(why) != wire.CodeInternal {
		t.Error("an error without a code is not internal")
	}
}
