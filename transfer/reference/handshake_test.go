package reference

import (
	"bytes"
	"crypto/hmac"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"testing"
)

// Roles in the key of an early error.
const (
	roleR = 1
	roleS = 2
)

// handshake is what the receiver knows of one connection, and everything that
// follows from it (section "Pairing", "Key schedule").
type handshake struct {
	mode   byte
	e      uint32
	about  []byte
	suite  suite
	prk    []byte
	nS, nB []byte
	bundle []byte
	th1    []byte
	hpke   *hpkeContext

	summary, accept []byte
	th2, th3        []byte
	session         []byte
}

// newHandshake starts from the offer secret or, on resume, rms; about is the
// offer or transfer id || e.
func newHandshake(t testing.TB, mode byte, secret, about []byte, s suite) *handshake {
	t.Helper()
	return &handshake{mode: mode, about: about, suite: s, prk: extract(t, label(modeName(mode)), secret)}
}

func modeName(mode byte) string {
	if mode == 2 {
		return "resume"
	}
	return "pair"
}

// hello reads M0.
func (h *handshake) hello(t testing.TB, m0 []byte) {
	t.Helper()
	if len(m0) != 69 || m0[0] != h.mode {
		t.Fatal("M0 has another length or mode")
	}
	key := expand(t, h.prk, "hello", nil, 32)
	if !hmac.Equal(mac(key, m0[:37]), m0[37:]) {
		t.Fatal("MAC of M0 does not match")
	}
	h.e, h.nS = binary.BigEndian.Uint32(m0[1:]), m0[5:37]
	if (h.mode == 1) != (h.e == 0) {
		t.Fatal("e does not go with the mode")
	}
}

func (h *handshake) bundleKey(t testing.TB, nB []byte) []byte {
	t.Helper()
	return expand(t, h.prk, "bundle", slices.Concat(h.nS, nB), 32)
}

// reveal reads M1.
func (h *handshake) reveal(t testing.TB, m0, m1 []byte) bundle {
	t.Helper()
	h.nB = m1[:32]
	padded, err := open(h.bundleKey(t, h.nB), nil, m1[32:], m0)
	if err != nil {
		t.Fatal("M1 does not open")
	}
	var ok bool
	if h.bundle, ok = unpad(padded); !ok {
		t.Fatal("padding of M1")
	}
	b, err := parseBundle(h.bundle)
	if err != nil {
		t.Fatal(err)
	}
	h.th1 = labeledHash("th1", []byte{h.mode}, lp(h.about), lp(h.bundle), h.nS, h.nB)
	return b
}

func (h *handshake) info() []byte { return slices.Concat(label("hpke"), []byte{0}, h.th1) }

// request reads M2 with the receiver's one-time key.
func (h *handshake) request(t testing.TB, sk, m2 []byte) {
	t.Helper()
	enc, ct := m2[:h.suite.nenc], m2[h.suite.nenc:]
	psk := expand(t, h.prk, "psk", nil, 32)
	h.hpke = h.suite.setup(t, h.suite.decapsulate(t, sk, enc), h.info(), psk, label(modeName(h.mode)))
	padded, err := h.hpke.open(ct, nil)
	if err != nil {
		t.Fatal(err)
	}
	var ok bool
	if h.summary, ok = unpad(padded); !ok {
		t.Fatal("padding of M2")
	}
	h.th2 = labeledHash("th2", h.th1, lp(enc), lp(ct))
}

func (h *handshake) acceptKey(t testing.TB, nR []byte) []byte {
	t.Helper()
	return expand(t, extract(t, nR, h.hpke.export(t, label("accept"), 32)), "accept key", nil, 32)
}

// finish reads M3.
func (h *handshake) finish(t testing.TB, m3 []byte) {
	t.Helper()
	padded, err := open(h.acceptKey(t, m3[:32]), nil, m3[32:], h.th2)
	if err != nil {
		t.Fatal("M3 does not open")
	}
	var ok bool
	if h.accept, ok = unpad(padded); !ok {
		t.Fatal("padding of M3")
	}
	h.th3 = labeledHash("th3", h.th2, lp(m3))
	h.session = extract(t, h.th3, h.hpke.export(t, label("session"), 32))
}

func (h *handshake) checkCode(t testing.TB) string {
	t.Helper()
	n := binary.BigEndian.Uint64(expand(t, h.session, "check code", nil, 8))
	return fmt.Sprintf("%06d", n%1_000_000)
}

func (h *handshake) transferID(t testing.TB) []byte {
	t.Helper()
	return expand(t, h.session, "transfer id", nil, 32)
}

func (h *handshake) rms(t testing.TB) []byte {
	t.Helper()
	return expand(t, h.session, "resumption", nil, 32)
}

// earlyError opens an error frame; nB is zero before M1.
func (h *handshake) earlyError(t testing.TB, role byte, nB, payload []byte) (uint64, string, error) {
	t.Helper()
	if len(payload) < 48 || len(payload) > 272 {
		return 0, "", errMalformed
	}
	secret := expand(t, h.prk, "error", slices.Concat(h.nS, nB, []byte{role}), 32)
	key := expand(t, extract(t, payload[:32], secret), "error key", nil, 32)
	plain, err := open(key, nil, payload[32:], nil)
	if err != nil {
		return 0, "", errOpen
	}
	it, err := small.parse(plain)
	if err != nil || !it.is(majorArray) || len(it.list) < 2 || !it.list[0].is(majorUint) ||
		it.list[0].arg > 1<<16-1 || !it.list[1].is(majorText) || len(it.list[1].data) > 200 ||
		!plainText(string(it.list[1].data)) {
		return 0, "", errMalformed
	}
	return it.list[0].arg, string(it.list[1].data), nil
}

// openReceipt opens a sealed receipt; prk is that of resume.
func openReceipt(t testing.TB, prk, sealed []byte) ([]byte, error) {
	t.Helper()
	if len(sealed) < 48 {
		return nil, errMalformed
	}
	return open(expand(t, prk, "receipt", sealed[:32], 32), nil, sealed[32:], nil)
}

func TestHandshakes(t *testing.T) {
	var cases []struct {
		Name   string
		Values map[string]string
	}
	load(t, "pairing/handshake.json", &cases)
	if len(cases) == 0 {
		t.Fatal("no cases")
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) { checkHandshake(t, c.Values) })
	}
}

func checkHandshake(t *testing.T, values map[string]string) {
	checked := map[string]bool{}
	in := func(name string) []byte {
		checked[name] = true
		return unhex(t, values[name])
	}
	is := func(name string, got []byte) {
		t.Helper()
		if want, ok := values[name]; !ok || want != hex.EncodeToString(got) {
			t.Errorf("%s is %x, want %s", name, got, want)
		}
		checked[name] = true
	}
	m0, m1, m2, m3 := in("m0"), in("m1"), in("m2"), in("m3")
	mode := m0[0]
	if mode == 1 {
		o, err := parseText(values["offer text"])
		if err != nil {
			t.Fatal(err)
		}
		checked["offer text"] = true
		is("about", o.binary)
		is("secret", o.secret)
	}
	suiteByte := uint64(1)
	if len(in("bundle")) < 1000 {
		suiteByte = 2
	}
	s, _ := suiteOf(suiteByte)
	h := newHandshake(t, mode, in("secret"), in("about"), s)
	is("prk", h.prk)
	is("hello key", expand(t, h.prk, "hello", nil, 32))
	is("channel", expand(t, h.prk, "channel", nil, 16))
	is("token R", expand(t, h.prk, "token R", nil, 16))
	is("token S", expand(t, h.prk, "token S", nil, 16))
	is("psk", expand(t, h.prk, "psk", nil, 32))

	h.hello(t, m0)
	b := h.reveal(t, m0, m1)
	is("bundle", h.bundle)
	is("bundle key", h.bundleKey(t, h.nB))
	is("th1", h.th1)
	is("info", h.info())
	if mode == 1 {
		o, _ := parseText(values["offer text"])
		if !bytes.Equal(labeledHash("receiver bundle", h.bundle), o.commitment) ||
			b.suiteByte != o.suiteByte || b.intent != o.intent {
			t.Error("bundle is not that of the offer")
		}
	} else if binary.BigEndian.Uint32(h.about[32:]) != h.e || len(h.about) != 36 {
		t.Error("about does not end with e")
	}

	sk := in("one-time key")
	if !bytes.Equal(s.public(t, sk), b.publicKey) {
		t.Error("one-time key is not that of the bundle")
	}
	h.request(t, sk, m2)
	is("summary", h.summary)
	is("th2", h.th2)
	is("export accept", h.hpke.export(t, label("accept"), 32))
	is("export session", h.hpke.export(t, label("session"), 32))
	is("accept key", h.acceptKey(t, m3[:32]))
	h.finish(t, m3)
	is("accept", h.accept)
	is("th3", h.th3)
	is("sr", h.session)
	is("control S", expand(t, h.session, "control S", nil, 32))
	is("control R", expand(t, h.session, "control R", nil, 32))
	is("data", expand(t, h.session, "data", nil, 32))
	sum, err := parseSummary(h.summary)
	if err != nil || sum.intent != b.intent {
		t.Errorf("summary: %v", err)
	}
	if err := checkAccept(h.accept, sum.version); err != nil {
		t.Errorf("accept: %v", err)
	}

	if mode == 1 {
		is("transfer id", h.transferID(t))
		is("rms", h.rms(t))
		if checked["check code"] = true; h.checkCode(t) != values["check code"] {
			t.Errorf("check code is %s", h.checkCode(t))
		}
	} else {
		sealed := in("receipt")
		is("receipt key", expand(t, h.prk, "receipt", sealed[:32], 32))
		if _, err := openReceipt(t, h.prk, sealed); err != nil {
			t.Error("receipt does not open")
		}
	}
	code, text, err := h.earlyError(t, roleR, h.nB, in("early error"))
	if err != nil || code != 8 || text != "no" {
		t.Errorf("early error is %d %q: %v", code, text, err)
	}
	if _, _, err := h.earlyError(t, roleS, h.nB, in("early error")); err == nil {
		t.Error("early error opens as one of the sender")
	}
	for name := range values {
		if !checked[name] {
			t.Errorf("%s was not checked", name)
		}
	}
}
