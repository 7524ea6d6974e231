package codec

import (
	"bytes"
	"encoding/base64"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// largeBody is content whose base64url text is longer than MaxInlineBody.
func largeBody(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * 7 >> (i % 5))
	}
	return b
}

func TestScannerSections(t *testing.T) {
	for _, n := range []int{MaxInlineBody, MaxInlineBody*3/4 + 1, MaxInlineBody + 1, MaxInlineBody + 2, 3 << 20} {
		data := largeBody(n)
		v := &VCon{Version: Version, Attachments: []Attachment{
			{Filename: "a.bin", Encoding: EncodingBase64URL, Body: Body{BodyBytes, data}, DialogObjectRef: "mid:x"},
			{Filename: "small", Encoding: EncodingNone, Body: Body{BodyText, []byte("x")}},
		}}
		c, j := must(v.AppendCBOR(nil))(t), must(v.AppendJSON(nil))(t)
		for _, src := range [][]byte{c, j, must(IndentJSON(j))(t)} {
			for _, r := range []io.Reader{bytes.NewReader(src), iotest.HalfReader(bytes.NewReader(src))} {
				got, err := assemble(t, r, src)
				if err != nil {
					t.Fatal(n, err)
				}
				if !bytes.Equal(must(got.AppendCBOR(nil))(t), c) {
					t.Errorf("%d bytes: another vCon", n)
				}
			}
		}
	}
}

// TestSectionText reads large bodies that are not canonical base64url in JSON.
func TestSectionText(t *testing.T) {
	long := strings.Repeat("x", MaxInlineBody)
	std := base64.StdEncoding.EncodeToString(largeBody(MaxInlineBody + 1))
	var lines strings.Builder
	for i := 0; i < len(std); i += 76 {
		lines.WriteString(std[i:min(i+76, len(std))] + `\r\n`)
	}
	for _, tt := range []struct {
		name, encoding, text string // text is the inside of the JSON string
		want                 []byte
		canonical            bool
	}{
		{"plain", "none", long + "yé😀", []byte(long + "yé😀"), false},
		{"escapes", "none", long + `\u0041\n\"\\\/\b\f\r\t\u00e9\ud83d\ude00` + long, []byte(long + "A\n\"\\/\b\f\r\té😀" + long), false},
		{"padded, with line breaks", "base64url", lines.String(), largeBody(MaxInlineBody + 1), false},
		{"stray bits", "base64url", long + "_B", append(must(base64.RawURLEncoding.DecodeString(long))(t), 0xfc), false},
		{"canonical", "base64url", long + "_A", append(must(base64.RawURLEncoding.DecodeString(long))(t), 0xfc), true},
		{"not base64", "base64url", long + "%", nil, false},
		{"padding inside", "base64url", long + "==AA", nil, false},
		{"lone surrogate", "none", long + `\ud83d` + long, nil, false},
		{"lone low surrogate", "none", `\ude00` + long, nil, false},
		{"bad escape", "none", long + `\q`, nil, false},
		{"cut escape", "none", long + `\u00`, nil, false},
		{"bad hex", "none", long + `\u00zz`, nil, false},
		{"bad UTF-8", "none", long + "\xff" + long, nil, false},
		{"cut UTF-8", "none", long + "\xe2\x82", nil, false},
		{"control character", "none", long + "\x01", nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			src := []byte(`{"attachments":[{"encoding":"` + tt.encoding + `","body":"` + tt.text + `","filename":"f"}]}`)
			s := NewScanner(bytes.NewReader(src))
			e, err := s.Next()
			if err != nil || e.Body == nil || e.Attachment.Filename != "f" || e.Attachment.Body.Kind != BodyAbsent {
				t.Fatalf("%+v %v", e, err)
			}
			if e.Body.Canonical != tt.canonical && tt.encoding == "base64url" {
				t.Errorf("canonical %v", e.Body.Canonical)
			}
			for _, r := range []io.Reader{e.Body.Open(bytes.NewReader(src)), iotest.OneByteReader(e.Body.Open(bytes.NewReader(src)))} {
				got, err := io.ReadAll(r)
				if tt.want == nil {
					if err == nil {
						t.Error("no error")
					}
					continue
				}
				if err != nil || !bytes.Equal(got, tt.want) {
					t.Errorf("%d bytes instead of %d, %v", len(got), len(tt.want), err)
				}
				if n := e.Body.Size(); n >= 0 && n != int64(len(tt.want)) {
					t.Errorf("says %d bytes instead of %d", n, len(tt.want))
				}
			}
		})
	}
}

// TestSectionCBORText reads large bodies that are texts in CBOR.
func TestSectionCBORText(t *testing.T) {
	long := strings.Repeat("ä", MaxInlineBody)
	for text, ok := range map[string]bool{
		long + "\\ \x00 \"": true, long + "\xff" + long: false, long + "\xc3": false, long + "\xed\xa0\x80": false,
	} {
		src := AppendText([]byte{0xa1}, "attachments")
		src = AppendText(append(src, 0x81, 0xa1), "body")
		src = AppendText(src, text)
		e := must(NewScanner(bytes.NewReader(src)).Next())(t)
		got, err := io.ReadAll(e.Body.Open(bytes.NewReader(src)))
		if (err == nil) != ok || ok && string(got) != text {
			t.Errorf("%d bytes instead of %d, %v", len(got), len(text), err)
		}
	}
}

// TestSectionSourceCut: a source that became shorter is an error, not the end.
func TestSectionSourceCut(t *testing.T) {
	v := &VCon{Attachments: []Attachment{{Encoding: EncodingBase64URL, Body: Body{BodyBytes, largeBody(100_000)}}}}
	for _, src := range [][]byte{must(v.AppendCBOR(nil))(t), must(v.AppendJSON(nil))(t)} {
		e, err := NewScanner(bytes.NewReader(src)).Next()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(e.Body.Open(bytes.NewReader(src[:90_000]))); err == nil {
			t.Error("no error")
		}
	}
}

// TestScannerMemory: a body of 64 MiB passes through a small window.
func TestScannerMemory(t *testing.T) {
	const size = 64 << 20
	body := func() io.Reader { return io.LimitReader(repeated('A'), size) }
	var head []byte
	head = AppendText(append(head, 0xa1), "attachments")
	head = AppendText(append(head, 0x81, 0xa2), "encoding")
	head = AppendText(AppendText(head, EncodingBase64URL), "body")
	head = AppendHead(append(head, 0xd5), majorBytes, size)
	for name, r := range map[string]io.Reader{
		"cbor": io.MultiReader(bytes.NewReader(head), body()),
		"json": io.MultiReader(strings.NewReader(`{"attachments":[{"encoding":"base64url","body":"`), body(), strings.NewReader(`"}]}`)),
	} {
		var e Event
		if got := allocated(func() {
			s := NewScanner(r)
			e = must(s.Next())(t)
			if _, err := s.Next(); err != io.EOF {
				t.Error(err)
			}
		}); got > 1<<20 {
			t.Errorf("%s: %d bytes allocated", name, got)
		}
		if e.Body == nil || e.Body.Length != size || !e.Body.Canonical {
			t.Errorf("%s: %+v", name, e.Body)
		}
	}
}

// repeated is an endless reader of one byte.
type repeated byte

func (r repeated) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(r)
	}
	return len(p), nil
}
