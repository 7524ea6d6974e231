package codec

import (
	"bytes"
	"errors"
	"runtime"
	"strings"
	"testing"
)

// allocated is the bytes that f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestHugeLengths: a declared length allocates nothing before the bytes are there.
func TestHugeLengths(t *testing.T) {
	for _, n := range []string{"\x9a\x7f\xff\xff\xff", "\x9b\x00\x00\x00\xff\xff\xff\xff\xff", "\xba\x7f\xff\xff\xff", "\x7a\x7f\xff\xff\xff", "\x5b\x00\x00\x00\xff\xff\xff\xff\xff", "\xd5\x5a\x7f\xff\xff\xff", "\xc0\x7a\x7f\xff\xff\xff"} {
		for _, name := range []string{"parties", "dialog", "attachments", "extensions", "uuid", "zz"} {
			in := append(AppendText([]byte{0xa1}, name), n...)
			in = append(in, make([]byte, 64)...)
			if got := allocated(func() {
				if _, err := DecodeCBOR(in); err == nil {
					t.Errorf("%s %x: no error", name, n)
				}
			}); got > 32<<10 {
				t.Errorf("%s %x: DecodeCBOR allocates %d bytes", name, n, got)
			}
			if got := allocated(func() {
				if _, err := drain(NewScanner(bytes.NewReader(in))); err == nil {
					t.Errorf("%s %x: no error", name, n)
				}
			}); got > scanBuffer+32<<10 {
				t.Errorf("%s %x: the scanner allocates %d bytes", name, n, got)
			}
		}
	}
}

// TestAmplification: objects of one byte cost some hundred bytes each; input
// that is made of them is refused before much is allocated.
func TestAmplification(t *testing.T) {
	many := func(name string, n int, element string) []byte {
		b := AppendArray(AppendText([]byte{0xa1}, name), n)
		return append(b, strings.Repeat(element, n)...)
	}
	for _, tt := range []struct {
		name string
		in   []byte
		ok   bool
	}{
		{"objects at the limit", many("dialog", budgetFloor, "\xa0"), true},
		{"objects beyond", many("dialog", 1<<20, "\xa0"), false},
		{"parties beyond", many("parties", 1<<20, "\xa0"), false},
		{"objects with content", many("parties", 1<<17, "\xa1\x64name\x6dname of party"), true},
		{"extras at the limit", many("dialog", budgetFloor/2, "\xa2\x61a\x00\x61b\x00"), true},
		{"extras beyond", many("dialog", budgetFloor, "\xa8\x61a\x00\x61b\x00\x61c\x00\x61d\x00\x61e\x00\x61f\x00\x61g\x00\x61h\x00"), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := allocated(func() {
				if _, err := DecodeCBOR(tt.in); (err == nil) != tt.ok {
					t.Errorf("error %v", err)
				}
			})
			if !tt.ok && got > 400<<20 {
				t.Errorf("%d bytes allocated for %d", got, len(tt.in))
			}
		})
	}
}

func nested(open string, n int, inner, end string) string {
	return strings.Repeat(open, n) + inner + strings.Repeat(end, n)
}

func TestDepth(t *testing.T) {
	for n := MaxDepth - 2; n <= MaxDepth+3; n++ {
		_, err := DecodeJSON([]byte(`{"a":` + nested("[", n-1, "", "]") + `}`))
		if (err == nil) != (n <= MaxDepth) {
			t.Errorf("JSON, depth %d: %v", n, err)
		}
		_, err = DecodeJSON([]byte(`{"a":` + nested("[", n-1, "1.50", "]") + `}`))
		if (err == nil) != (n <= MaxDepth) {
			t.Errorf("JSON with a decimal fraction, depth %d: %v", n, err)
		}
		_, err = drain(NewScanner(strings.NewReader(`{"a":` + nested("[", n-1, "1.50", "]") + `}`)))
		if (err == nil) != (n <= MaxDepth) {
			t.Errorf("scanned JSON, depth %d: %v", n, err)
		}
		for _, open := range []string{"\x81", "\xc1", "\xa1\x00", "\x9f"} {
			end := map[bool]string{true: "\xff"}[open == "\x9f"]
			in := "\xa1\x61a" + nested(open, n-1, "\x00", end)
			_, err = DecodeCBOR([]byte(in))
			if (err == nil) != (n <= maxNesting) {
				t.Errorf("CBOR %x, depth %d: %v", open, n, err)
			}
			_, err = drain(NewScanner(strings.NewReader(in)))
			if (err == nil) != (n <= maxNesting) {
				t.Errorf("scanned CBOR %x, depth %d: %v", open, n, err)
			}
		}
	}
	for _, in := range []string{nested("[", 1<<20, "", "]"), nested(`{"a":`, 1<<20, "1", "}"), nested(`{"multi_part":{"parts":[`, 1<<16, "", "]}}")} {
		if _, err := DecodeJSON([]byte(`{"dialog":` + in + `}`)); err == nil {
			t.Error("no error")
		}
	}
	if _, err := DecodeCBOR([]byte(nested("\xa1\x61a", 1<<20, "\x00", ""))); err == nil {
		t.Error("no error")
	}
}

// TestTruncation cuts a small vCon at every byte: always an *Error, never a
// shorter vCon.
func TestTruncation(t *testing.T) {
	v := must(DecodeCBOR(readFile(t, "../testdata/vectors/codec/engineering-team.cbor")))(t)
	v.Dialog = append(v.Dialog[6:7:7], v.Dialog[9], v.Dialog[11]) // roster event, external part, parts
	c := must(v.AppendCBOR(nil))(t)
	j := must(v.AppendJSON(nil))(t)
	for _, src := range [][]byte{c, indefinite(t, c), j} {
		for n := range len(src) {
			var err error
			if src[0] == '{' {
				_, err = DecodeJSON(src[:n])
			} else {
				_, err = DecodeCBOR(src[:n])
			}
			checkError(t, n, err)
			_, err = drain(NewScanner(bytes.NewReader(src[:n])))
			checkError(t, n, err)
		}
	}
}

func checkError(t *testing.T, n int, err error) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Offset > int64(n) || e.Reason == "" {
		t.Errorf("cut at %d: %v", n, err)
	}
}

func TestLimits(t *testing.T) {
	text := func(n int) string { return strings.Repeat("t", n) }
	list := func(n int) string { return "[" + strings.Repeat("0,", n-1) + "0]" }
	objects := func(n int) string { return "[" + strings.Repeat(`{"type":"0123456789012345"},`, n-1) + "{}]" }
	texts := func(n int) string { return "[" + strings.Repeat(`"x",`, n-1) + `"x"]` }
	for _, tt := range []struct {
		name  string
		limit int
		in    func(n int) string
	}{
		{"bytes", MaxVCon, func(n int) string { return `{"subject":"` + text(n-len(`{"subject":""}`)) + `"}` }},
		{"name", MaxName, func(n int) string { return `{"` + text(n) + `":1}` }},
		{"name inside", MaxName, func(n int) string { return `{"x":{"` + text(n) + `":1}}` }},
		{"number", MaxNumber, func(n int) string { return `{"x":` + strings.Repeat("1", n) + `}` }},
		{"extensions", MaxStrings, func(n int) string { return `{"extensions":` + texts(n) + `}` }},
		{"recipients", MaxDialogParties, func(n int) string { return `{"dialog":[{"parties":` + list(n) + `}]}` }},
		{"descriptions", MaxDescriptions, func(n int) string { return `{"room":{"description":` + objects(n) + `}}` }},
		{"attachments", MaxAttachments, func(n int) string { return `{"attachments":` + objects(n) + `}` }},
		{"party history", MaxPartyHistory, func(n int) string { return `{"dialog":[{"party_history":` + objects(n) + `}]}` }},
		{"parts", MaxParts, func(n int) string { return `{"dialog":[{"multi_part":{"parts":` + objects(n) + `}}]}` }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, n := range []int{tt.limit - 1, tt.limit, tt.limit + 1} {
				if _, err := DecodeJSON([]byte(tt.in(n))); (err == nil) != (n <= tt.limit) {
					t.Errorf("%d: %v", n, err)
				}
			}
		})
	}
	if _, err := (Options{MaxBytes: 20}).DecodeCBOR(make([]byte, 21)); err == nil || !strings.Contains(err.Error(), "input too long") {
		t.Error(err)
	}
	if _, err := (Options{MaxBytes: MaxVCon + 2}).DecodeJSON(append([]byte("{}"), bytes.Repeat([]byte(" "), MaxVCon)...)); err != nil {
		t.Error(err)
	}
	if _, err := DecodeDialogCBOR(make([]byte, MaxElement+1)); err == nil || !strings.Contains(err.Error(), "input too long") {
		t.Error(err)
	}
}

// TestLimitsLarge has the limits that need a large vCon.
func TestLimitsLarge(t *testing.T) {
	for name, limit := range map[string]int{"parties": MaxParties, "dialog": MaxDialogs} {
		for _, n := range []int{limit, limit + 1} {
			b := AppendArray(AppendText([]byte{0xa1}, name), n)
			b = append(b, bytes.Repeat([]byte("\xa1\x64role\x6b0123456789a"), n)...)
			_, err := Options{MaxBytes: 1 << 30}.DecodeCBOR(b)
			if (err == nil) != (n == limit) {
				t.Errorf("%d %s: %v", n, name, err)
			}
			if name == "parties" && n > limit {
				if _, err = drain(NewScanner(bytes.NewReader(b))); (err == nil) != (n == MaxParties) {
					t.Errorf("%d %s scanned: %v", n, name, err)
				}
			}
			runtime.GC()
		}
	}
}
