package convert

import (
	"errors"
	"fmt"
	"io"
)

// openAt opens a file of the export for reading from offset on. In an archive
// that means to read, and to throw away, what stands before.
func (r *run) openAt(name string, offset int64) (io.ReadCloser, error) {
	f, err := r.fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open export: %w", err)
	}
	if s, ok := f.(io.Seeker); ok {
		_, err = s.Seek(offset, io.SeekStart)
	} else {
		_, err = io.CopyN(io.Discard, f, offset)
	}
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = ErrContentChanged
		}
		return nil, errors.Join(fmt.Errorf("open export: %w", err), f.Close())
	}
	return f, nil
}

// A decoded is what is decoded of a file that stays open for it. It hides that a
// file can seek: its offsets would be of what is encoded.
type decoded struct {
	io.Reader
	io.Closer
}
