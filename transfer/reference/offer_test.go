package reference

import (
	"bytes"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

var (
	errMistyped  = errors.New("mistyped")
	errVersion   = errors.New("version")
	errSuite     = errors.New("suite")
	errIntent    = errors.New("intent")
	errMalformed = errors.New("malformed")
)

// small reads the CBOR of section "Pairing". In the values of fields of a later
// version it is stricter than the section, which no vector shows.
var small = cborReader{depth: 8, count: 128}

// offer is section "Pairing", "Offer".
type offer struct {
	binary     []byte
	suite      suite
	suiteByte  uint64
	intent     uint64
	secret     []byte
	commitment []byte
	expiry     uint64
	route      route
}

// route is the kind, and the address or the text.
type route struct {
	kind uint64
	addr netip.AddrPort
	text string
}

// parseText reads the text form.
func parseText(text string) (offer, error) {
	if len(text) > 4096 || !utf8.ValidString(text) {
		return offer{}, errMistyped
	}
	plain := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.Is(unicode.Pd, r), unicode.Is(unicode.Cf, r):
			return -1
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case r == '0':
			return 'O'
		case r == '1':
			return 'I'
		case r == '8':
			return 'B'
		}
		return r
	}, text)
	encoding := base32.StdEncoding.WithPadding(base32.NoPadding)
	all, err := encoding.DecodeString(plain)
	if err != nil || len(all) < 3 || encoding.EncodeToString(all) != plain {
		return offer{}, errMistyped
	}
	body, check := all[:len(all)-3], all[len(all)-3:]
	if !bytes.Equal(labeledHash("offer check", body)[:3], check) {
		return offer{}, errMistyped
	}
	return parseOffer(body)
}

func parseOffer(b []byte) (offer, error) {
	o := offer{binary: b}
	if len(b) > 512 {
		return o, errMalformed
	}
	// The version decides before anything else is looked at.
	head := cborReader{rest: b}
	first, err := head.head()
	if err != nil || !first.is(majorArray) || first.arg == 0 {
		return o, errMalformed
	}
	version, err := head.head()
	if err != nil || !version.is(majorUint) || version.arg > 255 {
		return o, errMalformed
	}
	if version.arg != 1 {
		return o, errVersion
	}
	it, err := small.parse(b)
	if err != nil || len(it.list) != 7 {
		return o, errMalformed
	}
	e := it.list
	var ok [3]bool
	o.suiteByte, o.intent, o.expiry = e[1].arg, e[2].arg, e[5].arg
	o.secret, ok[0] = e[3].fixed(32)
	o.commitment, ok[1] = e[4].fixed(32)
	o.route, ok[2] = parseRoute(e[6])
	if !e[1].is(majorUint) || !e[2].is(majorUint) || !e[5].is(majorUint) ||
		o.suiteByte > 255 || o.intent > 255 || o.expiry > 1<<32-1 || ok != [3]bool{true, true, true} ||
		bytes.Equal(o.secret, make([]byte, 32)) {
		return o, errMalformed
	}
	var known bool
	if o.suite, known = suiteOf(o.suiteByte); !known {
		return o, errSuite
	}
	if o.intent != 1 && o.intent != 2 {
		return o, errIntent
	}
	return o, nil
}

func parseRoute(it item) (route, bool) {
	if !it.is(majorArray) || len(it.list) != 0 && len(it.list) != 2 {
		return route{}, false
	}
	if len(it.list) == 0 {
		return route{}, true
	}
	kind, value := it.list[0], it.list[1]
	if !kind.is(majorUint) {
		return route{}, false
	}
	r := route{kind: kind.arg, text: string(value.data)}
	switch r.kind {
	case 1:
		if !value.is(majorBytes) || len(value.data) != 6 && len(value.data) != 18 {
			return r, false
		}
		n := len(value.data) - 2
		addr, _ := netip.AddrFromSlice(value.data[:n])
		port := uint16(value.data[n])<<8 | uint16(value.data[n+1])
		r.addr = netip.AddrPortFrom(addr, port)
		return r, port != 0 && !addr.IsUnspecified() && !addr.IsMulticast() && !addr.Is4In6()
	case 2:
		return r, value.is(majorText) && plainText(r.text) && 1 <= len(r.text) && len(r.text) <= 107
	case 3:
		for _, c := range []byte(r.text) {
			if c < '!' || c > '~' {
				return r, false
			}
		}
		u, err := url.Parse(r.text)
		return r, value.is(majorText) && len(r.text) <= 255 && err == nil &&
			(u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" &&
			u.User == nil && u.Fragment == ""
	}
	return r, false
}

// plainText is the definition at the top of section "Pairing".
func plainText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || r == 0x2028 || r == 0x2029 ||
			0x202a <= r && r <= 0x202e || 0x2066 <= r && r <= 0x2069
	})
}

func TestOffers(t *testing.T) {
	var cases []struct{ Name, Text, Binary, Secret, Error string }
	load(t, "pairing/offer.json", &cases)
	if len(cases) == 0 {
		t.Fatal("no cases")
	}
	for _, c := range cases {
		o, err := parseText(c.Text)
		if c.Error != "" {
			if err == nil || err.Error() != c.Error {
				t.Errorf("%s: %v, want %s", c.Name, err, c.Error)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		if hex.EncodeToString(o.binary) != c.Binary {
			t.Errorf("%s: another binary form", c.Name)
		}
		if c.Secret != "" && hex.EncodeToString(o.secret) != c.Secret {
			t.Errorf("%s: another secret", c.Name)
		}
	}
}

// load reads a vector file.
func load(t testing.TB, name string, into any) {
	t.Helper()
	data, err := os.ReadFile("../../testdata/vectors/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
