package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// SocketPrefix marks a target of Dial as the path of a unix socket.
const SocketPrefix = "unix:"

// Dial connects to target: "host:port", or SocketPrefix and a path. It waits at most DialTimeout. A
// link-local IPv6 address without a zone is tried on every interface. Whether the target may be dialled at
// all (IsPrivate) is for the caller to decide.
func Dial(ctx context.Context, target string) (wire.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, DialTimeout)
	defer cancel()
	if path, ok := strings.CutPrefix(target, SocketPrefix); ok {
		c, err := new(net.Dialer).DialContext(ctx, "unix", path)
		if err != nil {
			return nil, fmt.Errorf("dial socket: %w", err)
		}
		return c.(wire.Conn), nil
	}
	targets := []string{target}
	if ap, err := netip.ParseAddrPort(target); err == nil && needsZone(ap.Addr()) {
		targets = withZones(ap)
	}
	c, err := dialFirst(ctx, targets)
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	return c, nil
}

// dialFirst dials all targets at a time and returns the first connection; the others are given up.
func dialFirst(ctx context.Context, targets []string) (wire.Conn, error) {
	if len(targets) == 0 {
		return nil, errors.New("no interface for a link-local address")
	}
	type result struct {
		conn net.Conn
		err  error
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan result)
	for _, t := range targets {
		go func() {
			// TCP_NODELAY is what Go sets by default.
			d := net.Dialer{KeepAliveConfig: keepAlive()}
			c, err := d.DialContext(ctx, "tcp", t)
			results <- result{c, err}
		}()
	}
	var winner net.Conn
	var errs []error
	for range targets { // every one is waited for: cancel ends the losers at once
		r := <-results
		switch {
		case r.err != nil:
			errs = append(errs, r.err)
		case winner != nil:
			r.conn.Close()
		default:
			winner = r.conn
			cancel()
		}
	}
	if winner == nil {
		return nil, errors.Join(errs...)
	}
	return winner, nil
}

func needsZone(a netip.Addr) bool {
	return a.Is6() && a.IsLinkLocalUnicast() && a.Zone() == "" && !a.Is4In6()
}

// withZones returns ap once for each interface that it could be on.
func withZones(ap netip.AddrPort) []string {
	ifs, err := net.Interfaces()
	if err != nil {
		return nil
	}
	var out []string
	for _, ifi := range ifs {
		if ifi.Flags&net.FlagUp != 0 && ifi.Flags&net.FlagLoopback == 0 && len(out) < maxZones {
			out = append(out, netip.AddrPortFrom(ap.Addr().WithZone(ifi.Name), ap.Port()).String())
		}
	}
	return out
}
