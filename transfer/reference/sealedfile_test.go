package reference

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
)

// Sections "HPKE", "Sealed file", and "Share".

// refusal is an error by its code on the wire.
type refusal string

func (r refusal) Error() string { return string(r) }

// checkedText reads a text form: prefix, base32 of bytes and of three bytes of a hash.
func checkedText(text, prefix, label string) ([]byte, error) {
	rest, ok := strings.CutPrefix(strings.ToUpper(strings.TrimSpace(text)), prefix)
	b, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(rest)
	if !ok || err != nil || len(b) < 4 || !bytes.Equal(b[len(b)-3:], labeledHash(label, b[:len(b)-3])[:3]) {
		return nil, errMalformed
	}
	return b[:len(b)-3], nil
}

// sealedFile is what its stanza, its commitment and its head open to.
type sealedFile struct {
	header  []byte // hh
	head    []byte
	payload []byte
	suite   uint64
}

// openSealed opens a sealed file with a secret key of this suite. The payload may have
// an end that is none: then cut says so.
func openSealed(t testing.TB, file []byte, suiteByte uint64, sk []byte) (*sealedFile, error) {
	if len(file) < 4 || string(file[:4]) != "VCTB" {
		return nil, refusal("source")
	}
	if len(file) < 76 {
		return nil, refusal("verification")
	}
	if file[4] != 1 {
		return nil, refusal("version")
	}
	s, ok := suiteOf(uint64(file[5]))
	n := binary.BigEndian.Uint32(file[8:])
	switch {
	case !ok:
		return nil, refusal("suite")
	case file[6] != 0 || file[7] != 0 || n == 0 || n > 16384 || n <= 256 && n&(n-1) != 0 || n > 256 && n%256 != 0:
		return nil, refusal("source")
	case uint64(file[5]) != suiteByte:
		return nil, refusal("suite")
	}
	size := s.nenc + 48
	end := 76 + int(n)*size
	if len(file) < end+4 {
		return nil, refusal("verification")
	}
	aad, pk := sha256.Sum256(file[:76]), s.public(t, sk)
	info := slices.Concat(label("stanza"), []byte{0}, labeledHash("pk", pk))
	var fk []byte
	for at := 76; at < end && fk == nil; at += size {
		stanza := file[at : at+size]
		secret := s.decapsulate(t, sk, stanza[:s.nenc])
		if secret == nil {
			continue
		}
		if plain, err := s.setup(t, secret, info, nil, nil).open(stanza[s.nenc:], aad[:]); err == nil {
			fk = plain
		}
	}
	if fk == nil {
		return nil, refusal("intent")
	}
	prk := extract(t, file[12:44], fk)
	if !bytes.Equal(expand(t, prk, "commit", nil, 32), file[44:76]) {
		return nil, refusal("verification")
	}
	f := &sealedFile{header: labeledHash("bundle header", file[:end]), suite: suiteByte}
	length := binary.BigEndian.Uint32(file[end:])
	if length < 16 || length > 65552 || len(file) < end+4+int(length) {
		return nil, refusal("verification")
	}
	sealed := file[end+4 : end+4+int(length)]
	var err error
	if f.head, err = open(expand(t, prk, "head", f.header, 32), make([]byte, 12), sealed, nil); err != nil {
		return nil, refusal("verification")
	}
	hash := sha256.Sum256(sealed)
	key := expand(t, prk, "payload", slices.Concat(f.header, hash[:]), 32)
	payload, fault, _ := openFile(key, file[end+4+int(length):])
	if fault != "" {
		return nil, refusal("verification")
	}
	f.payload = payload
	return f, nil
}

// aShare is a sealed file's content as it was verified.
type aShare struct {
	id, root []byte
	segments []string
	items    uint64
}

// openShare is what an opener has to do before anything is given out, at this time.
func openShare(t testing.TB, f *sealedFile, at uint64, trust, policy []byte) (*aShare, error) {
	head, err := parseShareHead(f.header, f.head)
	if err != nil {
		return nil, err
	}
	switch {
	case trust != nil && !bytes.Equal(trust, head.sharer):
		return nil, refusal("untrusted")
	case at > head.notAfter || at+5*60*1000 < head.created:
		return nil, refusal("expired")
	case policy != nil && head.intent == 2 && !allows(policy, head):
		return nil, refusal("policy")
	}
	out := &aShare{id: labeledHash("share id", f.header, lp(f.head))}
	var entries []entry
	var hashes [][]byte
	var own ledger
	p := records{f.payload, f.payload}
	for {
		kind, body, ok := p.next()
		if !ok {
			return nil, refusal("verification")
		}
		if kind == 0 {
			before := uint64(len(p.all) - len(p.rest) - len(body))
			if uint64(len(body)) != padme(before)-before || len(bytes.Trim(body, "\x00")) > 0 {
				return nil, refusal("verification")
			}
			break
		}
		if kind != 1 {
			return nil, refusal("verification")
		}
		page, err := parsePage(body)
		if err != nil {
			return nil, refusal("verification")
		}
		own.add(page.ledger)
		for _, e := range page.entries {
			if e.kind == entryRoom {
				if head.intent == 2 && e.room != head.room {
					return nil, refusal("verification")
				}
				continue
			}
			kind, body, ok := p.next()
			if !ok {
				return nil, refusal("verification")
			}
			entries = append(entries, e)
			if e.kind == entryAttachment {
				own.attachments++
				if kind == 4 && len(body) == 0 {
					own.attachmentsQuarantined++
					hashes = append(hashes, nil)
					continue
				}
				n := len(body) - 32
				if kind != 3 || n < 0 || uint64(n) != e.bytes || !bytes.Equal(sha(body[:n]), body[n:]) || e.hash != nil && !bytes.Equal(e.hash, body[n:]) {
					return nil, refusal("verification")
				}
				hashes = append(hashes, body[n:])
				continue
			}
			if kind != 2 || uint64(len(body)) != e.bytes || !bytes.Equal(sha(body), e.id) ||
				e.items > 0 && (head.since > 0 && e.first < int64(head.since) || head.until > 0 && e.last >= int64(head.until)) {
				return nil, refusal("verification")
			}
			own.source += e.items
			out.items += e.items
			out.segments = append(out.segments, hex.EncodeToString(e.id))
		}
	}
	kind, body, ok := p.next()
	if !ok || kind != 5 || len(body) <= 64 || len(p.rest) > 0 {
		return nil, refusal("verification")
	}
	raw, signature := body[:len(body)-64], body[len(body)-64:]
	if !signed(head.sharer, "share-root", labeledHash("share root", out.id, lp(raw)), signature) {
		return nil, refusal("verification")
	}
	end, err := parseEnd(raw)
	out.root = rootOf(out.id, entries, hashes)
	if err != nil || !bytes.Equal(end.root, out.root) || end.ledger != own {
		return nil, refusal("verification")
	}
	return out, nil
}

// records are those of the payload.
type records struct{ all, rest []byte }

func (r *records) next() (kind byte, body []byte, ok bool) {
	if len(r.rest) < 9 {
		return 0, nil, false
	}
	n := binary.BigEndian.Uint64(r.rest[1:])
	if n > uint64(len(r.rest)-9) {
		return 0, nil, false
	}
	kind, body = r.rest[0], r.rest[9:9+n]
	r.rest = r.rest[9+n:]
	return kind, body, true
}

func (l *ledger) add(o ledger) {
	l.source += o.source
	l.excluded += o.excluded
	l.quarantined += o.quarantined
	l.attachments += o.attachments
	l.attachmentsExcluded += o.attachmentsExcluded
	l.attachmentsQuarantined += o.attachmentsQuarantined
}

// allows is a HistoryPolicy of few roles in its TLS form.
func allows(policy []byte, h *shareHead) bool {
	n := int(policy[1])
	roles, rest := policy[2:2+n], policy[2+n:]
	found := false
	for ; len(roles) > 0; roles = roles[4:] {
		found = found || uint64(binary.BigEndian.Uint32(roles)) == h.role
	}
	return policy[0] != 2 && found && h.since >= h.created-1000*uint64(binary.BigEndian.Uint32(rest[1:]))
}

func TestSealedFiles(t *testing.T) {
	var all []struct {
		Name, Key, Trust, Policy, File, Refused, ID, Root string
		At, Items                                         uint64
		Classic                                           bool
		Segments                                          []string
	}
	load(t, "share/files.json", &all)
	opened := 0
	for _, v := range all {
		key, err := checkedText(v.Key, "VCT-SECRET-KEY-", "recipient key check")
		if err != nil {
			t.Fatal(err)
		}
		var trust, policy []byte
		if v.Trust != "" {
			if trust, err = checkedText(v.Trust, "VCT-IDENTITY-", "identity check"); err != nil {
				t.Fatal(err)
			}
		}
		if v.Policy != "" {
			policy = unhex(t, v.Policy)
		}
		got := ""
		f, err := openSealed(t, unhex(t, v.File), uint64(key[0]), key[1:])
		if err == nil && f.suite == 2 && !v.Classic {
			err = refusal("suite")
		}
		var s *aShare
		if err == nil {
			s, err = openShare(t, f, v.At, trust, policy)
		}
		if r := refusal(""); errors.As(err, &r) {
			got = string(r)
		}
		if got != v.Refused {
			t.Errorf("%s: %q, want %q", v.Name, got, v.Refused)
		}
		if err != nil {
			continue
		}
		opened++
		if hex.EncodeToString(s.id) != v.ID || hex.EncodeToString(s.root) != v.Root || !slices.Equal(s.segments, v.Segments) || s.items != v.Items {
			t.Errorf("%s: %x, %x, %v", v.Name, s.id, s.root, s.segments)
		}
	}
	if opened < 3 {
		t.Errorf("only %d files", opened)
	}
}
