package codec

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestDecodeJSONErrors(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"empty", ``, "/: byte 0: truncated JSON"},
		{"blank", "  \n", "/: byte 0: truncated JSON"},
		{"not an object", `[]`, "/: not an object"},
		{"null", `null`, "/: not an object"},
		{"cut", `{"a":`, "/*: byte 5: truncated JSON"},
		{"trailing", `{} {}`, "/: byte 4: trailing bytes"},
		{"trailing junk", `{}]`, "/: byte 2: malformed JSON"},
		{"duplicate", `{"vcon":"1","vcon":"2"}`, "/vcon: byte 12: duplicate name"},
		{"duplicate by escape", `{"vcon":"1","v\u0063on":"2"}`, "/vcon: byte 12: duplicate name"},
		{"duplicate, unknown name", `{"secret":{"Alice":1,"Alice":2}}`, "/*/*: byte 21: duplicate name"},
		{"lone high surrogate", `{"subject":"\ud800"}`, "/subject: byte 12: lone surrogate in text"},
		{"lone low surrogate", `{"subject":"ab\udc00"}`, "/subject: byte 14: lone surrogate in text"},
		{"two high surrogates", `{"subject":"\ud800\ud800"}`, "/subject: byte 12: lone surrogate in text"},
		{"lone surrogate in a name", `{"\ud800":1}`, "/: byte 2: lone surrogate in text"},
		{"bad UTF-8", "{\"dialog\":[{},{\"body\":\"a\xff\"}]}", "/dialog/1/body: byte 24: invalid UTF-8"},
		{"overlong UTF-8", "{\"subject\":\"\xc0\xaf\"}", "/subject: byte 12: invalid UTF-8"},
		{"surrogate as UTF-8", "{\"subject\":\"\xed\xa0\x80\"}", "/subject: byte 12: invalid UTF-8"},
		{"NaN", `{"a":NaN}`, "/*: byte 5: malformed JSON"},
		{"leading zero", `{"a":01}`, "/: byte 6: malformed JSON"},
		{"comment", `{/**/}`, "/: byte 1: malformed JSON"},
		{"single quotes", `{'a':1}`, "/: byte 1: malformed JSON"},
		{"exponent", `{"a":1e99999999999999999999}`, "/*: byte 27: exponent of a number out of range"},
		{"telephone number as a name", `{"meta":{"491701234567":{"x":tru}}}`, "/meta/*/*: byte 32: malformed JSON"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := DecodeJSON([]byte(tt.in))
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("%v", err)
			}
			if got := strings.TrimPrefix(err.Error(), "vcon: "); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestDecodeCBORErrors(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"empty", "", "/: byte 0: truncated CBOR"},
		{"array", "\x80", "/: byte 0: not an object"},
		{"null", "\xf6", "/: byte 0: not an object"},
		{"tag only", "\xd9\xd9\xf7", "/: byte 3: truncated CBOR"},
		{"trailing", "\xa0\xa0", "/: byte 1: trailing bytes"},
		{"huge map", "\xbb\xff\xff\xff\xff\xff\xff\xff\xff", "/: byte 0: truncated CBOR: declared length exceeds the input"},
		{"huge array", "\xa1\x66dialog\x9b\x7f\xff\xff\xff\xff\xff\xff\xff", "/*: byte 8: truncated CBOR: declared length exceeds the input"},
		{"huge text", "\xa1\x64vcon\x7b\xff\xff\xff\xff\xff\xff\xff\xff", "/*: byte 6: truncated CBOR: declared length exceeds the input"},
		{"reserved head", "\xa1\x64vcon\x1c", "/*: byte 6: malformed head"},
		{"indefinite integer", "\xa1\x64vcon\x1f", "/*: byte 6: malformed head"},
		{"break", "\xa1\x64vcon\xff", "/*: byte 6: break outside of an indefinite-length item"},
		{"simple below 32", "\xa1\x64vcon\xf8\x10", "/*: byte 6: malformed simple value"},
		{"odd map", "\xbf\x64vcon\xff", "/*: byte 6: break outside of an indefinite-length item"},
		{"duplicate known", "\xa2\x64vcon\x61a\x64vcon\x61b", "/vcon: byte 8: duplicate name"},
		{"duplicate unknown", "\xa2\x61x\x01\x61x\x02", "/*: byte 4: duplicate name"},
		{"duplicate in other length", "\xa2\x61x\x01\x78\x01x\x02", "/*: byte 4: duplicate name"},
		{"duplicate known in chunks", "\xa2\x64vcon\x61a\x7f\x62vc\x62on\xff\x61b", "/vcon: byte 8: duplicate name"},
		{"duplicate number", "\xa2\x01\x01\x18\x01\x02", "/*: byte 3: duplicate name"},
		{"duplicate deep inside", "\xa1\x61x\x81\xa2\x01\x00\x01\x00", "/*/0/*: byte 4: duplicate name"},
		{"duplicate unsorted", "\xa1\x61x\xa3\x61b\x00\x61a\x00\x61b\x00", "/*/*: byte 3: duplicate name"},
		{"bad UTF-8", "\xa1\x67subject\x62a\xff", "/subject: byte 10: invalid UTF-8"},
		{"bad UTF-8 in a name", "\xa1\x61\xff\x00", "/: byte 2: invalid UTF-8"},
		{"bad UTF-8 unknown", "\xa1\x61x\x81\x61\xff", "/*/0: byte 5: invalid UTF-8"},
		{"character across chunks", "\xa1\x61x\x7f\x61\xc3\x61\xa9\xff", "/*: byte 5: invalid UTF-8"},
		{"chunk of another kind", "\xa1\x61x\x7f\x41a\xff", "/*: byte 5: malformed chunk of an indefinite-length string"},
		{"in party", "\xa1\x67parties\x82\xa0\xa1\x64name\x61\xff", "/parties/1/name: byte 18: invalid UTF-8"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := DecodeCBOR([]byte(tt.in))
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("%v", err)
			}
			if got := strings.TrimPrefix(err.Error(), "vcon: "); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestForeignCBOR: what others may write is kept by CBOR -> CBOR, brought into
// deterministic form where that loses nothing, and refused by CBOR -> JSON with
// its place where JSON cannot hold it.
func TestForeignCBOR(t *testing.T) {
	for _, tt := range []struct{ name, in, canonical, json string }{
		{"self-described", "\xd9\xd9\xf7\xa1\x64vcon\x61x", "\xa1\x64vcon\x61x", `{"vcon":"x"}`},
		{"long heads", "\xb8\x01\x78\x01x\x1b\x00\x00\x00\x00\x00\x00\x00\x01", "\xa1\x61x\x01", `{"x":1}`},
		{"indefinite", "\xbf\x7f\x61x\xff\x9f\x01\xff\xff", "\xa1\x61x\x81\x01", `{"x":[1]}`},
		{"unsorted", "\xa1\x61x\xa2\x62aa\x00\x61b\x00", "\xa1\x61x\xa2\x61b\x00\x62aa\x00", `{"x":{"b":0,"aa":0}}`},
		{"double that is a half", "\xa1\x61x\xfb\x3f\xf8\x00\x00\x00\x00\x00\x00", "\xa1\x61x\xf9\x3e\x00", `{"x":1.5}`},
		{"bignum that is an integer", "\xa1\x61x\xc2\x42\x01\x00", "\xa1\x61x\x19\x01\x00", `{"x":256}`},
		{"negative bignum that is an integer", "\xa1\x61x\xc3\x43\x00\x01\x00", "\xa1\x61x\x39\x01\x00", `{"x":-257}`},
		{"bignum with zeros", "\xa1\x61x\xc2\x4a\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00", "\xa1\x61x\xc2\x49\x01\x00\x00\x00\x00\x00\x00\x00\x00", `{"x":18446744073709551616}`},
		{"smallest integer", "\xa1\x61x\x3b\xff\xff\xff\xff\xff\xff\xff\xff", "", `{"x":-18446744073709551616}`},
		{"date without a tag", "\xa1\x6acreated_at\x742022-02-08T22:13:45Z", "\xa1\x6acreated_at\xc0\x742022-02-08T22:13:45Z", `{"created_at":"2022-02-08T22:13:45Z"}`},
		{"tag 0 on no date", "\xa1\x6acreated_at\xc0\x63now", "\xa1\x6acreated_at\x63now", `{"created_at":"now"}`},
		{"id as a text", "\xa1\x66dialog\x81\xa1\x64salt\x64AAAA", "\xa1\x66dialog\x81\xa1\x64salt\xd5\x43\x00\x00\x00", `{"dialog":[{"salt":"AAAA"}]}`},
		{"id empty", "\xa1\x66dialog\x81\xa1\x64salt\x60", "\xa1\x66dialog\x81\xa1\x64salt\xd5\x40", `{"dialog":[{"salt":""}]}`},
		{"tag 21 elsewhere", "\xa1\x61x\xd5\x41\xff", "", `{"x":"_w"}`},
		{"tag 0 elsewhere", "\xa1\x61x\xc0\x63now", "", `{"x":"now"}`},
		{"body of bytes, no encoding", "\xa1\x66dialog\x81\xa1\x64body\xd5\x41\xff", "", `{"dialog":[{"body":"_w"}]}`},
		{"body as base64url text", "\xa1\x66dialog\x81\xa2\x64body\x64AAAA\x68encoding\x69base64url", "\xa1\x66dialog\x81\xa2\x64body\xd5\x43\x00\x00\x00\x68encoding\x69base64url", `{"dialog":[{"encoding":"base64url","body":"AAAA"}]}`},
		{"decimal fraction", "\xa1\x61x\xc4\x82\x21\x19\x6a\xb3", "", `{"x":273.15}`},
		{"decimal fraction of a bignum", "\xa1\x61x\xc4\x82\x00\xc3\x49\x01\x00\x00\x00\x00\x00\x00\x00\x00", "", `{"x":-18446744073709551617e0}`},
		{"undefined", "\xa1\x61x\xf7", "", "/*: no JSON form: undefined or an unassigned simple value"},
		{"simple value", "\xa1\x61x\xf8\xff", "", "/*: no JSON form: undefined or an unassigned simple value"},
		{"NaN with bits", "\xa1\x61x\xfb\x7f\xf8\x00\x00\x00\x00\x00\x01", "", "/*: no JSON form: not a finite number"},
		{"NaN single", "\xa1\x61x\xfa\x7f\xc0\x00\x01", "", "/*: no JSON form: not a finite number"},
		{"NaN half", "\xa1\x61x\xf9\x7e\x00", "", "/*: no JSON form: not a finite number"},
		{"infinity", "\xa1\x61x\xfb\x7f\xf0\x00\x00\x00\x00\x00\x00", "\xa1\x61x\xf9\x7c\x00", "/*: no JSON form: not a finite number"},
		{"bytes", "\xa1\x61x\x41\xff", "", "/*: no JSON form: a byte string without tag 21"},
		{"bytes in chunks", "\xa1\x61x\x5f\x41\xff\x40\xff", "\xa1\x61x\x41\xff", "/*: no JSON form: a byte string without tag 21"},
		{"id as untagged bytes", "\xa1\x66dialog\x81\xa1\x64salt\x41\xff", "", "/dialog/0/salt: no JSON form: a byte string without tag 21"},
		{"unknown tag", "\xa1\x61x\x82\x00\xd8\x20\x61u", "", "/*/1: no JSON form: an unknown tag"},
		{"tag 1", "\xa1\x6acreated_at\xc1\x1a\x62\x02\xec\x19", "", "/created_at: no JSON form: an unknown tag"},
		{"bignum of a text", "\xa1\x61x\xc2\x61u", "", "/*: no JSON form"},
		{"decimal fraction of three", "\xa1\x61x\xc4\x83\x00\x00\x00", "", "/*: no JSON form"},
		{"decimal fraction of a text", "\xa1\x61x\xc4\x82\x00\x61u", "", "/*: no JSON form"},
		{"exponent of a bignum", "\xa1\x61x\xc4\x82\xc2\x49\x01\x00\x00\x00\x00\x00\x00\x00\x00\x01", "", "/*: exponent of a number out of range"},
		{"number as a name", "\xa1\x01\x02", "", "/*: no JSON form: a name that is not a text"},
		{"number as a name inside", "\xa1\x61x\xa1\x01\x02", "", "/*: no JSON form: a name that is not a text"},
		{"names of many kinds", "\xa4\x64vcon\x61v\x01\x00\x41a\x01\x80\x02", "\xa4\x01\x00\x41a\x01\x64vcon\x61v\x80\x02", "/*: no JSON form: a name that is not a text"},
		{"duplicate of another kind is none", "\xa2\x61a\x00\x41a\x00", "\xa2\x41a\x00\x61a\x00", "/*: no JSON form: a name that is not a text"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.canonical == "" {
				tt.canonical = tt.in
			}
			v := must(DecodeCBOR([]byte(tt.in)))(t)
			c := must(v.AppendCBOR(nil))(t)
			if string(c) != tt.canonical {
				t.Errorf("cbor %x\nwant %x", c, tt.canonical)
			}
			if w := must(must(DecodeCBOR(c))(t).AppendCBOR(nil))(t); !bytes.Equal(w, c) {
				t.Errorf("second time %x", w)
			}
			got, err := assemble(t, strings.NewReader(tt.in), []byte(tt.in))
			if err != nil || !bytes.Equal(must(got.AppendCBOR(nil))(t), c) {
				t.Errorf("the scanner reads another vCon (%v)", err)
			}
			j, err := v.AppendJSON(nil)
			if err != nil {
				if got := strings.TrimPrefix(err.Error(), "vcon: "); got != tt.json {
					t.Errorf("got  %s\nwant %s", got, tt.json)
				}
				return
			}
			if string(j) != tt.json {
				t.Errorf("got  %s\nwant %s", j, tt.json)
			}
		})
	}
}

func TestBOM(t *testing.T) {
	in := readFile(t, vconDir+"/nasty/bom.json")
	v := must(DecodeJSON(in))(t)
	w := must(assemble(t, bytes.NewReader(in), in))(t)
	if v.Version != "0.4.0" || w.Version != "0.4.0" {
		t.Error(v, w)
	}
}
