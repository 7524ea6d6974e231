package segment

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

func samplePage() *Page {
	return &Page{
		Entries: []Entry{
			{Type: RoomType, Room: RoomEntry{ID: roomURI, Name: "Engineering Team"}},
			{Type: SegmentType, Segment: SegmentEntry{ID: ID{1}, Kind: Messages, First: -5, Last: 1_707_000_000_000, Items: 700, Bytes: 250_000}},
			{Type: AttachmentType, Attachment: AttachmentEntry{MessageID: "AQID", Part: 2, Size: 1 << 30, MediaType: "image/png", Filename: "../../etc/passwd", Declared: "sha256:x"}},
			{Type: AttachmentType, Attachment: AttachmentEntry{MessageID: "AQIE", SHA256: &[32]byte{9}}},
			{Type: SegmentType, Segment: SegmentEntry{ID: ID{2}, Kind: Roster, Bytes: 300}},
		},
		Left: Ledger{Source: 6, Tombstones: 1, Excluded: map[Reason]uint64{OutsideScope: 3, Expired: 1}, Quarantined: map[Reason]uint64{TooLarge: 1},
			Attachments: 2, AttachmentsExcluded: map[Reason]uint64{NoMedia: 2}},
	}
}

func TestPageRoundTrip(t *testing.T) {
	for _, p := range []*Page{{}, samplePage(), {Entries: samplePage().Entries[2:3]}} {
		b, err := AppendPage([]byte("x"), p)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParsePage(b[1:])
		if err != nil || !reflect.DeepEqual(got, p) {
			t.Errorf("%+v, %v", got, err)
		}
		for n := range len(b) - 1 {
			if _, err := ParsePage(b[1 : 1+n]); err == nil {
				t.Fatalf("accepted the first %d of %d bytes", n, len(b)-1)
			}
		}
		if _, err := ParsePage(append(b[1:], 0)); err == nil {
			t.Error("accepted trailing bytes")
		}
	}
}

func TestPageLimits(t *testing.T) {
	long := func(n int) string { return strings.Repeat("é", n/2) }
	room := func(id, name string) func(*Page) {
		return func(p *Page) { p.Entries[0].Room = RoomEntry{id, name} }
	}
	seg := func(f func(*SegmentEntry)) func(*Page) { return func(p *Page) { f(&p.Entries[1].Segment) } }
	att := func(f func(*AttachmentEntry)) func(*Page) {
		return func(p *Page) { f(&p.Entries[2].Attachment) }
	}
	for _, c := range []struct {
		name string
		ok   bool
		set  func(*Page)
	}{
		{"room id at its limit", true, room(long(MaxRoomID), "")},
		{"room id beyond", false, room(long(MaxRoomID)+"x", "")},
		{"room id empty", false, room("", "x")},
		{"room id not UTF-8", false, room("\xff", "x")},
		{"room name at its limit", true, room("x", long(MaxName))},
		{"room name beyond", false, room("x", long(MaxName)+"x")},
		{"room name with control characters", true, room("x", "\x1b[2J\x00")},
		{"kind 0", false, seg(func(s *SegmentEntry) { s.Kind = 0 })},
		{"kind 3", false, seg(func(s *SegmentEntry) { s.Kind = 3 })},
		{"span backwards", false, seg(func(s *SegmentEntry) { s.First = s.Last + 1 })},
		{"no bytes", false, seg(func(s *SegmentEntry) { s.Bytes = 0 })},
		{"bytes at the limit", true, seg(func(s *SegmentEntry) { s.Bytes = MaxSegmentBytes })},
		{"bytes beyond", false, seg(func(s *SegmentEntry) { s.Bytes = MaxSegmentBytes + 1 })},
		{"items at the limit", true, seg(func(s *SegmentEntry) { s.Items = MaxItems })},
		{"items beyond", false, seg(func(s *SegmentEntry) { s.Items = MaxItems + 1 })},
		{"no messages", false, seg(func(s *SegmentEntry) { s.Items = 0 })},
		{"named twice", false, seg(func(s *SegmentEntry) { s.ID = ID{2} })},
		{"message id at its limit", true, att(func(a *AttachmentEntry) { a.MessageID = long(MaxMessageID) })},
		{"message id beyond", false, att(func(a *AttachmentEntry) { a.MessageID = long(MaxMessageID) + "x" })},
		{"filename at its limit", true, att(func(a *AttachmentEntry) { a.Filename = long(MaxName) })},
		{"filename beyond", false, att(func(a *AttachmentEntry) { a.Filename = long(MaxName) + "x" })},
		{"mediatype at its limit", true, att(func(a *AttachmentEntry) { a.MediaType = long(MaxMediaType) })},
		{"mediatype beyond", false, att(func(a *AttachmentEntry) { a.MediaType = long(MaxMediaType) + "x" })},
		{"declared at its limit", true, att(func(a *AttachmentEntry) { a.Declared = long(MaxDeclared) })},
		{"declared beyond", false, att(func(a *AttachmentEntry) { a.Declared = long(MaxDeclared) + "x" })},
		{"size at its limit", true, att(func(a *AttachmentEntry) { a.Size = MaxContent })},
		{"size beyond", false, att(func(a *AttachmentEntry) { a.Size = MaxContent + 1 })},
		{"part at its limit", true, att(func(a *AttachmentEntry) { a.Part = MaxPart })},
		{"part beyond", false, att(func(a *AttachmentEntry) { a.Part = MaxPart + 1 })},
		{"type 0", false, func(p *Page) { p.Entries[1].Type = 0 }},
		{"attachment without segment", false, func(p *Page) { p.Entries[1] = p.Entries[0] }},
		{"unbalanced", false, func(p *Page) { p.Left.Source++ }},
		{"attachments unbalanced", false, func(p *Page) { p.Left.Attachments-- }},
		{"malformed reason", false, func(p *Page) { p.Left.Excluded = map[Reason]uint64{"somebody's Name": 4} }},
	} {
		p := samplePage()
		c.set(p)
		if b, err := AppendPage(nil, p); (err == nil) != c.ok {
			t.Errorf("%s: encode: %v", c.name, err)
		} else if err != nil && len(b) != 0 {
			t.Errorf("%s: %d bytes with an error", c.name, len(b))
		}
		// The same without the encoder's checks.
		b := codec.AppendArray(codec.AppendArray(nil, 2), len(p.Entries))
		for i := range p.Entries {
			b = p.Entries[i].append(b)
		}
		b, err := appendLedger(b, &p.Left)
		if err != nil {
			continue
		}
		_, err = ParsePage(b)
		if (err == nil) != c.ok {
			t.Errorf("%s: parse: %v", c.name, err)
		}
		if _, ok := errors.AsType[*Error](err); err != nil && !ok {
			t.Errorf("%s: error of another type: %v", c.name, err)
		}
	}
}

func TestPageSize(t *testing.T) {
	entries := func(n int) *Page {
		p := &Page{Entries: make([]Entry, n)}
		for i := range p.Entries {
			p.Entries[i] = Entry{Type: RoomType, Room: RoomEntry{ID: "x"}}
		}
		return p
	}
	for n, ok := range map[int]bool{MaxEntries: true, MaxEntries + 1: false} {
		if _, err := AppendPage(nil, entries(n)); (err == nil) != ok {
			t.Errorf("%d entries: %v", n, err)
		}
		b := codec.AppendArray(codec.AppendArray(nil, 2), n)
		for range n {
			b = append(b, 0x83, 1, 0x61, 'x', 0x60)
		}
		b, _ = appendLedger(b, &Ledger{})
		if _, err := ParsePage(b); (err == nil) != ok {
			t.Errorf("%d entries: parse: %v", n, err)
		}
	}
	p := entries(97)
	for i := range p.Entries {
		p.Entries[i].Room.ID = strings.Repeat("x", MaxRoomID)
	}
	if _, err := AppendPage(nil, p); err == nil {
		t.Error("encoded a page beyond MaxPage")
	}
	p.Entries = p.Entries[:95]
	if b, err := AppendPage(nil, p); err != nil || len(b) < MaxPage-3*MaxRoomID {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	if _, err := ParsePage(make([]byte, MaxPage+1)); err == nil {
		t.Error("parsed more than MaxPage")
	}
}

// Each input is a valid one with one thing wrong.
func TestParseRefuses(t *testing.T) {
	ledger := "8b" + "00000000" + "a0a0" + "000000" + "a0a0"
	for _, c := range []struct{ name, parser, hex, reason string }{
		{"ok", "page", "82" + "80" + ledger, ""},
		{"empty", "page", "", "truncated"},
		{"not an array", "page", "a0", "unexpected type"},
		{"one element", "page", "8180", "too few elements"},
		{"three elements", "page", "8380" + ledger + "00", "more than 2 elements"},
		{"long form", "page", "980280" + ledger, "not in the shortest form"},
		{"long form of two bytes", "page", "99000280" + ledger, "not in the shortest form"},
		{"indefinite length", "page", "9f80" + ledger + "ff", "malformed head"},
		{"reserved head", "page", "9c80" + ledger, "malformed head"},
		{"declared length", "page", "82" + "9907ff" + ledger, "truncated"},
		{"huge length", "page", "82" + "9bffffffffffffffff" + ledger, "more than 2048 elements"},
		{"unknown entry", "page", "82" + "81" + "8304616160" + ledger, "number too large"},
		{"room of two elements", "page", "82" + "81" + "82016161" + ledger, "unknown type of entry"},
		{"hash of 31 bytes", "page", "82" + "81" + "8702581f" + strings.Repeat("00", 31) + "0100000101" + ledger, "unexpected length"},
		{"instant beyond 63 bits", "page", "82" + "81" + "87025820" + strings.Repeat("00", 32) + "011b8000000000000000" + "000101" + ledger, "number too large"},
		{"false for null", "page", "82" + "81" + "88036161" + "0000606060f4" + ledger, "unexpected type"},
		{"null", "page", "82" + "81" + "88036161" + "0000606060f6" + ledger, ""},
		{"text not UTF-8", "page", "82" + "81" + "830161ff60" + ledger, "invalid UTF-8"},
		{"text for ledger", "page", "82" + "80" + "60", "unexpected type"},
		{"count beyond its limit", "page", "82" + "80" + "8b1b0001000000000001" + ledger[4:], "number too large"},
		{"reason of zero", "page", "82" + "80" + "8b00000000a1616100a0000000a0a0", "reason without a count"},
		{"reasons out of order", "page", "82" + "80" + "8b02000000a2616201616101a0000000a0a0", "malformed reason"},
		{"reason twice", "page", "82" + "80" + "8b02000000a2616101616101a0000000a0a0", "malformed reason"},
		{"reason with capitals", "page", "82" + "80" + "8b01000000a1614101a0000000a0a0", "malformed reason"},
		{"ok", "answer", "82" + "00" + "40", ""},
		{"trailing", "answer", "820040" + "00", "trailing bytes"},
		{"hash of zeros", "answer", "81" + "5820" + strings.Repeat("00", 32), "hash of zeros"},
		{"hash of 33 bytes", "answer", "81" + "5821" + strings.Repeat("01", 33), "unexpected length"},
		{"text", "answer", "8160", "unexpected type"},
		{"negative", "answer", "8120", "unexpected type"},
		{"offset beyond its limit", "answer", "811b0000010000000001", "number too large"},
		{"long offset", "answer", "811801", "not in the shortest form"},
		{"ok", "end", "82" + "5820" + strings.Repeat("00", 32) + ledger, ""},
		{"no root", "end", "82" + "40" + ledger, "unexpected length"},
		{"ok", "ledger", ledger, ""},
		{"ten elements", "ledger", "8a" + ledger[2:len(ledger)-2], "too few elements"},
	} {
		data, err := hex.DecodeString(c.hex)
		if err != nil {
			t.Fatal(err)
		}
		switch c.parser {
		case "page":
			_, err = ParsePage(data)
		case "answer":
			_, err = ParseAnswer(data)
		case "end":
			_, err = ParseEnd(data)
		case "ledger":
			_, err = ParseLedger(data)
		}
		switch {
		case c.reason == "":
			if err != nil {
				t.Errorf("%s: %s: %v", c.parser, c.name, err)
			}
		case err == nil || !strings.Contains(err.Error(), c.reason) || !strings.HasPrefix(err.Error(), "decode "+c.parser+": byte "):
			t.Errorf("%s: %s: %v", c.parser, c.name, err)
		}
	}
	for name, parse := range map[string]func([]byte) error{
		"answer": func(b []byte) error { _, err := ParseAnswer(b); return err },
		"end":    func(b []byte) error { _, err := ParseEnd(b); return err },
		"ledger": func(b []byte) error { _, err := ParseLedger(b); return err },
	} {
		if err := parse(make([]byte, MaxAnswer+MaxEnd)); err == nil || !strings.Contains(err.Error(), "too long") {
			t.Errorf("%s too long: %v", name, err)
		}
	}
}

func TestAnswer(t *testing.T) {
	p := samplePage()
	good := &Answer{Wants: []Want{{Need: true}, {Need: true, Offset: 1 << 30}, {Have: [32]byte{1}}, {}}}
	b, err := AppendAnswer([]byte{7}, good)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseAnswer(b[1:])
	if err != nil || !reflect.DeepEqual(got, good) || !p.Accepts(got) {
		t.Errorf("%+v, %v", got, err)
	}
	for name, set := range map[string]func(a *Answer){
		"too few":                 func(a *Answer) { a.Wants = a.Wants[:3] },
		"too many":                func(a *Answer) { a.Wants = append(a.Wants, Want{}) },
		"segment from the middle": func(a *Answer) { a.Wants[0].Offset = 1 },
		"behind the end":          func(a *Answer) { a.Wants[1].Offset++ },
		"held without a hash":     func(a *Answer) { a.Wants[2].Have = [32]byte{} },
		"segment with a hash":     func(a *Answer) { a.Wants[3].Have = [32]byte{1} },
		"needed and held":         func(a *Answer) { a.Wants[1].Have = [32]byte{1} },
	} {
		a := &Answer{Wants: append([]Want(nil), good.Wants...)}
		set(a)
		if p.Accepts(a) {
			t.Errorf("accepted an answer: %s", name)
		}
	}
	for n, ok := range map[int]bool{MaxEntries: true, MaxEntries + 1: false} {
		a := &Answer{Wants: make([]Want, n)}
		for i := range a.Wants {
			a.Wants[i].Have = [32]byte{1}
		}
		b, err := AppendAnswer(nil, a)
		if (err == nil) != ok || ok && len(b) > MaxAnswer {
			t.Errorf("%d wants: %d bytes, %v", n, len(b), err)
		}
		b = codec.AppendArray(nil, n)
		b = append(b, bytes.Repeat([]byte{0x40}, n)...)
		if _, err := ParseAnswer(b); (err == nil) != ok {
			t.Errorf("%d wants: parse: %v", n, err)
		}
	}
	if _, err := AppendAnswer(nil, &Answer{Wants: []Want{{Need: true, Offset: MaxContent + 1}}}); err == nil {
		t.Error("encoded an offset beyond MaxContent")
	}
}

func TestPager(t *testing.T) {
	var p Pager
	var pages []*Page
	long := strings.Repeat("x", MaxRoomID)
	const n = 3 * MaxEntries
	for i := range n {
		e := Entry{Type: RoomType, Room: RoomEntry{ID: "x"}}
		if i >= 2*MaxEntries {
			e.Room.ID = long
		}
		if full := p.Add(e); full != nil {
			pages = append(pages, full)
		}
	}
	if p.Len() == 0 {
		t.Error("nothing on the last page")
	}
	pages = append(pages, p.Take())
	sum := 0
	for _, page := range pages {
		sum += len(page.Entries)
		page.Left = worstLedger(t)
		if b, err := AppendPage(nil, page); err != nil {
			t.Errorf("page of %d entries: %d bytes, %v", len(page.Entries), len(b), err)
		}
	}
	if sum != n || p.Len() != 0 || len(p.Take().Entries) != 0 {
		t.Errorf("%d entries of %d", sum, n)
	}
	if s := ShortName(strings.Repeat("é", MaxName)); len(s) != MaxName || !fits(s, MaxName) {
		t.Errorf("%d bytes", len(s))
	}
	if s := ShortName("x" + strings.Repeat("é", MaxName)); len(s) != MaxName-1 || !fits(s, MaxName) {
		t.Errorf("%d bytes", len(s))
	}
}
