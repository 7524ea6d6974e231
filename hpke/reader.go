package hpke

import (
	"errors"
	"fmt"
	"io"
)

// Reader opens what a Writer sealed. It gives a chunk's bytes only after its tag
// was checked in its place, and io.EOF only after the last chunk and the end of
// the source: a stream that was cut, reordered, spliced, extended or changed ends
// in another error, after a prefix of whole chunks.
//
// It reads the source to its end. A chunk is the last one exactly when nothing
// follows, so of a full chunk nothing is given before the source gave one more
// byte or its end.
type Reader struct {
	src    io.Reader
	opener *ChunkOpener
	sealed []byte // one chunk and the byte that follows it
	held   int    // bytes of sealed that are read already
	buf    []byte
	plain  []byte // what is left of buf
	err    error  // sticky, given once plain is empty
}

// NewReader opens the stream that was sealed under key. The errors are ErrSuite
// and ErrKey.
func NewReader(r io.Reader, s Suite, key []byte) (*Reader, error) {
	opener, err := NewChunkOpener(s, key)
	if err != nil {
		return nil, err
	}
	return &Reader{
		src:    r,
		opener: opener,
		sealed: make([]byte, MaxSealedChunk+1),
		buf:    make([]byte, 0, MaxChunk),
	}, nil
}

// Read gives the next authenticated bytes. Besides io.EOF the errors are those of
// the source, and, as a ChunkError, ErrOpen, ErrTruncated, ErrTrailing,
// ErrEmptyChunk and ErrExhausted. All are final.
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(r.plain) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		last, err := r.next()
		switch {
		case err != nil:
			r.end(err)
		case last:
			// The plaintext that is left outlives the key.
			r.err = io.EOF
			r.opener.Erase()
		}
	}
	n := copy(p, r.plain)
	r.plain = r.plain[n:]
	return n, nil
}

// next opens one chunk into plain.
func (r *Reader) next() (last bool, err error) {
	last, err = r.fill()
	if err != nil {
		return false, fmt.Errorf("read sealed stream: %w", err)
	}
	n := min(r.held, MaxSealedChunk)
	place := r.opener.n
	if n < Overhead {
		return false, refuse(place, ErrTruncated)
	}
	plain, err := r.opener.Open(r.buf, r.sealed[:n], nil, last)
	if errors.Is(err, ErrOpen) && r.opener.opensAs(r.buf, r.sealed[:n], !last) {
		// The chunk is genuine and in its place: only the end is wrong.
		if last {
			return false, refuse(place, ErrTruncated)
		}
		return false, refuse(place, ErrTrailing)
	}
	if err != nil {
		return false, fmt.Errorf("read sealed stream: %w", err)
	}
	if len(plain) == 0 && place > 0 {
		return false, refuse(place, ErrEmptyChunk)
	}
	r.plain = plain
	if !last {
		r.sealed[0] = r.sealed[MaxSealedChunk]
		r.held = 1
	}
	return last, nil
}

// fill reads a chunk and one byte more, or what there is until the end.
func (r *Reader) fill() (last bool, err error) {
	for empty := 0; r.held < len(r.sealed); {
		n, err := r.src.Read(r.sealed[r.held:])
		r.held += n
		if err == io.EOF {
			return r.held < len(r.sealed), nil
		}
		if err != nil && r.held < len(r.sealed) {
			return false, err
		}
		if n > 0 {
			empty = 0
		} else if empty++; empty == maxEmptyReads {
			return false, io.ErrNoProgress
		}
	}
	return false, nil
}

// opensAs tells whether the chunk that was just refused would open with the other
// flag. The plaintext is not kept.
func (c *ChunkOpener) opensAs(scratch, ciphertext []byte, last bool) bool {
	c.nonce[11] = 0
	if last {
		c.nonce[11] = 1
	}
	plain, err := c.aead.Open(scratch, c.nonce[:], ciphertext, nil)
	clear(plain)
	return err == nil
}

// end leaves no key and no plaintext behind.
func (r *Reader) end(err error) {
	r.err = err
	r.opener.Erase()
	clear(r.buf[:cap(r.buf)])
	r.plain = nil
}

func refuse(place uint64, reason error) error {
	return fmt.Errorf("read sealed stream: %w", &ChunkError{Chunk: place, Err: reason})
}
