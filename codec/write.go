package codec

import (
	"strings"
	"unicode/utf8"
)

// appendObject appends v in core deterministic encoding.
func appendObject[T any](b []byte, t *table[T], v *T) ([]byte, error) {
	at, n := len(b), uint64(0)
	b = append(b, 0)
	extra := *t.extra(v)
	var names []string
	if len(extra) > 0 {
		names = extra.byKey()
	}
	var err error
	for _, i := range t.sorted {
		f := &t.rows[i]
		for len(names) > 0 && keyBefore(names[0], f) {
			if b, err = appendExtra(b, names[0], extra); err != nil {
				return b, err
			}
			names, n = names[1:], n+1
		}
		start := len(b)
		b = append(b, f.key...)
		var present bool
		if b, present, err = appendValue(b, f.at(v)); err != nil {
			return b, inName(err, f.name)
		}
		if !present {
			b = b[:start]
			continue
		}
		n++
		if len(names) > 0 && names[0] == f.name {
			if !isEmpty(extra[f.name]) {
				return b, inName(&Error{Offset: -1, Reason: "given twice: in its field and in Extra"}, f.name)
			}
			names = names[1:]
		}
	}
	for ; len(names) > 0; names, n = names[1:], n+1 {
		if b, err = appendExtra(b, names[0], extra); err != nil {
			return b, err
		}
	}
	return patchHead(b, at, majorMap, n), nil
}

// keyBefore reports whether name sorts before the field's key.
func keyBefore[T any](name string, f *field[T]) bool {
	if strings.HasPrefix(name, notText) {
		return string(name[1:]) < string(f.key)
	}
	if len(name) != len(f.name) && len(name) < 256 {
		return len(name) < len(f.name) // the length comes first in the head
	}
	return len(name) < 256 && name < f.name
}

func appendExtra(b []byte, name string, extra Fields) ([]byte, error) {
	if !strings.HasPrefix(name, notText) && !utf8.ValidString(name) {
		return b, inName(&Error{Offset: -1, Reason: reasonUTF8}, name)
	}
	raw := extra[name]
	if err := Wellformed(raw); err != nil {
		return b, inName(err, name)
	}
	return append(appendKey(b, name), raw...), nil
}

// isEmpty reports whether raw says nothing: null, or an empty text, array,
// object or byte string.
func isEmpty(raw Raw) bool {
	switch string(raw) {
	case "\xf6", "\x60", "\x80", "\xa0", "\xd5\x40":
		return true
	}
	return false
}

// appendValue appends the value at p, a pointer as field.at gives it, or says
// that it is absent.
func appendValue(b []byte, p any) ([]byte, bool, error) {
	switch p := p.(type) {
	case *string:
		return appendChecked(b, *p, 0)
	case *Date:
		if *p == "" {
			return b, false, nil
		}
		if p.strict() {
			b = append(b, majorTag<<5|tagDate)
		}
		return appendChecked(b, string(*p), 0)
	case *Binary:
		return appendBinary(b, *p)
	case *Dialog:
		return p.Body.append(b, p.Encoding)
	case *Attachment:
		return p.Body.append(b, p.Encoding)
	case *Part:
		return p.Body.append(b, p.Encoding)
	case *bool:
		return append(b, simpleTrue), *p, nil
	case *required:
		if *p {
			return append(b, simpleTrue), true, nil
		}
		return append(b, simpleFalse), true, nil
	case **uint64:
		if *p == nil {
			return b, false, nil
		}
		return AppendUint(b, **p), true, nil
	case *relativeTime:
		return AppendUint(b, p.RelativeTime), p.Relative || p.RelativeTime != 0, nil
	case **uint32:
		if *p == nil {
			return b, false, nil
		}
		return AppendUint(b, uint64(**p)), true, nil
	case *[]uint32:
		b = AppendArray(b, len(*p))
		for _, n := range *p {
			b = AppendUint(b, uint64(n))
		}
		return b, len(*p) > 0, nil
	case *[]string:
		b = AppendArray(b, len(*p))
		var err error
		for i, s := range *p {
			if b, _, err = appendChecked(b, s, 1); err != nil {
				return b, false, inIndex(err, i)
			}
		}
		return b, len(*p) > 0, nil
	case **Room:
		return appendPointer(b, roomTable, *p)
	case *[]RoomDescription:
		return appendSlice(b, descriptionTable, *p)
	case *[]Party:
		return appendSlice(b, partyTable, *p)
	case *[]Dialog:
		return appendSlice(b, dialogTable, *p)
	case *[]Attachment:
		return appendSlice(b, attachmentTable, *p)
	case **Expires:
		return appendPointer(b, expiresTable, *p)
	case **ExternalPart:
		return appendPointer(b, externalTable, *p)
	case **MultiPart:
		return appendPointer(b, multiPartTable, *p)
	case *[]Part:
		return appendSlice(b, partTable, *p)
	case *[]PartyEvent:
		return appendSlice(b, eventTable, *p)
	}
	panic("codec: field of unknown type")
}

// appendChecked appends a text that is not empty; with must 1 an empty one is
// an error, with 0 it is absent.
func appendChecked(b []byte, s string, must int) ([]byte, bool, error) {
	if s == "" {
		if must == 1 {
			return b, false, &Error{Offset: -1, Reason: "empty text in a list"}
		}
		return b, false, nil
	}
	if !utf8.ValidString(s) {
		return b, false, &Error{Offset: -1, Reason: reasonUTF8}
	}
	return AppendText(b, s), true, nil
}

func appendBinary(b []byte, s Binary) ([]byte, bool, error) {
	if out, ok := appendDecoded(b, string(s)); ok {
		return out, s != "", nil
	}
	return appendChecked(b, string(s), 0)
}

func (v *Body) append(b []byte, encoding string) ([]byte, bool, error) {
	switch v.Kind {
	case BodyText:
		if encoding == EncodingBase64URL {
			if out, ok := appendDecoded(b, string(v.Data)); ok {
				return out, true, nil
			}
		}
		if !utf8.Valid(v.Data) {
			return b, false, &Error{Offset: -1, Reason: reasonUTF8}
		}
		return AppendText(b, v.Data), true, nil
	case BodyBytes:
		if encoding != EncodingBase64URL {
			return b, false, &Error{Offset: -1, Reason: "a body of bytes needs the encoding base64url"}
		}
		return AppendBytes(append(b, majorTag<<5|tagBase64URL), v.Data), true, nil
	}
	return b, false, nil
}

func appendPointer[T any](b []byte, t *table[T], v *T) ([]byte, bool, error) {
	if v == nil {
		return b, false, nil
	}
	b, err := appendObject(b, t, v)
	return b, true, err
}

func appendSlice[T any](b []byte, t *table[T], s []T) ([]byte, bool, error) {
	b = AppendArray(b, len(s))
	var err error
	for i := range s {
		if b, err = appendObject(b, t, &s[i]); err != nil {
			return b, false, inIndex(err, i)
		}
	}
	return b, len(s) > 0, nil
}
