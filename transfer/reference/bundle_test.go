package reference

import (
	"encoding/hex"
	"testing"
)

// bundle is section "Pairing", "Receiver bundle".
type bundle struct {
	suiteByte uint64
	intent    uint64
	publicKey []byte
	random    []byte
	room      string
	label     string
	routes    []route
	unknown   int
}

// parseBundle reads a bundle by itself; that suite and intent are the offer's
// is for the caller.
func parseBundle(b []byte) (bundle, error) {
	var out bundle
	it, err := small.parse(b)
	if err != nil || !it.is(majorMap) {
		return out, errMalformed
	}
	var seen [10]bool
	for i := 0; i < len(it.list); i += 2 {
		k, v := it.list[i], it.list[i+1]
		if !k.is(majorUint) {
			return out, errMalformed
		}
		if k.arg < 10 {
			seen[k.arg] = true
		}
		ok := true
		switch k.arg {
		case 1:
			out.suiteByte, ok = v.arg, v.is(majorUint) && v.arg <= 255
		case 2:
			out.publicKey, ok = v.data, v.is(majorBytes)
		case 3:
			out.random, ok = v.fixed(32)
		case 4:
			out.intent, ok = v.arg, v.is(majorUint) && v.arg <= 255
		case 5:
			out.room, ok = string(v.data), v.is(majorText) && sized(v, 512) && plainText(string(v.data))
		case 6:
			ok = v.is(majorArray) && 1 <= len(v.list) && len(v.list) <= 16
			for _, e := range v.list {
				r, good := parseRoute(e)
				ok = ok && good && r.kind != 0
				out.routes = append(out.routes, r)
			}
		case 7:
			out.label, ok = string(v.data), v.is(majorText) && sized(v, 64) && plainText(string(v.data))
		case 8:
			ok = v.is(majorBytes) && sized(v, 4096)
		case 9:
			ok = v.is(majorBytes) && sized(v, 8192)
		default:
			out.unknown++
			ok = out.unknown <= 16
		}
		if !ok {
			return out, errMalformed
		}
	}
	if !seen[1] || !seen[2] || !seen[3] || !seen[4] {
		return out, errMalformed
	}
	s, known := suiteOf(out.suiteByte)
	if !known {
		return out, errSuite
	}
	if out.intent != 1 && out.intent != 2 {
		return out, errIntent
	}
	if s.checkPublic(out.publicKey) != nil {
		return out, errMalformed
	}
	return out, nil
}

// sized says whether a string has 1 to n bytes: an empty value is not written.
func sized(it item, n int) bool { return 0 < len(it.data) && len(it.data) <= n }

func TestBundles(t *testing.T) {
	var cases []struct{ Name, Bytes, Commitment, Error string }
	load(t, "pairing/bundle.json", &cases)
	if len(cases) == 0 {
		t.Fatal("no cases")
	}
	for _, c := range cases {
		b := unhex(t, c.Bytes)
		out, err := parseBundle(b)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != c.Error {
			t.Errorf("%s: %q, want %q", c.Name, got, c.Error)
		}
		if err == nil && hex.EncodeToString(labeledHash("receiver bundle", b)) != c.Commitment {
			t.Errorf("%s: another commitment", c.Name)
		}
		if err == nil && (c.Name == "a field of a later version") != (out.unknown == 1) {
			t.Errorf("%s: %d unknown fields", c.Name, out.unknown)
		}
	}
}
