package reference

import (
	"encoding/hex"
	"regexp"
	"slices"
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
}

// topLevel says whether a segment may have a parameter with a value.
func topLevel(name string, v item) bool {
	switch name {
	case "vcon", "uuid":
		return v.is(majorText) && len(v.data) > 0
	case "created_at":
		if v.is(majorTag) && v.arg == 0 {
			v = v.list[0]
		}
		return v.is(majorText) && len(v.data) > 0
	case "room":
		return v.is(majorMap)
	case "parties", "dialog", "attachments":
		return v.is(majorArray) && len(v.list) > 0 &&
			!slices.ContainsFunc(v.list, func(e item) bool { return !e.is(majorMap) })
	}
	return name == "extensions" || name == "vcon_transfer"
}

// parseSegment checks what section "Segments" marks with (R).
func parseSegment(b []byte) (segment, error) {
	var s segment
	v, err := vcons.parse(b)
	if err != nil || len(b) > 16<<20 || !v.is(majorMap) || v.text("vcon") != "0.4.0" {
		return s, errMalformed
	}
	for pair := range slices.Chunk(v.list, 2) {
		if !pair[0].is(majorText) || !topLevel(string(pair[0].data), pair[1]) {
			return s, errMalformed
		}
	}
	if ext, _ := v.get("extensions"); string(ext.raw) != "\x82\x6dmimi-messages\x6dvcon-transfer" {
		return s, errMalformed
	}
	room, _ := v.get("room")
	parties, _ := v.get("parties")
	dialogs, _ := v.get("dialog")
	own, err := s.readParameter(v, uint64(len(dialogs.list)))
	if err != nil {
		return s, err
	}
	s.uuid, s.createdAt = v.text("uuid"), v.date("created_at")
	if len(dialogs.list) > 4096 || s.kind == "messages" && len(dialogs.list) == 0 {
		return s, errMalformed
	}
	first := uint64(0)
	id := room.text("id")
	switch {
	case s.room == "" && id == "", s.room != "" && id == s.room:
		return s, errMalformed
	case s.room == "":
		s.room, first = id, 1
		if len(parties.list) == 0 || parties.list[0].text("im_uri") != id {
			return s, errMalformed
		}
	}
	if len(s.room) > 2048 || first+own.roster > uint64(len(parties.list)) {
		return s, errMalformed
	}
	for i, d := range dialogs.list {
		if (s.kind == "roster") != isRosterEvent(d) {
			return s, errMalformed
		}
		at, ok := own.instants[uint64(i)]
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

		if own.again[uint64(i)] && jsonText(d, "message_id") == "" {
			return s, errMalformed
		}
		r, partyBytes, ok := record(d, parties.list)
		if !ok {
			return s, errMalformed
		}
		s.keys = append(s.keys, hex.EncodeToString(itemKey(s.room, d, r, own.again[uint64(i)])))
		s.sizes = append(s.sizes, len(r)-partyBytes+partyBytes/8)
	}
	return s, s.readAttachments(v.elements("attachments"), uint64(len(dialogs.list)), uint64(len(parties.list)))
}

// parameter is vcon_transfer at the top level.
type parameter struct {
	again    map[uint64]bool
	instants map[uint64]int64
	roster   uint64
}

// readParameter reads it, with the kind and the room id.
func (s *segment) readParameter(v item, dialogs uint64) (parameter, error) {
	p := parameter{again: map[uint64]bool{}, instants: map[uint64]int64{}}
	ours, ok := v.get("vcon_transfer")
	if !ok || !ours.is(majorMap) {
		return p, errMalformed
	}
	seen := map[string]bool{}
	for pair := range slices.Chunk(ours.list, 2) {
		value := pair[1]
		name := string(pair[0].data)
		seen[name] = true
		if !pair[0].is(majorText) {
			return p, errMalformed
		}
		switch name {
		case "kind":
			s.kind, ok = string(value.data), value.is(majorText)
		case "room":
			s.room, ok = string(value.data), value.is(majorText) && len(value.data) > 0
		case "again":
			last := int64(-1)
			ok = value.is(majorArray)
			for _, i := range value.list {
				at, good := i.signed()
				ok = ok && good && at > last && uint64(at) < dialogs
				p.again[i.arg], last = true, at
			}
		case "instants":
			last := int64(-1)
			ok = value.is(majorArray)
			for _, pair := range value.list {
				if !pair.is(majorArray) || len(pair.list) != 2 {
					return p, errMalformed
				}
				i, good := pair.list[0].signed()
				at, fine := pair.list[1].signed()
				ok = ok && good && fine && i > last && uint64(i) < dialogs
				p.instants[pair.list[0].arg], last = at, i
			}
		case "roster":
			p.roster, ok = value.arg, value.is(majorUint) && value.arg > 0
		case "whole":
			ok = value.is(majorOther) && value.arg == 21
		case "extra":
			ok = value.is(majorMap)
		default:
			ok = false
		}
		if !ok {
			return p, errMalformed
		}
	}
	if s.kind != "messages" && s.kind != "roster" || seen["extra"] && !seen["whole"] ||
		s.kind == "messages" && (seen["whole"] || seen["roster"]) {
		return p, errMalformed
	}
	return p, nil
}

// readAttachments adds them to the sizes of their items.
func (s *segment) readAttachments(attachments []item, dialogs, parties uint64) error {
	last := uint64(0)
	perItem := map[uint64]int{}
	for _, a := range attachments {
		ours, _ := a.get("vcon_transfer")
		dialog, ok := ours.get("dialog")
		size, apart := ours.get("size")
		_, body := a.get("body")
		party, cites := a.get("party")
		perItem[dialog.arg]++
		if !ok || !dialog.is(majorUint) || dialog.arg >= dialogs || dialog.arg < last || apart && body ||
			apart && (!size.is(majorUint) || size.arg > 1<<40) || len(ours.without("dialog", "size").list) > 0 ||
			cites && party.is(majorUint) && party.arg >= parties || perItem[dialog.arg] > 1024 {
			return errMalformed
		}
		last = dialog.arg
		s.sizes[last] += 48 + len(a.without("party", "dialog", "vcon_transfer").encode())
		if apart {
			s.attachments++
		}
	}
	return nil
}

// isRosterEvent: a value that is not of its form counts as absent.
func isRosterEvent(d item) bool { return len(d.events()) > 0 && d.text("type") == "" }

// events are the elements of party_history, if it is of its form.
func (it item) events() []item {
	events := it.elements("party_history")
	for _, e := range events {
		if !e.is(majorMap) {
			return nil
		}
	}
	return events
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
		if at, ok := instantOf(d.events()[0].date("time")); ok {
			return at, true
		}
	}
	return instantOf(d.date("start"))
}

var dateTime = regexp.MustCompile(
	`^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]([01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}([.][0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`)

// instantOf reads a date that counts.
func instantOf(date string) (int64, bool) {
	if !dateTime.MatchString(date) {
		return 0, false
	}
	date = date[:10] + "T" + strings.ToUpper(date[11:])
	leap := int64(0)
	if date[17:19] == "60" {
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
			if got := formatUUID(segmentUUID(b, s.uuid)); got != s.uuid {
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
