package history

import (
	"slices"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// rosterOf is what the roster segments of a listing say of the room.
func rosterIn(l listing) (meta *codec.Room, names map[string]string, events []string) {
	names = map[string]string{}
	for _, s := range l.segs {
		if s.Kind != segment.Roster {
			continue
		}
		if s.Whole {
			meta = s.Room.Meta
		}
		for _, p := range s.Roster {
			names[p.IMURI] = p.Name + "/" + p.Role
		}
		for _, it := range s.Items {
			events = append(events, it.Dialog.PartyHistory[0].Event)
		}
	}
	return meta, names, events
}

func TestRosterIsReplayedToTheStartOfTheWindow(t *testing.T) {
	m := newMaker(1, room, 4) // p0..p3
	who := func(i int) string { return m.v.Parties[i+1].IMURI }
	m.text("hello").Parties = []uint32{1, 2, 3} // p0, p1, p2 are there at the start
	m.event("leave", 2)                         // p1
	m.event("self_add", 4)                      // p3
	m.event("update", 1).PartyHistory[0].Name = "Renamed"
	m.event("update", 3).PartyHistory[0].Role = "moderator"
	m.event("room", 0).PartyHistory[0].Room = &codec.Room{Name: "New Name", Description: []codec.RoomDescription{{Content: "later"}}}
	m.event("frobnicate", 1)
	m.text("before")
	m.now = m.now.Add(time.Hour)
	since := m.now
	m.event("ban", 4)
	m.text("first of the window").Originator = new(uint32(1))
	m.text("second")
	src := NewSource(FromVCons([]*codec.VCon{m.v}), SourceOptions{})
	l := list(t, src, segment.Scope{Since: since, CatchUp: true})
	meta, names, events := rosterIn(l)
	if meta == nil || meta.Name != "New Name" || meta.Subject != "all of it" || len(meta.Description) != 1 || meta.ID != room {
		t.Errorf("room at the start of the window: %+v", meta)
	}
	if !slices.Equal(events, []string{"ban"}) {
		t.Errorf("events that travel: %v", events)
	}
	want := map[string]string{who(0): "Renamed/member", who(2): "Person 2/moderator", who(3): "Person 3/member"}
	for uri, name := range want {
		if names[uri] != name {
			t.Errorf("%s is %q, want %q", uri, names[uri], name)
		}
	}
	if len(names) != len(want) {
		t.Errorf("roster of the window: %v", names)
	}
	if l.rooms[0].Name != "New Name" {
		t.Errorf("manifest calls the room %q", l.rooms[0].Name)
	}
	items := l.items()
	first := items[slices.IndexFunc(items, func(it segment.Item) bool { return it.Dialog.Type == "text" })]
	var to []string
	for _, i := range first.Dialog.Parties {
		to = append(to, first.Parties[i].IMURI)
	}
	slices.Sort(to)
	if !slices.Equal(to, []string{who(0), who(2), who(3)}) {
		t.Errorf("first message goes to %v", to)
	}
	if p := first.Parties[*first.Dialog.Originator]; p.Name != "Renamed" {
		t.Errorf("sender is called %q", p.Name)
	}
	for _, it := range items {
		if string(it.Dialog.Body.Data) == "second" && !slices.Equal(it.Dialog.Parties, []uint32{0}) {
			t.Errorf("second message goes to %v", it.Dialog.Parties)
		}
	}
	// A window that begins with the room changes nothing.
	all, whole := list(t, src, segment.Scope{}), list(t, src, segment.Scope{Since: time.Unix(1, 0)})
	if !sameIDs(all.ids, whole.ids) {
		t.Error("a window over everything is another history")
	}
}

func TestMembersWithoutAListAreAllWhoDoNotJoinLater(t *testing.T) {
	m := newMaker(1, room, 3)
	m.event("add", 1)
	m.event("leave", 2)
	m.event("add", 2)
	m.text("one")
	m.now = m.now.Add(time.Hour)
	since := m.now
	m.text("two")
	l := list(t, NewSource(FromVCons([]*codec.VCon{m.v}), SourceOptions{}), segment.Scope{Since: since})
	for _, it := range l.items() {
		if len(it.Dialog.Parties) != 3 {
			t.Errorf("message goes to %d parties", len(it.Dialog.Parties))
		}
	}
}

func TestMaxMessagesCountsMessages(t *testing.T) {
	m := newMaker(1, room, 2)
	for i := range 10 {
		m.text("x")
		if i%2 == 0 {
			m.event("update", 1).PartyHistory[0].Name = "N"
		}
	}
	src := NewSource(FromVCons([]*codec.VCon{m.v}), SourceOptions{})
	for _, n := range []uint64{1, 9, 10, 11} {
		l := list(t, src, segment.Scope{MaxMessages: n})
		got := uint64(0)
		for _, it := range l.items() {
			if !segment.IsRoster(it.Dialog) {
				got++
			}
		}
		if got != min(n, 10) {
			t.Errorf("%d newest: %d", n, got)
		}
	}
}

func TestWhatHasExpiredIsATombstone(t *testing.T) {
	m := newMaker(1, room, 2)
	d := m.text("secret")
	d.Expires = &codec.Expires{AbsoluteTime: "2024-03-01T10:00:00Z"}
	d.Start = "2024-03-01T09:00:00.000-00:00"
	m.attach(d, 0, []byte("picture"))
	m.text("kept").Expires = &codec.Expires{Relative: true, RelativeTime: 5}
	m.text("kept").Expires = &codec.Expires{AbsoluteTime: "never"}
	deadline := time.Date(2024, 3, 1, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		now  time.Time
		tomb bool
	}{{deadline.Add(-time.Millisecond), false}, {deadline, true}, {deadline.Add(time.Hour), true}} {
		src := NewSource(FromVCons([]*codec.VCon{m.v}), SourceOptions{Now: func() time.Time { return c.now }})
		l := list(t, src, segment.Scope{})
		first := l.items()[0]
		if len(l.items()) != 3 || (first.Dialog.Type == "tombstone") != c.tomb {
			t.Fatalf("at %v: %q", c.now, first.Dialog.Type)
		}
		if want, _ := d.Start.UnixMilli(); first.Instant != want {
			t.Errorf("it stands at %d, want %d", first.Instant, want)
		}
		if !c.tomb {
			continue
		}
		if first.Dialog.Status != "expired" || first.Dialog.Start != "2024-03-01T10:00:00Z" || first.Dialog.Originator != nil || len(first.Dialog.Body.Data) > 0 {
			t.Errorf("tombstone %+v", first.Dialog)
		}
		if len(l.atts) != 0 || l.left.AttachmentsExcluded[segment.Expired] != 1 {
			t.Errorf("its attachment: %d travel, left %v", len(l.atts), l.left)
		}
		for _, it := range l.items()[1:] {
			if it.Dialog.Type == "tombstone" {
				t.Error("a message without a past deadline is a tombstone")
			}
		}
	}
	// In a catch-up nothing that expires travels.
	l := list(t, NewSource(FromVCons([]*codec.VCon{m.v}), SourceOptions{Now: longAgo}), segment.Scope{CatchUp: true})
	if len(l.items()) != 0 || l.left.Excluded[segment.Expired] != 3 {
		t.Errorf("catch-up: %d travel, left %v", len(l.items()), l.left)
	}
}

func TestRetractionIsFinalWhateverTheOrder(t *testing.T) {
	// The MIMI draft's sample has an edit and a delete at one instant.
	for _, deleteFirst := range []bool{true, false} {
		m := newMaker(1, room, 3)
		a := *m.text("original")
		edit := *m.text("edited")
		edit.Replaces, edit.Originator = a.MessageID, a.Originator
		del := *m.text("")
		del.Replaces, del.Originator, del.Body = a.MessageID, a.Originator, codec.Body{}
		del.Start = edit.Start
		m.v.Dialog = []codec.Dialog{a, edit, del}
		if deleteFirst {
			m.v.Dialog = []codec.Dialog{a, del, edit}
		}
		l := list(t, NewSource(FromVCons([]*codec.VCon{m.v}), SourceOptions{}), segment.Scope{CatchUp: true})
		items := l.items()
		if len(items) != 2 || items[0].Dialog.Type != "tombstone" || items[0].Dialog.MessageID != a.MessageID || items[0].Dialog.Start != del.Start {
			t.Fatalf("delete first %v: %d items", deleteFirst, len(items))
		}
		if want, _ := a.Start.UnixMilli(); items[0].Instant != want {
			t.Error("the tombstone is not in the place of the message")
		}
		// In one's own history every version stays.
		if l := list(t, NewSource(FromVCons([]*codec.VCon{m.v}), SourceOptions{}), segment.Scope{}); len(l.items()) != 3 || l.left.Source != 0 {
			t.Errorf("own history: %d items", len(l.items()))
		}
	}
}

func TestRetractionAfterTheWindowCounts(t *testing.T) {
	m := newMaker(1, room, 3)
	a := *m.text("regretted")
	m.text("another")
	m.now = m.now.Add(time.Hour)
	until := m.now
	del := m.text("")
	del.Replaces, del.Originator, del.Body = a.MessageID, a.Originator, codec.Body{}
	l := list(t, NewSource(FromVCons([]*codec.VCon{m.v}), SourceOptions{}), segment.Scope{CatchUp: true, Until: until})
	if it := l.items()[0]; it.Dialog.Type != "tombstone" {
		t.Errorf("a retracted message travels as %q", it.Dialog.Type)
	}
}

func TestATombstoneOfTheSourceBuriesItsMessage(t *testing.T) {
	m := newMaker(1, room, 3)
	a := *m.text("seen before")
	m.text("reply").InReplyTo = a.MessageID
	m.v.Dialog = append(m.v.Dialog, codec.Dialog{Type: "tombstone", Start: a.Start, MessageID: a.MessageID, Status: "retracted"})
	l := list(t, NewSource(FromVCons([]*codec.VCon{m.v}), SourceOptions{}), segment.Scope{CatchUp: true})
	for _, it := range l.items() {
		if string(it.Dialog.Body.Data) == "seen before" {
			t.Error("a message travels beside its tombstone")
		}
	}
	if len(l.items()) != 2 || l.left.Excluded[segment.Superseded] != 1 {
		t.Errorf("%d items, left %v", len(l.items()), l.left)
	}
}
