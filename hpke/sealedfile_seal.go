package hpke

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	mathrand "math/rand/v2"
)

// FileSealer writes one sealed file. It is for one goroutine.
type FileSealer struct {
	w      io.Writer
	suite  Suite
	prk    Secret
	header [32]byte
	used   bool
}

// NewFileSealer draws a file key and writes the prefix and the stanzas for these
// recipients, in an order that says nothing, among stanzas for keys that nobody
// has. A key that is given twice has two stanzas. The errors are ErrRecipients,
// ErrSuite (a recipient's key is of another suite than s: one file never mixes
// them, since its content would be as weak as the weakest) and those of w.
func NewFileSealer(w io.Writer, s Suite, recipients []*PublicKey) (*FileSealer, error) {
	return newFileSealer(w, s, recipients, rand.Reader)
}

func newFileSealer(w io.Writer, s Suite, recipients []*PublicKey, random io.Reader) (*FileSealer, error) {
	if _, err := s.algorithms(); err != nil {
		return nil, fmt.Errorf("seal file: %w", err)
	}
	if len(recipients) == 0 || len(recipients) > MaxStanzas {
		return nil, fmt.Errorf("seal file: %d: %w", len(recipients), ErrRecipients)
	}
	for _, k := range recipients {
		if k.suite != s {
			return nil, fmt.Errorf("seal file: recipient of %s in a file of %s: %w", k.suite, s, ErrSuite)
		}
	}
	var drawn [3 * sealedHash]byte
	if _, err := io.ReadFull(random, drawn[:]); err != nil {
		return nil, fmt.Errorf("seal file: %w", err)
	}
	defer clear(drawn[:])
	nonce, fileKey, order := drawn[:sealedHash], drawn[sealedHash:2*sealedHash], drawn[2*sealedHash:]
	prk, commitment := fileSecret(nonce, fileKey)

	stanzas := make([]*PublicKey, paddedStanzas(len(recipients))) // nil: for nobody
	copy(stanzas, recipients)
	shuffle := mathrand.New(mathrand.NewChaCha8([32]byte(order)))
	shuffle.Shuffle(len(stanzas), func(i, j int) { stanzas[i], stanzas[j] = stanzas[j], stanzas[i] })

	f := &FileSealer{w: w, suite: s, prk: prk}
	if err := f.writeHeader(stanzas, nonce, commitment[:], fileKey, random); err != nil {
		f.prk.Erase()
		return nil, fmt.Errorf("seal file: %w", err)
	}
	return f, nil
}

// writeHeader writes the prefix and the stanzas, and hashes them.
func (f *FileSealer) writeHeader(stanzas []*PublicKey, nonce, commitment, fileKey []byte, random io.Reader) error {
	prefix := append([]byte(fileMagic), fileVersion, byte(f.suite), 0, 0)
	prefix = binary.BigEndian.AppendUint32(prefix, uint32(len(stanzas)))
	prefix = append(append(prefix, nonce...), commitment...)
	aad := sha256.Sum256(prefix)

	hash := sha256.New()
	hash.Write(terminated("bundle header"))
	out := io.MultiWriter(hash, f.w)
	if _, err := out.Write(prefix); err != nil {
		return err
	}
	for _, k := range stanzas {
		stanza, err := f.stanza(k, aad[:], fileKey, random)
		if err != nil {
			return err
		}
		if _, err := out.Write(stanza); err != nil {
			return err
		}
	}
	f.header = [32]byte(hash.Sum(nil))
	return nil
}

// stanza seals the file key to k. When k is nil the stanza is for a key that is
// thrown away, and holds zeros: what it looks like depends on neither.
func (f *FileSealer) stanza(k *PublicKey, aad, fileKey []byte, random io.Reader) ([]byte, error) {
	if k == nil {
		nobody, err := GenerateKey(f.suite, random)
		if err != nil {
			return nil, err
		}
		defer nobody.Erase()
		k, fileKey = nobody.public, bytes.Repeat([]byte{0}, sealedHash)
	}
	enc, sender, err := SetupBaseSWithRand(random, k, stanzaInfo(k))
	if err != nil {
		return nil, err
	}
	defer sender.Erase()
	return sender.Seal(enc, aad, fileKey)
}

// Header is hh of the wire format: a hash of the prefix and of every stanza. What
// the sharer signs contains it, or a recipient could put the same content under
// other stanzas.
func (f *FileSealer) Header() [32]byte { return f.header }

// SealHead writes the head, of at most MaxHead bytes, and gives the stream for
// the payload. Only its Close makes the file whole. It may be called once; the
// errors are ErrTooLarge, ErrFinished and those of the writer.
func (f *FileSealer) SealHead(head []byte) (*Writer, error) {
	if f.used {
		return nil, fmt.Errorf("seal head: %w", ErrFinished)
	}
	if len(head) > MaxHead {
		return nil, fmt.Errorf("seal head: %d bytes: %w", len(head), ErrTooLarge)
	}
	f.used = true
	defer f.prk.Erase()
	key := headKey(f.suite, f.prk, f.header)
	defer clear(key)
	aead, err := f.suite.NewAEAD(key)
	if err != nil {
		return nil, err
	}
	sized := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(head)+Overhead), uint32(len(head)+Overhead))
	sized = aead.Seal(sized, make([]byte, NonceSize), head, nil)
	if _, err := f.w.Write(sized); err != nil {
		return nil, fmt.Errorf("seal head: %w", err)
	}
	stream := payloadKey(f.suite, f.prk, f.header, sized[4:])
	defer clear(stream)
	return NewWriter(f.w, f.suite, stream)
}
