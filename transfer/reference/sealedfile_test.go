package reference

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"testing"
)

// sealedFile is section "HPKE", "Sealed file", as far as a recipient opens it:
// everything but the payload, which has a key of its own.
type sealedFile struct {
	header     []byte // hh
	head       []byte
	payloadKey []byte
	payload    []byte // sealed
}

// stanzas says whether a sealer writes so many: a power of two up to 256, above
// that a multiple of 256.
func stanzas(n uint32) bool {
	if n > 256 {
		return n <= 16384 && n%256 == 0
	}
	return n > 0 && n&(n-1) == 0
}

// openSealedFile returns the error's name in the table of the section, "" for
// none. What is decided first is what a byte that comes first decides.
func openSealedFile(t testing.TB, suiteByte uint64, sk, b []byte) (f sealedFile, fault string) {
	t.Helper()
	const prefixSize = 76
	if len(b) < 4 || string(b[:4]) != "VCTB" {
		return f, "file"
	}
	if len(b) < prefixSize {
		return f, "truncated"
	}
	if b[4] != 1 {
		return f, "version"
	}
	s, known := suiteOf(uint64(b[5]))
	if !known || uint64(b[5]) != suiteByte {
		return f, "suite"
	}
	n := binary.BigEndian.Uint32(b[8:])
	if b[6] != 0 || b[7] != 0 || !stanzas(n) {
		return f, "file"
	}
	size := s.nenc + 48
	end := prefixSize + int(n)*size
	if len(b) < end {
		return f, "truncated"
	}
	fileKey := s.tryStanzas(t, sk, b[:prefixSize], slices.Collect(slices.Chunk(b[prefixSize:end], size)))
	if fileKey == nil {
		return f, "recipient"
	}
	prk := extract(t, b[12:44], fileKey)
	if !bytes.Equal(expand(t, prk, "commit", nil, 32), b[44:76]) {
		return f, "commitment"
	}
	f.header = labeledHash("bundle header", b[:end])
	if len(b) < end+4 {
		return f, "truncated"
	}
	length, rest := binary.BigEndian.Uint32(b[end:]), b[end+4:]
	switch {
	case length > sealedSize:
		return f, "too large"
	case length < 16: // no tag, so nothing that could open
		return f, "open"
	case uint64(length) > uint64(len(rest)):
		return f, "truncated"
	}
	sealedHead := rest[:length]
	head, err := open(expand(t, prk, "head", f.header, 32), nil, sealedHead, nil)
	if err != nil {
		return f, "open"
	}
	f.head, f.payload = head, rest[length:]
	f.payloadKey = expand(t, prk, "payload", slices.Concat(f.header, sha(sealedHead)), 32)
	return f, ""
}

// tryStanzas returns the file key of the first stanza that opens, nil when none
// does. An enc that has to be refused belongs to somebody else, like any other
// stanza that does not open.
func (s suite) tryStanzas(t testing.TB, sk, prefix []byte, all [][]byte) []byte {
	t.Helper()
	info := slices.Concat(label("stanza"), []byte{0}, labeledHash("pk", s.public(t, sk)))
	for _, stanza := range all {
		enc, sealed := stanza[:s.nenc], stanza[s.nenc:]
		if _, err := checkPoint(enc[len(enc)-32:]); err != nil {
			continue
		}
		context := s.setup(t, s.decapsulate(t, sk, enc), info, nil, nil)
		if fileKey, err := context.open(sealed, sha(prefix)); err == nil {
			return fileKey
		}
	}
	return nil
}

func TestSealedFiles(t *testing.T) {
	type piece struct {
		Stream   string
		From, To int
		Hex      string
	}
	var v struct {
		Files []struct {
			Name                        string
			Suite                       uint64
			Recipients                  []string
			Header, Head, Payload, File string
		}
		Cases []struct {
			Name, Key, Error string
			Suite            uint64
			Pieces           []piece
		}
	}
	load(t, "hpke/sealedfile.json", &v)
	if len(v.Files) == 0 || len(v.Cases) == 0 {
		t.Fatal("no cases")
	}
	files := map[string][]byte{}
	for _, file := range v.Files {
		b := unhex(t, file.File)
		files[file.Name] = b
		for i, sk := range file.Recipients {
			f, fault := openSealedFile(t, file.Suite, unhex(t, sk), b)
			payload, broken, _ := openFile(f.payloadKey, f.payload)
			if fault != "" || broken != "" {
				t.Errorf("%s, recipient %d: %q %q", file.Name, i, fault, broken)
				continue
			}
			if hex.EncodeToString(f.header) != file.Header || hex.EncodeToString(f.head) != file.Head ||
				hex.EncodeToString(payload) != file.Payload {
				t.Errorf("%s, recipient %d: opens to something else", file.Name, i)
			}
		}
	}
	for _, c := range v.Cases {
		var b []byte
		for _, p := range c.Pieces {
			if p.Stream != "" {
				b = append(b, files[p.Stream][p.From:max(p.From, p.To)]...)
			}
			b = append(b, unhex(t, p.Hex)...)
		}
		f, fault := openSealedFile(t, c.Suite, unhex(t, c.Key), b)
		if fault == "" {
			_, fault, _ = openFile(f.payloadKey, f.payload)
		}
		if fault != c.Error {
			t.Errorf("%s: %q, want %q", c.Name, fault, c.Error)
		}
	}
}
