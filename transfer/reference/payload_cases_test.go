package reference

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
)

// shareDraft is a payload before it is put together. The vectors have no
// attachment and hardly a ledger; what the document says of both is held
// against payloads that are made here, each wrong in one place.
type shareDraft struct {
	seed, id   []byte
	head       shareHead
	entries    []item
	left       item // excluded, in the page
	records    []shareRecord
	hashes     [][]byte
	end        item // ledger
	padding    int  // bytes more than there have to be
	between    []byte
	behind     []byte
	signedWith []byte // id
}

func (d *shareDraft) record(kind byte, body ...[]byte) {
	d.records = append(d.records, shareRecord{kind: kind, body: slices.Concat(body...)})
}

func bytesItem(b []byte) item { return item{major: majorBytes, arg: uint64(len(b)), data: b} }

// ledgerOf has nothing imported, there or of a tombstone.
func ledgerOf(source uint64, excluded item, attachments uint64, absent item) item {
	zero, none := uintItem(0), mapOf()
	return arrayOf(uintItem(source), zero, zero, zero, excluded, none, uintItem(attachments), zero, zero, none, absent)
}

// draft is a share of one room with one attachment, absent or not.
func draft(t *testing.T, absent bool) *shareDraft {
	t.Helper()
	var v struct{ Segments []struct{ Hex string } }
	load(t, "segment/segments-room.json", &v)
	d := &shareDraft{seed: bytes.Repeat([]byte{7}, 32), id: bytes.Repeat([]byte{9}, 32)}
	d.head = shareHead{intent: sameAccount, sharer: publicIdentity(d.seed), has: map[uint64]bool{}}
	d.signedWith = d.id
	content := []byte("what is attached")
	items := uint64(0)
	d.left = mapOf(textItem("on another page"), uintItem(2))
	for i, s := range v.Segments {
		b := unhex(t, s.Hex)
		parsed, err := parseSegment(b)
		if err != nil {
			t.Fatal(err)
		}
		n := len(parsed.instants)
		if i == 0 {
			d.entries = append(d.entries, arrayOf(uintItem(1), textItem(parsed.room), textItem("name")))
		}
		d.entries = append(d.entries, arrayOf(uintItem(2), bytesItem(sha(b)), uintItem(uint64(1+i)),
			uintItem(uint64(parsed.instants[0])), uintItem(uint64(parsed.instants[n-1])), uintItem(uint64(n)), uintItem(uint64(len(b)))))
		items += uint64(n)
		d.record(2, b)
		if i > 0 {
			continue
		}
		if parsed.attachments != 1 {
			t.Fatalf("the segment has %d attachments", parsed.attachments)
		}
		d.entries = append(d.entries, arrayOf(uintItem(3), textItem("id"), uintItem(0), uintItem(uint64(len(content))),
			textItem("text/plain"), textItem(""), textItem(""), bytesItem(sha(content))))
		if absent {
			d.record(4)
			d.hashes = append(d.hashes, nil)
		} else {
			d.record(3, content, sha(content))
			d.hashes = append(d.hashes, sha(content))
		}
	}
	missing := mapOf()
	if absent {
		missing = mapOf(textItem("content not in source"), uintItem(1))
	}
	d.end = ledgerOf(items+2, d.left, 1, missing)
	return d
}

// payload puts it together.
func (d *shareDraft) payload(t *testing.T) []byte {
	t.Helper()
	left := uint64(0)
	for pair := range slices.Chunk(d.left.list, 2) {
		left += pair[1].arg
	}
	body := arrayOf(arrayOf(d.entries...), ledgerOf(left, d.left, 0, mapOf())).encode()
	var out []byte
	add := func(kind byte, body []byte) {
		out = slices.Concat(out, []byte{kind}, binary.BigEndian.AppendUint64(nil, uint64(len(body))), body)
	}
	add(1, body)
	for _, r := range d.records {
		add(r.kind, r.body)
	}
	out = append(out, d.between...)
	at := uint64(len(out)) + 9
	if d.padding >= -int(padme(at)-at) {
		add(0, make([]byte, int(padme(at)-at)+d.padding))
	}
	var entries []entry
	for _, raw := range d.entries {
		e, _ := parseEntry(raw.parsed(t))
		entries = append(entries, e)
	}
	end := arrayOf(bytesItem(rootOf(d.id, entries, d.hashes)), d.end).encode()
	add(5, append(end, sign(d.seed, "share-root", shareEndHash(d.signedWith, end))...))
	return append(out, d.behind...)
}

// parsed is an item that was made as a reader has it, with its bytes.
func (it item) parsed(t *testing.T) item {
	t.Helper()
	out, err := pages.parse(it.encode())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestPayloads(t *testing.T) {
	for _, absent := range []bool{false, true} {
		d := draft(t, absent)
		c, _, code := readPayload(d.head, d.id, d.payload(t))
		if code != "" || len(c.segments) != 2 || len(c.hashes) != 1 || (c.hashes[0] == nil) != absent {
			t.Fatalf("absent %v: %q, %d segments", absent, code, len(c.segments))
		}
	}
	record := func(kind byte, n int) []byte {
		return slices.Concat([]byte{kind}, binary.BigEndian.AppendUint64(nil, uint64(n)), make([]byte, n))
	}
	for what, change := range map[string]func(d *shareDraft){
		"content changed":            func(d *shareDraft) { d.records[1].body[0] ^= 1 },
		"content with another sum":   func(d *shareDraft) { d.records[1].body[20] ^= 1 },
		"content cut":                func(d *shareDraft) { d.records[1].body = d.records[1].body[1:] },
		"absent, but for the ledger": func(d *shareDraft) { d.records[1] = shareRecord{kind: 4}; d.hashes[0] = nil },
		"absent with a body": func(d *shareDraft) {
			d.records[1] = shareRecord{kind: 4, body: []byte{0}}
			d.hashes[0] = nil
			d.end.list[10] = mapOf(textItem("content not in source"), uintItem(1))
		},
		"segment for attachment":       func(d *shareDraft) { d.records[1].kind = 2 },
		"segment changed":              func(d *shareDraft) { d.records[0].body[9] ^= 1 },
		"segment left out":             func(d *shareDraft) { d.records = d.records[:2] },
		"segment twice":                func(d *shareDraft) { d.records = append(d.records, d.records[2]) },
		"segments in another order":    func(d *shareDraft) { d.records[0], d.records[2] = d.records[2], d.records[0] },
		"segment without a room":       func(d *shareDraft) { d.entries = d.entries[1:] },
		"items that are not there":     func(d *shareDraft) { d.entries[1].list[5].arg++ },
		"another instant":              func(d *shareDraft) { d.entries[1].list[3].arg-- },
		"another kind":                 func(d *shareDraft) { d.entries[1].list[2].arg = 2 },
		"a catch-up of another room":   func(d *shareDraft) { d.head.intent, d.head.room = catchUp, "mimi://example.com/r/other" },
		"messages behind the window":   func(d *shareDraft) { d.head.has[9], d.head.to = true, d.entries[1].list[4].arg },
		"no padding":                   func(d *shareDraft) { d.padding = -1 << 20 },
		"padding of one byte more":     func(d *shareDraft) { d.padding = 1 },
		"padding twice":                func(d *shareDraft) { d.between = record(0, 5) },
		"an unknown record":            func(d *shareDraft) { d.between = record(6, 0) },
		"bytes that are no record":     func(d *shareDraft) { d.between = []byte{1, 2, 3} },
		"a record behind the end":      func(d *shareDraft) { d.behind = record(0, 0) },
		"a byte behind the end":        func(d *shareDraft) { d.behind = []byte{0} },
		"an end for another file":      func(d *shareDraft) { d.signedWith = sha(nil) },
		"an end by somebody else":      func(d *shareDraft) { d.seed = bytes.Repeat([]byte{8}, 32) },
		"a root of another file":       func(d *shareDraft) { d.id = sha(nil); d.signedWith = bytes.Repeat([]byte{9}, 32) },
		"an item more in the ledger":   func(d *shareDraft) { d.end.list[0].arg++ },
		"no attachment in the ledger":  func(d *shareDraft) { d.end.list[6].arg = 0 },
		"imported, in the ledger":      func(d *shareDraft) { d.end.list[1].arg = 1 },
		"another reason in the ledger": func(d *shareDraft) { d.end.list[4] = mapOf(textItem("unknown"), uintItem(2)) },
	} {
		d := draft(t, false)
		id := d.id
		change(d)
		if _, _, code := readPayload(d.head, id, d.payload(t)); code != "verification" {
			t.Errorf("%s: %q", what, code)
		}
	}
	if _, _, code := readPayload(shareHead{}, nil, record(1, 196_609)); code != "limit" {
		t.Errorf("a page that is too long: %q", code)
	}
}
