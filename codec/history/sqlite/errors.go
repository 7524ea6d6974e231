package sqlite

import (
	"errors"
	"io/fs"
	"syscall"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/vcon-transfer/vcon-transfer/codec/history"
)

var (
	// ErrDestination is in the chain of every error that the place of the store
	// causes: no space, locked, read only, not writable, damaged.
	ErrDestination = errors.New("destination not usable")
	// ErrNotStore reports a file that is no store of this program.
	ErrNotStore = errors.New("not a history store")
	// ErrNewer reports a store of a later version of this program.
	ErrNewer = errors.New("store was written by a newer version")
	// ErrNoTransfer reports a call that needs Begin before it.
	ErrNoTransfer = errors.New("no transfer is open")
	// ErrUnknownRoom reports a room that the store does not have.
	ErrUnknownRoom = errors.New("no such room")
	// ErrClosed reports the use of a closed store.
	ErrClosed = errors.New("store is closed")
)

// A Cause says why a destination is not usable.
type Cause string

// The causes of a DestinationError.
const (
	Full       Cause = "disk full"
	Locked     Cause = "locked by another program"
	ReadOnly   Cause = "not writable"
	Damaged    Cause = "damaged"
	Unreadable Cause = "cannot be opened"
	Device     Cause = "input or output error"
)

// A DestinationError says what could not be done and why. Both ErrDestination
// and Err are in its chain.
type DestinationError struct {
	Op    string
	Cause Cause
	Err   error
}

func (e *DestinationError) Error() string {
	if space, ok := errors.AsType[*history.SpaceError](e.Err); ok {
		return e.Op + ": " + space.Error()
	}
	return e.Op + ": " + string(e.Cause)
}

// Unwrap makes errors.Is find ErrDestination and the underlying error.
func (e *DestinationError) Unwrap() []error { return []error{ErrDestination, e.Err} }

// wrap names the operation, and types what is the fault of the destination.
func wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*DestinationError](err); ok {
		return err
	}
	if cause := causeOf(err); cause != "" {
		return &DestinationError{Op: op, Cause: cause, Err: err}
	}
	return &opError{op: op, err: err}
}

// An opError is `op: err`; a type of its own keeps wrap free of format strings.
type opError struct {
	op  string
	err error
}

func (e *opError) Error() string { return e.op + ": " + e.err.Error() }
func (e *opError) Unwrap() error { return e.err }

// causeOf is the cause that SQLite or the file system reports, or "".
func causeOf(err error) Cause {
	if e, ok := errors.AsType[*driver.Error](err); ok {
		switch e.Code() & 0xff { // extended codes have more above
		case lib.SQLITE_FULL:
			return Full
		case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
			return Locked
		case lib.SQLITE_READONLY, lib.SQLITE_PERM, lib.SQLITE_AUTH:
			return ReadOnly
		case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB:
			return Damaged
		case lib.SQLITE_CANTOPEN:
			return Unreadable
		case lib.SQLITE_IOERR:
			return Device
		}
		return ""
	}
	if _, ok := errors.AsType[*history.SpaceError](err); ok {
		return Full
	}
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return Full
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		return ReadOnly
	case errors.Is(err, syscall.EIO):
		return Device
	}
	return ""
}
