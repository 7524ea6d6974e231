package local

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"
)

func TestOrder(t *testing.T) {
	all := []address{
		classify(netip.MustParseAddr("fe80::1"), "eth0", net.FlagUp),
		classify(netip.MustParseAddr("172.17.0.1"), "docker0", net.FlagUp),
		classify(netip.MustParseAddr("10.8.0.2"), "tun0", net.FlagUp|net.FlagPointToPoint),
		classify(netip.MustParseAddr("169.254.7.7"), "eth1", net.FlagUp),
		classify(netip.MustParseAddr("fd00::7"), "eth0", net.FlagUp),
		classify(netip.MustParseAddr("203.0.113.7"), "eth2", net.FlagUp),
		classify(netip.MustParseAddr("2001:db8::7"), "eth2", net.FlagUp),
		classify(netip.MustParseAddr("100.64.0.7"), "eth2", net.FlagUp),
		classify(netip.MustParseAddr("10.0.0.7"), "eth3", net.FlagUp),
		classify(netip.MustParseAddr("192.168.1.7"), "wlan0", net.FlagUp),
		classify(netip.MustParseAddr("192.168.1.7"), "wlan0", net.FlagUp),
	}
	for _, c := range []struct {
		name, route string
		all         []address
		want        string
	}{
		{"seven addresses", "192.168.1.7", all, "[192.168.1.7 10.0.0.7 fd00::7 172.17.0.1 10.8.0.2 169.254.7.7 fe80::1%eth0]"},
		{"no default route", "", all, "[10.0.0.7 192.168.1.7 fd00::7 172.17.0.1 10.8.0.2 169.254.7.7 fe80::1%eth0]"},
		{"public default route", "203.0.113.7", all, "[10.0.0.7 192.168.1.7 fd00::7 172.17.0.1 10.8.0.2 169.254.7.7 fe80::1%eth0]"},
		{"interfaces are not told", "192.168.1.7", nil, "[192.168.1.7]"},
		{"loopback only", "", []address{{netip.MustParseAddr("127.0.0.1"), classLAN}}, "[127.0.0.1]"},
		{"nothing", "", nil, "[127.0.0.1]"},
		{"public only", "203.0.113.7", all[5:7], "[127.0.0.1]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var route netip.Addr
			if c.route != "" {
				route = netip.MustParseAddr(c.route)
			}
			if got := fmt.Sprint(order(route, slices.Clone(c.all))); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestOrderIsBounded(t *testing.T) {
	for n, want := range map[int]int{MaxAddrs - 1: MaxAddrs - 1, MaxAddrs: MaxAddrs, MaxAddrs + 1: MaxAddrs} {
		var all []address
		for i := range n {
			all = append(all, address{netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), classLAN})
		}
		if got := order(netip.Addr{}, all); len(got) != want {
			t.Errorf("%d addresses became %d, want %d", n, len(got), want)
		}
	}
}

func TestGate(t *testing.T) {
	addr := func(s string) net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(s)) }
	newGate := func() *gate { return &gate{byAddr: map[netip.Prefix]int{}} }

	t.Run("by address", func(t *testing.T) {
		for _, c := range []struct{ a, b, other string }{
			{"192.0.2.1:1", "192.0.2.1:2", "192.0.2.2:1"},
			{"[fd00::1]:1", "[fd00::2]:1", "[fd00:0:0:1::1]:1"},
			{"[fe80::1%eth0]:1", "[fe80::2%eth1]:1", "[fd00::1]:1"},
			{"[::ffff:192.0.2.1]:1", "192.0.2.1:1", "[::ffff:192.0.2.2]:1"},
		} {
			g := newGate()
			var release func()
			for i := range MaxPerAddress {
				r, ok := g.enter(addr([]string{c.a, c.b}[i%2]))
				if !ok {
					t.Fatalf("%s: connection %d is refused", c.a, i+1)
				}
				release = r
			}
			if _, ok := g.enter(addr(c.b)); ok {
				t.Errorf("%s: connection %d is taken", c.b, MaxPerAddress+1)
			}
			if _, ok := g.enter(addr(c.other)); !ok {
				t.Errorf("%s is refused because of %s", c.other, c.a)
			}
			release()
			release() // the second call must not make a second place
			if _, ok := g.enter(addr(c.a)); !ok {
				t.Errorf("%s: no place after release", c.a)
			}
			if _, ok := g.enter(addr(c.a)); ok {
				t.Errorf("%s: two places after one release", c.a)
			}
		}
	})
	t.Run("in all", func(t *testing.T) {
		g := newGate()
		var releases []func()
		for i := range MaxConns {
			r, ok := g.enter(addr(fmt.Sprintf("10.0.%d.1:1", i)))
			if !ok {
				t.Fatalf("connection %d is refused", i+1)
			}
			releases = append(releases, r)
		}
		if _, ok := g.enter(addr("192.0.2.1:1")); ok {
			t.Error("one too many is taken")
		}
		if _, ok := g.enter(&net.UnixAddr{}); ok {
			t.Error("one too many is taken on the socket")
		}
		for _, r := range releases {
			r()
		}
		if g.open != 0 || len(g.byAddr) != 0 {
			t.Errorf("%d open, %d addresses are left", g.open, len(g.byAddr))
		}
	})
	t.Run("socket", func(t *testing.T) {
		g := newGate()
		for i := range MaxPerAddress + 1 {
			if _, ok := g.enter(&net.UnixAddr{}); !ok {
				t.Fatalf("connection %d is refused", i+1)
			}
		}
	})
}

func TestNeedsZone(t *testing.T) {
	for s, want := range map[string]bool{
		"fe80::1": true, "fe80::1%eth0": false, "fd00::1": false, "169.254.1.1": false, "::ffff:169.254.1.1": false,
	} {
		if got := needsZone(netip.MustParseAddr(s)); got != want {
			t.Errorf("needsZone(%s) = %v", s, got)
		}
	}
}
