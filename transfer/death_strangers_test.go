package transfer_test

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// A tape is what the sender wrote to a connection, for a stranger.
type tape struct {
	mu      sync.Mutex
	written []byte
	meet    wire.Rendezvous
}

// maxTape bounds what is repeated of a connection.
const maxTape = 100_000

// record begins a tape, when there are strangers to make use of it.
func (n *deathNet) record(v wire.Rendezvous) *tape {
	if n.rnd == nil {
		return nil
	}
	r := &tape{meet: v}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.recorded = append(n.recorded, r)
	return r
}

func (r *tape) add(p []byte) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.written = append(r.written, p[:min(len(p), maxTape-len(r.written))]...)
}

// strangers repeat what was recorded to the new device: on a connection of their own,
// or as the relay could, in the place of the old device.
func (n *deathNet) strangers() {
	for range n.rnd.IntN(12) {
		select {
		case <-n.ended:
			return
		case <-time.After(time.Duration(n.rnd.IntN(8_000)) * time.Millisecond):
		}
		n.mu.Lock()
		var what []byte
		var v wire.Rendezvous
		if len(n.recorded) > 0 {
			r := n.recorded[n.rnd.IntN(len(n.recorded))]
			r.mu.Lock()
			what, v = append(what, r.written...), r.meet
			r.mu.Unlock()
		}
		now := n.relay
		n.mu.Unlock()
		if n.rnd.IntN(2) == 0 && len(what) > 0 {
			what = what[:n.rnd.IntN(len(what))]
		}
		if c := n.stranger(now, v); c != nil {
			n.play(c, what)
		}
	}
}

// stranger is a connection to the new device, or nil.
func (n *deathNet) stranger(now *transfertest.Relay, v wire.Rendezvous) wire.Conn {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second) // fake
	defer cancel()
	if len(n.routes) > 0 {
		if now == nil || v.Role == 0 {
			return nil
		}
		c, err := now.Meet(ctx, v)
		if err != nil {
			return nil
		}
		return c
	}
	s, r := transfertest.HalfOpenPipe()
	select {
	case n.conns <- &arrival{r, ends{r, s}}:
		return s
	case <-ctx.Done():
		return nil
	}
}

func (n *deathNet) play(c wire.Conn, what []byte) {
	var wait sync.WaitGroup
	wait.Go(func() { _, _ = io.Copy(io.Discard, c) })
	c.SetWriteDeadline(time.Now().Add(time.Duration(1+n.rnd.IntN(10_000)) * time.Millisecond))
	_, _ = c.Write(what)
	select {
	case <-n.ended:
	case <-time.After(time.Duration(n.rnd.IntN(3_000)) * time.Millisecond):
	}
	c.Close()
	wait.Wait()
	n.w.note("repeated")
}
