package convert

import (
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A jsonFile reads an export in JSON a record at a time. Texts that are no
// Unicode are mended, and counted; names that come twice are read as the last
// one, as the programs that write exports would.
type jsonFile struct {
	run  *run
	in   *boundedReader
	dec  *jsontext.Decoder
	file io.Closer
}

// A boundedReader ends a record that is longer than MaxRecord, and a file longer
// than MaxExport.
type boundedReader struct {
	r          io.Reader
	left, file int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errRecordTooLong
	}
	if b.file <= 0 { // unless it ends here
		if n, err := b.r.Read(make([]byte, 1)); n == 0 {
			return 0, err
		}
		return 0, errExportTooLong
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left, b.file)])
	b.left -= int64(n)
	b.file -= int64(n)
	return n, err
}

var (
	errRecordTooLong = fmt.Errorf("a record of more than %d bytes", MaxRecord)
	errExportTooLong = fmt.Errorf("more than %d bytes", int64(MaxExport))
)

// openJSON opens a JSON file of the export. The caller closes it.
func (r *run) openJSON(name string) (*jsonFile, error) {
	return r.openJSONBy(name, func(in io.Reader) io.Reader { return in })
}

// openJSONBy is openJSON for a file that has to be mended to be JSON.
func (r *run) openJSONBy(name string, mend func(in io.Reader) io.Reader) (*jsonFile, error) {
	f, err := r.fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open export: %w", err)
	}
	j := r.jsonOf(mend(f))
	j.file = f
	return j, nil
}

// jsonOf reads JSON that is in memory already.
func (r *run) jsonOf(in io.Reader) *jsonFile {
	b := &boundedReader{r: in, left: MaxRecord, file: MaxExport}
	return &jsonFile{run: r, in: b, file: io.NopCloser(nil), dec: jsontext.NewDecoder(b, lenient()...)}
}

func lenient() []json.Options {
	return []json.Options{jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)}
}

func (j *jsonFile) Close() error { return j.file.Close() }

// object calls member with each name of the object that comes next. member reads
// the value, or leaves it: it is then passed over. What is no object is counted as
// a record of the wrong form, unless it is null.
func (j *jsonFile) object(member func(name string) error) error {
	return j.each('{', '}', func() error {
		name, err := j.dec.ReadToken()
		if err != nil {
			return j.failed(err)
		}
		return j.item(func() error { return member(name.String()) })
	})
}

// array calls element for each element of the array that comes next, by the same
// rules as object.
func (j *jsonFile) array(element func(i int) error) error {
	i := -1
	return j.each('[', ']', func() error {
		i++
		return j.item(func() error { return element(i) })
	})
}

// values calls value for each of the values that stand one after the other, to the
// end of the file (JSON lines).
func (j *jsonFile) values(value func(i int) error) error {
	for i := 0; ; i++ {
		if err := j.run.ctx.Err(); err != nil {
			return err
		}
		j.in.left = MaxRecord
		if j.dec.PeekKind() == 0 {
			if _, err := j.dec.ReadToken(); !errors.Is(err, io.EOF) {
				return j.failed(err)
			}
			return nil
		}
		if err := j.item(func() error { return value(i) }); err != nil {
			return err
		}
	}
}

func (j *jsonFile) each(open, end jsontext.Kind, next func() error) error {
	j.in.left = MaxRecord
	switch j.dec.PeekKind() {
	case open:
	case 'n':
		return j.skip()
	case 0: // ReadToken says why
	default:
		j.run.report.Records++
		j.run.report.leave(RecordMalformed)
		return j.skip()
	}
	if _, err := j.dec.ReadToken(); err != nil {
		return j.failed(err)
	}
	for {
		if err := j.run.ctx.Err(); err != nil {
			return err
		}
		switch j.dec.PeekKind() {
		case end:
			_, err := j.dec.ReadToken()
			return j.failed(err)
		case 0:
			_, err := j.dec.ReadToken()
			return j.failed(err)
		}
		if err := next(); err != nil {
			return err
		}
	}
}

// item calls use and passes over what it did not read.
func (j *jsonFile) item(use func() error) error {
	j.in.left = MaxRecord
	depth := j.dec.StackDepth()
	_, before := j.dec.StackIndex(depth)
	if err := use(); err != nil {
		return err
	}
	if _, after := j.dec.StackIndex(depth); after == before {
		return j.skip()
	}
	return nil
}

// end reports whether nothing follows the value that was read.
func (j *jsonFile) end() error {
	j.in.left = MaxRecord
	switch _, err := j.dec.ReadToken(); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return j.failed(err)
	}
	return fmt.Errorf("read export: byte %d: trailing JSON", j.dec.InputOffset())
}

func (j *jsonFile) skip() error { return j.failed(j.dec.SkipValue()) }

// raw reads the value that comes next, of at most MaxRecord bytes. It is valid
// until the next call.
func (j *jsonFile) raw() (jsontext.Value, error) {
	j.in.left = MaxRecord
	v, err := j.dec.ReadValue()
	if err != nil {
		return nil, j.failed(err)
	}
	if !v.IsValid(jsontext.AllowDuplicateNames(true)) {
		j.run.report.mend(BrokenText)
	}
	return v, nil
}

// read reads the value that comes next into v, by the rules of package json. It
// reports false when the value is not of v's form: whoever reads it counts that.
func (j *jsonFile) read(v any) (bool, error) {
	raw, err := j.raw()
	if err != nil {
		return false, err
	}
	return unmarshal(raw, v), nil
}

func unmarshal(raw jsontext.Value, v any) bool { return json.Unmarshal(raw, v, lenient()...) == nil }

// failed makes an error of one of the decoder, whose own texts quote the export.
func (j *jsonFile) failed(err error) error {
	if err == nil {
		return nil
	}
	for _, known := range []error{errRecordTooLong, errExportTooLong} {
		if errors.Is(err, known) {
			return fmt.Errorf("read export: byte %d: %w", j.dec.InputOffset(), known)
		}
	}
	s, ok := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case ok && errors.Is(s.Err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("read export: byte %d: truncated JSON", j.dec.InputOffset())
	case ok:
		return fmt.Errorf("read export: byte %d: malformed JSON", s.ByteOffset)
	}
	return fmt.Errorf("read export: %w", err)
}

// A flexible is a text that exports write as a text, a number, a boolean or not
// at all.
type flexible string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (f *flexible) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	switch dec.PeekKind() {
	case '"':
		t, err := dec.ReadToken()
		if err != nil {
			return err
		}
		*f = flexible(t.String())
		return nil
	case '0', 't', 'f':
		v, err := dec.ReadValue()
		*f = flexible(v)
		return err
	}
	*f = ""
	return dec.SkipValue()
}

// int64 is the number that f holds.
func (f flexible) int64() (int64, bool) {
	n, err := strconv.ParseInt(string(f), 10, 64)
	return n, err == nil
}

// unknown counts the members of a record that its converter has no use for. A
// record type has them in a field with the option "embed". nothing names those
// that say nothing new: what other members say already, or state of the app.
func (r *run) unknown(rest jsontext.Value, nothing ...string) {
	if f, ok := fieldsOf(rest); ok {
		f.drop(nothing...)
		r.rest(f)
	}
}

// isBlank reports a value that says nothing: empty, 0, false or null.
func isBlank(v jsontext.Value) bool {
	switch v.Kind() {
	case 'n', 'f':
		return true
	}
	s := string(v)
	return s == "" || s == `""` || s == "[]" || s == "{}" || s == "0"
}
