package pairing

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// vectorDir holds the vectors; VCON_TRANSFER_UPDATE=1 writes them anew.
const vectorDir = "../testdata/vectors/pairing"

// vectors reads a file into want, or writes got to it first. It fails when nothing is in the file.
func vectors[T any](t *testing.T, name string, got []T) (want []T) {
	t.Helper()
	path := filepath.Join(vectorDir, name)
	if os.Getenv("VCON_TRANSFER_UPDATE") == "1" {
		b, err := json.MarshalIndent(got, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&want); err != nil {
		t.Fatal(err)
	}
	if len(want) == 0 {
		t.Fatal("no vectors")
	}
	return want
}

// kinds name the errors in the vectors.
func kinds() map[string]error {
	return map[string]error{
		"": nil, "mistyped": ErrMistyped, "malformed": ErrMalformed, "version": ErrVersion, "suite": ErrSuite,
		"intent": ErrIntent,
	}
}

func kindOf(t *testing.T, err error) string {
	t.Helper()
	for k, e := range kinds() {
		if e != nil && errors.Is(err, e) {
			return k
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return ""
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type offerVector struct {
	Name   string `json:"name"`
	Text   string `json:"text"`
	Error  string `json:"error,omitempty"`
	Binary string `json:"binary,omitempty"`
	Secret string `json:"secret,omitempty"`
	Route  string `json:"route,omitempty"`
}

func offerVectors(t *testing.T) []offerVector {
	var all []offerVector
	for _, suite := range suites() {
		for _, r := range sampleRoutes() {
			o := sampleOffer()
			o.Suite, o.Route = suite, r
			b, err := o.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, offerVector{
				Name: suite.String() + ", " + strings.SplitN(r.String(), " ", 2)[0], Text: o.Text(),
				Binary: hex.EncodeToString(b), Secret: hex.EncodeToString(o.Secret[:]), Route: r.String(),
			})
		}
	}
	text := sampleOffer().Text()
	b, err := sampleOffer().MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	all = append(all,
		offerVector{Name: "lower case", Text: strings.ToLower(text), Binary: hex.EncodeToString(b)},
		offerVector{Name: "grouped", Text: text[:20] + "-" + text[20:40] + " \r\n" + text[40:], Binary: hex.EncodeToString(b)},
		offerVector{Name: "empty", Text: "", Error: "mistyped"},
		offerVector{Name: "one character changed", Text: "A" + text[1:], Error: "mistyped"},
		offerVector{Name: "one character left out", Text: text[1:], Error: "mistyped"},
		offerVector{Name: "two characters swapped", Text: text[:10] + text[11:12] + text[10:11] + text[12:], Error: "mistyped"},
		offerVector{Name: "a character that is in no offer", Text: text[:9] + "9" + text[10:], Error: "mistyped"},
		offerVector{Name: "an address of the web", Text: "https://example.com/", Error: "mistyped"},
	)
	for _, c := range badOffers() {
		all = append(all, offerVector{Name: c.name, Text: textOf(c.body), Error: kindOf(t, c.want)})
	}
	return all
}

func TestOfferVectors(t *testing.T) {
	for _, v := range vectors(t, "offer.json", offerVectors(t)) {
		o, err := ParseOffer(v.Text)
		if want := kinds()[v.Error]; !errors.Is(err, want) || (want == nil) != (err == nil) {
			t.Errorf("%s: %v, want %q", v.Name, err, v.Error)
			continue
		}
		if err != nil {
			continue
		}
		if b, err := o.MarshalBinary(); err != nil || !bytes.Equal(b, unhex(t, v.Binary)) {
			t.Errorf("%s: binary form differs: %v", v.Name, err)
		}
		if v.Secret != "" && (!bytes.Equal(o.Secret[:], unhex(t, v.Secret)) || o.Route.String() != v.Route) {
			t.Errorf("%s: secret or route differs", v.Name)
		}
	}
}

type bundleVector struct {
	Name       string `json:"name"`
	Bytes      string `json:"bytes"`
	Error      string `json:"error,omitempty"`
	Commitment string `json:"commitment,omitempty"`
}

func bundleVectors(t *testing.T) []bundleVector {
	raw, err := sampleBundle(t).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	least := &Bundle{Suite: sampleBundle(t).Suite, PublicKey: sampleBundle(t).PublicKey, Intent: SameAccount}
	small, err := least.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var all []bundleVector
	add := func(name string, b []byte, kind string) {
		v := bundleVector{Name: name, Bytes: hex.EncodeToString(b), Error: kind}
		if com := commitment(b); kind == "" {
			v.Commitment = hex.EncodeToString(com[:])
		}
		all = append(all, v)
	}
	add("every field", raw, "")
	add("the least", small, "")
	add("a field of a later version", change(t, raw, 42, []any{"later"}), "")
	add("another suite", change(t, raw, bundleSuite, 9), "suite")
	add("another intent", change(t, raw, bundleIntent, 3), "intent")
	add("key of low order", change(t, raw, bundlePublicKey, make([]byte, 32)), "malformed")
	add("random of 31 bytes", change(t, raw, bundleRandom, make([]byte, 31)), "malformed")
	add("label with an escape", change(t, raw, bundleLabel, "\x1b[2J"), "malformed")
	add("empty room is written", change(t, raw, bundleRoom, ""), "malformed")
	add("17 routes", change(t, raw, bundleRoutes, many(MaxRoutes+1)), "malformed")
	add("keys unsorted", append([]byte{raw[0], 0x02}, raw[1:]...), "malformed")
	add("a byte after it", append(bytes.Clone(raw), 0), "malformed")
	return all
}

func TestBundleVectors(t *testing.T) {
	for _, v := range vectors(t, "bundle.json", bundleVectors(t)) {
		raw := unhex(t, v.Bytes)
		b, err := ParseBundle(raw)
		if want := kinds()[v.Error]; !errors.Is(err, want) || (want == nil) != (err == nil) {
			t.Errorf("%s: %v, want %q", v.Name, err, v.Error)
			continue
		}
		if err != nil {
			continue
		}
		if again, err := b.MarshalBinary(); err != nil || !bytes.Equal(again, raw) {
			t.Errorf("%s: encoding differs: %v", v.Name, err)
		}
		if com := commitment(raw); hex.EncodeToString(com[:]) != v.Commitment {
			t.Errorf("%s: commitment differs", v.Name)
		}
	}
}
