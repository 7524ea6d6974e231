package sqlite

import (
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"pgregory.net/rapid"
)

// shown imports a chat and returns what is shown of it.
func shown(t *testing.T, c *chat) []Message {
	t.Helper()
	s := newStore(t)
	transferTo(t, s, info(1, ""), c.source())
	checked(t, s)
	return conversation(t, s, c.room)
}

func at(seconds int) time.Duration { return time.Duration(seconds) * time.Second }

func TestResolve(t *testing.T) {
	for _, tt := range []struct {
		name string
		say  func(c *chat)
		want []string
	}{
		{"edit", func(c *chat) {
			m := c.say(said{by: "Ann", text: "one"})
			c.say(said{by: "Ben", text: "two", at: at(1)})
			c.say(said{by: "Ann", text: "uno", at: at(2), replaces: m.MessageID})
		}, []string{"Ann: uno [edited]", "Ben: two"}},
		{"last of several edits, also one that names an edit", func(c *chat) {
			m := c.say(said{by: "Ann", text: "one"})
			e := c.say(said{by: "Ann", text: "two", at: at(1), replaces: m.MessageID})
			c.say(said{by: "Ann", text: "four", at: at(3), replaces: e.MessageID})
			c.say(said{by: "Ann", text: "three", at: at(2), replaces: m.MessageID})
		}, []string{"Ann: four [edited]"}},
		{"delete", func(c *chat) {
			m := c.say(said{by: "Ann", text: "one"})
			c.say(said{by: "Ben", text: "yes", at: at(1), reply: m.MessageID})
			c.say(said{by: "Ann", null: true, at: at(2), replaces: m.MessageID})
		}, []string{"Ann:  [deleted]", "Ben: yes <- deleted of Ann"}},
		{"a retraction is final", func(c *chat) {
			m := c.say(said{by: "Ann", text: "one"})
			c.say(said{by: "Ann", null: true, at: at(2), replaces: m.MessageID})
			c.say(said{by: "Ann", text: "late", at: at(3), replaces: m.MessageID})
		}, []string{"Ann:  [edited] [deleted]"}},
		{"also with an edit of the same time", func(c *chat) {
			m := c.say(said{by: "Ann", text: "one"})
			c.say(said{by: "Ann", text: "same", at: at(2), replaces: m.MessageID})
			c.say(said{by: "Ann", null: true, at: at(2), replaces: m.MessageID})
			c.say(said{by: "Ann", text: "same again", at: at(2), replaces: m.MessageID})
		}, []string{"Ann:  [edited] [deleted]"}},
		{"a clock that went back", func(c *chat) {
			m := c.say(said{by: "Ann", text: "one", at: at(5)})
			c.say(said{by: "Ann", text: "uno", at: at(2), replaces: m.MessageID})
		}, []string{"Ann: uno [edited]"}},
		{"forged edit", func(c *chat) {
			m := c.say(said{by: "Ann", text: "one"})
			c.say(said{by: "Eve", text: "forged", at: at(1), replaces: m.MessageID})
		}, []string{"Ann: one", "Eve: forged [not applied edit]"}},
		{"forged delete", func(c *chat) {
			m := c.say(said{by: "Ann", text: "one"})
			c.say(said{by: "Eve", null: true, at: at(1), replaces: m.MessageID})
		}, []string{"Ann: one", "Eve:  [not applied delete]"}},
		{"an edit of a forgery is its sender's own", func(c *chat) {
			m := c.say(said{by: "Ann", text: "one"})
			f := c.say(said{by: "Eve", text: "forged", at: at(1), replaces: m.MessageID})
			c.say(said{by: "Eve", text: "again", at: at(2), replaces: f.MessageID})
			c.say(said{by: "Ann", text: "through it", at: at(3), replaces: f.MessageID})
		}, []string{"Ann: one", "Eve: again [edited] [not applied edit]", "Ann: through it [not applied edit]"}},
		{"an edit changes content only", func(c *chat) {
			m := c.say(said{by: "Ann", text: "one"})
			n := c.say(said{by: "Ben", text: "other", at: at(1)})
			r := c.say(said{by: "Ben", text: "reply", at: at(2), reply: m.MessageID})
			c.say(said{by: "Ben", text: "moved", at: at(3), replaces: r.MessageID, reply: n.MessageID})
		}, []string{"Ann: one", "Ben: other", "Ben: moved [edited] <- Ann: one"}},
		{"reactions", func(c *chat) {
			m := c.say(said{by: "Ann", text: "one"})
			c.say(said{by: "Ben", text: "❤", react: true, at: at(1), reply: m.MessageID})
			e := c.say(said{by: "Ann", text: "uno", at: at(2), replaces: m.MessageID})
			c.say(said{by: "Eve", text: "❤", react: true, at: at(3), reply: e.MessageID})
			c.say(said{by: "Eve", text: "⛵", react: true, at: at(4), reply: m.MessageID})
			c.say(said{by: "Eve", text: "❤", react: true, at: at(5), reply: m.MessageID})
		}, []string{"Ann: uno [edited] {❤ Ben,Eve} {⛵ Eve}"}},
		{"unlike", func(c *chat) {
			m := c.say(said{by: "Ann", text: "one"})
			r := c.say(said{by: "Ben", text: "❤", react: true, at: at(1), reply: m.MessageID})
			c.say(said{by: "Ben", null: true, react: true, at: at(2), replaces: r.MessageID, reply: m.MessageID})
		}, []string{"Ann: one"}},
		{"an unlike by somebody else", func(c *chat) {
			m := c.say(said{by: "Ann", text: "one"})
			r := c.say(said{by: "Ben", text: "❤", react: true, at: at(1), reply: m.MessageID})
			c.say(said{by: "Eve", null: true, at: at(2), replaces: r.MessageID})
		}, []string{"Ann: one {❤ Ben}", "Eve:  [not applied delete]"}},
		{"another reaction", func(c *chat) {
			m := c.say(said{by: "Ann", text: "one"})
			r := c.say(said{by: "Ben", text: "❤", react: true, at: at(1), reply: m.MessageID})
			c.say(said{by: "Ben", text: "⛵", react: true, at: at(2), replaces: r.MessageID, reply: m.MessageID})
		}, []string{"Ann: one {⛵ Ben}"}},
		{"several reactions in one", func(c *chat) {
			m := c.say(said{by: "Ann", text: "one"})
			r := c.say(said{by: "Ben", react: true, at: at(1), reply: m.MessageID, multipart: []string{"❤", "⛵"}})
			r.Disposition = "reaction"
		}, []string{"Ann: one {❤ Ben} {⛵ Ben}"}},
		{"a reaction to what is not here, and to a reaction", func(c *chat) {
			c.say(said{by: "Ann", text: "one"})
			r := c.say(said{by: "Ben", text: "❤", react: true, at: at(1), reply: lostID})
			c.say(said{by: "Eve", text: "⛵", react: true, at: at(2), reply: r.MessageID})
		}, []string{"Ann: one", "Ben: ❤ <- missing", "Eve: ⛵ <- Ben: ❤"}},
		{"the first version is not here", func(c *chat) {
			c.say(said{by: "Ann", text: "two", at: at(1), replaces: lostID})
			c.say(said{by: "Ann", text: "three", at: at(2), replaces: lostID})
			c.say(said{by: "Eve", text: "forged", at: at(3), replaces: lostID})
		}, []string{"Ann: three [edited]", "Eve: forged [edited]"}},
		{"nor any version", func(c *chat) {
			c.say(said{by: "Ann", null: true, at: at(1), replaces: lostID})
		}, []string{"Ann:  [deleted]"}},
		{"deleted, and only a later version is here", func(c *chat) {
			c.say(said{by: "Ann", null: true, at: at(1), replaces: lostID})
			c.say(said{by: "Ann", text: "two", at: at(2), replaces: lostID})
		}, []string{"Ann:  [edited] [deleted]"}},
		{"a ring", func(c *chat) {
			a := c.say(said{by: "Ann", text: "a", unsigned: true})
			b := c.say(said{by: "Ann", text: "b", at: at(1), unsigned: true})
			x := c.say(said{by: "Ann", text: "x", at: at(2)})
			c.v.Dialog[0].Replaces, c.v.Dialog[1].Replaces = b.MessageID, a.MessageID
			c.v.Dialog[2].Replaces = x.MessageID
		}, []string{"Ann: a [not applied edit]", "Ann: b [not applied edit]", "Ann: x [not applied edit]"}},
		{"a lost reaction that was changed and taken back", func(c *chat) {
			m := c.say(said{by: "Ann", text: "one"})
			c.say(said{by: "Ben", null: true, at: at(1), replaces: lostID})
			c.say(said{by: "Ben", text: "❤", react: true, at: at(2), replaces: lostID, reply: m.MessageID})
		}, []string{"Ann: one"}},
		{"what replaces a tombstone is hidden with it", func(c *chat) {
			m := c.say(said{by: "Ben", text: "gone"})
			c.say(said{by: "Ben", text: "back", at: at(1), replaces: m.MessageID})
			c.v.Dialog[0] = codec.Dialog{Type: "tombstone", Start: m.Start, MessageID: m.MessageID, Status: "retracted"}
		}, []string{":  [deleted]"}},
		{"events before messages of their time", func(c *chat) {
			for _, who := range []string{"Ann", "Ben", "Eve"} {
				c.say(said{by: "Ann", text: "hi"})
				c.add(&codec.Dialog{PartyHistory: []codec.PartyEvent{{Party: new(c.party(who)), Time: mimi.DateOf(base.UnixMilli()), Event: "self_add"}}})
			}
		}, []string{"* Ann joined", "* Ben joined", "* Eve joined", "Ann: hi", "Ann: hi", "Ann: hi"}},
		{"expired", func(c *chat) {
			m := c.say(said{by: "Ann", text: "secret", expires: &mimi.Expiration{Time: uint32(base.AddDate(0, 1, 0).Unix())}})
			c.say(said{by: "Ben", text: "what?", at: at(1), reply: m.MessageID})
			c.say(said{by: "Ann", text: "open", at: at(2), expires: &mimi.Expiration{Time: uint32(base.AddDate(3, 0, 0).Unix())}})
			c.say(said{by: "Ann", text: "relative", at: at(3), expires: &mimi.Expiration{Relative: true, Time: 60}})
		}, []string{"Ann:  [expired]", "Ben: what? <- Ann: ", "Ann: open", "Ann: relative"}},
		{"mention", func(c *chat) {
			c.say(said{by: "Ann", markdown: true, text: "ask [@somebody](" + uriOf("Ben") + ") or [@Zed](mimi://example.com/u/zed)"})
		}, []string{"Ann: ask @Ben or @Zed"}},
		{"a sender whose record has no name", func(c *chat) {
			m := c.say(said{by: "Ann", text: "one"})
			c.v.Parties = append(c.v.Parties, codec.Party{IMURI: uriOf("Ben")})
			c.say(said{by: "Ben", text: "two", at: at(1), reply: m.MessageID})
			c.v.Dialog[1].Originator = new(uint32(len(c.v.Parties) - 1))
		}, []string{"Ann: one", "Ben: two <- Ann: one"}},
		{"tombstone", func(c *chat) {
			m := c.say(said{by: "Ben", text: "gone"})
			c.say(said{by: "Ann", text: "what?", at: at(1), reply: m.MessageID})
			c.v.Dialog[0] = codec.Dialog{Type: "tombstone", Start: m.Start, MessageID: m.MessageID, Status: "retracted"}
		}, []string{":  [deleted]", "Ann: what? <- deleted of "}},
		{"a tombstone beside its message", func(c *chat) {
			m := c.say(said{by: "Ben", text: "gone"})
			c.add(&codec.Dialog{Type: "tombstone", Start: mimi.DateOf(base.Add(at(9)).UnixMilli()), MessageID: m.MessageID, Status: "expired"})
		}, []string{"Ben:  [expired]"}},
		{"one id for two texts", func(c *chat) {
			m := c.say(said{by: "Ben", text: "first", unsigned: true})
			d := *m
			d.Body = codec.Body{Kind: codec.BodyText, Data: []byte("second")}
			c.add(&d)
			d.Originator, d.Body = new(c.party("Eve")), codec.Body{Kind: codec.BodyText, Data: []byte("third")}
			c.add(&d)
		}, []string{"Ben: second [edited]", "Eve: third [not applied edit]"}},
		{"roster", func(c *chat) {
			ann, ben, eve := c.party("Ann"), c.party("Ben"), c.party("Eve")
			room := uint32(0)
			when := mimi.DateOf(base.UnixMilli())
			c.add(&codec.Dialog{PartyHistory: []codec.PartyEvent{
				{Party: &ben, Originator: &ann, Time: when, Event: "add"},
				{Party: &eve, Time: when, Event: "self_add"},
				{Party: &eve, Originator: &eve, Time: when, Event: "leave"},
				{Party: &eve, Originator: &ann, Time: when, Event: "ban"},
				{Party: &ben, Time: when, Event: "remove"},
				{Party: &ben, Originator: &ben, Time: when, Event: "update", Name: "Benjamin", Role: "admin"},
				{Party: &ben, Originator: &ann, Time: when, Event: "update"},
				{Party: &room, Originator: &ann, Time: when, Event: "room", Room: &codec.Room{Name: "Pier", Description: []codec.RoomDescription{{Content: "x"}}}},
				{Party: &room, Time: when, Event: "room"},
				{Time: when, Event: "strange"},
			}})
			c.say(said{by: "Ann", text: "hello all"})
		}, []string{"* Ann added Ben; Eve joined; Eve left; Ann banned Eve; Ben was removed; Ben is now called Benjamin and now has the role admin; " +
			"Ben was updated (by Ann); Ann changed the room's name to Pier, description; the room's details was changed; somebody: unknown event strange", "Ann: hello all"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newChat(t, "Ann", "Ben", "Eve")
			tt.say(c)
			wantBriefs(t, shown(t, c), tt.want...)
		})
	}
}

const lostID codec.Binary = "AXzlSDdATDaW4MdHuYXLFycW0O0KPSScpjrOfYKglvQ"

// Every chain ends the same when its parts come one by one, in any order.
func TestAnyOrder(t *testing.T) {
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		// Each check makes two databases; the flag asks for more.
		if err := f.Value.Set("15"); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		c := newChat(t, "Ann", "Ben", "Eve")
		n := rapid.IntRange(2, 14).Draw(rt, "messages")
		var said0 []*codec.Dialog
		for i := range n {
			m := said{
				by: rapid.SampledFrom([]string{"Ann", "Ben", "Eve"}).Draw(rt, "by"), text: fmt.Sprint("text", i),
				at: at(rapid.IntRange(0, 5).Draw(rt, "at")),
			}
			if i > 0 {
				target := said0[rapid.IntRange(0, i-1).Draw(rt, "target")].MessageID
				switch rapid.IntRange(0, 6).Draw(rt, "what") {
				case 0, 1:
					m.replaces = target
				case 2:
					m.replaces, m.null = target, true
				case 3:
					m.reply, m.react = target, true
				case 4:
					m.reply = target
				case 5:
					m.replaces = lostID
				}
			}
			d := *c.say(m)
			said0 = append(said0, &d)
		}
		// One vCon for each subset of the messages: what several devices hold.
		all := leaves(t, c.source())
		var parts []leaf
		for range rapid.IntRange(1, 6).Draw(rt, "parts") {
			part := newChat(t, "Ann", "Ben", "Eve")
			for _, d := range said0 {
				if rapid.Bool().Draw(rt, "in") {
					part.add(d)
				}
			}
			parts = append(parts, leaves(t, part.source())...)
		}
		parts = append(parts, parts...)
		parts = append(parts, all...)
		order := rapid.Permutation(parts).Draw(rt, "order")

		dir := t.TempDir()
		plain, closePlain := openStore(t, filepath.Join(dir, "plain.db"))
		defer closePlain()
		mixed, closeMixed := openStore(t, filepath.Join(dir, "mixed.db"))
		defer closeMixed()
		transferTo(t, plain, info(1, ""), c.source())
		if err := mixed.Begin(t.Context(), info(1, "")); err != nil {
			rt.Fatal(err)
		}
		for _, l := range order {
			stageOne(t, mixed, l)
		}
		begin(t, mixed, info(1, ""), all)
		if err := mixed.Commit(t.Context(), segment.End{}, nil); err != nil {
			rt.Fatal(err)
		}
		want, got := briefs(conversation(t, plain, c.room)), briefs(conversation(t, mixed, c.room))
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			rt.Fatalf("in order:\n%s\nin any order:\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
		}
		for _, text := range []string{"text1", "text"} {
			a, b := collect(t, plain.Search(t.Context(), text, Query{})), collect(t, mixed.Search(t.Context(), text, Query{}))
			if len(a) != len(b) {
				rt.Fatalf("search finds %d in order, %d in any order", len(a), len(b))
			}
		}
		if a, b := plain.counts(t), mixed.counts(t); a != b {
			rt.Fatalf("items %d, in any order %d", a, b)
		}
	})
}

// counts is how many items and quarantined records there are.
func (s *Store) counts(t testing.TB) (n int) {
	t.Helper()
	if err := s.read.QueryRow("SELECT (SELECT count(*) FROM items) + 1000 * (SELECT count(*) FROM quarantine)").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
