package mimi

import (
	"fmt"
	"unicode/utf8"
)

// A ParseError says where and why bytes are not MIMI content. It carries no text
// of the message.
type ParseError struct {
	Offset int    // bytes from the start of the content
	Reason string // what was found, or which limit was exceeded
}

func (e *ParseError) Error() string {
	return fmt.Sprintf("parse mimi content: byte %d: %s", e.Offset, e.Reason)
}

// CBOR major types (RFC 8949, section 3.1).
const (
	majorUint   = 0
	majorNegint = 1
	majorBytes  = 2
	majorText   = 3
	majorArray  = 4
	majorMap    = 5
	majorTag    = 6
	majorSimple = 7
)

const (
	cborFalse = 0xf4
	cborTrue  = 0xf5
	cborNull  = 0xf6
	cborBreak = 0xff
)

// A reader walks CBOR item heads. It accepts any well-formed encoding and
// remembers in loose that one was not deterministic.
type reader struct {
	b     []byte
	off   int
	loose bool
}

// A head is the head of a data item. size is the length of the whole head.
type head struct {
	major      byte
	info       byte
	arg        uint64
	indefinite bool
}

func (r *reader) fail(reason string) error {
	return &ParseError{Offset: r.off, Reason: reason}
}

func (r *reader) left() int { return len(r.b) - r.off }

// peek returns the next byte; ok is false at the end.
func (r *reader) peek() (c byte, ok bool) {
	if r.off >= len(r.b) {
		return 0, false
	}
	return r.b[r.off], true
}

// head reads the head of the next item.
func (r *reader) head() (head, error) {
	c, ok := r.peek()
	if !ok {
		return head{}, r.fail("unexpected end")
	}
	h := head{major: c >> 5, info: c & 31}
	n := 0
	switch {
	case h.info < 24:
		h.arg = uint64(h.info)
		r.off++
		return h, nil
	case h.info <= 27:
		n = 1 << (h.info - 24)
	case h.info == 31 && h.major >= majorBytes && h.major <= majorMap:
		h.indefinite = true
		r.loose = true
		r.off++
		return h, nil
	default:
		return head{}, r.fail("reserved item head")
	}
	if r.left() < 1+n {
		return head{}, r.fail("unexpected end")
	}
	for _, d := range r.b[r.off+1 : r.off+1+n] {
		h.arg = h.arg<<8 | uint64(d)
	}
	if h.major == majorSimple {
		if h.info == 24 && h.arg < 32 {
			return head{}, r.fail("simple value in two bytes")
		}
	} else if !shortest(h.info, h.arg) {
		r.loose = true
	}
	r.off += 1 + n
	return h, nil
}

// shortest reports whether an argument that info announced needed its length.
func shortest(info byte, arg uint64) bool {
	switch info {
	case 24:
		return arg >= 24
	case 25:
		return arg > 0xff
	case 26:
		return arg > 0xffff
	default:
		return arg > 0xffffffff
	}
}

// uint reads an unsigned integer of at most limit.
func (r *reader) uint(limit uint64) (uint64, error) {
	at := r.off
	h, err := r.head()
	if err != nil {
		return 0, err
	}
	if h.major != majorUint {
		return 0, &ParseError{at, "want an unsigned integer"}
	}
	if h.arg > limit {
		return 0, &ParseError{at, "integer out of range"}
	}
	return h.arg, nil
}

// bytes reads a byte string; the result aliases the input when it can.
func (r *reader) bytes() ([]byte, error) { return r.str(majorBytes) }

// text reads a text string.
func (r *reader) text() (string, error) {
	b, err := r.str(majorText)
	return string(b), err
}

func (r *reader) str(major byte) ([]byte, error) {
	at := r.off
	h, err := r.head()
	if err != nil {
		return nil, err
	}
	if h.major != major {
		if major == majorText {
			return nil, &ParseError{at, "want a text string"}
		}
		return nil, &ParseError{at, "want a byte string"}
	}
	return r.strBody(h)
}

// strBody reads what follows the head of a byte or text string.
func (r *reader) strBody(h head) ([]byte, error) {
	if !h.indefinite {
		return r.chunk(h)
	}
	var all []byte
	for {
		c, ok := r.peek()
		if !ok {
			return nil, r.fail("unexpected end")
		}
		if c == cborBreak {
			r.off++
			return all, nil
		}
		at := r.off
		ch, err := r.head()
		if err != nil {
			return nil, err
		}
		if ch.major != h.major || ch.indefinite {
			return nil, &ParseError{at, "wrong chunk in an indefinite string"}
		}
		part, err := r.chunk(ch)
		if err != nil {
			return nil, err
		}
		all = append(all, part...)
	}
}

func (r *reader) chunk(h head) ([]byte, error) {
	if h.arg > uint64(r.left()) {
		return nil, r.fail("string longer than the content")
	}
	s := r.b[r.off : r.off+int(h.arg) : r.off+int(h.arg)]
	if h.major == majorText && !utf8.Valid(s) {
		return nil, r.fail("text is not valid UTF-8")
	}
	r.off += int(h.arg)
	return s, nil
}

// array opens an array and returns its announced length, -1 if indefinite.
func (r *reader) array() (int, error) {
	at := r.off
	h, err := r.head()
	if err != nil {
		return 0, err
	}
	if h.major != majorArray {
		return 0, &ParseError{at, "want an array"}
	}
	if h.indefinite {
		return -1, nil
	}
	if h.arg > uint64(r.left()) {
		return 0, &ParseError{at, "array longer than the content"}
	}
	return int(h.arg), nil
}

// more reports whether element i of an array of n elements follows; it takes the
// break of an indefinite one.
func (r *reader) more(i, n int) (bool, error) {
	if n >= 0 {
		return i < n, nil
	}
	c, ok := r.peek()
	if !ok {
		return false, r.fail("unexpected end")
	}
	if c == cborBreak {
		r.off++
		return false, nil
	}
	return true, nil
}

// close checks that an array of n elements that were read ends here.
func (r *reader) close(announced, n int) error {
	more, err := r.more(n, announced)
	if err != nil {
		return err
	}
	if more || announced >= 0 && announced != n {
		return r.fail("array of the wrong length")
	}
	return nil
}

// null takes a null if it is next.
func (r *reader) null() bool {
	if c, ok := r.peek(); ok && c == cborNull {
		r.off++
		return true
	}
	return false
}
