package reference

import (
	"bytes"
	"encoding/base32"
	"strings"
	"testing"
)

// readText reads a text form: a prefix and base32(body || check), the check
// being the first 3 bytes of H(name, body). It takes either case and blanks
// around, and no second spelling: base32 with bits left over that are not zero
// would be one.
func readText(text, prefix, name string) ([]byte, bool) {
	rest, ok := strings.CutPrefix(strings.ToUpper(strings.TrimSpace(text)), prefix)
	if !ok {
		return nil, false
	}
	coding := base32.StdEncoding.WithPadding(base32.NoPadding)
	b, err := coding.DecodeString(rest)
	if err != nil || len(b) < 4 || coding.EncodeToString(b) != rest {
		return nil, false
	}
	body, check := b[:len(b)-3], b[len(b)-3:]
	return body, bytes.Equal(check, labeledHash(name, body)[:3])
}

// writeText is the inverse of readText.
func writeText(body []byte, prefix, name string) string {
	b := append(bytes.Clone(body), labeledHash(name, body)[:3]...)
	return prefix + base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b)
}

// readIdentity reads the text form of an identity.
func readIdentity(text string) ([]byte, bool) {
	key, ok := readText(text, "VCT-IDENTITY-", "identity check")
	return key, ok && checkIdentity(key)
}

// readSeed reads the text form of an identity's secret.
func readSeed(text string) ([]byte, bool) {
	seed, ok := readText(text, "VCT-SECRET-IDENTITY-", "identity key check")
	return seed, ok && len(seed) == 32
}

// readRecipient reads the text form of a recipient's public key: its suite and
// the key.
func readRecipient(text string) (uint64, []byte, bool) {
	body, ok := readText(text, "VCT-KEY-", "recipient check")
	if !ok {
		return 0, nil, false
	}
	s, known := suiteOf(uint64(body[0]))
	return uint64(body[0]), body[1:], known && s.checkPublic(body[1:]) == nil
}

// readRecipientKey reads that of the secret.
func readRecipientKey(text string) (uint64, []byte, bool) {
	body, ok := readText(text, "VCT-SECRET-KEY-", "recipient key check")
	if !ok {
		return 0, nil, false
	}
	_, known := suiteOf(uint64(body[0]))
	return uint64(body[0]), body[1:], known && len(body) == 33 && !bytes.Equal(body[1:], make([]byte, 32))
}

// readRequest reads a request: a bundle without routes.
func readRequest(text string) (bundle, bool) {
	body, ok := readText(text, "VCT-REQUEST-", "request check")
	if !ok {
		return bundle{}, false
	}
	b, err := parseBundle(body)
	return b, err == nil && len(b.routes) == 0
}

// publicOf is the recipient key that stands alone in binary: its suite is the
// one whose keys are so long.
func publicOf(key []byte) (uint64, bool) {
	for b := uint64(1); b <= 2; b++ {
		if s, _ := suiteOf(b); len(key) == s.npk {
			return b, s.checkPublic(key) == nil
		}
	}
	return 0, false
}

// The vectors have secret keys only. Their public keys go through the text form
// and back, and what a reader refuses is made from them.
func TestRecipientKeys(t *testing.T) {
	suites := map[uint64]bool{}
	for _, v := range shareFiles(t) {
		suiteByte, sk, ok := readRecipientKey(" " + strings.ToLower(v.Key) + "\n")
		if !ok || writeText(append([]byte{byte(suiteByte)}, sk...), "VCT-SECRET-KEY-", "recipient key check") != v.Key {
			t.Fatalf("%s: key %s", v.Name, v.Key)
		}
		if suites[suiteByte] {
			continue
		}
		suites[suiteByte] = true
		s, _ := suiteOf(suiteByte)
		pk := s.public(t, sk)
		body := append([]byte{byte(suiteByte)}, pk...)
		text := writeText(body, "VCT-KEY-", "recipient check")
		if b, key, ok := readRecipient(text); !ok || b != suiteByte || !bytes.Equal(key, pk) {
			t.Errorf("suite %d: the text form of the public key does not come back", suiteByte)
		}
		if b, ok := publicOf(pk); !ok || b != suiteByte {
			t.Errorf("suite %d: a key in binary is taken for suite %d", suiteByte, b)
		}
		body[0] = 3 - body[0]
		for what, text := range map[string]string{
			"one character less":      text[:len(text)-1],
			"the check of a secret":   writeText(body, "VCT-KEY-", "recipient key check"),
			"a secret as public":      v.Key,
			"the byte of other suite": writeText(body, "VCT-KEY-", "recipient check"),
			"no suite":                writeText(append([]byte{0}, pk...), "VCT-KEY-", "recipient check"),
			"a low order point":       writeText(append([]byte{2}, make([]byte, 32)...), "VCT-KEY-", "recipient check"),
		} {
			if _, _, ok := readRecipient(text); ok {
				t.Errorf("suite %d: %s is taken", suiteByte, what)
			}
		}
	}
	if len(suites) != 2 {
		t.Errorf("keys of %d suites", len(suites))
	}
	if _, _, ok := readRecipientKey(writeText(append([]byte{1}, make([]byte, 32)...), "VCT-SECRET-KEY-", "recipient key check")); ok {
		t.Error("a secret key of zeros is taken")
	}
}

// A request is a bundle; those of the vectors are some when they have no routes.
func TestRequests(t *testing.T) {
	var cases []struct{ Name, Bytes, Error string }
	load(t, "pairing/bundle.json", &cases)
	with, without := 0, 0
	for _, c := range cases {
		b := unhex(t, c.Bytes)
		bundle, err := parseBundle(b)
		_, ok := readRequest(writeText(b, "VCT-REQUEST-", "request check"))
		if want := err == nil && len(bundle.routes) == 0; ok != want {
			t.Errorf("%s: taken as a request: %v", c.Name, ok)
		}
		if ok {
			without++
		} else if err == nil {
			with++
		}
	}
	if with == 0 || without == 0 {
		t.Errorf("%d bundles with routes, %d without", with, without)
	}
}
