package mimi_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// message is a small content in hex, with places for what tests vary.
func message(salt, replaces, topic, expires, reply, extensions, body string) string {
	return "87" + salt + replaces + topic + expires + reply + extensions + body
}

const (
	salt16 = "50000102030405060708090a0b0c0d0e0f"
	null   = "f6"
	empty  = "40"
	hello  = "85 01 60 01 6a746578742f706c61696e 4568656c6c6f" // text/plain, hello
)

func plain() string { return message(salt16, null, empty, null, null, "a0", hello) }

func id32(first string) string { return "5820" + first + strings.Repeat("aa", 31) }

// nested is a multi of two null parts, so many levels deep.
func nested(levels int) string {
	if levels == 1 {
		return "83 01 60 00"
	}
	return "85 01 60 03 02 82 83016000" + nested(levels-1)
}

func TestParseRefuses(t *testing.T) {
	for name, s := range map[string]string{
		"nothing":                     "",
		"a map":                       "a0",
		"six fields":                  "86" + plain()[2:],
		"eight fields":                "88" + plain()[2:] + "00",
		"indefinite, too short":       "9f" + salt16 + "ff",
		"indefinite, too long":        "9f" + plain()[2:] + "00ff",
		"indefinite, open":            "9f" + plain()[2:],
		"bytes behind it":             plain() + "00",
		"a salt of 15 bytes":          message("4f"+strings.Repeat("00", 15), null, empty, null, null, "a0", hello),
		"a salt of 17 bytes":          message("51"+strings.Repeat("00", 17), null, empty, null, null, "a0", hello),
		"a salt that is a text":       message("70"+strings.Repeat("61", 16), null, empty, null, null, "a0", hello),
		"replaces of 31 bytes":        message(salt16, "581f"+strings.Repeat("00", 31), empty, null, null, "a0", hello),
		"replaces a number":           message(salt16, "00", empty, null, null, "a0", hello),
		"a reply to a text":           message(salt16, null, empty, null, "60", "a0", hello),
		"topic null":                  message(salt16, null, null, null, null, "a0", hello),
		"expires a number":            message(salt16, null, empty, "01", null, "a0", hello),
		"expires null and number":     message(salt16, null, empty, "82f601", null, "a0", hello),
		"expires said to be one":      message(salt16, null, empty, "81f401", null, "a0", hello),
		"a body said to be two":       message(salt16, null, empty, null, null, "a0", "82 01 60 00"),
		"a body said to be four":      message(salt16, null, empty, null, null, "a0", "84 01 60 01 6a746578742f706c61696e 4568656c6c6f"),
		"expires of one":              message(salt16, null, empty, "81f4", null, "a0", hello),
		"expires of three":            message(salt16, null, empty, "83f40100", null, "a0", hello),
		"expires beyond 32 bits":      message(salt16, null, empty, "82f41b0000000100000000", null, "a0", hello),
		"expires negative":            message(salt16, null, empty, "82f420", null, "a0", hello),
		"extensions null":             message(salt16, null, empty, null, null, null, hello),
		"extensions with a key twice": message(salt16, null, empty, null, null, "a2 01 60 01 60", hello),
		"a key twice, other lengths":  message(salt16, null, empty, null, null, "a2 01 60 1801 60", hello),
		"extensions cut":              message(salt16, null, empty, null, null, "a3 01 60", ""),
		"a body of two":               message(salt16, null, empty, null, null, "a0", "82 01 60"),
		"a null part with more":       message(salt16, null, empty, null, null, "a0", "84 01 60 00 00"),
		"a body null":                 message(salt16, null, empty, null, null, "a0", null),
		"disposition 256":             message(salt16, null, empty, null, null, "a0", "83 190100 60 00"),
		"language null":               message(salt16, null, empty, null, null, "a0", "83 01 f6 00"),
		"cardinality 4":               message(salt16, null, empty, null, null, "a0", "83 01 60 04"),
		"content a text":              message(salt16, null, empty, null, null, "a0", "85 01 60 01 60 60"),
		"content type bytes":          message(salt16, null, empty, null, null, "a0", "85 01 60 01 40 40"),
		"part semantics 3":            message(salt16, null, empty, null, null, "a0", "85 01 60 03 03 82 83016000 83016000"),
		"one part":                    message(salt16, null, empty, null, null, "a0", "85 01 60 03 00 81 83016000"),
		"no part":                     message(salt16, null, empty, null, null, "a0", "85 01 60 03 00 80"),
		"parts null":                  message(salt16, null, empty, null, null, "a0", "85 01 60 03 00 f6"),
		"text that is no UTF-8":       message(salt16, null, empty, null, null, "a0", "83 01 61ff 00"),
		"half a rune, two chunks":     message(salt16, null, empty, null, null, "a0", "83 01 7f 61c3 61a9 ff 00"),
		"a chunk in a chunk":          message(salt16, null, "5f 5f40ff ff", null, null, "a0", hello),
		"a chunk of another kind":     message(salt16, null, "5f 60 ff", null, null, "a0", hello),
		"a reserved head":             message(salt16, null, "5c00", null, null, "a0", hello),
		"a break by itself":           message(salt16, null, "ff", null, null, "a0", hello),
		"a length beyond the end":     message(salt16, null, "5affffffff", null, null, "a0", hello),
		"a length of 64 bits":         message(salt16, null, "5bffffffffffffffff", null, null, "a0", hello),
		"parts without end":           message(salt16, null, empty, null, null, "a0", "85 01 60 03 00 9bffffffffffffffff"),
		"an external part of 14":      message(salt16, null, empty, null, null, "a0", "8e 01 60 02 60 60 00 00 00 40 40 40 00 40 60"),
		"encAlg beyond 16 bits":       message(salt16, null, empty, null, null, "a0", "8f 01 60 02 60 60 00 00 1a00010000 40 40 40 00 40 60 60"),
		"hashAlg beyond 8 bits":       message(salt16, null, empty, null, null, "a0", "8f 01 60 02 60 60 00 00 00 40 40 40 190100 40 60 60"),
		"external, expires null":      message(salt16, null, empty, null, null, "a0", "8f 01 60 02 60 60 f6 00 00 40 40 40 00 40 60 60"),
		"a two-byte simple value":     message(salt16, null, empty, null, null, "a1 05 f818", hello),
		"a NaN with a payload":        message(salt16, null, empty, null, null, "a1 05 f97e01", hello),
		"a signalling NaN":            message(salt16, null, empty, null, null, "a1 05 fa7fa00000", hello),
		"an extension key of bytes":   message(salt16, null, empty, null, null, "a1 4101 00", hello),
		"an extension key of a tag":   message(salt16, null, empty, null, null, "a1 c100 00", hello),
		"an inner key of an array":    message(salt16, null, empty, null, null, "a1 05 a1 80 00", hello),
		"an inner key of a float":     message(salt16, null, empty, null, null, "a1 05 a1 f90000 00", hello),
		"an array that is too long":   message(salt16, null, empty, null, null, "a1 05 9affffffff", hello),
		"a map that is too long":      message(salt16, null, empty, null, null, "baffffffff", hello),
		"an item of an array missing": message(salt16, null, empty, null, null, "a1 05 82 00", ""),
		"an extension array open":     message(salt16, null, empty, null, null, "a1 05 9f 00", ""),
		"an extension map open":       message(salt16, null, empty, null, null, "bf 05 00", ""),
		"a tag and nothing":           message(salt16, null, empty, null, null, "a1 05 c2", ""),
	} {
		var pe *mimi.ParseError
		if c, err := mimi.ParseContent(unhex(t, s)); err == nil {
			t.Errorf("%s: accepted as %+v", name, c)
		} else if !errors.As(err, &pe) || pe.Offset < 0 || pe.Offset > len(s)/2 {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, err := mimi.ParseContent(unhex(t, plain())); err != nil {
		t.Errorf("what is varied is refused itself: %v", err)
	}
}

// TestParseTruncated cuts each message of the draft everywhere, and appends to it.
func TestParseTruncated(t *testing.T) {
	for _, v := range vectors(t, "08") {
		for n := range v.bytes {
			if _, err := mimi.ParseContent(v.bytes[:n]); err == nil {
				t.Errorf("%s: accepted %d of %d bytes", v.name, n, len(v.bytes))
			}
		}
		if _, err := mimi.ParseContent(append(bytes.Clone(v.bytes), 0)); err == nil {
			t.Errorf("%s: accepted a byte more", v.name)
		}
	}
}

// TestParseNotDeterministic reads encodings that say the same and are not the
// one that the draft demands.
func TestParseNotDeterministic(t *testing.T) {
	ext := func(s string) string { return message(salt16, null, empty, null, null, s, hello) }
	for name, c := range map[string]struct{ in, want string }{
		"a long array head":       {"9807" + plain()[2:], plain()},
		"an indefinite array":     {"9f" + plain()[2:] + "ff", plain()},
		"a long byte string head": {message("5810"+salt16[2:], null, empty, null, null, "a0", hello), plain()},
		"an indefinite salt":      {message("5f 480001020304050607 4808090a0b0c0d0e0f ff", null, empty, null, null, "a0", hello), plain()},
		"an indefinite text": {
			message(salt16, null, empty, null, null, "a0", "85 01 7fff 01 7f 6474657874 662f706c61696e ff 4568656c6c6f"), plain(),
		},
		"a long integer":        {message(salt16, null, empty, null, null, "a0", "85 1801 60 01 6a746578742f706c61696e 4568656c6c6f"), plain()},
		"an indefinite map":     {ext("bfff"), plain()},
		"a long map head":       {ext("b800"), plain()},
		"an indefinite expires": {message(salt16, null, empty, "9ff405ff", null, "a0", hello), message(salt16, null, empty, "82f405", null, "a0", hello)},
		"indefinite parts": {
			message(salt16, null, empty, null, null, "a0", "85 01 60 03 02 9f 83016000 83016000 ff"),
			message(salt16, null, empty, null, null, "a0", "85 01 60 03 02 82 83016000 83016000"),
		},
		"unsorted keys":        {ext("a3 6161 01 02 02 20 03"), ext("a3 02 02 20 03 6161 01")},
		"keys by length first": {ext("a2 20 01 1818 01"), ext("a2 1818 01 20 01")},
		"unsorted inside":      {ext("a1 05 a2 4101 01 01 02"), ext("a1 05 a2 01 02 4101 01")},
		"an indefinite array inside": {
			ext("a1 05 9f 01 9f ff ff"), ext("a1 05 82 01 80"),
		},
		"a double for a half":      {ext("a1 05 fb3ff8000000000000"), ext("a1 05 f93e00")},
		"a single for a half":      {ext("a1 05 fac7000000"), ext("a1 05 f9f800")},
		"a double for a single":    {ext("a1 05 fb40f86a0000000000"), ext("a1 05 fa47c35000")},
		"a double for a subnormal": {ext("a1 05 fb3e70000000000000"), ext("a1 05 f90001")},
		"a double for minus zero":  {ext("a1 05 fb8000000000000000"), ext("a1 05 f98000")},
		"a double for infinity":    {ext("a1 05 fbfff0000000000000"), ext("a1 05 f9fc00")},
		"a single NaN":             {ext("a1 05 fa7fc00000"), ext("a1 05 f97e00")},
		"a double NaN":             {ext("a1 05 fb7ff8000000000000"), ext("a1 05 f97e00")},
		"a bignum that fits":       {ext("a1 05 c2 420100"), ext("a1 05 190100")},
		"a negative one":           {ext("a1 05 c3 48ffffffffffffffff"), ext("a1 05 3bffffffffffffffff")},
		"a bignum with a zero":     {ext("a1 05 c2 4a00 010203040506070809"), ext("a1 05 c2 49 010203040506070809")},
		"an empty bignum":          {ext("a1 05 c2 40"), ext("a1 05 00")},
		"a long tag":               {ext("a1 05 d801 00"), ext("a1 05 c1 00")},
	} {
		t.Run(name, func(t *testing.T) {
			in, want := unhex(t, c.in), unhex(t, c.want)
			content, err := mimi.ParseContent(in)
			if err != nil {
				t.Fatal(err)
			}
			if content.Deterministic() || !bytes.Equal(content.Bytes(), in) {
				t.Error("taken for deterministic")
			}
			if got := content.Append(nil); !bytes.Equal(got, want) {
				t.Errorf("re-encoded\n%x, want\n%x", got, want)
			}
			again, err := mimi.ParseContent(want)
			if err != nil || !again.Deterministic() {
				t.Errorf("the deterministic form: %v", err)
			}
			keepsBytes(t, content)
		})
	}
}

// keepsBytes holds that a content comes back from its dialog with the very bytes
// that its id is of, through CBOR and JSON, and that nobody can show another text
// beside them.
func keepsBytes(t *testing.T, c *mimi.Content) {
	t.Helper()
	made, err := c.Dialog(mimi.Envelope{SenderURI: "mimi://x.example/u/a", RoomURI: room, Start: "2022-02-08T22:13:45.019Z"})
	if err != nil {
		t.Fatal(err)
	}
	d := through(t, "CBOR, JSON", made)
	back, err := mimi.ContentOf(d)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(back.Bytes(), c.Bytes()) {
		t.Errorf("came back as\n%x, want\n%x", back.Bytes(), c.Bytes())
	}
	if level, missing := mimi.Verify(d, "mimi://x.example/u/a", room); level != mimi.Verified08 {
		t.Errorf("level %v, missing %v", level, missing)
	}
	d.Language += "en"
	if _, err := mimi.ContentOf(d); err == nil && !c.Deterministic() {
		t.Error("another text beside the kept bytes is accepted")
	}
	if level, _ := mimi.Verify(d, "mimi://x.example/u/a", room); level.Verified() {
		t.Errorf("changed, and still %v", level)
	}
}

// TestParseKeepsValues reads what is deterministic and unusual.
func TestParseKeepsValues(t *testing.T) {
	ext := func(s string) string { return message(salt16, null, empty, null, null, s, hello) }
	for name, s := range map[string]string{
		"every kind of value":    ext("a9 00 00 01 20 02 4101 03 6161 04 80 05 a0 06 c100 07 f4 08 f6"),
		"keys of every kind":     ext("a1 00 a3 00 00 20 00 4100 00"),
		"simple values":          ext("a1 00 84 e0 f3 f7 f8ff"),
		"halves":                 ext("a1 00 88 f90000 f98000 f90001 f903ff f90400 f97bff f97c00 f97e00"),
		"singles and doubles":    ext("a1 00 86 fa47c35000 fa33000000 fa477fe001 fb3ff199999999999a fb7fefffffffffffff fb0000000000000001"),
		"large numbers":          ext("a1 00 83 1bffffffffffffffff 3bffffffffffffffff c249010000000000000000"),
		"the draft's depth":      ext("a1 190100 82 82 421234 d820 6161 82 423456 19168b"),
		"unknown disposition":    message(salt16, null, empty, null, null, "a0", "83 18ff 60 00"),
		"two languages":          message(salt16, null, empty, null, null, "a0", "83 01 65656e2c6672 00"),
		"an empty text":          message(salt16, null, empty, null, null, "a0", "85 00 60 01 60 40"),
		"a text that is not one": message(salt16, null, empty, null, null, "a0", "85 01 60 01 6a746578742f706c61696e 42fffe"),
		"bytes that are text":    message(salt16, null, empty, null, null, "a0", "85 01 60 01 69696d6167652f706e67 4568656c6c6f"),
		"a NUL in a text":        message(salt16, null, empty, null, null, "a0", "85 01 60 01 6a746578742f706c61696e 43610062"),
		"relative, zero":         message(salt16, null, empty, "82f500", null, "a0", hello),
		"absolute, zero":         message(salt16, null, empty, "82f400", null, "a0", hello),
		"the last second":        message(salt16, id32("01"), empty, "82f41affffffff", id32("02"), "a0", hello),
		"an empty external":      message(salt16, null, empty, null, null, "a0", "8f 01 60 02 60 60 00 00 00 40 40 40 00 40 60 60"),
		"a full external": message(salt16, null, empty, null, null, "a0",
			"8f 06 60 02 6161 6162 1affffffff 1bffffffffffffffff 19ffff 4101 4102 4103 18ff 4104 6163 6164"),
		"a hash without a value": message(salt16, null, empty, null, null, "a0", "8f 01 60 02 60 60 00 00 00 40 40 40 01 40 60 60"),
		"a value without a hash": message(salt16, null, empty, null, null, "a0", "8f 01 60 02 60 60 00 00 00 40 40 40 00 4101 60 60"),
		"sha-384, sha-512": message(salt16, null, empty, null, null, "a0", "85 01 60 03 01 82"+
			"8f 01 60 02 60 60 00 00 00 40 40 40 07 4101 60 60"+"8f 01 60 02 60 60 00 00 00 40 40 40 08 4101 60 60"),
		"all semantics": message(salt16, null, empty, null, null, "a0",
			"85 01 60 03 00 82 85 01 60 03 01 82 83016000 83016000 85 01 60 03 02 82 83016000 83016000"),
	} {
		t.Run(name, func(t *testing.T) {
			b := unhex(t, s)
			c, err := mimi.ParseContent(b)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Append(nil); !bytes.Equal(got, b) || !c.Deterministic() {
				t.Errorf("re-encoded\n%x, want\n%x", got, b)
			}
			keepsBytes(t, c)
		})
	}
}

func TestExtensionText(t *testing.T) {
	m := mimi.URIs("mimi://a.example/u/alice", room)
	if got, ok := m.Text(mimi.ExtensionRoomURI); !ok || got != room {
		t.Errorf("%q %v", got, ok)
	}
	for s, ok := range map[string]bool{
		"":                           false,
		"a0":                         false,
		"a1 01 00":                   false,
		"a1 01 6161":                 true,
		"a2 00 82 00 a0 01 6161":     true,
		"a3 4101 00 6162 f5 01 6161": true,
		"a1 01":                      false,
		"a1 62":                      false,
		"a2 00 82 00 01 6161":        false,
		"bf 01 6161 ff":              false,
		"80":                         false,
		"a1 21 6161":                 false,
	} {
		if got, is := mimi.RawMap(unhex(t, s)).Text(1); is != ok || ok && got != "a" {
			t.Errorf("%s: %q %v", s, got, is)
		}
	}
	c := &mimi.Content{Extensions: m, Body: mimi.NestedPart{Disposition: mimi.Render}}
	d, err := c.Dialog(mimi.Envelope{SenderURI: "mimi://a.example/u/alice", RoomURI: room})
	if err != nil || d.Extensions != codec.BinaryOf(m) {
		t.Errorf("%v %v", d, err)
	}
}
