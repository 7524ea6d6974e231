package hpke

import (
	"crypto/cipher"
	"encoding/binary"
)

// The sealed chunk stream is STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015) with
// the nonce
//
//	counter of chunks, 11 bytes big-endian || 1 for the last chunk, else 0
//
// so that each chunk opens in its place only, and the end only as the end. A key
// is for one stream, forever: also when a transfer goes on after an interruption
// there is a new key.

// chunks is one direction of a stream.
type chunks struct {
	_        noCopy
	aead     cipher.AEAD
	nonce    [NonceSize]byte
	n        uint64
	finished bool
	err      error // sticky
}

// noCopy makes go vet refuse a copy: two copies would use one nonce twice.
type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}

// ChunkSealer seals a stream chunk by chunk, without allocating. It is for one
// goroutine.
type ChunkSealer struct{ chunks }

// ChunkOpener opens a stream chunk by chunk, without allocating. It is for one
// goroutine.
type ChunkOpener struct{ chunks }

// NewChunkSealer starts a stream under a key of s.KeySize() bytes that no other
// stream had or will have. The errors are ErrSuite and ErrKey.
func NewChunkSealer(s Suite, key []byte) (*ChunkSealer, error) {
	aead, err := s.NewAEAD(key)
	if err != nil {
		return nil, err
	}
	return &ChunkSealer{chunks: chunks{aead: aead}}, nil
}

// NewChunkOpener opens the stream that was sealed under key. The errors are
// ErrSuite and ErrKey.
func NewChunkOpener(s Suite, key []byte) (*ChunkOpener, error) {
	aead, err := s.NewAEAD(key)
	if err != nil {
		return nil, err
	}
	return &ChunkOpener{chunks: chunks{aead: aead}}, nil
}

// Seal appends the next sealed chunk to dst, Overhead bytes longer than
// plaintext, which has at most MaxChunk bytes. It seals in place when dst is
// plaintext[:0] with room for the tag; no other overlap is allowed. Exactly one
// chunk, the final one, has last set. The errors are ErrTooLarge, ErrFinished,
// ErrExhausted and ErrErased, as a ChunkError; all are final.
func (c *ChunkSealer) Seal(dst, plaintext, aad []byte, last bool) ([]byte, error) {
	if err := c.next(len(plaintext) > MaxChunk, last); err != nil {
		return nil, err
	}
	dst = c.aead.Seal(dst, c.nonce[:], plaintext, aad)
	c.done(last)
	return dst, nil
}

// Open appends the next chunk's plaintext to dst, once its tag was checked. It
// opens in place when dst is ciphertext[:0]; no other overlap is allowed. The
// errors are ErrOpen, ErrTooLarge (more than MaxSealedChunk bytes), ErrFinished,
// ErrExhausted and ErrErased, as a ChunkError; all are final.
func (c *ChunkOpener) Open(dst, ciphertext, aad []byte, last bool) ([]byte, error) {
	if err := c.next(len(ciphertext) > MaxSealedChunk, last); err != nil {
		return nil, err
	}
	dst, err := c.aead.Open(dst, c.nonce[:], ciphertext, aad)
	if err != nil {
		return nil, c.fail(ErrOpen)
	}
	c.done(last)
	return dst, nil
}

// Finished tells whether the last chunk was sealed or opened. A stream that ends
// before is cut.
func (c *chunks) Finished() bool { return c.finished }

// Erase drops the key; Seal and Open fail from then on. It may be called again.
func (c *chunks) Erase() {
	if c.aead != nil {
		c.aead = nil
		c.fail(ErrErased)
	}
}

// next checks that another chunk may come, and sets its nonce.
func (c *chunks) next(tooLarge, last bool) error {
	switch {
	case c.err != nil:
		return c.err
	case c.finished:
		return c.fail(ErrFinished)
	case c.n >= MaxChunks:
		return c.fail(ErrExhausted)
	case tooLarge:
		return c.fail(ErrTooLarge)
	}
	binary.BigEndian.PutUint64(c.nonce[3:11], c.n)
	c.nonce[11] = 0
	if last {
		c.nonce[11] = 1
	}
	return nil
}

// done leaves the chunk behind.
func (c *chunks) done(last bool) {
	c.n++
	c.finished = last
}

// fail ends the stream for good.
func (c *chunks) fail(reason error) error {
	c.err = &ChunkError{Chunk: c.n, Err: reason}
	return c.err
}
