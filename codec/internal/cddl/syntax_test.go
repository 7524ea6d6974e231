package cddl_test

import (
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec/internal/cddl"
)

// TestSyntaxErrors: what is wrong, or not supported, is an error when the schema is
// read, in its line.
func TestSyntaxErrors(t *testing.T) {
	for schema, want := range map[string]string{
		``:                             "no rule",
		`; nothing`:                    "no rule",
		"a = int\nb = c":               "line 2: c has no rule",
		"a = int\na = tstr":            "line 2: a is there twice",
		`int = 5`:                      "int is a name of the prelude",
		`a`:                            `"=" expected`,
		`a = `:                         "a type expected",
		`a = [int`:                     `"]" expected`,
		`a = "x`:                       "a string without an end",
		`a = h'0'`:                     "not hexadecimal",
		`a = b64'!'`:                   "not base64url",
		`a = 007`:                      "begins with 0",
		`a = 18446744073709551616`:     "beyond 64 bits",
		`a = 0x1p3`:                    "hexadecimal floats",
		`a = "\x"`:                     "an escape",
		"a =\tint":                     "a tab",
		"a = int\r":                    "carriage return",
		`a = tstr .bits b b = int`:     "the control .bits is not supported",
		`a = tstr .pcre "x"`:           "not supported",
		`a = tstr .cat "x"`:            "not supported",
		`a = tstr .regexp 5`:           ".regexp wants a text",
		`a = tstr .regexp "^x$"`:       "regular expression",
		`a = tstr .regexp "x*?"`:       "quantifier of a quantifier",
		`a = tstr .regexp "x{}"`:       "another form",
		`a = tstr .regexp "[a-z-[b]]"`: "not supported",
		`a = tstr .regexp "\\w"`:       "not supported",
		`a = tstr .regexp "(?i)x"`:     "not supported",
		`a = tstr .regexp "[]"`:        "class of nothing",
		`a = tstr .regexp "("`:         "regular expression",
		`a = int .lt "x"`:              "wants a number",
		`a = int .eq tstr`:             "wants a value",
		`a = 1.."x"`:                   "a range is of",
		`a = 1..2.5`:                   "a range is of",
		`a = tstr ..2`:                 "a range is of",
		`a = { int }`:                  "has no key",
		`a = { b } b = int`:            "has no key",
		`a = { g } g = (int, tstr)`:    "has no key",
		`a = { (tstr) }`:               "has no key",
		`a = g g = (x: int, y: int) b = [a a] c = int / g`: "g is a group",
		`a = int / (x // y) x = 1 y = 2`:                   "a group stands where",
		`a = [* b => int] b = a a = b`:                     "a is there twice",
		`a = b b = a`:                                      "stands for itself",
		`a = b<int> b = int`:                               "has 0 parameters, not 1",
		`a = b b<x> = x`:                                   "has 1 parameters, not 0",
		`a = b<g> b<x> = [x] g = (int, int)`:               "g is a group",
		`a<x, x> = x`:                                      "the name of a parameter",
		`a = ~int`:                                         "only a tag is unwrapped",
		`a = [~int]`:                                       "unwrapped",
		`a = [~x<int>] x<t> = [t]`:                         "unwrapped",
		`a = b<[int]> b<x> = [~x]`:                         "unwrapped",
		`a = &b b = int`:                                   "b is not a group",
		`a = b<5> b<x> = int .lt x x = 3`:                  "wants a number",
		`a = b<5> b<x> = 1 .. x x = 3`:                     "a range is of",
		`a = #8`:                                           "no major type",
		`a = #0.5`:                                         "not supported",
		`a = #7.24`:                                        "not supported",
		`a = #6.<uint>(any)`:                               "not supported",
		`a = #6.1`:                                         `"(" expected`,
		`a = [3*2 int]`:                                    "never met",
		`a = tstr .size 3 .size 4`:                         "expected",
		`a = ` + strings.Repeat("[", 200):                  "nested too deep",
		`a = "` + strings.Repeat("x", 1<<18):               "schema too long",
		"a = \xff":                                         "not UTF-8",
		`a => int`:                                         `"=" expected`,
	} {
		_, err := cddl.Parse(schema)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %s", schema, err, want)
		}
	}
}

// TestLimits: both sides.
func TestLimits(t *testing.T) {
	nest := func(n int) string { return "a = " + strings.Repeat("[", n) + strings.Repeat("]", n) }
	// Each level of brackets takes two of the parser's: the type and its group.
	if _, err := cddl.Parse(nest(64)); err != nil {
		t.Error(err)
	}
	if _, err := cddl.Parse(nest(65)); err == nil {
		t.Error("65 brackets are read")
	}
	rules := func(n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString("r" + strings.Repeat("x", i%60) + string(rune('a'+i/60%26)) + string(rune('a'+i/1560)) + " = int\n")
		}
		return b.String()
	}
	const ofPrelude = 40
	if _, err := cddl.Parse(rules(4096 - ofPrelude)); err != nil {
		t.Error(err)
	}
	if _, err := cddl.Parse(rules(4097 - ofPrelude)); err == nil || !strings.Contains(err.Error(), "too many rules") {
		t.Errorf("4097 rules: %v", err)
	}
	const short = "a = int ; "
	if _, err := cddl.Parse(short + long(1<<18-len(short))); err != nil {
		t.Error(err)
	}
	if _, err := cddl.Parse(short + long(1<<18-len(short)+1)); err == nil || !strings.Contains(err.Error(), "schema too long") {
		t.Errorf("a schema of 256 KiB and 1: %v", err)
	}

	s, err := cddl.Parse(`any-nested = any  endless = endless2 / int  endless2 = endless / tstr
slow = [slow, 1] / [slow, 2] / [slow, 3] / 0
of-any = any .size 3  group = (x: int, y: int) gen<x> = x`)
	if err != nil {
		t.Fatal(err)
	}
	deep := func(n int) []byte { return []byte(strings.Repeat("\x81", n) + "\x00") }
	if err := s.Validate("any-nested", deep(128)); err != nil {
		t.Error(err)
	}
	if err := s.Validate("any-nested", deep(129)); err == nil || !strings.Contains(err.Error(), "nested too deep") {
		t.Errorf("129 arrays: %v", err)
	}
	const maxItem = 64 << 20
	large := append(head(2, maxItem-5), make([]byte, maxItem-5)...)
	if err := s.Validate("any-nested", large); err != nil || len(large) != maxItem {
		t.Errorf("an item of %d bytes: %v", len(large), err)
	}
	if err := s.Validate("any-nested", append(large, 0)); err == nil || !strings.Contains(err.Error(), "item too long") {
		t.Errorf("an item of 64 MiB and 1: %v", err)
	}
	few := any(0)
	for range 4 {
		few = list(few, 3)
	}
	if err := s.Validate("slow", enc(few)); err != nil {
		t.Error(err)
	}
	slow := any(0)
	for range 60 {
		slow = list(slow, 4)
	}
	for _, test := range []struct {
		rule string
		data []byte
		want string
	}{
		{"endless", enc(1), "inside each other too deep"},
		{"slow", enc(slow), "too many steps"},
		{"of-any", enc(list()), "there is no size of an array"},
		{"group", enc(1), "it is a group"},
		{"gen", enc(1), "has parameters"},
		{"none", enc(1), "it is not there"},
	} {
		if err := s.Validate(test.rule, test.data); err == nil || isMismatch(err) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", test.rule, err, test.want)
		}
	}
	if err := s.Validate("of-any", enc("abc")); err != nil {
		t.Error(err)
	}
}
