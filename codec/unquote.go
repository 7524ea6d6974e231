package codec

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// An unquoter makes UTF-8 of a text that comes in pieces: of the inside of a
// JSON string, whose escapes it resolves, or of a text of CBOR, which it checks.
type unquoter struct {
	quoted bool  // the inside of a JSON string
	mend   bool  // what is no Unicode becomes U+FFFD, and is counted
	read   int64 // bytes that were resolved
	mended int64 // characters that were put for what is no Unicode
	first  int64 // the place of the first of those, in bytes from the text's start
	rest   []byte
}

// write appends what piece completes to out. What comes out is whole characters.
// Errors have offsets from the start of the text.
func (u *unquoter) write(out, piece []byte) ([]byte, error) { return u.resolve(out, piece, false) }

// close appends what is left at the end of the text.
func (u *unquoter) close(out []byte) ([]byte, error) { return u.resolve(out, nil, true) }

func (u *unquoter) resolve(out, in []byte, last bool) ([]byte, error) {
	if len(u.rest) > 0 {
		u.rest = append(u.rest, in...)
		in = u.rest
	}
	i := 0
	for i < len(in) {
		if u.quoted && in[i] == '\\' {
			n, r, reason := escape(in[i:], last)
			if n == 0 && reason == "" {
				break
			}
			if reason != "" && !(u.mend && reason == reasonSurrogate) {
				return out, u.bad(i, reason)
			}
			if reason != "" {
				u.note(i)
			}
			out, i = utf8.AppendRune(out, r), i+n
			continue
		}
		end := len(in)
		if u.quoted {
			if n := bytes.IndexByte(in[i:], '\\'); n >= 0 {
				end = i + n
			}
		}
		whole := end
		if end == len(in) && !last {
			if n := i + lastRune(in[i:end]); !utf8.FullRune(in[n:end]) {
				whole = n
			}
		}
		var err error
		if out, err = u.plain(out, in[i:whole], i); err != nil {
			return out, err
		}
		if i = whole; whole < end {
			break
		}
	}
	u.read += int64(i)
	u.rest = append(u.rest[:0], in[i:]...)
	return out, nil
}

// plain appends text without escapes, which begins at place at of the piece.
func (u *unquoter) plain(out, text []byte, at int) ([]byte, error) {
	if utf8.Valid(text) && !(u.quoted && hasControl(text)) {
		return append(out, text...), nil
	}
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		switch {
		case r == utf8.RuneError && n == 1 && !u.mend:
			return out, u.bad(at+i, reasonUTF8)
		case r == utf8.RuneError && n == 1:
			u.note(at + i)
		case u.quoted && r < ' ':
			return out, u.bad(at+i, "malformed JSON")
		}
		out, i = utf8.AppendRune(out, r), i+n
	}
	return out, nil
}

func (u *unquoter) note(at int) {
	if u.mended++; u.mended == 1 {
		u.first = u.read + int64(at)
	}
}

func (u *unquoter) bad(at int, reason string) error {
	return &Error{Offset: u.read + int64(at), Reason: reason}
}

const (
	reasonUTF8      = "invalid UTF-8"
	reasonSurrogate = "lone surrogate in text"
)

// escape resolves the escape that b begins with. It returns its length in bytes;
// 0 when more of b has to come, which is not so when it is the last.
func escape(b []byte, last bool) (n int, r rune, reason string) {
	const malformed = "malformed JSON"
	if len(b) < 2 || b[1] == 'u' && len(b) < 6 {
		if last {
			reason = malformed
		}
		return 0, 0, reason
	}
	if b[1] != 'u' {
		c, ok := simpleEscapes[b[1]]
		if !ok {
			return 0, 0, malformed
		}
		return 2, rune(c), ""
	}
	r, ok := hexRune(b[2:6])
	if !ok {
		return 0, 0, malformed
	}
	if !utf16.IsSurrogate(r) {
		return 6, r, ""
	}
	if len(b) < 12 && !last {
		return 0, 0, ""
	}
	if len(b) >= 12 && b[6] == '\\' && b[7] == 'u' {
		if low, ok := hexRune(b[8:12]); ok {
			if r := utf16.DecodeRune(r, low); r != utf8.RuneError {
				return 12, r, ""
			}
		}
	}
	return 6, utf8.RuneError, reasonSurrogate
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

// hasControl reports whether b has a byte below 0x20.
func hasControl(b []byte) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for ; len(b) >= 8; b = b[8:] {
		if w := binary.LittleEndian.Uint64(b); (w-0x20*ones)&^w&highs != 0 {
			return true
		}
	}
	for _, c := range b {
		if c < ' ' {
			return true
		}
	}
	return false
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
	if !c.bad {
		bad := byte(0)
		for _, ch := range b {
			bad |= notBase64[ch]
		}
		c.bad = bad != 0
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

// notBase64 is 1 for every byte that is not in base64url's alphabet.
var notBase64 = func() (t [256]byte) {
	for i := range t {
		if base64Value(byte(i)) < 0 {
			t[i] = 1
		}
	}
	return t
}()

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
