package segment

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

// A history is one room, as a source would hold it.
type history struct {
	room   Room
	roster []codec.Party
	items  []Item // in canonical order
	events []Item
}

// segments makes every segment of the history.
func (h *history) segments(tb testing.TB) map[ID]Kind {
	tb.Helper()
	ids := make(map[ID]Kind)
	var buf []byte
	for span := range CutNewestFirst(heads(tb, h.room, h.items)) {
		items := make([]Item, len(span))
		for i := range span {
			items[i] = h.items[span[i].Ref]
		}
		b, e, _, err := Encode(h.room, items, buf[:0])
		if err != nil {
			tb.Fatal(err)
		}
		ids[e.ID], buf = Messages, b
	}
	for _, e := range h.rosterSegments(tb) {
		ids[e.ID] = Roster
	}
	return ids
}

func (h *history) rosterSegments(tb testing.TB) (entries []SegmentEntry) {
	tb.Helper()
	spans, err := PlanRoster(h.room, h.roster, heads(tb, h.room, h.events))
	if err != nil {
		tb.Fatal(err)
	}
	for i, span := range spans {
		items := make([]Item, len(span.Heads))
		for i := range span.Heads {
			items[i] = h.events[span.Heads[i].Ref]
		}
		b, e, _, err := EncodeRoster(h.room, span, items, nil)
		if err != nil {
			tb.Fatal(err)
		}
		s := decode(tb, b)
		if s.Whole != (i == 0) || len(s.Roster) != len(span.Parties) || !s.Matches(e) {
			tb.Fatalf("roster segment %d does not come back", i)
		}
		again, _, _, err := EncodeRoster(s.Room, RosterSpan{Whole: s.Whole, Parties: s.Roster}, s.Items, nil)
		if err != nil || !bytes.Equal(again, b) {
			tb.Fatalf("roster segment %d: other bytes when encoded again: %v", i, err)
		}
		entries = append(entries, e)
	}
	return entries
}

func changed(before, after map[ID]Kind) (n, messages int) {
	for id, kind := range after {
		if _, ok := before[id]; !ok {
			n++
			if kind == Messages {
				messages++
			}
		}
	}
	return n, messages
}

// Real segments: what changes is at most three of them, and the roster is not
// touched.
func TestHistoryOf100000(t *testing.T) { changeHistory(t, 100_000, 1) }

func TestHistoryOf10000(t *testing.T) { changeHistory(t, 10_000, 6) }

func changeHistory(t *testing.T, messages, rounds int) {
	room, parties := engineering(40)
	h := &history{room: room, roster: parties, items: talk(5, messages, parties)}
	before := h.segments(t)
	r := rand.New(rand.NewPCG(9, 9))
	fresh := talk(77, 3, parties)
	changes := []func(i int){
		func(i int) { // insert
			it := fresh[0]
			fresh = fresh[1:]
			d := *it.Dialog
			d.Start = h.items[i].Dialog.Start
			it.Dialog, it.Instant = &d, h.items[i].Instant
			h.items = slices.Insert(h.items, i, it)
		},
		func(i int) { // edit
			d := *h.items[i].Dialog
			d.Body.Data = []byte("mended, and longer than it was before it was mended")
			h.items[i].Dialog = &d
		},
		func(i int) { h.items = slices.Delete(h.items, i, i+1) },
	}
	for round := range rounds {
		changes[round%len(changes)](r.IntN(len(h.items)))
		after := h.segments(t)
		n, _ := changed(before, after)
		if n < 1 || n > 3 {
			t.Errorf("round %d: %d segments change", round, n)
		}
		before = after
	}
}

func event(kind string, party, by uint32, at time.Time, parties []codec.Party) Item {
	d := &codec.Dialog{PartyHistory: []codec.PartyEvent{{
		Party: &party, Originator: &by, Event: kind, Time: codec.Date(at.UTC().Format(time.RFC3339)),
	}}}
	ms, _ := Instant(d)
	return Item{Dialog: d, Parties: parties, Instant: ms}
}

func TestRosterEventIsLocal(t *testing.T) {
	const people = 10_000
	room, parties := engineering(people)
	room.Meta.Description = []codec.RoomDescription{{Content: "what we build"}}
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	h := &history{room: room, roster: parties, items: talk(5, 2000, parties)}
	for i := range 3000 {
		h.events = append(h.events, event("add", uint32(1+i), 1, start.Add(time.Duration(i)*time.Minute), parties))
	}
	h.items = h.items[:500]
	all := h.segments(t)
	before := rosterIDs(h.rosterSegments(t))
	t.Logf("%d roster segments", len(before))
	r := rand.New(rand.NewPCG(4, 4))
	worst := 0
	for round := range 6 {
		now := h.events[len(h.events)-1].Instant/1000 + 60
		switch round % 3 {
		case 0: // somebody joins
			p := codec.Party{IMURI: fmt.Sprintf("mimi://example.com/u/user-%05d-x", r.IntN(people)), Name: "New"}
			parties = append(slices.Clip(parties), p)
			h.roster = parties
			h.events = append(h.events, event("add", uint32(len(parties)-1), 1, time.Unix(now, 0), parties))
		case 1: // leaves
			h.events = append(h.events, event("leave", uint32(1+r.IntN(people)), 1, time.Unix(now, 0), parties))
		case 2: // the room is renamed
			e := event("room", 0, 1, time.Unix(now, 0), parties)
			e.Dialog.PartyHistory[0].Room = &codec.Room{Name: "Another name"}
			h.events = append(h.events, e)
		}
		after := rosterIDs(h.rosterSegments(t))
		n, _ := changed(before, after)
		worst = max(worst, n)
		if n < 1 || n > 5 {
			t.Errorf("round %d: %d segments change", round, n)
		}
		before = after
	}
	if n, messages := changed(all, h.segments(t)); messages > 0 {
		t.Errorf("%d of %d changed segments hold messages", messages, n)
	}
	t.Logf("at most %d change", worst)
}

func rosterIDs(entries []SegmentEntry) map[ID]Kind {
	m := make(map[ID]Kind)
	for _, e := range entries {
		m[e.ID] = Roster
	}
	return m
}

// Parties are no run of one instant, and large metadata is apart from them.
func TestRosterSpans(t *testing.T) {
	room, parties := engineering(3900)
	spans, err := PlanRoster(room, parties, nil)
	if err != nil || len(spans) < 3 {
		t.Errorf("%d spans, %v", len(spans), err)
	}
	n := 0
	for _, s := range spans {
		n += len(s.Parties)
	}
	if n != 3901 { // with what the vCon says of the room
		t.Errorf("%d parties", n)
	}
	room.Extra = codec.Fields{"analysis": codec.AppendText(nil, strings.Repeat("x", MaxSegment/2))}
	spans, err = PlanRoster(room, parties[:3], nil)
	if err != nil || len(spans) != 2 || len(spans[0].Parties) > 0 {
		t.Errorf("%d spans, %v", len(spans), err)
	}
	for i, s := range spans {
		if _, _, _, err := EncodeRoster(room, s, nil, nil); err != nil {
			t.Errorf("span %d: %v", i, err)
		}
	}
	parties[0].Name = ""
	if spans, err = PlanRoster(room, parties[:1], nil); err != nil || len(spans) != 1 || len(spans[0].Parties) > 0 {
		t.Errorf("a room of nobody: %+v, %v", spans, err)
	}
}

// A small room is two segments, and comes back whole.
func TestSmallRoster(t *testing.T) {
	room, parties := engineering(4)
	room.Meta.Avatar = "https://example.com/a.png"
	room.Extra = codec.Fields{
		"subject": codec.AppendText(nil, "a subject"), "analysis": codec.AppendArray(nil, 0), "\xff\x05": {0xf6},
	}
	parties = append(parties, parties[2])
	h := &history{room: room, roster: parties, items: talk(5, 10, parties)}
	h.events = []Item{event("add", 2, 1, time.Unix(1_700_000_000, 0), parties)}
	if n := len(h.segments(t)); n != 2 {
		t.Errorf("%d segments", n)
	}
	spans, err := PlanRoster(room, parties, heads(t, room, h.events))
	if err != nil || len(spans) != 1 || !spans[0].Whole || len(spans[0].Parties) != 5 || len(spans[0].Heads) != 1 {
		t.Fatalf("%+v, %v", spans, err)
	}
	b, _, _, err := EncodeRoster(room, spans[0], h.events, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := decode(t, b)
	if s.Room.ID != room.ID || s.Room.Meta.Avatar != room.Meta.Avatar || len(s.Room.Extra) != 3 ||
		string(s.Room.Extra["\xff\x05"]) != "\xf6" || s.Roster[0].Name != "Engineering Team" {
		t.Errorf("%+v", s)
	}
}
