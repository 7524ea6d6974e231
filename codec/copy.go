package codec

import (
	"bufio"
	"bytes"
	"cmp"
	"io"
	"slices"
)

// CopyOptions say what a Copy writes.
type CopyOptions struct {
	// Format is the encoding to write.
	Format Format
	// Upgrade rewrites the names of early versions, as VCon.Upgraded does.
	Upgrade bool
	// Mend is as in Options. It is called once for each text.
	Mend func(Mend)
	// AttachmentURL is called with the url of each attachment that has one.
	AttachmentURL func(string)
}

// Copy reads the vCon that fills src, of size bytes, and writes it to w. The vCon
// may be of any size and have its parameters in any order: memory is a small
// multiple of MaxElement. What is written is, byte for byte, what AppendCBOR, or
// AppendJSON with IndentJSON, make of a vCon that is decoded whole. With Upgrade
// that is so but for rules that look into a text beyond MaxInlineBody: such a text
// stays, or is the error "a text is too long to be upgraded".
//
//  1. A survey finds the top-level parameters and counts the elements of arrays.
//  2. Small parameters are read. With Upgrade, their names become those of today.
//  3. Everything is written in the order of the format: arrays element by
//     element, each read from its place in src.
//
// Texts and byte strings beyond MaxInlineBody are not part of the element that is
// held, wherever they stand; they are copied from src when the element is written.
// What is left of an element, or of a parameter that is no array, has to fit
// MaxElement.
//
// Errors of src and w come as they are; all others are an *Error. After an error,
// what was written is not a vCon.
func Copy(w io.Writer, src io.ReaderAt, size int64, o CopyOptions) error {
	k := &copier{
		options: o, w: bufio.NewWriterSize(w, scanBuffer), holes: newHoles(), places: make(map[string]int64),
		src: source{r: bufio.NewReaderSize(nil, scanBuffer), at: src, size: size},
	}
	k.src.seek(0)
	if err := k.open(); err != nil {
		return err
	}
	params, err := k.survey()
	if err != nil {
		return err
	}
	if err := k.load(params); err != nil {
		return err
	}
	if o.Upgrade {
		if err := k.upgrade(); err != nil {
			return err
		}
	}
	if err := k.write(); err != nil {
		return err
	}
	return k.w.Flush()
}

// A copier is one Copy.
type copier struct {
	options  CopyOptions
	src      source
	w        *bufio.Writer
	json     *jsonWalker // one of them is set
	cbor     *cborWalker
	walk     walker
	where    string           // pointer of the value at hand
	mute     bool             // nothing is reported as mended
	small    VCon             // the small parameters, and placeholders of others
	places   map[string]int64 // where they are in the source
	arrays   [3]*parameter
	holes    *holes
	upgrader *Upgrader // nil: as it is
	loaded   bool      // k.small is complete
	held     int       // and has so many holes
	buf      []byte
	encoded  []byte
	piece    []byte
}

// arrayNames are the parameters whose elements have a model.
var arrayNames = [3]string{"parties", "dialog", "attachments"}

func (k *copier) open() error {
	prefix, err := k.src.r.Peek(512)
	if err != nil && err != io.EOF {
		return err
	}
	format, err := DetectFormat(prefix)
	if err != nil {
		return err
	}
	if format == FormatCBOR {
		k.cbor = &cborWalker{src: &k.src}
		k.walk = k.cbor
		return nil
	}
	var mend func(Mend)
	if k.options.Mend != nil {
		mend = func(m Mend) {
			if m.Pointer = k.where + m.Pointer; !k.mute {
				k.options.Mend(m)
			}
		}
	}
	k.json = newJSONWalker(&k.src, mend)
	k.json.transcoder.holes = k.holes
	k.walk = k.json
	return nil
}

// load reads what is small into k.small, and leaves there placeholders of what
// is not.
func (k *copier) load(params []parameter) error {
	total := 0
	for i := range params {
		p := &params[i]
		array := slices.Index(arrayNames[:], p.name)
		if array >= 0 && p.elements > 0 && p.objects {
			k.arrays[array] = p
			continue
		}
		known := hasModel(p.name)
		if array >= 0 && p.elements > 0 || !known && (p.length > MaxInlineBody || total > maxSmall) {
			text, err := k.holes.append(nil, hole{all: p, Section: Section{form: sectionText}})
			if err != nil {
				return err
			}
			set(&k.small.Extra, p.name, AppendText(nil, text))
			continue
		}
		k.places[p.name] = p.offset
		k.seek(p.offset)
		e, err := k.value(EventField, p.name, -1)
		if err != nil {
			return err
		}
		if total += len(e.Value); total > MaxElement {
			return inName(&Error{Offset: p.offset, Reason: "parameters too long"}, p.name)
		}
		if err := k.small.Set(p.name, e.Value); err != nil {
			return err
		}
	}
	k.loaded, k.held = true, len(k.holes.list)
	return nil
}

// hasModel reports whether a top-level parameter has a field, or gets one by an
// upgrade.
func hasModel(name string) bool {
	for _, row := range vconForms {
		if row.old == name && row.new != "" {
			name = row.new
		}
	}
	_, ok := vconTable.index[name]
	return ok
}

// maxSmall bounds the parameters without a model that are held, in bytes; the
// others are copied from their places.
const maxSmall = 1 << 20

// upgrade gives the small parameters the names of today, when all parties have
// been given to the Upgrader.
func (k *copier) upgrade() error {
	k.upgrader = new(Upgrader)
	if p := k.arrays[0]; p != nil {
		k.mute = true
		err := k.elements(p, func(i int) (bool, error) {
			e, err := k.value(EventParty, p.name, i)
			if err != nil {
				return false, err
			}
			if e.Party == nil {
				return false, ErrChanged
			}
			k.upgrader.Party(e.Party)
			return true, nil
		})
		if k.mute = false; err != nil {
			return err
		}
	}
	k.small = *k.upgrader.Head(&k.small)
	return nil
}

// upgraded is a value of a parameter that Head has not seen, in the names of
// today.
func (k *copier) upgraded(name string, index int, v Raw) Raw {
	switch {
	case k.upgrader == nil:
		return v
	case name == "analysis" && index >= 0:
		return k.upgrader.Analysis(v)
	case (name == "redacted" || name == "amended") && index < 0:
		return k.upgrader.raw(v, referenceForms)
	}
	return v
}

// seek goes to a top-level value.
func (k *copier) seek(off int64) {
	k.src.seek(off)
	if k.cbor != nil {
		k.cbor.depth = 1
	}
}

// elements calls f before each element of an array, until f returns false. f
// reads the element.
func (k *copier) elements(p *parameter, f func(i int) (bool, error)) error {
	k.seek(p.offset)
	if isArray, err := k.walk.open(); err != nil || !isArray {
		return cmp.Or(err, ErrChanged)
	}
	for i := 0; ; i++ {
		more, err := k.walk.element()
		if err != nil {
			return inName(inIndex(err, i), p.name)
		}
		if !more && int64(i) == p.elements {
			return nil
		}
		if !more || int64(i) == p.elements {
			return ErrChanged
		}
		if goOn, err := f(i); err != nil || !goOn {
			return err
		}
	}
}

// value reads the value that the source is at. Its long texts are the holes from
// k.holes.first on.
func (k *copier) value(kind EventKind, name string, index int) (Event, error) {
	e := Event{Kind: kind, Name: name, Index: index}
	if k.loaded {
		k.holes.begin(k.held)
	} else {
		k.holes.begin(len(k.holes.list))
	}
	if k.options.Mend != nil {
		k.where = where(name, index)
	}
	c := collector{b: k.buf[:0], limit: MaxElement, offset: -1, holes: k.holes}
	err := k.walk.value(&c)
	e.Offset, e.Length = c.offset, k.src.off-c.offset
	if cap(c.b) > cap(k.buf) {
		k.buf = c.b
	}
	if err == nil && c.overflow {
		err = &Error{Offset: e.Offset, Reason: "value too long"}
	}
	if err == nil {
		if err = k.walk.decode(&c, &e); err == nil {
			return e, nil
		}
		if p, ok := err.(*Error); ok && p.Offset >= 0 && k.cbor != nil {
			p.Offset = k.holes.place(p.Offset)
		}
	}
	return e, k.fail(err, &e)
}

// fail gives err the place of e, as far as it has none.
func (k *copier) fail(err error, e *Event) error {
	p, ok := err.(*Error)
	if !ok {
		return err
	}
	if p.Offset < 0 {
		p.Offset = e.Offset
	}
	if e.Index >= 0 {
		err = inIndex(err, e.Index)
	}
	return inName(err, e.Name)
}

// isParameter is the parameter that a placeholder in k.small stands for, or nil.
func (k *copier) isParameter(raw Raw) *parameter {
	const head = 2
	if len(raw) < head || raw[0]>>5 != majorText {
		return nil
	}
	if h := k.holes.named(bytes.Clone(raw[head:])); h != nil {
		return h.all
	}
	return nil
}
