package codec

import "bytes"

// A Format is an encoding of a vCon.
type Format uint8

// The encodings.
const (
	FormatCBOR Format = iota + 1
	FormatJSON
)

func (f Format) String() string {
	switch f {
	case FormatCBOR:
		return "cbor"
	case FormatJSON:
		return "json"
	}
	return "unknown"
}

// DetectFormat tells the encoding by the first bytes of a vCon: a JSON object
// begins with blanks and a brace, a CBOR map with a byte that is no JSON. The
// prefix may be cut anywhere; 512 bytes are enough.
func DetectFormat(prefix []byte) (Format, error) {
	p := bytes.TrimLeft(bytes.TrimPrefix(prefix, []byte("\xef\xbb\xbf")), " \t\r\n")
	if len(p) > 0 && p[0] == '{' {
		return FormatJSON, nil
	}
	p = bytes.TrimPrefix(prefix, []byte("\xd9\xd9\xf7"))
	if len(p) > 0 && (p[0]>>5 == majorMap && p[0]&0x1f < 28 || p[0] == 0xbf) {
		return FormatCBOR, nil
	}
	return 0, &Error{Reason: "neither a CBOR nor a JSON vCon"}
}
