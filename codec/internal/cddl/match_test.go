package cddl_test

import (
	"errors"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec/internal/cddl"
)

// TestMatch has, for each operator, what it accepts and what it refuses.
func TestMatch(t *testing.T) {
	half := raw{0xf9, 0x3c, 0x00}
	for _, test := range []struct {
		schema  string
		accepts []any
		refuses []any
	}{
		{`a = any`, list(0, "x", nil, obj{1, 2}), nil},
		{`a = uint`, list(0, uint64(1<<63)), list(-1, "1", 1.0, tag{2, []byte{1}})},
		{`a = nint`, list(-1), list(0, 1)},
		{`a = int`, list(1, -1), list(1.5, "1")},
		{`a = bstr`, list([]byte{}), list("", tag{21, []byte{}})},
		{`a = tstr`, list("", "ä"), list([]byte("a"), 1)},
		{`a = bool`, list(true, false), list(nil, 0, simple(23))},
		{`a = null`, list(nil), list(false, simple(23))},
		{`a = undefined`, list(simple(23)), list(nil)},
		{`a = float`, list(1.5, float32(1.5), half), list(1)},
		{`a = float16`, list(half), list(1.0, float32(1))},
		{`a = float32-64`, list(float32(1), 1.0), list(half)},
		{`a = #7.255`, list(simple(255)), list(simple(254), true)},
		{`a = #3`, list("x"), list(1)},
		{`a = number`, list(1, 1.5), list("1")},
		{`a = tdate`, list(tag{0, "2024"}), list("2024", tag{1, 2024}, tag{0, 2024})},
		{`a = bigint`, list(tag{2, []byte{1}}, tag{3, []byte{1}}), list(1, tag{4, []byte{1}})},
		{`a = decfrac`, list(tag{4, list(-1, 15)}), list(tag{4, list(-1)}, tag{4, list(-1, 15, 1)})},

		{`a = 5`, list(5), list(6, -5, 5.0, "5")},
		{`a = -5`, list(-5), list(5, -4)},
		{`a = 0x1f`, list(31), list(30)},
		{`a = 0b101`, list(5), list(101)},
		{`a = 1.5`, list(1.5, float32(1.5)), list(1, 2.5)},
		{`a = -1e3`, list(-1000.0), list(-1000, 1000.0)},
		{`a = "x\n\u00e4"`, list("x\nä"), list("x", []byte("x\nä"))},
		{`a = 'x'`, list([]byte("x")), list("x")},
		{`a = h'01 Ff'`, list([]byte{1, 255}), list([]byte{1})},
		{`a = b64'AQI='`, list([]byte{1, 2}), list([]byte{1})},

		{`a = int / tstr`, list(1, "x"), list([]byte{}, nil)},
		{`a = (int / tstr) / null`, list(1, nil), list(false)},
		{`a = 1..3`, list(1, 2, 3), list(0, 4, 2.0)},
		{`a = 1...3`, list(1, 2), list(3, 0)},
		{`a = -2..2`, list(-2, 0, 2), list(-3, 3)},
		{`a = 0.5..1.5`, list(0.5, 1.5), list(1, 1.6)},
		{`a = 0.5...1.5`, list(1.4), list(1.5)},
		{"a = low .. high low = 2 high = 4", list(3), list(1, 5)},

		{`a = tstr .size 2`, list("xy", "ä"), list("x", "xyz", []byte("xy"))},
		{`a = bstr .size (1..3)`, list([]byte{1}, []byte{1, 2, 3}), list([]byte{}, []byte{1, 2, 3, 4})},
		{`a = bstr .size (1 / 4)`, list([]byte{1}, []byte("abcd")), list([]byte("ab"))},
		{`a = uint .size 1`, list(0, 255), list(256, -1)},
		{`a = uint .size 4`, list(uint64(1<<32 - 1)), list(uint64(1 << 32))},
		{`a = uint .size 8`, list(uint64(1<<64 - 1)), list(-1)},
		{`a = tstr .regexp "[a-c]+\\.d?"`, list("abc.", "a.d"), list("abcd", "xa.d", "a.dd", "a.\n")},
		{`a = tstr .regexp "a|b"`, list("a", "b"), list("ab", "")},
		{`a = tstr .regexp "\\d{2}."`, list("12x"), list("1x", "12\n")},
		{`a = bstr .cbor [int]`, list(enc(list(1))), list(enc(list("x")), enc(1), []byte{}, []byte{0x81}, append(enc(list(1)), 0), list(1))},
		{`a = bstr .cborseq [* int]`, list([]byte{}, []byte{1, 2}), list([]byte{1, 0x60}, []byte{0x81})},
		{`a = int .lt 3`, list(2, -9), list(3, "x")},
		{`a = int .le 3`, list(3), list(4)},
		{`a = int .gt -3`, list(-2, 5), list(-3, -4)},
		{`a = int .ge -3`, list(-3), list(-4)},
		{`a = float .lt 1.5`, list(1.0), list(1.5, 1)},
		{`a = int .eq 3`, list(3), list(4)},
		{`a = tstr .ne "x"`, list("y"), list("x", 1)},
		{`a = int .default 3`, list(3, 4), list("x")},
		{`a = { * tstr => int } .and { "x" => any, * any => any }`, list(obj{"x", 1}), list(obj{"y", 1}, obj{"x", "y"})},
		{`a = int .within (1..3)`, list(1), list(4, "x")},

		{`a = #6.21(bstr)`, list(tag{21, []byte{1}}), list([]byte{1}, tag{22, []byte{1}}, tag{21, "x"})},
		{`a = #6(tstr)`, list(tag{9, "x"}), list("x", tag{9, 1})},
		{`a = #6.1(b) b = #6.2(int)`, list(tag{1, tag{2, 3}}), list(tag{1, 3}, tag{2, 3})},
		{`a = ~b b = #6.2(int)`, list(3), list(tag{2, 3})},

		{`a = []`, list(list()), list(list(1), obj{})},
		{`a = [int, tstr]`, list(list(1, "x")), list(list(1), list("x", 1), list(1, "x", 2))},
		{`a = [int tstr]`, list(list(1, "x")), list(list(1))},
		{`a = [x: int, y: tstr]`, list(list(1, "x")), list(list("x", 1))},
		{`a = [? int, tstr]`, list(list(1, "x"), list("x")), list(list(1), list(1, 1, "x"))},
		{`a = [* int]`, list(list(), list(1, 2)), list(list("x"), list(1, "x"))},
		{`a = [+ int]`, list(list(1), list(1, 2)), list(list())},
		{`a = [2* int]`, list(list(1, 2), list(1, 2, 3)), list(list(1))},
		{`a = [*2 int]`, list(list(), list(1, 2)), list(list(1, 2, 3))},
		{`a = [1*2 int]`, list(list(1), list(1, 2)), list(list(), list(1, 2, 3))},
		{`a = [* (int, tstr)]`, list(list(), list(1, "x", 2, "y")), list(list(1), list(1, "x", 2))},
		{`a = [(int // tstr, tstr)]`, list(list(1), list("x", "y")), list(list("x"), list(1, 1))},
		{`a = [int // tstr, tstr]`, list(list(1), list("x", "y")), list(list("x"))},
		{`a = [g, int] g = (tstr, tstr)`, list(list("x", "y", 1)), list(list("x", 1))},
		{`a = [* g] g = (tstr, int)`, list(list(), list("x", 1, "y", 2)), list(list("x"))},
		{`a = [* int, int]`, nil, list(list(1), list(1, 2))}, // not taken back
		{`a = [~b, tstr] b = [int, int]`, list(list(1, 2, "x")), list(list(list(1, 2), "x"))},
		{`a = [* ()]`, list(list()), list(list(1))},
		{`a = [3*4 ()]`, list(list()), list(list(1))},

		{`a = {}`, list(obj{}), list(obj{"x", 1}, list())},
		{`a = { x: int }`, list(obj{"x", 1}), list(obj{}, obj{"x", "1"}, obj{"x", 1, "y", 2})},
		{`a = { ? x: int, y: tstr }`, list(obj{"y", "1", "x", 1}, obj{"y", "1"}), list(obj{"x", 1}, obj{"x", "1", "y", "1"})},
		{`a = { "x y": int, 5: tstr, -1 => bool }`, list(obj{"x y", 1, 5, "z", -1, true}), list(obj{"x y", 1, "5", "z", -1, true})},
		{`a = { * int => tstr }`, list(obj{}, obj{1, "x", 2, "y"}), list(obj{1, 1}, obj{"x", "y"})},
		{`a = { 2*3 int => tstr }`, list(obj{1, "x", 2, "y"}), list(obj{1, "x"}, obj{1, "", 2, "", 3, "", 4, ""})},
		{`a = { + tstr => any }`, list(obj{"x", 1}), list(obj{}, obj{1, 1})},
		{`a = { tstr => int, tstr => tstr }`, list(obj{"x", 1, "y", "z"}, obj{"x", "z", "y", 1}), list(obj{"x", 1, "y", 2}, obj{"x", 1})},
		// The wildcard behind a name without and with a cut (RFC 8610, 3.5.4).
		{`a = { ? "x" => int, * tstr => any }`, list(obj{"x", 1}, obj{"x", "y"}, obj{"z", nil}), list(obj{1, 1})},
		{`a = { ? "x" ^ => int, * tstr => any }`, list(obj{"x", 1}, obj{"z", nil}), list(obj{"x", "y"})},
		{`a = { ? x: int, * tstr => any }`, list(obj{"x", 1, "z", nil}, obj{}), list(obj{"x", "y"})},
		{`a = { ? &(x: 1) ^ => int, * int => any }`, list(obj{1, 1, 2, nil}), list(obj{1, "y"})},
		{`a = { * tstr => any, ? x: int }`, list(obj{"x", "y"}), nil}, // the wildcard comes first
		{`a = { ? (x: int // y: int), * tstr => any }`, list(obj{"x", 1}, obj{"y", 1}, obj{}), list(obj{"x", "n"}, obj{"x", "n", "y", 1})},
		// Choices that differ in the type of one member.
		{`a = { (x: 1, y: int // x: 2, y: tstr), * tstr => any }`, list(obj{"x", 1, "y", 1}, obj{"x", 2, "y", ""}), list(obj{"x", 1, "y", ""}, obj{"x", 2, "y", 1}, obj{"x", 3, "y", 1}, obj{})},
		{`a = { (x: 1, y: int // ? y: tstr), * tstr => any }`, list(obj{"x", 1, "y", 1}, obj{"y", ""}, obj{"x", 1}), list(obj{"x", 3, "y", ""}, obj{"y", 1})},
		{`a = { (x: 1, y: int // x: 1, z: int) }`, list(obj{"x", 1, "z", 2}, obj{"x", 1, "y", 2}), list(obj{"x", 1}, obj{"z", 2})},
		{`a = { ? (x: int, y: int), * tstr => any }`, list(obj{"x", 1}, obj{"x", 1, "y", 1}), list(obj{"x", "n"}, obj{"x", 1, "y", "n"})},
		{`a = { g, * tstr => any } g = (? x: int, ? y: int)`, list(obj{"x", 1}, obj{}), list(obj{"y", ""})},
		{`a = { g } g = x: int`, list(obj{"x", 1}), list(obj{})},
		{`a = { ~b, y: int } b = { x: int }`, list(obj{"x", 1, "y", 1}), list(obj{"y", 1})},
		{`a = { 2*2 (int => tstr) }`, list(obj{1, "x", 2, "y"}), list(obj{1, "x"})},
		{`a = { (int / tstr) => any }`, list(obj{1, 1}, obj{"x", 1}), list(obj{nil, 1})},

		{`a = &(x: 1, y: 2..4)`, list(1, 3), list(0, 5, "x")},
		{`a = &g g = (x: 1, y: 2)`, list(1, 2), list(3)},
		{`a = &(g, z: 9) g = (x: 1)`, list(1, 9), list(2)},

		{`a = pair<int, tstr> pair<x, y> = [x, y]`, list(list(1, "x")), list(list("x", 1))},
		{`a = opt<opt<int>> opt<t> = [? t]`, list(list(), list(list(1))), list(list(1), list(list("x")))},
		{`a = t<int> t<x> = { v: u<x> } u<y> = x / y  x = "lit"`, list(obj{"v", 1}, obj{"v", "lit"}), list(obj{"v", "other"})},
		{`a = { g<int> } g<v> = (k: v)`, list(obj{"k", 1}), list(obj{"k", "x"})},
		{`a = sized<3> sized<n> = bstr .size n`, list([]byte("abc")), list([]byte("ab"))},
		{`a = sized<1> sized<n> = uint .size (n) n = 8`, list(255), list(256)},

		{`a = $s $s /= int $s /= tstr`, list(1, "x"), list(nil)},
		{`a = int / $none`, list(1), list("x")},
		{`a = { ? x: int, * $$more } $$more //= (y: int) $$more //= (z: tstr)`, list(obj{}, obj{"x", 1, "y", 1}, obj{"z", "x"}), list(obj{"y", "x"}, obj{"q", 1})},
		{`a = { * $$more }`, list(obj{}), list(obj{"x", 1})},
		{`a = { $$more }`, nil, list(obj{}, obj{"x", 1})},
		{"a = int a /= tstr", list(1, "x"), list(nil)},
		{"a = [b] b = int ; a comment \"\r\nb /= 'y' ; and one at the end", list(list(1), list([]byte("y"))), list(list("x"))},
		{`a = [a] / int`, list(1, list(1), list(list(list(2)))), list(list(), list("x"))},
	} {
		s, err := cddl.Parse(test.schema)
		if err != nil {
			t.Errorf("%s: %v", test.schema, err)
			continue
		}
		for _, v := range test.accepts {
			if err := s.Validate("a", enc(v)); err != nil {
				t.Errorf("%s\n refuses %v: %v", test.schema, v, err)
			}
		}
		for _, v := range test.refuses {
			if err := s.Validate("", enc(v)); !isMismatch(err) {
				t.Errorf("%s\n of %v: %v", test.schema, v, err)
			}
		}
	}
}

func isMismatch(err error) bool {
	_, ok := errors.AsType[*cddl.Mismatch](err)
	return ok
}

// TestMessages: what a person is told is the place that is wrong, not the first
// alternative that was tried.
func TestMessages(t *testing.T) {
	const schema = `top = { name: tstr, list: [+ thing], ? when: date, * tstr => any }
thing = { (type: "a", v: int // type: "b", v: tstr), ? raw: bytes-21, ? n: idx }
date = #6.0(tstr) / #6.1(number)
bytes-21 = #6.21(bstr .size (1..4))
idx = uint .size 4
`
	s, err := cddl.Parse(schema)
	if err != nil {
		t.Fatal(err)
	}
	good := obj{"type", "b", "v", "x"}
	for _, test := range []struct {
		v    any
		want string
	}{
		{obj{"name", 1, "list", list(good)}, "/name: 1 where tstr is wanted (offset 6)"},
		{obj{"list", list(good)}, "(the whole): no member name: tstr (top) (offset 0)"},
		{obj{"name", "x", "list", list()}, "/list: the array ends where thing is wanted (offset 13)"},
		{obj{"name", "x", "list", list(good, obj{"type", "b", "v", "x", "raw", "AA"})},
			`/list/1/raw: "AA" where #6.21(bstr .size (1..4)) is wanted (bytes-21) (offset 42)`},
		{obj{"name", "x", "list", list(good, obj{"type", "b", "v", "x", "raw", tag{21, []byte("12345")}})},
			`/list/1/raw: bytes of length 5 where bstr .size (1..4) is wanted (bytes-21) (offset 43)`},
		{obj{"name", "x", "list", list(good, obj{"type", "b", "v", "x", "n", -1})},
			`/list/1/n: -1 where uint is wanted (idx) (offset 40)`},
		{obj{"name", "x", "list", list(obj{"type", "b", "v", "x", "q/~", 1})},
			`/list/0/q~1~0: a member that { (type: "a", v: int // type: "b", v: tstr), ? raw: bytes-21... has no place for (offset 30)`},
		{obj{"name", "x", "list", list(good), "when", "2024"}, `/when: "2024" where #6.0(tstr) / #6.1(number) is wanted (date) (offset 31)`},
		{list(), "(the whole): an array of 0 where { name: tstr, list: [+ thing], ? when: date, * tstr => any } is wanted (top) (offset 0)"},
	} {
		err := s.Validate("top", enc(test.v))
		if err == nil || err.Error() != test.want {
			t.Errorf("%v\n got  %v\n want %s", test.v, err, test.want)
		}
	}
}

// TestCBOR: what is not one well-formed item is refused, whatever the schema.
func TestCBOR(t *testing.T) {
	s, err := cddl.Parse(`a = any`)
	if err != nil {
		t.Fatal(err)
	}
	for _, good := range []string{
		"\x00", "\x18\x00", "\x1b\x00\x00\x00\x00\x00\x00\x00\x01", "\x5f\x41a\x40\xff", "\x7f\x61a\xff", "\x9f\x01\xff",
		"\xbf\x01\x02\xff", "\xc0\x60", "\xf8\x20", "\xf9\x7e\x00", "\xfb\x7f\xf0\x00\x00\x00\x00\x00\x00",
	} {
		if err := s.Validate("a", []byte(good)); err != nil {
			t.Errorf("%x: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "\x00\x00", "\x18", "\x1c", "\x1f", "\x41", "\x5f\x61a\xff", "\x5f\x5f\xff\xff", "\x5f\x41a", "\x61\xff", "\x81", "\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
		"\xa1\x01", "\xa2\x01\x02\x01\x02", "\xa2\x01\x02\x18\x01\x02", "\xbf\x01\xff", "\xbb\xff\xff\xff\xff\xff\xff\xff\xff", "\xc0", "\xdf", "\xf8\x10", "\xff", "\xfc",
	} {
		err := s.Validate("a", []byte(bad))
		if _, ok := errors.AsType[*cddl.MalformedError](err); !ok {
			t.Errorf("%x: %v", bad, err)
		}
	}
}
