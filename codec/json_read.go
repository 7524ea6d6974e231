package codec

import (
	"bytes"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// A transcoder keeps what transcode needs from one call to the next.
type transcoder struct {
	mend    func(Mend) // nil: what is no Unicode is refused
	holes   *holes     // what the value's long texts were replaced by, or nil
	dec     *jsontext.Decoder
	out     []byte
	scratch []byte
}

// transcode turns one JSON value, which fills data, into CBOR of the generic
// kind: nothing is tagged but numbers, and arrays and maps have indefinite
// length. The reader of the model then finds dates and bytes by their places.
// The value is at a depth of nesting, and at offset base.
// The result is good until the next call.
func (t *transcoder) transcode(data []byte, base int64, depth int) ([]byte, error) {
	if trimmed := bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")); len(trimmed) != len(data) {
		data, base = trimmed, base+3
	}
	lenient := jsontext.AllowInvalidUTF8(t.mend != nil)
	if t.dec == nil {
		t.dec = jsontext.NewDecoder(bytes.NewBuffer(data), lenient)
		t.out = make([]byte, 0, len(data)+16)
	} else {
		t.dec.Reset(bytes.NewBuffer(data), lenient)
	}
	dec, b := t.dec, t.out[:0]
	defer func() { t.out = b }()
	fail := func(reason string) error {
		return &Error{Pointer: publicPointer(dec.StackPointer()), Offset: t.holes.place(base + dec.InputOffset()), Reason: reason}
	}
	for {
		switch kind := dec.PeekKind(); kind {
		case '{', '[', '}', ']':
			if _, err := dec.ReadToken(); err != nil {
				return nil, t.fromJSON(err, base)
			}
			if depth+dec.StackDepth() > MaxDepth {
				return nil, fail("nested too deep")
			}
			b = append(b, structure(kind))
		default:
			v, err := dec.ReadValue()
			if err == io.EOF {
				return nil, fail("truncated JSON")
			}
			if err != nil {
				return nil, t.fromJSON(err, base)
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
				if b, err = t.appendText(b, v, t.holes.place(base+dec.InputOffset()-int64(len(v))), dec); err != nil {
					return nil, err
				}
			}
		}
		if dec.StackDepth() == 0 {
			break
		}
	}
	if _, err := dec.ReadToken(); err != io.EOF {
		if err != nil {
			return nil, t.fromJSON(err, base)
		}
		return nil, fail("trailing bytes")
	}
	return b, nil
}

// appendText appends the text of the JSON string v, which is at offset at.
func (t *transcoder) appendText(b, v []byte, at int64, dec *jsontext.Decoder) ([]byte, error) {
	h := t.holes.named(v[1 : len(v)-1])
	if h == nil && t.mend == nil && bytes.IndexByte(v, '\\') < 0 {
		return AppendText(b, v[1:len(v)-1]), nil
	}
	var m Mend
	var err error
	if t.scratch, err = appendUnquoted(t.scratch[:0], v, at, t.mendInto(&m)); err == nil && h != nil {
		m, err = h.mend, h.err
	}
	if e, ok := err.(*Error); ok {
		e.Pointer = publicPointer(dec.StackPointer())
		return b, err
	}
	if m.Count > 0 {
		m.Pointer = publicPointer(dec.StackPointer())
		t.mend(m)
	}
	return AppendText(b, t.scratch), nil
}

func (t *transcoder) fromJSON(err error, base int64) error {
	err = fromJSON(err, base)
	if e, ok := err.(*Error); ok && e.Offset >= 0 {
		e.Offset = t.holes.place(e.Offset)
	}
	return err
}

func (t *transcoder) mendInto(m *Mend) func(Mend) {
	if t.mend == nil {
		return nil
	}
	return func(found Mend) { *m = found }
}

// structure is the byte of CBOR for a bracket of JSON.
func structure(kind jsontext.Kind) byte {
	switch kind {
	case '{':
		return majorMap<<5 | 31
	case '[':
		return majorArray<<5 | 31
	}
	return breakCode
}

// RawOfJSON is the item of one JSON value, in core deterministic encoding.
func RawOfJSON(data []byte) (Raw, error) {
	if err := (Options{}).check(data); err != nil {
		return nil, err
	}
	b, err := new(transcoder).transcode(data, 0, 0)
	if err != nil {
		return nil, err
	}
	return (&reader{b: b, base: -1}).canon(nil)
}
