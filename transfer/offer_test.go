package transfer_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// Somebody who has seen the offer is first, speaks first, and the code is not
// typed yet: the person's own old device is told that the offer is taken, and the
// new device's screen warns, once.
func TestTakenIsToldAndWarnedOf(t *testing.T) {
	for _, spoken := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := startReceive(t, transfer.Timing{})
			first, s := greet(t, r.network, newSender(t, r.offer))
			first.request(s)
			if spoken {
				first.record(confirm)
			}
			synctest.Wait()
			for range 3 {
				own, s := greet(t, r.network, newSender(t, r.offer))
				m2, err := s.Request(pairing.Summary{})
				if err != nil {
					t.Fatal(err)
				}
				own.write(wire.Request, m2)
				said, err := s.OpenError(own.frame(wire.Error))
				if err != nil || wire.Code(said.Code) != wire.CodeTaken {
					t.Fatalf("told %v, %v", said, err)
				}
			}
			if len(r.people.warnings) != 1 || r.people.warnings[0] != transfer.WarnTaken {
				t.Errorf("warnings %v", r.people.warnings)
			}
			// The first one is not disturbed.
			if !spoken {
				first.record(confirm)
			}
			r.people.code <- first.session.CheckCode()
			if kind, _ := first.read(); kind != ready {
				t.Fatalf("record %d, want ready", kind)
			}
			r.complete(first, []byte("a segment"))
		})
	}
}

// Whoever has seen the offer, and connected in time, cannot end a transfer once
// another sender has the offer.
func TestEarlyErrorOfAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startReceive(t, transfer.Timing{})
		other, s := greet(t, r.network, newSender(t, r.offer))
		l := r.pair()
		_ = other.writer.WriteFrame(wire.Error, 0, s.SealError(uint16(wire.CodeDeclined), ""))
		time.Sleep(time.Second) // fake time
		l.conn.Close()
		l = r.resume(l.session, 1)
		if kind, _ := l.read(); kind != ready {
			t.Fatalf("record %d, want ready", kind)
		}
		r.complete(l, []byte("a segment"))
	})
}

// Whoever has seen the offer can take all places for a handshake, but no longer
// than the offer is of use.
func TestPlacesAreFreeAfterTheCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startReceive(t, transfer.Timing{})
		l, s := greet(t, r.network, newSender(t, r.offer))
		l.request(s)
		for range 16 {
			greet(t, r.network, newSender(t, r.offer))
		}
		r.people.code <- l.session.CheckCode()
		l.record(confirm)
		if kind, _ := l.read(); kind != ready {
			t.Fatalf("record %d, want ready", kind)
		}
		l.conn.Close()
		l = r.resume(l.session, 1)
		if kind, _ := l.read(); kind != ready {
			t.Fatalf("record %d, want ready", kind)
		}
		r.complete(l, []byte("a segment"))
	})
}

// The person at the old device reads the question for longer than the offer
// lives: who came in time is waited for.
func TestConsentAfterTheExpiry(t *testing.T) {
	for _, c := range []struct {
		reads time.Duration
		ok    bool
	}{{pairing.DefaultLifetime - time.Second, true}, {pairing.DefaultLifetime + time.Minute, true},
		{pairing.DefaultLifetime + pairing.ConsentTime + time.Minute, false}} {
		synctest.Test(t, func(t *testing.T) {
			r := startReceive(t, transfer.Timing{Person: time.Hour})
			l, s := greet(t, r.network, newSender(t, r.offer))
			time.Sleep(c.reads) // fake time
			if !c.ok {
				r.refused(wire.CodeExpired)
				return
			}
			l.request(s)
			r.people.code <- l.session.CheckCode()
			l.conn.Close() // and then M3 is lost
			l = r.resume(l.session, 1)
			if kind, _ := l.read(); kind != ready {
				t.Fatalf("record %d, want ready", kind)
			}
			r.complete(l, []byte("a segment"))
		})
	}
}

// An offer that nobody uses ends when it says, strangers or not.
func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startReceive(t, transfer.Timing{})
		c, peer := transfertest.Pipe()
		r.network.conns <- peer
		defer c.Close()
		r.refused(wire.CodeExpired)
		if r.took > pairing.DefaultLifetime+time.Second {
			t.Errorf("took %v", r.took)
		}
	})
}

// A prompter that has no digits, and does not listen to its context, ends with
// the person's time.
func TestPrompterWithoutDigits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(t, newSource(1, 1, 1, 100, 0))
		r.prompter = blankPrompter{r.people}
		r.do(t)
		r.refused(t, wire.CodeTimeout, wire.CodeTimeout)
	})
}

type blankPrompter struct{ *people }

func (p blankPrompter) AskCheckCode(context.Context, segment.TransferInfo, int) (string, error) {
	time.Sleep(time.Second) // fake time
	return "", nil
}

// A Dialer that never answers does not hold the sender for ever.
func TestDialerThatHangs(t *testing.T) {
	for _, first := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			r := newRun(t, newSource(1, 1, 20, 40_000, 0))
			r.network.hang = func(n int, _ pairing.Route) bool { return first || n > 0 }
			r.network.faults = func(int) (out, back transfertest.Faults) {
				out.CutAfter = 100_000
				return
			}
			r.do(t)
			if transfer.CodeOf(r.sendErr) != wire.CodeTimeout || r.receiveErr == nil {
				t.Errorf("send: %v\nreceive: %v", r.sendErr, r.receiveErr)
			}
			if r.sendDone > 5*time.Minute {
				t.Errorf("took %v", r.sendDone)
			}
		})
	}
}

// Nobody answers the consent question: that is no refusal.
func TestConsentTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(t, newSource(1, 1, 1, 100, 0))
		r.people.onConsent = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		r.do(t)
		r.refused(t, wire.CodeTimeout, wire.CodeExpired)
		if errors.Is(r.sendErr, transfer.ErrDeclined) {
			t.Error(r.sendErr)
		}
	})
}
