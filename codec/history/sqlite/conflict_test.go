package sqlite

import (
	"database/sql"
	"slices"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// A share is one source with whose word it is.
type share struct {
	by  string
	src *history.Source
}

func importAll(t *testing.T, s *Store, shares ...share) (last segment.Ledger) {
	t.Helper()
	for i, sh := range shares {
		last = transferTo(t, s, info(byte(i+1), sh.by), sh.src)
	}
	return last
}

// quarantined lists what is in quarantine: reason and level.
func quarantined(t *testing.T, s *Store) (out []string) {
	t.Helper()
	if err := eachRow(t.Context(), s.read, "SELECT reason FROM quarantine ORDER BY id", nil, func(rows *sql.Rows) error {
		var r string
		err := rows.Scan(&r)
		out = append(out, r)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

func oneMessage(t testing.TB, change func(d *codec.Dialog, c *chat)) *history.Source {
	c := newChat(t, "Ann", "Ben", "Eve")
	d := c.say(said{by: "Ann", text: "one"})
	if change != nil {
		change(d, c)
	}
	return c.source()
}

func body(text string) codec.Body { return codec.Body{Kind: codec.BodyText, Data: []byte(text)} }

func TestConflicts(t *testing.T) {
	genuine := func(by string) share { return share{by, oneMessage(t, nil)} }
	changed := func(by, text string) share {
		return share{by, oneMessage(t, func(d *codec.Dialog, _ *chat) { d.Body = body(text) })}
	}
	unverifiable := func(by, text string) share {
		return share{by, oneMessage(t, func(d *codec.Dialog, _ *chat) { d.Body, d.Salt = body(text), "" })}
	}
	for _, tt := range []struct {
		name        string
		shares      []share
		want        []string
		ledger      segment.Ledger // of the last
		quarantined []string
	}{
		{"an id that verifies wins over one that came first", []share{changed("", "forged"), genuine("Eve")},
			[]string{"Ann: one"}, segment.Ledger{Source: 1, Imported: 1}, []string{"conflict"}},
		{"and over one that comes later", []share{genuine("Eve"), changed("", "forged")},
			[]string{"Ann: one"}, segment.Ledger{Source: 1, Quarantined: map[segment.Reason]uint64{segment.Conflict: 1}}, []string{"conflict"}},
		{"also over one that cannot be derived", []share{unverifiable("", "forged"), genuine("")},
			[]string{"Ann: one"}, segment.Ledger{Source: 1, Imported: 1}, []string{"conflict"}},
		{"which wins over a mismatch", []share{changed("", "mismatch"), unverifiable("", "who knows")},
			[]string{"Ann: who knows"}, segment.Ledger{Source: 1, Imported: 1}, []string{"conflict"}},
		{"one's own device wins over a sharer", []share{unverifiable("Eve", "a"), unverifiable("", "b")},
			[]string{"Ann: b"}, segment.Ledger{Source: 1, Imported: 1}, []string{"conflict"}},
		{"whichever comes first", []share{unverifiable("", "b"), unverifiable("Eve", "a")},
			[]string{"Ann: b"}, segment.Ledger{Source: 1, Quarantined: map[segment.Reason]uint64{segment.Conflict: 1}}, []string{"conflict"}},
		{"the same text of somebody else is one", []share{unverifiable("", "same"), {"", oneMessage(t, func(d *codec.Dialog, c *chat) {
			d.Body, d.Salt, d.Originator = body("same"), "", new(c.party("Eve"))
		})}}, nil, segment.Ledger{}, []string{"conflict"}},
		{"the same content is no conflict", []share{unverifiable("Eve", "same"), {"Cai", oneMessage(t, func(d *codec.Dialog, c *chat) {
			d.Body, d.Salt, d.Frank, d.Parties = body("same"), "", "AAAA", []uint32{1, 2}
		})}}, []string{"Ann: same"}, segment.Ledger{Source: 1, There: 1}, nil},
		{"nor are two records of one verified message", []share{genuine("Eve"), {"", oneMessage(t, func(d *codec.Dialog, c *chat) {
			d.Frank, d.Extra = "AAAA", codec.Fields{"x_note": codec.AppendText(nil, "new")}
		})}}, []string{"Ann: one"}, segment.Ledger{Source: 1, There: 1}, nil},
		{"a tombstone takes the message away", []share{genuine(""), {"", grave(t, "retracted")}},
			[]string{":  [deleted]"}, segment.Ledger{Source: 1, Tombstones: 1}, nil},
		{"for ever", []share{{"", grave(t, "retracted")}, genuine("")},
			[]string{":  [deleted]"}, segment.Ledger{Source: 1, Tombstones: 1}, nil},
		{"also when it expired", []share{genuine(""), {"", grave(t, "expired")}, {"Eve", oneMessage(t, func(d *codec.Dialog, _ *chat) { d.Frank = "AAAA" })}},
			[]string{":  [expired]"}, segment.Ledger{Source: 1, Tombstones: 1}, nil},
		{"a sharer's tombstone takes away what was shared", []share{genuine("Eve"), {"Ben", grave(t, "retracted")}},
			[]string{":  [deleted]"}, segment.Ledger{Source: 1, Tombstones: 1}, nil},
		{"but not what one's own devices hold", []share{genuine(""), {"Eve", grave(t, "retracted")}},
			[]string{"Ann: one"}, segment.Ledger{Source: 1, Quarantined: map[segment.Reason]uint64{segment.Conflict: 1}}, []string{"conflict"}},
		{"nor in the guise of a second record", []share{genuine(""), {"Eve", oneMessage(t, func(d *codec.Dialog, c *chat) {
			d.Body = body("cover")
			c.add(&codec.Dialog{Type: "tombstone", Start: mimi.DateOf(base.Add(at(9)).UnixMilli()), MessageID: d.MessageID, Status: "retracted"})
		})}}, []string{"Ann: one", ":  [not applied delete]"},
			segment.Ledger{Source: 2, Tombstones: 1, Quarantined: map[segment.Reason]uint64{segment.Conflict: 1}}, []string{"conflict"}},
		{"two tombstones", []share{{"", grave(t, "expired")}, {"", grave(t, "retracted")}},
			[]string{":  [deleted]"}, segment.Ledger{Source: 1, There: 1}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStore(t)
			ledger := importAll(t, s, tt.shares...)
			if tt.want == nil { // either may win, by its bytes
				tt.want, tt.ledger = briefs(conversation(t, s, roomURI)), ledger
			}
			if !ledger.Equal(tt.ledger) {
				t.Errorf("ledger %+v, want %+v", ledger, tt.ledger)
			}
			wantBriefs(t, conversation(t, s, roomURI), tt.want...)
			if q := quarantined(t, s); !slices.Equal(q, tt.quarantined) {
				t.Errorf("in quarantine: %q", q)
			}
			left, err := s.Left(t.Context())
			if err != nil || left.Source != uint64(len(tt.quarantined)) || left.Columns() != left.Source {
				t.Errorf("left %+v, %v", left, err)
			}
			checked(t, s)
			// The last source again: the same, and nothing is counted as new.
			again := tt.shares[len(tt.shares)-1]
			for _, l := range leaves(t, again.src) {
				if err := s.Begin(t.Context(), info(9, again.by)); err != nil {
					t.Fatal(err)
				}
				if got := stageOne(t, s, l); got.Imported != 0 || got.Columns() != got.Source {
					t.Errorf("again: %+v", got)
				}
			}
			wantBriefs(t, conversation(t, s, roomURI), tt.want...)
		})
	}
}

func grave(t testing.TB, status string) *history.Source {
	return oneMessage(t, func(d *codec.Dialog, _ *chat) {
		*d = codec.Dialog{Type: "tombstone", Start: d.Start, MessageID: d.MessageID, Status: status}
	})
}

// A record that changes what it replaces leaves the message that it replaced
// before.
func TestReplacedRecordLeavesItsChain(t *testing.T) {
	make := func(forge bool) *history.Source {
		c := newChat(t, "Ann", "Ben")
		a := c.say(said{by: "Ann", text: "a"})
		c.say(said{by: "Ben", text: "b", at: at(1)})
		c.say(said{by: "Ann", text: "c", at: at(2)})
		if forge {
			c.v.Dialog[2].Replaces = a.MessageID
		}
		return c.source()
	}
	s := newStore(t)
	transferTo(t, s, info(1, ""), make(true))
	wantBriefs(t, conversation(t, s, roomURI), "Ann: c [edited]", "Ben: b")
	transferTo(t, s, info(2, ""), make(false))
	wantBriefs(t, conversation(t, s, roomURI), "Ann: a", "Ben: b", "Ann: c")
	if got := collect(t, s.Search(t.Context(), "a", Query{})); len(got) != 1 {
		t.Errorf("search finds %v", briefs(got))
	}
	checked(t, s)
}

func TestProvenance(t *testing.T) {
	for _, tt := range []struct {
		name   string
		shares []string
		want   string
	}{
		{"own", []string{""}, "transferred"},
		{"shared", []string{"Zoe"}, "shared by Zoe"},
		{"two sharers", []string{"Zoe", "Ben"}, "shared by Ben, Zoe"},
		{"in any order", []string{"Ben", "Zoe", "Ben"}, "shared by Ben, Zoe"},
		{"and own", []string{"Ben", "", "Zoe"}, "transferred; shared by Ben, Zoe"},
		{"own first", []string{"", "Ben"}, "transferred; shared by Ben"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			// The same segments; then records that differ, so that one replaces another.
			for _, differ := range []bool{false, true} {
				s := newStore(t)
				for i, by := range tt.shares {
					src := oneMessage(t, func(d *codec.Dialog, c *chat) {
						if differ {
							d.Extra = codec.Fields{"x_from": codec.AppendText(nil, by+" long name")}
						}
					})
					transferTo(t, s, info(byte(i), by), src)
				}
				ms := conversation(t, s, roomURI)
				if len(ms) != 1 || ms[0].Provenance != tt.want {
					t.Errorf("differing %v: %+v", differ, ms)
				}
				if q := quarantined(t, s); q != nil {
					t.Errorf("in quarantine: %v", q)
				}
			}
		})
	}
	s := newStore(t)
	importAll(t, s, share{"Zoe", oneMessage(t, nil)})
	// What conflicts is nobody's word for what is held.
	transferTo(t, s, info(2, "Eve"), oneMessage(t, func(d *codec.Dialog, _ *chat) { d.Body = body("forged") }))
	if ms := conversation(t, s, roomURI); ms[0].Provenance != "shared by Zoe" {
		t.Errorf("%q", ms[0].Provenance)
	}
	heads := collect(t, s.Heads(t.Context(), roomURI))
	items, err := s.Items(t.Context(), roomURI, heads)
	if err != nil || items[0].Provenance != "Zoe" {
		t.Errorf("provenance of an item: %+v, %v", items, err)
	}
}

// A segment with two records of one key is nobody's; still each record ends in one
// column, and the message whose id verifies is shown.
func TestDuplicateKeys(t *testing.T) {
	c := newChat(t, "Ann")
	d := *c.say(said{by: "Ann", text: "one"})
	forged := d
	forged.Body = body("forged")
	grave := codec.Dialog{Type: "tombstone", Start: d.Start, MessageID: d.MessageID, Status: "retracted"}
	for i, tt := range []struct {
		dialogs []*codec.Dialog
		ledger  segment.Ledger
		want    string
	}{
		{[]*codec.Dialog{&d, &forged}, segment.Ledger{Source: 2, Imported: 1, Quarantined: map[segment.Reason]uint64{segment.Conflict: 1}}, "Ann: one"},
		{[]*codec.Dialog{&forged, &d}, segment.Ledger{Source: 2, Imported: 2}, "Ann: one"},
		{[]*codec.Dialog{&d, &d, &d}, segment.Ledger{Source: 3, Imported: 1, There: 2}, "Ann: one"},
		{[]*codec.Dialog{&d, &grave, &d}, segment.Ledger{Source: 3, Imported: 1, Tombstones: 2}, ":  [deleted]"},
	} {
		var items []segment.Item
		for _, d := range tt.dialogs {
			items = append(items, segment.Item{Dialog: d, Parties: c.v.Parties, Instant: base.UnixMilli()})
		}
		room := segment.Room{ID: roomURI, Meta: c.v.Room}
		data, e, _, err := segment.Encode(room, items, nil)
		if err != nil {
			t.Fatal(err)
		}
		s := newStore(t)
		if err := s.Begin(t.Context(), info(1, "")); err != nil {
			t.Fatal(err)
		}
		got := stageOne(t, s, leaf{room: segment.RoomEntry{ID: roomURI}, e: segment.Entry{Type: segment.SegmentType, Segment: e}, data: data})
		if !got.Equal(tt.ledger) {
			t.Errorf("%d: %+v, want %+v", i, got, tt.ledger)
		}
		wantBriefs(t, conversation(t, s, roomURI), tt.want)
		if found := collect(t, s.Search(t.Context(), "one", Query{})); (len(found) == 1) != (tt.want == "Ann: one") {
			t.Errorf("%d: search finds %v", i, briefs(found))
		}
		checked(t, s)
	}
}

// What cannot be read as a segment is kept aside whole.
func TestMalformedSegment(t *testing.T) {
	c := newChat(t, "Ann")
	c.say(said{by: "Ann", text: "one"})
	all := leaves(t, c.source())
	good := all[len(all)-1]
	for name, change := range map[string]func(l *leaf){
		"garbage":    func(l *leaf) { l.data = []byte("garbage") },
		"cut":        func(l *leaf) { l.data = l.data[:len(l.data)-1] },
		"other room": func(l *leaf) { l.room.ID = "mimi://example.com/r/other" },
		"wrong span": func(l *leaf) { l.e.Segment.First-- },
		"wrong kind": func(l *leaf) { l.e.Segment.Kind = segment.Roster },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			if err := s.Begin(t.Context(), info(1, "")); err != nil {
				t.Fatal(err)
			}
			bad := good
			change(&bad)
			for range 2 {
				if got := stageOne(t, s, bad); got.Quarantined[segment.Malformed] != 1 {
					t.Errorf("ledger %+v", got)
				}
			}
			if q := quarantined(t, s); !slices.Equal(q, []string{"malformed"}) {
				t.Errorf("in quarantine: %v", q)
			}
			if w, err := s.Have(t.Context(), bad.room, []segment.Entry{bad.e}); err != nil || w[0].Need {
				t.Errorf("%v, %v", w, err)
			}
			checked(t, s)
			// Without its record in quarantine the segment is wanted again.
			if _, err := s.write.Exec("DELETE FROM quarantine"); err != nil {
				t.Fatal(err)
			}
			if w, err := s.Have(t.Context(), bad.room, []segment.Entry{bad.e}); err != nil || !w[0].Need {
				t.Errorf("%v, %v", w, err)
			}
		})
	}
}

// A segment is held only while its items are.
func TestHeldWhileItemsAre(t *testing.T) {
	c := manyMessages(t, 40)
	s := newStore(t)
	transferTo(t, s, info(1, ""), c.source())
	all := leaves(t, c.source())
	if _, err := s.write.Exec("DELETE FROM items WHERE id = 7"); err != nil {
		t.Fatal(err)
	}
	needed := 0
	for _, w := range begin(t, s, info(2, ""), all) {
		if w.Need {
			needed++
		}
	}
	if needed != 1 {
		t.Fatalf("%d segments are wanted", needed)
	}
	if l := transferTo(t, s, info(2, ""), c.source()); l.Imported != 1 || l.There != 39 {
		t.Errorf("ledger %+v", l)
	}
	if n := len(conversation(t, s, roomURI)); n != 40 {
		t.Errorf("%d messages", n)
	}
	if a, b := names(t, c.source()), names(t, sourceOfStore(s)); !slices.Equal(a, b) {
		t.Error("segments differ")
	}
	checked(t, s)
}
