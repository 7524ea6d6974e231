package pairing

import (
	"fmt"
	"io"

	"github.com/fxamacker/cbor/v2"

	"github.com/vcon-transfer/vcon-transfer/hpke"
)

// Early errors are what a peer that proved the secret may be told before there is a session:
//
//	salt (32) || AEAD(key, zero nonce, [code, text])
//	key = Expand(Extract(salt, Expand(PRK, "error", nS || nB || role)), "error key")
//
// A salt for each, because a party may have to say two things under one pair of nonces; the role, because
// both sides speak. nB is zero as long as no M1 was sent.

// earlyKeys are the two ends of one connection's early errors.
type earlyKeys struct {
	suite hpke.Suite
	own   hpke.Secret
	peer  [2]hpke.Secret // with nB, and with a zero nB
}

func newEarlyKeys(s hpke.Suite, prk hpke.Secret, own Role, nS, nB [nonceSize]byte) earlyKeys {
	peer := RoleSender
	if own == RoleSender {
		peer = RoleReceiver
	}
	derive := func(r Role, nB [nonceSize]byte) hpke.Secret {
		return hpke.Secret(prk.Expand("error", append(append(nS[:], nB[:]...), byte(r)), 32))
	}
	return earlyKeys{
		suite: s, own: derive(own, nB),
		peer: [2]hpke.Secret{derive(peer, nB), derive(peer, [nonceSize]byte{})},
	}
}

func (k *earlyKeys) erase() {
	k.own.Erase()
	k.peer[0].Erase()
	k.peer[1].Erase()
}

// seal gives an early error. Without randomness it gives nil: an error is not worth a reused key.
func (k *earlyKeys) seal(code uint16, text string, random io.Reader) []byte {
	var salt [saltSize]byte
	if _, err := io.ReadFull(random, salt[:]); err != nil {
		return nil
	}
	body := encode([]any{code, plain(text, MaxErrorText)})
	return sealOnce(k.suite, earlyKey(k.suite, k.own, salt[:]), salt[:], body, nil)
}

// open reads an early error of the peer.
func (k *earlyKeys) open(sealed []byte) (*PeerError, error) {
	if len(sealed) < saltSize+tagSize || len(sealed) > MaxErrorMessage {
		return nil, fmt.Errorf("open early error of %d bytes: %w", len(sealed), ErrTampered)
	}
	salt, ct := sealed[:saltSize], sealed[saltSize:]
	for _, peer := range k.peer {
		if body, ok := openOnce(k.suite, earlyKey(k.suite, peer, salt), ct, nil); ok {
			return parsePeerError(body)
		}
	}
	return nil, fmt.Errorf("open early error: %w", ErrTampered)
}

func parsePeerError(body []byte) (*PeerError, error) {
	var parts []cbor.RawMessage
	var e PeerError
	if decode(body, &parts) != nil || len(parts) < 2 || decode(parts[0], &e.Code) != nil || decode(parts[1], &e.Text) != nil {
		return nil, fmt.Errorf("read early error: %w", ErrMalformed)
	}
	if err := checkText(e.Text, MaxErrorText); err != nil {
		return nil, fmt.Errorf("read early error: %w", ErrMalformed)
	}
	return &e, nil
}

func earlyKey(s hpke.Suite, base hpke.Secret, salt []byte) []byte {
	k := hpke.Extract(salt, base[:])
	defer k.Erase()
	return k.Expand("error key", nil, s.KeySize())
}
