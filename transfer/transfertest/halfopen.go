package transfertest

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"
)

// A HalfOpen is one end of a connection whose other end can vanish without a word, as when its machine
// loses power: what is written then is taken and never arrives, and nothing is read, not even an end.
type HalfOpen struct {
	net.Conn
	mu     sync.Mutex
	gone   bool
	nobody net.Conn // what is read from then on: nothing, with its deadlines
}

// NewHalfOpen wraps c.
func NewHalfOpen(c net.Conn) *HalfOpen {
	nobody, _ := PipeSize(1)
	return &HalfOpen{Conn: c, nobody: nobody}
}

// HalfOpenPipe is Pipe with ends that can vanish: Vanish of one is what it sees of the other one's death.
func HalfOpenPipe() (a, b *HalfOpen) {
	x, y := Pipe()
	return NewHalfOpen(x), NewHalfOpen(y)
}

// Vanish makes the other end silent. What arrived and was not read is lost.
func (c *HalfOpen) Vanish() {
	c.mu.Lock()
	c.gone = true
	c.mu.Unlock()
	c.Conn.SetReadDeadline(time.Unix(1, 0)) // wakes who reads
}

func (c *HalfOpen) vanished() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.gone
}

// Read is that of net.Conn; from a peer that vanished nothing comes before the deadline.
func (c *HalfOpen) Read(p []byte) (int, error) {
	if !c.vanished() {
		n, err := c.Conn.Read(p)
		if n > 0 || !c.vanished() {
			return n, err
		}
	}
	return c.nobody.Read(p)
}

// Write is that of net.Conn; to a peer that vanished everything seems to go.
func (c *HalfOpen) Write(p []byte) (int, error) {
	if c.vanished() {
		return len(p), nil
	}
	n, err := c.Conn.Write(p)
	if err != nil && c.vanished() && !errors.Is(err, net.ErrClosed) {
		return len(p), nil
	}
	return n, err
}

// CloseWrite ends this direction only.
func (c *HalfOpen) CloseWrite() error {
	if c.vanished() {
		return nil
	}
	return c.Conn.(interface{ CloseWrite() error }).CloseWrite()
}

// Close closes this end.
func (c *HalfOpen) Close() error { return errors.Join(c.Conn.Close(), c.nobody.Close()) }

// SetDeadline is that of net.Conn.
func (c *HalfOpen) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline is that of net.Conn.
func (c *HalfOpen) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.gone {
		c.Conn.SetReadDeadline(t)
	}
	return c.nobody.SetReadDeadline(t)
}

// DialHalfOpen is Dial, and gives the caller both ends.
func (l *Listener) DialHalfOpen(ctx context.Context) (client, server *HalfOpen, err error) {
	c, s := pipe(l.size, netip.MustParseAddrPort("198.51.100.1:40000"), l.addr)
	client, server = NewHalfOpen(c), NewHalfOpen(s)
	select {
	case l.queue <- server:
		return client, server, nil
	case <-l.closed:
		return nil, nil, errors.New("dial: connection refused")
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
}
