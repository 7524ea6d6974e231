// Package server is a relay: two parties that know the same channel id meet on one port, and what one
// writes the other reads.
//
// It is blind. It never looks into the pipe, keeps nothing of it, and links neither codec nor hpke. It
// logs counts and times, never a channel id, a token or an address. A stranger who does not hold a role's
// token can neither take that role nor disturb those who have it.
//
// It implements docs/wire-format.md, section "Relay", server part.
package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Options sets the limits; the zero value of each field is its default (limits.go), and a negative number
// means that there is none.
type Options struct {
	MaxChannels   int // channels that are in use or remembered
	MaxPerAddress int // parties, and connections of Serve, from one IPv4 address or IPv6 /64

	WaitTimeout   time.Duration // of a party for its peer
	IdleTimeout   time.Duration // of a pipe
	LingerTimeout time.Duration // of one direction after the other ended
	KeepTimeout   time.Duration // of a channel's tokens without a party
	HeaderTimeout time.Duration // of a request's head
	DrainTimeout  time.Duration // of pipes when Serve is asked to stop

	MaxBytes int64 // carried in a channel, both directions together, reconnections included; default none
	MaxRate  int64 // bytes a second in a pipe, both directions together; default none

	// Tokens may create channels. Nil means that everybody may.
	Tokens *Tokens

	// TLS is used by Serve; nil means plain HTTP, for a proxy in front or a private network.
	TLS *tls.Config

	// ClientAddr says where a request came from, for a relay behind a proxy. Nil means its remote address.
	// An invalid address is not counted.
	ClientAddr func(*http.Request) netip.Addr

	// Logger gets counts and times. Nil means no logs.
	Logger *slog.Logger
}

// Server is a relay. It is an http.Handler for a server of the caller's, which must speak HTTP/1.1 and
// have a ReadHeaderTimeout; or it is run by Serve.
type Server struct {
	opt Options
	log *slog.Logger

	mu       sync.Mutex
	channels map[id]*channel
	idle     idleList // channels without a party, the oldest first
	byAddr   map[netip.Prefix]int
	draining bool

	drain   chan struct{} // closed when draining begins: nobody waits any more
	kill    chan struct{} // closed when draining is over: pipes end
	cut     sync.Once
	parties sync.WaitGroup
	buffers sync.Pool

	waiting, pipes          atomic.Int64
	joined, refused, volume atomic.Int64
}

// Stats are counts, for health and metrics.
type Stats struct {
	Channels int   // in use or remembered
	Waiting  int64 // parties that wait for their peer
	Pipes    int64 // pairs that are connected
	Joined   int64 // pairs that were connected since the start
	Refused  int64 // requests that were refused since the start
	Bytes    int64 // carried since the start, both directions
}

// New returns a relay with these limits.
func New(o Options) *Server {
	o.MaxChannels = cmp.Or(o.MaxChannels, DefaultMaxChannels)
	o.MaxPerAddress = cmp.Or(o.MaxPerAddress, DefaultMaxPerAddress)
	o.WaitTimeout = cmp.Or(o.WaitTimeout, DefaultWaitTimeout)
	o.IdleTimeout = cmp.Or(o.IdleTimeout, DefaultIdleTimeout)
	o.LingerTimeout = cmp.Or(o.LingerTimeout, DefaultLingerTimeout)
	o.KeepTimeout = cmp.Or(o.KeepTimeout, DefaultKeepTimeout)
	o.HeaderTimeout = cmp.Or(o.HeaderTimeout, DefaultHeaderTimeout)
	o.DrainTimeout = cmp.Or(o.DrainTimeout, DefaultDrainTimeout)
	log := o.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Server{
		opt:      o,
		log:      log,
		channels: map[id]*channel{},
		byAddr:   map[netip.Prefix]int{},
		drain:    make(chan struct{}),
		kill:     make(chan struct{}),
		buffers:  sync.Pool{New: func() any { return new([bufferSize]byte) }},
	}
}

// Stats returns the counts as they are now.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	n := len(s.channels)
	s.mu.Unlock()
	return Stats{n, s.waiting.Load(), s.pipes.Load(), s.joined.Load(), s.refused.Load(), s.volume.Load()}
}

// Shutdown refuses new parties, tells those who wait that the relay is going away, and waits for the pipes
// to end. When ctx ends first they are cut, and the error is that of ctx.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	if !s.draining {
		s.draining = true
		close(s.drain)
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() { s.parties.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	s.cut.Do(func() { close(s.kill) })
	<-done
	return ctx.Err()
}

// ServeHTTP answers a health check or seats a party; it returns when the party is gone.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set(relayHeader, "1")
	h.Set("Cache-Control", "no-store")
	switch r.URL.Path {
	case healthPath:
		s.health(w)
	case livePath:
		s.live(w, r)
	default:
		s.refuse(w, refusal{http.StatusNotFound, "no such resource"})
	}
}

func (s *Server) health(w http.ResponseWriter) {
	s.mu.Lock()
	draining := s.draining
	s.mu.Unlock()
	if draining {
		http.Error(w, "closing", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	io.WriteString(w, "ok\n")
}

// refusal is an answer that is not 101. The text is for people who debug; clients go by the status.
type refusal struct {
	status int
	text   string
}

func (r refusal) Error() string { return r.text }

func (s *Server) refuse(w http.ResponseWriter, r refusal) {
	s.refused.Add(1)
	s.log.Debug("refused", "status", r.status)
	switch r.status {
	case http.StatusUpgradeRequired:
		w.Header().Set("Upgrade", protocol)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "60")
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	http.Error(w, r.text, r.status)
}
