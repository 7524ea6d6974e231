package history

import (
	"io"
)

// A backing is where the encoded bytes of a vCon are: a file of the person, or a
// part of a spool.
type backing interface {
	length() int64
	// use calls f with the bytes. It ends with ErrChanged when they are not those
	// that were there first.
	use(f func(r io.ReaderAt) error) error
	// open is use for who reads longer.
	open() (openBacking, error)
}

// An openBacking is bytes that stay open.
type openBacking interface {
	io.ReaderAt
	io.Closer
	check() error // ErrChanged when they are not those that were there first
}

// A spooled is one vCon in a spool. Nobody else changes it.
type spooled struct {
	s         *Spool
	off, size int64
}

func (b *spooled) length() int64 { return b.size }

func (b *spooled) use(f func(io.ReaderAt) error) error {
	return f(io.NewSectionReader(b.s, b.off, b.size))
}

func (b *spooled) open() (openBacking, error) {
	return openSpooled{io.NewSectionReader(b.s, b.off, b.size)}, nil
}

type openSpooled struct{ *io.SectionReader }

func (openSpooled) check() error { return nil }
func (openSpooled) Close() error { return nil }
