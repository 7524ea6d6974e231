package reference

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// vcons reads the CBOR of a segment.
var vcons = cborReader{depth: 40, count: 1 << 20, tags: true}

// segment is what the tests look at in one.
type segment struct {
	kind        string
	room        string
	uuid        string
	createdAt   string
	instants    []int64
	keys        []string
	sizes       []int
	attachments int // whose content travels apart
	extra       bool
	metadata    [][]byte // by attachment
}

// topLevel are the parameters of a segment.
var topLevel = []string{"vcon", "uuid", "extensions", "created_at", "room", "parties", "dialog", "attachments", "vcon_transfer"}

// parseSegment checks what section "Segments" marks with (R).
func parseSegment(b []byte) (segment, error) {
	var s segment
	v, err := vcons.parse(b)
	if err != nil || len(b) > 16<<20 || !v.is(majorMap) || v.text("vcon") != "0.4.0" {
		return s, errMalformed
	}
	for key := range slices.Chunk(v.list, 2) {
		if !key[0].is(majorText) || !slices.Contains(topLevel, string(key[0].data)) {
			return s, errMalformed
		}
	}
	if ext, _ := v.get("extensions"); string(ext.raw) != "\x82\x6dmimi-messages\x6dvcon-transfer" {
		return s, errMalformed
	}
	ours, _ := v.get("vcon_transfer")
	room, _ := v.get("room")
	parties, _ := v.get("parties")
	dialogs, _ := v.get("dialog")
	s.kind, s.uuid, s.createdAt = ours.text("kind"), v.text("uuid"), v.date("created_at")
	if s.kind != "messages" && s.kind != "roster" || len(dialogs.list) > 4096 ||
		s.kind == "messages" && len(dialogs.list) == 0 {
		return s, errMalformed
	}
	if s.room = ours.text("room"); s.room == "" {
		s.room = room.text("id")
		if s.room == "" || len(parties.list) == 0 || parties.list[0].arg != 1 || parties.list[0].text("im_uri") != s.room {
			return s, errMalformed
		}
	}

	given := map[uint64]int64{}
	for _, pair := range ours.elements("instants") {
		at, ok := pair.list[1].signed()
		if !ok || pair.list[0].arg >= uint64(len(dialogs.list)) {
			return s, errMalformed
		}
		given[pair.list[0].arg] = at
	}
	again := map[uint64]bool{}
	for _, i := range ours.elements("again") {
		again[i.arg] = true
	}
	for i, d := range dialogs.list {
		if (s.kind == "roster") != isRosterEvent(d) {
			return s, errMalformed
		}
		at, ok := given[uint64(i)]
		if !ok {
			at, ok = ownInstant(d)
		}
		if !ok && i > 0 {
			at, ok = s.instants[i-1], true
		}
		if !ok || i > 0 && at < s.instants[i-1] {
			return s, errMalformed
		}
		s.instants = append(s.instants, at)

		r, partyBytes, ok := record(d, parties.list)
		if !ok {
			return s, errMalformed
		}
		s.keys = append(s.keys, hex.EncodeToString(itemKey(s.room, d, r, again[uint64(i)])))
		s.sizes = append(s.sizes, len(r)-partyBytes+partyBytes/8)
	}
	return s, s.readAttachments(v.elements("attachments"), dialogs.list, uint64(len(parties.list)))
}

// readAttachments adds them to the sizes and checks their order.
func (s *segment) readAttachments(attachments, dialogs []item, parties uint64) error {
	type place struct {
		dialog, part, size uint64
		metadata           []byte
	}
	var all []place
	perItem := map[uint64]int{}
	for _, a := range attachments {
		ours, ok := a.get("vcon_transfer")
		if !ok {
			return errMalformed
		}
		dialog, _ := ours.get("dialog")
		size, apart := ours.get("size")
		_, body := a.get("body")
		party, cites := a.get("party")
		perItem[dialog.arg]++
		if !dialog.is(majorUint) || dialog.arg >= uint64(len(dialogs)) || apart && body ||
			cites && party.is(majorUint) && party.arg >= parties || perItem[dialog.arg] > 1024 {
			return errMalformed
		}
		p := place{dialog: dialog.arg, part: partOf(a), size: size.arg}
		p.metadata = a.without("party", "dialog", "vcon_transfer").encode()
		s.sizes[p.dialog] += 48 + len(p.metadata)
		if apart {
			s.attachments++
		}
		all = append(all, p)
	}
	sorted := slices.IsSortedFunc(all, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.dialog, b.dialog), cmp.Compare(a.part, b.part),
			cmp.Compare(a.size, b.size), bytes.Compare(a.metadata, b.metadata))
	})
	if !sorted {
		return errMalformed
	}
	return nil
}

var objectRef = regexp.MustCompile(`^mid:(.*):([0-9]+)@anon\.invalid$`)

// partOf is the part index in dialog_object_ref, else 0.
func partOf(a item) uint64 {
	m := objectRef.FindStringSubmatch(a.text("dialog_object_ref"))
	if m == nil {
		return 0
	}
	n, err := strconv.ParseUint(m[2], 10, 32)
	if err != nil {
		return 0
	}
	return n
}

func isRosterEvent(d item) bool {
	_, history := d.get("party_history")
	_, kind := d.get("type")
	return history && !kind
}

// elements are those of the array under a key.
func (it item) elements(key string) []item {
	v, ok := it.get(key)
	if !ok || !v.is(majorArray) {
		return nil
	}
	return v.list
}

// date is the text of a date, with tag 0 or without.
func (it item) date(key string) string {
	v, _ := it.get(key)
	if v.is(majorTag) && v.arg == 0 {
		return string(v.list[0].data)
	}
	return it.text(key)
}

// ownInstant is the instant of an item by its own date.
func ownInstant(d item) (int64, bool) {
	if isRosterEvent(d) {
		if events := d.elements("party_history"); len(events) > 0 {
			if at, ok := instantOf(events[0].date("time")); ok {
				return at, true
			}
		}
	}
	return instantOf(d.date("start"))
}

// instantOf reads a strict date-time.
func instantOf(date string) (int64, bool) {
	leap := int64(0)
	if len(date) > 19 && date[17:19] == "60" {
		date, leap = date[:17]+"59"+date[19:], 1000
	}
	at, err := time.Parse(time.RFC3339Nano, date)
	return at.UnixMilli() + leap, err == nil
}

func TestSegments(t *testing.T) {
	for _, name := range []string{"segments-room.json", "segments-no-room.json"} {
		var v struct {
			Segments []struct {
				ID, Kind    string
				First, Last int64
				Keys        []string
				Sizes       []int
				Attachments int
				Hex         string
			}
		}
		load(t, "segment/"+name, &v)
		if len(v.Segments) == 0 {
			t.Fatal("no segments")
		}
		for i, want := range v.Segments {
			b := unhex(t, want.Hex)
			s, err := parseSegment(b)
			if err != nil {
				t.Errorf("%s %d: %v", name, i, err)
				continue
			}
			if !hashIs(b, want.ID) {
				t.Errorf("%s %d: another id", name, i)
			}
			if got := hex.EncodeToString(segmentUUID(b, s.uuid)); got != strings.ReplaceAll(s.uuid, "-", "") {
				t.Errorf("%s %d: uuid %s, want %s", name, i, s.uuid, got)
			}
			first, last, created := int64(0), int64(0), "1970-01-01T00:00:00Z"
			if n := len(s.instants); n > 0 {
				first, last = s.instants[0], s.instants[n-1]
				at, _ := instantOf(s.createdAt)
				if created = s.createdAt; at != last {
					t.Errorf("%s %d: created_at is not the last item's", name, i)
				}
			}
			if s.kind != want.Kind || first != want.First || last != want.Last || s.createdAt != created ||
				!slices.Equal(s.keys, want.Keys) || !slices.Equal(s.sizes, want.Sizes) || s.attachments != want.Attachments {
				t.Errorf("%s %d: %+v\nwant %+v", name, i, s, want)
			}
		}
	}
}
