package codec

import (
	"bytes"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// transcode turns one JSON value, which fills data, into CBOR of the generic
// kind: nothing is tagged but numbers, and arrays and maps have indefinite
// length. The reader of the model then finds dates and bytes by their places.
// The value is at a depth of nesting, and at offset base.
func transcode(data []byte, base int64, depth int) ([]byte, error) {
	if trimmed := bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")); len(trimmed) != len(data) {
		data, base = trimmed, base+3
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(data))
	b := make([]byte, 0, len(data)+16)
	fail := func(reason string) error {
		return &Error{Pointer: publicPointer(dec.StackPointer()), Offset: base + dec.InputOffset(), Reason: reason}
	}
	var scratch []byte
	for {
		switch kind := dec.PeekKind(); kind {
		case '{', '[', '}', ']':
			if _, err := dec.ReadToken(); err != nil {
				return nil, fromJSON(err, base)
			}
			if depth+dec.StackDepth() > MaxDepth {
				return nil, fail("nested too deep")
			}
			b = append(b, map[jsontext.Kind]byte{'{': 0xbf, '[': 0x9f, '}': breakCode, ']': breakCode}[kind])
		default:
			v, err := dec.ReadValue()
			if err == io.EOF {
				return nil, fail("truncated JSON")
			}
			if err != nil {
				return nil, fromJSON(err, base)
			}
			switch kind {
			case 'n':
				b = append(b, simpleNull)
			case 't':
				b = append(b, simpleTrue)
			case 'f':
				b = append(b, simpleFalse)
			case '0':
				var reason string
				if b, reason = appendNumber(b, v); reason != "" {
					return nil, fail(reason)
				}
			case '"':
				if bytes.IndexByte(v, '\\') < 0 {
					b = AppendText(b, v[1:len(v)-1])
					break
				}
				if scratch, err = jsontext.AppendUnquote(scratch[:0], v); err != nil {
					return nil, fail("malformed text")
				}
				b = AppendText(b, scratch)
			}
		}
		if dec.StackDepth() == 0 {
			break
		}
	}
	if _, err := dec.ReadToken(); err != io.EOF {
		if err != nil {
			return nil, fromJSON(err, base)
		}
		return nil, fail("trailing bytes")
	}
	return b, nil
}

// RawOfJSON is the item of one JSON value, in core deterministic encoding.
func RawOfJSON(data []byte) (Raw, error) {
	if err := (Options{}).check(data); err != nil {
		return nil, err
	}
	b, err := transcode(data, 0, 0)
	if err != nil {
		return nil, err
	}
	return (&reader{b: b, base: -1}).canon(nil)
}
