package pairing

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fxamacker/cbor/v2"
)

// encode gives core deterministic CBOR (RFC 8949 section 4.2.1). v is one of this package's own shapes, so
// a failure is our bug.
func encode(v any) []byte {
	o := cbor.CoreDetEncOptions()
	o.NilContainers = cbor.NilContainerAsEmpty
	o.TagsMd = cbor.TagsForbidden
	mode, err := o.EncMode()
	if err != nil {
		panic("pairing: cbor options: " + err.Error())
	}
	b, err := mode.Marshal(v)
	if err != nil {
		panic("pairing: encode cbor: " + err.Error())
	}
	return b
}

// decode reads exactly one item into v. The caller bounds len(b) and checks that the encoding was the
// deterministic one. The error is ErrMalformed and repeats nothing of the input.
func decode(b []byte, v any) error {
	mode, err := cbor.DecOptions{
		DupMapKey:        cbor.DupMapKeyEnforcedAPF,
		IndefLength:      cbor.IndefLengthForbidden,
		TagsMd:           cbor.TagsForbidden,
		MaxNestedLevels:  maxNesting,
		MaxArrayElements: maxDecodedItems,
		MaxMapPairs:      maxDecodedItems,
	}.DecMode()
	if err != nil {
		panic("pairing: cbor options: " + err.Error())
	}
	if err := mode.Unmarshal(b, v); err != nil {
		return ErrMalformed
	}
	return nil
}

// fields is a CBOR map with small unsigned keys, each value still encoded. The keys that a version does not
// know stay in it, so that what is hashed or written again is what came.
type fields map[uint64]cbor.RawMessage

// parseFields reads a map. The caller compares with what it would write: that is the check of determinism,
// also for the keys of unknown fields.
func parseFields(b []byte) (fields, error) {
	var f fields
	if err := decode(b, &f); err != nil {
		return nil, err
	}
	return f, nil
}

// unknown takes out what is above the last known key.
func (f fields) unknown(last uint64) (fields, error) {
	u := fields{}
	for k, v := range f {
		if k > last || k == 0 {
			u[k] = v
		}
	}
	if len(u) > MaxUnknownFields {
		return nil, fmt.Errorf("%d unknown fields: %w", len(u), ErrMalformed)
	}
	return u, nil
}

// put sets a field, unless it has its zero value, which is not written.
func put[T comparable](f fields, key uint64, v T) {
	var zero T
	if v != zero {
		f[key] = encode(v)
	}
}

// putBytes sets a byte string, unless it is empty.
func putBytes(f fields, key uint64, v []byte) {
	if len(v) > 0 {
		f[key] = encode(v)
	}
}

// reader takes fields one by one and remembers the first failure.
type reader struct {
	f    fields
	what string
	err  error
}

func (r *reader) fail(key uint64, reason string) {
	if r.err == nil {
		r.err = fmt.Errorf("read %s: field %d: %s: %w", r.what, key, reason, ErrMalformed)
	}
}

// get reads a field that may be absent. That a zero value was not written out shows when all is encoded again.
func get[T any](r *reader, key uint64) (v T) {
	raw, ok := r.f[key]
	if !ok {
		return v
	}
	if err := decode(raw, &v); err != nil {
		r.fail(key, "wrong type")
		return v
	}
	return v
}

// bytes reads a byte string of at most limit bytes.
func (r *reader) bytes(key uint64, limit int) []byte {
	b := get[[]byte](r, key)
	if len(b) > limit {
		r.fail(key, "too long")
		return nil
	}
	return b
}

// text reads a text of at most limit bytes without control characters.
func (r *reader) text(key uint64, limit int) string {
	s := get[string](r, key)
	if err := checkText(s, limit); err != nil {
		r.fail(key, "not a plain text within its limit")
		return ""
	}
	return s
}

// merge adds the unknown fields of an earlier reading.
func (f fields) merge(u fields) fields {
	maps.Copy(f, u)
	return f
}

// received turns what an encoder refuses into what a reader says: a peer cannot break our limits, only the
// format.
func received(what string, err error) error {
	for _, known := range []error{ErrSuite, ErrIntent, ErrVersion} {
		if errors.Is(err, known) {
			return fmt.Errorf("read %s: %w", what, err)
		}
	}
	return fmt.Errorf("read %s: value out of range: %w", what, ErrMalformed)
}

// checkText refuses what could not be shown on one line of a screen: control characters, bytes that are
// not UTF-8, and more than limit bytes.
func checkText(s string, limit int) error {
	switch {
	case len(s) > limit:
		return fmt.Errorf("text of %d bytes: %w", len(s), ErrLimit)
	case !utf8.ValidString(s):
		return fmt.Errorf("text is not UTF-8: %w", ErrMalformed)
	case strings.ContainsFunc(s, hidden):
		return fmt.Errorf("text has control characters: %w", ErrMalformed)
	}
	return nil
}

// plain makes any text pass checkText: what may not be shown becomes U+FFFD, the end is cut at a rune.
func plain(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if hidden(r) {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(s[:min(len(s), 4*limit)], "\uFFFD"))
	for len(s) > limit {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return s
}

// hidden tells whether a rune would act on the terminal instead of being seen: controls, and the marks that
// turn the direction of what follows.
func hidden(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' ||
		r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}
