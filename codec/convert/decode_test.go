package convert

import (
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"mime/quotedprintable"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

// flatXML lists the tags that a scanner finds.
func flatXML(in io.Reader) ([]string, *xmlScanner, error) {
	s := newXMLScanner(in, passData)
	var out []string
	for {
		t, err := s.next()
		if errors.Is(err, io.EOF) {
			return out, s, nil
		}
		if err != nil {
			return out, s, err
		}
		switch {
		case t.end:
			out = append(out, "/"+t.name)
			continue
		default:
			line := t.name
			for _, a := range t.attrs {
				if !passData(t.name, a.name) {
					line += "|" + a.name + "=" + a.value
				}
			}
			out = append(out, line)
		}
		if t.empty {
			out = append(out, "/"+t.name)
		}
	}
}

// FuzzXMLScanner holds the scanner against encoding/xml: what that one accepts, is
// read alike.
func FuzzXMLScanner(f *testing.F) {
	for _, s := range []string{
		`<?xml version="1.0"?><!-- <a> --><smses count="1"><sms body="a &amp; &#10; b" x='"'/></smses>`,
		`<!DOCTYPE a [<!ELEMENT a ANY>]><a><![CDATA[<b>]]>text<c d="&#x1F600;"></c></a>`,
		`<a b="1" ><part data="QUJD"/></a >`, "<a b='\r\n'/>", `<a b = "1"/>`, `<a b="]]>"/>`, `<a/><!-->-->`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, s, err := flatXML(strings.NewReader(text))
		again, _, err2 := flatXML(iotest.OneByteReader(strings.NewReader(text)))
		if (err == nil) != (err2 == nil) || strings.Join(got, "\n") != strings.Join(again, "\n") {
			t.Fatalf("%q, %v; a byte at a time %q, %v", got, err, again, err2)
		}
		if s.offset > int64(len(text)) {
			t.Fatalf("offset %d of %d", s.offset, len(text))
		}
		for _, line := range got {
			if !utf8.ValidString(line) && utf8.ValidString(text) {
				t.Fatalf("%q is not UTF-8", line)
			}
		}
		var want []string
		d := xml.NewDecoder(strings.NewReader(text))
		d.CharsetReader = func(string, io.Reader) (io.Reader, error) { return nil, errors.New("charset") }
		for {
			token, err := d.RawToken()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return // not XML
			}
			switch token := token.(type) {
			case xml.Directive:
				return // encoding/xml looks into quotation marks of document types
			case xml.StartElement:
				line := xmlNameOf(token.Name)
				for _, a := range token.Attr {
					if !passData(xmlNameOf(token.Name), xmlNameOf(a.Name)) {
						line += "|" + xmlNameOf(a.Name) + "=" + a.Value
					}
				}
				want = append(want, line)
			case xml.EndElement:
				want = append(want, "/"+xmlNameOf(token.Name))
			}
		}
		if len(want) > 0 && maxOf(want) > maxXMLName {
			return
		}
		if err != nil || strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Fatalf("%q, %v; want %q", got, err, want)
		}
	})
}

func xmlNameOf(n xml.Name) string {
	if n.Space != "" {
		return n.Space + ":" + n.Local
	}
	return n.Local
}

func maxOf(lines []string) (n int) {
	for _, l := range lines {
		n = max(n, len(l))
	}
	return n
}

// FuzzBase64 holds the decoder against encoding/base64, and against its own count.
func FuzzBase64(f *testing.F) {
	f.Add("QUJD", 1)
	f.Add("QUI=\r\nQQ==", 2)
	f.Add("Q*", 3)
	f.Fuzz(func(t *testing.T, text string, size int) {
		got, err := io.ReadAll(newBase64Reader(strings.NewReader(text)))
		if err != nil {
			t.Fatal(err)
		}
		again, err := io.ReadAll(iotest.OneByteReader(newBase64Reader(iotest.HalfReader(strings.NewReader(text)))))
		if err != nil || string(again) != string(got) {
			t.Fatalf("%q, a byte at a time %q, %v", got, again, err)
		}
		if want, err := base64.StdEncoding.DecodeString(text); err == nil && string(want) != string(got) {
			t.Fatalf("%q, want %q", got, want)
		}
		if strings.ContainsAny(text, `"&`) {
			return
		}
		s := newXMLScanner(strings.NewReader(`<part data="`+text+`"/>`), passData)
		tag, err := s.next()
		if err != nil {
			t.Fatal(err)
		}
		if n := tag.attrs[0].passed.decoded; n != int64(len(got)) {
			t.Fatalf("counted as %d bytes, there are %d", n, len(got))
		}
	})
}

// FuzzQuoted holds the decoder of quoted-printable against mime/quotedprintable, for
// what that one encodes, and against itself.
func FuzzQuoted(f *testing.F) {
	f.Add("a=b\r\nc \xff=")
	f.Add("=  \r\nx=3D=\n")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := io.ReadAll(newQuotedReader(strings.NewReader(text)))
		if err != nil {
			t.Fatal(err)
		}
		again, err := io.ReadAll(iotest.OneByteReader(newQuotedReader(iotest.OneByteReader(strings.NewReader(text)))))
		if err != nil || string(again) != string(got) {
			t.Fatalf("%q, a byte at a time %q, %v", got, again, err)
		}
		var b strings.Builder
		w := quotedprintable.NewWriter(&b)
		w.Binary = true
		if _, err := io.WriteString(w, text); err != nil || w.Close() != nil {
			t.Fatal(err)
		}
		if back, err := io.ReadAll(newQuotedReader(strings.NewReader(b.String()))); err != nil || string(back) != text {
			t.Fatalf("%q came back as %q, %v", text, back, err)
		}
	})
}
