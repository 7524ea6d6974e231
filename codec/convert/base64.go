package convert

import "io"

// A base64Reader decodes base64 as programs that show mail do: blanks, padding and
// what is no base64 are passed over, and a character that is left over at the end
// says nothing. It never fails for what it reads.
type base64Reader struct {
	in    io.Reader
	value base64Values
	buf   [4 << 10]byte
	rest  []byte // of buf
	bits  uint32
	n     uint // bits that are in bits
	dirty bool // something was no base64
	err   error
}

func newBase64Reader(in io.Reader) *base64Reader {
	return &base64Reader{in: in, value: newBase64Values()}
}

// Read implements io.Reader.
func (r *base64Reader) Read(p []byte) (int, error) {
	done := 0
	for done < len(p) {
		if len(r.rest) == 0 {
			if r.err != nil || done > 0 {
				break
			}
			n, err := r.in.Read(r.buf[:])
			r.rest, r.err = r.buf[:n], err
			continue
		}
		v := r.value[r.rest[0]]
		r.rest = r.rest[1:]
		switch {
		case v < 64:
			r.bits = r.bits<<6 | uint32(v)
			if r.n += 6; r.n >= 8 {
				r.n -= 8
				p[done] = byte(r.bits >> r.n)
				done++
			}
		case v == base64Padding:
			r.n = 0 // what follows, if anything, is another run
		case v == base64Wrong:
			r.dirty = true
		}
	}
	if done == 0 && len(p) > 0 {
		return 0, r.err
	}
	return done, nil
}

// base64Values are the values of bytes.
type base64Values [256]byte

func newBase64Values() (v base64Values) {
	for c := range v {
		v[c] = base64Value(byte(c))
	}
	return v
}

// What base64Value returns for characters that are no digit of base64.
const (
	base64Blank = 64 + iota
	base64Padding
	base64Wrong
)

// base64Value is the value of a digit of base64, of either alphabet (RFC 4648,
// sections 4 and 5).
func base64Value(c byte) byte {
	switch {
	case 'A' <= c && c <= 'Z':
		return c - 'A'
	case 'a' <= c && c <= 'z':
		return c - 'a' + 26
	case '0' <= c && c <= '9':
		return c - '0' + 52
	case c == '+' || c == '-':
		return 62
	case c == '/' || c == '_':
		return 63
	case c == '=':
		return base64Padding
	case c == ' ' || c == '\t' || c == '\r' || c == '\n':
		return base64Blank
	}
	return base64Wrong
}
