package transfer_test

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/relay"
	"github.com/vcon-transfer/vcon-transfer/transfer/relay/server"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// The two routes of a deathNet.
var (
	relayRoute  = pairing.Route{Kind: pairing.RouteRelay, Path: "http://relay.test"}
	directRoute = pairing.Route{Kind: pairing.RouteTCP, Addr: netip.MustParseAddrPort("192.168.1.2:7373")}
)

// A deathNet is the network of a world: direct connections, and a relay that dies
// too. What goes wrong with its n-th connection, or its n-th relay, the lists say.
type deathNet struct {
	w      *world
	routes []pairing.Route // none is direct
	faults []transfertest.Faults
	back   []transfertest.Faults // of a direct connection, the other way
	down   []bool
	relays []relayDeath
	rnd    *rand.Rand // of the strangers; nil for none

	conns chan *arrival
	wait  sync.WaitGroup
	ended chan struct{}

	mu       sync.Mutex
	dialed   int
	recorded []*tape
	relay    *transfertest.Relay // nil while it is down
	died     int                 // relays
	carried  int                 // writes over this relay
	parties  []ends              // each party of this relay: its end, and the relay's
}

// A relayDeath is at a write over it. The next relay knows nothing of its channels.
type relayDeath struct {
	at     int
	silent bool // nobody hears of it
	down   time.Duration
}

// ends are the two ends of a connection.
type ends struct{ mine, other *transfertest.HalfOpen }

// die closes one end; silent: the other one does not hear of it.
func (e ends) die(silent bool) {
	if silent {
		e.other.Vanish()
	}
	e.mine.Close()
}

// An arrival is a direct connection that the receiver may accept.
type arrival struct {
	conn net.Conn
	ends ends
}

func (n *deathNet) start() (stop func()) {
	n.ended = make(chan struct{})
	if len(n.routes) > 0 {
		n.relay = transfertest.NewRelay(n.w.t, server.Options{MaxPerAddress: -1})
	}
	if n.rnd != nil {
		n.wait.Go(n.strangers)
	}
	return func() {
		close(n.ended)
		n.wait.Wait()
	}
}

func (n *deathNet) acceptors(l *life) (a []transfer.Acceptor) {
	if len(n.routes) != 1 {
		a = append(a, l)
	}
	if len(n.routes) > 0 {
		a = append(a, &relayAcceptor{relay.NewAcceptor(relay.Options{URL: relayRoute.Path, DialContext: l.toRelay}), l})
	}
	return a
}

type relayAcceptor struct {
	*relay.Acceptor
	l *life
}

func (a *relayAcceptor) Accept(ctx context.Context, v wire.Rendezvous) (wire.Conn, error) {
	c, err := a.Acceptor.Accept(ctx, v)
	if err != nil {
		return nil, err
	}
	return &mortalConn{Conn: c, l: a.l, relayed: true}, nil
}

// trouble is what goes wrong with the next connection.
func (n *deathNet) trouble() (out, back transfertest.Faults, down bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	i := n.dialed
	n.dialed++
	return nth(n.faults, i), nth(n.back, i), nth(n.down, i)
}

// Dial and Accept are the network of one process.
func (l *life) Dial(ctx context.Context, route pairing.Route, v wire.Rendezvous) (wire.Conn, error) {
	n := l.d.w.net
	if route.Kind == pairing.RouteRelay {
		c, err := relay.Dial(ctx, relay.Options{URL: relayRoute.Path, DialContext: l.toRelay}, v)
		if err != nil {
			return nil, err
		}
		return &mortalConn{Conn: c, l: l, relayed: true, tape: n.record(v)}, nil
	}
	out, back, down := n.trouble()
	if down {
		return nil, errors.New("the network is down")
	}
	s, r := transfertest.HalfOpenPipe()
	select {
	case n.conns <- &arrival{transfertest.Faulty(r, back), ends{r, s}}:
		l.join(ends{s, r})
		return &mortalConn{Conn: transfertest.Faulty(s, out), l: l, tape: n.record(v)}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(time.Second):
		return nil, errors.New("nobody listens")
	}
}

func (l *life) Accept(ctx context.Context, _ wire.Rendezvous) (wire.Conn, error) {
	select {
	case a := <-l.d.w.net.conns:
		l.join(a.ends)
		return &mortalConn{Conn: a.conn, l: l}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// join takes a connection into a process, or cuts it when that is dead.
func (l *life) join(e ends) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		e.die(l.silent)
	}
	l.ends = append(l.ends, e)
}

// toRelay connects to the relay that is there now.
func (l *life) toRelay(ctx context.Context, _, _ string) (net.Conn, error) {
	n := l.d.w.net
	out, _, down := n.trouble()
	n.mu.Lock()
	r := n.relay
	n.mu.Unlock()
	if r == nil || down {
		return nil, errors.New("connection refused")
	}
	mine, other, err := r.DialHalfOpen(ctx)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	if n.relay == r {
		n.parties = append(n.parties, ends{other, mine})
	} else {
		other.Close() // it has died meanwhile
	}
	n.mu.Unlock()
	l.join(ends{mine, other})
	return transfertest.Faulty(mine, out), nil
}

// carry is a write over the relay, and may be its last.
func (n *deathNet) carry() {
	n.mu.Lock()
	defer n.mu.Unlock()
	death := nth(n.relays, n.died)
	if n.carried++; n.relay == nil || n.carried != death.at {
		return
	}
	dead, parties := n.relay, n.parties
	n.relay, n.parties, n.carried = nil, nil, 0
	n.died++
	n.w.note("relay died")
	for _, p := range parties {
		p.die(death.silent)
	}
	n.wait.Go(func() {
		if err := dead.Stop(); err != nil {
			n.w.t.Error(err)
		}
		select {
		case <-time.After(death.down): // fake time
		case <-n.ended:
			return
		}
		again := transfertest.NewRelay(n.w.t, server.Options{MaxPerAddress: -1})
		n.mu.Lock()
		defer n.mu.Unlock()
		n.relay = again
	})
}

// A mortalConn is one end of a connection. Each write is a step, before and after.
type mortalConn struct {
	wire.Conn
	l       *life
	relayed bool
	tape    *tape // of the sender

	mu    sync.Mutex
	hello []byte // the frame, as far as it was read
}

func (c *mortalConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	for rest := p[:n]; len(rest) > 0; {
		size := wire.HeaderSize
		if len(c.hello) >= size {
			size += int(binary.BigEndian.Uint32(c.hello[size-4:]))
		}
		take := min(len(rest), size-len(c.hello))
		if take == 0 {
			break // what comes behind the hello
		}
		c.hello, rest = append(c.hello, rest[:take]...), rest[take:]
	}
	return n, err
}

func (c *mortalConn) Write(p []byte) (int, error) {
	if !c.l.step() {
		return 0, errKilled
	}
	c.l.d.w.watch(c, p)
	if c.relayed {
		c.l.d.w.net.carry()
	}
	c.tape.add(p)
	n, err := c.Conn.Write(p)
	if !c.l.step() {
		return n, errKilled
	}
	return n, err
}

func (c *mortalConn) CloseWrite() error { return c.Conn.(wire.CloseWriter).CloseWrite() }

// heard is the hello that was read, and the connection number in it.
func (c *mortalConn) heard() (hello []byte, e uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	hello = c.hello[wire.HeaderSize:]
	return hello, binary.BigEndian.Uint32(hello[1:])
}
