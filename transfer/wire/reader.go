package wire

import "io"

// Reader reads frames from a stream. It keeps one buffer that grows only as bytes arrive, up to the
// largest frame that was read; in steady state a frame costs no allocation. Not for concurrent use.
type Reader struct {
	src        io.Reader
	buf        []byte // buf[pos:end] was read and not yet given out
	pos, end   int
	need       int // bytes of the frame given out last, dropped by the next call
	expect     uint32
	restricted bool
	err        error
}

// NewReader reads frames from src. It may read past the frame that it returns; nobody else may read src.
func NewReader(src io.Reader) *Reader { return &Reader{src: src} }

// Expect restricts what the next frames may be: a known type that is not in types is refused by its
// header, before its payload is read. Before the peer is authenticated only the next message of the
// handshake (and Error) should be expected. Without types every known type is allowed again.
func (r *Reader) Expect(types ...Type) {
	r.expect, r.restricted = 0, len(types) > 0
	for _, t := range types {
		r.expect |= 1 << (t & 31)
	}
}

// ReadFrame returns the next frame of a known type. The payload is valid until the next call and may be
// overwritten (to open it in place). Unknown types without Critical are skipped, at most MaxSkipped in a
// row of at most MaxUnknown bytes each.
//
// At the end of the stream the error is io.EOF between frames and io.ErrUnexpectedEOF inside one: neither
// means that a transfer is complete. A *FrameError is a frame against the table. A failed read of the
// source is passed on; a timeout may be retried and loses no bytes, every other error is final.
func (r *Reader) ReadFrame() (Frame, error) {
	if r.err != nil {
		return Frame{}, r.err
	}
	for skipped := 0; ; skipped++ {
		r.pos += r.need
		r.need = 0
		t, flags, n, err := r.header()
		if err == nil && skipped == MaxSkipped {
			if _, known := ruleOf(t); !known {
				err = r.fail(frameError(CodeLimit, t, "follows too many unknown frames"))
			}
		}
		if err != nil {
			return Frame{}, err
		}
		if err := r.fill(HeaderSize + n); err != nil {
			return Frame{}, err
		}
		r.need = HeaderSize + n
		if _, known := ruleOf(t); known {
			end := r.pos + r.need
			return Frame{t, flags, r.buf[r.pos+HeaderSize : end : end]}, nil
		}
	}
}

// header reads the header at pos, without consuming it, and holds it against table and expectation.
func (r *Reader) header() (Type, Flags, int, error) {
	if err := r.fill(HeaderSize); err != nil {
		return 0, 0, 0, err
	}
	t, flags, n, err := parseHeader(r.buf[r.pos:r.end])
	if err != nil {
		return 0, 0, 0, r.fail(err)
	}
	if _, known := ruleOf(t); known && r.restricted && r.expect&(1<<t) == 0 {
		return 0, 0, 0, r.fail(frameError(CodeProtocol, t, "is not expected here"))
	}
	return t, flags, n, nil
}

// fill reads until buf[pos:] holds n bytes.
func (r *Reader) fill(n int) error {
	for idle := 0; r.end-r.pos < n; {
		r.room(n)
		// At most the rest of this frame and the next header: what is left to move in front of the next
		// frame is then a few bytes, and not half of it.
		limit := min(len(r.buf), max(r.pos+n+HeaderSize, r.end+readAhead))
		m, err := r.src.Read(r.buf[r.end:limit])
		r.end += m
		if m > 0 {
			idle = 0
			continue // an error that matters comes again
		}
		if err == nil {
			if idle++; idle == maxIdleReads {
				return r.fail(io.ErrNoProgress)
			}
			continue
		}
		if err == io.EOF && r.end > r.pos {
			err = io.ErrUnexpectedEOF
		}
		if t, ok := err.(interface{ Timeout() bool }); ok && t.Timeout() {
			return err
		}
		return r.fail(err)
	}
	return nil
}

// room makes space behind end: by moving what is held to the front, and by growing with what has arrived.
func (r *Reader) room(n int) {
	if r.pos > 0 && (r.pos == r.end || r.pos+n+HeaderSize > len(r.buf)) {
		r.end = copy(r.buf, r.buf[r.pos:r.end])
		r.pos = 0
	}
	if r.end < len(r.buf) {
		return
	}
	grown := min(max(readAhead, 2*len(r.buf)), max(readAhead, n+HeaderSize))
	buf := make([]byte, grown)
	copy(buf, r.buf[:r.end])
	r.buf = buf
}

func (r *Reader) fail(err error) error {
	r.err = err
	return err
}
