package reference

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"testing"
)

var (
	errProtocol = errors.New("protocol")
	errLimit    = errors.New("limit")
)

// frame is section "Frames".
type frame struct {
	kind, flags byte
	payload     []byte
}

// bounds are the lengths of the table of types.
var bounds = [8][2]uint32{
	1: {69, 69}, 2: {48, 16384}, 3: {48, 65536}, 4: {48, 4096},
	5: {17, 262161}, 6: {16, 65552}, 7: {48, 272},
}

// readFrame takes the first frame off b; one of an unknown type too.
func readFrame(b []byte) (f frame, rest []byte, err error) {
	if len(b) < 6 {
		return f, b, errProtocol
	}
	f = frame{kind: b[0], flags: b[1]}
	n := binary.BigEndian.Uint32(b[2:])
	known := f.kind > 0 && int(f.kind) < len(bounds)
	switch {
	case n > 262161:
		return f, b, errLimit
	case f.kind == 0, known && n < bounds[f.kind][0], known && f.flags != 0 && (f.kind != 6 || f.flags != 1):
		return f, b, errProtocol
	case known && n > bounds[f.kind][1]:
		return f, b, errLimit
	case !known && f.flags&0x80 != 0:
		return f, b, errVersion
	case !known && n > 65536:
		return f, b, errLimit
	case uint64(n) > uint64(len(b)-6):
		return f, b, errProtocol
	}
	f.payload = b[6 : 6+n]
	return f, b[6+n:], nil
}

func readFrames(t testing.TB, b []byte) []frame {
	t.Helper()
	var all []frame
	for len(b) > 0 {
		f, rest, err := readFrame(b)
		if err != nil {
			t.Fatalf("frame %d: %v", len(all), err)
		}
		all, b = append(all, f), rest
	}
	return all
}

// unit is section "Session", "Data stream".
type unit struct {
	kind         byte
	page, index  uint32
	offset       uint64
	content, sum []byte
}

func readUnits(t *testing.T, b []byte) []unit {
	t.Helper()
	if uint64(len(b)) != padme(uint64(len(b))) {
		t.Errorf("the stream has %d bytes, no Padmé size", len(b))
	}
	var all []unit
	for len(b) > 0 {
		if len(b) < 25 {
			t.Fatal("end inside a unit's head")
		}
		u := unit{kind: b[0], page: binary.BigEndian.Uint32(b[1:]), index: binary.BigEndian.Uint32(b[5:])}
		u.offset = binary.BigEndian.Uint64(b[9:])
		n := binary.BigEndian.Uint64(b[17:])
		if b = b[25:]; n > uint64(len(b)) {
			t.Fatal("end inside a unit")
		}
		u.content, b = b[:n], b[n:]
		if u.kind == 2 {
			u.sum, b = b[:32], b[32:]
		}
		if u.kind == 0 && (len(b) > 0 || bytes.Count(u.content, []byte{0}) != len(u.content)) {
			t.Error("padding is not zeros, or not at the end")
		}
		all = append(all, u)
	}
	return all
}

func TestFrames(t *testing.T) {
	type vector struct {
		Name, Bytes, Payload, Error string
		Type, Flags                 byte
	}
	var v struct{ Frames, Refused []vector }
	load(t, "wire/frames.json", &v)
	if len(v.Frames) == 0 || len(v.Refused) == 0 {
		t.Fatal("no cases")
	}
	for _, c := range v.Frames {
		f, rest, err := readFrame(unhex(t, c.Bytes))
		if err != nil || len(rest) > 0 || f.kind != c.Type || f.flags != c.Flags || hex.EncodeToString(f.payload) != c.Payload {
			t.Errorf("%s: %+v, %v", c.Name, f, err)
		}
	}
	for _, c := range v.Refused {
		if _, _, err := readFrame(unhex(t, c.Bytes)); err == nil || err.Error() != c.Error {
			t.Errorf("%s: %v, want %s", c.Name, err, c.Error)
		}
	}
}
