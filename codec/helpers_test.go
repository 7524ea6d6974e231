package codec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const vconDir = "../testdata/vcon"

// sameJSON compares two JSON texts by value, with another reader than ours:
// member order does not matter, numbers must have equal value and kind.
func sameJSON(t *testing.T, a, b []byte) error {
	t.Helper()
	return sameValue("", parseJSON(t, a), parseJSON(t, b))
}

func parseJSON(t *testing.T, data []byte) any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("encoding/json refuses what should be JSON: %v", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		t.Fatal("more than one JSON value")
	}
	return v
}

func sameValue(at string, a, b any) error {
	switch a := a.(type) {
	case map[string]any:
		m, ok := b.(map[string]any)
		if !ok || len(m) != len(a) {
			return fmt.Errorf("%s: %d members against %v", at, len(a), b)
		}
		for k, v := range a {
			w, ok := m[k]
			if !ok {
				return fmt.Errorf("%s/%s: missing", at, k)
			}
			if err := sameValue(at+"/"+k, v, w); err != nil {
				return err
			}
		}
		return nil
	case []any:
		s, ok := b.([]any)
		if !ok || len(s) != len(a) {
			return fmt.Errorf("%s: %d elements against %v", at, len(a), b)
		}
		for i := range a {
			if err := sameValue(at+"/"+strconv.Itoa(i), a[i], s[i]); err != nil {
				return err
			}
		}
		return nil
	case json.Number:
		n, ok := b.(json.Number)
		if !ok || plainNumber(string(a)) != plainNumber(string(n)) {
			return fmt.Errorf("%s: number %v against %v", at, a, b)
		}
		return nil
	}
	if a != b {
		return fmt.Errorf("%s: %q against %q", at, a, b)
	}
	return nil
}

// plainNumber is a number's kind, sign, digits and exponent.
func plainNumber(s string) string {
	kind := "int"
	if strings.ContainsAny(s, ".eE") || s == "-0" {
		kind = "frac"
	}
	digits, negative := strings.CutPrefix(s, "-")
	exp := 0
	if i := strings.IndexAny(digits, "eE"); i >= 0 {
		exp, _ = strconv.Atoi(digits[i+1:])
		digits = digits[:i]
	}
	if i := strings.IndexByte(digits, '.'); i >= 0 {
		exp -= len(digits) - i - 1
		digits = digits[:i] + digits[i+1:]
	}
	digits = strings.TrimLeft(digits, "0")
	for strings.HasSuffix(digits, "0") {
		digits, exp = digits[:len(digits)-1], exp+1
	}
	if digits == "" {
		exp = 0
	}
	return fmt.Sprintf("%s %v %s e%d", kind, negative, digits, exp)
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// glob fails when nothing matches, so that a test over a folder cannot pass empty.
func glob(t testing.TB, patterns ...string) []string {
	t.Helper()
	var all []string
	for _, p := range patterns {
		names, err := filepath.Glob(p)
		if err != nil || len(names) == 0 {
			t.Fatalf("no file matches %s (%v)", p, err)
		}
		all = append(all, names...)
	}
	return all
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
