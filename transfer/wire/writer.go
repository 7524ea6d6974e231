package wire

import "io"

// Writer writes frames to a stream, each with one Write. It keeps one buffer of the largest frame written;
// in steady state a frame costs no allocation. Not for concurrent use.
type Writer struct {
	dst io.Writer
	buf []byte
	err error
}

// NewWriter writes frames to dst.
func NewWriter(dst io.Writer) *Writer { return &Writer{dst: dst} }

// WriteFrame writes one frame. A frame against the table is refused with a *FrameError before anything is
// written, and the Writer stays usable. After a failed write part of a frame may be on its way, so every
// later call returns the same error.
func (w *Writer) WriteFrame(t Type, f Flags, payload []byte) error {
	if w.err != nil {
		return w.err
	}
	b, err := AppendFrame(w.buf[:0], Frame{t, f, payload})
	if err != nil {
		return err
	}
	return w.flush(b)
}

// WriteAppend is WriteFrame for a payload that is made in place: seal appends exactly the payload to b,
// which holds the header, and returns the result. n is the payload's length, known beforehand. A failed
// seal, or one of another length, writes nothing and is final.
func (w *Writer) WriteAppend(t Type, f Flags, n int, seal func(b []byte) ([]byte, error)) error {
	if w.err != nil {
		return w.err
	}
	b, err := AppendHeader(w.buf[:0], t, f, n)
	if err != nil {
		return err
	}
	b, err = seal(b)
	if err == nil && len(b) != HeaderSize+n {
		err = frameError(CodeInternal, t, "has another length than announced")
	}
	if err != nil {
		w.err = err
		return err
	}
	return w.flush(b)
}

func (w *Writer) flush(b []byte) error {
	w.buf = b[:0]
	n, err := w.dst.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	w.err = err
	return err
}
