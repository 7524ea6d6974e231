package transfertest_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// meet connects once.
func meet(t *testing.T, n *transfertest.Network) (sender, receiver wire.Conn) {
	t.Helper()
	accepted := make(chan wire.Conn, 1)
	go func() {
		c, err := n.Accept(t.Context(), wire.Rendezvous{})
		if err != nil {
			t.Error(err)
		}
		accepted <- c
	}()
	sender, err := n.Dial(t.Context(), pairing.Route{}, wire.Rendezvous{})
	if err != nil {
		t.Fatal(err)
	}
	return sender, <-accepted
}

func TestNetworkIsCutOrVanishes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n transfertest.Network
		s, r := meet(t, &n)
		s.Write([]byte("heard"))
		n.Cut()
		if _, err := s.Write([]byte("x")); err == nil {
			t.Error("a connection that was cut takes more")
		}
		s, r2 := meet(t, &n)
		n.Vanish()
		if _, err := s.Write([]byte("lost")); err != nil {
			t.Errorf("Write to nobody = %v", err)
		}
		r2.SetReadDeadline(time.Now().Add(time.Hour))
		if got, err := io.ReadAll(r2); len(got) > 0 || err == nil {
			t.Errorf("heard %q, %v from nobody", got, err)
		}
		if n.Made() != 2 {
			t.Errorf("%d connections", n.Made())
		}
		for _, c := range []wire.Conn{s, r, r2} {
			c.Close()
		}
	})
}

func TestNetworkIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := transfertest.Network{Down: func(attempt int) bool { return attempt == 0 }}
		start := time.Now()
		for range 2 { // the network is down, and then nobody accepts
			if c, err := n.Dial(t.Context(), pairing.Route{}, wire.Rendezvous{}); err == nil {
				t.Errorf("connected: %v", c)
			}
		}
		if waited := time.Since(start); waited != 10*time.Second {
			t.Errorf("waited %v", waited)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := n.Dial(ctx, pairing.Route{}, wire.Rendezvous{}); !errors.Is(err, context.Canceled) {
			t.Errorf("Dial = %v", err)
		}
		if _, err := n.Accept(ctx, wire.Rendezvous{}); !errors.Is(err, context.Canceled) {
			t.Errorf("Accept = %v", err)
		}
	})
}

func TestPeopleMistypeAndDecline(t *testing.T) {
	for _, c := range []struct {
		name         string
		people       *transfertest.People
		sent, landed wire.Code // 0 for success
	}{
		{name: "twice", people: &transfertest.People{Typos: []string{"000000", "12345"}}},
		{name: "too often", people: &transfertest.People{Typos: slices.Repeat([]string{"000000"}, 3)},
			sent: wire.CodeTooManyTries, landed: wire.CodeTooManyTries},
		{name: "declined", people: &transfertest.People{Decide: func(transfer.ConsentRequest) (segment.Scope, error) {
			return segment.Scope{}, transfer.ErrDeclined
		}}, sent: wire.CodeDeclined, landed: wire.CodeDeclined},
	} {
		t.Run(c.name, func(t *testing.T) {
			source, sink, done := sampleTransfer()
			defer done()
			synctest.Test(t, func(t *testing.T) {
				o := transfertest.Run(t.Context(),
					transfer.SendOptions{Source: source, Prompter: c.people, Label: "old phone"},
					transfer.ReceiveOptions{Sink: sink, Prompter: c.people})
				if (o.SendErr == nil) != (c.sent == 0) || o.SendErr != nil && transfer.CodeOf(o.SendErr) != c.sent {
					t.Errorf("send: %v", o.SendErr)
				}
				if (o.ReceiveErr == nil) != (c.landed == 0) || o.ReceiveErr != nil && transfer.CodeOf(o.ReceiveErr) != c.landed {
					t.Errorf("receive: %v", o.ReceiveErr)
				}
				if (o.Err() == nil) != (c.sent == 0) {
					t.Errorf("Err = %v", o.Err())
				}
				if asked := c.people.Asked(); len(asked) != 1 || asked[0].Overview.Messages == 0 {
					t.Errorf("asked %v", asked)
				}
				if w := c.people.Warnings(); len(w) > 0 {
					t.Errorf("warned of %v", w)
				}
			})
		})
	}
}

// A process that ends leaves its State, and the next one goes on without a person.
func TestStateGoesOn(t *testing.T) {
	source, sink, done := sampleTransfer()
	defer done()
	synctest.Test(t, func(t *testing.T) {
		var sent, received transfertest.State
		ctx, kill := context.WithCancelCause(t.Context())
		died := errors.New("the process ends")
		network := &transfertest.Network{}
		o := transfertest.Run(ctx,
			transfer.SendOptions{Source: source, Dialer: network, State: &sent},
			transfer.ReceiveOptions{Sink: sink, Acceptors: []transfer.Acceptor{network}, State: &received,
				Progress: func(transfer.Progress) { kill(died) }})
		if o.Err() == nil {
			t.Fatal("nothing ended")
		}
		old, err := sent.Load()
		if err != nil || old == nil {
			t.Fatalf("the old device has %v, %v", old, err)
		}
		fresh, err := received.Load()
		if err != nil || fresh == nil {
			t.Fatalf("the new device has %v, %v", fresh, err)
		}
		nobody := &transfertest.People{Decide: func(transfer.ConsentRequest) (segment.Scope, error) {
			t.Error("asked again")
			return segment.Scope{}, transfer.ErrDeclined
		}}
		o = transfertest.Run(t.Context(),
			transfer.SendOptions{Source: source, Dialer: network, State: &sent, Resume: old, Prompter: nobody},
			transfer.ReceiveOptions{Sink: sink, Acceptors: []transfer.Acceptor{network}, State: &received, Resume: fresh, Prompter: nobody})
		if err := o.Err(); err != nil {
			t.Fatal(err)
		}
		for _, s := range []*transfertest.State{&sent, &received} {
			if c, err := s.Load(); c != nil || err != nil {
				t.Errorf("left: %v, %v", c, err)
			}
		}
	})
}
