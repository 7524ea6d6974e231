package reference

import (
	"bytes"
	"encoding/binary"
	"maps"
	"slices"
)

// shareRecord is one of section "Share", "Payload".
type shareRecord struct {
	kind byte
	body []byte
	at   int // where it begins
}

// shareRecords cuts a payload; that the types stand where they may is for the
// caller.
func shareRecords(b []byte) (all []shareRecord, ok bool) {
	whole := len(b)
	for len(b) > 0 {
		r := shareRecord{kind: b[0], at: whole - len(b)}
		if len(b) < 9 || binary.BigEndian.Uint64(b[1:]) > uint64(len(b)-9) {
			return nil, false
		}
		n := binary.BigEndian.Uint64(b[1:])
		r.body, b = b[9:9+n], b[9+n:]
		all = append(all, r)
	}
	return all, true
}

// tally is a ledger as a sharer has it: what he has in all, and what he left,
// by reason.
type tally struct {
	source, attachments                         uint64
	excluded, quarantined                       map[string]uint64
	attachmentsExcluded, attachmentsQuarantined map[string]uint64
}

func newTally() tally {
	return tally{excluded: map[string]uint64{}, quarantined: map[string]uint64{},
		attachmentsExcluded: map[string]uint64{}, attachmentsQuarantined: map[string]uint64{}}
}

// add adds a ledger that parseLedger has taken.
func (s *tally) add(ledger item) {
	s.source += ledger.list[0].arg
	s.attachments += ledger.list[6].arg
	for i, column := range map[int]map[string]uint64{
		4: s.excluded, 5: s.quarantined, 9: s.attachmentsExcluded, 10: s.attachmentsQuarantined,
	} {
		for pair := range slices.Chunk(ledger.list[i].list, 2) {
			column[string(pair[0].data)] += pair[1].arg
		}
	}
}

func (s tally) equal(o tally) bool {
	return s.source == o.source && s.attachments == o.attachments &&
		maps.Equal(s.excluded, o.excluded) && maps.Equal(s.quarantined, o.quarantined) &&
		maps.Equal(s.attachmentsExcluded, o.attachmentsExcluded) &&
		maps.Equal(s.attachmentsQuarantined, o.attachmentsQuarantined)
}

// shareContent is what a payload has told so far.
type shareContent struct {
	head     shareHead
	records  []shareRecord // that are to come
	room     string        // of the last room entry
	last     *segment      // the last of its room
	entries  []entry
	hashes   [][]byte // of the attachments, nil for one that is absent
	segments [][]byte
	items    uint64
	pages    int
	tally    tally
}

// next takes one record of a type.
func (c *shareContent) next(kind byte) ([]byte, bool) {
	if len(c.records) == 0 || c.records[0].kind != kind {
		return nil, false
	}
	body := c.records[0].body
	c.records = c.records[1:]
	return body, true
}

// readPayload reads the whole of it, up to the end of the file, and returns a
// refusal's code.
func readPayload(h shareHead, id, b []byte) (c shareContent, root []byte, code string) {
	c = shareContent{head: h, tally: newTally()}
	var ok bool
	if c.records, ok = shareRecords(b); !ok {
		return c, nil, "verification"
	}
	for len(c.records) > 0 && c.records[0].kind == 1 {
		if code := c.page(); code != "" {
			return c, nil, code
		}
	}
	if len(c.records) != 2 {
		return c, nil, "verification"
	}
	at := uint64(c.records[0].at) + 9
	padding, ok := c.next(0)
	if !ok || uint64(len(padding)) != padme(at)-at || bytes.Count(padding, []byte{0}) != len(padding) {
		return c, nil, "verification"
	}
	last, ok := c.next(5)
	if !ok || len(last) < 64 {
		return c, nil, "verification"
	}
	signed, signature := last[:len(last)-64], last[len(last)-64:]
	e, err := parseEnd(signed)
	if err != nil || !verify(h.sharer, "share-root", shareEndHash(id, signed), signature) ||
		!bytes.Equal(e.root, rootOf(id, c.entries, c.hashes)) {
		return c, nil, "verification"
	}
	own, _ := pages.parse(signed)
	said := newTally()
	said.add(own.list[1])
	l := e.ledger
	if l.imported+l.there+l.tombstones+l.attachmentsImported+l.attachmentsThere != 0 || !said.equal(c.tally) {
		return c, nil, "verification"
	}
	return c, e.root, ""
}

// page reads one with what stands behind it.
func (c *shareContent) page() (code string) {
	body, _ := c.next(1)
	if c.pages++; c.pages > 65536 || len(body) > 196608 {
		return "limit"
	}
	p, err := parsePage(body)
	if err != nil {
		return "verification"
	}
	it, _ := pages.parse(body)
	c.tally.add(it.list[1])
	for i, e := range p.entries {
		raw := it.list[0].list[i]
		ok := true
		switch e.kind {
		case entryRoom:
			c.room, c.last = string(raw.list[1].data), nil
			ok = c.head.intent != catchUp || c.room == c.head.room
		case entrySegment:
			ok = c.segment(e, raw)
		case entryAttachment:
			ok = c.attachment(e)
		}
		if !ok {
			return "verification"
		}
		c.entries = append(c.entries, e)
	}
	return ""
}

// segment reads the record of an entry and looks into it.
func (c *shareContent) segment(e entry, raw item) bool {
	b, ok := c.next(2)
	if !ok || c.room == "" || uint64(len(b)) != e.bytes || !bytes.Equal(sha(b), e.id) {
		return false
	}
	s, err := parseSegment(b)
	if err != nil || s.room != c.room || uint64(len(s.instants)) != e.items ||
		raw.list[2].arg != map[string]uint64{"messages": 1, "roster": 2}[s.kind] {
		return false
	}
	first, _ := raw.list[3].signed()
	last, _ := raw.list[4].signed()
	if n := len(s.instants); n == 0 && (first != 0 || last != 0) || n > 0 && (first != s.instants[0] || last != s.instants[n-1]) {
		return false
	}
	if h := c.head; len(s.instants) > 0 && (h.has[8] && first < int64(h.from) || h.has[9] && last >= int64(h.to)) {
		return false
	}
	c.last = &s
	c.segments = append(c.segments, e.id)
	c.items += e.items
	c.tally.source += e.items
	return true
}

// attachment reads the content of an entry, or that it is absent.
func (c *shareContent) attachment(e entry) bool {
	if c.last == nil || c.last.attachments == 0 {
		return false
	}
	c.last.attachments--
	c.tally.attachments++
	if body, absent := c.next(4); absent {
		c.hashes = append(c.hashes, nil)
		c.tally.attachmentsQuarantined["content not in source"]++
		return len(body) == 0
	}
	body, ok := c.next(3)
	if !ok || uint64(len(body)) != e.bytes+32 {
		return false
	}
	content, sum := body[:e.bytes], body[e.bytes:]
	c.hashes = append(c.hashes, sum)
	return bytes.Equal(sha(content), sum) && (e.hash == nil || bytes.Equal(e.hash, sum))
}
