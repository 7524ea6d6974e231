//go:build !race

// Nothing here runs at the same time as something else, and the race detector makes
// these sizes take minutes.

package codec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestCopyLimits has both sides of each limit of a Copy.
func TestCopyLimits(t *testing.T) {
	// An element of n bytes of texts that are held.
	element := func(n int) string {
		const text = `"` + "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abc" + `",` // 64
		head, end := `{"x":[`, `1]}`
		n -= len(head) + len(end)
		return head + strings.Repeat(text, n/len(text)) + strings.Repeat(" ", n%len(text)) + end
	}
	long := func(n int) string { return `"` + strings.Repeat("A", n) + `"` }
	fields := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"f%d":1,`, i)
		}
		return strings.TrimSuffix(b.String(), ",")
	}
	for _, tt := range []struct{ name, src, want string }{
		{"element", `{"dialog":[{},` + element(MaxElement) + `]}`, ""},
		{"element beyond", `{"dialog":[{},` + element(MaxElement+1) + `]}`, "/dialog/1: byte 14: value too long"},
		{"parameter", `{"x":` + element(MaxElement) + `}`, ""},
		{"parameter beyond", `{"x":` + element(MaxElement+1) + `}`, "/*: byte 5: value too long"},
		{"element of a parameter beyond", `{"analysis":[1,` + element(MaxElement+1) + `]}`, "/analysis/1: byte 15: value too long"},
		{"array of large elements", `{"analysis":[` + strings.Repeat(element(MaxElement/2)+",", 4) + `1]}`, ""},
		{"parameters of the model", `{"subject":` + element(MaxElement-1000) + `,"uuid":` + element(1000) + `}`, ""},
		{"parameters of the model beyond", `{"subject":` + element(MaxElement) + `,"uuid":` + element(MaxElement) + `}`, "/uuid: byte 8388627: parameters too long"},
		{"name", `{"dialog":[{"` + strings.Repeat("n", MaxName) + `":1}]}`, ""},
		{"name beyond", `{"dialog":[{"` + strings.Repeat("n", MaxName+1) + `":1}]}`, "/dialog/0: byte 11: name too long"},
		{"long name", `{"dialog":[{` + long(MaxInlineBody+1) + `:1}]}`, "/dialog/0: byte 11: name too long"},
		{"top name", `{"` + strings.Repeat("n", MaxName) + `":1}`, ""},
		{"top name beyond", `{"` + strings.Repeat("n", MaxName+1) + `":1}`, "/: byte 1029: name too long"},
		{"parameters", `{` + fields(MaxFields) + `}`, ""},
		{"parameters beyond", `{` + fields(MaxFields+1) + `}`, "/: byte 39851: too many parameters"},
		{"depth", `{"x":` + strings.Repeat("[", MaxDepth-1) + strings.Repeat("]", MaxDepth-1) + `}`, ""},
		{"depth beyond", `{"x":` + strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth) + `}`, "nested too deep"},
		{"depth that no recursion survives", `{"x":` + strings.Repeat("[", 1<<20) + strings.Repeat("]", 1<<20) + `}`, "nested too deep"},
		{"number", `{"x":` + strings.Repeat("1", MaxNumber) + `}`, ""},
		{"number beyond", `{"x":` + strings.Repeat("1", MaxNumber+1) + `}`, "number too long"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, f := range formats {
				_, err := copied([]byte(tt.src), CopyOptions{Format: f})
				if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.HasSuffix(err.Error(), tt.want)) {
					t.Errorf("to %v: %v instead of %q", f, err, tt.want)
				}
			}
		})
	}
}

// TestCopyLongTexts: long texts do not count for the limit of an element, and
// their number is bounded.
func TestCopyLongTexts(t *testing.T) {
	const n, many = MaxInlineBody + 1, MaxElement/MaxInlineBody + 2
	head := AppendArray(AppendText([]byte{0xa1}, "dialog"), 1)
	head = AppendArray(AppendText(AppendMap(head, 1), "x"), many)
	src := append(head, bytes.Repeat(append(AppendHead(nil, majorBytes, n), make([]byte, n)...), many)...)
	if got, err := copied(src, CopyOptions{Format: FormatCBOR}); err != nil || !bytes.Equal(got, src) {
		t.Error(err)
	}
	hs := newHoles()
	hs.list = make([]hole, MaxLongTexts-1)
	if _, err := hs.append(nil, hole{}); err != nil {
		t.Error(err)
	}
	if _, err := hs.append(nil, hole{}); err == nil || !strings.HasSuffix(err.Error(), "too many long texts in one value") {
		t.Error(err)
	}
}

// A repeatedAt is a head and then, many times, a part and a gap of zeros.
type repeatedAt struct {
	head, part []byte
	gap, many  int
}

func (r *repeatedAt) Len() int64 {
	return int64(len(r.head)) + int64(len(r.part)+r.gap)*int64(r.many)
}

func (r *repeatedAt) ReadAt(p []byte, off int64) (int, error) {
	for i := range p {
		at := off + int64(i)
		if at >= r.Len() {
			return i, io.EOF
		}
		if at < int64(len(r.head)) {
			p[i] = r.head[at]
			continue
		}
		p[i] = 0
		if in := (at - int64(len(r.head))) % int64(len(r.part)+r.gap); in < int64(len(r.part)) {
			p[i] = r.part[in]
		}
	}
	return len(p), nil
}

// TestCopySourceChanges: what changes between the passes is an error, or makes no
// difference: never another vCon without a word.
func TestCopySourceChanges(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	text := strings.Repeat("AAAA", MaxInlineBody/4+1)
	v := &VCon{Version: Version, Parties: []Party{{Name: "a"}, {Name: "b"}},
		Dialog:      []Dialog{{Type: "text", Body: Body{BodyText, []byte(text + "é")}, Encoding: EncodingNone}, {Salt: Binary(text)}},
		Attachments: []Attachment{{Filename: "f"}}, Extra: Fields{"analysis": AppendText(Raw{0x82, 0x01}, text)}}
	c, j := must(v.AppendCBOR(nil))(t), must(v.AppendJSON(nil))(t)
	refused, outcomes := 0, 0
	for _, src := range [][]byte{c, j} {
		for range 60 {
			for _, f := range formats {
				var out bytes.Buffer
				s := &changing{Reader: bytes.NewReader(src), after: random.IntN(12), flip: random.IntN(len(src)), random: random}
				err := Copy(&out, s, int64(len(src)), CopyOptions{Format: f})
				if outcomes++; err != nil {
					refused++
					_, ours := errors.AsType[*Error](err)
					if !ours && !errors.Is(err, ErrChanged) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
						t.Fatalf("%T %v", err, err)
					}
					continue
				}
				if _, err := copied(out.Bytes(), CopyOptions{Format: FormatCBOR}); err != nil {
					t.Fatalf("what comes out is no vCon: %v", err)
				}
			}
		}
	}
	if refused < outcomes/20 {
		t.Errorf("only %d of %d were refused", refused, outcomes)
	}
}

// A changing source has another byte, or is shorter, after some reads.
type changing struct {
	*bytes.Reader
	after, flip int
	random      *rand.Rand
}

func (c *changing) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.Reader.ReadAt(p, off)
	if c.after--; c.after < 0 {
		if at := int64(c.flip) - off; at >= 0 && at < int64(n) {
			if c.flip%7 == 0 {
				return int(at), io.EOF
			}
			p[at] ^= byte(1 << (c.flip % 8))
		}
	}
	return n, err
}

// TestCopyErrors: errors of both ends come as they are.
func TestCopyErrors(t *testing.T) {
	src := []byte(`{"dialog":[{"body":"` + strings.Repeat("A", 1<<20) + `"}]}`)
	broken := errors.New("broken")
	if err := Copy(brokenWriter{broken}, bytes.NewReader(src), int64(len(src)), CopyOptions{Format: FormatCBOR}); err != broken {
		t.Error(err)
	}
	if err := Copy(io.Discard, brokenReader{broken}, 100, CopyOptions{Format: FormatCBOR}); err != broken {
		t.Error(err)
	}
	if err := Copy(io.Discard, bytes.NewReader(src), int64(len(src))+1, CopyOptions{Format: FormatCBOR}); err != nil {
		t.Error(err) // a size that is too large harms nothing
	}
}

type brokenWriter struct{ err error }

func (b brokenWriter) Write([]byte) (int, error) { return 0, b.err }

type brokenReader struct{ err error }

func (b brokenReader) ReadAt([]byte, int64) (int, error) { return 0, b.err }

// TestCopyMemory: what a Copy allocates has nothing to do with the size of what is
// left out.
func TestCopyMemory(t *testing.T) {
	const size = 256 << 20
	head := append(AppendArray(AppendText([]byte{0xa1}, "dialog"), 1), 0xa1)
	head = append(AppendText(head, "body"), 0xd5)
	src := &repeatedAt{head: head, part: AppendHead(nil, majorBytes, size), gap: size, many: 1}
	for _, f := range formats {
		if got := allocated(func() {
			if err := Copy(io.Discard, zeros{src}, src.Len(), CopyOptions{Format: f}); err != nil {
				t.Error(err)
			}
		}); got > 1<<20 {
			t.Errorf("to %v: %d bytes allocated", f, got)
		}
	}
}

// zeros is r, faster where it has nothing but zeros.
type zeros struct{ r *repeatedAt }

func (z zeros) ReadAt(p []byte, off int64) (int, error) {
	if off > 1<<10 && off+int64(len(p)) <= z.r.Len() {
		clear(p)
		return len(p), nil
	}
	return z.r.ReadAt(p, off)
}

// TestCopySourceSwitches: another text of the same length in the source, from any
// read on, never ends in a vCon whose lengths are wrong.
func TestCopySourceSwitches(t *testing.T) {
	n := MaxInlineBody / 6
	text := func(piece string) []byte {
		return []byte(`{"dialog":[{"body":"` + strings.Repeat(piece, 2*n) + `","encoding":"base64url"}],"x":"` + strings.Repeat(piece, 2*n) + `"}`)
	}
	changed := 0
	for _, pair := range [][2]string{{`\u0041`, "AAAAAA"}, {"AAAAAA", `\u0041`}, {"äää", "aaaaaa"}, {"AAAAAA", "!!!!!!"}} {
		for after := range 14 {
			for _, f := range formats {
				s := &switching{from: bytes.NewReader(text(pair[0])), to: bytes.NewReader(text(pair[1])), after: after}
				var out bytes.Buffer
				if err := Copy(&out, s, s.from.Size(), CopyOptions{Format: f}); errors.Is(err, ErrChanged) {
					changed++
				} else if _, ours := errors.AsType[*Error](err); err != nil && !ours {
					t.Errorf("%q, %d: %v", pair, after, err)
				} else if err != nil {
					continue // half of a character
				} else if _, err := copied(out.Bytes(), CopyOptions{Format: f}); err != nil {
					t.Errorf("%q, %d: what comes out is no vCon: %v", pair, after, err)
				}
			}
		}
	}
	if changed < 10 {
		t.Errorf("only %d were found", changed)
	}
}

type switching struct {
	from, to *bytes.Reader
	after    int
}

func (s *switching) ReadAt(p []byte, off int64) (int, error) {
	if s.after--; s.after < 0 {
		return s.to.ReadAt(p, off)
	}
	return s.from.ReadAt(p, off)
}

// TestCopyLongNumber: a bignum is not a byte string, however long it is.
func TestCopyLongNumber(t *testing.T) {
	for _, tag := range []byte{tagPosBignum, tagNegBignum} {
		n := append(make([]byte, MaxInlineBody), 1, 2, 3) // zeros come first
		src := AppendBytes(append(AppendText([]byte{0xa1}, "x"), majorTag<<5|tag), n)
		checkCopy(t, "short in the end", src)
		n[0] = 1
		src = AppendBytes(append(AppendText([]byte{0xa1}, "x"), majorTag<<5|tag), n)
		checkCopy(t, "long", src)
	}
}
