package mimi

import (
	"math"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

// Tags of big integers (RFC 8949, section 3.4.3).
const (
	tagBignum    = 2
	tagNegBignum = 3
)

// tag appends a tag and its content; a big integer that fits an integer becomes
// one (section 6.1).
func (w *walk) tag(out []byte, h head, depth int) ([]byte, error) {
	c, ok := w.peek()
	if ok && c>>5 == majorBytes && (h.arg == tagBignum || h.arg == tagNegBignum) {
		b, err := w.bytes()
		if err != nil {
			return nil, err
		}
		for len(b) > 0 && b[0] == 0 {
			b = b[1:]
			w.loose = true
		}
		if len(b) > 8 {
			return codec.AppendBytes(codec.AppendHead(out, majorTag, h.arg), b), nil
		}
		w.loose = true
		var v uint64
		for _, d := range b {
			v = v<<8 | uint64(d)
		}
		return codec.AppendHead(out, byte(h.arg-tagBignum), v), nil
	}
	return w.item(codec.AppendHead(out, majorTag, h.arg), depth)
}

// simple appends a simple value or a float in its shortest form. The one NaN of
// the data model is the half-width quiet one (section 6.2).
func (w *walk) simple(out []byte, h head, at int) ([]byte, error) {
	var f float64
	switch h.info {
	case 25:
		f = fromHalf(uint16(h.arg))
	case 26:
		f = float64(math.Float32frombits(uint32(h.arg)))
	case 27:
		f = math.Float64frombits(h.arg)
	case 24:
		return append(out, majorSimple<<5|24, byte(h.arg)), nil
	default:
		return append(out, majorSimple<<5|h.info), nil
	}
	if math.IsNaN(f) {
		if !quietNaN(h) {
			return nil, &ParseError{at, "a NaN with a payload"}
		}
		f = math.NaN()
	}
	return appendFloat(out, f), nil
}

// quietNaN reports whether a NaN is the half-width quiet one, or that one widened.
func quietNaN(h head) bool {
	switch h.info {
	case 25:
		return h.arg == 0x7e00
	case 26:
		return h.arg == 0x7fc00000
	}
	return h.arg == 0x7ff8000000000000
}

// appendFloat appends a float in the shortest form that keeps its value.
func appendFloat(out []byte, f float64) []byte {
	if h, ok := toHalf(f); ok {
		return append(out, majorSimple<<5|25, byte(h>>8), byte(h))
	}
	if s := float32(f); float64(s) == f {
		v := math.Float32bits(s)
		return append(out, majorSimple<<5|26, byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
	}
	v := math.Float64bits(f)
	return append(out, majorSimple<<5|27, byte(v>>56), byte(v>>48), byte(v>>40), byte(v>>32),
		byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
}

// fromHalf is the value of an IEEE 754 half.
func fromHalf(h uint16) float64 {
	sign := 1.0
	if h&0x8000 != 0 {
		sign = -1
	}
	exp, frac := int(h>>10&31), float64(h&0x3ff)
	switch exp {
	case 0:
		return math.Copysign(math.Ldexp(frac, -24), sign)
	case 31:
		if frac != 0 {
			return math.NaN()
		}
		return math.Inf(int(sign))
	}
	return sign * math.Ldexp(frac+1024, exp-25)
}

// toHalf returns the half of the same value; ok is false when there is none.
func toHalf(f float64) (h uint16, ok bool) {
	if math.IsNaN(f) {
		return 0x7e00, true
	}
	if math.Signbit(f) {
		h = 0x8000
	}
	a := math.Abs(f)
	switch {
	case a == 0:
		return h, true
	case math.IsInf(a, 0):
		return h | 0x7c00, true
	}
	frac, exp := math.Frexp(a) // a = frac * 2^exp, 0.5 <= frac < 1
	if exp > 16 {
		return 0, false
	}
	if exp < -13 { // subnormal: units of 2^-24
		m := math.Ldexp(a, 24)
		if m != math.Trunc(m) || m < 1 {
			return 0, false
		}
		return h | uint16(m), true
	}
	m := math.Ldexp(frac, 11) // 1024 to 2047
	if m != math.Trunc(m) {
		return 0, false
	}
	return h | uint16(exp+14)<<10 | uint16(m)&0x3ff, true
}
