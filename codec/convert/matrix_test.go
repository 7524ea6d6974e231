package convert_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec/convert"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
	"github.com/vcon-transfer/vcon-transfer/testdata"
)

func TestMatrix(t *testing.T) {
	vcons, report := all(t, convert.Matrix, testdata.Sub("exports/matrix"), ".", convert.Options{})
	if len(vcons) != 1 {
		t.Fatalf("%d vCons", len(vcons))
	}
	v := vcons[0]
	equal(t, lines(v), []string{
		"14T22:14:20.000 Garden: Alice created the room.",
		"14T22:15:20.000 self_add Alice",
		"14T22:16:20.000 Garden: Alice changed who may do what.",
		"14T22:17:20.000 room Garden by Alice Garden",
		"14T22:18:20.000 room Garden by Alice Everything green",
		"14T22:19:20.000 Garden: Alice turned on end-to-end encryption.",
		"14T22:20:20.000 Garden: Alice invited Bob.",
		"14T22:21:20.000 self_add Bob",
		"14T22:22:20.000 update Bob",
		"14T22:23:20.000 Alice: Hello **all**, Bob",
		"14T22:24:20.000 Bob: Hi Alice (to 9)",
		"14T22:25:20.000 Bob: 👍 (to 9)",
		"14T22:26:20.000 Alice: Hello everybody",
		"14T22:28:20.000 Bob: /me waters the plants",
		"14T22:29:20.000 @carol:example.net: It will rain",
		"14T22:30:20.000 Alice: [image/jpeg bed.jpg]",
		"14T22:31:20.000 Alice: The plan\n[application/pdf plan.pdf]",
		"14T22:32:20.000 Alice: Garden gate\ngeo:52.5,13.4",
		"14T22:33:20.000 Bob: [image/png Wave] sticker",
		"14T22:34:20.000 Alice: Who waters?",
		"14T22:35:20.000 Bob: I do (to 19)",
		"14T22:36:20.000 Bob: to what is gone",
		"14T22:37:20.000 Bob (deleted)",
		"14T22:38:20.000 Bob (deleted)",
		"14T22:41:20.000 Alice: Bob may not delete this",
		"14T22:43:20.000 Alice: Poll: What to sow?\n- Tomatoes\n- Beans",
		"14T22:44:20.000 Bob: Voted: Beans (to 25)",
		"14T22:45:20.000 Alice: Beans won (to 25)",
		"14T22:46:20.000 Alice: Poll: Old poll?\n- Yes",
		"14T22:47:20.000 Alice: Started a video call.",
		"14T22:49:20.000 Bob: Ended the call.",
		"14T22:50:20.000 @carol:example.net: ** Unable to decrypt: no keys **",
		"14T22:51:20.000 @carol:example.net: Unable to decrypt this message.",
		"14T22:52:20.000 Alice: first version",
		"14T22:53:20.000 remove @carol:example.net by Alice",
		"14T22:54:20.000 leave Bob",
		"14T22:55:20.000 Garden: Alice changed the pinned messages.",
		"14T23:36:40.000 Alice: second version",
	})
	if got := counts(report.Left); got != "map[change of what somebody else wrote:2 edit of a deleted message:1 event of a kind that is not known:1 "+
		"record about another record:1 record of the wrong form:1 record that came before:1 record that is no message:1]" {
		t.Errorf("left %s", got)
	}
	if report.OtherFiles != 1 || report.Contents != 1 || report.Attachments != 3 || report.Links != 5 || report.Replies != 4 {
		t.Errorf("%+v", report)
	}
	if v.Room.ID != "mimi://matrix.example/r/%21garden:example.org" || v.Room.Subject != "Everything green" {
		t.Errorf("%+v", v.Room)
	}
	hello, edit := &v.Dialog[9], &v.Dialog[12]
	if edit.Replaces != hello.MessageID || v.Dialog[37].Replaces != v.Dialog[33].MessageID {
		t.Error("edits replace something else")
	}
	if m := mimi.Mentions(hello); len(m) != 1 || m[0].URI != "mimi://matrix.example/u/@bob:example.org" {
		t.Errorf("mentions %+v", m)
	}
	if html := string(v.Dialog[10].MultiPart.Parts[1].Body.Data); html != "Hi <em>Alice</em>" {
		t.Errorf("the answer in HTML is %q", html)
	}
	if v.Dialog[20].TopicID == "" || v.Dialog[19].TopicID != "" {
		t.Error("topics")
	}
	if got := contentOf(t, v.Contents[0], 0); got != "jpeg" {
		t.Errorf("the picture is %q", got)
	}
	for i, kind := range map[int]string{14: "notice", 17: "location", 18: "sticker", 25: "poll", 26: "poll", 29: "call", 31: "undecryptable", 32: "undecryptable", 33: ""} {
		if o := mimi.OriginOf(&v.Dialog[i]); o.Kind != kind {
			t.Errorf("dialog %d: kind %q", i, o.Kind)
		}
	}
}

// An ev is an event of a test: type, sender, id, minute, content, and more members.
func ev(kind, sender, id string, minute int, content, more string) string {
	return fmt.Sprintf(`{"type":%q,"sender":"@%s:h","event_id":"$%s","origin_server_ts":%d,"room_id":"!r:h","content":{%s}%s}`,
		kind, sender, id, 1700000000000+minute*60000, content, more)
}

func text(body string) string { return `"msgtype":"m.text","body":"` + body + `"` }

func edit(of, body string) string {
	return text("* "+body) + `,"m.new_content":{` + text(body) + `},"m.relates_to":{"rel_type":"m.replace","event_id":"$` + of + `"}`
}

func chunk(events ...string) string {
	return `{"chunk":[` + strings.Join(events, ",") + `],"start":"a","end":"b"}`
}

func matrixLines(t *testing.T, export string) (string, *convert.Report) {
	t.Helper()
	vcons, report := all(t, convert.Matrix, files("e.json", export), "e.json", convert.Options{})
	var got []string
	for _, v := range vcons {
		for i, l := range lines(v) {
			if d := &v.Dialog[i]; d.Replaces != "" {
				l += " (edit)"
			}
			got = append(got, l[len("14T22:13:20.000 "):])
		}
	}
	return strings.Join(got, "|"), report
}

// TestMatrixOrders: newest first, or an event before the one that it refers to:
// the same messages.
func TestMatrixOrders(t *testing.T) {
	m := []string{
		ev("m.room.message", "a", "1", 0, text("one"), ""),
		ev("m.room.message", "b", "2", 1, text("two")+`,"m.relates_to":{"m.in_reply_to":{"event_id":"$1"}}`, ""),
		ev("m.reaction", "a", "3", 2, `"m.relates_to":{"rel_type":"m.annotation","event_id":"$2","key":"x"}`, ""),
		ev("m.room.message", "b", "4", 3, edit("2", "two again"), ""),
		ev("m.room.message", "b", "5", 4, edit("2", "two at last"), ""),
	}
	want := "@a:h: one|@b:h: two (to 0)|@a:h: x (to 1)|@b:h: two again (to 0) (edit)|@b:h: two at last (to 0) (edit)"
	for _, order := range [][]int{{0, 1, 2, 3, 4}, {4, 3, 2, 1, 0}, {0, 2, 3, 1, 4}, {1, 2, 0, 3, 4}, {0, 4, 2, 1, 3}} {
		var events []string
		for _, i := range order {
			events = append(events, m[i])
		}
		for _, export := range []string{chunk(events...), "[" + strings.Join(events, ",") + "]"} {
			if got, report := matrixLines(t, export); got != want || report.Dropped() != 0 {
				t.Errorf("order %v: %s\n%+v", order, got, report)
			}
		}
	}
	// Two that wait for each other, and one that waits for itself.
	loop := func(id, to string) string {
		return ev("m.room.message", "a", id, 0, text(id)+`,"m.relates_to":{"m.in_reply_to":{"event_id":"$`+to+`"}}`, "")
	}
	if got, report := matrixLines(t, chunk(loop("1", "2"), loop("2", "1"), loop("3", "3"))); len(strings.Split(got, "|")) != 3 || report.Replies != 1 {
		t.Errorf("%s %+v", got, report)
	}
}

// TestMatrixWhoMay: who may change what (design, section 4).
func TestMatrixWhoMay(t *testing.T) {
	power := ev("m.room.power_levels", "a", "p", 0, `"users":{"@a:h":100,"@m:h":"50"},"redact":50`, `,"state_key":""`)
	created := ev("m.room.create", "a", "c", 0, ``, `,"state_key":""`)
	said := ev("m.room.message", "b", "1", 1, text("said"), "")
	redact := func(by, of string) string { return ev("m.room.redaction", by, "r"+by, 5, ``, `,"redacts":"$`+of+`"`) }
	for name, tt := range map[string]struct{ export, want string }{
		"his own":               {chunk(power, said, redact("b", "1")), "@b:h (deleted)"},
		"a moderator":           {chunk(power, said, redact("m", "1")), "@b:h (deleted)"},
		"somebody":              {chunk(power, said, redact("x", "1")), "@b:h: said"},
		"somebody, then he":     {chunk(power, said, redact("x", "1"), redact("b", "1")), "@b:h (deleted)"},
		"no levels":             {chunk(said, redact("m", "1")), "@b:h: said"},
		"no levels, the maker":  {chunk(created, said, redact("a", "1")), "@b:h (deleted)"},
		"the server says so":    {chunk(said[:len(said)-1] + `,"unsigned":{"redacted_because":{"sender":"@x:h"}}}`), "@b:h (deleted)"},
		"room version 11":       {chunk(said, ev("m.room.redaction", "b", "r", 5, `"redacts":"$1"`, "")), "@b:h (deleted)"},
		"edit by another":       {chunk(said, ev("m.room.message", "x", "2", 2, edit("1", "forged"), "")), "@b:h: said"},
		"edit of what is gone":  {chunk(said, ev("m.room.message", "b", "2", 2, edit("1", "more"), ""), redact("b", "1")), "@b:h (deleted)"},
		"edit taken back":       {chunk(said, ev("m.room.message", "b", "2", 2, edit("1", "more"), ""), redact("b", "2")), "@b:h: said"},
		"reaction taken back":   {chunk(said, ev("m.reaction", "x", "2", 2, `"m.relates_to":{"rel_type":"m.annotation","event_id":"$1","key":"k"}`, ""), redact("x", "2")), "@b:h: said"},
		"reaction to the gone":  {chunk(said, ev("m.reaction", "x", "2", 2, `"m.relates_to":{"rel_type":"m.annotation","event_id":"$1","key":"k"}`, ""), redact("b", "1")), "@b:h (deleted)"},
		"edit before its start": {chunk(said, ev("m.room.message", "b", "2", 0, edit("1", "more"), "")), "@b:h: said|@b:h: more (edit)"},
		"edit of the unknown":   {chunk(ev("m.room.message", "b", "2", 2, edit("9", "all that there is"), "")), "@b:h: all that there is"},
		"too early a reaction":  {chunk(said, ev("m.reaction", "x", "2", 0, `"m.relates_to":{"rel_type":"m.annotation","event_id":"$1","key":"k"}`, "")), "@b:h: said|@x:h: k (to 0)"},
		"the edit of an edit":   {chunk(said, ev("m.room.message", "b", "2", 2, edit("1", "more"), ""), ev("m.room.message", "b", "3", 3, edit("2", "most"), "")), "@b:h: said|@b:h: more (edit)|@b:h: most (edit)"},
	} {
		got, _ := matrixLines(t, tt.export)
		got = strings.ReplaceAll(strings.ReplaceAll(got, "!r:h: @a:h changed who may do what.|", ""), "!r:h: @a:h created the room.|", "")
		if got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

func TestMatrixEvents(t *testing.T) {
	member := func(sender, who, is, was string) string {
		return ev("m.room.member", sender, "1", 0, is, `,"state_key":"@`+who+`:h","unsigned":{"prev_content":{`+was+`}}`)
	}
	is := func(s string) string { return `"membership":"` + s + `"` }
	state := func(kind, content string) string { return ev(kind, "a", "1", 0, content, `,"state_key":""`) }
	for name, tt := range map[string]struct{ event, want string }{
		"decline":       {member("b", "b", is("leave"), is("invite")), "!r:h: @b:h declined the invitation."},
		"withdraw":      {member("a", "b", is("leave"), is("invite")), "!r:h: @a:h withdrew the invitation of @b:h."},
		"unban":         {member("a", "b", is("leave"), is("ban")), "!r:h: @a:h unbanned @b:h."},
		"ban":           {member("a", "b", is("ban"), is("join")), "ban @b:h by @a:h"},
		"kick":          {member("a", "b", is("leave")+`,"reason":"x"`, is("join")), "remove @b:h by @a:h"},
		"knock":         {member("b", "b", is("knock"), ``), "!r:h: @b:h asked to join."},
		"refuse":        {member("a", "b", is("leave"), is("knock")), "!r:h: @a:h refused @b:h."},
		"picture":       {member("b", "b", is("join")+`,"avatar_url":"mxc://a"`, is("join")), "!r:h: @b:h changed their picture."},
		"avatar":        {state("m.room.avatar", `"url":"mxc://h/a"`), "room !r:h by @a:h "},
		"alias":         {state("m.room.canonical_alias", `"alias":"#x:h"`), "#x:h: @a:h set the room's address to #x:h."},
		"visibility":    {state("m.room.history_visibility", `"history_visibility":"shared"`), "!r:h: @a:h changed who may read earlier messages: shared."},
		"replaced":      {state("m.room.tombstone", `"body":"Moved.","replacement_room":"!n:h"`), "!r:h: @a:h replaced the room with another one. Moved. !n:h"},
		"widget":        {state("im.vector.modular.widgets", `"name":"Jitsi"`), "!r:h: @a:h changed a widget: Jitsi."},
		"beacon":        {ev("org.matrix.msc3672.beacon", "a", "1", 0, `"org.matrix.msc3488.location":{"uri":"geo:1,2","description":"here"}`, ""), "@a:h: here\ngeo:1,2"},
		"live location": {ev("org.matrix.msc3672.beacon_info", "a", "1", 0, `"description":"walk","live":true`, `,"state_key":"@a:h"`), "@a:h: Shares their live location. walk"},
		"emote":         {ev("m.room.message", "a", "1", 0, `"msgtype":"m.emote","body":"waves","format":"org.matrix.custom.html","formatted_body":"<b>waves</b>"`, ""), "@a:h: /me waves"},
		"unknown type":  {ev("org.example.note", "a", "1", 0, `"body":"readable"`, ""), "@a:h: readable"},
		"msgtype":       {ev("m.room.message", "a", "1", 0, `"msgtype":"org.example.x","body":"readable"`, ""), "@a:h: readable"},
		"verification":  {ev("m.room.message", "a", "1", 0, `"msgtype":"m.key.verification.request"`, ""), "@a:h: Asked to verify each other's devices."},
		"caption":       {ev("m.room.message", "a", "1", 0, `"msgtype":"m.image","filename":"i.png","body":"my bed","url":"mxc://h/i"`, ""), "@a:h: my bed\n[image/png i.png]"},
	} {
		if got, _ := matrixLines(t, chunk(tt.event)); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

func TestMatrixRooms(t *testing.T) {
	a := ev("m.room.message", "a", "1", 0, text("in one"), "")
	b := strings.ReplaceAll(ev("m.room.message", "a", "2", 1, text("in two"), ""), "!r:h", "!s:h")
	vcons, report := all(t, convert.Matrix, files("e.json", chunk(a, b)), "e.json", convert.Options{})
	if len(vcons) != 2 || report.Messages != 2 {
		t.Errorf("%d vCons, %+v", len(vcons), report)
	}
	element := `{"room_name":"R","room_creator":"c","topic":"T","export_date":"d","exported_by":"e","messages":[` + strings.ReplaceAll(a, `"room_id":"!r:h",`, "") + `],"new":1}`
	vcons, report = all(t, convert.Matrix, files("e.json", element), "e.json", convert.Options{})
	if vcons[0].Room.ID != "mimi://matrix.example/r/R" || report.Mended[convert.FieldUnknown] != 1 {
		t.Errorf("%+v, %+v", vcons[0].Room, report)
	}
	for _, broken := range []string{`[{`, element + "x", `{"room_name":"R","exported_by":"x","messages":[`} {
		if _, _, err := convert.All(t.Context(), convert.Matrix, files("e.json", broken), "e.json", convert.Options{}); err == nil || !strings.Contains(err.Error(), "JSON") {
			t.Errorf("%s: %v", broken, err)
		}
	}
	_, report = all(t, convert.Matrix, files("e.json", `[1,null,{},{"type":"m.x"},`+strings.ReplaceAll(a, "1700000000000", "-1")+`,`+strings.ReplaceAll(a, `"content":{`, `"content":7,"x":{`)+`]`), "e.json", convert.Options{})
	if got := counts(report.Left); got != "map[record of the wrong form:4 record without a valid date:2]" {
		t.Errorf("left %s", got)
	}
}

// TestMatrixMedia: Element's names have a date in the app's language and zone.
func TestMatrixMedia(t *testing.T) {
	image := ev("m.room.message", "a", "1", 0, `"msgtype":"m.image","body":"i.v2.png","url":"mxc://h/i"`, "") // at 22:13:20 UTC
	for name, found := range map[string]bool{
		"images/i.v2-11-14-2023 at 10-13-20 PM.png": true, "images/i.v2-14.11.2023 um 23-13-20.png": true, "images/i.v2-2023-11-15 at 3-43-20.png": true,
		"images/i.v2-14-11-2023 at 22-13-21.png": false, "images/i.v2-14-11-2023 at 22-14-20.png": false, "images/i.v2.png": false, "images/i.v2-1.png": false,
		"files/i.v2-14-11-2023 at 22-13-20.png": false, "images/j.v2-14-11-2023 at 22-13-20.png": false,
	} {
		_, report := all(t, convert.Matrix, files("x/export.json", "["+image+"]", "x/"+name, "p"), ".", convert.Options{})
		if (report.Contents == 1) != found || (report.OtherFiles == 0) != found {
			t.Errorf("%s: %+v", name, report)
		}
	}
	_, report := all(t, convert.Matrix, files("export.json", "["+image+"]", "images/i.v2-14-11-2023 at 22-13-20.png", "p", "images/i.v2-14-11-2023 at 23-13-20.png", "q"), ".", convert.Options{})
	if report.Contents != 0 || report.OtherFiles != 2 {
		t.Errorf("of two files one was taken: %+v", report)
	}
}

// TestMatrixWaiting: so many events may wait for a later one, and no more.
func TestMatrixWaiting(t *testing.T) {
	const limit = 64 << 10 // maxWaiting
	var b strings.Builder
	b.WriteString("[")
	for i := range limit + 1 {
		fmt.Fprintf(&b, `{"type":"m.room.message","sender":"@a:h","event_id":"$%d","origin_server_ts":%d,"content":{"body":"x","m.relates_to":{"m.in_reply_to":{"event_id":"$last"}}}},`, i, 1700000000000+i)
	}
	b.WriteString(ev("m.room.message", "a", "last", 100000, text("last"), "") + "]")
	report := &convert.Report{}
	for _, err := range convert.Convert(t.Context(), convert.Matrix, files("e.json", b.String()), "e.json", convert.Options{}, report) {
		if err != nil {
			t.Fatal(err)
		}
	}
	checkReport(t, report)
	if report.Replies != limit || report.LeftLinks[convert.LinkToNothing] != 1 {
		t.Errorf("%+v", report)
	}
}

// TestMatrixGrown: who is renamed, or answered, later changes no id of what was
// there before.
func TestMatrixGrown(t *testing.T) {
	member := func(id string, minute int, name, was string) string {
		return ev("m.room.member", "b", id, minute, `"membership":"join","displayname":"`+name+`"`, `,"state_key":"@b:h","unsigned":{"prev_content":{`+was+`}}`)
	}
	older := []string{member("1", 0, "Bob", ""), ev("m.room.member", "b", "2", 1, `"membership":"invite","displayname":"Carol"`, `,"state_key":"@c:h"`),
		ev("m.room.message", "b", "3", 2, text("hello"), "")}
	newer := append(older[:len(older):len(older)], member("4", 3, "Robert", `"membership":"join","displayname":"Bob"`),
		ev("m.room.message", "b", "5", 4, text("I do")+`,"m.relates_to":{"rel_type":"m.thread","event_id":"$3"}`, ""), ev("m.room.message", "b", "6", 5, edit("3", "hi"), ""))
	part, _ := all(t, convert.Matrix, files("e.json", chunk(older...)), "e.json", convert.Options{})
	whole, report := all(t, convert.Matrix, files("e.json", chunk(newer...)), "e.json", convert.Options{})
	if report.Replies != 1 || report.Changes != 2 {
		t.Errorf("%+v", report)
	}
	for i := range part[0].Dialog {
		if part[0].Dialog[i].MessageID != whole[0].Dialog[i].MessageID {
			t.Errorf("dialog %d has another id", i)
		}
	}
	if e := whole[0].Dialog[3].PartyHistory[0]; e.Event != "update" || e.Name != "Robert" || whole[0].Parties[*e.Party].Name != "Bob" {
		t.Errorf("%+v", e)
	}
}

func FuzzMatrix(f *testing.F) {
	for name, text := range exportFiles("matrix") {
		if strings.HasSuffix(name, ".json") {
			f.Add(text)
		}
	}
	f.Add(chunk(ev("m.reaction", "a", "3", 2, `"m.relates_to":{"rel_type":"m.annotation","event_id":"$2","key":"x"}`, "")))
	f.Fuzz(func(t *testing.T, text string) {
		fuzzedJSON(t, convert.Matrix, "export.json", "export.json", text, "images/a-1.1.1 1-1-1.png", "y")
	})
}
