package server

import (
	"container/list"
	"crypto/subtle"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// channel is where two parties meet. Everything but bytes is guarded by the Server's lock.
type channel struct {
	id    id
	seats [2]seat // by role
	users int     // requests that were let in and are not over
	since time.Time
	entry *list.Element // in Server.idle, nil while there are users
	bytes atomic.Int64
}

// seat is a role's place. The token of its first taker is the only one that opens it, for the channel's
// life.
type seat struct {
	fixed bool
	token hash
	party *party // nil while nobody sits there
}

func (c *channel) seat(r wire.Role) *seat { return &c.seats[r-wire.Receiver] }
func (c *channel) other(r wire.Role) *seat {
	return &c.seats[1-(r-wire.Receiver)]
}

// idleList holds the channels without users, the oldest first.
type idleList = list.List

// enter lets a request into its channel or says why not. Without an error leave has to follow.
func (s *Server) enter(a ask) (*channel, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return nil, refusal{http.StatusServiceUnavailable, "relay is closing"}
	}
	if n := s.opt.MaxPerAddress; n > 0 && a.from.IsValid() && s.byAddr[a.from] >= n {
		return nil, refusal{http.StatusTooManyRequests, "too many parties from one address"}
	}
	s.forget(time.Now())
	c := s.channels[a.channel]
	if c == nil {
		var err error
		if c, err = s.create(a); err != nil {
			return nil, err
		}
	}
	seat := c.seat(a.role)
	if seat.fixed && subtle.ConstantTimeCompare(seat.token[:], a.token[:]) != 1 {
		return nil, refusal{http.StatusForbidden, "role is taken"}
	}
	if s.opt.MaxBytes > 0 && c.bytes.Load() >= s.opt.MaxBytes {
		return nil, refusal{http.StatusTooManyRequests, "channel has used its quota"}
	}
	seat.fixed, seat.token = true, a.token
	if c.entry != nil {
		s.idle.Remove(c.entry)
		c.entry = nil
	}
	c.users++
	if a.from.IsValid() {
		s.byAddr[a.from]++
	}
	s.parties.Add(1)
	return c, nil
}

// create makes a channel. When there are too many, one that nobody uses gives way: its parties can make it
// again, and a stranger does not know its name.
func (s *Server) create(a ask) (*channel, error) {
	if s.opt.Tokens != nil && !s.opt.Tokens.has(a.bearer) {
		return nil, refusal{http.StatusUnauthorized, "no valid token for a new channel"}
	}
	if n := s.opt.MaxChannels; n > 0 && len(s.channels) >= n {
		if s.idle.Len() == 0 {
			return nil, refusal{http.StatusServiceUnavailable, "too many channels"}
		}
		s.remove(s.idle.Front().Value.(*channel))
	}
	c := &channel{id: a.channel}
	s.channels[c.id] = c
	return c, nil
}

// leave takes a request out of its channel. A channel without users is remembered for a while.
func (s *Server) leave(c *channel, a ask) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.parties.Done()
	if a.from.IsValid() {
		if s.byAddr[a.from]--; s.byAddr[a.from] == 0 {
			delete(s.byAddr, a.from)
		}
	}
	if c.users--; c.users == 0 {
		c.since = time.Now()
		c.entry = s.idle.PushBack(c)
	}
}

// forget removes the channels that nobody has used for too long.
func (s *Server) forget(now time.Time) {
	for e := s.idle.Front(); e != nil; e = s.idle.Front() {
		c := e.Value.(*channel)
		if now.Sub(c.since) < s.opt.KeepTimeout {
			return
		}
		s.remove(c)
	}
}

func (s *Server) remove(c *channel) {
	s.idle.Remove(c.entry)
	delete(s.channels, c.id)
}

// sit gives p its place, instead of a predecessor with the same token, and pairs it if the other role is
// waiting. The pair of the predecessor ends: its peer has to begin anew, too. Connections are not closed
// here, because that can take time and the lock is everybody's.
func (s *Server) sit(c *channel, p *party) {
	s.mu.Lock()
	defer s.mu.Unlock()
	mine, other := c.seat(p.role), c.other(p.role)
	if old := mine.party; old != nil {
		close(old.replaced)
		s.end(old.pair)
	}
	mine.party = p
	if q := other.party; q != nil && q.pair == nil && !q.left && !p.left {
		s.join(c, p, q)
	}
}

// rise frees p's place if it still has it, and ends its pair.
func (s *Server) rise(c *channel, p *party) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if seat := c.seat(p.role); seat.party == p {
		seat.party = nil
	}
	s.end(p.pair)
}
