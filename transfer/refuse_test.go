package transfer_test

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// refused checks that both sides ended with these codes and nothing was imported.
func (r *run) refused(t *testing.T, send, receive wire.Code) {
	t.Helper()
	if r.sendErr == nil || transfer.CodeOf(r.sendErr) != send {
		t.Errorf("send: %v, want code %v", r.sendErr, send)
	}
	if r.receiveErr == nil || transfer.CodeOf(r.receiveErr) != receive {
		t.Errorf("receive: %v, want code %v", r.receiveErr, receive)
	}
	if r.sink.commits > 0 {
		t.Error("something was committed")
	}
}

func TestWrongCheckCode(t *testing.T) {
	for _, c := range []struct {
		name string
		typo []string
		ok   bool
	}{
		{"second try", []string{"wrong"}, true}, // not six digits: no try used
		{"two wrong", []string{"000000x", "12"}, true},
		{"three wrong", []string{"", "", "", "", "never"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRun(t, newSource(1, 1, 1, 100, 0))
				r.people.typo = c.typo
				r.do(t)
				r.succeeded(t)
			})
		})
	}
}

// Three wrong codes of six digits end the offer, on both sides, with nothing
// imported and not one byte of the manifest asked for.
func TestThreeWrongCheckCodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(t, newSource(1, 1, 1, 100, 0))
		r.people.onCode = func() {}
		// Whatever the code is, at most one of these four is it; then the test
		// would see a success and fail one time in 250,000.
		r.people.typo = []string{"111111", "222222", "333333", "444444"}
		r.do(t)
		r.refused(t, wire.CodeTooManyTries, wire.CodeTooManyTries)
		if len(r.people.typo) != 1 || r.sink.begun != 0 {
			t.Errorf("%d codes left, begun %d times", len(r.people.typo), r.sink.begun)
		}
	})
}

func TestDeclined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(t, newSource(1, 1, 1, 100, 0))
		r.people.decline = transfer.ErrDeclined
		r.do(t)
		r.refused(t, wire.CodeDeclined, wire.CodeDeclined)
		if !errors.Is(r.sendErr, transfer.ErrDeclined) {
			t.Errorf("send: %v", r.sendErr)
		}
		if r.recvDone > time.Second {
			t.Errorf("the new device waited %v", r.recvDone)
		}
	})
}

// A consent to less than was asked for sends less.
func TestConsentNarrowsTheScope(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newSource(1, 3, 2, 100, 0)
		r := newRun(t, src)
		r.people.scope = &segment.Scope{Rooms: src.rooms[1:2]}
		r.do(t)
		if r.sendErr != nil || len(r.sink.segments) != 2 || r.sent.Ledger.Imported != 20 {
			t.Errorf("%v, %d segments", r.sendErr, len(r.sink.segments))
		}
	})
}

// Before the code was typed the receiver holds nothing and asked for nothing.
func TestNothingBeforeTheCheckCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(t, newSource(1, 1, 1, 100, 0))
		var begun int
		r.people.onCode = func() {
			time.Sleep(time.Minute) // fake time: the person is slow
			begun = r.sink.begun
		}
		r.do(t)
		r.succeeded(t)
		if begun != 0 {
			t.Error("the import began before the check code")
		}
	})
}

// Strangers who know nothing: garbage, silence, and a flood, before, during and
// after. The offer still works.
func TestStrangersChangeNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(t, newSource(1, 2, 3, 50_000, 10_000))
		ctx, cancel := context.WithCancel(t.Context())
		var pokes [][]byte
		hello := make([]byte, wire.HeaderSize+wire.HelloSize)
		hello[0], hello[5] = byte(wire.Hello), wire.HelloSize
		for _, mode := range []byte{0, 1, 2, 0xff} {
			h := append([]byte(nil), hello...)
			h[wire.HeaderSize] = mode
			pokes = append(pokes, h)
		}
		pokes = append(pokes, nil, []byte("GET / HTTP/1.1\r\n\r\n"), make([]byte, 1000), []byte{1, 0, 0xff, 0xff, 0xff, 0xff})
		poke := func() {
			for _, p := range pokes {
				s, n := transfertest.Pipe()
				select {
				case r.network.conns <- n:
				case <-ctx.Done():
					return
				}
				go func() {
					defer s.Close()
					_, _ = s.Write(p)
					s.SetReadDeadline(time.Now().Add(20 * time.Second))
					got, _ := io.ReadAll(s)
					if len(got) > 0 {
						t.Errorf("a stranger was told %d bytes", len(got))
					}
				}()
			}
		}
		r.beforeSend = func(*pairing.Offer) { poke(); poke() }
		r.people.onCode = poke
		r.do(t)
		cancel()
		r.succeeded(t)
		synctest.Wait()
	})
}

// One flipped bit anywhere on the way ends in an error or in a connection that is
// replaced; never in another history.
func TestFlippedBits(t *testing.T) {
	src := newSource(8, 1, 3, 3_000, 2_000)
	for at := int64(1); at < 21_000; at += 173 {
		synctest.Test(t, func(t *testing.T) {
			r := newRun(t, src)
			r.timing.Person, r.timing.Reconnect = 30*time.Second, 10*time.Second
			r.network.faults = func(n int) (out, back transfertest.Faults) {
				out.FlipAt = at
				return
			}
			r.do(t)
			if r.sendErr == nil || r.receiveErr == nil {
				if err := r.sink.equal(src); err != nil {
					t.Errorf("flip at %d: %v", at, err)
				}
			} else if r.sink.commits > 0 {
				t.Errorf("flip at %d: committed, and %v", at, r.receiveErr)
			}
		})
	}
}

func TestWrongOffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// The offer of another device, at the address of this one.
		r := newRun(t, newSource(1, 1, 1, 100, 0))
		other, err := pairing.NewReceiver(pairing.ReceiverOptions{})
		if err != nil {
			t.Fatal(err)
		}
		r.timing.Reconnect = time.Second
		r.beforeSend = func(o *pairing.Offer) { o.Secret = other.Offer().Secret }
		r.do(t)
		r.refused(t, wire.CodeTimeout, wire.CodeExpired)
	})
}

func TestStorageFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(t, newSource(1, 1, 5, 100_000, 0))
		r.sink.failStage = errors.New("disk full")
		r.do(t)
		r.refused(t, wire.CodeStorage, wire.CodeStorage)
		var e *transfer.Error
		if !errors.As(r.sendErr, &e) || !e.Peer || r.sink.aborted != 1 {
			t.Errorf("%v, %d aborts", r.sendErr, r.sink.aborted)
		}
	})
}

func TestSourceFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(t, newSource(1, 1, 5, 100_000, 0))
		for id := range r.source.segments {
			delete(r.source.segments, id)
			break
		}
		r.do(t)
		r.refused(t, wire.CodeSource, wire.CodeSource)
	})
}

// An attachment that the source only refers to is counted, not lost in silence.
func TestAbsentAttachment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(t, newSource(1, 1, 3, 100, 50))
		delete(r.source.content, "message-0-1")
		r.do(t)
		r.succeeded(t)
		if n := r.sent.Ledger.AttachmentsQuarantined[segment.ContentAbsent]; n != 1 || r.sent.Ledger.AttachmentsImported != 2 {
			t.Errorf("ledger %+v", r.sent.Ledger)
		}
	})
}

func TestNobodyComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(t, newSource(1, 1, 1, 100, 0))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r.sendCtx = ctx
		r.do(t)
		r.refused(t, wire.CodeCancelled, wire.CodeExpired)
	})
}

func TestCancel(t *testing.T) {
	for _, who := range []string{"sender", "receiver"} {
		synctest.Test(t, func(t *testing.T) {
			r := newRun(t, newSource(1, 1, 50, 100_000, 0))
			r.timing.Reconnect = 5 * time.Second
			ctx, cancel := context.WithCancel(t.Context())
			r.people.onCode = func() { time.AfterFunc(time.Second, cancel) }
			r.sink.slow = 100 * time.Millisecond
			if who == "sender" {
				r.sendCtx = ctx
			} else {
				r.receiveCtx = ctx
			}
			r.do(t)
			r.refused(t, wire.CodeCancelled, wire.CodeCancelled)
			if len(r.sink.segments) == 0 {
				t.Error("nothing was durable yet")
			}
		})
	}
}

// An offer that leads to a relay: when a direct address in the bundle answers, the
// history takes that way; when none does, the relay's.
func TestNearerRoute(t *testing.T) {
	relayRoute := pairing.Route{Kind: pairing.RouteRelay, Path: "https://relay.example"}
	direct := pairing.Route{Kind: pairing.RouteTCP, Addr: netip.MustParseAddrPort("192.168.1.2:7373")}
	for _, reachable := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			r := newRun(t, newSource(1, 2, 2, 100, 0))
			r.routes = []pairing.Route{relayRoute, direct, direct}
			r.network.refuse = func(route pairing.Route) bool { return route == direct && !reachable }
			r.do(t)
			r.succeeded(t)
			want := relayRoute
			if reachable {
				want = direct
			}
			if r.sent.Route != want {
				t.Errorf("went over %v", r.sent.Route)
			}
		})
	}
}

// A peer that only keeps the connection alive is given up in the end.
func TestKeepAliveForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(t, newSource(1, 1, 1, 100, 0))
		r.sink.slow = time.Hour
		r.do(t)
		if transfer.CodeOf(r.sendErr) != wire.CodeTimeout {
			t.Errorf("send: %v", r.sendErr)
		}
		if r.sendDone > 10*time.Minute {
			t.Errorf("the old device waited %v", r.sendDone)
		}
	})
}
