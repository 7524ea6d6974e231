package history

import (
	"errors"
	"fmt"
)

// ErrChanged says that the source changed after it was indexed or listed: begin
// again with a new manifest. Never are bytes given out that do not fit their name.
var ErrChanged = errors.New("source changed since it was read")

// ErrNotNamed says that a segment, or an attachment, was asked for that no
// manifest of this Source has named.
var ErrNotNamed = errors.New("not named by this manifest")

// ErrLocked says that another process works in the same folder.
var ErrLocked = errors.New("folder is in use by another process")

// A FileError says which file of a source could not be read, and why. Err is a
// *codec.Error, with the JSON pointer of the place, when the content is at fault.
type FileError struct {
	File string // as the caller named it, or below the folder that the caller named
	Err  error
}

func (e *FileError) Error() string { return fmt.Sprintf("read source %q: %v", e.File, e.Err) }

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.Err }

// A LimitError says which limit of the source was exceeded.
type LimitError struct {
	What  string // what there are too many of, or what is too large
	Limit int64
}

func (e *LimitError) Error() string { return fmt.Sprintf("%s: more than %d", e.What, e.Limit) }
