// Package pairing introduces two devices to each other: the offer that the receiver shows as a QR code,
// the handshake M0 to M3 that follows it, the six-digit check code, and the keys of the session.
//
// It takes and gives byte slices and knows no transport: package transfer puts the messages in frames.
// It never writes anything to disk, never starts a goroutine, never prints a secret, and never gives
// anything of the history away: what it seals before the check code is a summary in numbers and names.
//
// It implements docs/wire-format.md, section "Pairing". In its words, R is the receiver (the new device)
// and S the sender (the old one).
package pairing

import (
	"fmt"
	"strconv"
)

// The protocol versions that this package speaks. A session has the highest that both sides speak
// (docs/wire-format.md, "Versions").
const (
	Version       = 1 // the highest
	OldestVersion = 1 // the lowest: the one before Version, once there is one

	// OfferVersion is that of the offer, and of the messages and keys up to M3.
	OfferVersion = 1
)

// Intent is what an offer is for. S refuses an offer with another intent than the person asked for.
type Intent uint8

const (
	// SameAccount moves a history to another device of the same person.
	SameAccount Intent = 1
	// CatchUp shares the history of one room with somebody who joined it.
	CatchUp Intent = 2
)

// String names the intent for people and logs.
func (i Intent) String() string {
	switch i {
	case SameAccount:
		return "same account"
	case CatchUp:
		return "catch-up"
	}
	return "intent " + strconv.Itoa(int(i))
}

func (i Intent) check() error {
	if i != SameAccount && i != CatchUp {
		return fmt.Errorf("intent %d: %w", uint8(i), ErrIntent)
	}
	return nil
}

// Role is one of the two devices.
type Role uint8

const (
	// RoleReceiver is R, the new device.
	RoleReceiver Role = 1
	// RoleSender is S, the old device.
	RoleSender Role = 2
)

// String gives "R" or "S", as the labels of the key schedule do.
func (r Role) String() string {
	switch r {
	case RoleReceiver:
		return "R"
	case RoleSender:
		return "S"
	}
	return "role " + strconv.Itoa(int(r))
}

// Direction is the way that control records go.
type Direction uint8

const (
	// SenderToReceiver is from the old device to the new one.
	SenderToReceiver Direction = 1
	// ReceiverToSender is from the new device to the old one.
	ReceiverToSender Direction = 2
)

// Mode is the first byte of M0: which secret the handshake rests on.
type Mode uint8

const (
	// ModePair rests on the secret of an offer.
	ModePair Mode = 1
	// ModeResume rests on the resumption secret of an earlier session.
	ModeResume Mode = 2
)

// label is the name in the key schedule, also the psk_id of HPKE.
func (m Mode) label() string {
	if m == ModePair {
		return "pair"
	}
	return "resume"
}

// PeekHello tells who has to look at an M0 that nobody has verified yet: the mode and, on resume, the
// number of the connection. The error is ErrStranger.
func PeekHello(m0 []byte) (Mode, uint32, error) {
	h, err := parseHello(m0)
	if err != nil {
		return 0, 0, err
	}
	return h.mode, h.connection, nil
}

// IsResume tells whether an M0 that nobody has verified yet asks for a resumption. The error is ErrStranger.
func IsResume(m0 []byte) (bool, error) {
	m, _, err := PeekHello(m0)
	return m == ModeResume, err
}
