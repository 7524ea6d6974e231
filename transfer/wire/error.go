package wire

import (
	"errors"
	"strconv"
)

// Code is an error as it travels to the peer. The number is the wire form; numbers are never reused. An
// unknown code is a failure, never ignored.
type Code uint16

const (
	CodeInternal       Code = 1  // a bug or an unexpected failure on the side that reports
	CodeProtocol       Code = 2  // bytes that the protocol does not allow here
	CodeLimit          Code = 3  // a length, count or depth over its limit
	CodeVersion        Code = 4  // no common protocol version, or something critical that is not known
	CodeSuite          Code = 5  // the cryptographic suite is not supported or not accepted
	CodeTimeout        Code = 6  // waited too long for the peer
	CodeCancelled      Code = 7  // the person or the host stopped it
	CodeDeclined       Code = 8  // consent was refused
	CodeExpired        Code = 9  // the offer is over its lifetime
	CodeTaken          Code = 10 // the offer belongs to another sender by now
	CodeIntent         Code = 11 // the offer is for another purpose
	CodeWrongCheckCode Code = 12 // the digits do not match; another try is allowed
	CodeTooManyTries   Code = 13 // the digits did not match too often; the offer is dead
	CodeUntrusted      Code = 14 // the peer's identity is not one that was pinned or attested
	CodeVerification   Code = 15 // a tag, signature, hash or root does not match
	CodePolicy         Code = 16 // the room's or the host's policy forbids it
	CodeSource         Code = 17 // the sender cannot read its history
	CodeStorage        Code = 18 // the receiver cannot store: full, locked, not writable
	CodeShutdown       Code = 19 // the side that reports is going away and can be resumed with
	CodeBusy           Code = 20 // another connection of this transfer is being served
)

// String returns the code's name in docs/wire-format.md, or "code 4711" for one that it does not know.
func (c Code) String() string {
	switch c {
	case CodeInternal:
		return "internal"
	case CodeProtocol:
		return "protocol"
	case CodeLimit:
		return "limit"
	case CodeVersion:
		return "version"
	case CodeSuite:
		return "suite"
	case CodeTimeout:
		return "timeout"
	case CodeCancelled:
		return "cancelled"
	case CodeDeclined:
		return "declined"
	case CodeExpired:
		return "expired"
	case CodeTaken:
		return "taken"
	case CodeIntent:
		return "intent"
	case CodeWrongCheckCode:
		return "wrong-check-code"
	case CodeTooManyTries:
		return "too-many-tries"
	case CodeUntrusted:
		return "untrusted"
	case CodeVerification:
		return "verification"
	case CodePolicy:
		return "policy"
	case CodeSource:
		return "source"
	case CodeStorage:
		return "storage"
	case CodeShutdown:
		return "shutdown"
	case CodeBusy:
		return "busy"
	}
	return "code " + strconv.FormatUint(uint64(c), 10)
}

// Known reports whether this version has a meaning for c.
func (c Code) Known() bool { return c >= CodeInternal && c <= CodeBusy }

// FrameError is a frame that was refused, by a reader or before it was written. It carries nothing of the
// frame but its type.
type FrameError struct {
	Code   Code // what to tell the peer: CodeProtocol, CodeLimit or CodeVersion
	Type   Type // zero when no header was read
	Detail string
}

func frameError(c Code, t Type, detail string) error { return &FrameError{c, t, detail} }

// Error says which frame and why, for instance "frame data is too long".
func (e *FrameError) Error() string {
	if e.Type == 0 {
		return "frame " + e.Detail
	}
	return "frame " + e.Type.String() + " " + e.Detail
}

// CodeOf returns the code to send for err: that of a *FrameError in its chain, else CodeInternal.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*FrameError](err); ok {
		return e.Code
	}
	return CodeInternal
}
