package reference

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// segments are all of the source's: messages, oldest first, then the roster.
func (s *source) segments() [][]byte {
	var out [][]byte
	var heads []head
	for _, it := range s.messages {
		heads = append(heads, it.head())
	}
	rest := s.messages
	for _, n := range cutRoom(heads) {
		out = append(out, s.segment("messages", rest[:n], nil, false))
		rest = rest[n:]
	}
	return append(out, s.rosterSegments()...)
}

// rosterSegments cuts the sequence of metadata, roster and events.
func (s *source) rosterSegments() [][]byte {
	var roster []item
	for _, p := range s.vcon.elements("parties") {
		if s.hasID && bytes.Equal(p.raw, s.roomParty().raw) {
			continue
		}
		roster = append(roster, p)
	}
	slices.SortFunc(roster, func(a, b item) int {
		return cmp.Or(strings.Compare(a.text("im_uri"), b.text("im_uri")),
			strings.Compare(a.text("thumbprint"), b.text("thumbprint")), bytes.Compare(a.raw, b.raw))
	})
	roster = slices.CompactFunc(roster, func(a, b item) bool { return bytes.Equal(a.raw, b.raw) })

	room, _ := s.vcon.get("room")
	all := []atom{{items: 1, weight: max(leastWeight, len(room.raw)+len(s.extra().encode()))}}
	for _, p := range roster {
		priority := [32]byte(labeledHash("party", lp([]byte(s.roomID)), p.raw))
		all = append(all, atom{items: 1, weight: max(leastWeight, len(p.raw)), priority: priority})
	}
	var heads []head
	for _, it := range s.events {
		heads = append(heads, it.head())
	}
	all = append(all, atoms(heads)...)

	var out [][]byte
	next := 0 // in the sequence
	for _, n := range cutAtoms(all) {
		parties := roster[min(max(next-1, 0), len(roster)):min(max(next+n-1, 0), len(roster))]
		from, to := max(next-1-len(roster), 0), max(next+n-1-len(roster), 0)
		out = append(out, s.segment("roster", s.events[from:to], parties, next == 0))
		next += n
	}
	return out
}

// extra are the top-level parameters that have no other place.
func (s *source) extra() item {
	x := s.vcon.without("vcon", "uuid", "created_at", "updated_at", "critical", "must_support", "room",
		"parties", "dialog", "attachments", "vcon_transfer", "extensions")
	names := map[string]bool{}
	for _, name := range s.vcon.elements("extensions") {
		names[string(name.data)] = true
	}
	delete(names, "mimi-messages")
	delete(names, "vcon-transfer")
	if len(names) == 0 {
		return x
	}
	var list []item
	for _, name := range slices.Sorted(maps.Keys(names)) {
		list = append(list, textItem(name))
	}
	return mapOf(append(x.list, textItem("extensions"), arrayOf(list...))...)
}

// segment is the vCon of a span.
func (s *source) segment(kind string, items []sourceItem, roster []item, whole bool) []byte {
	var parties []item
	index := map[string]uint64{}
	cite := func(p item) uint64 {
		i, ok := index[string(p.raw)]
		if !ok {
			i = uint64(len(parties))
			index[string(p.raw)] = i
			parties = append(parties, p)
		}
		return i
	}
	room, hasRoom := s.vcon.get("room")
	own := []item{textItem("kind"), textItem(kind)}
	if s.hasID {
		cite(s.roomParty())
	} else {
		own = append(own, textItem("room"), textItem(s.roomID))
	}
	for _, p := range roster {
		cite(p)
	}
	if len(roster) > 0 {
		own = append(own, textItem("roster"), uintItem(uint64(len(roster))))
	}
	if whole {
		own = append(own, textItem("whole"), item{major: majorOther, raw: []byte{0xf5}})
		if extra := s.extra(); extra.arg > 0 {
			own = append(own, textItem("extra"), extra)
		}
	}

	var dialogs, attachments, again, instants []item
	for i, it := range items {
		d := it.dialog.clone()
		for _, cited := range d.citations() {
			cited.arg = cite(s.parties[cited.arg])
		}
		dialogs = append(dialogs, d)
		for _, a := range it.attachments {
			attachments = append(attachments, s.attachment(a, uint64(i), cite))
		}
		if it.again {
			again = append(again, uintItem(uint64(i)))
		}
		at, ok := ownInstant(it.dialog)
		if !ok && i > 0 {
			at, ok = items[i-1].instant, true
		}
		if !ok || at != it.instant {
			instants = append(instants, arrayOf(uintItem(uint64(i)), intItem(it.instant)))
		}
	}
	if again != nil {
		own = append(own, textItem("again"), arrayOf(again...))
	}
	if instants != nil {
		own = append(own, textItem("instants"), arrayOf(instants...))
	}

	noUUID := "00000000-0000-8000-8000-000000000000"
	v := []item{
		textItem("vcon"), textItem("0.4.0"), textItem("uuid"), textItem(noUUID),
		textItem("extensions"), arrayOf(textItem("mimi-messages"), textItem("vcon-transfer")),
		textItem("created_at"), createdAt(items), textItem("vcon_transfer"), mapOf(own...),
	}
	if hasRoom {
		if !whole {
			var brief []item
			for pair := range slices.Chunk(room.list, 2) {
				if name := string(pair[0].data); name == "id" || name == "name" {
					brief = append(brief, pair...)
				}
			}
			room = mapOf(brief...)
		}
		v = append(v, textItem("room"), room)
	}
	for name, list := range map[string][]item{"parties": parties, "dialog": dialogs, "attachments": attachments} {
		if list != nil {
			v = append(v, textItem(name), arrayOf(list...))
		}
	}
	b := mapOf(v...).encode()
	return bytes.Replace(b, []byte(noUUID), []byte(formatUUID(segmentUUID(b, noUUID))), 1)
}

// attachment is a in a segment, of item i.
func (s *source) attachment(a item, i uint64, cite func(item) uint64) item {
	size, apart := contentSize(a)
	own := []item{textItem("dialog"), uintItem(i)}
	if apart {
		own = append(own, textItem("size"), uintItem(size))
		a = a.without("body")
	}
	pairs := slices.Clone(a.without("vcon_transfer").list)
	for j := 0; j < len(pairs); j += 2 {
		switch string(pairs[j].data) {
		case "party":
			pairs[j+1] = uintItem(cite(s.parties[pairs[j+1].arg]))
		case "dialog":
			pairs[j+1] = uintItem(i)
		}
	}
	return mapOf(append(pairs, textItem("vcon_transfer"), mapOf(own...))...)
}

func intItem(n int64) item {
	if n < 0 {
		return item{major: majorNint, arg: uint64(-1 - n)}
	}
	return uintItem(uint64(n))
}

// createdAt is the parameter of that name.
func createdAt(items []sourceItem) item {
	date := "1970-01-01T00:00:00Z"
	if len(items) > 0 {
		last := items[len(items)-1]
		if date = last.dialog.date("start"); isRosterEvent(last.dialog) {
			date = last.dialog.events()[0].date("time")
		}
		at, ok := instantOf(date)
		if !ok || at != last.instant || date[10] != 'T' || strings.HasSuffix(date, "z") || date[17] == '6' {
			date = time.UnixMilli(last.instant).UTC().Format("2006-01-02T15:04:05.000Z")
		}
	}
	return item{major: majorTag, list: []item{textItem(date)}}
}

// The segments of a source are the same bytes, made from its JSON by the text
// alone.
func TestBuildSegments(t *testing.T) {
	for _, name := range []string{"segments-room.json", "segments-no-room.json"} {
		var v struct {
			Source   json.RawMessage
			Segments []struct{ Hex string }
		}
		load(t, "segment/"+name, &v)
		s := readSource(t, fromJSON(t, v.Source))
		got := s.segments()
		if len(got) != len(v.Segments) {
			t.Fatalf("%s: %d segments, want %d", name, len(got), len(v.Segments))
		}
		for i, want := range v.Segments {
			if hex.EncodeToString(got[i]) != want.Hex {
				t.Errorf("%s %d:\n%q\n%q", name, i, got[i], unhex(t, want.Hex))
			}
		}
	}
}

// Sources with what those vectors do not have: dates of every kind, party
// indexes in every place, values that are not of their form, records twice and
// under one message id, attachments of all sorts, and other parameters.
func TestBuildOddSegments(t *testing.T) {
	var cases []struct {
		Source   json.RawMessage
		Segments []string
	}
	load(t, "reference/segments.json", &cases)
	if len(cases) == 0 {
		t.Fatal("no cases")
	}
	for i, c := range cases {
		s := readSource(t, fromJSON(t, c.Source))
		var got []string
		for _, b := range s.segments() {
			if _, err := parseSegment(b); err != nil {
				t.Errorf("source %d: %v", i, err)
			}
			got = append(got, hex.EncodeToString(b))
		}
		slices.Sort(got)
		slices.Sort(c.Segments)
		if !slices.Equal(got, c.Segments) {
			t.Errorf("source %d: other segments", i)
		}
	}
}
