package main

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/testdata/sample"
)

// needles are what must not lie on a disk in clear: windows of window bytes of it,
// also as base64 (at each of its three places), base32 and hexadecimal.
type needles struct {
	windows map[[window]byte]string // what each is of
	short   map[string]string       // whole, where it is shorter
}

const window = 16

func newNeedles() *needles {
	return &needles{windows: map[[window]byte]string{}, short: map[string]string{}}
}

// add looks for b from now on: for each of its windows, or for one in step of a large
// one, of which window+step bytes in a row are found then.
func (n *needles) add(what string, b []byte, step int) {
	for at := range 3 {
		if at < len(b) {
			n.raw(what+" in base64", []byte(base64.RawStdEncoding.EncodeToString(b[at:len(b)-(len(b)-at)%3])), step)
			n.raw(what+" in base64url", []byte(base64.RawURLEncoding.EncodeToString(b[at:len(b)-(len(b)-at)%3])), step)
		}
	}
	n.raw(what+" in base32", []byte(base32.StdEncoding.EncodeToString(b[:len(b)/5*5])), step)
	n.raw(what+" in hexadecimal", []byte(hex.EncodeToString(b)), step)
	n.raw(what, b, step)
}

func (n *needles) raw(what string, b []byte, step int) {
	if len(b) < window {
		if len(b) >= window/2 {
			n.short[string(b)] = what
		}
		return
	}
	for i := 0; i+window <= len(b); i += step {
		n.windows[[window]byte(b[i:])] = what
	}
}

// in tells what is in b, "" for nothing.
func (n *needles) in(b []byte) string {
	for i := 0; i+window <= len(b); i++ {
		if what, ok := n.windows[[window]byte(b[i:])]; ok {
			return what
		}
	}
	for s, what := range n.short {
		if bytes.Contains(b, []byte(s)) {
			return what
		}
	}
	return ""
}

// addTexts looks for every text of a JSON value: bodies, names, URIs, ids. Texts in
// base64 are looked for as what they encode too.
func (n *needles) addTexts(v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, e := range v {
			n.addTexts(e)
		}
	case []any:
		for _, e := range v {
			n.addTexts(e)
		}
	case string:
		n.add("text of the history", []byte(v), 1)
		if b, err := base64.RawURLEncoding.DecodeString(v); err == nil && len(b) >= window {
			n.add("content of the history", b, 1)
		}
	}
}

// historyNeedles are the sample, and the files in dir.
func historyNeedles(t *testing.T, dir string) *needles {
	t.Helper()
	n := newNeedles()
	var v any
	if err := json.Unmarshal(sample.JSON, &v); err != nil {
		t.Fatal(err)
	}
	n.addTexts(v)
	for path, b := range filesOf(t, dir) {
		n.add("content of "+filepath.Base(path), b, 256)
	}
	return n
}

// filesOf reads all files below dir, and checks that they are only their owner's.
func filesOf(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if mode := info.Mode().Perm(); path != dir && mode&0o077 != 0 {
			t.Errorf("%s has mode %o", path, mode)
		}
		if !d.IsDir() {
			files[path], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// The needles find what they are there for, in every form and wherever it begins.
func TestNeedles(t *testing.T) {
	n := historyNeedles(t, t.TempDir())
	for name, b := range map[string][]byte{
		"sample": sample.CBOR, "JSON": sample.JSON, "hexadecimal": []byte(hex.EncodeToString(sample.CBOR)),
		"body": []byte("xx just shipped release xx"), "room": []byte("rEngineering Teamx"),
	} {
		if n.in(b) == "" {
			t.Errorf("does not find the %s", name)
		}
	}
	for at := range 3 {
		if n.in([]byte(base64.StdEncoding.EncodeToString(append(make([]byte, at), "Right on! _Congratulations_ y'all!"...)))) == "" {
			t.Errorf("does not find base64 at %d", at)
		}
	}
	if what := n.in(bytes.Repeat([]byte("nothing of it, "), 1000)); what != "" {
		t.Errorf("finds %s where nothing is", what)
	}
	large := bytes.Repeat([]byte("0123456789abcdefghijklmnopqrstuvwxyz-"), 100)
	n = newNeedles()
	n.add("large", large, 256)
	if n.in(large[100:100+window+256]) == "" {
		t.Error("does not find a part of something large")
	}
}
