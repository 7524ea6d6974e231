package codec

import (
	"encoding/base64"
	"slices"
	"strings"
	"time"
)

// Values of encoding (vcon-core, section 2.3.2).
const (
	EncodingNone      = "none"
	EncodingJSON      = "json"
	EncodingBase64URL = "base64url"
)

// intern returns a constant for the texts that nearly every message carries.
func intern(b []byte) string {
	switch string(b) {
	case "text":
		return "text"
	case "none":
		return "none"
	case "base64url":
		return "base64url"
	case "text/plain":
		return "text/plain"
	case "text/plain;charset=utf-8":
		return "text/plain;charset=utf-8"
	case "text/markdown;variant=GFM":
		return "text/markdown;variant=GFM"
	case "reaction":
		return "reaction"
	case "render":
		return "render"
	}
	return string(b)
}

// strictBase64 refuses wrong trailing bits; line breaks, which it skips, are
// refused by appendDecoded.
var strictBase64 = base64.RawURLEncoding.Strict()

// Bytes is what b stands for. It reports false when b is not canonical:
// base64url (RFC 4648, section 5) without padding, blanks or stray bits.
func (b Binary) Bytes() ([]byte, bool) {
	if hasLineBreak(string(b)) {
		return nil, false
	}
	out, err := strictBase64.DecodeString(string(b))
	return out, err == nil
}

// BinaryOf is the base64url text of b.
func BinaryOf(b []byte) Binary { return Binary(base64.RawURLEncoding.EncodeToString(b)) }

// hasLineBreak is strings.ContainsAny without its setup.
func hasLineBreak(s string) bool {
	return strings.IndexByte(s, '\n') >= 0 || strings.IndexByte(s, '\r') >= 0
}

// appendDecoded appends the byte string with tag 21 that stands for canonical
// base64url text, or reports false and appends nothing.
func appendDecoded(b []byte, s string) ([]byte, bool) {
	if len(s)%4 == 1 || hasLineBreak(s) {
		return b, false
	}
	n := base64.RawURLEncoding.DecodedLen(len(s))
	out := AppendHead(append(b, majorTag<<5|tagBase64URL), majorBytes, uint64(n))
	at := len(out)
	out = slices.Grow(out, n)[:at+n]
	if _, err := strictBase64.Decode(out[at:], []byte(s)); err != nil {
		return b, false
	}
	return out, true
}

// strict reports whether d is a date-time that CBOR's tag 0 allows (RFC 8949,
// section 3.4.1): RFC 3339 with upper-case T and Z, and a date that exists. A
// leap second stands where one can be: at 23:59:60 UTC.
func (d Date) strict() bool {
	_, leap, ok := d.parse()
	if !ok || d[10] != 'T' || d[len(d)-1] == 'z' {
		return false
	}
	if !leap {
		return true
	}
	t, _ := d.Instant()
	t = t.UTC() // the second after
	return t.Hour() == 0 && t.Minute() == 0 && t.Second() == 0
}

// Instant is the moment that d names, for sorting: RFC 3339, also with
// lower-case letters, a blank for the T, an unknown offset ("-00:00") or a leap
// second, which counts as the second after. It reports false when there is no
// zone, or no such moment.
func (d Date) Instant() (time.Time, bool) {
	t, _, ok := d.parse()
	return t, ok
}

// UnixMilli is Instant in milliseconds since 1970.
func (d Date) UnixMilli() (int64, bool) {
	t, ok := d.Instant()
	if !ok {
		return 0, false
	}
	return t.UnixMilli(), true
}

func (d Date) parse() (t time.Time, leap, ok bool) {
	s := string(d)
	if len(s) < len("2006-01-02T15:04:05Z") {
		return t, false, false
	}
	year, ok1 := digits(s[0:4])
	month, ok2 := digits(s[5:7])
	day, ok3 := digits(s[8:10])
	hour, ok4 := digits(s[11:13])
	minute, ok5 := digits(s[14:16])
	second, ok6 := digits(s[17:19])
	sep := s[10]
	if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6) || s[4] != '-' || s[7] != '-' || s[13] != ':' || s[16] != ':' ||
		sep != 'T' && sep != 't' && sep != ' ' {
		return t, false, false
	}
	s = s[19:]
	nanos := 0
	if s[0] == '.' {
		n := 1
		for scale := 100_000_000; n < len(s) && s[n] >= '0' && s[n] <= '9'; n, scale = n+1, scale/10 {
			nanos += int(s[n]-'0') * scale
		}
		if n == 1 || n == len(s) {
			return t, false, false
		}
		s = s[n:]
	}
	offset, ok := zone(s)
	if !ok || hour > 23 || minute > 59 || second > 60 || month < 1 || month > 12 || day < 1 {
		return t, false, false
	}
	t = time.Date(year, time.Month(month), day, hour, minute, second, nanos, time.UTC)
	if midnight := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC); midnight.Day() != day {
		return t, false, false // 30 February
	}
	return t.Add(-time.Duration(offset) * time.Minute), second == 60, true
}

// zone is the offset from UTC, in minutes, of "Z" or "+hh:mm".
func zone(s string) (int, bool) {
	if s == "Z" || s == "z" {
		return 0, true
	}
	if len(s) != 6 || s[3] != ':' || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	h, ok1 := digits(s[1:3])
	m, ok2 := digits(s[4:6])
	if !ok1 || !ok2 || h > 23 || m > 59 {
		return 0, false
	}
	if s[0] == '-' {
		return -(h*60 + m), true
	}
	return h*60 + m, true
}

func digits(s string) (int, bool) {
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}
