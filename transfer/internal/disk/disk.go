// Package disk is the directory below package statedir: the calls that it makes and
// no others, so that tests can put one in its place that loses what was not synced.
//
// What is durable when is what a caller may rely on: the content of a file after its
// Sync, the names of a directory after that of the directory, and nothing before.
package disk

import (
	"errors"
	"io"
	"io/fs"
)

// ErrLocked is why Lock fails when another process has the lock.
var ErrLocked = errors.New("locked by another process")

// A Dir is an open directory. Names are those of files in it.
type Dir interface {
	// Stat tells of a file, not of what a link leads to, or of the directory for ".".
	Stat(name string) (fs.FileInfo, error)
	// Open opens a file to be read.
	Open(name string) (fs.File, error)
	// Create makes a file of mode 0600 that was not there.
	Create(name string) (File, error)
	// Link gives a file a second name, which was not there.
	Link(from, to string) error
	// Rename replaces what has the name to, in one step.
	Rename(from, to string) error
	// Remove removes a name.
	Remove(name string) error
	// Names returns the names in it, or an error when there are most or more.
	Names(most int) ([]string, error)
	// Sync makes the names durable.
	Sync() error
	// Lock takes the advisory lock of a name, which ends with the process however it
	// dies. ErrLocked is in the chain of the error when another one has it.
	Lock(name string) (Lock, error)
	// Close closes the directory.
	Close() error
}

// A File is written once. Sync makes its content durable, but not its name.
type File interface {
	io.WriteCloser
	Sync() error
}

// A Lock is held until Unlock, which removes its name.
type Lock interface {
	Unlock() error
}
