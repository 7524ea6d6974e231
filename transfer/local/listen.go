// Package local carries a session over what is near: TCP on private addresses, and unix sockets.
//
// It never looks at what it carries, never resolves or announces names, and unless it is told an address
// it listens on private ones only. What connects is a stranger until the session has authenticated it, so
// the number of connections is bounded, in all and by address.
//
// It implements docs/wire-format.md, section "Transports", local part.
package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// Options says where to listen. The zero value means every private address of this machine, on one free
// port.
type Options struct {
	// Addr is "host:port". Without a host (":0", ":7373") it means every private address; a port of 0
	// means a free one. Any address is taken when it is named, public ones and 0.0.0.0 included.
	Addr string

	// Socket is the path of a unix socket. With a Socket and no Addr there is no TCP.
	Socket string
}

// Listener takes connections from the sending device, on any number of addresses. Its methods may be
// called concurrently.
type Listener struct {
	addrs  []netip.AddrPort
	lns    []net.Listener
	socket *socket // nil without one
	gate   gate
	queue  chan wire.Conn // holds MaxConns, so that admitting never blocks
	closed chan struct{}
	once   sync.Once
	tasks  sync.WaitGroup
}

// Listen starts to listen. ctx bounds the setup only; Close ends the Listener. When no private address is
// there, loopback is used, so that two programs on one machine always find each other.
func Listen(ctx context.Context, o Options) (*Listener, error) {
	l := &Listener{
		queue:  make(chan wire.Conn, MaxConns),
		closed: make(chan struct{}),
	}
	l.gate.byAddr = map[netip.Prefix]int{}
	if err := l.open(ctx, o); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	for _, ln := range l.lns {
		l.tasks.Go(func() { l.serve(ln) })
	}
	return l, nil
}

func (l *Listener) open(ctx context.Context, o Options) error {
	if o.Socket != "" {
		s, err := listenSocket(ctx, o.Socket)
		if err != nil {
			return fmt.Errorf("listen on socket: %w", err)
		}
		l.socket = s
		l.lns = append(l.lns, s.ln)
		if o.Addr == "" {
			return nil
		}
	}
	addr := o.Addr
	if addr == "" {
		addr = ":0"
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if host != "" {
		return l.openNamed(ctx, addr)
	}
	return l.openPrivate(ctx, port)
}

// openNamed listens where the caller said. A wildcard is told as the private addresses that it covers.
func (l *Listener) openNamed(ctx context.Context, addr string) error {
	ln, err := listenTCP(ctx, addr)
	if err != nil {
		return err
	}
	l.lns = append(l.lns, ln)
	bound := addrPort(ln.Addr())
	if !bound.Addr().IsUnspecified() {
		l.addrs = []netip.AddrPort{told(bound)}
		return nil
	}
	for _, a := range candidates() {
		// The IPv6 wildcard also takes IPv4.
		if a.Is4() || bound.Addr().Is6() {
			l.addrs = append(l.addrs, told(netip.AddrPortFrom(a, bound.Port())))
		}
	}
	return nil
}

// openPrivate listens on each private address, on the same port where that is possible. The first one has
// to work; the others are extras.
func (l *Listener) openPrivate(ctx context.Context, port string) error {
	var errs []error
	for _, a := range candidates() {
		ln, err := listenTCP(ctx, net.JoinHostPort(a.String(), port))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		bound := addrPort(ln.Addr())
		l.lns = append(l.lns, ln)
		l.addrs = append(l.addrs, told(netip.AddrPortFrom(a, bound.Port())))
		port = strconv.Itoa(int(bound.Port()))
	}
	if len(l.addrs) == 0 {
		return errors.Join(errs...)
	}
	return nil
}

// Addrs returns the addresses to tell the peer, the one on the default route first; at most MaxAddrs, nil
// with only a socket. Zones are left out: they mean nothing on another machine.
func (l *Listener) Addrs() []netip.AddrPort { return slices.Clone(l.addrs) }

// Accept returns the next connection. The caller closes it, which makes room for another one. After Close
// the error is net.ErrClosed; otherwise it is that of ctx.
func (l *Listener) Accept(ctx context.Context) (wire.Conn, error) {
	select {
	case <-l.closed: // first, because a closed listener gives nothing out
		return nil, net.ErrClosed
	default:
	}
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Close stops listening, removes the socket and closes the connections that nobody has accepted; the
// accepted ones go on. It may be called more than once.
func (l *Listener) Close() error {
	var errs []error
	l.once.Do(func() {
		close(l.closed)
		for _, ln := range l.lns {
			errs = append(errs, ln.Close())
		}
		if l.socket != nil {
			errs = append(errs, l.socket.remove())
		}
		l.tasks.Wait()
		for len(l.queue) > 0 {
			(<-l.queue).Close()
		}
	})
	return errors.Join(errs...)
}

// serve takes connections from one of the addresses until it is closed.
func (l *Listener) serve(ln net.Listener) {
	pause := acceptPause
	for {
		c, err := ln.Accept()
		switch {
		case err == nil:
			pause = acceptPause
			l.admit(c)
		case errors.Is(err, net.ErrClosed):
			return
		default:
			select {
			case <-time.After(pause):
				pause = min(2*pause, acceptPauseMax)
			case <-l.closed:
				return
			}
		}
	}
}

func (l *Listener) admit(c net.Conn) {
	release, ok := l.gate.enter(c.RemoteAddr())
	if !ok {
		c.Close()
		return
	}
	switch c := c.(type) {
	case *net.TCPConn:
		l.queue <- &tcpConn{TCPConn: c, release: release}
	case *net.UnixConn:
		l.queue <- &unixConn{UnixConn: c, release: release}
	default:
		c.Close()
		release()
	}
}

// tcpConn and unixConn give their place back when they are closed. They embed the concrete types to keep
// CloseWrite and vectored writes.
type tcpConn struct {
	*net.TCPConn
	release func()
}

func (c *tcpConn) Close() error { defer c.release(); return c.TCPConn.Close() }

type unixConn struct {
	*net.UnixConn
	release func()
}

func (c *unixConn) Close() error { defer c.release(); return c.UnixConn.Close() }

func listenTCP(ctx context.Context, addr string) (net.Listener, error) {
	lc := net.ListenConfig{KeepAliveConfig: keepAlive()}
	return lc.Listen(ctx, "tcp", addr)
}

func keepAlive() net.KeepAliveConfig {
	return net.KeepAliveConfig{Enable: true, Idle: keepAliveIdle, Interval: keepAliveInterval, Count: keepAliveCount}
}

func addrPort(a net.Addr) netip.AddrPort {
	if t, ok := a.(*net.TCPAddr); ok {
		ap := t.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	return netip.AddrPort{}
}

func told(ap netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(ap.Addr().WithZone(""), ap.Port())
}
