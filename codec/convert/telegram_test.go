package convert_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/convert"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
	"github.com/vcon-transfer/vcon-transfer/testdata"
)

// TestTelegramGroup converts a group that has a message of every kind.
func TestTelegramGroup(t *testing.T) {
	vcons, report := all(t, convert.Telegram, testdata.Sub("exports/telegram/group"), ".", convert.Options{})
	if len(vcons) != 1 {
		t.Fatalf("%d vCons", len(vcons))
	}
	v := vcons[0]
	equal(t, lines(v), []string{
		"10T06:14:20.000 room Garden Club by Anna Berg Garden, self_add Anna Berg, add Boris by Anna Berg, add Deleted Account by Anna Berg",
		"10T06:15:20.000 Garden Club: Anna Berg made this supergroup of a group (title: Garden)",
		"10T06:16:20.000 room Garden Club by Anna Berg Garden Club",
		"10T06:17:20.000 Garden Club: Anna Berg changed the picture of the group\n[image/jpeg photo.jpg]",
		"10T06:18:20.000 add Dora by Boris",
		"10T06:19:20.000 self_add Dora",
		"10T06:20:20.000 remove Dora by Anna Berg",
		"10T06:21:20.000 leave Boris",
		"10T06:22:20.000 self_add Boris",
		"10T06:23:20.000 Anna Berg: Welcome, everybody!\nSee you on Saturday.",
		"10T06:24:20.000 Boris: Thanks **Anna**, see [the plan](https://club.example/plan%20%281%29) & Dora*!*\n```go\nseeds := 3\nbeds := 2\n```\n\n||it will rain|| ~~5\\*3~~ <u>now</u> `a_b`\n> who  \n> said?\n\n#garden_club @anna_b https://club.example/a_b +49 30 1 a@club.example 🌱 1_000 (to 9)",
		"10T06:25:20.000 Anna Berg: 👍 (to 10)",
		"10T06:25:20.000 Deleted Account: gone",
		"10T06:26:20.000 Deleted Account: 👍 (to 10)",
		"10T06:26:20.000 Boris: elsewhere",
		"10T06:27:20.000 Boris: :5368324170671202286: (to 10)",
		"10T06:27:20.000 Anna Berg: [image/jpeg photo.jpg]",
		"10T06:28:20.000 Anna Berg: the plan\n[application/pdf plan.pdf]",
		"10T06:29:20.000 Boris: [audio/ogg voice.ogg] 0:07",
		"10T06:30:20.000 Boris: 🌻\n[image/webp sticker.webp]",
		"10T06:31:20.000 Boris: [video/mp4 video.mp4] 1:05",
		"10T06:32:20.000 Anna Berg: too big\n[video/mp4 film.mp4] 1:06:40",
		"10T06:33:20.000 Anna Berg: [audio/mpeg song.mp3] The Snails – Slow 3:20",
		"10T06:34:20.000 Anna Berg: [video/mp4 wave.mp4]",
		"10T06:35:20.000 Anna Berg: [image/jpeg photo.jpg]",
		"10T06:36:20.000 Boris: Location: 52.52, 13.405",
		"10T06:37:20.000 Boris: Live location: 52.52, 13.41, shared for 15:00",
		"10T06:38:20.000 Boris: Location: Botanical Garden, King Street 6, 52.45, 13.3",
		"10T06:39:20.000 Anna Berg: Contact: Emil Green, +49 30 123\n[text/vcard contact.vcf]",
		"10T06:40:20.000 Anna Berg: Poll: Which day?\n- Saturday (2 votes, chosen)\n- Sunday (1 vote)\nTotal: 3 votes, closed",
		"10T06:41:20.000 Anna Berg: To do: Saturday\n- dig\n- sow",
		"10T06:42:20.000 Boris: Game: Snails\nRace!\nhttps://t.me/gamebot?game=snails",
		"10T06:43:20.000 Boris: Invoice: amount: 1200, currency: EUR, description: 2024, receipt message id: 30, title: Fee",
		"10T06:44:20.000 Garden Club: Giveaway: channels: 17, countries: DE, months: 6, quantity: 3, until date: 2024-07-01T00:00:00",
		"10T06:45:20.000 Garden Club (admin): anonymous",
		"10T06:46:20.000 Boris: passed on",
		"10T06:47:20.000 Boris: passed on",
		"10T06:48:20.000 Boris: a gif\n[Open] https://club.example\n[Like]",
		"10T06:49:20.000 Garden Club: Anna Berg pinned a message (to 9)",
		"10T06:50:20.000 Garden Club: Anna Berg created a topic (title: Roses)",
		"10T06:51:20.000 Boris: red ones",
		"10T06:52:20.000 Anna Berg: yes (to 40)",
		"10T06:53:20.000 Garden Club: Anna Berg changed the topic (new title: Roses and thorns)",
		"10T06:54:20.000 Boris: Phone call (2:05)",
		"10T06:55:20.000 Boris: Phone call (missed)",
		"10T06:56:20.000 Anna Berg: Group call (1:01:40)",
		"10T06:57:20.000 Garden Club: Anna Berg invited people to the group call (members: Boris, Dora)",
		"10T06:58:20.000 Garden Club: Anna Berg set messages to be deleted after a time (period: 1 week)",
		"10T06:59:20.000 Garden Club: Anna Berg set messages to stay",
		"10T07:00:20.000 Garden Club: Boris took a screenshot",
		"10T07:01:20.000 Garden Club: Boris boosted the group (boosts: 2)",
		"10T07:02:20.000 Garden Club: Boris came near to Anna Berg (distance: 50)",
		"10T07:03:20.000 Garden Club: Anna Berg sent a gift (gift id: 7, gift text: For you, stars: 50)",
		"10T07:04:20.000 Garden Club: Boris added tasks to a to-do list (items: water)",
		"10T07:05:20.000 Garden Club: The bot says hello",
		"10T07:06:20.000 Garden Club: Boris: Service message: invented later (colour: green, sizes: 1, 2)",
		"10T07:07:20.000 Garden Club: Anna Berg removed the picture of the group",
		"10T07:08:20.000 Boris: new",
		"10T07:09:20.000 Anna Berg: pinned an event?",
	})
	if v.Room.ID != "mimi://telegram.example/r/channel1700000001" || v.Room.Name != "Garden Club" {
		t.Errorf("room %+v", v.Room)
	}
	origins := make(map[string]mimi.Origin)
	topics := make(map[string]string)
	expires := 0
	for i := range v.Dialog {
		d := &v.Dialog[i]
		text, _, _ := strings.Cut(mimi.PlainText(d), ":")
		if o := mimi.OriginOf(d); o != (mimi.Origin{}) {
			origins[text] = o
		}
		if d.TopicID != "" {
			topics[text] = string(d.TopicID)
		}
		if d.Expires != nil && d.Expires.Relative && d.Expires.RelativeTime == 10 {
			expires++
		}
	}
	if roses := topics["red ones"]; roses == "" || len(topics) != 4 || topics["yes"] != roses || topics["Anna Berg created a topic (title"] != roses {
		t.Errorf("topics %v", topics)
	}
	if expires != 1 {
		t.Errorf("%d messages with a time to live", expires)
	}
	if len(v.Parties) != 8 { // the room, Anna, Boris, Dora, a deleted account with an id and one without, the group and an admin of it that hides
		t.Errorf("parties %+v", v.Parties)
	}
	for text, want := range map[string]mimi.Origin{
		"🌻\n[image/webp sticker.webp]": {Kind: "sticker"}, "[audio/ogg voice.ogg] 0": {Kind: "voice message"}, "Poll": {Kind: "poll"},
		"To do": {Kind: "to-do list"}, "Game": {Kind: "game"}, "Invoice": {Kind: "invoice"}, "Contact": {Kind: "contact"},
		"Live location": {Kind: "live location"}, "Location": {Kind: "location"}, "Giveaway": {Kind: "giveaway"},
		"Phone call (missed)": {Kind: "call"}, "Group call (1": {Kind: "call"}, "passed on": {ForwardedFrom: "Deleted Account"},
		"Thanks **Anna**, see [the plan](https": {EditedAt: "2024-06-10T06:53:20Z"},
	} {
		if origins[text] != want {
			t.Errorf("origin of %q is %+v, want %+v", text, origins[text], want)
		}
	}
	want := convert.Report{
		Kind: convert.Telegram, Files: 1, VCons: 1, Records: 67, Messages: 52, Changes: 7, Links: 6, Replies: 3, Attachments: 11, Contents: 7,
		Left:            map[convert.Reason]uint64{convert.NotExported: 1, convert.ReactorUnknown: 5, convert.RecordMalformed: 1, convert.RecordUndated: 1},
		LeftLinks:       map[convert.Reason]uint64{convert.LinkElsewhere: 1, convert.LinkToEvent: 1, convert.LinkToNothing: 1},
		LeftAttachments: map[convert.Reason]uint64{convert.NotInExport: 4},
		// inviter, media_spoiler, via_bot and brand_new
		Mended: map[convert.Reason]uint64{convert.EditedBefore: 1, convert.FieldUnknown: 4, convert.NoticeAsText: 16},
	}
	if a, b := fmt.Sprintf("%+v", *report), fmt.Sprintf("%+v", want); a != b {
		t.Errorf("report\n%s, want\n%s", a, b)
	}
}

func TestTelegramAccount(t *testing.T) {
	fsys := testdata.Sub("exports/telegram/account")
	vcons, report := all(t, convert.Telegram, fsys, "result.json", convert.Options{})
	var got []string
	for _, v := range vcons {
		got = append(got, v.Room.Name+" "+strings.TrimPrefix(v.Room.ID, "mimi://telegram.example/r/"))
		got = append(got, lines(v)...)
	}
	equal(t, got, []string{
		"Boris user1002",
		"10T06:14:20.000 Anna Berg: Hello Boris",
		"10T06:15:20.000 Boris: Hello Anna (to 0)",
		"10T06:16:20.000 Boris: Phone call (busy)",
		"Saved Messages user1001",
		"10T06:17:20.000 Anna Berg: a note",
		"10T06:18:20.000 Anna Berg: a recipe",
		"Weather Bot user1009",
		"10T06:19:20.000 Weather Bot: The bot was allowed to send messages (reason domain: weather.example)",
		"10T06:20:20.000 Weather Bot: Sun.",
		"Flower News channel1002",
		"10T06:21:20.000 room Flower News by Flower News Flower News",
		"10T06:22:20.000 Flower News (Fiona): Tulips are here",
		"Deleted Account user1003",
		"10T06:23:20.000 Deleted Account: bye",
		"Old group chat1002",
		"10T06:24:20.000 Boris: is anybody here?",
	})
	// Me, a picture, two contacts, a frequent one, a session, and three of other data.
	if report.Left[convert.NotAMessage] != 9 || report.Left[convert.ReactorUnknown] != 1200 || report.Messages != 10 || report.Changes != 1 {
		t.Errorf("report %+v", report)
	}
	if _, _, err := convert.All(context.Background(), convert.Telegram, fsys, "result.json", convert.Options{Room: "One"}); err == nil || !strings.Contains(err.Error(), "the export has 7") {
		t.Errorf("a name for seven rooms: %v", err)
	}
}

// TestTelegramExcerpt reads an export of another writer: no ids of people or the
// chat, dates with a zone, no entities.
func TestTelegramExcerpt(t *testing.T) {
	vcons, report := all(t, convert.Telegram, testdata.Sub("exports/telegram/excerpt"), ".", convert.Options{})
	if len(vcons) != 1 || report.Messages != 60 || report.Records != 60 || report.Attachments != report.LeftAttachments[convert.NotInExport] || report.Attachments == 0 {
		t.Fatalf("%d vCons, %+v", len(vcons), report)
	}
	v := vcons[0]
	if v.Room.Name != "Telegram Test Chat" || v.Room.ID != "mimi://telegram.example/r/telegram%20test%20chat" || len(v.Parties) != 3 {
		t.Errorf("room %+v, parties %+v", v.Room, v.Parties)
	}
	if d := &v.Dialog[0]; d.Start != "2026-02-01T12:00:00.000Z" || mimi.PlainText(d) != "Telegram message 1\n[image/jpeg photo_1.jpg]" {
		t.Errorf("first message %s %q", d.Start, mimi.PlainText(d))
	}
	named, _ := all(t, convert.Telegram, testdata.Sub("exports/telegram/excerpt"), ".", convert.Options{Room: "Us"})
	if named[0].Room.Name != "Us" {
		t.Errorf("room %+v", named[0].Room)
	}
}

// telegramChat is an export of one chat with these messages.
func telegramChat(messages ...string) string {
	return `{"name":"Boris","type":"personal_chat","id":2,"messages":[` + strings.Join(messages, ",") + `]}`
}

// TestTelegramOtherOrder: a tool that sorts the names of members puts the chat's
// behind its messages.
func TestTelegramOtherOrder(t *testing.T) {
	one := `{"date":"2024-06-10T08:14:20","date_unixtime":"1718000060","from":"Boris","from_id":"user2","id":1,"text":"x","type":"message"}`
	a, _ := all(t, convert.Telegram, files("result.json", telegramChat(one)), "result.json", convert.Options{})
	b, _ := all(t, convert.Telegram, files("result.json", `{"id":2,"messages":[`+one+`],"name":"Boris","type":"personal_chat"}`), "result.json", convert.Options{})
	if x, y := encode(t, &a[0].Dialog[0]), encode(t, &b[0].Dialog[0]); x != y || b[0].Room.Name != "Boris" {
		t.Errorf("room %+v, %s, want %s", b[0].Room, y, x)
	}
}

func TestTelegramDates(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	react := `"reactions":[{"type":"emoji","count":1,"emoji":"x","recent":[{"from":"B","from_id":"user2","date":"2024-12-01T00:00:00"}]}]`
	for _, tt := range []struct {
		fields        string
		zone          *time.Location
		start, react  string
		left, assumed uint64
	}{
		{`"date":"2024-06-10T08:00:00","date_unixtime":"1717999200"`, nil, "2024-06-10T06:00:00.000Z", "2024-11-30T22:00:00.000Z", 0, 0}, // the zone of the record
		{`"date":"2024-06-10T08:00:00","date_unixtime":"1717999200"`, berlin, "2024-06-10T06:00:00.000Z", "2024-11-30T23:00:00.000Z", 0, 0},
		{`"date":"2024-06-10T08:00:00"`, nil, "2024-06-10T08:00:00.000Z", "2024-12-01T00:00:00.000Z", 0, 0},
		{`"date":"2024-06-10T08:00:00"`, berlin, "2024-06-10T06:00:00.000Z", "2024-11-30T23:00:00.000Z", 0, 0},
		{`"date":"2024-06-10T08:00:00+05:00"`, berlin, "2024-06-10T03:00:00.000Z", "2024-11-30T23:00:00.000Z", 0, 0},
		{`"date_unixtime":1717999200`, nil, "2024-06-10T06:00:00.000Z", "2024-12-01T00:00:00.000Z", 0, 0},
		{`"date":"2031-01-01T00:00:00","date_unixtime":"1717999200"`, nil, "2024-06-10T06:00:00.000Z", "2024-12-01T00:00:00.000Z", 0, 0}, // no zone is so far off
		{`"date":"10.06.2024","date_unixtime":"x"`, nil, "", "", 1, 0},
		{`"date":"0000-01-01T00:00:00"`, nil, "", "", 1, 0},
		{`"date_unixtime":"999999999999999"`, nil, "", "", 1, 0},
	} {
		export := telegramChat(`{"id":1,"type":"message",` + tt.fields + `,"from":"Boris","from_id":"user2","text":"x",` + react + `}`)
		vcons, report := all(t, convert.Telegram, files("result.json", export), "result.json", convert.Options{Location: tt.zone})
		if report.Left[convert.RecordUndated] != tt.left {
			t.Errorf("%s: %+v", tt.fields, report)
		}
		if tt.left > 0 {
			continue
		}
		if a, b := string(vcons[0].Dialog[0].Start), string(vcons[0].Dialog[1].Start); a != tt.start || b != tt.react {
			t.Errorf("%s: at %s, reaction at %s; want %s, %s", tt.fields, a, b, tt.start, tt.react)
		}
	}
	export := telegramChat(`{"id":1,"type":"message","date":"2024-06-10T08:00:00","from":"Boris","from_id":"user2","text":"x","edited":"1970-01-01T01:00:00",` +
		strings.Replace(react, "2024-12-01T00:00:00", "soon", 1) + `}`)
	vcons, report := all(t, convert.Telegram, files("result.json", export), "result.json", convert.Options{})
	if report.Mended[convert.DateAssumed] != 1 || vcons[0].Dialog[1].Start != vcons[0].Dialog[0].Start || report.Mended[convert.EditedBefore] != 0 {
		t.Errorf("a reaction without a date: %+v", report)
	}
}

// TestTelegramGrown: a longer export, with other media, has the same ids for the
// same messages.
func TestTelegramGrown(t *testing.T) {
	photo := func(file string) string {
		return `{"id":1,"type":"message","date_unixtime":"1718000060","from":"Boris","from_id":"user2","photo":"` + file + `","photo_file_size":3,"text":""}`
	}
	more := `{"id":2,"type":"message","date_unixtime":"1718000061","from":"Bo","from_id":"user2","text":"x"}`
	a, _ := all(t, convert.Telegram, files("result.json", telegramChat(photo("photos/photo_1@x.jpg")), "photos/photo_1@x.jpg", "abc"), "result.json", convert.Options{})
	b, _ := all(t, convert.Telegram, files("result.json", telegramChat(photo("(File not included. Change data exporting settings to download.)"), more)), "result.json", convert.Options{})
	if a[0].Dialog[0].MessageID != b[0].Dialog[0].MessageID {
		t.Error("another id without the media")
	}
	if len(a[0].Contents) != 1 || len(b[0].Contents) != 0 {
		t.Error("contents")
	}
}

// TestTelegramHostile: names of files that lead elsewhere are not opened, and what
// is of another form is counted.
func TestTelegramHostile(t *testing.T) {
	const head = `{"id":1,"type":"message","date_unixtime":"1718000060","from":"B","from_id":"user2",`
	for _, tt := range []struct {
		name, message string
		check         func(r *convert.Report) bool
	}{
		{"a path that leads out", head + `"file":"../../secret","text":""}`, func(r *convert.Report) bool { return r.Contents == 0 && r.Attachments == 1 }},
		{"an absolute path", head + `"photo":"/secret","text":""}`, func(r *convert.Report) bool { return r.Contents == 0 && r.Attachments == 1 }},
		{"an escape that JSON has not", head + `"text":"a\x0Bb\\x0B"}`, func(r *convert.Report) bool { return r.Messages == 1 }},
		{"a text of another form", head + `"text":{"a":1}}`, func(r *convert.Report) bool { return r.Mended[convert.FieldUnknown] == 1 }},
		{"pieces of another form", head + `"text":["a",["b"],{"type":"bold"}]}`, func(r *convert.Report) bool { return r.Mended[convert.FieldUnknown] == 1 }},
		{"many reactions", head + `"text":"x","reactions":[{"emoji":"a","count":9223372036854775807},{"emoji":"b","count":9223372036854775807},{"emoji":"c","count":-5},7]}`,
			func(r *convert.Report) bool {
				return r.Left[convert.ReactorUnknown] > 0 && r.Left[convert.ReactorUnknown] < 1<<42 && r.Messages == 1
			}},
		{"a reply to itself", head + `"text":"x","reply_to_message_id":1}`, func(r *convert.Report) bool { return r.LeftLinks[convert.LinkToNothing] == 1 }},
		{"no number", `{"type":"message","date_unixtime":"1718000060","from":"B","from_id":"user2","text":"x"}`, func(r *convert.Report) bool { return r.Messages == 1 }},
		{"nobody", `{"id":1,"type":"message","date_unixtime":"1718000060","text":"x"}`, func(r *convert.Report) bool { return r.Messages == 1 }},
		{"deep members", head + `"text":"x"},{"id":2,"type":"service","date_unixtime":"1718000060","action":"new","x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`,
			func(r *convert.Report) bool { return r.Messages == 2 && r.Mended[convert.FieldUnknown] == 1 }},
		{"twice", head + `"text":"x"},` + head + `"text":"x"}`, func(r *convert.Report) bool { return r.Left[convert.RecordTwice] == 1 }},
	} {
		vcons, report := all(t, convert.Telegram, files("chat/result.json", telegramChat(tt.message), "secret", "x", "chat/secret2", "x"), "chat/result.json", convert.Options{})
		if !tt.check(report) || len(vcons) != 1 {
			t.Errorf("%s: %+v", tt.name, report)
		}
	}
	for _, export := range []string{`{"messages":7}`, `{"messages":[7]}`, `{"chats":7}`, `{"chats":{"list":[7]}}`, `[]`, `7`} {
		if _, report := all(t, convert.Telegram, files("result.json", export), "result.json", convert.Options{}); report.Left[convert.RecordMalformed] != 1 {
			t.Errorf("%s: %+v", export, report)
		}
	}
}

func TestDetectTelegram(t *testing.T) {
	message := `{"id":1,"type":"message","date":"x"}`
	for export, want := range map[string]bool{
		telegramChat(message):                    true,
		`{"messages":[` + message:                true, // the beginning of a file
		telegramChat(`{"id":1,"type":"service"`): true,
		telegramChat():                           true,
		`{"about":"Here is","contacts":{`:        true,
		`{"about":"Here is","chats":{"list":[`:   true,
		` {"id":7,"type":"private_group","messages":[{"date":"x","from":"y","id":1,"text":["a",{"type":"bold"}],"type":"message"`: true,
		`{"vcon":"0.4.0","about":"x","chats":[]}`:                false,
		`{"about":"x","vcon":"0.4.0","chats":[]}`:                false,
		`{"name":"x","messages":[{"id":"1","type":"message"}]}`:  false, // ids are numbers
		`{"name":"x","messages":[{"id":1,"type":"0"}]}`:          false,
		`{"name":"x","messages":[{"type":"message","id":1}]}`:    false,
		`{"name":"x","messages":[7]}`:                            false,
		`{"guild":{},"channel":{},"messages":[` + message + `]}`: false,
		`{"room_name":"x","messages":[` + message + `]}`:         false,
		`{"name":"x"}`: false, `{`: false, ``: false, `[]`: false, `{"about":7,"chats":{}}`: false, `{"name":"x","about":"y","chats":{}}`: false,
	} {
		kind, _ := convert.Detect("result.json", []byte(export))
		if (kind == convert.Telegram) != want {
			t.Errorf("%s: %q", export, kind)
		}
		if kind, _ := convert.Detect("result.txt", []byte(export)); kind == convert.Telegram {
			t.Errorf("%s in a file of another name", export)
		}
	}
	// A folder with media, and a folder of such folders.
	group := testdata.Sub("exports/telegram")
	for _, dir := range []string{"group", "account", "."} {
		if kind, err := convert.DetectExport(group, dir); kind != convert.Telegram || err != nil {
			t.Errorf("%s: %q, %v", dir, kind, err)
		}
	}
	if _, report := all(t, convert.Telegram, group, ".", convert.Options{}); report.Files != 3 || report.OtherFiles != 1 { // SOURCES.md
		t.Errorf("a folder of exports: %+v", report)
	}
}

// telegramGolden is the group as a golden export.
func telegramGolden() golden {
	g := golden{Kind: convert.Telegram, Name: "result.json", Files: map[string]string{}}
	for _, name := range []string{"result.json", "photos/photo_1@10-06-2024_08-18-00.jpg", "voice_messages/audio_1@10-06-2024_08-30-00.ogg", "stickers/sticker.webp", "files/plan.pdf"} {
		g.Files[name] = string(testdata.Read("exports/telegram/group/" + name))
	}
	return g
}

func FuzzTelegram(f *testing.F) {
	f.Add(string(testdata.Read("exports/telegram/account/result.json")))
	var group struct{ Messages []json.RawMessage }
	if err := json.Unmarshal(testdata.Read("exports/telegram/group/result.json"), &group); err != nil {
		f.Fatal(err)
	}
	for _, m := range group.Messages {
		f.Add(telegramChat(string(m)))
	}
	f.Fuzz(func(t *testing.T, export string) {
		fuzzedJSON(t, convert.Telegram, "result.json", "result.json", export, "files/plan.pdf", "x")
	})
}
