package reference

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// sourceItem is an item of a source.
type sourceItem struct {
	dialog      item
	record, key []byte
	partyBytes  int
	again       bool
	instant     int64
	attachments []item
	places      []uint64 // in the vCon, of equal ones too
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
		uuid := v.text("uuid")
		if uuid == "" {
			uuid = contentUUID(v)
		}
		s.roomID = "vcon:" + strings.ToLower(uuid)
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

// contentUUID names a vCon that has no name.
func contentUUID(v item) string {
	var hashes [2][]byte
	for i, name := range []string{"parties", "dialog"} {
		var all []byte
		for _, e := range v.elements(name) {
			all = append(all, e.raw...)
		}
		hashes[i] = sha(all)
	}
	return formatUUID(version8(labeledHash("vcon uuid", hashes[0], hashes[1])))
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
	for i, d := range dialogs {
		if at, ok := ownInstant(d); ok {
			last = at
		}
		all = append(all, sourceItem{dialog: d, instant: last, places: []uint64{uint64(i)}})
	}
	slices.SortStableFunc(all, func(a, b sourceItem) int { return cmp.Compare(a.instant, b.instant) })
	var out []sourceItem
	seen := map[string]bool{}
	records := map[string]int{}
	for _, it := range all {
		r, partyBytes, ok := record(it.dialog, s.parties)
		if !ok {
			continue // malformed
		}
		it.record, it.partyBytes = r, partyBytes
		it.key = itemKey(s.roomID, it.dialog, r, false)
		if i, ok := records[string(it.key)+string(r)]; ok {
			out[i].places = append(out[i].places, it.places...)
			continue
		}
		records[string(it.key)+string(r)] = len(out)
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

// bind gives each attachment to its item: that of the message that it names,
// else of the dialog at an index.
func (s *source) bind(items []sourceItem, attachments []item) {
	for _, a := range attachments {
		id, _ := partOf(a)
		index, ok := a.get("dialog")
		if !ok || !index.is(majorUint) {
			index.arg = 0
		}
		for i := range items {
			if id != "" && jsonText(items[i].dialog, "message_id") == id || id == "" && slices.Contains(items[i].places, index.arg) {
				items[i].attachments = append(items[i].attachments, a)
				break
			}
		}
	}
	taken := map[string][]byte{}
	for i := range items {
		for j, a := range items[i].attachments {
			// A manifest cannot tell contents of one name and size apart.
			content, ok := contentOf(a)
			id, part := partOf(a)
			if id == "" {
				id = jsonText(items[i].dialog, "message_id")
			}
			name := fmt.Sprint(id, ":", part, ":", len(content))
			if other, there := taken[name]; ok && there && !bytes.Equal(content, other) {
				items[i].attachments[j] = a.without("body")
			} else if ok {
				taken[name] = content
			}
		}
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
	b, ok := contentOf(a)
	return uint64(len(b)), ok
}

// contentOf is that content.
func contentOf(a item) ([]byte, bool) {
	body, ok := a.get("body")
	switch {
	case !ok:
		return nil, false
	case body.is(majorTag):
		return body.list[0].data, true
	case !body.is(majorText) || a.text("encoding") != "base64url":
		return body.data, body.is(majorText)
	}
	plain := strings.NewReplacer("+", "-", "/", "_", " ", "", "\t", "", "\r", "", "\n", "").Replace(string(body.data))
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(plain, "="))
	if err != nil {
		return nil, false
	}
	return b, true
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
