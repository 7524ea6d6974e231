package codec

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var formats = []Format{FormatCBOR, FormatJSON}

func copied(src []byte, o CopyOptions) ([]byte, error) {
	var out bytes.Buffer
	err := Copy(&out, bytes.NewReader(src), int64(len(src)), o)
	return out.Bytes(), err
}

// whole is what a Copy has to write.
func whole(src []byte, o CopyOptions) ([]byte, error) {
	options := Options{MaxBytes: 1 << 30, Mend: o.Mend}
	decode := options.DecodeCBOR
	if f, err := DetectFormat(src); err != nil {
		return nil, err
	} else if f == FormatJSON {
		decode = options.DecodeJSON
	}
	v, err := decode(src)
	if err != nil {
		return nil, err
	}
	if o.Upgrade {
		v = v.Upgraded()
	}
	if o.Format == FormatCBOR {
		return v.AppendCBOR(nil)
	}
	j, err := v.AppendJSON(nil)
	if err != nil {
		return nil, err
	}
	return IndentJSON(j)
}

type failer interface {
	Helper()
	Fatalf(string, ...any)
}

// checkCopy compares Copy with decoding src whole, to both formats, upgraded or not.
func checkCopy(t failer, name string, src []byte) {
	t.Helper()
	checkCopyTo(t, name, src, false)
	checkCopyTo(t, name, src, true)
}

func checkCopyTo(t failer, name string, src []byte, upgrade bool) {
	t.Helper()
	for _, f := range formats {
		o := CopyOptions{Format: f, Upgrade: upgrade}
		want, wantErr := whole(src, o)
		got, err := copied(src, o)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%s to %v, upgrade %v: error %v instead of %v", name, f, upgrade, err, wantErr)
		}
		if _, ok := errors.AsType[*Error](err); err != nil && !ok {
			t.Fatalf("%s to %v: error %T %v", name, f, err, err)
		}
		if err == nil && !bytes.Equal(got, want) {
			at := 0
			for at < min(len(got), len(want)) && got[at] == want[at] {
				at++
			}
			from := max(0, at-50)
			t.Fatalf("%s to %v, upgrade %v: other bytes at %d\n%.200q\n%.200q", name, f, upgrade, at, got[min(from, len(got)):], want[min(from, len(want)):])
		}
	}
}

// TestCopySamples: every sample and nasty file, in JSON and CBOR of any kind of
// lengths, becomes what it becomes when it is decoded whole.
func TestCopySamples(t *testing.T) {
	names := append(sampleFiles(t), "../testdata/vectors/codec/engineering-team.cbor",
		vconDir+"/nasty/bom.json", vconDir+"/nasty/valid/foreign-lengths.cbor", "../testdata/vectors/codec/every-parameter.cbor")
	for _, name := range append(names, glob(t, vconDir+"/forms/*.json")...) {
		src := readFile(t, name)
		checkCopy(t, name, src)
		if c, err := copied(src, CopyOptions{Format: FormatCBOR}); err != nil {
			t.Error(err)
		} else {
			checkCopy(t, name+" as CBOR", c)
			checkCopy(t, name+" in chunks", indefinite(t, c))
		}
		if j, err := copied(src, CopyOptions{Format: FormatJSON}); err != nil {
			t.Error(filepath.Base(name), err)
		} else {
			checkCopy(t, name+" as JSON", j)
		}
	}
}

// TestCopyModels: so does any model.
func TestCopyModels(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := new(VCon)
		fill(t, vconTable, v, 4)
		c, err := v.AppendCBOR(nil)
		if err != nil {
			t.Fatal(err)
		}
		checkCopy(t, "CBOR", c)
		j, err := v.AppendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		checkCopy(t, "JSON", j)
	})
}

// longTexts are around the limit of what is held, and of every kind that decides
// a form.
func longTexts() map[string]string {
	n := MaxInlineBody
	return map[string]string{
		"at the limit":          strings.Repeat("A", n),
		"canonical":             strings.Repeat("A", n+4),
		"canonical, 2 more":     strings.Repeat("A", n+6),
		"canonical, 3 more":     strings.Repeat("_", n+2) + "A",
		"stray bits":            strings.Repeat("A", n+1) + "B",
		"length of no base64":   strings.Repeat("A", n+5),
		"padded":                strings.Repeat("A", n+6) + "==",
		"blanks inside":         strings.Repeat("AAAA\n", n/4),
		"escapes":               strings.Repeat("\"\\\n\x00\u2028<", n/4),
		"characters":            strings.Repeat("ä€😀", n/8),
		"date":                  "2022-02-08T22:13:45." + strings.Repeat("0", n) + "Z",
		"nearly a date":         "2022-02-08T22:13:45." + strings.Repeat("0", n) + "X",
		"much longer":           strings.Repeat("0123456789abcdef", 3*scanBuffer/16) + "zz",
		"placeholder's own odd": "!" + strings.Repeat("A", n+3),
	}
}

// TestCopyLong puts long texts and byte strings in every kind of place.
func TestCopyLong(t *testing.T) {
	places := []string{
		`{"subject":%s,"uuid":"a"}`,
		`{"created_at":%s}`,
		`{"x":%s,"y":[%[1]s,{"z":%[1]s}]}`,
		`{"analysis":[{"type":"transcript","body":%s},{"body":{"deep":[%[1]s,"b"]}}]}`,
		`{"payload":%s,"signatures":[{"header":{"x5c":["a"]},"signature":%[1]s}]}`,
		`{"dialog":[{"type":"recording","encoding":"base64url","body":%s},{"body":%[1]s,"salt":%[1]s,"start":%[1]s}]}`,
		`{"dialog":[{"body":%s,"encoding":"none","meta":{"a":%[1]s}},1]}`,
		`{"dialog":[{"multi_part":{"parts":[{"body":%s,"encoding":"base64url"},{"body":%[1]s,"encoding":"json"}]}}],"parties":[{"name":%[1]s}]}`,
		`{"attachments":[{"body":%s,"encoding":"base64url"},{"encoding":"none","body":%[1]s},{"body":%[1]s}]}`,
		`{"room":{"id":"r","description":[{"content":%s}]},"extensions":[%[1]s]}`,
		`{"room":{"id":"r","name":%s},"vcon":"0.0.1"}`,
		`{"must_support":["a",%s],"appended":{"uuid":%[1]s},"parties":[{"imUri":%[1]s}],"dialog":[{"messageId":%[1]s,"inReplyTo":{"messageId":%[1]s}}],"analysis":[{"mimetype":"text/plain","body":%[1]s}]}`,
	}
	n := 0
	for name, text := range longTexts() {
		quoted := must(appendQuoted(nil, text))(t)
		for i, place := range places {
			if n++; n%2 == 0 {
				continue // the order of maps changes, so that each comes in time
			}
			what := fmt.Sprintf("%s at %d", name, i)
			src := fmt.Appendf(nil, place, quoted)
			old := i >= len(places)-2
			checkCopyTo(t, what, src, old)
			c := must(whole(src, CopyOptions{Format: FormatCBOR}))(t)
			switch n / 2 % 4 {
			case 0:
				checkCopyTo(t, what+", CBOR", c, old)
			case 1:
				checkCopyTo(t, what+", chunks", indefinite(t, c), old)
			case 2:
				checkCopyTo(t, what+", indented", must(IndentJSON(src))(t), old)
			case 3:
				checkCopyTo(t, what+", escaped", fmt.Appendf(nil, place, escapeAll(text)), old)
			}
		}
	}
}

// escapeAll is a JSON string whose every ASCII character is an escape.
func escapeAll(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		if r < 0x80 {
			fmt.Fprintf(&b, `\u%04X`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String() + `"`
}
