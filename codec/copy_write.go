package codec

import (
	"bytes"
	"slices"
	"strings"
)

// An output is one top-level parameter as it will be written.
type output struct {
	name  string
	row   int        // of vconTable, or -1
	value []byte     // encoded, without blanks; or
	array *parameter // elements with a model; or
	other *parameter // copied from its place
}

// outputs is the parameters in the order of CBOR.
func (k *copier) outputs() ([]output, error) {
	var all []output
	for i := range vconTable.rows {
		f := &vconTable.rows[i]
		out := output{name: f.name, row: i}
		if n := slices.Index(arrayNames[:], f.name); n >= 0 && k.arrays[n] != nil {
			out.array = k.arrays[n]
			all = append(all, out)
			continue
		}
		encode := appendValue
		if k.options.Format == FormatJSON {
			encode = appendJSONValue
		}
		var present bool
		var err error
		if out.value, present, err = encode(nil, f.at(&k.small)); err != nil {
			return nil, inName(err, f.name)
		}
		if present {
			all = append(all, out)
		}
	}
	for name, raw := range k.small.Extra {
		if slices.ContainsFunc(all, func(o output) bool { return o.name == name }) {
			if !isEmpty(raw) {
				return nil, inName(&Error{Offset: -1, Reason: "given twice: in its field and in Extra"}, name)
			}
			continue
		}
		out := output{name: name, row: -1, value: raw, other: k.isParameter(raw)}
		if k.options.Format == FormatJSON && out.other == nil {
			var err error
			if out.value, err = raw.AppendJSON(nil); err != nil {
				return nil, k.failSmall(err, name)
			}
		}
		all = append(all, out)
	}
	slices.SortFunc(all, func(a, b output) int { return bytes.Compare(appendKey(nil, a.name), appendKey(nil, b.name)) })
	return all, nil
}

// failSmall gives err, of encoding a parameter of k.small, its place.
func (k *copier) failSmall(err error, name string) error {
	if p, ok := err.(*Error); ok && p.Offset < 0 {
		if at, ok := k.places[name]; ok {
			p.Offset = at
		}
	}
	return inName(err, name)
}

func (k *copier) write() error {
	all, err := k.outputs()
	if err != nil {
		return err
	}
	write := k.writeCBOR
	if k.options.Format == FormatJSON {
		write = k.writeJSON
	}
	if err := write(all); err != nil {
		return err
	}
	return k.allUsed(k.holes.list[:k.held])
}

func (k *copier) writeCBOR(all []output) error {
	k.w.Write(AppendMap(nil, len(all))) // k.w keeps its first error
	for _, out := range all {
		k.w.Write(appendKey(nil, out.name))
		if out.array == nil && out.other == nil {
			if err := k.fill(out.value); err != nil {
				return inName(err, out.name)
			}
			continue
		}
		p := out.array
		if p == nil {
			if p = out.other; p.elements == 0 {
				if err := k.single(out, p); err != nil {
					return err
				}
				continue
			}
		}
		k.w.Write(AppendHead(nil, majorArray, uint64(p.elements)))
		if err := k.elements(p, func(i int) (bool, error) { return true, k.element(out, p, i) }); err != nil {
			return err
		}
	}
	return nil
}

func (k *copier) writeJSON(all []output) error {
	if len(all) == 0 {
		k.w.WriteString("{}\n")
		return nil
	}
	slices.SortFunc(all, func(a, b output) int {
		switch {
		case a.row >= 0 && b.row >= 0:
			return a.row - b.row
		case a.row >= 0 || b.row >= 0:
			return b.row - a.row // the one without a row is the later
		}
		return strings.Compare(a.name, b.name)
	})
	before := "{\n  "
	for _, out := range all {
		if strings.HasPrefix(out.name, notText) {
			return k.failSmall(&Error{Offset: -1, Reason: "no JSON form: a name that is not a text"}, out.name)
		}
		name, err := appendQuoted(nil, out.name)
		if err != nil {
			return inName(err, out.name)
		}
		k.w.WriteString(before)
		k.w.Write(append(name, ": "...))
		before = ",\n  "
		if err := k.valueJSON(out); err != nil {
			return err
		}
	}
	k.w.WriteString("\n}\n")
	return nil
}

func (k *copier) valueJSON(out output) error {
	p := out.array
	if p == nil && out.other == nil {
		return inName(k.fillJSON(out.value, 1), out.name)
	}
	if p == nil {
		if p = out.other; p.elements == 0 {
			return k.single(out, p)
		}
	}
	k.w.WriteByte('[')
	err := k.elements(p, func(i int) (bool, error) {
		if i > 0 {
			k.w.WriteByte(',')
		}
		k.w.WriteString("\n    ")
		return true, k.element(out, p, i)
	})
	k.w.WriteString("\n  ]")
	return err
}

// element writes the element that the source is at.
func (k *copier) element(out output, p *parameter, i int) error {
	if out.array == nil {
		return k.generic(out, p, i)
	}
	kind := [...]EventKind{EventParty, EventDialog, EventAttachment}[slices.Index(arrayNames[:], p.name)]
	e, err := k.value(kind, p.name, i)
	if err != nil {
		return err
	}
	switch {
	case e.Party != nil:
		err = writeElement(k, &e, partyTable, e.Party, k.upgrader.Party)
	case e.Dialog != nil:
		err = writeElement(k, &e, dialogTable, e.Dialog, k.upgrader.Dialog)
	case e.Attachment != nil:
		if k.options.AttachmentURL != nil && e.Attachment.URL != "" {
			k.options.AttachmentURL(e.Attachment.URL)
		}
		err = writeElement(k, &e, attachmentTable, e.Attachment, k.upgrader.Attachment)
	default:
		err = ErrChanged
	}
	return err
}

func writeElement[T any](k *copier, e *Event, t *table[T], v *T, upgraded func(*T) *T) error {
	if k.upgrader != nil {
		v = upgraded(v)
	}
	encode := appendObject[T]
	if k.options.Format == FormatJSON {
		encode = appendJSONObject[T]
	}
	b, err := encode(k.encoded[:0], t, v)
	if err != nil {
		return k.fail(err, e)
	}
	k.encoded = b
	return k.done(e, b)
}

// single writes a parameter that is copied from its place as one value.
func (k *copier) single(out output, p *parameter) error {
	k.seek(p.offset)
	return k.generic(out, p, -1)
}

// generic writes a value without a model that the source is at.
func (k *copier) generic(out output, p *parameter, index int) error {
	e, err := k.value(EventField, p.name, index)
	if err != nil {
		return err
	}
	e.Value = k.upgraded(out.name, index, e.Value)
	b := []byte(e.Value)
	if k.options.Format == FormatJSON {
		if b, err = e.Value.AppendJSON(k.encoded[:0]); err != nil {
			return k.fail(err, &e)
		}
		k.encoded = b
	}
	return k.done(&e, b)
}

// done writes b, which e was encoded as.
func (k *copier) done(e *Event, b []byte) error {
	fill := k.fill
	if k.options.Format == FormatJSON {
		fill = func(b []byte) error { return k.fillJSON(b, min(2, e.Index+2)) }
	}
	err := fill(b)
	if err == nil {
		err = k.allUsed(k.holes.list[k.holes.first:])
	}
	return k.fail(err, e)
}
