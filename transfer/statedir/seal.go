package statedir

import (
	"bytes"
	"crypto/subtle"
	"encoding/binary"
	"slices"

	"github.com/vcon-transfer/vcon-transfer/hpke"
)

// A file is
//
//	| offset | length | field                                   |
//	| 0      | 4      | "VCTS"                                  |
//	| 4      | 1 + 3  | version, zero                           |
//	| 8      | 32     | transfer id                             |
//	| 40     | 32     | salt                                    |
//	| 72     | 16     | check of the key                        |
//	| 88     | -      | sealed: lp(place) || checkpoint         |
//
// PRK = Extract(salt, state key), the check is Expand(PRK, "key check", transfer id),
// the key Expand(PRK, "journal", transfer id), the nonce zero: a salt, and so a key,
// seals one file once. The additional data is what stands before, and the file's
// name: nobody can put the file of one transfer in the place of another's.
const (
	magic      = "VCTS"
	versionAt  = len(magic)
	idAt       = 8
	saltAt     = idAt + 32
	checkAt    = saltAt + 32
	headerSize = checkAt + checkSize
	checkSize  = 16
)

// Version is that of the file; checkpoints have one of their own.
const Version = 1

// suite gives the AEAD, ChaCha20-Poly1305; its KEM has no part in this.
const suite = hpke.SuiteXWing

func (d *Dir) seal(name string, transfer [32]byte, plain []byte) ([]byte, error) {
	b := append([]byte(magic), Version, 0, 0, 0)
	b = append(b, transfer[:]...)
	b = append(b, random(checkAt-saltAt)...)
	check, key := d.keys(b)
	defer clear(key)
	b = append(b, check...)
	aead, err := suite.NewAEAD(key)
	if err != nil {
		return nil, err
	}
	var nonce [hpke.NonceSize]byte
	return aead.Seal(b, nonce[:], plain, associated(b, name)), nil
}

func (d *Dir) unseal(name string, b []byte) ([]byte, error) {
	switch {
	case len(b) < idAt || string(b[:versionAt]) != magic:
		return nil, ErrDamaged
	case b[versionAt] > Version:
		return nil, ErrNewer // nothing else of it is looked at
	case len(b) < headerSize+hpke.Overhead || len(b) > MaxFile || !bytes.Equal(b[versionAt:idAt], []byte{Version, 0, 0, 0}):
		return nil, ErrDamaged
	}
	check, key := d.keys(b[:checkAt])
	defer clear(key)
	if subtle.ConstantTimeCompare(check, b[checkAt:headerSize]) != 1 {
		return nil, ErrForeignKey
	}
	aead, err := suite.NewAEAD(key)
	if err != nil {
		return nil, err
	}
	var nonce [hpke.NonceSize]byte
	plain, err := aead.Open(nil, nonce[:], b[headerSize:], associated(b[:headerSize], name))
	if err != nil {
		return nil, ErrDamaged
	}
	return plain, nil
}

// keys are the check and the key of the file with this beginning.
func (d *Dir) keys(head []byte) (check, key []byte) {
	id, salt := head[idAt:saltAt], head[saltAt:checkAt]
	prk := hpke.Extract(salt, d.key[:])
	defer prk.Erase()
	return prk.Expand("key check", id, checkSize), prk.Expand("journal", id, suite.KeySize())
}

func associated(head []byte, name string) []byte { return append(slices.Clone(head), name...) }

// cutPrefixed splits lp(a) || b.
func cutPrefixed(b []byte) (first, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	n := uint64(binary.BigEndian.Uint32(b))
	if n > uint64(len(b)-4) || n > MaxPlace {
		return nil, nil, false
	}
	return b[4 : 4+n], b[4+n:], true
}
