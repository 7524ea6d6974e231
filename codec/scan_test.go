package codec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// assemble scans r and puts the events together again. Bodies given as sections
// are read from source.
func assemble(t testing.TB, r io.Reader, source []byte) (*VCon, error) {
	t.Helper()
	return assembleFrom(t, NewScanner(r), source)
}

func assembleFrom(t testing.TB, s *Scanner, source []byte) (*VCon, error) {
	t.Helper()
	v := new(VCon)
	others := map[string]bool{}
	for {
		e, err := s.Next()
		if err == io.EOF {
			if _, again := s.Next(); again != io.EOF {
				t.Errorf("after the end: %v", again)
			}
			if len(others) > 0 {
				return v, errOthers
			}
			return v, nil
		}
		if err != nil {
			if _, again := s.Next(); again != err {
				t.Errorf("error does not stick: %v, then %v", err, again)
			}
			return nil, err
		}
		if e.Offset < 0 || e.Length <= 0 || e.Offset+e.Length > int64(len(source)) {
			t.Fatalf("event of kind %d at %d+%d of %d", e.Kind, e.Offset, e.Length, len(source))
		}
		switch e.Kind {
		case EventField:
			err = v.Set(e.Name, e.Value)
		case EventRoom:
			v.Room = e.Room
		case EventParty:
			v.Parties = append(v.Parties, *e.Party)
		case EventDialog:
			v.Dialog = append(v.Dialog, *e.Dialog)
			if s.mend == nil {
				checkPlace(t, s.Format(), source[e.Offset:e.Offset+e.Length], e.Dialog)
			}
		case EventAttachment:
			a := *e.Attachment
			if e.Body != nil {
				data, err := io.ReadAll(e.Body.Open(bytes.NewReader(source)))
				if err != nil {
					t.Fatal(err)
				}
				if n := e.Body.Size(); n >= 0 && n != int64(len(data)) {
					t.Errorf("section of %d bytes says %d", len(data), n)
				}
				a.Body = Body{Kind: BodyText, Data: data}
				if a.Encoding == EncodingBase64URL {
					a.Body.Kind = BodyBytes
				}
			}
			v.Attachments = append(v.Attachments, a)
		case EventOther:
			others[e.Name] = true
		default:
			t.Fatalf("event of kind %d", e.Kind)
		}
		if err != nil {
			return nil, err
		}
	}
}

// errOthers says that v lacks elements which are not objects.
var errOthers = errors.New("elements that are not objects")

// checkPlace reads a dialog again from its place in the source.
func checkPlace(t testing.TB, f Format, part []byte, d *Dialog) {
	t.Helper()
	want := must(AppendDialogCBOR(nil, d))(t)
	if f == FormatJSON {
		part = must(RawOfJSON(part))(t)
	}
	again, err := DecodeDialogCBOR(part)
	if err != nil {
		t.Fatal(err)
	}
	if got := must(AppendDialogCBOR(nil, again))(t); !bytes.Equal(got, want) {
		t.Errorf("at the event's place is another dialog")
	}
}

func TestScannerAgreesWithDecode(t *testing.T) {
	for _, name := range append(sampleFiles(t), "../testdata/vectors/codec/engineering-team.cbor") {
		in := readFile(t, name)
		var v *VCon
		var err error
		if strings.HasSuffix(name, ".cbor") {
			v, err = DecodeCBOR(in)
		} else {
			v, err = DecodeJSON(in)
		}
		want := must(must(v, err)(t).AppendCBOR(nil))(t)
		sources := [][]byte{in, want}
		if c := indefinite(t, want); c != nil {
			sources = append(sources, c)
		}
		for i, src := range sources {
			for how, r := range map[string]io.Reader{
				"whole": bytes.NewReader(src), "by bytes": iotest.OneByteReader(bytes.NewReader(src)),
				"data with EOF": iotest.DataErrReader(bytes.NewReader(src)),
			} {
				got, err := assemble(t, r, src)
				if err == errOthers {
					continue // DecodeJSON keeps the array whole
				}
				if err != nil {
					t.Errorf("%s %d %s: %v", name, i, how, err)
					continue
				}
				if !bytes.Equal(must(got.AppendCBOR(nil))(t), want) {
					t.Errorf("%s %d %s: another vCon", name, i, how)
				}
			}
		}
	}
}

// indefinite is c, a vCon, with every array, map and string in indefinite length.
func indefinite(t testing.TB, c []byte) []byte {
	t.Helper()
	r := &reader{b: c}
	var walk func(dst []byte) []byte
	walk = func(dst []byte) []byte {
		at := r.off
		h := must(r.head())(t)
		switch h.major {
		case majorBytes, majorText:
			s := must(r.stringBody(h))(t)
			if h.major == majorText && len(s) != len(bytes.ToValidUTF8(s[:len(s)/2], nil))+len(s)-len(s)/2 {
				return append(dst, c[at:r.off]...)
			}
			dst = append(dst, h.major<<5|31)
			for _, part := range [][]byte{s[:len(s)/2], s[len(s)/2:]} {
				dst = append(AppendHead(dst, h.major, uint64(len(part))), part...)
			}
			return append(dst, breakCode)
		case majorArray, majorMap:
			dst = append(dst, h.major<<5|31)
			for range h.arg * uint64(h.major-majorArray+1) {
				dst = walk(dst)
			}
			return append(dst, breakCode)
		case majorTag:
			return walk(append(dst, c[at:r.off]...))
		}
		return append(dst, c[at:r.off]...)
	}
	return walk(nil)
}

func TestScannerOthers(t *testing.T) {
	src := []byte(`{"parties":[{"name":"A"},null,"x"],"dialog":[],"attachments":["` + strings.Repeat("a", MaxInlineBody+1) + `"],"room":7,"analysis":[{"type":"x"}]}`)
	cborSrc := must(RawOfJSON(src))(t)
	for i, src := range [][]byte{src, cborSrc} {
		s := NewScanner(bytes.NewReader(src))
		var got []string
		for {
			e, err := s.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprintf("%d %s %d", e.Kind, e.Name, e.Index))
		}
		want := map[string]bool{}
		for _, w := range []string{"3 parties 0", "6 parties 1", "6 parties 2", "1 dialog -1", "6 attachments 0", "1 room -1", "1 analysis -1"} {
			want[w] = true
		}
		for _, g := range got {
			if !want[g] {
				t.Errorf("%d: event %s", i, g)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%d: %v", i, got)
		}
	}
}

// TestScannerTooLarge: one element too large is passed over, at the limit it is not.
func TestScannerTooLarge(t *testing.T) {
	for _, extra := range []int{0, 1} {
		frame := len(`{"body":""}`)
		body := strings.Repeat("b", MaxElement-frame+extra)
		j := []byte(`{"dialog":[{"body":"` + body + `"},{"type":"text"}],"zz":"` + strings.Repeat("z", MaxElement+extra) + `","a":1}`)
		bodyC := make([]byte, 0, 2*MaxElement+100)
		bodyC = AppendMap(bodyC, 2)
		bodyC = AppendText(bodyC, "dialog")
		bodyC = AppendArray(bodyC, 2)
		bodyC = AppendText(AppendMap(bodyC, 1), "body")
		bodyC = AppendText(bodyC, strings.Repeat("b", MaxElement-1-5-5+extra))
		bodyC = append(AppendMap(bodyC, 0), AppendText(nil, "zz")...)
		bodyC = AppendText(bodyC, strings.Repeat("z", MaxElement-5+extra))
		for name, src := range map[string][]byte{"json": j, "cbor": bodyC} {
			s := NewScanner(bytes.NewReader(src))
			e, err := s.Next()
			if err != nil || (e.Kind == EventTooLarge) != (extra == 1) || e.Name != "dialog" || e.Index != 0 {
				t.Fatalf("%s: %d %s %v", name, e.Kind, e.Name, err)
			}
			if e, err = s.Next(); err != nil || e.Kind != EventDialog {
				t.Fatalf("%s: second dialog: %d %v", name, e.Kind, err)
			}
			e, err = s.Next()
			if tooLarge := extra == 1 || name == "json"; err != nil || (e.Kind == EventTooLarge) != tooLarge {
				t.Fatalf("%s: zz: %d %v", name, e.Kind, err)
			}
		}
	}
}

func TestScannerErrors(t *testing.T) {
	for _, tt := range []struct{ name, in, pointer, reason string }{
		{"empty", ``, "", "neither a CBOR nor a JSON vCon"},
		{"array", `[]`, "", "neither a CBOR nor a JSON vCon"},
		{"cut", `{"vcon":"0.4.0"`, "", "truncated input"},
		{"cut in text", `{"vcon":"0.4`, "/vcon", "truncated input"},
		{"trailing", `{"vcon":"0.4.0"} x`, "", "trailing bytes"},
		{"no comma", `{"vcon":"0.4.0" "a":1}`, "", "malformed JSON"},
		{"comma at end", `{"vcon":"0.4.0",}`, "", "malformed JSON"},
		{"no colon", `{"vcon" 1}`, "", "malformed JSON"},
		{"name is a number", `{1:1}`, "", "malformed JSON"},
		{"no value", `{"vcon":}`, "/vcon", ""},
		{"bad element", `{"dialog":[{},{"a":tru}]}`, "/dialog/1/*", ""},
		{"bracket", `{"dialog":[{"a":[1}]}]}`, "/dialog/0/*", ""},
		{"no comma between elements", `{"dialog":[{} {}]}`, "/dialog/1", "malformed JSON"},
		{"comma at end of array", `{"dialog":[{},]}`, "/dialog/1", "malformed JSON"},
		{"duplicate", `{"vcon":"x","vcon":"x"}`, "/vcon", "duplicate name"},
		{"escaped duplicate", `{"vcon":"x","vco\u006e":"x"}`, "/vcon", "duplicate name"},
		{"duplicate inside", `{"dialog":[{"type":"x","type":"x"}]}`, "/dialog/0/type", "duplicate name"},
		{"two bodies", `{"attachments":[{"body":"` + strings.Repeat("a", MaxInlineBody+1) + `","body":"x"}]}`, "/attachments/0/body", "duplicate name"},
		{"lone surrogate", `{"dialog":[{"body":"\ud800"}]}`, "/dialog/0/body", "lone surrogate in text"},
		{"bad UTF-8", "{\"dialog\":[{\"body\":\"\xff\"}]}", "/dialog/0/body", "invalid UTF-8"},
		{"deep", `{"a":` + strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth) + `}`, "/*" + strings.Repeat("/0", MaxDepth-1), "nested too deep"},
		{"long name", `{"` + strings.Repeat("n", 6*MaxName+3) + `":1}`, "", "name too long"},
		{"long number", `{"n":` + strings.Repeat("1", MaxNumber+1) + `}`, "/*", "number too long"},
		{"bad name", `{"\ud800":1}`, "", "lone surrogate in text"},

		{"cbor cut", "\xa1\x64vcon\x65", "/vcon", "truncated input"},
		{"cbor cut head", "\xa1\x64vcon\x79\x00", "/vcon", "truncated input"},
		{"cbor trailing", "\xa0\x00", "", "trailing bytes"},
		{"cbor duplicate", "\xa2\x61a\x00\x61a\x00", "/*", "duplicate name"},
		{"cbor duplicate key", "\xa2\x01\x00\x01\x00", "/*", "duplicate name"},
		{"cbor duplicate inside", "\xa1\x66dialog\x81\xa2\x61a\x00\x61a\x00", "/dialog/0/*", "duplicate name"},
		{"cbor bad head", "\xa1\x66dialog\x81\x1c", "/dialog/0", "malformed head"},
		{"cbor break", "\xa1\x66dialog\xff", "/dialog", "break outside of an indefinite-length item"},
		{"cbor chunk", "\xa1\x61a\x7f\x41a\xff", "/*", "malformed chunk of an indefinite-length string"},
		{"cbor bad UTF-8", "\xa1\x61a\x61\xff", "/*", "invalid UTF-8"},
		{"cbor deep", "\xa1\x61a" + strings.Repeat("\x81", maxNesting) + "\x00", "/*", "nested too deep"},
		{"cbor long name", "\xa1\x79\x04\x01" + strings.Repeat("n", MaxName+1) + "\x00", "", "name too long"},
		{"cbor long text", "\xa1\x61a\x7b\x7f\xff\xff\xff\xff\xff\xff\xff", "/*", "truncated input"},
		{"cbor many", "\xa1\x67parties\x9b\x00\x00\x00\x00\x01\x00\x00\x00\xa0", "/parties/1", "truncated input"},
		{"cbor two bodies", "\xa1\x6battachments\x81\xa2\x64body\x7a\x00\x01\x00\x01" + strings.Repeat("a", MaxInlineBody+1) + "\x64body\x60", "/attachments/0", "duplicate name"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := drain(NewScanner(strings.NewReader(tt.in)))
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("error %v", err)
			}
			if e.Pointer != tt.pointer || tt.reason != "" && e.Reason != tt.reason || e.Offset < 0 || e.Offset > int64(len(tt.in)) {
				t.Errorf("%q at %q, byte %d", e.Reason, e.Pointer, e.Offset)
			}
		})
	}
}

func drain(s *Scanner) (n int, err error) {
	for {
		if _, err := s.Next(); err == io.EOF {
			return n, nil
		} else if err != nil {
			return n, err
		}
		n++
	}
}

func TestScannerReaderError(t *testing.T) {
	broken := errors.New("disk on fire")
	for _, src := range []string{"", `{"dialog":[{"a":1}`, "\xa1\x66dialog"} {
		r := io.MultiReader(strings.NewReader(src), iotest.ErrReader(broken))
		if _, err := drain(NewScanner(r)); !errors.Is(err, broken) {
			t.Errorf("%q: %v", src, err)
		}
	}
}

func TestScannerManyFields(t *testing.T) {
	for _, n := range []int{MaxFields, MaxFields + 1} {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"f%d":%d`, i, i)
		}
		got, err := drain(NewScanner(strings.NewReader("{" + b.String()[1:] + "}")))
		if (err == nil) != (n == MaxFields) {
			t.Errorf("%d fields: %d, %v", n, got, err)
		}
	}
}
