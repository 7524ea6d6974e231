package hpke

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

func suites() []Suite { return []Suite{SuiteXWing, SuiteX25519} }

// hexBytes are bytes that JSON writes in hex.
type hexBytes []byte

func (h hexBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h)), nil }

func (h *hexBytes) UnmarshalText(b []byte) (err error) {
	*h, err = hex.DecodeString(string(b))
	return err
}

// readJSON reads a file of testdata, gzipped or not.
func readJSON(t testing.TB, name string, into any) {
	t.Helper()
	f, err := os.Open("../testdata/" + name)
	check(t, err)
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(name, ".gz") {
		r, err = gzip.NewReader(f)
		check(t, err)
	}
	check(t, json.NewDecoder(r).Decode(into))
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal(t testing.TB, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Fatalf("%s: got %x, want %x", what, got, want)
	}
}

// seeded is the same randomness each time.
func seeded(n byte) io.Reader { return rand.NewChaCha8([32]byte{n, 1}) }

func newKey(t testing.TB, s Suite) *PrivateKey {
	t.Helper()
	k, err := GenerateKey(s, nil)
	check(t, err)
	return k
}

// mustPanic runs f, which has to panic with a message that contains want.
func mustPanic(t *testing.T, want string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if got, _ := recover().(string); !strings.Contains(got, want) {
			t.Errorf("panic %q, want %q", got, want)
		}
	}()
	f()
}
