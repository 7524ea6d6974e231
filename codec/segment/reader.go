package segment

import (
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/vcon-transfer/vcon-transfer/codec"
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

	null = 0xf6
)

// A reader reads deterministic CBOR and refuses everything else. Its first error
// stays: the methods then return zero values, and counts of zero.
type reader struct {
	object string // for errors
	b      []byte
	off    int
	err    error
}

func (r *reader) fail(reason string) { r.failAt(r.off, reason) }

func (r *reader) failAt(off int, reason string) {
	if r.err == nil {
		r.err = &Error{Object: r.object, Offset: off, Reason: reason}
	}
}

// end returns the first error, or one for trailing bytes.
func (r *reader) end() error {
	if r.err == nil && r.off != len(r.b) {
		r.fail("trailing bytes")
	}
	return r.err
}

func (r *reader) peek() (major byte) {
	if r.err == nil && r.off >= len(r.b) {
		r.fail("truncated")
	}
	if r.err != nil {
		return 0xff
	}
	return r.b[r.off] >> 5
}

// head reads a head of the major type, in its shortest form.
func (r *reader) head(major byte) uint64 {
	if got := r.peek(); got != major {
		r.fail("unexpected type")
		return 0
	}
	info := r.b[r.off] & 0x1f
	if info < 24 {
		r.off++
		return uint64(info)
	}
	if info > 27 {
		r.fail("malformed head")
		return 0
	}
	n := 1 << (info - 24)
	if len(r.b)-r.off < 1+n {
		r.fail("truncated")
		return 0
	}
	var arg uint64
	for _, c := range r.b[r.off+1 : r.off+1+n] {
		arg = arg<<8 | uint64(c)
	}
	if n == 1 && arg < 24 || n > 1 && arg>>(4*n) == 0 {
		r.fail("not in the shortest form")
		return 0
	}
	r.off += 1 + n
	return arg
}

// number reads an unsigned integer of at most limit.
func (r *reader) number(limit uint64) uint64 {
	at := r.off
	n := r.head(majorUint)
	if n > limit {
		r.failAt(at, "number too large")
		return 0
	}
	return n
}

// integer reads a signed integer.
func (r *reader) integer() int64 {
	at := r.off
	major := byte(majorUint)
	if r.peek() == majorNeg {
		major = majorNeg
	}
	n := r.head(major)
	if n > math.MaxInt64 {
		r.failAt(at, "number too large")
		return 0
	}
	if major == majorNeg {
		return -1 - int64(n)
	}
	return int64(n)
}

// bytes reads a byte string whose length is one of lengths.
func (r *reader) bytes(lengths ...int) []byte {
	at := r.off
	n := r.head(majorBytes)
	for _, want := range lengths {
		if n == uint64(want) {
			return r.take(n)
		}
	}
	r.failAt(at, "unexpected length")
	return nil
}

// text reads a UTF-8 text of at most limit bytes.
func (r *reader) text(limit int) string {
	at := r.off
	n := r.head(majorText)
	if n > uint64(limit) {
		r.failAt(at, "text too long")
		return ""
	}
	s := r.take(n)
	if !utf8.Valid(s) {
		r.failAt(at, "invalid UTF-8")
		return ""
	}
	return string(s)
}

func (r *reader) take(n uint64) []byte {
	if r.err != nil {
		return nil
	}
	if n > uint64(len(r.b)-r.off) {
		r.fail("truncated")
		return nil
	}
	s := r.b[r.off : r.off+int(n)]
	r.off += int(n)
	return s
}

// array reads the head of an array of at most limit elements, which are of at
// least one byte each.
func (r *reader) array(limit int) int { return r.count(majorArray, limit, 1) }

// tuple reads the head of an array of n elements.
func (r *reader) tuple(n int) {
	at := r.off
	if r.array(n) != n {
		r.failAt(at, "too few elements")
	}
}

// mapping reads the head of a map of at most limit pairs.
func (r *reader) mapping(limit int) int { return r.count(majorMap, limit, 2) }

func (r *reader) count(major byte, limit, least int) int {
	at := r.off
	n := r.head(major)
	switch {
	case r.err != nil:
		return 0
	case n > uint64(limit):
		r.failAt(at, fmt.Sprintf("more than %d elements", limit))
		return 0
	case n > uint64(len(r.b)-r.off)/uint64(least):
		r.fail("truncated")
		return 0
	}
	return int(n)
}

// item skips one item that codec has found to be deterministic, and returns it.
func (r *reader) item() codec.Raw {
	at := r.off
	for left := 1; left > 0 && r.err == nil; left-- {
		major := r.peek()
		if major == 0xff {
			break
		}
		if r.b[r.off]&0x1f == 31 {
			r.fail("malformed head")
			break
		}
		if major == 7 { // simple values and floats: the argument is the value
			size := 1
			if info := r.b[r.off] & 0x1f; info >= 24 && info <= 27 {
				size += 1 << (info - 24)
			}
			r.take(uint64(size))
			continue
		}
		switch n := r.head(major); major {
		case majorBytes, majorText:
			r.take(n)
		case majorTag:
			left++
		case majorArray, majorMap:
			if major == majorMap {
				n *= 2
			}
			if n > uint64(len(r.b)-r.off) {
				r.fail("truncated")
				break
			}
			left += int(n)
		}
	}
	if r.err != nil {
		return nil
	}
	return codec.Raw(r.b[at:r.off])
}

// appendInteger appends a signed integer.
func appendInteger(b []byte, n int64) []byte {
	if n < 0 {
		return codec.AppendHead(b, majorNeg, uint64(-1-n))
	}
	return codec.AppendUint(b, uint64(n))
}
