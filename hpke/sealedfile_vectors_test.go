package hpke

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
)

// fileVectors is testdata/vectors/hpke/sealedfile.json; SOURCES.md beside it says
// what its fields mean.
type fileVectors struct {
	Files []namedFile `json:"files"`
	Cases []fileCase  `json:"cases"`
}

type namedFile struct {
	Name    string     `json:"name"`
	Suite   byte       `json:"suite"`
	Keys    []hexBytes `json:"recipients"`
	Header  hexBytes   `json:"header"`
	Head    hexBytes   `json:"head"`
	Payload hexBytes   `json:"payload"`
	File    hexBytes   `json:"file"`
}

type fileCase struct {
	Name   string   `json:"name"`
	Suite  byte     `json:"suite"`
	Key    hexBytes `json:"key"`
	Pieces []piece  `json:"pieces"`
	Error  string   `json:"error"`
}

func fileErrors() map[string]error {
	return map[string]error{
		"file": ErrFile, "version": ErrVersion, "suite": ErrSuite, "recipient": ErrRecipient, "commitment": ErrCommitment,
		"open": ErrOpen, "too large": ErrTooLarge, "truncated": ErrTruncated,
	}
}

// buildFileVectors writes down what the format is.
func buildFileVectors(t *testing.T) *fileVectors {
	t.Helper()
	v := new(fileVectors)
	files := map[string][]byte{}
	key := func(s Suite, n byte) *PrivateKey {
		k, err := GenerateKey(s, seeded(n))
		check(t, err)
		return k
	}
	raw := func(k *PrivateKey) hexBytes {
		b, err := k.Bytes()
		check(t, err)
		return b
	}
	for i, f := range []struct {
		name string
		keys []*PrivateKey
	}{
		{"one", []*PrivateKey{key(SuiteX25519, 1)}},
		{"three", []*PrivateKey{key(SuiteX25519, 1), key(SuiteX25519, 2), key(SuiteX25519, 3)}},
		{"xwing", []*PrivateKey{key(SuiteXWing, 1)}},
	} {
		s := f.keys[0].Suite()
		n := namedFile{Name: f.name, Suite: byte(s), Head: hexBytes("who and what"), Payload: pattern(300)}
		n.File = sealedFor(t, s, publicKeys(f.keys), n.Head, n.Payload, seeded(byte(10+i)))
		for _, k := range f.keys {
			n.Keys = append(n.Keys, raw(k))
		}
		o, err := OpenFile(bytes.NewReader(n.File), f.keys[0])
		check(t, err)
		header := o.Header()
		n.Header = header[:]
		v.Files = append(v.Files, n)
		files[f.name] = n.File
	}

	const file = "three"
	stanza, stanzas := SuiteX25519.stanzaSize(), prefixSize+4*SuiteX25519.stanzaSize()
	whole := len(files[file])
	cut := func(from, to int) piece { return piece{Stream: file, From: from, To: to} }
	change := func(at int, to ...byte) []piece {
		return []piece{cut(0, at), {Hex: to}, cut(at+len(to), whole)}
	}
	flip := func(at int) []piece { return change(at, files[file][at]^1) }
	add := func(name, fault string, pieces ...piece) {
		v.Cases = append(v.Cases, fileCase{name, byte(SuiteX25519), raw(key(SuiteX25519, 1)), pieces, fault})
	}
	add("not sealed to this key", "recipient", piece{Stream: file, To: whole})
	v.Cases[0].Key = raw(key(SuiteX25519, 4))
	add("a key of the other suite", "suite", piece{Stream: file, To: whole})
	v.Cases[1].Suite, v.Cases[1].Key = byte(SuiteXWing), raw(key(SuiteXWing, 1))
	add("nothing at all", "file")
	add("another magic", "file", flip(0)...)
	add("version 2", "version", change(4, 2)...)
	add("no suite", "suite", change(5, 0)...)
	add("not zero", "file", change(7, 1)...)
	add("no stanzas", "file", change(8, 0, 0, 0, 0)...)
	add("stanzas that are no size of ours", "file", change(8, 0, 0, 0, 3)...)
	add("stanzas beyond the limit", "file", change(8, 0, 0, 0x41, 0)...)
	add("stanzas fewer than sealed", "recipient", change(8, 0, 0, 0, 2)...)
	add("nonce changed", "recipient", flip(12)...)
	add("commitment changed", "recipient", flip(44)...)
	add("cut in the prefix", "truncated", cut(0, 75))
	add("cut in the stanzas", "truncated", cut(0, stanzas-1))
	add("stanzas swapped", "open", cut(0, prefixSize), cut(prefixSize+stanza, prefixSize+2*stanza),
		cut(prefixSize, prefixSize+stanza), cut(prefixSize+2*stanza, whole))
	add("head too long", "too large", change(stanzas, 0, 1, 0, 17)...)
	add("head without a tag", "open", change(stanzas, 0, 0, 0, 15)...)
	add("cut in the head", "truncated", cut(0, stanzas+10))
	add("head changed", "open", flip(stanzas+4)...)
	add("cut after the head", "truncated", cut(0, stanzas+4+12+Overhead))
	add("payload changed", "open", flip(whole-1)...)
	add("cut in the payload", "open", cut(0, whole-1))
	add("one byte more", "open", cut(0, whole), piece{Hex: hexBytes{0}})

	// A second file key: its prefix commits to the first.
	to := [2]*PrivateKey{key(SuiteX25519, 2), key(SuiteX25519, 1)}
	add("another file key than committed to", "commitment", piece{Hex: newTwoFaced(t, SuiteX25519, to, seeded(20)).raw})
	return v
}

func TestSealedFileVectors(t *testing.T) {
	v := updated(t, "vectors/hpke/sealedfile.json", buildFileVectors(t))
	files := map[string][]byte{}
	for _, f := range v.Files {
		files[f.Name] = f.File
		for _, raw := range f.Keys {
			key, err := ParsePrivateKey(Suite(f.Suite), raw)
			check(t, err)
			o, err := OpenFile(bytes.NewReader(f.File), key)
			check(t, err)
			header := o.Header()
			equal(t, "header", header[:], f.Header)
			equal(t, "head", o.Head(), f.Head)
			payload, err := io.ReadAll(o.Payload())
			check(t, err)
			equal(t, "payload", payload, f.Payload)
		}
	}
	if len(v.Files) < 3 || len(v.Cases) < 25 {
		t.Fatalf("%d files and %d cases", len(v.Files), len(v.Cases))
	}
	for _, c := range v.Cases {
		key, err := ParsePrivateKey(Suite(c.Suite), c.Key)
		check(t, err)
		want, ok := fileErrors()[c.Error]
		if !ok {
			t.Fatalf("%s: no error %q", c.Name, c.Error)
		}
		if _, _, err := openedBy(assemble(t, files, c.Pieces), key); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", c.Name, err, want)
		}
	}
}

// FuzzOpenSealedFile opens bytes with a fixed key: nothing that the sealer did not
// make opens, and every refusal is one of the errors of the package.
func FuzzOpenSealedFile(f *testing.F) {
	key, err := GenerateKey(SuiteX25519, seeded(1))
	check(f, err)
	genuine := sealedFor(f, SuiteX25519, []*PublicKey{key.Public()}, []byte("head"), pattern(50), seeded(2))
	f.Add(genuine)
	f.Add(sealedFor(f, SuiteX25519, slices.Repeat([]*PublicKey{key.Public()}, 3), nil, nil, seeded(3)))
	f.Add(genuine[:prefixSize])
	f.Add(append(bytes.Clone(genuine), 0))
	known := []error{ErrFile, ErrVersion, ErrSuite, ErrRecipient, ErrCommitment, ErrTooLarge, ErrOpen, ErrTruncated, ErrTrailing, ErrEmptyChunk}
	f.Fuzz(func(t *testing.T, file []byte) {
		_, payload, err := openedBy(file, key)
		if err == nil {
			if len(payload) != 0 && len(payload) != 50 {
				t.Errorf("%d bytes that nobody sealed", len(payload))
			}
			return
		}
		if !slices.ContainsFunc(known, func(k error) bool { return errors.Is(err, k) }) {
			t.Errorf("unknown reason: %v", err)
		}
	})
}
