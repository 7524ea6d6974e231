package hpke

import (
	"bytes"
	"fmt"
	"io"

	"github.com/cloudflare/circl/dh/x25519"
	circl "github.com/cloudflare/circl/hpke"
)

// SetupBaseS encapsulates a fresh secret to pk (RFC 9180 section 5.1.1). It gives
// enc, of EncSize bytes, for the recipient, and the sender's context. The error
// is ErrTooLarge, for an info of more than MaxSetupInput bytes.
func SetupBaseS(pk *PublicKey, info []byte) (enc []byte, s *Sender, err error) {
	return SetupBaseSWithRand(nil, pk, info)
}

// SetupBaseSWithRand is SetupBaseS with a source of randomness, for recorded
// vectors only: the same bytes for two contexts are the same key and nonces.
func SetupBaseSWithRand(random io.Reader, pk *PublicKey, info []byte) (enc []byte, s *Sender, err error) {
	return setupS(pk, info, func(s *circl.Sender) ([]byte, circl.Sealer, error) {
		return s.Setup(random)
	})
}

// SetupPSKS is SetupBaseS, authenticated by a pre-shared key of at least MinPSK
// bytes and its id, which is not empty (RFC 9180 section 5.1.2). The errors are
// ErrPSK and ErrTooLarge.
func SetupPSKS(pk *PublicKey, info, psk, pskID []byte) (enc []byte, s *Sender, err error) {
	return SetupPSKSWithRand(nil, pk, info, psk, pskID)
}

// SetupPSKSWithRand is SetupPSKS with a source of randomness, for recorded
// vectors only: the same bytes for two contexts are the same key and nonces.
func SetupPSKSWithRand(random io.Reader, pk *PublicKey, info, psk, pskID []byte) (enc []byte, s *Sender, err error) {
	if err := verifyPSK(psk, pskID); err != nil {
		return nil, nil, err
	}
	return setupS(pk, info, func(s *circl.Sender) ([]byte, circl.Sealer, error) {
		return s.SetupPSK(random, psk, pskID)
	})
}

// SetupBaseR opens the encapsulation enc with sk (RFC 9180 section 5.1.1). For a
// well-formed enc that was made for another key, it may succeed; the first Open
// fails then. The errors are ErrEncapsulation, ErrErased and ErrTooLarge.
func SetupBaseR(sk *PrivateKey, enc, info []byte) (*Recipient, error) {
	return setupR(sk, enc, info, func(r *circl.Receiver) (circl.Opener, error) {
		return r.Setup(enc)
	})
}

// SetupPSKR is SetupBaseR for what SetupPSKS made. A wrong psk or psk_id shows at
// the first Open. The errors are ErrPSK, ErrEncapsulation, ErrErased and
// ErrTooLarge.
func SetupPSKR(sk *PrivateKey, enc, info, psk, pskID []byte) (*Recipient, error) {
	if err := verifyPSK(psk, pskID); err != nil {
		return nil, err
	}
	return setupR(sk, enc, info, func(r *circl.Receiver) (circl.Opener, error) {
		return r.SetupPSK(enc, psk, pskID)
	})
}

func setupS(pk *PublicKey, info []byte, setup func(*circl.Sender) ([]byte, circl.Sealer, error)) ([]byte, *Sender, error) {
	if len(info) > MaxSetupInput {
		return nil, nil, fmt.Errorf("set up sender: info: %w", ErrTooLarge)
	}
	sender, err := pk.alg.suite().NewSender(pk.key, info)
	if err != nil {
		return nil, nil, fmt.Errorf("set up sender: %w", err)
	}
	enc, sealer, err := setup(sender)
	if err != nil {
		return nil, nil, fmt.Errorf("set up sender: %w", err)
	}
	return enc, &Sender{context: context{circl: sealer}, sealer: sealer}, nil
}

func setupR(sk *PrivateKey, enc, info []byte, setup func(*circl.Receiver) (circl.Opener, error)) (*Recipient, error) {
	if len(info) > MaxSetupInput {
		return nil, fmt.Errorf("set up recipient: info: %w", ErrTooLarge)
	}
	if len(enc) != sk.suite.EncSize() {
		return nil, fmt.Errorf("set up recipient: %d bytes: %w", len(enc), ErrEncapsulation)
	}
	// X-Wing would accept a low-order share and rest on ML-KEM alone.
	if !honestPoint([x25519.Size]byte(enc[len(enc)-x25519.Size:])) {
		return nil, fmt.Errorf("set up recipient: %w", ErrEncapsulation)
	}
	key, err := sk.expand()
	if err != nil {
		return nil, fmt.Errorf("set up recipient: %w", err)
	}
	receiver, err := sk.alg.suite().NewReceiver(key, info)
	if err != nil {
		return nil, fmt.Errorf("set up recipient: %w", err)
	}
	opener, err := setup(receiver)
	if err != nil {
		return nil, fmt.Errorf("set up recipient: %w", ErrEncapsulation)
	}
	return &Recipient{context: context{circl: opener}, opener: opener}, nil
}

// verifyPSK is RFC 9180 section 5.1's VerifyPSKInputs for PSK mode, with the
// length that section 9.5 asks for, and without a key of zeros, which is what an
// erased or never filled one looks like.
func verifyPSK(psk, pskID []byte) error {
	switch {
	case len(psk) > MaxSetupInput || len(pskID) > MaxSetupInput:
		return fmt.Errorf("verify psk: %w", ErrTooLarge)
	case len(psk) < MinPSK:
		return fmt.Errorf("verify psk: %d bytes: %w", len(psk), ErrPSK)
	case len(pskID) == 0:
		return fmt.Errorf("verify psk: no id: %w", ErrPSK)
	case bytes.Count(psk, []byte{0}) == len(psk):
		return fmt.Errorf("verify psk: zeros: %w", ErrPSK)
	}
	return nil
}
