package cddl

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// A value is one data item of RFC 8949.
type value struct {
	major  byte
	arg    uint64 // of 0 and 1 the integer, of 6 the tag, of 7 the simple value, or the bits of the float
	width  byte   // of 7: the additional information
	bytes  []byte // of 2 and 3
	items  []*value
	pairs  []pair
	offset int
}

type pair struct{ key, value *value }

// float is the value of a float of any width.
func (v *value) float() (float64, bool) {
	if v.major != 7 {
		return 0, false
	}
	switch v.width {
	case 25:
		return half(uint16(v.arg)), true
	case 26:
		return float64(math.Float32frombits(uint32(v.arg))), true
	case 27:
		return math.Float64frombits(v.arg), true
	}
	return 0, false
}

func half(bits uint16) float64 {
	exp, mant := int(bits>>10&31), float64(bits&1023)
	var f float64
	switch exp {
	case 0:
		f = math.Ldexp(mant, -24)
	case 31:
		f = math.Inf(1)
		if mant != 0 {
			f = math.NaN()
		}
	default:
		f = math.Ldexp(mant+1024, exp-25)
	}
	if bits>>15 != 0 {
		f = -f
	}
	return f
}

// String names a value as a person would: its kind, and short ones themselves.
func (v *value) String() string {
	switch v.major {
	case 0:
		return strconv.FormatUint(v.arg, 10)
	case 1:
		if v.arg == maxUint {
			return "-18446744073709551616"
		}
		return "-" + strconv.FormatUint(v.arg+1, 10)
	case 2:
		return fmt.Sprintf("bytes of length %d", len(v.bytes))
	case 3:
		if len(v.bytes) > maxTextShown {
			return fmt.Sprintf("a text of length %d", len(v.bytes))
		}
		return strconv.Quote(string(v.bytes))
	case 4:
		return fmt.Sprintf("an array of %d", len(v.items))
	case 5:
		return fmt.Sprintf("a map of %d", len(v.pairs))
	case 6:
		return fmt.Sprintf("tag %d with %v", v.arg, v.items[0])
	}
	if f, ok := v.float(); ok {
		return strconv.FormatFloat(f, 'g', -1, 64) + " (float)"
	}
	switch v.arg {
	case 20:
		return "false"
	case 21:
		return "true"
	case 22:
		return "null"
	case 23:
		return "undefined"
	}
	return fmt.Sprintf("simple value %d", v.arg)
}

// A reader reads data items. Its first error stays.
type reader struct {
	data []byte
	pos  int
	err  error
}

// decode reads one item that is all of data. Any well-formed encoding will do;
// texts have to be UTF-8, and the keys of a map different.
func decode(data []byte) (*value, error) {
	if len(data) > maxItem {
		return nil, &MalformedError{Reason: "item too long"}
	}
	r := &reader{data: data}
	v := r.item(0)
	if r.err == nil && r.pos != len(data) {
		r.fail("bytes after the item")
	}
	if r.err != nil {
		return nil, r.err
	}
	return v, nil
}

func (r *reader) fail(reason string) {
	if r.err == nil {
		r.err = &MalformedError{Offset: r.pos, Reason: reason}
	}
}

// head reads a head; indefinite means that additional information 31 stood there.
func (r *reader) head() (major, info byte, arg uint64, indefinite bool) {
	if r.err != nil || r.pos >= len(r.data) {
		r.fail("the item ends early")
		return 0, 0, 0, false
	}
	b := r.data[r.pos]
	major, info = b>>5, b&31
	switch {
	case info < 24:
		r.pos++
		return major, info, uint64(info), false
	case info == 31:
		if major == 0 || major == 1 || major == 6 {
			r.fail("a reserved head")
		}
		r.pos++
		return major, info, 0, true
	case info > 27:
		r.fail("a reserved head")
		return 0, 0, 0, false
	}
	n := 1 << (info - 24)
	if len(r.data)-r.pos-1 < n {
		r.fail("the item ends early")
		return 0, 0, 0, false
	}
	var eight [8]byte
	copy(eight[8-n:], r.data[r.pos+1:])
	r.pos += 1 + n
	return major, info, binary.BigEndian.Uint64(eight[:]), false
}

// atBreak passes over a break.
func (r *reader) atBreak() bool {
	if r.err == nil && r.pos < len(r.data) && r.data[r.pos] == 0xff {
		r.pos++
		return true
	}
	return r.err != nil
}

func (r *reader) item(depth int) *value {
	if depth > maxDepth {
		r.fail("nested too deep")
		return nil
	}
	v := &value{offset: r.pos}
	major, info, arg, indefinite := r.head()
	if r.err != nil {
		return nil
	}
	v.major, v.arg = major, arg
	switch major {
	case 2, 3:
		v.bytes = r.str(major, arg, indefinite)
	case 4:
		v.items = r.items(depth, arg, indefinite)
	case 5:
		r.pairs(v, depth, arg, indefinite)
	case 6:
		v.items = r.items(depth, 1, false)
	case 7:
		v.width = info
		if indefinite || info == 24 && arg < 32 {
			r.fail("a break, or a reserved simple value")
		}
	}
	return v
}

func (r *reader) str(major byte, n uint64, indefinite bool) []byte {
	if !indefinite {
		return r.chunk(major, n)
	}
	var all []byte
	for !r.atBreak() {
		m, _, n, indefinite := r.head()
		if m != major || indefinite {
			r.fail("a chunk of another type")
			return nil
		}
		all = append(all, r.chunk(major, n)...)
	}
	return all
}

func (r *reader) chunk(major byte, n uint64) []byte {
	if r.err != nil || n > uint64(len(r.data)-r.pos) {
		r.fail("the item ends early")
		return nil
	}
	b := r.data[r.pos : r.pos+int(n)]
	if major == 3 && !utf8.Valid(b) {
		r.fail("a text that is not UTF-8")
	}
	r.pos += int(n)
	return b
}

func (r *reader) items(depth int, n uint64, indefinite bool) (all []*value) {
	if n > uint64(len(r.data)-r.pos) {
		r.fail("the item ends early")
	}
	for i := uint64(0); r.err == nil && (indefinite && !r.atBreak() || !indefinite && i < n); i++ {
		all = append(all, r.item(depth+1))
	}
	return all
}

func (r *reader) pairs(v *value, depth int, n uint64, indefinite bool) {
	if n > uint64(len(r.data)-r.pos)/2 {
		r.fail("the item ends early")
	}
	seen := make(map[string]bool)
	for i := uint64(0); r.err == nil && (indefinite && !r.atBreak() || !indefinite && i < n); i++ {
		begin := r.pos
		key := r.item(depth + 1)
		if r.err != nil {
			return
		}
		name := "e" + string(r.data[begin:r.pos])
		if key.major <= 3 { // whatever the length of the head, or the chunks
			name = fmt.Sprintf("%d %d %s", key.major, key.arg, key.bytes)
			if key.major >= 2 {
				name = fmt.Sprintf("%d %s", key.major, key.bytes)
			}
		}
		if seen[name] {
			r.fail("a key twice")
			return
		}
		seen[name] = true
		v.pairs = append(v.pairs, pair{key, r.item(depth + 1)})
	}
}
