package codec

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// A random model is filled by the tables, so that no row is forgotten.

func fill[T any](t *rapid.T, tb *table[T], v *T, depth int) {
	for i := range tb.rows {
		f := &tb.rows[i]
		if rapid.IntRange(0, 2).Draw(t, "present") > 0 {
			continue
		}
		fillValue(t, f.name, f.at(v), depth)
	}
	settle(v)
	for range rapid.IntRange(0, 2).Draw(t, "extras") {
		name := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"x", "analysis", "mimetype", "a long name of more than twenty-three bytes"})).Draw(t, "name")
		if _, known := tb.index[name]; known || len(name) > MaxName {
			continue
		}
		set(tb.extra(v), name, rawJSONValue(t, 3))
	}
}

// rawJSONValue is an item that JSON can hold.
func rawJSONValue(t *rapid.T, depth int) Raw {
	var b []byte
	switch rapid.IntRange(0, 7).Draw(t, "kind") {
	case 0:
		return Raw{simpleNull}
	case 1:
		return AppendText(b, rapid.String().Draw(t, "text"))
	case 2:
		return AppendUint(b, rapid.Uint64().Draw(t, "uint"))
	case 3:
		return AppendHead(b, majorNeg, rapid.Uint64().Draw(t, "neg"))
	case 4:
		n := rapid.StringMatching(`-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?`).Draw(t, "number")
		b, reason := appendNumber(b, []byte(n))
		if reason != "" {
			t.Fatal(reason)
		}
		return b
	case 5:
		if depth == 0 {
			return Raw{simpleTrue}
		}
		n := rapid.IntRange(0, 30).Draw(t, "n")
		b = AppendArray(b, n)
		for range n {
			b = append(b, rawJSONValue(t, 0)...)
		}
		return b
	case 6:
		if depth == 0 {
			return Raw{simpleFalse}
		}
		b = append(b, majorMap<<5|31)
		names := map[string]bool{}
		for range rapid.IntRange(0, 5).Draw(t, "n") {
			name := rapid.String().Draw(t, "name")
			if names[name] || len(name) > MaxName {
				continue
			}
			names[name] = true
			b = append(AppendText(b, name), rawJSONValue(t, depth-1)...)
		}
		c, err := Canonical(append(b, breakCode))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	return appendFloat(b, rapid.Float64().Draw(t, "float"))
}

func fillValue(t *rapid.T, name string, p any, depth int) {
	nonEmpty := rapid.StringN(1, 20, -1)
	switch p := p.(type) {
	case *string:
		*p = nonEmpty.Draw(t, name)
		if name == "encoding" {
			*p = rapid.SampledFrom([]string{EncodingNone, EncodingJSON, EncodingBase64URL, "other"}).Draw(t, name)
		}
	case *Date:
		*p = Date(rapid.OneOf(nonEmpty, rapid.SampledFrom([]string{"2022-02-08T22:13:45Z", "2022-02-08T22:13:45.000-00:00", "2022-02-08t22:13:45z", "2016-12-31T23:59:60Z"})).Draw(t, name))
	case *Binary:
		if rapid.Bool().Draw(t, "canonical") {
			*p = BinaryOf(rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, name))
		} else {
			*p = Binary(rapid.OneOf(nonEmpty, rapid.StringMatching(`[A-Za-z0-9_=-]{1,9}`)).Draw(t, name))
		}
	case *Dialog:
		fillBody(t, &p.Body, p.Encoding)
	case *Attachment:
		fillBody(t, &p.Body, p.Encoding)
	case *Part:
		fillBody(t, &p.Body, p.Encoding)
	case *bool:
		*p = true
	case *required:
		*p = required(rapid.Bool().Draw(t, name))
	case *relativeTime:
		if p.Relative {
			p.RelativeTime = rapid.Uint64().Draw(t, name)
		}
	case **uint64:
		n := rapid.Uint64().Draw(t, name)
		*p = &n
	case **uint32:
		n := rapid.Uint32().Draw(t, name)
		*p = &n
	case *[]uint32:
		*p = rapid.SliceOfN(rapid.Uint32(), 1, 30).Draw(t, name)
	case *[]string:
		*p = rapid.SliceOfN(nonEmpty, 1, 3).Draw(t, name)
	case **Room:
		fillPointer(t, roomTable, p, depth)
	case *[]RoomDescription:
		fillSlice(t, descriptionTable, p, depth)
	case *[]Party:
		fillSlice(t, partyTable, p, depth)
	case *[]Dialog:
		fillSlice(t, dialogTable, p, depth)
	case *[]Attachment:
		fillSlice(t, attachmentTable, p, depth)
	case **Expires:
		fillPointer(t, expiresTable, p, depth)
	case **ExternalPart:
		fillPointer(t, externalTable, p, depth)
	case **MultiPart:
		fillPointer(t, multiPartTable, p, depth)
	case *[]Part:
		fillSlice(t, partTable, p, depth)
	case *[]PartyEvent:
		fillSlice(t, eventTable, p, depth)
	default:
		t.Fatalf("%s: field of type %T is not tested", name, p)
	}
}

// fillBody runs before the encoding may be drawn; settle sorts it out as for a
// reader.
func fillBody(t *rapid.T, b *Body, encoding string) {
	if rapid.Bool().Draw(t, "bytes") {
		*b = Body{BodyBytes, rapid.SliceOfN(rapid.Byte(), 0, 50).Draw(t, "body")}
	} else {
		*b = Body{BodyText, []byte(rapid.String().Draw(t, "body"))}
	}
}

func fillPointer[T any](t *rapid.T, tb *table[T], p **T, depth int) {
	if depth > 0 {
		*p = new(T)
		fill(t, tb, *p, depth-1)
	}
}

func fillSlice[T any](t *rapid.T, tb *table[T], p *[]T, depth int) {
	if depth > 0 {
		*p = make([]T, rapid.IntRange(1, 3).Draw(t, "elements"))
		for i := range *p {
			fill(t, tb, &(*p)[i], depth-1)
		}
	}
}

// TestModelRoundTrip: a random model -> CBOR -> model -> JSON -> model is equal.
func TestModelRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := new(VCon)
		fill(t, vconTable, v, 5)
		c, err := v.AppendCBOR(nil)
		if err != nil {
			t.Fatal(err)
		}
		if !IsCanonical(c) {
			t.Fatalf("not deterministic: %x", c)
		}
		w, err := DecodeCBOR(c)
		if err != nil {
			t.Fatal(err)
		}
		equalModel(t, "CBOR", v, w)
		j, err := w.AppendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		u, err := DecodeJSON(j)
		if err != nil {
			t.Fatal(err)
		}
		normalise(w)
		normalise(u)
		equalModel(t, "JSON", w, u)
		s, err := scanModel(j)
		if err != nil {
			t.Fatal(err)
		}
		equalModel(t, "scanned JSON", u, s)
	})
}

// normalise takes from Extra what JSON shows as a text: the bytes of a body
// whose encoding is not base64url.
func normalise(v *VCon) {
	plain := func(x *Fields, b *Body, encoding string) {
		raw, ok := (*x)["body"]
		if !ok || raw[0] != 0xd5 {
			return
		}
		j, err := raw.AppendJSON(nil)
		if err != nil {
			panic(err)
		}
		delete(*x, "body")
		if len(*x) == 0 {
			*x = nil
		}
		*b = Body{BodyText, j[1 : len(j)-1]}
	}
	var parts func(m *MultiPart)
	parts = func(m *MultiPart) {
		if m == nil {
			return
		}
		for i := range m.Parts {
			p := &m.Parts[i]
			plain(&p.Extra, &p.Body, p.Encoding)
			parts(p.MultiPart)
		}
	}
	for i := range v.Dialog {
		d := &v.Dialog[i]
		plain(&d.Extra, &d.Body, d.Encoding)
		parts(d.MultiPart)
	}
	for i := range v.Attachments {
		a := &v.Attachments[i]
		plain(&a.Extra, &a.Body, a.Encoding)
	}
}

func scanModel(src []byte) (*VCon, error) {
	s := NewScanner(bytes.NewReader(src))
	v := new(VCon)
	for {
		e, err := s.Next()
		if err != nil {
			if err.Error() == "EOF" {
				err = nil
			}
			return v, err
		}
		switch e.Kind {
		case EventField:
			if err := v.Set(e.Name, e.Value); err != nil {
				return nil, err
			}
		case EventRoom:
			v.Room = e.Room
		case EventParty:
			v.Parties = append(v.Parties, *e.Party)
		case EventDialog:
			v.Dialog = append(v.Dialog, *e.Dialog)
		case EventAttachment:
			v.Attachments = append(v.Attachments, *e.Attachment)
		default:
			return nil, fmt.Errorf("event of kind %d", e.Kind)
		}
	}
}

func equalModel(t *rapid.T, what string, v, w *VCon) {
	t.Helper()
	if !reflect.DeepEqual(v, w) {
		a, _ := v.AppendJSON(nil)
		b, _ := w.AppendJSON(nil)
		t.Fatalf("another model from %s:\n%+v\n%+v\n%s\n%s", what, v, w, a, b)
	}
}

// TestJSONValueRoundTrip: random JSON -> CBOR -> JSON is equal in value.
func TestJSONValueRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		raw := rawJSONValue(rt, 4)
		j, err := raw.AppendJSON(nil)
		if err != nil {
			rt.Fatal(err)
		}
		again, err := RawOfJSON(j)
		if err != nil {
			rt.Fatal(err)
		}
		if !bytes.Equal(again, raw) {
			rt.Fatalf("%x becomes %x by way of %s", []byte(raw), []byte(again), j)
		}
	})
}
