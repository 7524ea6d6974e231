package wire

import (
	"encoding/binary"
	"strconv"
)

// Type says what a frame carries. Zero is never sent: a stream of zeros is not a stream of frames.
type Type uint8

const (
	Hello   Type = 1 // M0, S to R: nonce and MAC
	Bundle  Type = 2 // M1, R to S: nonce and sealed receiver bundle
	Request Type = 3 // M2, S to R: encapsulation and sealed request
	Accept  Type = 4 // M3, R to S: nonce and sealed accept
	Control Type = 5 // sealed control record, both ways
	Data    Type = 6 // sealed chunk, S to R
	Error   Type = 7 // early error, sealed under the pairing key
)

// String returns the name in the table of frames, or "type 0x2a" for one that it does not know.
func (t Type) String() string {
	if r, known := ruleOf(t); known {
		return r.name
	}
	return "type 0x" + strconv.FormatUint(uint64(t), 16)
}

// Flags qualify a frame.
type Flags uint8

const (
	// Last marks the last chunk of a data stream. The AEAD nonce binds it; the flag alone proves nothing.
	Last Flags = 0x01
	// Critical marks a type of a later version that a reader which does not know it must not skip. The
	// types of this version are known to every reader and are sent without it.
	Critical Flags = 0x80
)

// Frame is one frame. Payload belongs to whoever made the Frame.
type Frame struct {
	Type    Type
	Flags   Flags
	Payload []byte
}

// AppendHeader appends the header of a frame whose payload has n bytes, so that the caller can seal the
// payload right behind it. It refuses what a reader would refuse.
func AppendHeader(b []byte, t Type, f Flags, n int) ([]byte, error) {
	if err := check(t, f, n); err != nil {
		return b, err
	}
	b = append(b, byte(t), byte(f))
	return binary.BigEndian.AppendUint32(b, uint32(n)), nil
}

// AppendFrame appends the whole frame. It refuses what a reader would refuse, and then returns b as it was.
func AppendFrame(b []byte, f Frame) ([]byte, error) {
	b, err := AppendHeader(b, f.Type, f.Flags, len(f.Payload))
	if err != nil {
		return b, err
	}
	return append(b, f.Payload...), nil
}

// ParseFrame takes the first frame off b, unknown non-critical types included, and returns what follows
// it. The payload aliases b. A frame that is not all there is a *FrameError with CodeProtocol.
func ParseFrame(b []byte) (f Frame, rest []byte, err error) {
	if len(b) < HeaderSize {
		return Frame{}, b, frameError(CodeProtocol, 0, "is cut")
	}
	t, flags, n, err := parseHeader(b)
	if err != nil {
		return Frame{}, b, err
	}
	if len(b)-HeaderSize < n {
		return Frame{}, b, frameError(CodeProtocol, t, "is cut")
	}
	end := HeaderSize + n
	return Frame{t, flags, b[HeaderSize:end:end]}, b[end:], nil
}

// parseHeader reads a header from the first HeaderSize bytes of b and holds it against the table.
func parseHeader(b []byte) (t Type, f Flags, n int, err error) {
	t, f = Type(b[0]), Flags(b[1])
	size := binary.BigEndian.Uint32(b[2:HeaderSize])
	// Compared before it becomes an int, which has 32 bits on some phones.
	if size > MaxControl {
		return 0, 0, 0, frameError(CodeLimit, t, "is too long")
	}
	if err := check(t, f, int(size)); err != nil {
		return 0, 0, 0, err
	}
	return t, f, int(size), nil
}

// check holds a header against the table; the reader and the writer use the same one.
func check(t Type, f Flags, n int) error {
	if t == 0 {
		return frameError(CodeProtocol, t, "is not a type of frame")
	}
	r, known := ruleOf(t)
	switch {
	case !known && f&Critical != 0:
		return frameError(CodeVersion, t, "is unknown and critical")
	case f&^r.flags != 0:
		return frameError(CodeProtocol, t, "has flags that it may not have")
	case n < r.min:
		return frameError(CodeProtocol, t, "is too short")
	case n > r.max:
		return frameError(CodeLimit, t, "is too long")
	}
	return nil
}
