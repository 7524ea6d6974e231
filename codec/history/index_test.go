package history

import (
	"slices"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// What a plan takes without a copy is what Heads and SplitRoster give.
func TestHeadsAreSplitAsTheyAreListed(t *testing.T) {
	v := newMaker(5, room, 6).history(600)
	for i := range v.Dialog { // many of one instant, of both kinds
		if i%3 != 0 {
			v.Dialog[i].Start = "2024-03-01T09:00:00Z"
		}
		if i%7 == 0 {
			v.Dialog[i].Start = ""
		}
	}
	r := FromVCons([]*codec.VCon{v})
	var all []segment.Head
	for h, err := range r.Heads(t.Context(), room) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, h)
	}
	if !slices.IsSortedFunc(all, canonical) {
		t.Error("not in canonical order")
	}
	rooms, err := r.Rooms(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	messages, events := segment.SplitRoster(all)
	if len(events) < 5 || len(messages) < 5 || uint64(len(all)) != rooms[0].Items {
		t.Fatalf("%d messages, %d events of %d", len(messages), len(events), rooms[0].Items)
	}
	for name, r := range map[string]Reader{"index": r, "another reader": broken{Reader: r}} {
		m, e, err := NewSource(r, SourceOptions{}).heads(t.Context(), rooms[0])
		if err != nil || !slices.Equal(m, messages) || !slices.Equal(e, events) {
			t.Errorf("%s: %d messages, %d events: %v", name, len(m), len(e), err)
		}
	}
	if m, e, err := NewSource(r, SourceOptions{}).heads(t.Context(), RoomInfo{}); len(m)+len(e) > 0 || err != nil {
		t.Errorf("a room that is not there: %v, %v, %v", m, e, err)
	}
	for h := range r.Heads(t.Context(), room) {
		_ = h
		break // and does not go on
	}
}

// A source that plans twice finds the same: a plan changes no head of the reader.
func TestPlansLeaveTheReaderAsItIs(t *testing.T) {
	v := newMaker(5, room, 6).history(600)
	r := FromVCons([]*codec.VCon{v})
	want := list(t, NewSource(FromVCons([]*codec.VCon{v}), SourceOptions{Now: longAgo}), segment.Scope{})
	day := func(h int) time.Time { return time.Date(2024, 3, 1, 9, h, 0, 0, time.UTC) }
	for _, scope := range []segment.Scope{
		{CatchUp: true}, {MaxMessages: 7}, {Since: day(1), Until: day(3)}, {Since: day(3), Until: day(1)},
		{Since: day(3), Until: day(1), MaxMessages: 1}, {Rooms: []string{"other"}},
	} {
		src := NewSource(r, SourceOptions{Now: func() time.Time { return day(60) }})
		got, all := list(t, src, scope), uint64(len(v.Dialog))
		if n := uint64(len(got.items())) + got.left.Source; n != all {
			t.Errorf("%+v: %d items and left, of %d", scope, n, all)
		}
		if scope.Until.Before(scope.Since) && len(got.items()) > 0 {
			t.Errorf("%+v: %d items travel", scope, len(got.items()))
		}
		if again := list(t, NewSource(r, SourceOptions{Now: longAgo}), segment.Scope{}); !sameIDs(again.ids, want.ids) {
			t.Fatalf("after %+v it is another history", scope)
		}
	}
}

// An attachment finds its dialog by index, past those that are no items.
func TestAttachmentsFindTheirDialogPastRefusedOnes(t *testing.T) {
	l, left := ledgerOf(t, `{"vcon":"0.4.0","uuid":"a","parties":[{}],"dialog":[7,{"type":"text","message_id":"AQ","body":"a"},8,9,{"type":"text","message_id":"Ag","body":"b"},{"type":"text","message_id":"Aw","body":"c"}],
		"attachments":[{"encoding":"none","body":"x0","dialog":0},{"encoding":"none","body":"x1","dialog":1},{"encoding":"none","body":"x3","dialog":3},{"encoding":"none","body":"x4","dialog":4},{"encoding":"none","body":"x5","dialog":5},{"encoding":"none","body":"x6","dialog":6}]}`)
	if left.AttachmentsQuarantined[segment.Malformed] != 3 {
		t.Errorf("left %+v", left)
	}
	got := ""
	for _, it := range l.items() {
		got += string(it.Dialog.Body.Data)
		for _, a := range it.Attachments {
			n, _ := segment.SizeOf(&a)
			got += string(rune('0' + n))
		}
	}
	if got != "a2b2c2" {
		t.Errorf("items and sizes of their attachments: %s", got)
	}
}
