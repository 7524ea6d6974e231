package server

import (
	"net"
	"net/http"
	"time"

	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// party is one end of a channel, from its 101 until it is gone. pair and left are guarded by the Server's
// lock; pair is set at most once, before joined is closed.
type party struct {
	conn net.Conn
	role wire.Role
	pair *pair
	left bool // it went away, or spoke, before its peer was there

	joined   chan struct{} // closed when the pair was made
	ready    chan struct{} // closed when the party was told that the pipe begins
	replaced chan struct{} // closed when a successor took the place
	gone     chan struct{} // closed when its pump is over
}

// live seats a party: request, 101, signals while it waits, pipe.
func (s *Server) live(w http.ResponseWriter, r *http.Request) {
	a, err := s.parse(r)
	if err != nil {
		s.refuse(w, err.(refusal))
		return
	}
	c, err := s.enter(a)
	if err != nil {
		s.refuse(w, err.(refusal))
		return
	}
	defer s.leave(c, a)
	conn, err := accept(w)
	if err != nil {
		s.refused.Add(1)
		s.log.Debug("refused", "status", 0)
		return
	}
	p := &party{
		conn:     conn,
		role:     a.role,
		joined:   make(chan struct{}),
		ready:    make(chan struct{}),
		replaced: make(chan struct{}),
		gone:     make(chan struct{}),
	}
	go func() { defer close(p.gone); s.pump(p) }()
	s.sit(c, p)
	if s.wait(p) {
		s.supervise(p.pair)
	}
	s.rise(c, p)
	conn.Close() // ends the pump, if nothing else has
	<-p.gone
}

// accept takes the connection over from net/http and answers 101.
func accept(w http.ResponseWriter) (net.Conn, error) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, "connection cannot be upgraded", http.StatusInternalServerError)
		return nil, err
	}
	if rw.Reader.Buffered() > 0 {
		conn.Close()
		return nil, refusal{http.StatusBadRequest, "party spoke too early"}
	}
	conn.SetDeadline(time.Time{})
	const response = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + protocol +
		"\r\n" + relayHeader + ": 1\r\n\r\n"
	if err := tell(conn, []byte(response)); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// tell writes something of the relay's own, which no party may block.
func tell(conn net.Conn, b []byte) error {
	conn.SetWriteDeadline(time.Now().Add(signalTimeout))
	_, err := conn.Write(b)
	conn.SetWriteDeadline(time.Time{})
	return err
}

// wait keeps p company until its peer is there, and reports whether it came.
func (s *Server) wait(p *party) (joined bool) {
	s.waiting.Add(1)
	defer s.waiting.Add(-1)
	tick := time.NewTicker(wire.RelayWaitInterval)
	defer tick.Stop()
	var timeout <-chan time.Time
	if s.opt.WaitTimeout > 0 {
		t := time.NewTimer(s.opt.WaitTimeout)
		defer t.Stop()
		timeout = t.C
	}
	for {
		signal := wire.RelayWait
		select {
		case <-p.joined:
			// Nobody writes to p before it is ready.
			if tell(p.conn, []byte{byte(wire.RelayJoined)}) != nil {
				return false
			}
			close(p.ready)
			return true
		case <-p.gone:
			return false
		case <-p.replaced:
			signal = wire.RelayReplaced
		case <-timeout:
			signal = wire.RelayNoPeer
		case <-s.drain:
			signal = wire.RelayClosing
		case <-tick.C:
		}
		if err := tell(p.conn, []byte{byte(signal)}); err != nil || signal != wire.RelayWait {
			return false
		}
	}
}
