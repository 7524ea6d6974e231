package codec

import (
	"bufio"
	"io"
	"unicode/utf8"
)

// A source is the input with its offset.
type source struct {
	r    *bufio.Reader
	off  int64
	name int64       // where the last top-level name begins
	at   io.ReaderAt // the same input, when it can be read at any place
	size int64       // and its length in bytes
}

func (s *source) fail(reason string) error { return &Error{Offset: s.off, Reason: reason} }

func (s *source) failName(reason string) error { return &Error{Offset: s.name, Reason: reason} }

// peek returns n bytes, or all that are left, without passing them.
func (s *source) peek(n int) ([]byte, error) {
	b, err := s.r.Peek(n)
	if len(b) > 0 || err == nil {
		return b, nil
	}
	if err == io.EOF {
		return nil, s.fail("truncated input")
	}
	return nil, err
}

// buffered returns one byte or more, without passing them.
func (s *source) buffered() ([]byte, error) {
	if _, err := s.peek(1); err != nil {
		return nil, err
	}
	return s.r.Peek(s.r.Buffered())
}

// pass goes on by n bytes that were peeked.
func (s *source) pass(n int) {
	n, _ = s.r.Discard(n) // they are in the buffer
	s.off += int64(n)
}

// seek goes to another place of an input that can be read at any place.
func (s *source) seek(off int64) {
	s.r.Reset(io.NewSectionReader(s.at, off, s.size-off))
	s.off = off
}

// copy passes n bytes, into c when they fit.
func (s *source) copy(c *collector, n uint64) error {
	if s.at != nil && c.overflow && n > scanBuffer {
		if n > uint64(s.size-s.off) {
			s.seek(s.size)
			return s.fail("truncated input")
		}
		s.seek(s.off + int64(n))
		return nil
	}
	for n > 0 {
		b, err := s.buffered()
		if err != nil {
			return err
		}
		b = b[:min(uint64(len(b)), n)]
		c.add(b...)
		n -= uint64(len(b))
		s.pass(len(b))
	}
	return nil
}

// atEnd reports whether the input has ended.
func (s *source) atEnd() (bool, error) {
	if _, err := s.r.Peek(1); err == io.EOF {
		return true, nil
	} else {
		return false, err
	}
}

// checkName bounds a name that may come from anywhere.
func (s *source) checkName(name []byte) (string, error) {
	if len(name) > MaxName {
		return "", s.fail("name too long")
	}
	if !utf8.Valid(name) {
		return "", s.fail(reasonUTF8)
	}
	return string(name), nil
}

// scanBuffer is the size of the window on the source, in bytes.
const scanBuffer = 64 << 10

// each passes n bytes by way of f, then calls done.
func (s *source) each(n uint64, f func([]byte), done func()) error {
	for n > 0 {
		b, err := s.buffered()
		if err != nil {
			return err
		}
		b = b[:min(uint64(len(b)), n)]
		f(b)
		n -= uint64(len(b))
		s.pass(len(b))
	}
	done()
	return nil
}
