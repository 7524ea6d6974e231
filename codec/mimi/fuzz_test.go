package mimi_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// FuzzParseContent: what parses has one deterministic form, which parses to
// itself; a dialog made of it turns back into the very bytes, with a verified id;
// only our own error comes out.
func FuzzParseContent(f *testing.F) {
	for _, v := range vectors(f, "08") {
		c, err := mimi.ParseContent(v.bytes)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(c.Append(nil))
	}
	f.Add(unhex(f, "9f"+plain()[2:]+"ff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := mimi.ParseContent(b)
		if err != nil {
			var pe *mimi.ParseError
			if !errors.As(err, &pe) {
				t.Fatalf("error %T: %v", err, err)
			}
			return
		}
		form := c.Append(nil)
		if c.Deterministic() != bytes.Equal(form, b) {
			t.Fatalf("deterministic: %v, re-encoded\n%x, read\n%x", c.Deterministic(), form, b)
		}
		again, err := mimi.ParseContent(form)
		if err != nil || !again.Deterministic() {
			t.Fatalf("the deterministic form: %v", err)
		}
		d, err := c.Dialog(mimi.Envelope{SenderURI: "im:a", RoomURI: room, Start: "2022-02-08T22:13:45.019Z"})
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range []string{"memory", "CBOR", "JSON"} {
			d := through(t, form, d)
			back, err := mimi.ContentOf(d)
			if err != nil {
				t.Fatalf("%s: %v", form, err)
			}
			if !bytes.Equal(back.Bytes(), b) {
				t.Fatalf("%s: came back as\n%x, was\n%x", form, back.Bytes(), b)
			}
			if level, missing := mimi.Verify(d, "im:a", room); level != mimi.Verified08 {
				t.Fatalf("%s: %v %v", form, level, missing)
			}
		}
		mimi.PlainText(d)
		mimi.Mentions(d)
	})
}

// FuzzPlainText: any text is rendered, and mentions are what the text has.
func FuzzPlainText(f *testing.F) {
	f.Add("text/markdown", "Kudos to [@Alice Smith](mimi://example.com/u/alice-smith) `x`")
	f.Add("text/html", `<p>Kudos to <a href="mimi://example.com/u/alice-smith">@Alice</a>&amp;</p>`)
	f.Fuzz(func(t *testing.T, kind, s string) {
		d := textDialog(kind, s)
		text := mimi.PlainTextWith(d, func(string) string { return "N" })
		if len(text) > 4*len(s)+len(kind)+64 {
			t.Errorf("%d bytes became %d", len(s), len(text))
		}
		mimi.Mentions(d)
	})
}

func BenchmarkDialog(b *testing.B) {
	for _, v := range vectors(b, "08") {
		if v.name != "reply" {
			continue
		}
		c, err := mimi.ParseContent(v.bytes)
		if err != nil {
			b.Fatal(err)
		}
		env := mimi.Envelope{SenderURI: v.sender, RoomURI: room, Start: "2022-02-08T22:13:45.019Z"}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.Dialog(env); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	d := draftDialog(b, "reply")
	b.ReportAllocs()
	for b.Loop() {
		if level, _ := mimi.Verify(d, bob, room); level != mimi.Verified08 {
			b.Fatal(level)
		}
	}
}
