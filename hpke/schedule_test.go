package hpke

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
)

// TestSchedule spells the notation out once more.
func TestSchedule(t *testing.T) {
	equal(t, "L(x)", Label("pair"), []byte("vcon-transfer/1 pair"))
	h := Hash("th1", []byte("a"), nil, []byte("bc"))
	want := sha256.Sum256([]byte("vcon-transfer/1 th1\x00abc"))
	equal(t, "H(x)", h[:], want[:])
	h = Hash("")
	want = sha256.Sum256([]byte("vcon-transfer/1 \x00"))
	equal(t, "H()", h[:], want[:])
	equal(t, "lp", AppendPrefixed([]byte("x"), []byte("abc")), []byte("x\x00\x00\x00\x03abc"))
	equal(t, "lp of nothing", AppendPrefixed(nil, nil), []byte{0, 0, 0, 0})

	prk := Extract(Label("pair"), []byte("secret"))
	stdPRK, err := hkdf.Extract(sha256.New, []byte("secret"), Label("pair"))
	check(t, err)
	equal(t, "Extract", prk[:], stdPRK)
	out, err := hkdf.Expand(sha256.New, stdPRK, "vcon-transfer/1 hello\x00ctx", 40)
	check(t, err)
	equal(t, "Expand", prk.Expand("hello", []byte("ctx"), 40), out)
}

// TestExpandSeparation: no other pair of label and context gives the same bytes.
func TestExpandSeparation(t *testing.T) {
	prk := Extract(nil, []byte("secret"))
	seen := map[string]string{}
	for _, c := range [][2]string{{"a", ""}, {"a", "b"}, {"ab", ""}, {"", "ab"}, {"", ""}, {"a", "\x00"}, {"a", "\x00b"}, {"a ", "b"}} {
		out := string(prk.Expand(c[0], []byte(c[1]), 32))
		if before, ok := seen[out]; ok {
			t.Errorf("%q gives the bytes of %s", c, before)
		}
		seen[out] = fmt.Sprintf("%q", c)
	}
	mustPanic(t, "zero byte", func() { prk.Expand("a\x00b", nil, 32) })
	mustPanic(t, "zero byte", func() { Hash("a\x00") })
}

func TestExpandLimits(t *testing.T) {
	prk := Extract(nil, nil)
	for _, n := range []int{1, MaxDerived} {
		if got := len(prk.Expand("x", nil, n)); got != n {
			t.Errorf("%d bytes, want %d", got, n)
		}
	}
	for _, n := range []int{-1, 0, MaxDerived + 1} {
		mustPanic(t, "length", func() { prk.Expand("x", nil, n) })
	}
}

func TestSecret(t *testing.T) {
	a, b := Extract(nil, []byte("a")), Extract(nil, []byte("b"))
	if a.Equal(b) || !a.Equal(Extract(nil, []byte("a"))) {
		t.Error("Equal is wrong")
	}
	a.Erase()
	if a != (Secret{}) {
		t.Error("Erase left bytes")
	}
}

// TestRedaction prints every secret in every way we know and looks for its bytes,
// as hex, as text and as numbers.
func TestRedaction(t *testing.T) {
	marker := []byte("kZ93xkZ93xkZ93xkZ93xkZ93xkZ93x!!")
	secret := Secret(marker)
	sk, err := ParsePrivateKey(SuiteX25519, marker)
	check(t, err)
	pk := sk.Public()
	var enc []byte
	enc, sender, err := SetupPSKS(pk, nil, marker, marker)
	check(t, err)
	recipient, err := SetupPSKR(sk, enc, nil, marker, marker)
	check(t, err)
	sealer, err := NewChunkSealer(SuiteX25519, marker)
	check(t, err)
	opener, err := NewChunkOpener(SuiteX25519, marker)
	check(t, err)
	w, err := NewWriter(&bytes.Buffer{}, SuiteX25519, marker)
	check(t, err)
	_, err = w.Write(marker)
	check(t, err)
	var file bytes.Buffer
	fw, err := NewWriter(&file, SuiteX25519, marker)
	check(t, err)
	_, err = fw.Write(marker)
	check(t, err)
	check(t, fw.Close())
	r, err := NewReader(&file, SuiteX25519, marker)
	check(t, err)
	_, err = r.Read(make([]byte, 1))
	check(t, err)

	type holder struct {
		S  Secret
		K  *PrivateKey
		KV PrivateKey
		P  *PublicKey
	}
	held := holder{secret, sk, *sk, pk}
	values := []any{
		secret, &secret, []Secret{secret}, map[string]Secret{"k": secret}, held, &held, fmt.Errorf("wrap %v", secret),
		sk, *sk, pk, *pk, sender, recipient, sealer, opener, w, r,
	}
	var out strings.Builder
	handlers := []slog.Handler{
		slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil),
	}
	public := pk.Bytes()
	for _, v := range values {
		out.Reset()
		for _, verb := range strings.Fields("%v %+v %#v %s %q %x %X %d %o %b %c %U %t %20v % x %#x") {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		fmt.Fprintln(&out, v)
		for _, h := range handlers {
			slog.New(h).Info("m", "v", v)
		}
		if b, err := json.Marshal(v); err == nil {
			out.Write(b)
		}
		text := strings.ToLower(out.String())
		for _, b := range [][]byte{marker, public} {
			for _, form := range []string{
				string(b[:6]), fmt.Sprintf("%x", b[:6]), fmt.Sprintf("% x", b[:6]),
				strings.Trim(fmt.Sprint(b[:6]), "[]"), strings.ReplaceAll(strings.Trim(fmt.Sprint(b[:6]), "[]"), " ", ","),
				strings.Trim(fmt.Sprintf("%#v", b[:6]), "[]byte{}"),
			} {
				if strings.Contains(text, strings.ToLower(form)) {
					t.Errorf("%s prints its bytes as %q", reflect.TypeOf(v), form)
				}
			}
		}
	}
	for _, v := range []any{secret, sk, held} {
		if b, err := json.Marshal(v); err == nil {
			t.Errorf("%T has a JSON form: %s", v, b)
		}
	}
	for got, want := range map[string]string{
		secret.String(): "hpke.Secret(redacted)", sk.GoString(): "hpke.PrivateKey(x25519, redacted)",
		pk.GoString(): "hpke.PublicKey(x25519, redacted)", secret.GoString(): "hpke.Secret(redacted)",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
