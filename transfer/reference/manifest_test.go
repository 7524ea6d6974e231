package reference

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// pages reads the CBOR of section "Segments", "Manifest".
var pages = cborReader{depth: 8, count: 4096}

// Kinds of an entry.
const (
	entryRoom       = 1
	entrySegment    = 2
	entryAttachment = 3
)

// entry is one of a page.
type entry struct {
	kind  uint64
	id    []byte // of a segment
	bytes uint64 // of a segment or an attachment
	items uint64
	name  []byte // of an attachment, as in its leaf
	hash  []byte // of an attachment, if it is known
}

type page struct {
	entries []entry
	ledger  ledger
}

// ledger is the array of the same name.
type ledger struct {
	source, imported, there, tombstones, excluded, quarantined uint64

	attachments, attachmentsImported, attachmentsThere uint64
	attachmentsExcluded, attachmentsQuarantined        uint64
}

// balances is the rule for a page and for the end in a receipt.
func (l ledger) balances() bool {
	return l.source == l.imported+l.there+l.tombstones+l.excluded+l.quarantined &&
		l.attachments == l.attachmentsImported+l.attachmentsThere+l.attachmentsExcluded+l.attachmentsQuarantined
}

func parsePage(b []byte) (page, error) {
	var p page
	it, err := pages.parse(b)
	if err != nil || len(b) > 196608 || !it.is(majorArray) || len(it.list) != 2 ||
		!it.list[0].is(majorArray) || len(it.list[0].list) > 2048 {
		return p, errMalformed
	}
	after := uint64(entrySegment) // a page may begin with attachments
	seen := map[string]bool{}
	for _, e := range it.list[0].list {
		parsed, ok := parseEntry(e)
		if !ok || parsed.kind == entryAttachment && after == entryRoom || seen[string(parsed.id)] {
			return p, errMalformed
		}
		if after = parsed.kind; after == entrySegment {
			seen[string(parsed.id)] = true
		}
		p.entries = append(p.entries, parsed)
	}
	var ok bool
	if p.ledger, ok = parseLedger(it.list[1]); !ok || !p.ledger.balances() {
		return p, errMalformed
	}
	return p, nil
}

func parseEntry(it item) (entry, bool) {
	if !it.is(majorArray) || len(it.list) == 0 || !it.list[0].is(majorUint) {
		return entry{}, false
	}
	l := it.list
	e := entry{kind: l[0].arg}
	text := func(it item, least, most int) bool {
		return it.is(majorText) && least <= len(it.data) && len(it.data) <= most
	}
	number := func(it item, most uint64) bool { return it.is(majorUint) && it.arg <= most }
	switch {
	case e.kind == entryRoom && len(l) == 3:
		return e, text(l[1], 1, 2048) && text(l[2], 0, 512)
	case e.kind == entrySegment && len(l) == 7:
		var ok bool
		e.id, ok = l[1].fixed(32)
		e.items, e.bytes = l[5].arg, l[6].arg
		first, good := l[3].signed()
		last, fine := l[4].signed()
		ok = ok && good && fine && first <= last && number(l[2], 2) && number(l[5], 4096) && number(l[6], 1<<24)
		return e, ok && l[2].arg > 0 && e.bytes > 0 && (e.items > 0 || l[2].arg == 2)
	case e.kind == entryAttachment && len(l) == 8:
		e.bytes = l[3].arg
		e.name = []byte{0x86}
		for _, part := range l[1:7] {
			e.name = append(e.name, part.raw...)
		}
		ok := text(l[1], 0, 512) && number(l[2], 1<<32-1) && number(l[3], 1<<40) &&
			text(l[4], 0, 256) && text(l[5], 0, 512) && text(l[6], 0, 256)
		if l[7].is(majorOther) && l[7].arg == 22 {
			return e, ok
		}
		var good bool
		e.hash, good = l[7].fixed(32)
		return e, ok && good
	}
	return e, false
}

// signed is an integer of either sign.
func (it item) signed() (int64, bool) {
	if it.arg > 1<<63-1 {
		return 0, false
	}
	if it.is(majorNint) {
		return -1 - int64(it.arg), true
	}
	return int64(it.arg), it.is(majorUint)
}

func parseLedger(it item) (ledger, bool) {
	if !it.is(majorArray) || len(it.list) != 11 {
		return ledger{}, false
	}
	var v [11]uint64
	for i, e := range it.list {
		var ok bool
		if i == 4 || i == 5 || i == 9 || i == 10 {
			v[i], ok = parseColumn(e)
		} else {
			v[i], ok = e.arg, e.is(majorUint) && e.arg <= 1<<48
		}
		if !ok {
			return ledger{}, false
		}
	}
	return ledger{v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9], v[10]}, true
}

var reason = regexp.MustCompile(`^[a-z0-9 -]{1,48}$`)

// parseColumn returns the sum of a column.
func parseColumn(it item) (uint64, bool) {
	if !it.is(majorMap) || len(it.list) > 2*32 {
		return 0, false
	}
	sum := uint64(0)
	for pair := range slices.Chunk(it.list, 2) {
		k, v := pair[0], pair[1]
		if !k.is(majorText) || !reason.Match(k.data) || !v.is(majorUint) || v.arg < 1 || v.arg > 1<<48 {
			return 0, false
		}
		sum += v.arg
	}
	return sum, true
}

// want is one answer: held, or needed from an offset.
type want struct {
	held   bool
	hash   []byte
	offset uint64
}

func parseAnswer(b []byte) ([]want, error) {
	it, err := pages.parse(b)
	if err != nil || !it.is(majorArray) || len(it.list) > 2048 {
		return nil, errMalformed
	}
	var all []want
	for _, e := range it.list {
		w := want{held: e.is(majorBytes), hash: e.data, offset: e.arg}
		if w.held && len(w.hash) != 0 && (len(w.hash) != 32 || bytes.Equal(w.hash, make([]byte, 32))) ||
			!w.held && (!e.is(majorUint) || e.arg > 1<<40) {
			return nil, errMalformed
		}
		all = append(all, w)
	}
	return all, nil
}

// end is [root, ledger].
type end struct {
	root   []byte
	ledger ledger
}

func parseEnd(b []byte) (end, error) {
	it, err := pages.parse(b)
	if err != nil || len(b) > 16384 || !it.is(majorArray) || len(it.list) != 2 {
		return end{}, errMalformed
	}
	var e end
	var ok, good bool
	e.root, ok = it.list[0].fixed(32)
	e.ledger, good = parseLedger(it.list[1])
	if !ok || !good {
		return e, errMalformed
	}
	return e, nil
}

// rootOf computes the root; hashes are those of the attachments in order, nil
// for one that is no leaf.
func rootOf(transferID []byte, entries []entry, hashes [][]byte) []byte {
	d := make([]byte, 32)
	var n, total uint64
	for _, e := range entries {
		var leaf [32]byte
		switch e.kind {
		case entrySegment:
			leaf = sha256.Sum256(append([]byte{1}, e.id...))
		case entryAttachment:
			hash := hashes[0]
			if hashes = hashes[1:]; hash == nil {
				continue
			}
			size := binary.BigEndian.AppendUint64(nil, e.bytes)
			leaf = sha256.Sum256(slices.Concat([]byte{2}, lp(e.name), size, hash))
		default:
			continue
		}
		next := sha256.Sum256(append(d, leaf[:]...))
		d = next[:]
		n++
		total += e.bytes
	}
	counts := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, n), total)
	return labeledHash("root", transferID, counts, d)
}

func TestManifestVectors(t *testing.T) {
	names, err := filepath.Glob("../../testdata/vectors/segment/*.json")
	if err != nil || len(names) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	checked := 0
	for _, name := range names {
		if _, err := os.Stat(name); err != nil {
			t.Fatal(err)
		}
		var v struct{ Comment, Parser, Hex, Error string }
		load(t, "segment/"+filepath.Base(name), &v)
		b := unhex(t, v.Hex)
		switch v.Parser {
		case "page":
			_, err = parsePage(b)
		case "answer":
			_, err = parseAnswer(b)
		case "end":
			_, err = parseEnd(b)
		case "segment":
			_, err = parseSegment(b)
		default:
			continue
		}
		checked++
		if (err != nil) != (v.Error != "") {
			t.Errorf("%s: %v, want %q", filepath.Base(name), err, v.Error)
		}
	}
	if checked < 10 {
		t.Errorf("only %d files have a parser that is known", checked)
	}
}

func TestRoot(t *testing.T) {
	var v struct {
		Root struct {
			TransferID       string `json:"transfer_id"`
			Page             string
			AttachmentSHA256 string `json:"attachment_sha256"`
			Root             string
		}
	}
	load(t, "segment/root.json", &v)
	p, err := parsePage(unhex(t, v.Root.Page))
	if err != nil {
		t.Fatal(err)
	}
	var hashes [][]byte
	for hash := range slices.Chunk(unhex(t, v.Root.AttachmentSHA256), 32) {
		hashes = append(hashes, hash)
	}
	if got := rootOf(unhex(t, v.Root.TransferID), p.entries, hashes); hex.EncodeToString(got) != v.Root.Root {
		t.Errorf("root is %x, want %s", got, v.Root.Root)
	}
}
