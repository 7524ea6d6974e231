// Package relay is the client of a relay: it meets the peer there and returns a pipe to it.
//
// It trusts the relay with nothing: what comes out of the pipe is a stranger's until the session has
// authenticated it. It never sends content, keys or the offer, only a channel id and a token that are
// derived from the pairing secret.
//
// It implements docs/wire-format.md, section "Relay", client part.
package relay

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// Options says which relay, and how to reach it.
type Options struct {
	// URL is http or https, with an optional port and path, and without user, query or fragment; at most
	// MaxURL bytes. With http the network can close the pipe, but not read it.
	URL string

	// Token pays for a new channel where the relay wants that; visible ASCII, at most
	// wire.MaxRelayBearer bytes, or empty.
	Token string

	// TLS is for https, nil for the system's defaults. The server's name and the protocol are filled in.
	TLS *tls.Config

	// DialContext makes the connection to the relay, nil for the system's TCP.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
}

// Dial connects to the relay, takes a place in the channel, and waits until the peer is there; the
// connection is then a pipe to the peer, with CloseWrite. ctx ends it at any moment before that, and means
// nothing afterwards.
//
// An error is an *Error; errors.Is finds its Reason. When ctx ended while the peer was awaited, both
// NoPeer and the error of ctx are in it.
func Dial(ctx context.Context, o Options, v wire.Rendezvous) (wire.Conn, error) {
	u, err := parseURL(o.URL)
	if err == nil {
		err = checkBearer(o.Token)
	}
	if err == nil && v.Role != wire.Receiver && v.Role != wire.Sender {
		err = errors.New("role is neither receiver nor sender")
	}
	if err != nil {
		return nil, &Error{Reason: BadOptions, Err: err}
	}

	// 1. A connection, with TLS if the URL says so, and the relay's 101.
	early, cancel := context.WithTimeout(ctx, HandshakeTimeout)
	defer cancel()
	c, err := connect(early, o, u)
	if err != nil {
		return nil, &Error{Reason: Unreachable, Err: cause(early, err)}
	}
	p := &pipe{Conn: c}
	if err := guard(early, c, func() error { return p.upgrade(u, o.Token, v) }); err != nil {
		c.Close()
		return nil, err
	}
	// 2. Signals, until the peer is here.
	if err := guard(ctx, c, p.await); err != nil {
		c.Close()
		if ctx.Err() != nil {
			return nil, &Error{Reason: NoPeer, Err: ctx.Err()}
		}
		return nil, err
	}
	return p, nil
}

// CheckURL reports what is wrong with the URL of a relay, without connecting.
func CheckURL(s string) error {
	_, err := parseURL(s)
	return err
}

// guard runs f and closes c when ctx ends meanwhile, which is the one thing that interrupts any call.
func guard(ctx context.Context, c net.Conn, f func() error) error {
	stop := context.AfterFunc(ctx, func() { c.Close() })
	err := f()
	if !stop() {
		return &Error{Reason: Unreachable, Err: ctx.Err()}
	}
	return err
}

// cause is the end of ctx rather than what that end did to the connection.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func connect(ctx context.Context, o Options, u *url.URL) (net.Conn, error) {
	dial := o.DialContext
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	c, err := dial(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil || u.Scheme == "http" {
		return c, err
	}
	cfg := o.TLS.Clone()
	if cfg == nil {
		cfg = &tls.Config{}
	}
	if cfg.ServerName == "" {
		cfg.ServerName = u.Hostname()
	}
	cfg.NextProtos = []string{"http/1.1"} // HTTP/2 has no Upgrade
	t := tls.Client(c, cfg)
	if err := t.HandshakeContext(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return t, nil
}

// pipe is the connection. What was read together with the relay's response comes first.
type pipe struct {
	net.Conn
	ahead *bufio.Reader // nil once it is empty
}

// upgrade sends the request and reads the response, of at most wire.MaxRelayHeader bytes.
func (p *pipe) upgrade(u *url.URL, bearer string, v wire.Rendezvous) error {
	if _, err := p.Conn.Write(request(u, bearer, v)); err != nil {
		return &Error{Reason: Unreachable, Err: err}
	}
	head := &io.LimitedReader{R: p.Conn, N: wire.MaxRelayHeader}
	p.ahead = bufio.NewReader(head)
	resp, err := http.ReadResponse(p.ahead, nil)
	if err != nil {
		var netErr net.Error
		if head.N > 0 && (errors.As(err, &netErr) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)) {
			return &Error{Reason: Unreachable, Err: err}
		}
		// What a server says that is no relay may be anything, so it is not repeated.
		return &Error{Reason: NotRelay, Err: errors.New("response is not HTTP or too long")}
	}
	resp.Body.Close() // reads nothing of the connection after a 101, and nothing else is read
	if err := verdict(resp); err != nil {
		return err
	}
	head.N = math.MaxInt64
	return nil
}

func request(u *url.URL, bearer string, v wire.Rendezvous) []byte {
	b := fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: %s\r\n",
		strings.TrimSuffix(u.EscapedPath(), "/")+wire.RelayLivePath, u.Host, wire.RelayProtocol)
	b = fmt.Appendf(b, "%s: %s\r\n%s: %s\r\n%s: %s\r\n",
		wire.RelayChannelHeader, hex.EncodeToString(v.Channel[:]),
		wire.RelayRoleHeader, v.Role,
		wire.RelayTokenHeader, hex.EncodeToString(v.Token[:]))
	if bearer != "" {
		b = fmt.Appendf(b, "Authorization: Bearer %s\r\n", bearer)
	}
	return append(b, "\r\n"...)
}

func verdict(resp *http.Response) error {
	reason := NotRelay
	switch {
	case resp.Header.Get(wire.RelayServerHeader) != "1":
	case resp.StatusCode == http.StatusSwitchingProtocols && resp.Header.Get("Upgrade") == wire.RelayProtocol:
		return nil
	case resp.StatusCode == http.StatusUnauthorized:
		reason = Unauthorized
	case resp.StatusCode == http.StatusForbidden:
		reason = Taken
	case resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode == http.StatusServiceUnavailable:
		reason = Busy
	}
	return &Error{Reason: reason, Status: resp.StatusCode}
}

// await reads signals until the peer is here.
func (p *pipe) await() error {
	for range maxSignals {
		if err := p.Conn.SetReadDeadline(time.Now().Add(silence)); err != nil {
			return &Error{Reason: Unreachable, Err: err}
		}
		b, err := p.ahead.ReadByte()
		if err != nil {
			return &Error{Reason: Unreachable, Err: err}
		}
		switch wire.RelaySignal(b) {
		case wire.RelayWait:
			continue
		case wire.RelayJoined:
			return p.Conn.SetReadDeadline(time.Time{})
		case wire.RelayNoPeer:
			return &Error{Reason: NoPeer}
		case wire.RelayReplaced:
			return &Error{Reason: Replaced}
		case wire.RelayClosing:
			return &Error{Reason: Closing}
		}
		return &Error{Reason: NotRelay, Err: errors.New("signal is unknown")}
	}
	return &Error{Reason: NoPeer, Err: errors.New("too many signals")}
}

func (p *pipe) Read(b []byte) (int, error) {
	if p.ahead != nil {
		if n := p.ahead.Buffered(); n > 0 {
			return p.ahead.Read(b[:min(len(b), n)])
		}
		p.ahead = nil
	}
	return p.Conn.Read(b)
}

// CloseWrite ends this direction: the peer reads io.EOF after what was written before.
func (p *pipe) CloseWrite() error {
	if w, ok := p.Conn.(wire.CloseWriter); ok {
		return w.CloseWrite()
	}
	return errors.ErrUnsupported
}

func parseURL(s string) (*url.URL, error) {
	if len(s) > MaxURL {
		return nil, fmt.Errorf("url has %d bytes: at most %d", len(s), MaxURL)
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, errors.New("url cannot be parsed") // the cause repeats the URL
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("url is neither http nor https")
	case u.Hostname() == "":
		return nil, errors.New("url has no host")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("url has a user, query or fragment")
	}
	return u, nil
}

// checkBearer keeps what is not a token out of the request's head.
func checkBearer(s string) error {
	if len(s) > wire.MaxRelayBearer {
		return fmt.Errorf("token has %d bytes: at most %d", len(s), wire.MaxRelayBearer)
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return errors.New("token is not visible ascii")
		}
	}
	return nil
}
