package relay

import (
	"context"
	"sync"

	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// Acceptor lets a session that wants to be called meet its peer on a relay: it asks for the next
// connection while the last one is still open, and a relay would take a second connection of the same role
// for its successor and cut the first. So each channel has one connection at a time.
type Acceptor struct {
	opt Options

	mu      sync.Mutex
	channel [16]byte
	open    chan struct{} // closed when the connection in channel was; nil without one
}

// NewAcceptor returns an Acceptor for the relay that o names.
func NewAcceptor(o Options) *Acceptor { return &Acceptor{opt: o} }

// Accept is Dial, but when the last connection that it returned was in the same channel it first waits
// until that one is closed. It is for one caller at a time.
func (a *Acceptor) Accept(ctx context.Context, v wire.Rendezvous) (wire.Conn, error) {
	a.mu.Lock()
	open := a.open
	same := a.channel == v.Channel
	a.mu.Unlock()
	if open != nil && same {
		select {
		case <-open:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	c, err := Dial(ctx, a.opt, v)
	if err != nil {
		return nil, err
	}
	open = make(chan struct{})
	a.mu.Lock()
	a.channel, a.open = v.Channel, open
	a.mu.Unlock()
	return &accepted{pipe: c.(*pipe), closed: sync.OnceFunc(func() { close(open) })}, nil
}

// accepted says when it is closed.
type accepted struct {
	*pipe
	closed func()
}

func (c *accepted) Close() error {
	defer c.closed()
	return c.pipe.Close()
}
