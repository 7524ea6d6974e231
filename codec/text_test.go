package codec

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestDate(t *testing.T) {
	for _, tt := range []struct {
		in     Date
		want   string // RFC 3339 in UTC, "" when there is no instant
		strict bool
	}{
		{"2022-02-08T22:13:45Z", "2022-02-08T22:13:45Z", true},
		{"2022-02-08T22:13:45.019-00:00", "2022-02-08T22:13:45.019Z", true},
		{"2022-02-08T22:13:45+05:30", "2022-02-08T16:43:45Z", true},
		{"2022-02-08T22:13:45-08:00", "2022-02-09T06:13:45Z", true},
		{"2022-02-08T22:13:45.1234567891Z", "2022-02-08T22:13:45.123456789Z", true},
		{"2022-02-08t22:13:45z", "2022-02-08T22:13:45Z", false},
		{"2022-02-08T22:13:45z", "2022-02-08T22:13:45Z", false},
		{"2022-02-08 22:13:45Z", "2022-02-08T22:13:45Z", false},
		{"2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z", true},
		{"1990-12-31T15:59:60-08:00", "1991-01-01T00:00:00Z", true},
		{"2022-02-08T22:13:60Z", "2022-02-08T22:14:00Z", false},
		{"0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z", true},
		{"2020-02-29T00:00:00Z", "2020-02-29T00:00:00Z", true},
		{"2022-02-29T00:00:00Z", "", false},
		{"2022-13-01T00:00:00Z", "", false},
		{"2022-00-01T00:00:00Z", "", false},
		{"2022-01-00T00:00:00Z", "", false},
		{"2022-01-01T24:00:00Z", "", false},
		{"2022-01-01T23:60:00Z", "", false},
		{"2022-01-01T23:00:61Z", "", false},
		{"2022-01-01T23:00:00", "", false},
		{"2022-01-01T23:00:00.", "", false},
		{"2022-01-01T23:00:00.Z", "", false},
		{"2022-01-01T23:00:00.5", "", false},
		{"2022-01-01T23:00:00+0100", "", false},
		{"2022-01-01T23:00:00+24:00", "", false},
		{"2022-01-01T23:00:00+01:60", "", false},
		{"2022-01-01T23:00:00+01:0", "", false},
		{"2022-01-01T23:00:00 01:00", "", false},
		{"2022-01-01T23:00:00ZZ", "", false},
		{"2022-1-1T23:00:00.000Z", "", false},
		{"+022-01-01T23:00:00Z", "", false},
		{"2022-01-01T23:00:0aZ", "", false},
		{"2022/01/01T23:00:00Z", "", false},
		{"2022-01-01", "", false},
		{"", "", false},
	} {
		got, ok := tt.in.Instant()
		text := ""
		if ok {
			text = got.UTC().Format(time.RFC3339Nano)
		}
		if text != tt.want {
			t.Errorf("%q is %q instead of %q", tt.in, text, tt.want)
		}
		if tt.in.strict() != tt.strict {
			t.Errorf("%q: strict is %v", tt.in, !tt.strict)
		}
		ms, ok2 := tt.in.UnixMilli()
		if ok2 != ok || ok && ms != got.UnixMilli() {
			t.Errorf("%q: %d, %v", tt.in, ms, ok2)
		}
	}
}

// TestDateAgreesWithTime: where time.Time reads RFC 3339 strictly, so do we.
func TestDateAgreesWithTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-][01][0-9]:[0-5][0-9])`).Draw(t, "date")
		want, err := time.Parse(time.RFC3339Nano, s)
		got, ok := Date(s).Instant()
		if ok != (err == nil) || ok && !got.Equal(want) {
			t.Fatalf("%s: %v, %v against %v, %v", s, got, ok, want, err)
		}
	})
}

func TestBinary(t *testing.T) {
	for in, ok := range map[Binary]bool{
		"": true, "AA": true, "AAA": true, "AAAA": true, "-_-_": true,
		"A": false, "AB": false, "AAB": false, "AA==": false, "AA=": false, "+/+/": false,
		"AA\nAA": false, "AAAA\r\n": false, "AA AA": false, "AAÄ": false,
	} {
		got, canonical := in.Bytes()
		if canonical != ok {
			t.Errorf("%q: canonical %v", in, canonical)
		}
		if ok && BinaryOf(got) != in {
			t.Errorf("%q becomes %q", in, BinaryOf(got))
		}
		b, ok2 := appendDecoded(nil, string(in))
		if ok2 != ok || ok && !bytes.Equal(b, AppendBytes([]byte{0xd5}, got)) {
			t.Errorf("%q: appendDecoded %x, %v", in, b, ok2)
		}
		var c base64Check
		for _, ch := range []byte(in) {
			c.add([]byte{ch})
		}
		if c.canonical() != ok {
			t.Errorf("%q: base64Check says %v", in, !ok)
		}
	}
}

func TestContent(t *testing.T) {
	for in, want := range map[string]string{
		`{"encoding":"none","body":"aGk"}`:            "aGk",
		`{"body":"hi"}`:                               "hi",
		`{"encoding":"json","body":"{\"a\":1}"}`:      `{"a":1}`,
		`{"encoding":"json","body":{"a":[1.0]}}`:      `{"a":[1.0]}`,
		`{"encoding":"base64url","body":"aGk"}`:       "hi",
		`{"encoding":"base64url","body":"aGk="}`:      "hi",
		`{"encoding":"base64url","body":"aG\r\n k="}`: "hi",
		`{"encoding":"base64url","body":"+/+/"}`:      "\xfb\xff\xbf",
		`{"encoding":"base64url","body":"!"}`:         "error",
		`{"encoding":"base64url","body":"A"}`:         "error",
		`{"encoding":"base64url","body":""}`:          "",
		`{"body":null}`:                               "",
		`{}`:                                          "",
	} {
		raw := must(RawOfJSON([]byte(in)))(t)
		d := must(DecodeDialogCBOR(raw))(t)
		a := must(DecodeAttachmentCBOR(raw))(t)
		p := Part{Body: d.Body, Encoding: d.Encoding, Extra: d.Extra}
		for _, f := range []func() ([]byte, error){d.Content, a.Content, p.Content} {
			got, err := f()
			if err != nil {
				got = []byte("error")
			}
			if string(got) != want {
				t.Errorf("%s: %q", in, got)
			}
		}
	}
	d := Dialog{Extra: Fields{"body": Raw{0xf7}}}
	if _, err := d.Content(); err == nil || !strings.Contains(err.Error(), "/body") {
		t.Error(err)
	}
}

func TestDetectFormat(t *testing.T) {
	for in, want := range map[string]Format{
		"{": FormatJSON, " \r\n\t{\"a": FormatJSON, "\xef\xbb\xbf{": FormatJSON,
		"\xa0": FormatCBOR, "\xbf": FormatCBOR, "\xb9\x01": FormatCBOR, "\xd9\xd9\xf7\xa1": FormatCBOR,
		"": 0, " ": 0, "[": 0, "\x80": 0, "\xd9\xd9\xf7": 0, "\xbc": 0, "PK\x03\x04": 0, "\xd5\xa0": 0,
	} {
		got, err := DetectFormat([]byte(in))
		if got != want || (err == nil) != (want != 0) {
			t.Errorf("%q: %v, %v", in, got, err)
		}
	}
	if FormatCBOR.String()+FormatJSON.String()+Format(0).String() != "cborjsonunknown" {
		t.Error("names of formats")
	}
}
