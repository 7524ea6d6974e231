// Package wire frames the messages of a transfer: a type, flags, a bounded length, a payload.
//
// A frame says nothing about what its payload means: payloads are sealed or authenticated by the
// packages above. This package never encrypts, never looks into a payload, and never allocates by a
// length that the peer only claims. It also names what a transport has to give (Conn), what two parties
// need to meet on a relay (Rendezvous), and the error codes that travel.
//
// It implements docs/wire-format.md, section "Frames".
package wire

import (
	"fmt"
	"io"
	"log/slog"
	"time"
)

// Conn is what a transport gives: a reliable, ordered stream of bytes with deadlines. Every net.Conn is
// one. Nothing about it is trusted.
type Conn interface {
	io.ReadWriteCloser
	SetDeadline(t time.Time) error
	SetReadDeadline(t time.Time) error
	SetWriteDeadline(t time.Time) error
}

// CloseWriter is a Conn that can end its own direction and go on reading. TCP, unix sockets, TLS and the
// relay's pipe can; a caller asserts for it and otherwise closes.
type CloseWriter interface {
	CloseWrite() error
}

// Role says which of the two devices a party is.
type Role uint8

const (
	// Receiver is the new device, R.
	Receiver Role = 1
	// Sender is the old device, S.
	Sender Role = 2
)

// String returns "R" or "S", the form that goes on the wire, or "invalid".
func (r Role) String() string {
	switch r {
	case Receiver:
		return "R"
	case Sender:
		return "S"
	}
	return "invalid"
}

// ParseRole is the inverse of Role.String. ok is false for any other text.
func ParseRole(s string) (r Role, ok bool) {
	switch s {
	case "R":
		return Receiver, true
	case "S":
		return Sender, true
	}
	return 0, false
}

// Rendezvous is what a party shows to a relay to meet its peer. Channel and Token are derived from the
// pairing secret (security.md §4) by others; the relay can link neither to the offer. It prints redacted
// with every verb, because who holds Channel and Token can disturb the transfer.
type Rendezvous struct {
	Channel [16]byte
	Token   [16]byte
	Role    Role
}

// Format prints the role and nothing else.
func (v Rendezvous) Format(s fmt.State, _ rune) { fmt.Fprintf(s, "rendezvous(%s, redacted)", v.Role) }

// LogValue keeps the values out of structured logs.
func (v Rendezvous) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(v)) }
