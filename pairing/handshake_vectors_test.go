package pairing

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/vcon-transfer/vcon-transfer/hpke"
)

// handshakeVector is a handshake with every value on the way, in hex.
type handshakeVector struct {
	Name   string            `json:"name"`
	Values map[string]string `json:"values"`
}

// The key schedule once more, from the page and not from keys.go, so that the two have to agree.

func specLabel(x string) []byte { return []byte("vcon-transfer/1 " + x) }

func specExtract(t *testing.T, salt, ikm []byte) []byte {
	prk, err := hkdf.Extract(sha256.New, ikm, salt)
	if err != nil {
		t.Fatal(err)
	}
	return prk
}

func specExpand(t *testing.T, prk []byte, label string, n int, context ...[]byte) []byte {
	info := string(specLabel(label)) + "\x00"
	for _, c := range context {
		info += string(c)
	}
	out, err := hkdf.Expand(sha256.New, prk, info, n)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func specHash(label string, parts ...[]byte) []byte {
	b := append(specLabel(label), 0)
	for _, p := range parts {
		b = append(b, p...)
	}
	h := sha256.Sum256(b)
	return h[:]
}

func lp(b []byte) []byte { return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...) }

// record follows a finished handshake with its messages and the two secrets of HPKE.
func record(t *testing.T, mode string, secret, about, bundle []byte, h *run) map[string]string {
	v := map[string]string{}
	put := func(name string, b []byte) []byte {
		v[name] = hex.EncodeToString(b)
		return b
	}
	modeByte := map[string]byte{"pair": 1, "resume": 2}[mode]
	prk := put("prk", specExtract(t, specLabel(mode), put("secret", secret)))
	put("channel", specExpand(t, prk, "channel", 16))
	put("token R", specExpand(t, prk, "token R", 16))
	put("token S", specExpand(t, prk, "token S", 16))

	m0 := put("m0", h.m0)
	nS := m0[5:37]
	mac := hmac.New(sha256.New, put("hello key", specExpand(t, prk, "hello", 32)))
	mac.Write(m0[:37])
	if m0[0] != modeByte || !hmac.Equal(mac.Sum(nil), m0[37:]) {
		t.Error("M0 is not as specified")
	}

	m1 := put("m1", h.m1)
	nB := m1[:32]
	put("bundle", bundle)
	put("bundle key", specExpand(t, prk, "bundle", 32, nS, nB))
	th1 := put("th1", specHash("th1", []byte{modeByte}, lp(put("about", about)), lp(bundle), nS, nB))

	m2 := put("m2", h.m2)
	enc, ct2 := m2[:h.sending.Suite().EncSize()], m2[h.sending.Suite().EncSize():]
	psk := put("psk", specExpand(t, prk, "psk", 32))
	info := put("info", append(append(specLabel("hpke"), 0), th1...))
	put("one-time key", h.key)
	sk, err := hpke.ParsePrivateKey(h.sending.Suite(), h.key)
	if err != nil {
		t.Fatal(err)
	}
	ctx, err := hpke.SetupPSKR(sk, enc, info, psk, specLabel(mode))
	if err != nil {
		t.Fatal(err)
	}
	padded, err := ctx.Open(nil, nil, ct2)
	if err != nil {
		t.Fatal("M2 is not as specified")
	}
	put("summary", padded[4:4+binary.BigEndian.Uint32(padded)])
	th2 := put("th2", specHash("th2", th1, lp(enc), lp(ct2)))

	m3 := put("m3", h.m3)
	k3 := put("accept key", specExpand(t, specExtract(t, m3[:32], put("export accept", ctx.Export(specLabel("accept"), 32))), "accept key", 32))
	aead, err := h.sending.Suite().NewAEAD(k3)
	if err != nil {
		t.Fatal(err)
	}
	padded, err = aead.Open(nil, make([]byte, 12), m3[32:], th2)
	if err != nil {
		t.Fatal("M3 is not as specified")
	}
	put("accept", padded[4:4+binary.BigEndian.Uint32(padded)])
	th3 := put("th3", specHash("th3", th2, lp(m3)))
	sr := put("sr", specExtract(t, th3, put("export session", ctx.Export(specLabel("session"), 32))))
	put("control S", specExpand(t, sr, "control S", 32))
	put("control R", specExpand(t, sr, "control R", 32))
	put("data", specExpand(t, sr, "data", 32))
	if mode == "pair" {
		put("transfer id", specExpand(t, sr, "transfer id", 32))
		put("rms", specExpand(t, sr, "resumption", 32))
		code := binary.BigEndian.Uint64(specExpand(t, sr, "check code", 8)) % 1_000_000
		v["check code"] = fmt.Sprintf("%06d", code)
	}
	early := put("early error", h.conn.SealError(8, "no"))
	base := specExpand(t, prk, "error", 32, nS, nB, []byte{1})
	if aead, err = h.sending.Suite().NewAEAD(specExpand(t, specExtract(t, early[:32], base), "error key", 32)); err != nil {
		t.Fatal(err)
	}
	body, err := aead.Open(nil, make([]byte, 12), early[32:], nil)
	if err != nil || hex.EncodeToString(body) != "8208626e6f" {
		t.Fatal("early error is not as specified")
	}
	return v
}

func recordHandshakes(t *testing.T) (all []handshakeVector) {
	for _, suite := range suites() {
		synctest.Test(t, func(t *testing.T) { // for the clock, which starts at a fixed time
			rand := func(what string) *stream { return &stream{seed: "vector " + what + suite.String()} }
			r := newReceiver(t, ReceiverOptions{
				Suite: suite, Intent: CatchUp, Room: "mimi://example.com/r/engineering", Label: "new phone",
				Routes: []Route{lan(), {Kind: RouteRelay, Path: "https://relay.example.com"}}, Rand: rand("R"),
			})
			offer := r.Offer()
			about, err := offer.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			h := shake(t, r, newSender(t, offer, SenderOptions{Rand: rand("S")}))
			h.key, _ = r.current.key.Bytes()
			v := record(t, "pair", offer.Secret[:], about, r.current.bundle, h)
			v["offer text"] = offer.Text()
			compareSession(t, v, h.sending)
			all = append(all, handshakeVector{"pair, " + suite.String(), v})

			rms, id := h.sending.Resumption(), h.sending.TransferID()
			resumeR, err := NewResumeReceiver(ResumeOptions{Session: h.receiving, Intent: CatchUp, Rand: rand("R resume")})
			if err != nil {
				t.Fatal(err)
			}
			resumeS, err := NewResumeSender(ResumeOptions{Session: h.sending, Intent: CatchUp, Rand: rand("S resume")})
			if err != nil {
				t.Fatal(err)
			}
			h = shake(t, resumeR, resumeS)
			h.key, _ = resumeR.current.key.Bytes()
			v = record(t, "resume", rms[:], append(id[:], 0, 0, 0, 1), resumeR.current.bundle, h)
			compareSession(t, v, h.sending)
			receipt, err := SealReceipt(suite, rms, rand("receipt"), []byte("receipt"))
			if err != nil {
				t.Fatal(err)
			}
			v["receipt"] = hex.EncodeToString(receipt)
			v["receipt key"] = hex.EncodeToString(specExpand(t, unhex(t, v["prk"]), "receipt", 32, receipt[:32]))
			aead, _ := suite.NewAEAD(unhex(t, v["receipt key"]))
			if b, err := aead.Open(nil, make([]byte, 12), receipt[32:], nil); err != nil || string(b) != "receipt" {
				t.Error("receipt is not as specified")
			}
			all = append(all, handshakeVector{"resume, " + suite.String(), v})
		})
	}
	return all
}

func compareSession(t *testing.T, v map[string]string, s *Session) {
	t.Helper()
	id, rms := s.TransferID(), s.Resumption()
	got := map[string]string{
		"control S": hex.EncodeToString(s.ControlKey(SenderToReceiver)), "control R": hex.EncodeToString(s.ControlKey(ReceiverToSender)),
		"data": hex.EncodeToString(s.DataKey()),
	}
	if s.Connection() == 0 {
		got["transfer id"], got["rms"], got["check code"] = hex.EncodeToString(id[:]), hex.EncodeToString(rms[:]), s.CheckCode()
	}
	for name, value := range got {
		if v[name] != value {
			t.Errorf("%s differs from the specification", name)
		}
	}
}

func TestHandshakeVectors(t *testing.T) {
	got := recordHandshakes(t)
	want := vectors(t, "handshake.json", got)
	if len(got) != len(want) {
		t.Fatalf("%d handshakes, want %d", len(got), len(want))
	}
	for i, w := range want {
		if got[i].Name != w.Name || len(got[i].Values) != len(w.Values) {
			t.Errorf("%s: %d values, want %s with %d", got[i].Name, len(got[i].Values), w.Name, len(w.Values))
		}
		for name, value := range w.Values {
			if got[i].Values[name] != value {
				t.Errorf("%s: %s is %.40s, want %.40s", w.Name, name, got[i].Values[name], value)
			}
		}
	}
}
