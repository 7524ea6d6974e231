package transfertest

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
)

// Listener is a net.Listener in memory, with fake addresses so that code which counts by address can be
// tested.
type Listener struct {
	addr   netip.AddrPort
	size   int
	queue  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

var _ net.Listener = (*Listener)(nil)

// NewListener returns a Listener whose connections are those of Pipe.
func NewListener() *Listener { return NewListenerSize(PipeBuffer) }

// NewListenerSize returns a Listener whose connections hold size bytes in each direction.
func NewListenerSize(size int) *Listener {
	return &Listener{
		addr:   netip.MustParseAddrPort("192.0.2.1:7373"),
		size:   size,
		queue:  make(chan net.Conn),
		closed: make(chan struct{}),
	}
}

// Accept waits for the next Dial.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept and every waiting Dial. Connections that exist go on.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr is a fake address from a documentation range.
func (l *Listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.addr) }

// Dial connects, from a fake address.
func (l *Listener) Dial(ctx context.Context) (net.Conn, error) {
	return l.DialFrom(ctx, netip.MustParseAddrPort("198.51.100.1:40000"))
}

// DialContext is Dial in the form of net.Dialer; network and address are not looked at.
func (l *Listener) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	return l.Dial(ctx)
}

// DialFrom connects from the given address.
func (l *Listener) DialFrom(ctx context.Context, from netip.AddrPort) (net.Conn, error) {
	client, server := pipe(l.size, from, l.addr)
	select {
	case l.queue <- server:
		return client, nil
	case <-l.closed:
		return nil, errors.New("dial: connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
