package pairing

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/fxamacker/cbor/v2"
)

// RouteKind is a way to reach the receiver. The zero value is no route: the host application brings the
// connection itself.
type RouteKind uint8

const (
	// RouteTCP is a literal address and port.
	RouteTCP RouteKind = 1
	// RouteUnix is a unix socket on the same machine.
	RouteUnix RouteKind = 2
	// RouteRelay is a relay, by URL.
	RouteRelay RouteKind = 3
)

// Route is one way to reach the receiver. It comes from a stranger until the handshake is over: a caller
// asks before it goes to a relay that it does not know.
type Route struct {
	Kind RouteKind
	Addr netip.AddrPort // RouteTCP: an address without a zone
	Path string         // RouteUnix: the path, at most MaxPath bytes; RouteRelay: an http or https URL, at most MaxURL bytes
}

// String gives a form for people, quoted where the peer's text could act on a terminal.
func (r Route) String() string {
	switch r.Kind {
	case 0:
		return "no route"
	case RouteTCP:
		return "tcp " + r.Addr.String()
	case RouteUnix:
		return "unix socket " + strconv.QuoteToASCII(r.Path)
	case RouteRelay:
		return "relay " + strconv.QuoteToASCII(r.Path)
	}
	return "route of kind " + strconv.Itoa(int(r.Kind))
}

// Public tells whether the route leads to a literal address beyond the own network: neither loopback,
// private, unique-local nor link-local. Addresses that carriers share (RFC 6598) count as public, since strangers have them too. A socket
// and a relay do not: a caller asks about relays by name.
func (r Route) Public() bool {
	if r.Kind != RouteTCP {
		return false
	}
	a := r.Addr.Addr()
	return !a.IsLoopback() && !a.IsPrivate() && !a.IsLinkLocalUnicast()
}

// check refuses a route that no encoder writes. The errors are ErrMalformed and ErrLimit.
func (r Route) check() error {
	switch r.Kind {
	case 0:
		if r != (Route{}) {
			return fmt.Errorf("route without a kind: %w", ErrMalformed)
		}
	case RouteTCP:
		a := r.Addr.Addr()
		if !a.IsValid() || a.Zone() != "" || a.Is4In6() || a.IsUnspecified() || a.IsMulticast() || r.Addr.Port() == 0 || r.Path != "" {
			return fmt.Errorf("tcp route: not an address of one host with a port: %w", ErrMalformed)
		}
	case RouteUnix:
		if r.Path == "" || r.Addr.IsValid() {
			return fmt.Errorf("unix route: no path: %w", ErrMalformed)
		}
		if err := checkText(r.Path, MaxPath); err != nil {
			return fmt.Errorf("unix route: %w", err)
		}
	case RouteRelay:
		if r.Addr.IsValid() {
			return fmt.Errorf("relay route with an address: %w", ErrMalformed)
		}
		if err := checkURL(r.Path); err != nil {
			return fmt.Errorf("relay route: %w", err)
		}
	default:
		return fmt.Errorf("route of kind %d: %w", uint8(r.Kind), ErrMalformed)
	}
	return nil
}

// checkURL takes an http or https URL in plain ASCII that names a host and carries no password.
func checkURL(s string) error {
	if err := checkText(s, MaxURL); err != nil {
		return err
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return fmt.Errorf("url is not plain ASCII: %w", ErrMalformed)
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.Fragment != "" || u.Opaque != "" {
		// The parser's error repeats the URL.
		return fmt.Errorf("url is not http or https with a host only: %w", ErrMalformed)
	}
	return nil
}

// encoded gives the route's array: [], [1, address || port], [2, path] or [3, url].
func (r Route) encoded() []any {
	switch r.Kind {
	case 0:
		return []any{}
	case RouteTCP:
		a := r.Addr.Addr().AsSlice()
		return []any{uint8(r.Kind), binary.BigEndian.AppendUint16(a, r.Addr.Port())}
	default:
		return []any{uint8(r.Kind), r.Path}
	}
}

// parseRoute reads what encoded gave. The caller checks determinism.
func parseRoute(raw cbor.RawMessage) (Route, error) {
	var parts []cbor.RawMessage
	if err := decode(raw, &parts); err != nil || parts == nil {
		return Route{}, fmt.Errorf("read route: %w", ErrMalformed)
	}
	if len(parts) == 0 {
		return Route{}, nil
	}
	if len(parts) != 2 {
		return Route{}, fmt.Errorf("read route: %d elements: %w", len(parts), ErrMalformed)
	}
	var r Route
	if err := decode(parts[0], (*uint8)(&r.Kind)); err != nil || r.Kind == 0 {
		return Route{}, fmt.Errorf("read route: kind: %w", ErrMalformed)
	}
	if r.Kind == RouteTCP {
		var b []byte
		if err := decode(parts[1], &b); err != nil || len(b) != 4+2 && len(b) != 16+2 {
			return Route{}, fmt.Errorf("read route: address: %w", ErrMalformed)
		}
		a, _ := netip.AddrFromSlice(b[:len(b)-2])
		r.Addr = netip.AddrPortFrom(a, binary.BigEndian.Uint16(b[len(b)-2:]))
	} else if err := decode(parts[1], &r.Path); err != nil {
		return Route{}, fmt.Errorf("read route: path: %w", ErrMalformed)
	}
	if err := r.check(); err != nil {
		return Route{}, fmt.Errorf("read route: kind %d: %w", uint8(r.Kind), ErrMalformed)
	}
	return r, nil
}

// MarshalRoutes gives the one encoding of at most MaxRoutes routes, a deterministic CBOR array, for what a
// host stores. The errors are ErrMalformed and ErrLimit.
func MarshalRoutes(routes []Route) ([]byte, error) {
	if len(routes) > MaxRoutes {
		return nil, fmt.Errorf("encode routes: %d routes: %w", len(routes), ErrLimit)
	}
	all := make([][]any, len(routes))
	for i, r := range routes {
		if err := r.check(); err != nil {
			return nil, fmt.Errorf("encode routes: %w", err)
		}
		all[i] = r.encoded()
	}
	return encode(all), nil
}

// ParseRoutes reads what MarshalRoutes gave, and nothing else. The error is ErrMalformed.
func ParseRoutes(b []byte) ([]Route, error) {
	if len(b) > MaxRoutes*(MaxURL+8) {
		return nil, fmt.Errorf("read routes: %d bytes: %w", len(b), ErrMalformed)
	}
	var raw []cbor.RawMessage
	if err := decode(b, &raw); err != nil || raw == nil || len(raw) > MaxRoutes {
		return nil, fmt.Errorf("read routes: %w", ErrMalformed)
	}
	routes := make([]Route, len(raw))
	for i := range raw {
		var err error
		if routes[i], err = parseRoute(raw[i]); err != nil {
			return nil, err
		}
	}
	if again, err := MarshalRoutes(routes); err != nil || !bytes.Equal(again, b) {
		return nil, fmt.Errorf("read routes: encoding is not deterministic: %w", ErrMalformed)
	}
	return routes, nil
}
