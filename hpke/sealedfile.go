package hpke

import (
	"crypto/sha256"
	"errors"
)

// A sealed file is one payload for one or many recipients, who need not be there
// when it is sealed (docs/wire-format.md, "Sealed file"):
//
//	prefix      magic, version, suite, zero, stanzas, nonce, commitment
//	stanzas     the file key, once for each recipient, HPKE base mode
//	head        length, and one sealed message
//	payload     a sealed stream in the file's form, to the end of the file
//
// It hides who the recipients are and, within a class of sizes, how many. It does
// not say who sealed it: each recipient has the file key, so only a signature in
// the head and in the payload, over Header, can.

const (
	// MaxStanzas is how many stanzas a sealed file may have, and so how many
	// recipients: 19 MB of X-Wing encapsulations, some seconds to look through.
	MaxStanzas = 16384

	// MaxHead is the largest head of a sealed file, in bytes.
	MaxHead = MaxChunk

	// sealedHash is the size of nonce, commitment and file key, in bytes.
	sealedHash = sha256.Size

	fileVersion = 1
	prefixSize  = 4 + 1 + 1 + 2 + 4 + 2*sealedHash
	sizedStep   = 256 // up to here the stanzas are a power of two, above a multiple
)

// fileMagic begins each sealed file.
const fileMagic = "VCTB"

var (
	// ErrFile: the bytes are no sealed file, or its prefix has a value that no
	// sealer writes.
	ErrFile = errors.New("hpke: not a sealed file")
	// ErrVersion: the sealed file is of a version that is not known here.
	ErrVersion = errors.New("hpke: unknown version of a sealed file")
	// ErrRecipients: no recipients, or more than MaxStanzas.
	ErrRecipients = errors.New("hpke: number of recipients out of range")
	// ErrRecipient: the sealed file has no stanza for this key.
	ErrRecipient = errors.New("hpke: not sealed to this key")
	// ErrCommitment: the stanza holds another file key than the one that the file
	// commits to. Whoever sealed it meant to show two recipients two files.
	ErrCommitment = errors.New("hpke: file key is not the one committed to")
)

// FilePrefix is what a sealed file shows to everybody.
type FilePrefix struct {
	Suite   Suite
	Stanzas int // the recipients, rounded up

	nonce, commitment [sealedHash]byte
}

// paddedStanzas is how many stanzas n recipients have: enough to tell only the
// class of size.
func paddedStanzas(n int) int {
	if n > sizedStep {
		return (n + sizedStep - 1) / sizedStep * sizedStep
	}
	padded := 1
	for padded < n {
		padded *= 2
	}
	return padded
}

// stanzaSize is the size of one stanza, in bytes: enc and the sealed file key.
func (s Suite) stanzaSize() int { return s.EncSize() + sealedHash + Overhead }

// fileSecret is PRK_b, and gives the commitment to it.
func fileSecret(nonce, fileKey []byte) (prk Secret, commitment [sealedHash]byte) {
	prk = Extract(nonce, fileKey)
	return prk, [sealedHash]byte(prk.Expand("commit", nil, sealedHash))
}

// stanzaInfo binds a stanza to the key that it is for, so that nobody can pass on
// a file to a third person as sealed to him without sealing a stanza himself.
func stanzaInfo(k *PublicKey) []byte {
	hash := Hash("pk", k.raw)
	return append(terminated("stanza"), hash[:]...)
}

// headKey and payloadKey are each for one nonce and one stream.
func headKey(s Suite, prk Secret, header [32]byte) []byte {
	return prk.Expand("head", header[:], s.KeySize())
}

func payloadKey(s Suite, prk Secret, header [32]byte, sealedHead []byte) []byte {
	head := sha256.Sum256(sealedHead)
	return prk.Expand("payload", append(header[:], head[:]...), s.KeySize())
}
