package reference

import (
	"bytes"
	"encoding/hex"
	"slices"
	"testing"
)

// shareFile is a vector of share/files.json.
type shareFile struct {
	Name, Key, Trust, Policy, File string
	At                             uint64
	Classic                        bool
	Refused                        string
	ID, Root                       string
	Segments                       []string
	Items                          uint64
}

func shareFiles(t testing.TB) []shareFile {
	t.Helper()
	var all []shareFile
	load(t, "share/files.json", &all)
	if len(all) == 0 {
		t.Fatal("no vectors")
	}
	return all
}

// opener is who opens a share: his key, and what he said about whom and what he
// takes.
type opener struct {
	suiteByte uint64
	key       []byte
	at        uint64
	trust     []byte // whom, nil without a word
	policy    *policy
	classic   bool // a suite that is not safe from quantum computers will do
}

// opened is a share that was taken.
type opened struct {
	id, root []byte
	content  shareContent
}

// codeOf is the row of the table of section "Opening" for an error of the
// sealed file.
func codeOf(fault string) string {
	switch fault {
	case "file":
		return "source"
	case "recipient":
		return "intent"
	case "version", "suite":
		return fault
	case "too large":
		return "limit"
	}
	return "verification"
}

// open is section "Share", "Opening": the refusal's code, "" for none.
func (o opener) open(t testing.TB, b []byte) (s opened, code string) {
	t.Helper()
	f, fault := openSealedFile(t, o.suiteByte, o.key, b)
	if fault != "" {
		return s, codeOf(fault)
	}
	if o.suiteByte == 2 && !o.classic {
		return s, "suite"
	}
	h, ok := parseShareHead(f.head)
	if !ok || !verify(h.sharer, "share-head", h.signedHash(f.header), h.signature) {
		return s, "verification"
	}
	switch {
	case o.trust != nil && !bytes.Equal(o.trust, h.sharer):
		return s, "untrusted"
	case o.at > h.notAfter, h.created > o.at+300_000:
		return s, "expired"
	case o.policy != nil && h.intent == catchUp && !o.policy.allows(h):
		return s, "policy"
	}
	payload, fault, _ := openFile(f.payloadKey, f.payload)
	if fault != "" {
		return s, codeOf(fault)
	}
	s.id = h.id(f.header)
	s.content, s.root, code = readPayload(h, s.id, payload)
	return s, code
}

// opener is who opens a vector.
func (v shareFile) opener(t testing.TB) (o opener) {
	t.Helper()
	o = opener{at: v.At, classic: v.Classic}
	var ok bool
	if o.suiteByte, o.key, ok = readRecipientKey(v.Key); !ok {
		t.Fatalf("%s: key %s", v.Name, v.Key)
	}
	if v.Trust != "" {
		if o.trust, ok = readIdentity(v.Trust); !ok {
			t.Fatalf("%s: identity %s", v.Name, v.Trust)
		}
	}
	if v.Policy != "" {
		p, ok := readPolicy(unhex(t, v.Policy))
		if !ok {
			t.Fatalf("%s: policy %s", v.Name, v.Policy)
		}
		o.policy = &p
	}
	return o
}

func TestShareFiles(t *testing.T) {
	taken := 0
	for _, v := range shareFiles(t) {
		s, code := v.opener(t).open(t, unhex(t, v.File))
		if code != v.Refused {
			t.Errorf("%s: %q, want %q", v.Name, code, v.Refused)
			continue
		}
		if code != "" {
			continue
		}
		taken++
		var segments []string
		for _, id := range s.content.segments {
			segments = append(segments, hex.EncodeToString(id))
		}
		if hex.EncodeToString(s.id) != v.ID || hex.EncodeToString(s.root) != v.Root ||
			!slices.Equal(segments, v.Segments) || s.content.items != v.Items {
			t.Errorf("%s: id %x, root %x, %d items in %q", v.Name, s.id, s.root, s.content.items, segments)
		}
	}
	if taken == 0 {
		t.Error("no vector was to be opened")
	}
}

// No byte of a file can be changed or cut off, those of another recipient's
// stanza included, because hh has them. The vectors change a few places only.
func TestShareFilesChanged(t *testing.T) {
	v := shareFiles(t)[0]
	whole, o := unhex(t, v.File), v.opener(t)
	for at := 0; at < len(whole); at += 61 {
		b := bytes.Clone(whole)
		b[at] ^= 0x10
		if _, code := o.open(t, b); code == "" {
			t.Errorf("byte %d changed is taken", at)
		}
	}
	for n := 0; n < len(whole); n += 97 {
		if _, code := o.open(t, whole[:n]); code == "" {
			t.Errorf("the first %d bytes are taken", n)
		}
	}
}
