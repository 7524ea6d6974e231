package local

import (
	"net"
	"net/netip"
	"sync"
)

// gate counts the open connections, in all and by address. A map of byAddr never has more than MaxConns
// entries.
type gate struct {
	mu     sync.Mutex
	open   int
	byAddr map[netip.Prefix]int
}

// enter takes a place for a connection from addr, or says that there is none. release gives it back, once.
func (g *gate) enter(addr net.Addr) (release func(), ok bool) {
	who := group(addrPort(addr).Addr())
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open >= MaxConns || who.IsValid() && g.byAddr[who] >= MaxPerAddress {
		return nil, false
	}
	g.open++
	if who.IsValid() {
		g.byAddr[who]++
	}
	var once sync.Once
	return func() { once.Do(func() { g.leave(who) }) }, true
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

// group is what is counted as one address: a host has a whole IPv6 /64 to itself. It is invalid for a
// connection without an IP address.
func group(a netip.Addr) netip.Prefix {
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, err := a.WithZone("").Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
