package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer/local"
	"github.com/vcon-transfer/vcon-transfer/transfer/relay"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// routes is the old device's Dialer: TCP, unix sockets and relays.
type routes struct {
	relayToken string
}

func (r *routes) Dial(ctx context.Context, route pairing.Route, meet wire.Rendezvous) (wire.Conn, error) {
	switch route.Kind {
	case pairing.RouteTCP:
		return local.Dial(ctx, route.Addr.String())
	case pairing.RouteUnix:
		return local.Dial(ctx, local.SocketPrefix+route.Path)
	case pairing.RouteRelay:
		return relay.Dial(ctx, relay.Options{URL: route.Path, Token: r.relayToken}, meet)
	}
	return nil, fmt.Errorf("dial: unknown kind of route %d", route.Kind)
}

// lan is the new device's Acceptor on its own addresses and its socket.
type lan struct{ *local.Listener }

func (l lan) Accept(ctx context.Context, _ wire.Rendezvous) (wire.Conn, error) {
	return l.Listener.Accept(ctx)
}

// relayed is the new device's Acceptor on a relay. A relay seats one party of a
// role in a channel, so the next connection waits until the last one on that
// channel is closed.
type relayed struct {
	options relay.Options

	mu     sync.Mutex
	seated map[[16]byte]chan struct{}
}

func (r *relayed) Accept(ctx context.Context, meet wire.Rendezvous) (wire.Conn, error) {
	r.mu.Lock()
	last := r.seated[meet.Channel]
	r.mu.Unlock()
	if last != nil {
		select {
		case <-last:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	conn, err := relay.Dial(ctx, r.options, meet)
	if err != nil {
		return nil, err
	}
	left := make(chan struct{})
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seated == nil {
		r.seated = make(map[[16]byte]chan struct{})
	}
	r.seated[meet.Channel] = left
	return &seat{Conn: conn, leave: sync.OnceFunc(func() { close(left) })}, nil
}

// A seat is a connection that tells when it is closed.
type seat struct {
	wire.Conn
	leave func()
}

func (s *seat) Close() error {
	defer s.leave()
	return s.Conn.Close()
}

// CloseWrite ends this side's direction, where the connection can.
func (s *seat) CloseWrite() error {
	if half, ok := s.Conn.(wire.CloseWriter); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// relayToken reads the token file of a relay; a secret is never an argument.
func relayToken(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", usageError{fmt.Errorf("read relay token: %w", err)}
	}
	line, _, _ := bytes.Cut(b, []byte("\n"))
	return strings.TrimSpace(string(line)), nil
}
