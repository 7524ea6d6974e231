package reference

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// sourceItem is an item of a source.
type sourceItem struct {
	dialog      item
	record, key []byte
	partyBytes  int
	again       bool
	instant     int64
	attachments []item
}

// source is one vCon as a source of segments (section "Segments").
type source struct {
	vcon     item
	roomID   string
	hasID    bool
	parties  []item
	messages []sourceItem
	events   []sourceItem
}

func readSource(t testing.TB, v item) source {
	t.Helper()
	s := source{vcon: v, parties: slices.Clone(v.elements("parties"))}
	room, _ := v.get("room")
	if s.roomID = room.text("id"); s.roomID == "" {
		s.roomID = "vcon:" + strings.ToLower(v.text("uuid"))
	}
	s.hasID = room.text("id") != ""
	if s.hasID && len(s.parties) > 0 && s.parties[0].text("im_uri") == s.roomID {
		s.parties[0] = s.roomParty()
	}
	items := s.inOrder(v.elements("dialog"))
	s.bind(items, v.elements("attachments"))
	for i, it := range items {
		if it.again {
			items[i].key = itemKey(s.roomID, it.dialog, it.record, true)
		}
		if isRosterEvent(it.dialog) {
			s.events = append(s.events, items[i])
		} else {
			s.messages = append(s.messages, items[i])
		}
	}
	return s
}

func (s *source) roomParty() item {
	it := mapOf(textItem("im_uri"), textItem(s.roomID))
	it.raw = it.encode()
	return it
}

// inOrder gives the items with their instants in canonical order, equal ones
// once.
func (s *source) inOrder(dialogs []item) []sourceItem {
	var all []sourceItem
	last, dated := int64(0), false
	for _, d := range dialogs {
		if at, ok := ownInstant(d); ok && !dated {
			last, dated = at, true
		}
	}
	for _, d := range dialogs {
		if at, ok := ownInstant(d); ok {
			last = at
		}
		all = append(all, sourceItem{dialog: d, instant: last})
	}
	slices.SortStableFunc(all, func(a, b sourceItem) int { return cmp.Compare(a.instant, b.instant) })
	var out []sourceItem
	seen := map[string]bool{}
	records := map[string]bool{}
	for _, it := range all {
		r, partyBytes, ok := record(it.dialog, s.parties)
		if !ok {
			continue // malformed
		}
		it.record, it.partyBytes = r, partyBytes
		it.key = itemKey(s.roomID, it.dialog, r, false)
		if records[string(it.key)+string(r)] {
			continue
		}
		records[string(it.key)+string(r)] = true
		it.again = seen[string(it.key)]
		seen[string(it.key)] = true
		out = append(out, it)
	}
	return out
}

var objectRef = regexp.MustCompile(`^mid:(.+):([0-9]+)@anon\.invalid$`)

// partOf reads dialog_object_ref.
func partOf(a item) (id string, part uint64) {
	m := objectRef.FindStringSubmatch(a.text("dialog_object_ref"))
	if m == nil {
		return "", 0
	}
	part, err := strconv.ParseUint(m[2], 10, 32)
	if err != nil {
		return "", 0
	}
	return m[1], part
}

// bind gives each attachment to the item that it refers to; the vectors have no
// others.
func (s *source) bind(items []sourceItem, attachments []item) {
	for _, a := range attachments {
		id, _ := partOf(a)
		for i := range items {
			if id != "" && jsonText(items[i].dialog, "message_id") == id {
				items[i].attachments = append(items[i].attachments, a)
				break
			}
		}
	}
	for i := range items {
		slices.SortStableFunc(items[i].attachments, func(a, b item) int {
			_, partA := partOf(a)
			_, partB := partOf(b)
			sizeA, _ := contentSize(a)
			sizeB, _ := contentSize(b)
			return cmp.Or(cmp.Compare(partA, partB), cmp.Compare(sizeA, sizeB),
				bytes.Compare(metadataOf(a).encode(), metadataOf(b).encode()))
		})
	}
}

// contentSize is the length of the content that travels apart.
func contentSize(a item) (uint64, bool) {
	body, ok := a.get("body")
	if !ok {
		return 0, false
	}
	if body.is(majorTag) {
		return uint64(len(body.list[0].data)), true
	}
	if a.text("encoding") != "base64url" {
		return uint64(len(body.data)), body.is(majorText)
	}
	plain := strings.NewReplacer("+", "-", "/", "_", " ", "", "\t", "", "\r", "", "\n", "").Replace(string(body.data))
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(plain, "="))
	return uint64(len(b)), err == nil && body.is(majorText)
}

// metadataOf is what of an attachment is in its item's size.
func metadataOf(a item) item {
	if _, apart := contentSize(a); apart {
		a = a.without("body")
	}
	return a.without("party", "dialog", "vcon_transfer")
}

// head is what cutting knows of an item.
func (it sourceItem) head() head {
	size := len(it.record) - it.partyBytes + it.partyBytes/8
	for _, a := range it.attachments {
		size += 48 + len(metadataOf(a).encode())
	}
	return head{key: [32]byte(it.key), weight: max(leastWeight, size), instant: it.instant}
}

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
	return s.vcon.without("vcon", "uuid", "created_at", "updated_at", "critical", "must_support", "room",
		"parties", "dialog", "attachments", "vcon_transfer", "extensions")
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
	u := hex.EncodeToString(segmentUUID(b, noUUID))
	u = strings.Join([]string{u[:8], u[8:12], u[12:16], u[16:20], u[20:]}, "-")
	return bytes.Replace(b, []byte(noUUID), []byte(u), 1)
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
			date = last.dialog.elements("party_history")[0].date("time")
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
