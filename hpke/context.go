package hpke

import (
	"fmt"
	"sync"

	circl "github.com/cloudflare/circl/hpke"
)

// context is what both ends share: the order of messages and the exporter.
type context struct {
	mu    sync.Mutex // two messages at once would be one nonce twice
	circl circl.Context
	seq   uint64
	err   error // sticky
}

// Sender seals messages in order, each under its own nonce (RFC 9180 section
// 5.2). After an error it seals nothing more.
type Sender struct {
	context
	sealer circl.Sealer
}

// Recipient opens what a Sender sealed, in the same order. After an error it
// opens nothing more.
type Recipient struct {
	context
	opener circl.Opener
}

// Seal appends the next sealed message to dst: Overhead bytes longer than pt.
// The errors are ErrExhausted and ErrErased.
func (s *Sender) Seal(dst, aad, pt []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.next(); err != nil {
		return nil, fmt.Errorf("seal message: %w", err)
	}
	ct, err := s.sealer.Seal(pt, aad)
	if err != nil {
		s.err = fmt.Errorf("seal message: %w", err)
		return nil, s.err
	}
	return append(dst, ct...), nil
}

// Open appends the next message's plaintext to dst. The errors are ErrOpen,
// ErrExhausted and ErrErased.
func (r *Recipient) Open(dst, aad, ct []byte) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.next(); err != nil {
		return nil, fmt.Errorf("open message: %w", err)
	}
	pt, err := r.opener.Open(ct, aad)
	if err != nil {
		r.err = ErrOpen
		return nil, fmt.Errorf("open message: %w", ErrOpen)
	}
	dst = append(dst, pt...)
	clear(pt)
	return dst, nil
}

// Erase forgets the context: Seal fails and Export panics from then on. It may
// be called again.
func (s *Sender) Erase() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sealer, s.context.circl, s.err = nil, nil, ErrErased
}

// Erase forgets the context: Open fails and Export panics from then on. It may
// be called again.
func (r *Recipient) Erase() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.opener, r.context.circl, r.err = nil, nil, ErrErased
}

// Export derives length bytes, 1 to MaxDerived, that both ends share (RFC 9180
// section 5.3), whatever was sealed so far. On a recipient they prove nothing
// about the sender until a message was opened. Another length, a context of more
// than MaxSetupInput bytes and an erased secret are bugs of the caller and panic:
// a key that is quietly empty would be worse.
func (c *context) Export(context []byte, length int) []byte {
	if length < 1 || length > MaxDerived || len(context) > MaxSetupInput {
		panic("hpke: export: length out of range")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.circl == nil {
		panic("hpke: export after erase")
	}
	return c.circl.Export(context, uint(length))
}

// next takes the next place in the sequence.
func (c *context) next() error {
	if c.err != nil {
		return c.err
	}
	if c.seq >= MaxMessages {
		c.err = ErrExhausted
		return c.err
	}
	c.seq++
	return nil
}
