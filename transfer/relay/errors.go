package relay

import "fmt"

// Reason says why Dial failed. It is an error, so that errors.Is(err, relay.NoPeer) asks for it.
type Reason uint8

const (
	NotRelay     Reason = 1 // what answers is not a relay, or not of this version
	Unauthorized Reason = 2 // the relay wants a token for new channels, or does not know this one
	Taken        Reason = 3 // somebody with another token has this role in the channel
	Busy         Reason = 4 // the relay's limits are reached; later it may work
	NoPeer       Reason = 5 // the peer did not come
	Replaced     Reason = 6 // this side connected again, and the newer connection has its place
	Closing      Reason = 7 // the relay is being shut down
	Unreachable  Reason = 8 // no connection, or it broke before the peer was there
	BadOptions   Reason = 9 // the URL or the token is not one
)

// Error says the reason in words.
func (r Reason) Error() string {
	switch r {
	case NotRelay:
		return "address is not a relay"
	case Unauthorized:
		return "relay wants a valid token"
	case Taken:
		return "role in the channel is taken"
	case Busy:
		return "relay is busy"
	case NoPeer:
		return "other device did not come to the relay"
	case Replaced:
		return "a newer connection took the place"
	case Closing:
		return "relay is shutting down"
	case Unreachable:
		return "relay cannot be reached"
	case BadOptions:
		return "relay is not given correctly"
	}
	return "relay failed"
}

// Hint says what the person can do, in one line, or nothing.
func (r Reason) Hint() string {
	switch r {
	case NotRelay:
		return "check the relay's URL; its scheme, port and path matter"
	case Unauthorized:
		return "ask who runs the relay for a token"
	case Taken:
		return "start again with a new offer"
	case Busy, Closing:
		return "try again in a few minutes"
	case NoPeer:
		return "both devices have to use the same offer and the same relay"
	case Replaced:
		return "the same transfer is running in another window"
	case Unreachable:
		return "check the network of this device and the relay's URL"
	case BadOptions:
		return "a relay's URL looks like https://relay.example"
	}
	return ""
}

// Error is what Dial returns, but for a context that was cancelled. It names no channel and no token.
type Error struct {
	Reason Reason
	Status int   // of the relay's HTTP response, zero if there was none
	Err    error // the cause, may be nil
}

func (e *Error) Error() string {
	s := "dial relay: " + e.Reason.Error()
	if e.Status != 0 {
		s += fmt.Sprintf(": status %d", e.Status)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the reason and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Reason}
	}
	return []error{e.Reason, e.Err}
}
