package codec

import (
	"bytes"
	"encoding/base64"
	"io"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// A Section is the place of a large attachment body in its source.
type Section struct {
	Offset    int64 // of the body's first byte, inside the quotes or behind the head
	Length    int64 // as encoded
	Canonical bool  // base64url that decoding and encoding leave as it is (always so in CBOR bytes)

	form     sectionForm
	encoding string // of the attachment
	escaped  bool   // the JSON text has escapes
}

type sectionForm uint8

const (
	sectionBytes sectionForm = iota // a CBOR byte string: the content
	sectionText                     // a CBOR text
	sectionJSON                     // the inside of a JSON string
)

// Size is the length of the content in bytes, or -1 when only reading tells.
func (s *Section) Size() int64 {
	switch {
	case s.form == sectionBytes:
		return s.Length
	case s.encoding == EncodingBase64URL && s.Canonical:
		return s.Length/4*3 + s.Length%4*6/8
	case s.encoding != EncodingBase64URL && !s.escaped:
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
	r = &textReader{r: r, quoted: s.form == sectionJSON}
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
	r      io.Reader
	quoted bool
	in     []byte // not yet resolved
	out    []byte // resolved, not yet read
	buf    [4096]byte
	err    error
}

func (u *textReader) Read(p []byte) (int, error) {
	for len(u.out) == 0 && len(p) > 0 {
		if u.err != nil {
			if u.err == io.EOF && len(u.in) > 0 {
				u.err = errBodyText
			}
			return 0, u.err
		}
		var n int
		n, u.err = u.r.Read(u.buf[:])
		u.in = append(u.in, u.buf[:n]...)
		var ok bool
		if u.out, u.in, ok = unquote(u.out, u.in, u.quoted); !ok {
			u.err, u.in = errBodyText, nil
		}
	}
	n := copy(p, u.out)
	u.out = u.out[n:]
	return n, nil
}

var errBodyText = &Error{Pointer: "/body", Offset: -1, Reason: "body is not a valid text"}

// unquote resolves as much of in as is complete; a text that is not quoted has
// no escapes and may have control characters.
func unquote(out, in []byte, quoted bool) (_, rest []byte, ok bool) {
	for len(in) > 0 {
		n := -1
		if quoted {
			n = bytes.IndexByte(in, '\\')
		}
		if n != 0 {
			whole := n
			if n < 0 {
				n, whole = len(in), len(in)
				if i := lastRune(in); !utf8.FullRune(in[i:]) {
					whole = i
				}
			}
			if !utf8.Valid(in[:whole]) || quoted && bytes.ContainsFunc(in[:whole], func(r rune) bool { return r < ' ' }) {
				return out, in, false
			}
			out = append(out, in[:whole]...)
			if in = in[whole:]; whole < n {
				return out, in, true
			}
			continue
		}
		if len(in) < 2 {
			return out, in, true
		}
		if in[1] != 'u' {
			c, ok := simpleEscapes[in[1]]
			if !ok {
				return out, in, false
			}
			out, in = append(out, c), in[2:]
			continue
		}
		if len(in) < 6 {
			return out, in, true
		}
		r, ok := hexRune(in[2:6])
		n = 6
		if ok && utf16.IsSurrogate(r) {
			if len(in) < 12 {
				return out, in, true
			}
			low, ok2 := hexRune(in[8:12])
			if r = utf16.DecodeRune(r, low); !ok2 || in[6] != '\\' || in[7] != 'u' || r == utf8.RuneError {
				return out, in, false
			}
			n = 12
		}
		if !ok {
			return out, in, false
		}
		out, in = utf8.AppendRune(out, r), in[n:]
	}
	return out, nil, true
}

var simpleEscapes = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// lastRune is the place where the last rune of b begins, complete or not.
func lastRune(b []byte) int {
	i := len(b) - 1
	for i > 0 && i > len(b)-utf8.UTFMax && !utf8.RuneStart(b[i]) {
		i--
	}
	return i
}

func hexRune(b []byte) (rune, bool) {
	n, err := strconv.ParseUint(string(b), 16, 16)
	return rune(n), err == nil
}

// A base64Check tells of a stream whether it is canonical base64url.
type base64Check struct {
	n    int64
	last byte
	bad  bool
}

func (c *base64Check) add(b []byte) {
	if len(b) == 0 {
		return
	}
	for _, ch := range b {
		if base64Value(ch) < 0 {
			c.bad = true
			break
		}
	}
	c.n += int64(len(b))
	c.last = b[len(b)-1]
}

func (c *base64Check) canonical() bool {
	if c.bad || c.n%4 == 1 {
		return false
	}
	switch v := base64Value(c.last); c.n % 4 {
	case 2:
		return v&0xf == 0
	case 3:
		return v&0x3 == 0
	}
	return true
}

func base64Value(c byte) int {
	switch {
	case c >= 'A' && c <= 'Z':
		return int(c - 'A')
	case c >= 'a' && c <= 'z':
		return int(c-'a') + 26
	case c >= '0' && c <= '9':
		return int(c-'0') + 52
	case c == '-':
		return 62
	case c == '_':
		return 63
	}
	return -1
}
