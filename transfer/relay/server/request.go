package server

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/netip"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

const (
	protocol    = wire.RelayProtocol
	relayHeader = wire.RelayServerHeader
	livePath    = wire.RelayLivePath
	healthPath  = "/healthz"
)

// id is a channel's name.
type id [16]byte

// hash is what is kept of a token.
type hash [sha256.Size]byte

// ask is what a request asks for.
type ask struct {
	channel id
	role    wire.Role
	token   hash
	bearer  string
	from    netip.Prefix // invalid if it is not counted
}

// parse reads a request for a place in a channel. Whoever sends it is a stranger: one form is accepted.
func (s *Server) parse(r *http.Request) (ask, error) {
	if r.Method != http.MethodGet {
		return ask{}, refusal{http.StatusMethodNotAllowed, "method is not GET"}
	}
	if !r.ProtoAtLeast(1, 1) || r.ProtoMajor != 1 || !upgrades(r.Header) {
		return ask{}, refusal{http.StatusUpgradeRequired, "upgrade to " + protocol + " over HTTP/1.1"}
	}
	if r.ContentLength != 0 {
		return ask{}, refusal{http.StatusBadRequest, "request has a body"}
	}
	var a ask
	var token [16]byte
	var roleOK bool
	role, one := single(r.Header, wire.RelayRoleHeader)
	a.role, roleOK = wire.ParseRole(role)
	if !one || !roleOK || !hexValue(r.Header, wire.RelayChannelHeader, a.channel[:]) ||
		!hexValue(r.Header, wire.RelayTokenHeader, token[:]) {
		return ask{}, refusal{http.StatusBadRequest, "channel, role or token is malformed"}
	}
	a.token = sha256.Sum256(token[:])
	if v, one := single(r.Header, "Authorization"); one {
		if scheme, bearer, ok := strings.Cut(v, " "); ok && strings.EqualFold(scheme, "Bearer") {
			a.bearer = bearer
		}
	}
	a.from = group(s.clientAddr(r))
	return a, nil
}

func (s *Server) clientAddr(r *http.Request) netip.Addr {
	if s.opt.ClientAddr != nil {
		return s.opt.ClientAddr(r)
	}
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{} // a unix socket
	}
	return ap.Addr()
}

// upgrades reports whether the one protocol that is asked for is ours, hop by hop as HTTP wants it.
func upgrades(h http.Header) bool {
	v, one := single(h, "Upgrade")
	if !one || v != protocol {
		return false
	}
	for _, line := range h.Values("Connection") {
		for option := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(option), "upgrade") {
				return true
			}
		}
	}
	return false
}

// single returns a header that occurs exactly once.
func single(h http.Header, name string) (string, bool) {
	v := h.Values(name)
	if len(v) != 1 {
		return "", false
	}
	return v[0], true
}

// hexValue decodes a header of exactly 2*len(dst) lower-case digits.
func hexValue(h http.Header, name string, dst []byte) bool {
	v, one := single(h, name)
	if !one || len(v) != hex.EncodedLen(len(dst)) || strings.ToLower(v) != v {
		return false
	}
	_, err := hex.Decode(dst, []byte(v))
	return err == nil
}

// group is what is counted as one address: a host has a whole IPv6 /64 to itself.
func group(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
