package codec

import (
	"bytes"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// appendNumber appends the data item of a JSON number. The value and the kind
// (integer or not) are kept: an integer as integer or bignum; a number with a
// fraction or an exponent as a float when that float prints as the same text, or
// as the text of the decimal fraction (tag 4) that it is otherwise: what is read
// and written again gets the same item. "-0" is the float, as no integer is -0.
func appendNumber(b []byte, text []byte) ([]byte, string) {
	if len(text) > MaxNumber {
		return b, "number too long"
	}
	s := string(text)
	if !strings.ContainsAny(s, ".eE") && s != "-0" {
		return appendInteger(b, s), ""
	}
	mantissa, exp := s, "0"
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa, exp = s[:i], s[i+1:]
	}
	e, err := strconv.ParseInt(exp, 10, 62)
	if err != nil {
		return b, "exponent of a number out of range"
	}
	if i := strings.IndexByte(mantissa, '.'); i >= 0 {
		e -= int64(len(mantissa) - i - 1)
		mantissa = mantissa[:i] + mantissa[i+1:]
	}
	digits, negative := strings.CutPrefix(mantissa, "-")
	if digits = strings.TrimLeft(digits, "0"); digits == "" {
		if digits = "0"; negative {
			return appendFloat(b, math.Copysign(0, -1)), "" // a decimal fraction has no -0
		}
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		shortest := appendFloatText(nil, f)
		if bytes.Equal(shortest, text) || bytes.Equal(shortest, appendDecimalText(nil, negative, digits, e)) {
			return appendFloat(b, f), ""
		}
	}
	if len(digits) > MaxNumber-32 && len(appendDecimalText(nil, negative, digits, e)) > MaxNumber {
		return b, "number too long" // as it would be written, which could not be read again
	}
	b = AppendArray(append(b, majorTag<<5|tagDecimal), 2)
	if e < 0 {
		b = AppendHead(b, majorNeg, uint64(-1-e))
	} else {
		b = AppendUint(b, uint64(e))
	}
	if negative {
		digits = "-" + digits
	}
	return appendInteger(b, digits), ""
}

// appendInteger appends the integer whose decimal text is s.
func appendInteger(b []byte, s string) []byte {
	digits, negative := strings.CutPrefix(s, "-")
	if n, err := strconv.ParseUint(digits, 10, 64); err == nil {
		if !negative || n == 0 {
			return AppendUint(b, n)
		}
		return AppendHead(b, majorNeg, n-1)
	}
	n, ok := new(big.Int).SetString(digits, 10)
	if !ok {
		panic("codec: integer of a JSON number is not one")
	}
	if negative {
		n.Sub(n, big.NewInt(1))
	}
	return appendBignum(b, negative, n.Bytes())
}

// appendFloatText appends f as ECMAScript does, but with ".0" where that would
// look like an integer.
func appendFloatText(b []byte, f float64) []byte {
	start := len(b)
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		b = strconv.AppendFloat(b, f, 'e', -1, 64)
		if n := len(b); n >= start+4 && b[n-4] == 'e' && b[n-2] == '0' { // e-09 to e-9
			b[n-2] = b[n-1]
			b = b[:n-1]
		}
		return b
	}
	b = strconv.AppendFloat(b, f, 'f', -1, 64)
	if bytes.IndexByte(b[start:], '.') < 0 {
		b = append(b, ".0"...)
	}
	return b
}

// integerText reads an integer or bignum as decimal text.
func (r *reader) integerText() (string, error) {
	at := r.off
	h, err := r.head()
	if err != nil {
		return "", err
	}
	switch {
	case h.major == majorUint:
		return strconv.FormatUint(h.arg, 10), nil
	case h.major == majorNeg && h.arg < math.MaxUint64:
		return "-" + strconv.FormatUint(h.arg+1, 10), nil
	case h.major == majorNeg:
		return "-18446744073709551616", nil
	case h.major == majorTag && (h.arg == tagPosBignum || h.arg == tagNegBignum):
		c, err := r.peek()
		if err != nil {
			return "", err
		}
		if c>>5 != majorBytes {
			break
		}
		sh, err := r.head()
		if err != nil {
			return "", err
		}
		m, err := r.stringBody(sh)
		if err != nil {
			return "", err
		}
		if len(m) > MaxNumber*5/12 { // a byte is a little more than 12/5 digits
			return "", r.failAt(at, "number too long for JSON")
		}
		n := new(big.Int).SetBytes(m)
		if h.arg == tagNegBignum {
			n.Not(n)
		}
		s := n.String()
		if len(s) > MaxNumber {
			return "", r.failAt(at, "number too long for JSON")
		}
		return s, nil
	}
	return "", r.failAt(at, "no JSON form")
}

// appendDecimal appends a decimal fraction, whose tag has been read, so that it
// does not look like an integer.
func (r *reader) appendDecimal(b []byte) ([]byte, error) {
	at := r.off
	c, err := r.peek()
	if err != nil {
		return b, err
	}
	if c != majorArray<<5|2 {
		return b, r.fail("no JSON form")
	}
	r.off++
	es, err := r.integerText()
	if err != nil {
		return b, err
	}
	m, err := r.integerText()
	if err != nil {
		return b, err
	}
	e, err := strconv.ParseInt(es, 10, 64)
	if err != nil {
		return b, r.failAt(at, "exponent of a number out of range")
	}
	digits, negative := strings.CutPrefix(m, "-")
	return appendDecimalText(b, negative, digits, e), nil
}

// appendDecimalText appends digits * 10^e, with a point when that stays short.
func appendDecimalText(b []byte, negative bool, digits string, e int64) []byte {
	if negative {
		b = append(b, '-')
	}
	if e >= 0 || e < -int64(len(digits))-20 {
		return strconv.AppendInt(append(append(b, digits...), 'e'), e, 10)
	}
	point := len(digits) + int(e)
	if point <= 0 {
		b = append(b, "0."...)
		for range -point {
			b = append(b, '0')
		}
		return append(b, digits...)
	}
	return append(append(append(b, digits[:point]...), '.'), digits[point:]...)
}
