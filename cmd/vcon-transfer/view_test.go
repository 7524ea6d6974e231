package main

import (
	"bufio"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/vcon-transfer/vcon-transfer/codec/history/sqlite"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// drawn is what a view of so many columns makes of messages.
func drawn(width int, messages ...sqlite.Message) string {
	var out strings.Builder
	v := &view{out: bufio.NewWriter(&out), width: width, names: map[string]string{}}
	for i := range messages {
		if err := v.message(&messages[i]); err != nil {
			panic(err)
		}
	}
	if err := v.flush(); err != nil {
		panic(err)
	}
	return out.String()
}

func at(hour, minute int) time.Time {
	return time.Date(2026, 3, 1, hour, minute, 0, 0, time.Local)
}

func TestMessageOnScreen(t *testing.T) {
	alice := sqlite.Person{Name: "Alice", URI: "mimi://example.com/u/alice"}
	bob := sqlite.Person{Name: "Bob", URI: "mimi://example.com/u/bob"}
	const own = "transferred"
	for _, c := range []struct {
		name string
		m    sqlite.Message
		want string
	}{
		{"text", sqlite.Message{Sender: alice, Text: "hello", Provenance: own}, "10:00  Alice: hello"},
		{"long text", sqlite.Message{Sender: alice, Text: "one two three four five six seven eight", Provenance: own},
			"10:00  Alice: one two three four five six\n       seven eight"},
		{"lines", sqlite.Message{Sender: alice, Text: "one\n\ntwo\n", Provenance: own}, "10:00  Alice: one\n\n       two"},
		{"the room itself", sqlite.Message{Room: alice.URI, Sender: alice, Text: "the call ended", Provenance: own}, "10:00  * the call ended"},
		{"reply to the room", sqlite.Message{Room: "mimi://example.com/r/alice", Sender: alice, Text: "yes", ReplyTo: &sqlite.Ref{Sender: sqlite.Person{Name: "Alice", URI: "mimi://example.com/r/alice"}, Text: "a call"}, Provenance: own},
			"10:00  Alice:\n       │ * a call\n       yes"},
		{"no text", sqlite.Message{Sender: alice, Provenance: own}, "10:00  Alice: (no text)"},
		{"no sender", sqlite.Message{Text: "hello", Provenance: own}, "10:00  somebody: hello"},
		{"no name", sqlite.Message{Sender: sqlite.Person{URI: "tel:+49"}, Text: "hello", Provenance: own}, "10:00  tel:+49: hello"},
		{"edited", sqlite.Message{Sender: alice, Text: "hello", Edited: true, Versions: 2, Provenance: own}, "10:00  Alice: hello (edited)"},
		{"deleted", sqlite.Message{Sender: alice, Deleted: true, Provenance: own}, "10:00  Alice: (deleted)"},
		{"expired", sqlite.Message{Sender: alice, Expired: true, Provenance: own}, "10:00  Alice: (expired)"},
		{"not applied", sqlite.Message{Sender: bob, Text: "x", NotApplied: "edit", Provenance: own},
			"10:00  Bob: x (edit of somebody else's\n       message, not applied)"},
		{"mismatch", sqlite.Message{Sender: bob, Text: "x", Level: mimi.Mismatch.String(), Provenance: own},
			"10:00  Bob: x (its id does not fit its\n       content)"},
		{"reply", sqlite.Message{Sender: bob, Text: "yes", ReplyTo: &sqlite.Ref{Sender: alice, Text: "is this a question that is long?"}, Provenance: own},
			"10:00  Bob:\n       │ Alice: is this a question that i…\n       yes"},
		{"reply to nothing", sqlite.Message{Sender: bob, Text: "yes", ReplyTo: &sqlite.Ref{Missing: true}, Provenance: own},
			"10:00  Bob:\n       │ (a message that is not here)\n       yes"},
		{"reactions", sqlite.Message{Sender: alice, Text: "hi", Reactions: []sqlite.Reaction{{Text: "❤", Senders: []sqlite.Person{bob, alice}}, {Text: "👍", Senders: []sqlite.Person{bob}}}, Provenance: own},
			"10:00  Alice: hi\n       └ ❤ Bob, Alice · 👍 Bob"},
		{"attachment", sqlite.Message{Sender: alice, Attachments: []sqlite.Attachment{{Name: "a.png", MediaType: "image/png", Size: 1500, Have: true, Path: "/somewhere/0123"}}, Provenance: own},
			"10:00  Alice:\n       [a.png, image/png, 1.5 kB]\n       /somewhere/0123"},
		{"attachment elsewhere", sqlite.Message{Sender: alice, Text: "look", Attachments: []sqlite.Attachment{{Size: 5, Hash: sqlite.HashMismatch}}, Provenance: own},
			"10:00  Alice: look\n       [attachment, 5 bytes, content is\n       not here, is not what its sender\n       declared]"},
		{"event", sqlite.Message{Kind: sqlite.Event, Event: "Bob joined\nAlice left", Provenance: own}, "10:00  * Bob joined; Alice left"},
		{"shared", sqlite.Message{Sender: alice, Text: "hello", Provenance: "shared by Bob"}, "── shared by Bob ──\n10:00  Alice: hello"},
		{"wide", sqlite.Message{Sender: alice, Text: "日本語のとても長いメッセージです。はい。", Provenance: own},
			"10:00  Alice: 日本語のとても長いメッセージ\n       です。はい。"},
	} {
		c.m.Time = at(10, 0)
		_, got, _ := strings.Cut(strings.TrimPrefix(drawn(42, c.m), "\n"), "\n") // without the day
		if got = strings.TrimSuffix(got, "\n"); got != c.want {
			t.Errorf("%s:\n%s\nwant:\n%s", c.name, got, c.want)
		}
	}
}

// A new day, and another one's word, get a line of their own; on no screen each
// message has its date.
func TestChangesOnScreen(t *testing.T) {
	messages := []sqlite.Message{
		{Sender: sqlite.Person{Name: "A"}, Text: "1", Time: at(10, 0), Provenance: "transferred"},
		{Sender: sqlite.Person{Name: "A"}, Text: "2", Time: at(10, 1), Provenance: "shared by B"},
		{Sender: sqlite.Person{Name: "A"}, Text: "3", Time: at(34, 0), Provenance: "transferred"},
	}
	want := "\n── Sunday, 1 March 2026 ──\n10:00  A: 1\n── shared by B ──\n10:01  A: 2\n\n── Monday, 2 March 2026 ──\n── transferred ──\n10:00  A: 3\n"
	if got := regexp.MustCompile("─{3,}").ReplaceAllString(drawn(40, messages...), "──"); got != want {
		t.Errorf("on a screen:\n%s\nwant:\n%s", got, want)
	}
	want = "2026-03-01 10:00:00  A: 1\n── shared by B ──\n2026-03-01 10:01:00  A: 2\n── transferred ──\n2026-03-02 10:00:00  A: 3\n"
	if got := drawn(0, messages...); got != want {
		t.Errorf("elsewhere:\n%s\nwant:\n%s", got, want)
	}
}

// Whatever peers write, only the view begins lines, no line is wider than the
// screen, and nothing acts on it.
func TestNothingBreaksTheScreen(t *testing.T) {
	hostile := rapid.StringOf(rapid.OneOf(
		rapid.SampledFrom([]rune("ab 1:漢字👍❤\ufe0f\u200dשלום\n\r\t\x1b\x07\u009b\u202e\u2066\u2028\u0301\u200b─│└*")), rapid.Rune()))
	begins := regexp.MustCompile(`^(|\d\d:\d\d  .*|       .*|── .*)$`)
	rapid.Check(t, func(t *rapid.T) {
		person := func(name string) sqlite.Person {
			return sqlite.Person{Name: hostile.Draw(t, name), URI: hostile.Draw(t, name+" URI")}
		}
		m := sqlite.Message{
			Kind: sqlite.Kind(rapid.IntRange(0, 4).Draw(t, "kind")), Sender: person("sender"), Time: at(1, 2), Text: hostile.Draw(t, "text"),
			ReplyTo:     &sqlite.Ref{Sender: person("author"), Text: hostile.Draw(t, "quote")},
			Reactions:   []sqlite.Reaction{{Text: hostile.Draw(t, "reaction"), Senders: []sqlite.Person{person("reactor")}}},
			Event:       hostile.Draw(t, "event"),
			Attachments: []sqlite.Attachment{{Name: hostile.Draw(t, "name"), MediaType: hostile.Draw(t, "media type")}},
			Provenance:  "shared by " + hostile.Draw(t, "sharer"), Edited: rapid.Bool().Draw(t, "edited"),
		}
		width := rapid.IntRange(minWidth, 100).Draw(t, "width")
		for l := range strings.Lines(drawn(width, m)) {
			l = strings.TrimSuffix(l, "\n")
			if !begins.MatchString(l) {
				t.Fatalf("a line begins with %q", l)
			}
			if cells(l) > width {
				t.Fatalf("a line has %d columns of %d: %q", cells(l), width, l)
			}
			if printable(l, 1<<20) != l {
				t.Fatalf("a line acts on the screen: %q", l)
			}
		}
	})
}

// The list of rooms fits screens of any width, however long names and URIs are.
func TestRoomsOnScreen(t *testing.T) {
	rooms := []sqlite.RoomSummary{
		{ID: "mimi://example.com/r/" + strings.Repeat("long", 50), Name: strings.Repeat("name ", 30), Messages: 123456, Participants: 1234, First: at(1, 1), Last: at(50, 1)},
		{ID: "mimi://example.com/r/2", Name: "日本語の部屋", Incomplete: true, Quarantined: 7},
		{ID: "mimi://example.com/r/3"},
	}
	for width := minWidth; width < 130; width++ {
		var out strings.Builder
		v := &view{out: bufio.NewWriter(&out), width: width, names: map[string]string{}}
		v.rooms(rooms)
		if err := v.flush(); err != nil {
			t.Fatal(err)
		}
		for l := range strings.Lines(out.String()) {
			if l = strings.TrimSuffix(l, "\n"); cells(l) > width {
				t.Fatalf("a line has %d columns of %d: %q", cells(l), width, l)
			}
		}
		for _, want := range []string{"123,456", "1,234", "日本", "incomplete", "7 records"} {
			if !strings.Contains(out.String(), want) {
				t.Fatalf("%q is missing at %d columns:\n%s", want, width, &out)
			}
		}
	}
}

// An attachment has one line, with what its sender says of it above.
func TestLabelsOfAttachments(t *testing.T) {
	photo := sqlite.Attachment{Name: "a.jpg", MediaType: "image/jpeg", Have: true}
	voice := sqlite.Attachment{Name: "v.ogg", MediaType: "audio/ogg;codecs=opus", Size: 3}
	for _, tt := range []struct {
		text        string
		attachments []sqlite.Attachment
		want        string
	}{
		{"[image/jpeg a.jpg]", []sqlite.Attachment{photo}, ""},
		{"look\n[image/jpeg a.jpg]\n[audio/ogg v.ogg] 0:07", []sqlite.Attachment{photo, voice}, "look|0:07"},
		{"[image/jpeg a.jpg]\n[image/jpeg a.jpg]", []sqlite.Attachment{photo, photo}, ""},
		{"[image/jpeg a.jpg]\n[image/jpeg a.jpg]", []sqlite.Attachment{photo}, "[image/jpeg a.jpg]"},
		{"[image/jpeg a.jpg]x", []sqlite.Attachment{photo}, "[image/jpeg a.jpg]x"},
		{"I wrote [image/jpeg a.jpg]", []sqlite.Attachment{photo}, "I wrote [image/jpeg a.jpg]"},
		{"[text/html] https://meet.example/1", []sqlite.Attachment{{MediaType: "text/html"}}, "[text/html] https://meet.example/1"},
	} {
		m := &sqlite.Message{Text: tt.text, Attachments: tt.attachments}
		if got := strings.Join(textOf(m, false), "|"); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.text, got, tt.want)
		}
	}
}
