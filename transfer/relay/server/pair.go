package server

import (
	"errors"
	"io"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// pair is two parties and the pipe between them.
type pair struct {
	channel *channel
	parties [2]*party
	limiter *rate.Limiter // nil without a limit
	begun   time.Time

	over  bool          // guarded by the Server's lock
	done  chan struct{} // closed when over: both handlers close their connections
	half  chan struct{} // gets one value when the first direction ended
	ways  atomic.Int32  // directions that go on
	last  atomic.Int64  // when something was carried, as a duration since begun
	bytes atomic.Int64
}

// join makes a pair of p and q. The caller holds the Server's lock.
func (s *Server) join(c *channel, p, q *party) {
	pr := &pair{
		channel: c,
		parties: [2]*party{p, q},
		begun:   time.Now(),
		done:    make(chan struct{}),
		half:    make(chan struct{}, 1),
	}
	pr.ways.Store(2)
	if n := s.opt.MaxRate; n > 0 {
		// A burst of an eighth of a second, so that timers need not be exact to reach the rate.
		pr.limiter = rate.NewLimiter(rate.Limit(n), int(max(bufferSize, min(n/8, 1<<30))))
	}
	for _, x := range pr.parties {
		x.pair = pr
		close(x.joined)
	}
	s.joined.Add(1)
	s.pipes.Add(1)
}

// end cuts the pipe, at any moment, any number of times; there need not be one. The caller holds the
// Server's lock.
func (s *Server) end(pr *pair) {
	if pr == nil || pr.over {
		return
	}
	pr.over = true
	close(pr.done)
	s.pipes.Add(-1)
	s.log.Debug("pipe ended", "bytes", pr.bytes.Load(), "seconds", time.Since(pr.begun).Seconds())
}

// cutPair is end for those who do not hold the lock.
func (s *Server) cutPair(pr *pair) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end(pr)
}

func (pr *pair) other(p *party) *party {
	if pr.parties[0] == p {
		return pr.parties[1]
	}
	return pr.parties[0]
}

// pump reads from p until there is nothing more. A byte while p waits is against the protocol; afterwards
// it carries what p writes to its peer, one buffer at a time, and waits for the peer to take it.
func (s *Server) pump(p *party) {
	var first [1]byte
	n, err := p.conn.Read(first[:])
	pr := s.pairOf(p)
	if pr == nil {
		return
	}
	to := pr.other(p)
	select {
	case <-to.ready:
	case <-pr.done:
		return
	}
	held := s.buffers.Get().(*[bufferSize]byte)
	defer s.buffers.Put(held)
	buf := held[:]
	if s.opt.MaxRate > 0 {
		buf = buf[:min(bufferSize, s.opt.MaxRate)] // so that no piece waits longer than a second
	}
	copy(buf, first[:n])
	for err == nil || n > 0 {
		if failed := s.carry(pr, to, buf[:n]); failed != nil {
			if failed != errTaker {
				s.cutPair(pr)
				return
			}
			// The peer takes nothing more. Its last words may still be on their way to p, and closing p's
			// connection while there is something unread would destroy them: p's bytes are thrown away
			// until p closes, or the linger time is over.
			s.half(pr)
			io.CopyBuffer(discard{}, reader{p.conn}, buf)
			break
		}
		if err != nil {
			break
		}
		n, err = p.conn.Read(buf)
	}
	s.finish(pr, to)
}

// discard and reader hide the methods with which io.CopyBuffer would go around its buffer.
type (
	discard struct{}
	reader  struct{ io.Reader }
)

func (discard) Write(b []byte) (int, error) { return len(b), nil }

// pairOf is asked when the first byte, or the end, came from p.
func (s *Server) pairOf(p *party) *pair {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.pair == nil {
		p.left = true
	}
	return p.pair
}

var (
	errQuota = errors.New("channel has used its quota")
	errOver  = errors.New("pipe was cut")
	errTaker = errors.New("peer takes nothing more")
)

// carry writes b to the peer, within the limits.
func (s *Server) carry(pr *pair, to *party, b []byte) error {
	if n := pr.channel.bytes.Add(int64(len(b))); s.opt.MaxBytes > 0 && n > s.opt.MaxBytes {
		return errQuota
	}
	if err := pr.pace(len(b)); err != nil {
		return err
	}
	if _, err := to.conn.Write(b); err != nil {
		return errTaker
	}
	pr.active()
	pr.bytes.Add(int64(len(b)))
	s.volume.Add(int64(len(b)))
	return nil
}

// pace waits until n more bytes are within the rate.
func (pr *pair) pace(n int) error {
	if pr.limiter == nil {
		return nil
	}
	delay := pr.limiter.ReserveN(time.Now(), n).Delay()
	if delay == 0 {
		return nil
	}
	t := time.NewTimer(delay)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-pr.done:
		return errOver
	}
}

// finish ends one direction: the peer reads the end, and may go on writing for a while. When both have
// ended, the pipe has.
func (s *Server) finish(pr *pair, to *party) {
	if w, ok := to.conn.(wire.CloseWriter); !ok || pr.ways.Add(-1) == 0 {
		s.cutPair(pr)
	} else if w.CloseWrite() != nil {
		s.cutPair(pr)
	} else {
		s.half(pr)
	}
}

// half starts the linger time, once.
func (s *Server) half(pr *pair) {
	select {
	case pr.half <- struct{}{}:
	default:
	}
}

// active notes that the pipe is in use.
func (pr *pair) active() { pr.last.Store(int64(time.Since(pr.begun))) }

// supervise ends the pipe when it is idle, when one direction ended and the other does not follow, and
// when the relay stops. Both parties' handlers call it; it returns when the pipe is cut.
func (s *Server) supervise(pr *pair) {
	idle := time.NewTimer(s.opt.IdleTimeout)
	defer idle.Stop()
	if s.opt.IdleTimeout < 0 {
		idle.Stop()
	}
	var linger <-chan time.Time
	for {
		select {
		case <-pr.done:
			return
		case <-s.kill:
			s.cutPair(pr)
		case <-linger:
			s.cutPair(pr)
		case <-pr.half:
			if s.opt.LingerTimeout > 0 && linger == nil {
				t := time.NewTimer(s.opt.LingerTimeout)
				defer t.Stop()
				linger = t.C
			}
		case <-idle.C:
			quiet := time.Since(pr.begun) - time.Duration(pr.last.Load())
			if quiet >= s.opt.IdleTimeout {
				s.cutPair(pr)
				continue
			}
			idle.Reset(s.opt.IdleTimeout - quiet)
		}
	}
}
