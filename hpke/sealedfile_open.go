package hpke

import (
	"bufio"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// FileOpener has opened the stanza and the head of a sealed file. Neither says
// who sealed it: the caller checks a signature over Header before it believes
// either.
type FileOpener struct {
	prefix FilePrefix
	header [32]byte
	head   []byte
	stream *Reader
}

// ReadFilePrefix reads the first bytes of a sealed file, which anybody can write.
// The errors are ErrFile, ErrVersion, ErrSuite, ErrTruncated and those of r.
func ReadFilePrefix(r io.Reader) (FilePrefix, error) {
	var raw [prefixSize]byte
	return readPrefix(r, raw[:])
}

func readPrefix(r io.Reader, raw []byte) (p FilePrefix, err error) {
	if n, err := io.ReadFull(r, raw); err != nil {
		if n < len(fileMagic) || string(raw[:len(fileMagic)]) != fileMagic {
			return p, fmt.Errorf("open sealed file: %w", errors.Join(ErrFile, ended(err)))
		}
		return p, fmt.Errorf("open sealed file: prefix: %w", ended(err))
	}
	if string(raw[:4]) != fileMagic {
		return p, fmt.Errorf("open sealed file: %w", ErrFile)
	}
	if raw[4] != fileVersion {
		return p, fmt.Errorf("open sealed file: version %d: %w", raw[4], ErrVersion)
	}
	if p.Suite, err = ParseSuite(raw[5]); err != nil {
		return p, fmt.Errorf("open sealed file: %w", err)
	}
	n := binary.BigEndian.Uint32(raw[8:])
	if raw[6] != 0 || raw[7] != 0 || n == 0 || n > MaxStanzas || paddedStanzas(int(n)) != int(n) {
		return p, fmt.Errorf("open sealed file: prefix: %w", ErrFile)
	}
	p.Stanzas = int(n)
	p.nonce, p.commitment = [sealedHash]byte(raw[12:44]), [sealedHash]byte(raw[44:76])
	return p, nil
}

// OpenFile opens what is sealed to key: prefix, stanzas, commitment, head. It
// holds one stanza at a time, whatever the file declares. The errors are ErrFile,
// ErrVersion, ErrSuite (also when the file is of another suite than the key),
// ErrRecipient, ErrCommitment, ErrTooLarge, ErrOpen, ErrTruncated, ErrErased and
// those of r.
func OpenFile(r io.Reader, key *PrivateKey) (*FileOpener, error) {
	src := bufio.NewReaderSize(r, MaxSealedChunk)
	raw := make([]byte, prefixSize)
	prefix, err := readPrefix(src, raw)
	if err != nil {
		return nil, err
	}
	if prefix.Suite != key.suite {
		return nil, fmt.Errorf("open sealed file: of %s with a key of %s: %w", prefix.Suite, key.suite, ErrSuite)
	}
	fileKey, header, err := readStanzas(src, prefix, raw, key)
	if err != nil {
		return nil, fmt.Errorf("open sealed file: %w", err)
	}
	defer clear(fileKey)
	prk, commitment := fileSecret(prefix.nonce[:], fileKey)
	defer prk.Erase()
	if subtle.ConstantTimeCompare(commitment[:], prefix.commitment[:]) != 1 {
		return nil, fmt.Errorf("open sealed file: %w", ErrCommitment)
	}
	sealed, err := readHead(src)
	if err != nil {
		return nil, fmt.Errorf("open sealed file: head: %w", err)
	}
	head, err := openHead(prefix.Suite, prk, header, sealed)
	if err != nil {
		return nil, fmt.Errorf("open sealed file: head: %w", err)
	}
	k := payloadKey(prefix.Suite, prk, header, sealed)
	defer clear(k)
	stream, err := NewReader(src, prefix.Suite, k)
	if err != nil {
		return nil, err
	}
	return &FileOpener{prefix: prefix, header: header, head: head, stream: stream}, nil
}

// readStanzas finds the file key, and hashes everything through the last stanza.
// The first stanza that opens is the recipient's: a second one that does would
// hold the same key, or break the commitment.
func readStanzas(r io.Reader, p FilePrefix, raw []byte, key *PrivateKey) (fileKey []byte, header [32]byte, err error) {
	hash := sha256.New()
	hash.Write(terminated("bundle header"))
	hash.Write(raw)
	aad := sha256.Sum256(raw)
	info := stanzaInfo(key.public)
	stanza := make([]byte, p.Suite.stanzaSize())
	for range p.Stanzas {
		if _, err := io.ReadFull(r, stanza); err != nil {
			return nil, header, fmt.Errorf("stanzas: %w", ended(err))
		}
		hash.Write(stanza)
		if fileKey == nil {
			if fileKey, err = openStanza(key, info, aad[:], stanza); err != nil {
				return nil, header, err
			}
		}
	}
	if fileKey == nil {
		return nil, header, ErrRecipient
	}
	return fileKey, [32]byte(hash.Sum(nil)), nil
}

// openStanza gives nil for one that is another's, or nobody's. The error is
// ErrErased.
func openStanza(key *PrivateKey, info, aad, stanza []byte) ([]byte, error) {
	enc, ct := stanza[:key.suite.EncSize()], stanza[key.suite.EncSize():]
	recipient, err := SetupBaseR(key, enc, info)
	if errors.Is(err, ErrErased) {
		return nil, err
	}
	if err != nil {
		return nil, nil
	}
	defer recipient.Erase()
	fileKey, err := recipient.Open(nil, aad, ct)
	if err != nil {
		return nil, nil
	}
	return fileKey, nil
}

// readHead reads the sealed head. Its length is not authenticated yet, so it meets
// its limit before anything is allocated.
func readHead(r io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, ended(err)
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > MaxHead+Overhead {
		return nil, fmt.Errorf("%d bytes: %w", n, ErrTooLarge)
	}
	if n < Overhead {
		return nil, ErrOpen
	}
	sealed := make([]byte, n)
	if _, err := io.ReadFull(r, sealed); err != nil {
		return nil, ended(err)
	}
	return sealed, nil
}

func openHead(s Suite, prk Secret, header [32]byte, sealed []byte) ([]byte, error) {
	key := headKey(s, prk, header)
	defer clear(key)
	aead, err := s.NewAEAD(key)
	if err != nil {
		return nil, err
	}
	head, err := aead.Open(nil, make([]byte, NonceSize), sealed, nil)
	if err != nil {
		return nil, ErrOpen
	}
	return head, nil
}

// ended turns the end of the source into ErrTruncated: a sealed file has an end of
// its own.
func ended(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return ErrTruncated
	}
	return err
}

// Prefix is what the file shows to everybody.
func (o *FileOpener) Prefix() FilePrefix { return o.prefix }

// Header is hh of the wire format, as FileSealer.Header.
func (o *FileOpener) Header() [32]byte { return o.header }

// Head is what SealHead was given. Every recipient of the file could have written
// it.
func (o *FileOpener) Head() []byte { return o.head }

// Payload is the stream of the payload; it ends where the file ends. Every
// recipient of the file could have written it.
func (o *FileOpener) Payload() *Reader { return o.stream }
