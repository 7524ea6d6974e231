package server

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"sync"

	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// Serve runs the relay on ln, which it closes, until ctx ends: then nobody new comes in, pipes go on for
// at most DrainTimeout, and the result is nil. Any other end is an error. One Server serves once.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	gated := newGate(ln, s.opt)
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true) // HTTP/2 has no Upgrade
	hs := &http.Server{
		Handler:           s,
		Protocols:         protocols,
		ReadHeaderTimeout: max(s.opt.HeaderTimeout, 0),
		ReadTimeout:       max(s.opt.HeaderTimeout, 0),
		WriteTimeout:      signalTimeout,
		MaxHeaderBytes:    wire.MaxRelayHeader - httpSlop,
		ErrorLog:          log.New(io.Discard, "", 0), // it would log addresses
	}
	hs.SetKeepAlivesEnabled(false) // one request a connection
	var conns sync.WaitGroup
	hs.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			conns.Add(1)
		case http.StateClosed, http.StateHijacked: // the hijacked ones are parties
			conns.Done()
		}
	}
	accepting := gated
	if s.opt.TLS != nil {
		cfg := s.opt.TLS.Clone()
		cfg.NextProtos = []string{"http/1.1"}
		accepting = tls.NewListener(accepting, cfg)
	}
	served := make(chan error, 1)
	go func() { served <- hs.Serve(accepting) }()
	s.log.Info("relay started", "tls", s.opt.TLS != nil)

	var failed error
	select {
	case failed = <-served:
	case <-ctx.Done():
		ln.Close()
		<-served
	}
	drained, cancel := context.WithTimeout(context.WithoutCancel(ctx), max(s.opt.DrainTimeout, 0))
	defer cancel()
	cut := s.Shutdown(drained)
	hs.Close() // what has not become a party: half a request, a TLS handshake
	conns.Wait()
	st := s.Stats()
	s.log.Info("relay stopped", "joined", st.Joined, "refused", st.Refused, "bytes", st.Bytes, "cut", cut != nil)
	if failed != nil && !errors.Is(failed, http.ErrServerClosed) {
		return failed
	}
	return nil
}

// httpSlop is what net/http reads beyond MaxHeaderBytes.
const httpSlop = 4096

// gate is a listener that closes at once what is over the limits, so that a stranger who opens connections
// and says nothing cannot take every place.
type gate struct {
	net.Listener
	maxAll, maxAddr int // negative: no limit

	mu     sync.Mutex
	open   int
	byAddr map[netip.Prefix]int
}

func newGate(ln net.Listener, o Options) net.Listener {
	all := -1
	if o.MaxChannels > 0 {
		all = connsPerChannel * o.MaxChannels
	}
	return &gate{Listener: ln, maxAll: all, maxAddr: o.MaxPerAddress, byAddr: map[netip.Prefix]int{}}
}

// Accept returns the next connection for which there is a place.
func (g *gate) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		who := addrGroup(c.RemoteAddr())
		if !g.enter(who) {
			c.Close()
			continue
		}
		return &gatedConn{Conn: c, leave: sync.OnceFunc(func() { g.leave(who) })}, nil
	}
}

func (g *gate) enter(who netip.Prefix) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.maxAll > 0 && g.open >= g.maxAll || g.maxAddr > 0 && who.IsValid() && g.byAddr[who] >= g.maxAddr {
		return false
	}
	g.open++
	if who.IsValid() {
		g.byAddr[who]++
	}
	return true
}

func (g *gate) leave(who netip.Prefix) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open--
	if !who.IsValid() {
		return
	}
	if g.byAddr[who]--; g.byAddr[who] == 0 {
		delete(g.byAddr, who)
	}
}

func addrGroup(a net.Addr) netip.Prefix {
	if t, ok := a.(*net.TCPAddr); ok {
		return group(t.AddrPort().Addr())
	}
	return netip.Prefix{}
}

// gatedConn gives its place back when it is closed.
type gatedConn struct {
	net.Conn
	leave func()
}

func (c *gatedConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// CloseWrite ends one direction where the connection can do that.
func (c *gatedConn) CloseWrite() error {
	if w, ok := c.Conn.(wire.CloseWriter); ok {
		return w.CloseWrite()
	}
	return errors.ErrUnsupported
}
