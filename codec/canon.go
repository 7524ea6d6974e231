package codec

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
)

// canon reads one data item and appends it to dst in core deterministic
// encoding (RFC 8949, section 4.2.1): shortest heads and floats, definite
// lengths, sorted keys, integers that fit as integers. A NaN keeps its bits.
func (r *reader) canon(dst []byte) ([]byte, error) {
	start := r.off
	h, err := r.head()
	if err != nil {
		return dst, err
	}
	switch h.major {
	case majorUint, majorNeg:
		return AppendHead(dst, h.major, h.arg), nil
	case majorBytes, majorText:
		s, err := r.stringBody(h)
		if err != nil {
			return dst, err
		}
		return append(AppendHead(dst, h.major, uint64(len(s))), s...), nil
	case majorArray:
		return r.canonArray(dst, h)
	case majorMap:
		return r.canonMap(dst, h, start)
	case majorTag:
		return r.canonTag(dst, h)
	}
	switch h.info {
	case 25, 26, 27:
		return appendShortestFloat(dst, h), nil
	}
	return AppendHead(dst, h.major, h.arg), nil
}

func (r *reader) canonArray(dst []byte, h head) ([]byte, error) {
	if err := r.enter(); err != nil {
		return dst, err
	}
	defer r.leave()
	at, n := len(dst), 0
	dst = append(dst, 0)
	for ; ; n++ {
		more, err := r.next(h, n)
		if err != nil {
			return dst, inIndex(err, n)
		}
		if !more {
			return patchHead(dst, at, majorArray, uint64(n)), nil
		}
		if dst, err = r.canon(dst); err != nil {
			return dst, inIndex(err, n)
		}
	}
}

// canonMap sorts the pairs only when they are not sorted already.
func (r *reader) canonMap(dst []byte, h head, start int) ([]byte, error) {
	if err := r.enter(); err != nil {
		return dst, err
	}
	defer r.leave()
	type pair struct{ key, val, end int }
	var pairs []pair
	at, sorted := len(dst), true
	dst = append(dst, 0)
	for n := 0; ; n++ {
		more, err := r.next(h, n)
		if err != nil {
			return dst, err
		}
		if !more {
			break
		}
		p := pair{key: len(dst)}
		nameAt := r.off
		if dst, err = r.canon(dst); err != nil {
			return dst, err
		}
		if p.val = len(dst); p.val-p.key > MaxName+3 {
			return dst, r.failAt(nameAt, "name too long")
		}
		if dst, err = r.canon(dst); err != nil {
			return dst, inName(err, keyName(dst[p.key:p.val]))
		}
		p.end = len(dst)
		if n > 0 {
			before := pairs[n-1]
			sorted = sorted && bytes.Compare(dst[before.key:before.val], dst[p.key:p.val]) < 0
		}
		pairs = append(pairs, p)
	}
	if !sorted {
		body := slices.Clone(dst[at+1:])
		part := func(from, to int) []byte { return body[from-at-1 : to-at-1] }
		slices.SortFunc(pairs, func(a, b pair) int { return bytes.Compare(part(a.key, a.val), part(b.key, b.val)) })
		dst = dst[:at+1]
		for i, p := range pairs {
			if i > 0 && bytes.Equal(part(pairs[i-1].key, pairs[i-1].val), part(p.key, p.val)) {
				return dst, inName(r.failAt(start, "duplicate name"), keyName(part(p.key, p.val)))
			}
			dst = append(dst, part(p.key, p.end)...)
		}
	}
	return patchHead(dst, at, majorMap, uint64(len(pairs))), nil
}

// canonTag writes a bignum that fits an integer as that integer (RFC 8949,
// section 3.4.3), and every other tag as it is.
func (r *reader) canonTag(dst []byte, h head) ([]byte, error) {
	if err := r.enter(); err != nil {
		return dst, err
	}
	defer r.leave()
	c, err := r.peek()
	if err != nil {
		return dst, err
	}
	if (h.arg == tagPosBignum || h.arg == tagNegBignum) && c>>5 == majorBytes {
		sh, err := r.head()
		if err != nil {
			return dst, err
		}
		s, err := r.stringBody(sh)
		if err != nil {
			return dst, err
		}
		return appendBignum(dst, h.arg == tagNegBignum, s), nil
	}
	return r.canon(AppendHead(dst, majorTag, h.arg))
}

// appendBignum appends the integer of magnitude m, or -1-m when negative.
func appendBignum(dst []byte, negative bool, m []byte) []byte {
	m = bytes.TrimLeft(m, "\x00")
	major, tag := byte(majorUint), uint64(tagPosBignum)
	if negative {
		major, tag = majorNeg, tagNegBignum
	}
	if len(m) <= 8 {
		var w [8]byte
		copy(w[8-len(m):], m)
		return AppendHead(dst, major, binary.BigEndian.Uint64(w[:]))
	}
	return AppendBytes(AppendHead(dst, majorTag, tag), m)
}

// appendShortestFloat appends the float with head h in the shortest width that
// keeps its value.
func appendShortestFloat(dst []byte, h head) []byte {
	f := floatOf(h)
	if f != f {
		switch h.info {
		case 25:
			return binary.BigEndian.AppendUint16(append(dst, 0xf9), uint16(h.arg))
		case 26:
			return binary.BigEndian.AppendUint32(append(dst, 0xfa), uint32(h.arg))
		}
		return binary.BigEndian.AppendUint64(append(dst, 0xfb), h.arg)
	}
	return appendFloat(dst, f)
}

// appendFloat appends a float that is not a NaN.
func appendFloat(dst []byte, f float64) []byte {
	if f32 := float32(f); float64(f32) == f {
		if h, ok := halfOf(f32); ok {
			return binary.BigEndian.AppendUint16(append(dst, 0xf9), h)
		}
		return binary.BigEndian.AppendUint32(append(dst, 0xfa), math.Float32bits(f32))
	}
	return binary.BigEndian.AppendUint64(append(dst, 0xfb), math.Float64bits(f))
}

// halfOf returns f as a half-precision float, when that keeps its value.
func halfOf(f float32) (uint16, bool) {
	bits := math.Float32bits(f)
	sign := uint16(bits >> 16 & 0x8000)
	exp := int(bits>>23&0xff) - 127
	frac := bits & 0x7fffff
	switch {
	case exp == 128: // infinity; NaN does not come here
		return sign | 0x7c00, frac == 0
	case exp == -127: // zero, or too small
		return sign, frac == 0
	case exp > 15 || exp < -24:
		return 0, false
	case exp >= -14:
		return sign | uint16(exp+15)<<10 | uint16(frac>>13), frac&0x1fff == 0
	}
	full := frac | 1<<23 // subnormal: the value is full * 2^(exp-23), in steps of 2^-24
	shift := uint(-exp - 1)
	return sign | uint16(full>>shift), full&(1<<shift-1) == 0
}

// floatOf is the value of a float with head h.
func floatOf(h head) float64 {
	switch h.info {
	case 27:
		return math.Float64frombits(h.arg)
	case 26:
		return float64(math.Float32frombits(uint32(h.arg)))
	}
	sign, exp, frac := h.arg>>15, int(h.arg>>10&0x1f), h.arg&0x3ff
	var f float64
	switch exp {
	case 0:
		f = math.Ldexp(float64(frac), -24)
	case 31:
		if f = math.Inf(1); frac != 0 {
			return math.NaN()
		}
	default:
		f = math.Ldexp(float64(frac|1<<10), exp-25)
	}
	if sign != 0 {
		return math.Copysign(f, -1)
	}
	return f
}

// patchHead replaces the one-byte place at dst[at] by the head of what follows.
func patchHead(dst []byte, at int, major byte, n uint64) []byte {
	if n < 24 {
		dst[at] = major<<5 | byte(n)
		return dst
	}
	var w [9]byte
	h := AppendHead(w[:0], major, n)
	dst = append(dst, h[1:]...)
	copy(dst[at+len(h):], dst[at+1:len(dst)-len(h)+1])
	copy(dst[at:], h)
	return dst
}

// keyName is the text of an encoded key, or "" when it is not a text.
func keyName(key []byte) string {
	if len(key) == 0 || key[0]>>5 != majorText {
		return ""
	}
	return string(key[headSize(key[0]):])
}
