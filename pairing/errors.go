package pairing

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/vcon-transfer/vcon-transfer/hpke"
)

// The errors that a caller decides by. Other errors wrap one of them.
var (
	// ErrMistyped: the text is not an offer as it was shown; read or copy it again.
	ErrMistyped = errors.New("offer text is mistyped or incomplete")
	// ErrMalformed: bytes that authenticate, or a text whose check matches, break the format.
	ErrMalformed = errors.New("malformed")
	// ErrVersion: the offer is of a version that this package does not read, or the two sides have no protocol
	// version in common.
	ErrVersion = errors.New("protocol version is not supported")
	// ErrSuite: the cryptographic suite is none of ours.
	ErrSuite = hpke.ErrSuite
	// ErrIntent: the intent is unknown, or not the one that was agreed.
	ErrIntent = errors.New("intent does not match")
	// ErrPublicRoute: the offer leads to a public address, which an attacker's code would do.
	ErrPublicRoute = errors.New("route leads to a public address")
	// ErrStranger: the peer did not prove that it knows the secret. Close without a word.
	ErrStranger = errors.New("peer does not know the pairing secret")
	// ErrExpired: the offer is over its lifetime.
	ErrExpired = errors.New("offer has expired")
	// ErrUsed: the offer served its purpose, or its tries are used up, or it was closed.
	ErrUsed = errors.New("offer is used up")
	// ErrTaken: the offer belongs to another sender.
	ErrTaken = errors.New("offer was taken by another sender")
	// ErrUntrusted: the sender has not signed with an identity that the receiver trusts, or claims one.
	ErrUntrusted = errors.New("sender has no identity that is trusted")
	// ErrStale: the connection number is not above the last one that was accepted.
	ErrStale = errors.New("connection number was used before")
	// ErrWrongBundle: the receiver that answers is not the one that showed the offer.
	ErrWrongBundle = errors.New("receiver is not the one that made the offer")
	// ErrTampered: a message of the peer does not authenticate.
	ErrTampered = errors.New("message does not authenticate")
	// ErrOrder: a step of the handshake was called before the one that it needs.
	ErrOrder = errors.New("handshake step out of order")
	// ErrLimit: a value of the caller is over its limit.
	ErrLimit = errors.New("over the limit")
	// ErrWrongCode: the check code does not match; see WrongCodeError.
	ErrWrongCode = errors.New("check code does not match")
	// ErrCodeFormat: what was typed is not six digits. It costs no try.
	ErrCodeFormat = errors.New("check code is not six digits")
	// ErrTooManyTries: the check code was wrong CheckCodeTries times; the offer is dead.
	ErrTooManyTries = errors.New("check code was wrong too often")
	// ErrErased: the session's keys are gone.
	ErrErased = errors.New("session was erased")
)

// Codes of the early errors that this package seals itself, from the one table in docs/wire-format.md.
const (
	codeVersion = 4
	codeExpired = 9
	codeTaken   = 10
	codeIntent  = 11
	codeBusy    = 20

	codeUntrusted = 14
)

// RefusedError is a refusal that the peer, who knows the secret, is to be told: send Sealed to it, close.
// Reason is ErrExpired, ErrStale, ErrIntent, ErrVersion, ErrUntrusted or ErrTaken. On ErrTaken the screen has to warn: somebody else
// has seen the code, or the person scanned it twice; the first sender is not disturbed.
type RefusedError struct {
	Reason error
	Sealed []byte // an early error, for the frame that carries them
}

func (e *RefusedError) Error() string { return "refuse peer: " + e.Reason.Error() }

// Unwrap gives Reason.
func (e *RefusedError) Unwrap() error { return e.Reason }

// WrongCodeError is a check code that does not match, with the tries that are left, at least one.
type WrongCodeError struct{ Left int }

func (e *WrongCodeError) Error() string {
	return ErrWrongCode.Error() + ", tries left: " + strconv.Itoa(e.Left)
}

// Unwrap gives ErrWrongCode.
func (e *WrongCodeError) Unwrap() error { return ErrWrongCode }

// PeerError is an early error that the peer sent. Text is the peer's: valid UTF-8 without control
// characters, at most MaxErrorText bytes, and not to be believed. Error does not repeat it.
type PeerError struct {
	Code uint16 // docs/wire-format.md, "Error codes"
	Text string
}

func (e *PeerError) Error() string { return fmt.Sprintf("peer refused with code %d", e.Code) }
