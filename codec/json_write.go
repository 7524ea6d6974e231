package codec

import (
	"encoding/base64"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// appendJSONObject appends v as a JSON object: known parameters in the order of
// their table, then the others by name.
func appendJSONObject[T any](b []byte, t *table[T], v *T) ([]byte, error) {
	b = append(b, '{')
	extra := *t.extra(v)
	empty := len(b)
	var written uint64
	for i := range t.rows {
		f := &t.rows[i]
		start := len(b)
		if start > empty {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), f.name...), '"', ':')
		var present bool
		var err error
		if b, present, err = appendJSONValue(b, f.at(v)); err != nil {
			return b, inName(err, f.name)
		}
		if !present {
			b = b[:start]
			continue
		}
		written |= 1 << i
		if raw, ok := extra[f.name]; ok && !isEmpty(raw) {
			return b, inName(&Error{Offset: -1, Reason: "given twice: in its field and in Extra"}, f.name)
		}
	}
	names := make([]string, 0, len(extra))
	for n := range extra {
		if i, ok := t.index[n]; !ok || written&(1<<i) == 0 {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	for _, n := range names {
		if len(b) > empty {
			b = append(b, ',')
		}
		if strings.HasPrefix(n, notText) {
			return b, inName(&Error{Offset: -1, Reason: "no JSON form: a name that is not a text"}, n)
		}
		var err error
		if b, err = appendQuoted(b, n); err != nil {
			return b, inName(err, n)
		}
		if b, err = extra[n].AppendJSON(append(b, ':')); err != nil {
			return b, inName(err, n)
		}
	}
	return append(b, '}'), nil
}

func appendQuoted[S ~string | ~[]byte](b []byte, s S) ([]byte, error) {
	b, err := jsontext.AppendQuote(b, s)
	if err != nil {
		return b, &Error{Offset: -1, Reason: reasonUTF8}
	}
	return b, nil
}

// appendJSONValue is appendValue for JSON.
func appendJSONValue(b []byte, p any) ([]byte, bool, error) {
	switch p := p.(type) {
	case *string:
		return appendQuotedField(b, *p)
	case *Date:
		return appendQuotedField(b, string(*p))
	case *Binary:
		return appendQuotedField(b, string(*p))
	case *Dialog:
		return p.Body.appendJSON(b, p.Encoding)
	case *Attachment:
		return p.Body.appendJSON(b, p.Encoding)
	case *Part:
		return p.Body.appendJSON(b, p.Encoding)
	case *bool:
		return append(b, "true"...), *p, nil
	case *required:
		return strconv.AppendBool(b, bool(*p)), true, nil
	case **uint64:
		if *p == nil {
			return b, false, nil
		}
		return strconv.AppendUint(b, **p, 10), true, nil
	case *relativeTime:
		return strconv.AppendUint(b, p.RelativeTime, 10), p.Relative || p.RelativeTime != 0, nil
	case **uint32:
		if *p == nil {
			return b, false, nil
		}
		return strconv.AppendUint(b, uint64(**p), 10), true, nil
	case *[]uint32:
		return appendJSONArray(b, *p, func(b []byte, n *uint32) ([]byte, error) {
			return strconv.AppendUint(b, uint64(*n), 10), nil
		})
	case *[]string:
		return appendJSONArray(b, *p, func(b []byte, s *string) ([]byte, error) {
			if *s == "" {
				return b, &Error{Offset: -1, Reason: "empty text in a list"}
			}
			return appendQuoted(b, *s)
		})
	case **Room:
		return appendJSONPointer(b, roomTable, *p)
	case *[]RoomDescription:
		return appendJSONSlice(b, descriptionTable, *p)
	case *[]Party:
		return appendJSONSlice(b, partyTable, *p)
	case *[]Dialog:
		return appendJSONSlice(b, dialogTable, *p)
	case *[]Attachment:
		return appendJSONSlice(b, attachmentTable, *p)
	case **Expires:
		return appendJSONPointer(b, expiresTable, *p)
	case **ExternalPart:
		return appendJSONPointer(b, externalTable, *p)
	case **MultiPart:
		return appendJSONPointer(b, multiPartTable, *p)
	case *[]Part:
		return appendJSONSlice(b, partTable, *p)
	case *[]PartyEvent:
		return appendJSONSlice(b, eventTable, *p)
	}
	panic("codec: field of unknown type")
}

func appendQuotedField(b []byte, s string) ([]byte, bool, error) {
	if s == "" {
		return b, false, nil
	}
	b, err := appendQuoted(b, s)
	return b, true, err
}

func (v *Body) appendJSON(b []byte, encoding string) ([]byte, bool, error) {
	switch v.Kind {
	case BodyText:
		b, err := appendQuoted(b, v.Data)
		return b, true, err
	case BodyBytes:
		if encoding != EncodingBase64URL {
			return b, false, &Error{Offset: -1, Reason: "a body of bytes needs the encoding base64url"}
		}
		return appendBase64(b, v.Data), true, nil
	}
	return b, false, nil
}

func appendBase64(b, data []byte) []byte {
	return append(base64.RawURLEncoding.AppendEncode(append(b, '"'), data), '"')
}

func appendJSONPointer[T any](b []byte, t *table[T], v *T) ([]byte, bool, error) {
	if v == nil {
		return b, false, nil
	}
	b, err := appendJSONObject(b, t, v)
	return b, true, err
}

func appendJSONSlice[T any](b []byte, t *table[T], s []T) ([]byte, bool, error) {
	return appendJSONArray(b, s, func(b []byte, v *T) ([]byte, error) { return appendJSONObject(b, t, v) })
}

func appendJSONArray[T any](b []byte, s []T, element func([]byte, *T) ([]byte, error)) ([]byte, bool, error) {
	b = append(b, '[')
	for i := range s {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = element(b, &s[i]); err != nil {
			return b, false, inIndex(err, i)
		}
	}
	return append(b, ']'), len(s) > 0, nil
}

// AppendJSON appends the item as JSON: a byte string with tag 21 is base64url
// text, a text with tag 0 a text. What JSON cannot hold is refused.
func (r Raw) AppendJSON(b []byte) ([]byte, error) {
	if err := Wellformed(r); err != nil {
		return b, err
	}
	return (&reader{b: r, base: -1}).appendJSON(b)
}

func (r *reader) appendJSON(b []byte) ([]byte, error) {
	c, err := r.peek()
	if err != nil {
		return b, err
	}
	switch c >> 5 {
	case majorUint, majorNeg:
		s, err := r.integerText()
		return append(b, s...), err
	case majorText:
		s, _, err := r.text()
		if err != nil {
			return b, err
		}
		return appendQuoted(b, s)
	case majorArray, majorMap:
		return r.appendJSONItems(b)
	case majorTag:
		return r.appendJSONTag(b)
	case majorBytes:
		return b, r.fail("no JSON form: a byte string without tag 21")
	}
	h, err := r.head()
	if err != nil {
		return b, err
	}
	switch {
	case h.info >= 25:
		f := floatOf(h)
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return b, r.fail("no JSON form: not a finite number")
		}
		return appendFloatText(b, f), nil
	case c == simpleFalse:
		return append(b, "false"...), nil
	case c == simpleTrue:
		return append(b, "true"...), nil
	case c == simpleNull:
		return append(b, "null"...), nil
	}
	return b, r.fail("no JSON form: undefined or an unassigned simple value")
}

func (r *reader) appendJSONItems(b []byte) ([]byte, error) {
	h, err := r.head()
	if err != nil {
		return b, err
	}
	open, end := byte('['), byte(']')
	if h.major == majorMap {
		open, end = '{', '}'
	}
	b = append(b, open)
	for i := 0; ; i++ {
		more, err := r.next(h, i)
		if err != nil {
			return b, err
		}
		if !more {
			return append(b, end), nil
		}
		if i > 0 {
			b = append(b, ',')
		}
		if h.major == majorArray {
			if b, err = r.appendJSON(b); err != nil {
				return b, inIndex(err, i)
			}
			continue
		}
		key, isText, err := r.key()
		if err != nil {
			return b, err
		}
		if !isText {
			return b, r.fail("no JSON form: a name that is not a text")
		}
		if b, err = appendQuoted(b, key); err != nil {
			return b, err
		}
		if b, err = r.appendJSON(append(b, ':')); err != nil {
			return b, inName(err, string(key))
		}
	}
}

func (r *reader) appendJSONTag(b []byte) ([]byte, error) {
	at := r.off
	h, err := r.head()
	if err != nil {
		return b, err
	}
	c, err := r.peek()
	if err != nil {
		return b, err
	}
	switch {
	case h.arg == tagDate && c>>5 == majorText:
		return r.appendJSON(b)
	case h.arg == tagBase64URL && c>>5 == majorBytes:
		sh, err := r.head()
		if err != nil {
			return b, err
		}
		s, err := r.stringBody(sh)
		return appendBase64(b, s), err
	case h.arg == tagPosBignum, h.arg == tagNegBignum:
		r.off = at
		s, err := r.integerText()
		return append(b, s...), err
	case h.arg == tagDecimal:
		return r.appendDecimal(b)
	}
	return b, r.failAt(at, "no JSON form: an unknown tag")
}
