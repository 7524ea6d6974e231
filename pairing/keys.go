package pairing

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"

	"github.com/vcon-transfer/vcon-transfer/hpke"
)

// The key schedule of docs/wire-format.md, "Pairing": each function here is one line of it.

// rootKey is PRK: of the secret ps in an offer, or of the resumption secret rms.
func rootKey(m Mode, secret hpke.Secret) hpke.Secret {
	return hpke.Extract(hpke.Label(m.label()), secret[:])
}

// rendezvous gives the relay's channel and the token of one party.
func rendezvous(prk hpke.Secret, r Role) (channel, token [16]byte) {
	copy(channel[:], prk.Expand("channel", nil, len(channel)))
	copy(token[:], prk.Expand("token "+r.String(), nil, len(token)))
	return channel, token
}

// hello is M0: mode || e || nS || MAC.
type hello struct {
	mode       Mode
	connection uint32
	nonce      [nonceSize]byte // nS
	raw        [HelloSize]byte
}

func newHello(prk hpke.Secret, m Mode, connection uint32, random io.Reader) (hello, error) {
	h := hello{mode: m, connection: connection}
	if _, err := io.ReadFull(random, h.nonce[:]); err != nil {
		return hello{}, err
	}
	b := append(appendU32([]byte{byte(m)}, connection), h.nonce[:]...)
	copy(h.raw[:], append(b, helloMAC(prk, b)...))
	return h, nil
}

// parseHello reads the form and verifies nothing.
func parseHello(m0 []byte) (hello, error) {
	if len(m0) != HelloSize {
		return hello{}, fmt.Errorf("hello of %d bytes: %w", len(m0), ErrStranger)
	}
	h := hello{mode: Mode(m0[0]), connection: binary.BigEndian.Uint32(m0[1:5]), raw: [HelloSize]byte(m0)}
	copy(h.nonce[:], m0[5:])
	paired := h.mode == ModePair && h.connection == 0
	resumed := h.mode == ModeResume && h.connection > 0
	if !paired && !resumed {
		return hello{}, fmt.Errorf("hello of another kind: %w", ErrStranger)
	}
	return h, nil
}

// verify is the first thing that R does with a peer: one MAC, no state.
func (h *hello) verify(prk hpke.Secret) bool {
	body := h.raw[:HelloSize-macSize]
	return hmac.Equal(h.raw[HelloSize-macSize:], helloMAC(prk, body))
}

func helloMAC(prk hpke.Secret, body []byte) []byte {
	key := prk.Expand("hello", nil, macSize)
	defer clear(key)
	mac := hmac.New(sha256.New, key)
	mac.Write(body)
	return mac.Sum(nil)
}

// bundleKey seals the bundle in M1. R has one nB an offer or connection, so that one key has one plaintext.
func bundleKey(s hpke.Suite, prk hpke.Secret, nS, nB [nonceSize]byte) []byte {
	return prk.Expand("bundle", append(nS[:], nB[:]...), s.KeySize())
}

// transcript1 is th1. about is the binary offer, or transfer id || e on resume.
func transcript1(m Mode, about, bundle []byte, nS, nB [nonceSize]byte) [32]byte {
	return hpke.Hash("th1", []byte{byte(m)}, hpke.AppendPrefixed(nil, about), hpke.AppendPrefixed(nil, bundle), nS[:], nB[:])
}

// transcript2 is th2.
func transcript2(th1 [32]byte, enc, ct2 []byte) [32]byte {
	return hpke.Hash("th2", th1[:], hpke.AppendPrefixed(nil, enc), hpke.AppendPrefixed(nil, ct2))
}

// transcript3 is th3.
func transcript3(th2 [32]byte, m3 []byte) [32]byte {
	return hpke.Hash("th3", th2[:], hpke.AppendPrefixed(nil, m3))
}

// hpkeInfo is L("hpke") || 00 || th1.
func hpkeInfo(th1 [32]byte) []byte { return append(append(hpke.Label("hpke"), 0), th1[:]...) }

// presharedKey is the psk of HPKE.
func presharedKey(prk hpke.Secret) []byte { return prk.Expand("psk", nil, 32) }

// exports are the two secrets that both ends take from the HPKE context of M2.
type exports struct{ accept, session hpke.Secret }

func takeExports(c interface{ Export([]byte, int) []byte }) exports {
	return exports{
		accept:  hpke.Secret(c.Export(hpke.Label("accept"), 32)),
		session: hpke.Secret(c.Export(hpke.Label("session"), 32)),
	}
}

func (e *exports) erase() { e.accept.Erase(); e.session.Erase() }

// acceptKey is K3.
func (e *exports) acceptKey(s hpke.Suite, nR []byte) []byte {
	k := hpke.Extract(nR, e.accept[:])
	defer k.Erase()
	return k.Expand("accept key", nil, s.KeySize())
}

// sessionSecret is sr_e.
func (e *exports) sessionSecret(th3 [32]byte) hpke.Secret { return hpke.Extract(th3[:], e.session[:]) }

// sealOnce seals under a key that is used for nothing else and erases it. Only such a key has the zero
// nonce.
func sealOnce(s hpke.Suite, key, dst, plaintext, aad []byte) []byte {
	defer clear(key)
	aead, err := s.NewAEAD(key)
	if err != nil {
		panic("pairing: seal: " + err.Error())
	}
	var nonce [hpke.NonceSize]byte
	return aead.Seal(dst, nonce[:], plaintext, aad)
}

// openOnce is the inverse of sealOnce.
func openOnce(s hpke.Suite, key, sealed, aad []byte) ([]byte, bool) {
	defer clear(key)
	aead, err := s.NewAEAD(key)
	if err != nil {
		panic("pairing: open: " + err.Error())
	}
	var nonce [hpke.NonceSize]byte
	b, err := aead.Open(nil, nonce[:], sealed, aad)
	return b, err == nil
}

// padded is the size that n bytes of content are sealed at: their length prefix and the content, rounded
// up to a Padmé size, so that a recorder learns the magnitude only.
func padded(n int) int {
	n = max(n+4, minPadded)
	e := bits.Len(uint(n)) - 1
	mask := 1<<(e-bits.Len(uint(e))) - 1
	return (n + mask) &^ mask
}

// minPadded is the least that a padded message holds.
const minPadded = 256

// pad gives lp(content) || zeros.
func pad(content []byte) []byte {
	b := make([]byte, 0, padded(len(content)))
	b = hpke.AppendPrefixed(b, content)
	return b[:cap(b)]
}

// unpad is the inverse of pad; there is one padding for each content.
func unpad(b []byte) ([]byte, error) {
	if len(b) < 4 {
		return nil, fmt.Errorf("padding: %w", ErrMalformed)
	}
	n := uint64(binary.BigEndian.Uint32(b))
	if n > uint64(len(b)-4) || padded(int(n)) != len(b) {
		return nil, fmt.Errorf("padding: %w", ErrMalformed)
	}
	for _, z := range b[4+n:] {
		if z != 0 {
			return nil, fmt.Errorf("padding: %w", ErrMalformed)
		}
	}
	return b[4 : 4+n], nil
}

// randomOr gives the system's random source for nil.
func randomOr(r io.Reader) io.Reader {
	if r == nil {
		return rand.Reader
	}
	return r
}
