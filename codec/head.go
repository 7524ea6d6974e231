package codec

import (
	"encoding/binary"
	"unicode/utf8"
)

// Major types of CBOR (RFC 8949, section 3.1).
const (
	majorUint  = 0
	majorNeg   = 1
	majorBytes = 2
	majorText  = 3
	majorArray = 4
	majorMap   = 5
	majorTag   = 6
	majorOther = 7
)

const (
	tagDate      = 0
	tagPosBignum = 2
	tagNegBignum = 3
	tagDecimal   = 4
	tagBase64URL = 21
	tagCBOR      = 55799

	simpleFalse = 0xf4
	simpleTrue  = 0xf5
	simpleNull  = 0xf6
	breakCode   = 0xff
)

// AppendHead appends the head of a data item in its shortest form: major type
// and argument (RFC 8949, section 3).
func AppendHead(b []byte, major byte, arg uint64) []byte {
	m := major << 5
	switch {
	case arg < 24:
		return append(b, m|byte(arg))
	case arg < 1<<8:
		return append(b, m|24, byte(arg))
	case arg < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, m|25), uint16(arg))
	case arg < 1<<32:
		return binary.BigEndian.AppendUint32(append(b, m|26), uint32(arg))
	}
	return binary.BigEndian.AppendUint64(append(b, m|27), arg)
}

// AppendArray appends the head of an array of n elements.
func AppendArray(b []byte, n int) []byte { return AppendHead(b, majorArray, uint64(n)) }

// AppendMap appends the head of a map of n pairs.
func AppendMap(b []byte, n int) []byte { return AppendHead(b, majorMap, uint64(n)) }

// AppendText appends a text. The caller answers for it being UTF-8.
func AppendText[S ~string | ~[]byte](b []byte, s S) []byte {
	return append(AppendHead(b, majorText, uint64(len(s))), s...)
}

// AppendBytes appends a byte string.
func AppendBytes[S ~string | ~[]byte](b []byte, s S) []byte {
	return append(AppendHead(b, majorBytes, uint64(len(s))), s...)
}

// AppendUint appends an unsigned integer.
func AppendUint(b []byte, n uint64) []byte { return AppendHead(b, majorUint, n) }

// A head is the head of a data item. With indefinite set, arg means nothing.
type head struct {
	major      byte
	info       byte // additional information
	indefinite bool
	arg        uint64
}

// headSize is the length in bytes of a head that begins with b0.
func headSize(b0 byte) int {
	switch b0 & 0x1f {
	case 24:
		return 2
	case 25:
		return 3
	case 26:
		return 5
	case 27:
		return 9
	}
	return 1
}

// parseHead reads a head from b, which has headSize(b[0]) bytes or more. It
// returns a reason when the head is not well-formed. A break code is not a head.
func parseHead(b []byte) (h head, reason string) {
	h = head{major: b[0] >> 5, info: b[0] & 0x1f}
	switch {
	case h.info < 24:
		h.arg = uint64(h.info)
	case h.info == 24:
		h.arg = uint64(b[1])
		if h.major == majorOther && h.arg < 32 {
			return h, "malformed simple value"
		}
	case h.info == 25:
		h.arg = uint64(binary.BigEndian.Uint16(b[1:]))
	case h.info == 26:
		h.arg = uint64(binary.BigEndian.Uint32(b[1:]))
	case h.info == 27:
		h.arg = binary.BigEndian.Uint64(b[1:])
	case h.info == 31:
		switch h.major {
		case majorBytes, majorText, majorArray, majorMap:
			h.indefinite = true
		case majorOther:
			return h, "break outside of an indefinite-length item"
		default:
			return h, "malformed head"
		}
	default:
		return h, "malformed head"
	}
	return h, ""
}

// A reader walks data items in memory.
type reader struct {
	b       []byte
	off     int
	depth   int
	base    int64 // offset of b[0] in the whole input; below 0 when b is a transcription
	objects int   // structs allocated so far, against objectBudget
	extras  int   // entries of Extra so far
}

// fail is an Error at the present place.
func (r *reader) fail(reason string) error { return r.failAt(r.off, reason) }

func (r *reader) failAt(off int, reason string) error {
	e := &Error{Offset: -1, Reason: reason}
	if r.base >= 0 {
		e.Offset = r.base + int64(off)
	}
	return e
}

// peek returns the first byte of the next item.
func (r *reader) peek() (byte, error) {
	if r.off >= len(r.b) {
		return 0, r.fail("truncated CBOR")
	}
	return r.b[r.off], nil
}

// head reads the next head. A string's length is compared with what is there.
func (r *reader) head() (head, error) {
	if r.off >= len(r.b) {
		return head{}, r.fail("truncated CBOR")
	}
	n := headSize(r.b[r.off])
	if len(r.b)-r.off < n {
		return head{}, r.fail("truncated CBOR")
	}
	h, reason := parseHead(r.b[r.off:])
	if reason != "" {
		return h, r.fail(reason)
	}
	if !h.indefinite {
		left := uint64(len(r.b) - r.off - n)
		switch h.major {
		case majorBytes, majorText, majorArray:
			if h.arg > left {
				return h, r.fail("truncated CBOR: declared length exceeds the input")
			}
		case majorMap:
			if h.arg > left/2 {
				return h, r.fail("truncated CBOR: declared length exceeds the input")
			}
		}
	}
	r.off += n
	return h, nil
}

// enter and leave keep the depth of nesting.
func (r *reader) enter() error {
	if r.depth++; r.depth > maxNesting {
		return r.fail("nested too deep")
	}
	return nil
}

func (r *reader) leave() { r.depth-- }

// atBreak reports, and consumes, the break code at the end of an
// indefinite-length item.
func (r *reader) atBreak() (bool, error) {
	c, err := r.peek()
	if err != nil {
		return false, err
	}
	if c != breakCode {
		return false, nil
	}
	r.off++
	return true, nil
}

// next reports whether an array or map with head h has an element number i.
func (r *reader) next(h head, i int) (bool, error) {
	if !h.indefinite {
		return uint64(i) < h.arg, nil
	}
	end, err := r.atBreak()
	return !end, err
}

// stringBody reads the content of a string whose head h has been read. The
// result points into the input, except for a string in chunks.
func (r *reader) stringBody(h head) ([]byte, error) {
	if !h.indefinite {
		s := r.b[r.off : r.off+int(h.arg)]
		if h.major == majorText && !utf8.Valid(s) {
			return nil, r.fail(reasonUTF8)
		}
		r.off += int(h.arg)
		return s, nil
	}
	s := []byte{}
	for {
		end, err := r.atBreak()
		if end || err != nil {
			return s, err
		}
		c, err := r.head()
		if err != nil {
			return nil, err
		}
		if c.major != h.major || c.indefinite {
			return nil, r.fail("malformed chunk of an indefinite-length string")
		}
		part, err := r.stringBody(c)
		if err != nil {
			return nil, err
		}
		s = append(s, part...)
	}
}
