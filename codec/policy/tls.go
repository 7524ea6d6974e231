package policy

import (
	"encoding/binary"
	"fmt"
)

// AppendTLS appends the structure in the TLS presentation language's form: one
// byte, the roles behind their length in bytes as a variable-size integer (RFC 9420,
// section 2.1.2), one byte, four bytes.
func (h *History) AppendTLS(b []byte) ([]byte, error) {
	if err := h.check(); err != nil {
		return nil, err
	}
	b = append(b, byte(h.Sharing))
	if n := 4 * len(h.Roles); n < 1<<6 {
		b = append(b, byte(n))
	} else {
		b = binary.BigEndian.AppendUint16(b, 1<<14|uint16(n)) // MaxRoles keeps it below 1<<14
	}
	for _, r := range h.Roles {
		b = binary.BigEndian.AppendUint32(b, r)
	}
	automatically := byte(0)
	if h.Automatically {
		automatically = 1
	}
	return binary.BigEndian.AppendUint32(append(b, automatically), h.MaxPeriod), nil
}

// ParseTLS reads what AppendTLS gave. The error is ErrMalformed.
func ParseTLS(data []byte) (*History, error) {
	malformed := func(what string) (*History, error) {
		return nil, fmt.Errorf("read policy: %s: %w", what, ErrMalformed)
	}
	if len(data) > MaxTLS {
		return malformed("too long")
	}
	if len(data) < 2 {
		return malformed("cut short")
	}
	h := &History{Sharing: Optionality(data[0])}
	n, rest := int(data[1]), data[2:]
	switch data[1] >> 6 {
	case 0:
	case 1:
		if len(rest) == 0 {
			return malformed("cut short")
		}
		n, rest = int(data[1]&0x3f)<<8|int(rest[0]), rest[1:]
		if n < 1<<6 {
			return malformed("length is not the shortest")
		}
	default:
		return malformed("too many roles")
	}
	if n%4 != 0 || len(rest) != n+5 {
		return malformed("cut short, or more behind it")
	}
	for ; n > 0; n -= 4 {
		h.Roles = append(h.Roles, binary.BigEndian.Uint32(rest))
		rest = rest[4:]
	}
	if rest[0] > 1 {
		return malformed("automatically_share is neither 0 nor 1")
	}
	h.Automatically, h.MaxPeriod = rest[0] == 1, binary.BigEndian.Uint32(rest[1:])
	if err := h.check(); err != nil {
		return nil, err
	}
	return h, nil
}
