package pairing

import (
	"fmt"
	"io"

	"github.com/vcon-transfer/vcon-transfer/hpke"
)

// SealReceipt seals a receipt so that it can be stored and sent on any later connection of the transfer:
//
//	salt (32) || AEAD(Expand(Extract(L("resume"), rms), "receipt", salt), zero nonce, plaintext)
//
// The salt comes from random, nil for the system's: two receipts of one transfer never share a key. R sends
// the sealed bytes again as they are. The errors are hpke.ErrSuite and what random returns.
func SealReceipt(suite hpke.Suite, resumption hpke.Secret, random io.Reader, plaintext []byte) ([]byte, error) {
	if _, err := hpke.ParseSuite(byte(suite)); err != nil {
		return nil, fmt.Errorf("seal receipt: %w", err)
	}
	var salt [saltSize]byte
	if _, err := io.ReadFull(randomOr(random), salt[:]); err != nil {
		return nil, fmt.Errorf("seal receipt: %w", err)
	}
	return sealOnce(suite, receiptKey(suite, resumption, salt[:]), salt[:], plaintext, nil), nil
}

// OpenReceipt is the inverse of SealReceipt. The errors are hpke.ErrSuite and ErrTampered.
func OpenReceipt(suite hpke.Suite, resumption hpke.Secret, sealed []byte) ([]byte, error) {
	if _, err := hpke.ParseSuite(byte(suite)); err != nil {
		return nil, fmt.Errorf("open receipt: %w", err)
	}
	if len(sealed) < saltSize+tagSize {
		return nil, fmt.Errorf("open receipt of %d bytes: %w", len(sealed), ErrTampered)
	}
	salt, ct := sealed[:saltSize], sealed[saltSize:]
	b, ok := openOnce(suite, receiptKey(suite, resumption, salt), ct, nil)
	if !ok {
		return nil, fmt.Errorf("open receipt: %w", ErrTampered)
	}
	return b, nil
}

func receiptKey(s hpke.Suite, resumption hpke.Secret, salt []byte) []byte {
	prk := rootKey(ModeResume, resumption)
	defer prk.Erase()
	return prk.Expand("receipt", salt, s.KeySize())
}
