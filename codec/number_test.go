package codec

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"pgregory.net/rapid"
)

// TestHalf goes through every half-precision float, and the floats beside each.
func TestHalf(t *testing.T) {
	for bits := range 1 << 16 {
		f := floatOf(head{major: majorOther, info: 25, arg: uint64(bits)})
		if math.IsNaN(f) {
			continue
		}
		if h, ok := halfOf(float32(f)); !ok || int(h) != bits {
			t.Fatalf("%04x is %v is %04x, %v", bits, f, h, ok)
		}
		for _, to := range []float32{float32(math.Inf(1)), float32(math.Inf(-1))} {
			if near := math.Nextafter32(float32(f), to); near != float32(f) && !math.IsInf(f, 0) {
				if h, ok := halfOf(near); ok {
					t.Fatalf("%v, beside %04x, is taken for %04x", near, bits, h)
				}
			}
		}
	}
}

func TestFloatsAgreeWithLibrary(t *testing.T) {
	enc := must(cbor.CoreDetEncOptions().EncMode())(t)
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.OneOf(rapid.Float64(), rapid.Map(rapid.Float32(), func(f float32) float64 { return float64(f) })).Draw(t, "f")
		if math.IsNaN(f) {
			return
		}
		want, err := enc.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		if got := appendFloat(nil, f); !bytes.Equal(got, want) {
			t.Fatalf("%v: %x instead of %x", f, got, want)
		}
		if math.IsInf(f, 0) {
			return
		}
		text := appendFloatText(nil, f)
		if back, err := strconv.ParseFloat(string(text), 64); err != nil || back != f || math.Signbit(back) != math.Signbit(f) {
			t.Fatalf("%v prints as %s (%v)", f, text, err)
		}
		if !json.Valid(text) || !bytes.ContainsAny(text, ".e") {
			t.Fatalf("%v prints as %s", f, text)
		}
	})
}

// TestNumbers: the item of each number, and the text of each item.
func TestNumbers(t *testing.T) {
	for _, tt := range []struct{ in, item, out string }{
		{"0", "\x00", "0"},
		{"-1", "\x20", "-1"},
		{"18446744073709551615", "\x1b\xff\xff\xff\xff\xff\xff\xff\xff", "18446744073709551615"},
		{"18446744073709551616", "\xc2\x49\x01\x00\x00\x00\x00\x00\x00\x00\x00", "18446744073709551616"},
		{"-18446744073709551616", "\x3b\xff\xff\xff\xff\xff\xff\xff\xff", "-18446744073709551616"},
		{"-18446744073709551617", "\xc3\x49\x01\x00\x00\x00\x00\x00\x00\x00\x00", "-18446744073709551617"},
		{"-0", "\xf9\x80\x00", "-0.0"},
		{"-0.0", "\xf9\x80\x00", "-0.0"},
		{"-0.00e5", "\xf9\x80\x00", "-0.0"},
		{"0.0", "\xf9\x00\x00", "0.0"},
		{"0.00", "\xc4\x82\x21\x00", "0.00"},
		{"1.0", "\xf9\x3c\x00", "1.0"},
		{"1.00", "\xc4\x82\x21\x18\x64", "1.00"},
		{"1e0", "\xc4\x82\x00\x01", "1e0"},
		{"1E2", "\xc4\x82\x02\x01", "1e2"},
		{"1.5e+3", "\xc4\x82\x02\x0f", "15e2"},
		{"1e21", "\xc4\x82\x15\x01", "1e21"},
		{"1e+21", "\xfb\x44\x4b\x1a\xe4\xd6\xe2\xef\x50", "1e+21"},
		{"1e-7", "\xfb\x3e\x7a\xd7\xf2\x9a\xbc\xaf\x48", "1e-7"},
		{"0.0000001", "\xc4\x82\x26\x01", "0.0000001"},
		{"15e-1", "\xf9\x3e\x00", "1.5"},
		{"1e400", "\xc4\x82\x19\x01\x90\x01", "1e400"},
		{"-1e-400", "\xc4\x82\x39\x01\x8f\x20", "-1e-400"},
		{"0.1", "\xfb\x3f\xb9\x99\x99\x99\x99\x99\x9a", "0.1"},
		{"0.10000000000000000555", "\xc4\x82\x33\x1b\x8a\xc7\x23\x04\x89\xe8\x02\x2b", "0.10000000000000000555"},
	} {
		item := must(RawOfJSON([]byte(tt.in)))(t)
		if string(item) != tt.item {
			t.Errorf("%s: item %x", tt.in, []byte(item))
		}
		out := must(item.AppendJSON(nil))(t)
		if string(out) != tt.out {
			t.Errorf("%s: becomes %s", tt.in, out)
		}
		if again := must(RawOfJSON(out))(t); !bytes.Equal(again, item) {
			t.Errorf("%s: %s is another item, %x", tt.in, out, []byte(again))
		}
	}
	big := AppendBytes(Raw{0xc2}, bytes.Repeat([]byte{0xff}, 1701)) // 4097 digits
	if _, err := Raw(big).AppendJSON(nil); err == nil {
		t.Error("a bignum too long for JSON: no error")
	}
	big = AppendBytes(Raw{0xc2}, bytes.Repeat([]byte{0xff}, 1700))
	j := must(Raw(big).AppendJSON(nil))(t)
	if again := must(RawOfJSON(j))(t); !bytes.Equal(again, big) {
		t.Error("a long bignum changes")
	}
}

// TestLongNumbers: a number that is read can be written, and read again.
func TestLongNumbers(t *testing.T) {
	nines := strings.Repeat("9", MaxNumber)
	for text, ok := range map[string]bool{
		nines: true, nines + "9": false, "-" + nines[1:]: true, "-" + nines: false,
		nines[2:] + ".5": true, nines[:MaxNumber-3] + "e-9": true, nines[2:] + "e9": true,
		"0." + nines[6:] + "e-15": false, "0." + nines[20:] + "e-15": true, "0." + nines[5:] + "e-9": false,
	} {
		raw, err := RawOfJSON([]byte(text))
		if (err == nil) != ok {
			t.Errorf("%.10s... of %d bytes: %v", text, len(text), err)
		}
		if err != nil {
			continue
		}
		j, err := raw.AppendJSON(nil)
		if err != nil {
			t.Errorf("%.10s... of %d bytes: %v", text, len(text), err)
			continue
		}
		if again, err := RawOfJSON(j); err != nil || !bytes.Equal(again, raw) {
			t.Errorf("%.10s... of %d bytes is not what it was: %v", text, len(text), err)
		}
	}
}
