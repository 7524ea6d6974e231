package convert_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/convert"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
	"github.com/vcon-transfer/vcon-transfer/testdata"
)

// shownRooms are the lines of each vCon, behind its room.
func shownRooms(vcons []*convert.VCon, host string) []string {
	var got []string
	for _, v := range vcons {
		got = append(got, v.Room.Name+" "+strings.TrimPrefix(v.Room.ID, "mimi://"+host+"/r/"))
		got = append(got, lines(v)...)
	}
	return got
}

// TestSignalExport converts an export that has a message and an update of every kind.
func TestSignalExport(t *testing.T) {
	vcons, report := all(t, convert.Signal, testdata.Sub("exports/signal"), "export", convert.Options{})
	equal(t, shownRooms(vcons, "signal.example"), []string{
		"+49301006 +49301006",
		"10T07:05:20.000 +49301006: by SMS",
		"Anna Berg 22222222-2222-2222-2222-222222222222",
		"10T06:14:20.000 Anna Berg: Anna Berg joined Signal",
		"10T06:15:20.000 Anna Berg: Hello Emil",
		"10T06:16:20.000 Emil Green: Hello Anna (to 1)",
		"10T06:16:40.000 Anna Berg: 👍 (to 2)",
		"10T06:17:20.000 Anna Berg: **bold and** ***both*** and 𝄞 `code` @Boris ||end||",
		"10T06:18:20.000 Anna Berg: > Emil Green: what  \n> was that?\n\nno longer there",
		"10T06:22:20.000 Emil Green: I saw all of it (to 0)",
		"10T06:23:20.000 Anna Berg (deleted)",
		"10T06:24:20.000 Anna Berg: read within the hour",
		"10T06:25:20.000 Anna Berg: being read",
		"10T06:26:20.000 Anna Berg: [image/jpeg beds.jpg] our beds\n[audio/aac audio.aac]\n[video/mp4 film.mp4]",
		"10T06:27:20.000 Anna Berg: " + strings.Repeat("a long text. ", 200),
		"10T06:28:20.000 Anna Berg: see https://club.example/plan\n[image/png image.png] Plan – of the beds – https://club.example/plan",
		"10T06:28:20.000 Emil Green: 😂 (to 0)",
		"10T06:29:20.000 Anna Berg: 🌻\n[image/webp image.webp]",
		"10T06:30:00.000 Anna Berg: frist",
		"10T06:30:01.000 Anna Berg: first",
		"10T06:30:02.000 Anna Berg: First!",
		"10T06:30:05.000 Emil Green: ❤️ (to 15)",
		"10T06:30:20.000 Anna Berg: Contact: Fiona Flower (Fi), Flower News\n+49 30 5 (mobile)\nfi@club.example (club)\nKing Street 6, Berlin (home)\n[image/jpeg image.jpeg]",
		"10T06:31:20.000 Anna Berg: View-once media",
		"10T06:32:20.000 Anna Berg: Payment: 1.5 MOB, fee 0.1 MOB, for seeds",
		"10T06:33:20.000 Anna Berg: Donation badge (opened)",
		"10T06:34:20.000 Anna Berg: 🔥",
		"10T06:35:20.000 Anna Berg: nice story",
		"10T06:36:20.000 Anna Berg: Incoming video call (missed)",
		"10T06:37:20.000 Emil Green: Outgoing voice call",
		"10T06:38:20.000 Anna Berg: Emil Green set messages to disappear after 1 week",
		"10T06:39:20.000 Anna Berg: Anna Berg turned disappearing messages off",
		"10T06:40:20.000 update Anna Berg",
		"10T06:41:20.000 Anna Berg: You started this chat with Anna Berg +49301001",
		"10T06:42:20.000 Anna Berg: Chats with Anna Berg were joined (+49301002)",
		"10T06:43:20.000 Anna Berg: This account belongs to Anna Berg (+49301001)",
		"10T06:44:20.000 Anna Berg: The safety number with Anna Berg changed",
		"10T06:45:20.000 Anna Berg: Anna Berg was marked as verified",
		"Garden Club group-1732fe3a5244129e209614c883bc90c2",
		"10T06:46:20.000 self_add Anna Berg, room Garden Club by Anna Berg Garden Club, add Emil Green by Anna Berg, room Garden Club by Anna Berg ",
		"10T06:46:20.000 Garden Club: Anna Berg created the group",
		"10T06:47:20.000 self_add Boris",
		"10T06:48:20.000 add Unknown by Anna Berg",
		"10T06:49:20.000 remove Unknown by Anna Berg",
		"10T06:50:20.000 leave Boris",
		"10T06:51:20.000 self_add Boris",
		"10T06:52:20.000 update Boris by Anna Berg",
		"10T06:53:20.000 Garden Club: Anna Berg changed the picture of the group",
		"10T06:53:20.000 Garden Club: Anna Berg let everybody send messages",
		"10T06:53:20.000 Garden Club: Anna Berg set messages to disappear after 1 day",
		"10T06:53:20.000 Garden Club: Anna Berg changed who can add people: administrator",
		"10T06:54:20.000 Garden Club: Unknown asked to join",
		"10T06:55:20.000 add Unknown by Anna Berg",
		"10T06:56:20.000 Garden Club: The group was changed",
		"10T06:57:20.000 Garden Club: Update: inventedLater",
		"10T06:58:20.000 Boris: Group call (missed, 1:05)",
		"10T06:59:20.000 Anna Berg: Poll: Which day?\n- Saturday (2 votes: Anna Berg, Emil Green)\n- Sunday (0 votes)\nThe poll has ended.",
		"10T07:00:20.000 Garden Club: Anna Berg ended the poll: Which day? (to 17)",
		"10T07:01:20.000 Garden Club: Emil Green pinned a message (to 17)",
		"10T07:02:20.000 Boris (deleted)",
		"10T07:03:20.000 Emil Green: I am @Emil Green",
		"Note to Self note-to-self",
		"10T07:04:20.000 Emil Green: to myself",
		"Signal signal",
		"10T07:06:20.000 Signal: What is new",
	})
	want := convert.Report{
		Kind: convert.Signal, Files: 1, VCons: 5, Records: 69, Messages: 49, Changes: 9, Tombstones: 2, Links: 5, Replies: 4,
		Left:      map[convert.Reason]uint64{convert.NotAMessage: 6, convert.NotExported: 1, convert.RecordMalformed: 1, convert.RecordUndated: 1},
		LeftLinks: map[convert.Reason]uint64{convert.LinkToNothing: 1},
	}
	got := *report
	got.Attachments, got.Contents, got.LeftAttachments, got.Mended = 0, 0, nil, nil
	if a, b := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); a != b {
		t.Errorf("report\n%s, want\n%s", a, b)
	}
	// A video is not there. A preview without a picture, the state of a payment, who
	// invited, who deleted, a pin, an SMS, and what is new are not carried.
	if report.Attachments != 6 || report.LeftAttachments[convert.NotInExport] != 1 || report.Mended[convert.FieldUnknown] != 7 {
		t.Errorf("report %+v", report)
	}
}

// TestSignalVersions: of an edited message all versions are there, each an edit of
// the first.
func TestSignalVersions(t *testing.T) {
	vcons, _ := all(t, convert.Signal, testdata.Sub("exports/signal"), "export", convert.Options{})
	byText := make(map[string]*codec.Dialog)
	for _, v := range vcons {
		for i := range v.Dialog {
			byText[mimi.PlainText(&v.Dialog[i])] = &v.Dialog[i]
		}
	}
	first := byText["frist"]
	if first.Replaces != "" || byText["first"].Replaces != first.MessageID || byText["First!"].Replaces != first.MessageID {
		t.Error("an edit is none of the first version")
	}
	for _, text := range []string{"❤️", "I saw all of it"} {
		if byText[text].InReplyTo != first.MessageID {
			t.Errorf("%s is not about the message", text)
		}
	}
	if e := byText["read within the hour"].Expires; e == nil || !e.Relative || e.RelativeTime != 3600 {
		t.Errorf("not read yet: %+v", e)
	}
	if e := byText["being read"].Expires; e == nil || e.Relative || e.AbsoluteTime != "2024-06-10T07:25:01Z" {
		t.Errorf("read: %+v", e)
	}
	for text, want := range map[string]string{
		"View-once media": "view once", "🔥": "story reply", "🌻\n[image/webp image.webp]": "sticker", "Donation badge (opened)": "gift",
		"Outgoing voice call": "call", "Group call (missed, 1:05)": "call",
	} {
		if got := mimi.OriginOf(byText[text]).Kind; got != want {
			t.Errorf("%s is a %q, want %q", text, got, want)
		}
	}
}

func TestSignalTool(t *testing.T) {
	fsys := testdata.Sub("exports/signal")
	vcons, report := all(t, convert.Signal, fsys, "signal-export", convert.Options{})
	equal(t, shownRooms(vcons, "signal.example"), []string{
		"Anna Berg anna%20berg",
		"10T08:14:20.123 Anna Berg: Hello Emil",
		"10T08:15:20.000 Me: Hello Anna (to 0)",
		"10T08:15:20.000 Anna Berg: 👍 (to 1)",
		"10T08:15:20.000 Me: ❤️ (to 1)",
		"10T08:16:20.000 Anna Berg: ok",
		"10T08:17:20.000 Me: ok",
		"10T08:18:20.000 Anna Berg: > ok\n\nwhich \\*ok\\*?",
		"10T08:19:20.000 Me: > Photo\n\nnice",
		"10T08:20:20.000 Anna Berg: beds\n[image/jpeg 2024-06-10T08-20-20.000_00_our beds.jpg]\n[application/octet-stream attachment]\n[application/pdf lost.pdf]",
		"10T08:21:20.000 Me: 🌻\n[image/webp sticker.webp]",
		"10T08:22:20.000 Anna Berg: [application/octet-stream sticker]",
		"10T08:23:20.000 Anna Berg (deleted)",
		"10T08:24:20.000 Anna Berg: Missed voice call",
		"Garden Club garden%20club",
		"10T09:00:00.000 Boris: Hello, club",
	})
	want := convert.Report{
		Kind: convert.Signal, Files: 2, VCons: 2, Records: 16, Messages: 13, Tombstones: 1, Links: 3, Replies: 1, Attachments: 5, Contents: 2,
		Left:            map[convert.Reason]uint64{convert.RecordTwice: 1, convert.RecordUndated: 1},
		LeftLinks:       map[convert.Reason]uint64{convert.LinkToNothing: 2},
		LeftAttachments: map[convert.Reason]uint64{convert.NotInExport: 3},
		Mended:          map[convert.Reason]uint64{convert.DateAssumed: 2},
	}
	if a, b := fmt.Sprintf("%+v", *report), fmt.Sprintf("%+v", want); a != b {
		t.Errorf("report\n%s, want\n%s", a, b)
	}
	named, _ := all(t, convert.Signal, fsys, "signal-export/Garden Club", convert.Options{Room: "Us", Owner: "Emil"})
	if len(named) != 1 || named[0].Room.Name != "Us" {
		t.Errorf("%d vCons", len(named))
	}
	for _, dir := range []string{"signal-export", "export"} {
		if _, _, err := convert.All(context.Background(), convert.Signal, fsys, dir, convert.Options{Room: "Us"}); err == nil || !strings.Contains(err.Error(), "several") {
			t.Errorf("a name for several rooms of %s: %v", dir, err)
		}
	}
}

func TestDetectSignal(t *testing.T) {
	tool := `{"date": "2024-06-10T08:14:20", "sender": "Me", "body": "x  ", "quote": "", "sticker": null, "reactions": [], "attachments": []}`
	for _, tt := range []struct {
		name, text string
		want       bool
	}{
		{"main.jsonl", `{"version":"1","backupTimeMs":"1"}`, true},
		{"other.jsonl", `{"backupTimeMs":1,"mediaRootBackupKey":"eA=="}` + "\n{}", true},
		{"main.jsonl", `{"version":"1","backupTimeMs":"1","debugInfo":"aaaa`, true},
		{"main.jsonl", `{"version":"1"}`, false},
		{"main.jsonl", `{"version":"1","backupTimeMs":"1","vcon":"0.4.0"}`, false},
		{"main.txt", `{"version":"1","backupTimeMs":"1"}`, false},
		{"main.jsonl", `{"account":{}}`, false},
		{"Anna/data.json", tool, true},
		{"Anna/data.json", tool[:60], true},
		{"Anna/other.json", tool, false},
		{"Anna/data.json", `{"date":"x","sender":"y"}`, false},
		{"Anna/data.json", strings.Replace(tool, "quote", "vcon", 1), false},
		{"data.json", `[]`, false},
		{"data.json", ``, false},
	} {
		if kind, _ := convert.Detect(tt.name, []byte(tt.text)); (kind == convert.Signal) != tt.want {
			t.Errorf("%s %s: %q", tt.name, tt.text, kind)
		}
	}
	fsys := testdata.Sub("exports/signal")
	for _, dir := range []string{"export", "signal-export", "signal-export/Anna Berg", "."} {
		if kind, err := convert.DetectExport(fsys, dir); kind != convert.Signal || err != nil {
			t.Errorf("%s: %q, %v", dir, kind, err)
		}
	}
	if _, report := all(t, convert.Signal, fsys, ".", convert.Options{}); report.Files != 3 || report.OtherFiles != 1 { // SOURCES.md
		t.Errorf("a folder of exports: %+v", report)
	}
}

// signalExport is an export of one chat, between its owner (1) and Anna (4).
func signalExport(items ...string) string {
	return `{"version":"1","backupTimeMs":"1"}` + "\n" + `{"account":{"givenName":"Emil"}}` + "\n" + `{"recipient":{"id":"1","self":{}}}` + "\n" +
		`{"recipient":{"id":"4","contact":{"aci":"IiIiIiIiIiIiIiIiIiIiIg==","profileGivenName":"Anna"}}}` + "\n" +
		`{"chat":{"id":"1","recipientId":"4"}}` + "\n" + strings.Join(items, "\n") + "\n"
}

// TestSignalGrown: ids in the file change from one export to the next; those of
// messages do not.
func TestSignalGrown(t *testing.T) {
	item := `{"chatItem":{"chatId":"1","authorId":"4","dateSent":"1718000000000","standardMessage":{"text":{"body":"x"}}}}`
	older := signalExport(item)
	newer := strings.NewReplacer(`"4"`, `"77"`, `"id":"1","recip`, `"id":"5","recip`, `"chatId":"1"`, `"chatId":"5"`, "Anna", "Anna Berg").Replace(older) +
		strings.NewReplacer(`"4"`, `"77"`, `"chatId":"1"`, `"chatId":"5"`, `0000"`, `0001"`).Replace(item)
	a, _ := all(t, convert.Signal, files("main.jsonl", older), "main.jsonl", convert.Options{})
	b, _ := all(t, convert.Signal, files("main.jsonl", newer), "main.jsonl", convert.Options{Owner: "Me too"})
	if a[0].Dialog[0].MessageID != b[0].Dialog[0].MessageID || a[0].Room.ID != b[0].Room.ID || len(b[0].Dialog) != 2 {
		t.Error("another id")
	}
}

func TestSignalHostile(t *testing.T) {
	const head = `{"chatItem":{"chatId":"1","authorId":"4","dateSent":"1718000000000",`
	body := func(s string) string { return head + `"standardMessage":{"text":{"body":` + s + `}}}}` }
	for _, tt := range []struct {
		name, item string
		text       string // of the last message
		check      func(r *convert.Report) bool
	}{
		{"ranges beyond the text", body(`"abc","bodyRanges":[{"start":1,"length":99999,"style":"BOLD"},{"start":50,"length":1,"style":"ITALIC"},{"start":4294967295,"length":4294967295,"style":"ITALIC"},{"length":0},7]`), "a<b>bc</b>",
			func(r *convert.Report) bool { return r.Mended[convert.FieldUnknown] == 1 }},
		{"a range within a character", body(`"𝄞","bodyRanges":[{"start":1,"length":1,"style":"BOLD"}]`), "𝄞", nil},
		{"many mentions of one place", body(`"￼","bodyRanges":[` + strings.Repeat(`{"length":1,"mentionAci":"IiIiIiIiIiIiIiIiIiIiIg=="},`, 99) + `{"length":1,"mentionAci":"AA=="}]`), "@Anna", nil},
		{"an author that is not there", strings.Replace(body(`"x"`), `"authorId":"4"`, `"authorId":"9"`, 1), "x", nil},
		{"versions of another form", head + `"revisions":[7,{}],"standardMessage":{"text":{"body":"x"}}}}`, "x",
			func(r *convert.Report) bool {
				return r.Left[convert.RecordMalformed] == 1 && r.Left[convert.RecordUndated] == 1
			}},
		{"versions of a version", head + `"revisions":[{"authorId":"4","dateSent":"1","revisions":[{"x":1}],"standardMessage":{"text":{"body":"y"}}}],"standardMessage":{"text":{"body":"x"}}}}`, "x",
			func(r *convert.Report) bool { return r.Mended[convert.FieldUnknown] == 1 && r.Messages == 2 }},
		{"frames of another form", `7` + "\n" + `{"chatItem":7}` + "\n" + `{"new":{"x":1}}` + "\n" + body(`"x"`), "x",
			func(r *convert.Report) bool { return r.Left[convert.RecordMalformed] == 3 }},
		{"two kinds at once", head + `"giftBadge":{},"standardMessage":{"text":{"body":"x"}}}}`, "x",
			func(r *convert.Report) bool { return r.Mended[convert.FieldUnknown] == 1 && r.Messages == 1 }},
		{"a quotation of itself", head + `"standardMessage":{"text":{"body":"x"},"quote":{"authorId":"4","targetSentTimestamp":"1718000000000"}}}}`, "x",
			func(r *convert.Report) bool { return r.LeftLinks[convert.LinkToNothing] == 1 }},
		{"no update", head + `"updateMessage":{}}}` + "\n" + body(`"x"`), "x", func(r *convert.Report) bool { return r.Left[convert.NotExported] == 1 }},
		{"no updates of a group", head + `"updateMessage":{"groupChange":{}}}}` + "\n" + body(`"x"`), "x", func(r *convert.Report) bool { return r.Left[convert.NotExported] == 1 }},
		{"twice", body(`"x"`) + "\n" + body(`"x"`), "x", func(r *convert.Report) bool { return r.Left[convert.RecordTwice] == 1 }},
	} {
		vcons, report := all(t, convert.Signal, files("main.jsonl", signalExport(tt.item)), "main.jsonl", convert.Options{})
		if tt.check != nil && !tt.check(report) || len(vcons) != 1 {
			t.Errorf("%s: %d vCons, %+v", tt.name, len(vcons), report)
			continue
		}
		v := vcons[0]
		if got := mimi.PlainText(&v.Dialog[len(v.Dialog)-1]); got != tt.text {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.text)
		}
	}
}

// signalGolden is the chat of two people as a golden export.
func signalGolden() golden {
	g := golden{Kind: convert.Signal, Name: "main.jsonl", Files: map[string]string{}}
	var kept []string
	for l := range strings.Lines(string(testdata.Read("exports/signal/export/main.jsonl"))) {
		if !strings.HasPrefix(l, `{"chatItem"`) || strings.HasPrefix(l, `{"chatItem":{"chatId":"1"`) {
			kept = append(kept, l)
		}
	}
	g.Files[g.Name] = strings.Join(kept, "")
	for _, name := range testdata.Glob("exports/signal/export/files/*/*") {
		g.Files[strings.TrimPrefix(name, "exports/signal/export/")] = string(testdata.Read(name))
	}
	return g
}

func FuzzSignal(f *testing.F) {
	for l := range strings.Lines(string(testdata.Read("exports/signal/export/main.jsonl"))) {
		if item, ok := strings.CutPrefix(strings.TrimSpace(l), `{"chatItem"`); ok {
			f.Add(signalExport(strings.Replace(`{"chatItem"`+item, `"chatId":"2"`, `"chatId":"1"`, 1)), "")
		}
	}
	f.Add("{}\n{}\n", string(testdata.Read("exports/signal/signal-export/Anna Berg/data.json")))
	f.Fuzz(func(t *testing.T, export, tool string) {
		fuzzedJSON(t, convert.Signal, "main.jsonl", "main.jsonl", export, "files/00/00", "x")
		fuzzedJSON(t, convert.Signal, "Anna/data.json", "Anna/data.json", tool, "Anna/media/a.jpg", "x")
	})
}
