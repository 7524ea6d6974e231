package codec

import (
	"encoding/base64"
	"io"
)

// A Section is the place of a large attachment body in its source.
type Section struct {
	Offset    int64 // of the body's first byte, inside the quotes or behind the head
	Length    int64 // as encoded
	Canonical bool  // base64url that decoding and encoding leave as it is (always so in CBOR bytes)

	form     sectionForm
	encoding string // of the attachment
	escaped  bool   // the JSON text has escapes
	mend     bool   // what is no Unicode is read as U+FFFD
	mended   bool   // and there is some
}

type sectionForm uint8

const (
	sectionBytes      sectionForm = iota // a CBOR byte string: the content
	sectionText                          // a CBOR text
	sectionJSON                          // the inside of a JSON string
	sectionTextChunks                    // the chunks of a CBOR text, with their heads
	sectionByteChunks                    // those of a byte string
)

// Size is the length of the content in bytes, or -1 when only reading tells.
func (s *Section) Size() int64 {
	switch {
	case s.form == sectionBytes:
		return s.Length
	case s.encoding == EncodingBase64URL && s.Canonical:
		return s.Length/4*3 + s.Length%4*6/8
	case s.encoding != EncodingBase64URL && !s.escaped && !s.mended:
		return s.Length
	}
	return -1
}

// Open reads the content (see BytesOfBody) from the source that was scanned. A
// body that is not what its encoding says ends in an *Error.
func (s *Section) Open(source io.ReaderAt) io.Reader {
	var r io.Reader = io.NewSectionReader(source, s.Offset, s.Length)
	if s.form == sectionBytes {
		return &exactReader{r: r, left: s.Length}
	}
	r = &exactReader{r: r, left: s.Length}
	r = &textReader{r: r, u: unquoter{quoted: s.form == sectionJSON, mend: s.mend}}
	if s.encoding != EncodingBase64URL {
		return r
	}
	if s.Canonical {
		return &bodyReader{base64.NewDecoder(strictBase64, r)}
	}
	return &bodyReader{base64.NewDecoder(base64.RawURLEncoding, &plainReader{r: r})}
}

// An exactReader makes a source that became shorter an error, not an end.
type exactReader struct {
	r    io.Reader
	left int64
}

func (e *exactReader) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	if e.left -= int64(n); err == io.EOF && e.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// A bodyReader gives base64's errors, which quote positions of their own, as ours.
type bodyReader struct{ r io.Reader }

func (b *bodyReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if _, ok := err.(base64.CorruptInputError); ok {
		err = &Error{Pointer: "/body", Offset: -1, Reason: "body is not base64url"}
	}
	return n, err
}

// A plainReader is plainBase64 for a stream: padding counts only at the end.
type plainReader struct {
	r      io.Reader
	padded bool
}

func (s *plainReader) Read(p []byte) (int, error) {
	for {
		n, err := s.r.Read(p)
		out := p[:0]
		for _, c := range p[:n] {
			switch c {
			case ' ', '\t', '\r', '\n':
				continue
			case '=':
				s.padded = true
				continue
			case '+':
				c = '-'
			case '/':
				c = '_'
			}
			if s.padded {
				return 0, &Error{Pointer: "/body", Offset: -1, Reason: "body is not base64url"}
			}
			out = append(out, c)
		}
		if len(out) > 0 || err != nil || len(p) == 0 {
			return len(out), err
		}
	}
}

// A textReader checks that a text is UTF-8, and resolves the escapes when it is
// the inside of a JSON string.
type textReader struct {
	r   io.Reader
	u   unquoter
	out []byte // resolved, not yet read
	all []byte // out from its beginning
	buf [4096]byte
	err error
}

func (t *textReader) Read(p []byte) (int, error) {
	for len(t.out) == 0 && len(p) > 0 {
		if t.err != nil {
			return 0, t.err
		}
		var n int
		var bad error
		n, t.err = t.r.Read(t.buf[:])
		t.all, bad = t.u.write(t.all[:0], t.buf[:n])
		if bad == nil && t.err == io.EOF {
			t.all, bad = t.u.close(t.all)
		}
		if t.out = t.all; bad != nil {
			t.err = errBodyText
		}
	}
	n := copy(p, t.out)
	t.out = t.out[n:]
	return n, nil
}

var errBodyText = &Error{Pointer: "/body", Offset: -1, Reason: "body is not a valid text"}
