package transfer_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/relay"
	"github.com/vcon-transfer/vcon-transfer/transfer/relay/server"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// A relayDialer meets the new device on a relay; its n-th connection, from 0,
// breaks at the write that cut says, from 1, or never.
type relayDialer struct {
	*transfertest.Relay
	dialed atomic.Int64
	cut    func(n int64) int
}

func (d *relayDialer) Dial(ctx context.Context, _ pairing.Route, v wire.Rendezvous) (wire.Conn, error) {
	c, err := d.Meet(ctx, v)
	if err != nil {
		return nil, err
	}
	return &cutConn{Conn: c, at: d.cut(d.dialed.Add(1) - 1)}, nil
}

// A cutConn breaks instead of its at-th write.
type cutConn struct {
	wire.Conn
	writes, at int
}

func (c *cutConn) Write(p []byte) (int, error) {
	if c.writes++; c.writes == c.at {
		return 0, errors.Join(errors.New("cut by the test"), c.Conn.Close())
	}
	return c.Conn.Write(p)
}

// Over a relay the two devices find each other again after a cut at any of the
// first writes: M0, M2, confirm, page, and so on.
func TestCutOverRelay(t *testing.T) {
	for at := 2; at < 8; at++ {
		synctest.Test(t, func(t *testing.T) {
			rel := transfertest.NewRelay(t, server.Options{})
			d := &relayDialer{Relay: rel, cut: func(n int64) int {
				if n == 0 {
					return at
				}
				return 0
			}}
			src, sink, people := newSource(1, 1, 3, 50_000, 0), newSink(t), newPeople()
			done := make(chan error, 1)
			go func() {
				_, err := transfer.Receive(t.Context(), transfer.ReceiveOptions{
					Sink: sink, Acceptors: []transfer.Acceptor{relay.NewAcceptor(rel.Options())}, Prompter: people,
					Offer: pairing.ReceiverOptions{Routes: []pairing.Route{{Kind: pairing.RouteRelay, Path: "http://relay.test"}}},
				})
				done <- err
			}()
			_, err := transfer.Send(t.Context(), transfer.SendOptions{Source: src, Offer: <-people.offer, Dialer: d, Prompter: people})
			if err := errors.Join(err, <-done); err != nil {
				t.Errorf("cut at write %d: %v", at, err)
			} else if err := sink.equal(src); err != nil {
				t.Errorf("cut at write %d: %v", at, err)
			}
			if err := rel.Stop(); err != nil {
				t.Error(err)
			}
		})
	}
}
