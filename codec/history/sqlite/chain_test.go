package sqlite

import (
	"fmt"
	"slices"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

// What edits, reactions and replies refer to may come after them.
func TestLateOriginal(t *testing.T) {
	c := newChat(t, "Ann", "Ben", "Eve")
	m := c.say(said{by: "Ann", text: "one"})
	c.say(said{by: "Ann", text: "uno", at: at(1), replaces: m.MessageID})
	c.say(said{by: "Eve", text: "forged", at: at(2), replaces: m.MessageID})
	c.say(said{by: "Ben", text: "❤", react: true, at: at(3), reply: m.MessageID})
	c.say(said{by: "Ben", text: "yes", at: at(4), reply: m.MessageID})
	late := *c.v
	late.Dialog = c.v.Dialog[1:]
	s := newStore(t)
	transferTo(t, s, info(1, ""), sourceOf(&late))
	wantBriefs(t, conversation(t, s, roomURI),
		"Ann: uno [edited]", "Eve: forged [edited]", "Ben: ❤ <- missing", "Ben: yes <- missing")
	transferTo(t, s, info(2, ""), c.source())
	wantBriefs(t, conversation(t, s, roomURI),
		"Ann: uno [edited] {❤ Ben}", "Eve: forged [not applied edit]", "Ben: yes <- Ann: uno")
	if got := collect(t, s.Search(t.Context(), "one", Query{})); len(got) != 0 {
		t.Errorf("an old version is found: %v", briefs(got))
	}
	checked(t, s)
}

// Of one instant, the order of the source counts that was listed last.
func TestOrderOfOneInstant(t *testing.T) {
	c := newChat(t, "Ann")
	m := c.say(said{by: "Ann", text: "zero"})
	c.say(said{by: "Ann", text: "first", at: at(5), replaces: m.MessageID})
	c.say(said{by: "Ann", text: "second", at: at(5), replaces: m.MessageID})
	c.say(said{by: "Ann", text: "end", at: at(9)})
	swapped := *c.v
	swapped.Dialog = slices.Clone(c.v.Dialog)
	swapped.Dialog[1], swapped.Dialog[2] = swapped.Dialog[2], swapped.Dialog[1]
	s := newStore(t)
	for i, tt := range []struct {
		v    *codec.VCon
		want string
	}{{c.v, "second"}, {&swapped, "first"}, {c.v, "second"}, {&swapped, "first"}} {
		transferTo(t, s, info(byte(i), ""), sourceOf(tt.v))
		wantBriefs(t, conversation(t, s, roomURI), "Ann: "+tt.want+" [edited]", "Ann: end")
		if a, b := names(t, sourceOf(tt.v)), names(t, sourceOfStore(s)); !slices.Equal(a, b) {
			t.Errorf("%d: segments differ", i)
		}
		if got := collect(t, s.Search(t.Context(), tt.want, Query{})); len(got) != 1 {
			t.Errorf("%d: search finds %v", i, briefs(got))
		}
	}
	checked(t, s)
}

// A chain that is too long ends; a retraction by the sender counts all the same,
// and nobody else can push it out.
func TestLongChain(t *testing.T) {
	for _, tt := range []struct {
		edits, forged int
		del           bool
		want          string
	}{
		{maxChain - 1, 0, false, "Ann: last [edited]"},
		{maxChain, 0, false, "Ann: text [edited]"},
		{maxChain + 5, 0, true, "Ann:  [edited] [deleted]"},
		{3, maxChain + 5, true, "Ann:  [edited] [deleted]"},
	} {
		c := newChat(t, "Ann", "Eve")
		m := c.say(said{by: "Ann", text: "one"})
		for i := range tt.forged {
			c.say(said{by: "Eve", null: true, at: at(1), replaces: m.MessageID, text: fmt.Sprint(i)})
		}
		for i := range tt.edits {
			text := "text"
			if i == tt.edits-1 {
				text = "last"
			}
			c.say(said{by: "Ann", text: text, at: at(2 + i), replaces: m.MessageID})
		}
		if tt.del {
			c.say(said{by: "Ann", null: true, at: at(2 * maxChain), replaces: m.MessageID})
		}
		ms := shown(t, c)
		if brief(ms[0]) != tt.want {
			t.Errorf("%d edits, %d forged: %d entries, first %q, want %q", tt.edits, tt.forged, len(ms), brief(ms[0]), tt.want)
		}
	}
}

func TestPartyCacheIsBounded(t *testing.T) {
	s := new(Store)
	for i := range 3 {
		fresh := map[string]uint32{}
		for j := range maxParties/2 + 1 {
			fresh[fmt.Sprint(i, j)] = uint32(j)
		}
		s.keepParties(fresh)
		if len(s.parties) > maxParties || s.parties[fmt.Sprint(i, 7)] != 7 {
			t.Errorf("%d parties", len(s.parties))
		}
	}
}
