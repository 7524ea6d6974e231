package server

import (
	"net"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

func newParty(r wire.Role) *party {
	c, _ := net.Pipe()
	return &party{
		conn: c, role: r,
		joined: make(chan struct{}), ready: make(chan struct{}), replaced: make(chan struct{}), gone: make(chan struct{}),
	}
}

// Moments that are too short to be met from outside: a party that is gone, or whose pair is over, still
// sits there when another one comes.
func TestNobodyIsPairedWithTheGone(t *testing.T) {
	for _, c := range []struct {
		name            string
		waiting, coming bool // left
		over            bool // the waiting one's pair has ended
		paired          bool
	}{
		{name: "both are there", paired: true},
		{name: "the waiting one has left", waiting: true},
		{name: "the coming one has left", coming: true},
		{name: "the waiting one's pair is over", over: true},
	} {
		s := New(Options{})
		ch := &channel{}
		q, p := newParty(wire.Receiver), newParty(wire.Sender)
		s.sit(ch, q)
		if c.over {
			old := newParty(wire.Sender)
			s.sit(ch, old)
			s.rise(ch, old)
		}
		q.left, p.left = c.waiting, c.coming
		s.sit(ch, p)
		if (p.pair != nil) != c.paired {
			t.Errorf("%s: paired is %v", c.name, p.pair != nil)
		}
		if !c.over && (q.pair != nil) != c.paired {
			t.Errorf("%s: the waiting one is paired: %v", c.name, q.pair != nil)
		}
	}
	// A byte, or the end, that comes before there is a pair is noted under the same lock.
	s := New(Options{})
	p := newParty(wire.Sender)
	if s.pairOf(p) != nil || !p.left {
		t.Error("a party that spoke to nobody is not noted as gone")
	}
}
