package server_test

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/transfer/relay"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// place is what a party of channel n shows.
func place(n byte, r wire.Role) wire.Rendezvous {
	return wire.Rendezvous{Channel: [16]byte{0xc0, n}, Token: [16]byte{0xd0, n, byte(r)}, Role: r}
}

// result is what Dial gave, when it has.
type result struct {
	conn wire.Conn
	err  error
}

// come starts a Dial to r.
func come(t *testing.T, r *transfertest.Relay, v wire.Rendezvous) <-chan result {
	out := make(chan result, 1)
	go func() {
		c, err := r.Meet(t.Context(), v)
		out <- result{c, err}
	}()
	return out
}

// meetAs seats both parties of a channel.
func meetAs(t *testing.T, r *transfertest.Relay, v, w wire.Rendezvous) (a, b wire.Conn) {
	t.Helper()
	first := come(t, r, v)
	synctest.Wait()
	second := <-come(t, r, w)
	if second.err != nil {
		t.Fatal(second.err)
	}
	f := <-first
	if f.err != nil {
		t.Fatal(f.err)
	}
	return f.conn, second.conn
}

// pairUp seats the receiver and the sender of channel n.
func pairUp(t *testing.T, r *transfertest.Relay, n byte) (receiver, sender wire.Conn) {
	t.Helper()
	return meetAs(t, r, place(n, wire.Receiver), place(n, wire.Sender))
}

// send writes at one end and reads at the other.
func send(t *testing.T, from, to wire.Conn, words string) {
	t.Helper()
	if _, err := io.WriteString(from, words); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(words))
	if _, err := io.ReadFull(to, got); err != nil || string(got) != words {
		t.Fatalf("read %q, %v; want %q", got, err, words)
	}
}

// alive checks that a pipe carries both ways.
func alive(t *testing.T, a, b wire.Conn) {
	t.Helper()
	send(t, a, b, "there")
	send(t, b, a, "and back")
}

// closedAfter reads until the end, and returns how long that took.
func closedAfter(t *testing.T, c wire.Conn) time.Duration {
	t.Helper()
	start := time.Now()
	if n, err := io.Copy(io.Discard, c); err != nil || n != 0 {
		t.Errorf("read %d bytes, %v", n, err)
	}
	return time.Since(start)
}

// refused checks why a Dial failed.
func refused(t *testing.T, r *transfertest.Relay, v wire.Rendezvous, want relay.Reason) {
	t.Helper()
	c, err := r.Meet(t.Context(), v)
	if err == nil {
		c.Close()
	}
	if !errors.Is(err, want) {
		t.Errorf("Dial = %v, want %v", err, want)
	}
}
