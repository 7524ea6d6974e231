package local

import (
	"net"
	"net/netip"
	"slices"
	"strings"
)

// IsPrivate reports whether a is an address that is not routed on the Internet: RFC 1918, ULA (fc00::/7),
// link-local or loopback; an IPv4 address inside IPv6 counts as that address. An offer whose literal route
// is not private is refused (security.md §1, adversary P). The shared space of carriers, 100.64.0.0/10, is
// not private: its other users are strangers.
func IsPrivate(a netip.Addr) bool {
	return a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsLoopback()
}

// DefaultAddr returns the address to put into an offer: the private IPv4 address that the default route
// uses, else the best other private address, else 127.0.0.1. It sends nothing.
func DefaultAddr() netip.Addr { return candidates()[0].WithZone("") }

// candidates are the private addresses of this machine, the best first, never none.
func candidates() []netip.Addr { return order(defaultRoute(), addresses()) }

// address is one address of an interface and how likely it is that the peer can reach it.
type address struct {
	addr  netip.Addr
	class int
}

// The classes of addresses, the most useful first.
const (
	classRoute   = iota // on the default route
	classLAN            // IPv4 on an ordinary interface
	classULA            // IPv6 ULA on an ordinary interface
	classVirtual        // a tunnel, or the bridge of containers or virtual machines
	classLink4          // 169.254/16: two devices on a cable
	classLink6          // fe80::/10, which the peer has to guess a zone for
)

// order sorts all by class and puts the default route in front if it is private. Loopback counts only
// when nothing else is there.
func order(route netip.Addr, all []address) []netip.Addr {
	if IsPrivate(route) && !route.IsLoopback() {
		all = append(all, address{route, classRoute})
	}
	slices.SortStableFunc(all, func(a, b address) int { return a.class - b.class })
	var out []netip.Addr
	for _, a := range all {
		if IsPrivate(a.addr) && !a.addr.IsLoopback() && !slices.Contains(out, a.addr) && len(out) < MaxAddrs {
			out = append(out, a.addr)
		}
	}
	if len(out) == 0 {
		out = append(out, netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	}
	return out
}

// addresses lists what the interfaces have. Where the system does not tell (Android), the default route
// has to do.
func addresses() []address {
	ifs, err := net.Interfaces()
	if err != nil {
		return nil
	}
	var out []address
	for _, ifi := range ifs {
		if ifi.Flags&net.FlagUp == 0 || ifi.Flags&net.FlagLoopback != 0 {
			continue
		}
		addrs, err := ifi.Addrs()
		if err != nil {
			continue
		}
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok {
				if ip, ok := netip.AddrFromSlice(n.IP); ok {
					out = append(out, classify(ip.Unmap(), ifi.Name, ifi.Flags))
				}
			}
		}
	}
	return out
}

func classify(a netip.Addr, ifname string, flags net.Flags) address {
	virtual := flags&net.FlagPointToPoint != 0 || slices.ContainsFunc(
		[]string{"docker", "br-", "veth", "virbr", "vmnet", "vboxnet", "cni", "podman", "lxc"},
		func(prefix string) bool { return strings.HasPrefix(ifname, prefix) })
	switch {
	case a.Is6() && a.IsLinkLocalUnicast():
		return address{a.WithZone(ifname), classLink6}
	case a.IsLinkLocalUnicast():
		return address{a, classLink4}
	case virtual:
		return address{a, classVirtual}
	case a.Is6():
		return address{a, classULA}
	}
	return address{a, classLAN}
}

// defaultRoute asks the kernel which address it would use towards the Internet, by connecting a UDP
// socket, which sends nothing. The target is a documentation address. Without a default route the result
// is the zero Addr.
func defaultRoute() netip.Addr {
	c, err := net.Dial("udp4", "203.0.113.1:9")
	if err != nil {
		return netip.Addr{}
	}
	defer c.Close()
	if a, ok := c.LocalAddr().(*net.UDPAddr); ok {
		return a.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}
