package transfertest

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// A Network joins the two devices of a transfer in memory, whatever the offer's routes say: it is the
// Dialer of the old one and an Acceptor of the new one. The zero value is ready and sound. One Network is
// for one transfer, the processes that go on with it included.
type Network struct {
	// Faults, when set, says what goes wrong with the n-th connection, counted from 0, in each direction.
	Faults func(n int) (toReceiver, toSender Faults)
	// Down, when set, says whether the n-th attempt to connect, counted from 0, fails.
	Down func(n int) bool

	mu       sync.Mutex
	queue    chan chan net.Conn // who accepts is given the connection
	attempts int
	made     int
	ends     []*HalfOpen // of the connections that were made
}

var (
	_ transfer.Dialer   = (*Network)(nil)
	_ transfer.Acceptor = (*Network)(nil)
)

// errDown is what Dial returns when the network is down or nobody accepts.
var errDown = errors.New("dial: nobody is there")

// dialTimeout is how long Dial waits for Accept, as that of package local does.
const dialTimeout = 10 * time.Second

// Dial connects to the Accept that waits, or comes within 10 s.
func (n *Network) Dial(ctx context.Context, _ pairing.Route, _ wire.Rendezvous) (wire.Conn, error) {
	n.mu.Lock()
	attempt := n.attempts
	n.attempts++
	n.mu.Unlock()
	if n.Down != nil && n.Down(attempt) {
		return nil, errDown
	}
	a, b := HalfOpenPipe()
	late := time.NewTimer(dialTimeout)
	defer late.Stop()
	reply := make(chan net.Conn, 1)
	select {
	case n.accepting() <- reply:
		sender, receiver := n.join(a, b)
		reply <- receiver
		return sender, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-late.C:
		return nil, errDown
	}
}

// join counts a connection, and gives its ends their faults.
func (n *Network) join(a, b *HalfOpen) (sender, receiver net.Conn) {
	n.mu.Lock()
	i := n.made
	n.made++
	n.ends = append(n.ends, a, b)
	n.mu.Unlock()
	if n.Faults == nil {
		return a, b
	}
	toReceiver, toSender := n.Faults(i)
	return Faulty(a, toReceiver), Faulty(b, toSender)
}

// Accept waits for Dial.
func (n *Network) Accept(ctx context.Context, _ wire.Rendezvous) (wire.Conn, error) {
	select {
	case reply := <-n.accepting():
		return <-reply, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Made is how many connections there have been.
func (n *Network) Made() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.made
}

// Cut closes every connection that there is, at both ends.
func (n *Network) Cut() {
	for _, c := range n.take() {
		c.Close()
	}
}

// Vanish makes both ends of every connection silent, as a network does that was left: what is written
// seems to be sent, and nothing is read, not even an end. New connections are as before; see Down.
func (n *Network) Vanish() {
	for _, c := range n.take() {
		c.Vanish()
	}
}

// take gives the ends that there are, which the network then forgets.
func (n *Network) take() []*HalfOpen {
	n.mu.Lock()
	defer n.mu.Unlock()
	ends := n.ends
	n.ends = nil
	return ends
}

func (n *Network) accepting() chan chan net.Conn {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.queue == nil {
		n.queue = make(chan chan net.Conn)
	}
	return n.queue
}
