package hpke

import (
	"fmt"
	"io"
)

// Writer seals what is written to it as one stream for a file: chunks of exactly
// MaxChunk bytes, then the last one, of 1 to MaxChunk bytes, or empty when the
// whole stream is. So each plaintext has one encoding, and nothing else marks
// the chunks. Only Close writes the last chunk: whoever gives up half-way must
// call Abort, or the part would open as the whole.
type Writer struct {
	dst    io.Writer
	sealer *ChunkSealer
	plain  []byte // what waits: a full chunk stays until it is known not to be the last
	sealed []byte
	err    error // sticky; ErrFinished after Close
}

// NewWriter starts a stream under a key of s.KeySize() bytes that no other
// stream had or will have. Nothing is written before the first full chunk. The
// errors are ErrSuite and ErrKey.
func NewWriter(w io.Writer, s Suite, key []byte) (*Writer, error) {
	sealer, err := NewChunkSealer(s, key)
	if err != nil {
		return nil, err
	}
	return &Writer{
		dst:    w,
		sealer: sealer,
		plain:  make([]byte, 0, MaxChunk),
		sealed: make([]byte, 0, MaxSealedChunk),
	}, nil
}

// Write takes all of p, or gives an error, which is final.
func (w *Writer) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	written := 0
	for len(p) > 0 {
		if len(w.plain) == MaxChunk {
			if err := w.flush(false); err != nil {
				return written, err
			}
		}
		n := min(len(p), MaxChunk-len(w.plain))
		w.plain = append(w.plain, p[:n]...)
		p = p[n:]
		written += n
	}
	return written, nil
}

// Close writes the last chunk, without which the stream does not open. It does
// not close the underlying writer. Called again it does nothing; after an error
// or Abort it gives that error and writes nothing.
func (w *Writer) Close() error {
	if w.err == ErrFinished {
		return nil
	}
	if w.err != nil {
		return w.err
	}
	if err := w.flush(true); err != nil {
		return err
	}
	w.end(ErrFinished)
	return nil
}

// Abort gives the stream up: what was written stays without a last chunk and
// never opens. After Close it does nothing.
func (w *Writer) Abort() {
	if w.err == nil {
		w.end(ErrAborted)
	}
}

// flush seals what waits.
func (w *Writer) flush(last bool) error {
	sealed, err := w.sealer.Seal(w.sealed, w.plain, nil, last)
	if err == nil {
		var n int
		if n, err = w.dst.Write(sealed); err == nil && n < len(sealed) {
			err = io.ErrShortWrite
		}
	}
	if err != nil {
		w.end(fmt.Errorf("write sealed stream: %w", err))
		return w.err
	}
	w.plain = w.plain[:0]
	return nil
}

// end leaves no key and no plaintext behind.
func (w *Writer) end(err error) {
	w.err = err
	w.sealer.Erase()
	clear(w.plain[:cap(w.plain)])
	w.plain = w.plain[:0]
}
