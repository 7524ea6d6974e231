package codec

import (
	"bytes"
	"math"
	"sync"

	"github.com/fxamacker/cbor/v2"
)

// decMode is for values outside of the model: strict, bounded by the length of
// the input and by our depth.
var decMode = sync.OnceValue(func() cbor.DecMode {
	m, err := cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		MaxNestedLevels:   maxNesting,
		MaxArrayElements:  math.MaxInt32,
		MaxMapPairs:       math.MaxInt32,
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
	}.DecMode()
	if err != nil {
		panic("codec: decoding options: " + err.Error())
	}
	return m
})

var encMode = sync.OnceValue(func() cbor.EncMode {
	m, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		panic("codec: encoding options: " + err.Error())
	}
	return m
})

// RawOf is v in core deterministic encoding, by the rules of fxamacker/cbor.
func RawOf(v any) (Raw, error) {
	b, err := encMode().Marshal(v)
	if err != nil {
		return nil, &Error{Offset: -1, Reason: "value has no CBOR form"}
	}
	return b, nil
}

// Decode stores the item in v, by the rules of fxamacker/cbor: duplicate keys
// are refused, names are case-sensitive.
func (r Raw) Decode(v any) error {
	if err := Wellformed(r); err != nil {
		return err
	}
	if err := decMode().Unmarshal(r, v); err != nil {
		return &Error{Offset: -1, Reason: "value is not of the wanted form"}
	}
	return nil
}

// MarshalCBOR lets a Raw stand inside a value given to RawOf.
func (r Raw) MarshalCBOR() ([]byte, error) {
	if err := Wellformed(r); err != nil {
		return nil, err
	}
	return r, nil
}

// UnmarshalCBOR keeps a copy of data.
func (r *Raw) UnmarshalCBOR(data []byte) error {
	*r = bytes.Clone(data)
	return nil
}

// Wellformed reports whether data is exactly one well-formed data item within
// MaxDepth.
func Wellformed(data []byte) error {
	return (&reader{b: data}).wellformed()
}

// Canonical is data, one data item, in core deterministic encoding. Duplicate
// keys and invalid UTF-8 are refused.
func Canonical(data []byte) (Raw, error) {
	r := &reader{b: data}
	if err := r.wellformed(); err != nil {
		return nil, err
	}
	return r.canon(make([]byte, 0, len(data)))
}

// IsCanonical reports whether data is one item in core deterministic encoding.
func IsCanonical(data []byte) bool {
	c, err := Canonical(data)
	return err == nil && bytes.Equal(c, data)
}

// wellformed checks all of r's input before anything is taken from it. The
// position comes from a walk of our own, since the library reports none.
func (r *reader) wellformed() error {
	if decMode().Wellformed(r.b) == nil {
		return nil
	}
	walk := reader{b: r.b, base: r.base}
	err := walk.skip()
	if err == nil && walk.off != len(walk.b) {
		err = walk.fail("trailing bytes")
	}
	if err == nil {
		err = r.fail("malformed CBOR")
	}
	return err
}

// skip walks over one item.
func (r *reader) skip() error {
	h, err := r.head()
	if err != nil {
		return err
	}
	switch h.major {
	case majorBytes, majorText:
		_, err = r.stringBody(h)
		return err
	case majorArray, majorMap, majorTag:
	default:
		return nil
	}
	if err := r.enter(); err != nil {
		return err
	}
	defer r.leave()
	if h.major == majorTag {
		return r.skip()
	}
	for i := 0; ; i++ {
		if more, err := r.next(h, i); !more || err != nil {
			return err
		}
		if err := r.skip(); err != nil {
			return inIndex(err, i)
		}
		if h.major == majorMap {
			if err := r.skip(); err != nil {
				return inName(err, "")
			}
		}
	}
}
