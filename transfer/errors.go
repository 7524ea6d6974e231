package transfer

import (
	"errors"
	"fmt"

	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// ErrDeclined is returned by a SendPrompter whose person said no.
var ErrDeclined = errors.New("declined")

// An Error is why a transfer ended. Code decides exit codes and hints; it is the
// code that the peer sees, or sent when Peer is set.
type Error struct {
	Code wire.Code
	Peer bool // the other device reported it
	Err  error
}

func (e *Error) Error() string {
	who := ""
	if e.Peer {
		who = "the other device: "
	}
	if e.Err == nil || e.Err.Error() == e.Code.String() {
		return who + e.Code.String()
	}
	return fmt.Sprintf("%s%v: %v", who, e.Code, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

func fail(code wire.Code, err error) error { return &Error{Code: code, Err: err} }

func failf(code wire.Code, format string, args ...any) error {
	return &Error{Code: code, Err: fmt.Errorf(format, args...)}
}

// CodeOf returns the code of the Error in err's chain, of a refused frame, or
// CodeInternal.
func CodeOf(err error) wire.Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return wire.CodeOf(err)
}

// lost marks an error after which another connection may go on.
type lost struct{ err error }

func (l *lost) Error() string { return "connection lost: " + l.err.Error() }
func (l *lost) Unwrap() error { return l.err }

// isLost reports whether err is only a lost connection. A refused frame or a bad
// tag is not: somebody tampers, or one side has a bug.
func isLost(err error) bool {
	_, ok := errors.AsType[*lost](err)
	return ok
}
