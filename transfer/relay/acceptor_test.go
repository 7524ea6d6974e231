package relay_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/transfer/relay"
	"github.com/vcon-transfer/vcon-transfer/transfer/relay/server"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// A session asks for the next connection while it uses the last one. That must not cut the last one.
func TestAcceptor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := transfertest.NewRelay(t, server.Options{})
		a := relay.NewAcceptor(r.Options())
		peer := meet
		peer.Role = wire.Sender
		accept := func(v wire.Rendezvous) chan wire.Conn {
			out := make(chan wire.Conn, 1)
			go func() {
				c, err := a.Accept(t.Context(), v)
				if err != nil {
					t.Error(err)
				}
				out <- c
			}()
			return out
		}
		firsts := accept(meet)
		s1, err := r.Meet(t.Context(), peer)
		if err != nil {
			t.Fatal(err)
		}
		first := <-firsts
		seconds := accept(meet)
		synctest.Wait()
		if len(seconds) != 0 {
			t.Fatal("a second connection while the first is open")
		}
		if _, err := s1.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := first.Read(make([]byte, 1)); err != nil {
			t.Errorf("the first connection was cut: %v", err)
		}
		// A waiting call ends with its context, and changes nothing.
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := a.Accept(ctx, meet); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Accept = %v", err)
		}
		first.Close()
		first.Close()
		s1.Close()
		s2, err := r.Meet(t.Context(), peer)
		if err != nil {
			t.Fatal(err)
		}
		second := <-seconds
		// Another channel does not wait.
		other, otherPeer := meet, peer
		other.Channel[0]++
		otherPeer.Channel[0]++
		thirds := accept(other)
		s3, err := r.Meet(t.Context(), otherPeer)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []wire.Conn{second, s2, s3, <-thirds} {
			c.Close()
		}
	})
}
