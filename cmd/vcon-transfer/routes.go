package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

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

// spoken is an Acceptor on a relay that tells the person, once for each reason,
// what keeps it from the relay: otherwise a wrong URL would look like an old
// device that does not come.
type spoken struct {
	relay *relay.Acceptor
	ui    *terminal
	said  relay.Reason
}

func (s *spoken) Accept(ctx context.Context, meet wire.Rendezvous) (wire.Conn, error) {
	conn, err := s.relay.Accept(ctx, meet)
	e, ok := errors.AsType[*relay.Error](err)
	if ok && ctx.Err() == nil && e.Reason != relay.NoPeer && e.Reason != s.said {
		s.said = e.Reason
		s.ui.warn("relay", "the relay cannot be used yet: %v. %s", e.Reason, e.Reason.Hint())
	}
	return conn, err
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
