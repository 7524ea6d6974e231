package convert

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

func TestContentOpen(t *testing.T) {
	ten := []byte("0123456789")
	stream := func(b []byte) func() (io.ReadCloser, error) { // without Seek
		return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewBuffer(bytes.Clone(b))), nil }
	}
	for _, tt := range []struct {
		name         string
		size, offset int64
		open         func() (io.ReadCloser, error)
		want         string
		err          error
	}{
		{"whole", 10, 0, stream(ten), "0123456789", nil},
		{"middle", 10, 4, stream(ten), "456789", nil},
		{"last byte", 10, 9, stream(ten), "9", nil},
		{"end", 10, 10, stream(ten), "", nil},
		{"empty", 0, 0, stream(nil), "", nil},
		{"shorter", 11, 0, stream(ten), "0123456789", ErrContentChanged},
		{"shorter, from the middle", 11, 4, stream(ten), "456789", ErrContentChanged},
		{"longer", 9, 0, stream(ten), "012345678", ErrContentChanged},
		{"longer, from the middle", 9, 4, stream(ten), "45678", ErrContentChanged},
		{"empty that has grown", 0, 0, stream(ten), "", ErrContentChanged},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &Content{size: tt.size, open: tt.open}
			r, err := c.Open(tt.offset)
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(r)
			if string(b) != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("%q, %v; want %q, %v", b, err, tt.want, tt.err)
			}
		})
	}
	c := &Content{size: 10, open: stream(ten[:3])}
	if _, err := c.Open(5); !errors.Is(err, ErrContentChanged) {
		t.Errorf("an offset behind the end of what is there: %v", err)
	}
	for _, offset := range []int64{-1, 11} {
		if _, err := c.Open(offset); err == nil {
			t.Errorf("offset %d was taken", offset)
		}
	}
}

func TestFileContent(t *testing.T) {
	r := &run{fsys: fstest.MapFS{"chat/media/a.jpg": {Data: []byte("abc")}, "secret": {Data: []byte("x")}}}
	for ref, want := range map[string]string{
		"media/a.jpg": "abc", `media\a.jpg`: "abc", "./media/../media/a.jpg": "abc",
		"../secret": "", "/secret": "", "media": "", "": "", "media/b.jpg": "", "..": "", "a\x00b": "",
	} {
		c, err := r.fileContent(beside("chat/result.json", ref))
		if err != nil {
			t.Errorf("%q: %v", ref, err)
		}
		if (c != nil) != (want != "") {
			t.Errorf("%q: content %v", ref, c)
		}
		if c != nil && c.Size() != int64(len(want)) {
			t.Errorf("%q: %d bytes", ref, c.Size())
		}
	}
}

func TestMediaTypes(t *testing.T) {
	for name, want := range map[string]string{
		"a.JPG": "image/jpeg", "a.b.pdf": "application/pdf", "a": "application/octet-stream", "a.": "application/octet-stream",
		"a.unknown": "application/octet-stream", "voice.opus": "audio/ogg",
	} {
		if got := mediaTypeOf(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	for s, want := range map[string]string{
		"image/png": "image/png", "text/plain; charset=UTF-8": "text/plain; charset=UTF-8", "image": "", "": "", "a b/c": "",
		"x/" + strings.Repeat("y", MaxName): "",
	} {
		if got := plainType(s); got != want {
			t.Errorf("%s: %s, want %s", s, got, want)
		}
	}
}

func TestBodyOf(t *testing.T) {
	f := file{name: "a.jpg"}
	if p := bodyOf(&message{}); p.Cardinality != mimi.Single || len(p.Content) != 0 {
		t.Errorf("nothing: %+v", p)
	}
	if p := bodyOf(&message{files: []file{f}}); p.Cardinality != mimi.External || p.Disposition != mimi.Inline {
		t.Errorf("one file: %+v", p)
	}
	p := bodyOf(&message{text: "x", files: []file{f, {name: "b.pdf"}}})
	if p.Cardinality != mimi.Multi || len(p.Parts) != 3 || p.Parts[2].Disposition != mimi.Attachment {
		t.Errorf("text and files: %+v", p)
	}
}
