package reference

import (
	"bytes"
	"encoding/hex"
	"slices"
	"testing"
)

// shareHead is section "Share", "Head". Times that are left out are no times:
// has tells them from the instant 0.
type shareHead struct {
	sharer, signature []byte
	intent            uint64
	label, room, name string
	policy            []byte
	role              uint64
	from, to          uint64
	created, notAfter uint64
	recipients        uint64
	has               map[uint64]bool
	raw, unsigned     []byte
}

const (
	sameAccount = 1
	catchUp     = 2
)

func parseShareHead(b []byte) (shareHead, bool) {
	h := shareHead{raw: b}
	it, err := small.parse(b)
	if err != nil {
		return h, false
	}
	h.unsigned = it.withoutKey(16)
	text := func(into *string, v item, n int) bool {
		*into = string(v.data)
		return v.is(majorText) && sized(v, n) && plainText(*into)
	}
	number := func(into *uint64, v item, least, most uint64) bool {
		*into = v.arg
		return v.is(majorUint) && least <= v.arg && v.arg <= most
	}
	const latest = 253_402_300_800_000 - 1
	var ok bool
	h.has, ok = it.numbered(17, func(key uint64, v item) (ok bool) {
		var about uint64
		switch key {
		case 1:
			h.sharer, ok = v.fixed(32)
			return ok && checkIdentity(h.sharer)
		case 2:
			return number(&h.intent, v, sameAccount, catchUp)
		case 3:
			return text(&h.label, v, 64)
		case 4:
			return text(&h.room, v, 2048)
		case 5:
			return text(&h.name, v, 256)
		case 6:
			h.policy = v.data
			return v.is(majorBytes) && sized(v, 1024)
		case 7:
			return number(&h.role, v, 1, 1<<32-1)
		case 8:
			return number(&h.from, v, 0, latest)
		case 9:
			return number(&h.to, v, 0, latest)
		case 10:
			return number(&h.created, v, 0, latest)
		case 11:
			return number(&h.notAfter, v, 0, latest)
		case 12:
			return number(&h.recipients, v, 1, 16384)
		case 16:
			h.signature, ok = v.fixed(64)
			return ok
		}
		return number(&about, v, 1, 1<<64-1) // 13, 14, 15
	})
	for _, key := range []uint64{1, 2, 10, 11, 12, 16} {
		ok = ok && h.has[key]
	}
	return h, ok && h.has[4] == (h.intent == catchUp) &&
		h.notAfter > h.created && h.notAfter-h.created <= 2_592_000_000
}

// signedHash is what the signature of the head is over, id the file id.
func (h shareHead) signedHash(header []byte) []byte {
	return labeledHash("share head", header, lp(h.unsigned))
}

func (h shareHead) id(header []byte) []byte { return labeledHash("share id", header, lp(h.raw)) }

// shareEndHash is what the signature of the end is over.
func shareEndHash(id, end []byte) []byte { return labeledHash("share root", id, lp(end)) }

// policy is HistoryPolicy of draft-ietf-mimi-room-policy-03.
type policy struct {
	sharing   byte // optional, required, forbidden
	roles     []uint64
	maxPeriod uint64 // seconds
}

// readPolicy reads its TLS form: an enum of one byte, a vector of uint32 whose
// length in bytes is a variable-size integer, a bool, a uint32.
func readPolicy(b []byte) (p policy, ok bool) {
	take := func(n int) (v uint64) {
		if ok = ok && n <= len(b); ok {
			for _, c := range b[:n] {
				v = v<<8 | uint64(c)
			}
			b = b[n:]
		}
		return v
	}
	ok = true
	p.sharing = byte(take(1))
	length := take(1)
	if size := length >> 6; size > 0 { // RFC 9420, section 2.1.2
		length &= 63
		for range 1<<size - 1 {
			length = length<<8 | take(1)
		}
		ok = ok && size < 3 && length >= 1<<(8<<(size-1)-2) // the shortest form only
	}
	ok = ok && length%4 == 0 && length <= uint64(len(b))
	for i := uint64(0); ok && i < length; i += 4 {
		p.roles = append(p.roles, take(4))
	}
	automatic := take(1)
	p.maxPeriod = take(4)
	return p, ok && p.sharing <= 2 && automatic <= 1 && len(b) == 0
}

// allows holds the head against the opener's own policy.
func (p policy) allows(h shareHead) bool {
	return p.sharing != 2 && slices.Contains(p.roles, h.role) && h.has[8] && h.from+1000*p.maxPeriod >= h.created
}

func TestShareHeads(t *testing.T) {
	var all []struct{ Secret, Header, Head, ID, End, Signature string }
	load(t, "pairing/share.json", &all)
	if len(all) == 0 {
		t.Fatal("no vectors")
	}
	for i, v := range all {
		seed, ok := readSeed(v.Secret)
		header := unhex(t, v.Header)
		h, good := parseShareHead(unhex(t, v.Head))
		if !ok || !good {
			t.Errorf("vector %d is refused: %+v", i, h)
			continue
		}
		if !bytes.Equal(h.sharer, publicIdentity(seed)) ||
			!bytes.Equal(sign(seed, "share-head", h.signedHash(header)), h.signature) {
			t.Errorf("vector %d: another key or signature of the head", i)
		}
		id := h.id(header)
		if hex.EncodeToString(id) != v.ID {
			t.Errorf("vector %d: id %x, want %s", i, id, v.ID)
		}
		if got := sign(seed, "share-root", shareEndHash(id, unhex(t, v.End))); hex.EncodeToString(got) != v.Signature {
			t.Errorf("vector %d: signature of the end %x, want %s", i, got, v.Signature)
		}
		if _, ok := readPolicy(h.policy); h.has[6] && !ok {
			t.Errorf("vector %d: policy %x is not of its form", i, h.policy)
		}
		for at := range h.raw { // a map that parses has another signature by then
			changed := bytes.Clone(h.raw)
			changed[at] ^= 1
			if c, ok := parseShareHead(changed); ok && verify(c.sharer, "share-head", c.signedHash(header), c.signature) {
				t.Errorf("vector %d: byte %d changed is taken", i, at)
			}
		}
	}
}

// Heads that have to be refused whatever signed them, each changed in one field;
// nil is a field that is not there.
func TestShareHeadsThatAreRefused(t *testing.T) {
	var all []struct{ Head string }
	load(t, "pairing/share.json", &all)
	whole, err := small.parse(unhex(t, all[0].Head))
	if err != nil {
		t.Fatal(err)
	}
	with := func(fields map[uint64]*item) []byte {
		var pairs []item
		for pair := range slices.Chunk(whole.list, 2) {
			if _, changed := fields[pair[0].arg]; !changed {
				pairs = append(pairs, pair...)
			}
		}
		for key, v := range fields {
			if v != nil {
				pairs = append(pairs, uintItem(key), *v)
			}
		}
		return mapOf(pairs...).encode()
	}
	number := func(n uint64) *item { v := uintItem(n); return &v }
	text := func(s string) *item { v := textItem(s); return &v }
	binary := func(n int) *item { v := bytesItem(make([]byte, n)); return &v }
	later := map[uint64]*item{}
	for key := range uint64(16) {
		later[100+key] = text("")
	}
	for what, fields := range map[string]map[uint64]*item{
		"unchanged": {}, "of a later version": {17: text("")}, "16 of a later version": later,
		"a time of 0": {8: number(0)}, "a whole month": {10: number(0), 11: number(2_592_000_000)},
		"a migration": {2: number(1), 4: nil},
	} {
		if h, ok := parseShareHead(with(fields)); !ok {
			t.Errorf("%s is refused: %+v", what, h)
		}
	}
	later[200] = text("")
	for what, fields := range map[string]map[uint64]*item{
		"no sharer": {1: nil}, "a sharer of low order": {1: binary(32)}, "no intent": {2: nil},
		"intent 0": {2: number(0)}, "intent 3": {2: number(3)}, "an empty label": {3: text("")},
		"a long label":         {3: text(string(bytes.Repeat([]byte{'a'}, 65)))},
		"a label of two lines": {3: text("a\nb")}, "no room": {4: nil}, "a room in a migration": {2: number(1)},
		"an empty policy": {6: binary(0)}, "a long policy": {6: binary(1025)}, "role 0": {7: number(0)},
		"a large role": {7: number(1 << 32)}, "a late window": {8: number(253_402_300_800_000)},
		"never created": {10: nil}, "for ever": {11: nil}, "recipients of nobody": {12: number(0)},
		"too many recipients": {12: number(16385)}, "0 messages": {13: number(0)}, "unsigned": {16: nil},
		"a short signature": {16: binary(63)}, "over at once": {10: number(5), 11: number(5)},
		"more than a month": {10: number(0), 11: number(2_592_000_001)}, "17 of a later version": later,
	} {
		if _, ok := parseShareHead(with(fields)); ok {
			t.Errorf("%s is taken", what)
		}
	}
}

func TestPolicies(t *testing.T) {
	head := shareHead{role: 2, from: 5000, created: 15_000, has: map[uint64]bool{8: true}}
	for text, want := range map[string]bool{
		"000400000002020000000a":         false, // no such bool
		"000400000002000000000a":         true,
		"010400000002010000000a":         true,
		"020400000002000000000a":         false, // forbidden
		"000400000003000000000a":         false, // another role
		"0000000000000a":                 false, // no role at all
		"0008000000010000000200000000ff": true,
		"0004000000020000000009":         false, // the window begins too early
		"004004000000020000000000000a":   false, // a length that is too long
	} {
		p, ok := readPolicy(unhex(t, text))
		if got := ok && p.allows(head); got != want {
			t.Errorf("policy %s: %v", text, got)
		}
	}
	p, _ := readPolicy(unhex(t, "000400000002000000000a"))
	head.has = nil
	if p.allows(head) {
		t.Error("a share of all times is allowed")
	}
}
