package convert_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec/convert"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
	"github.com/vcon-transfer/vcon-transfer/testdata"
)

func TestDiscord(t *testing.T) {
	vcons, report := all(t, convert.Discord, testdata.Sub("exports/discord"), ".", convert.Options{})
	if len(vcons) != 2 {
		t.Fatalf("%d vCons", len(vcons))
	}
	equal(t, lines(vcons[0]), []string{
		"14T22:13:20.000 self_add Alice",
		"14T22:14:20.123 Alice: **Hello** @Bob :wave: see https://example.org  \nnext line with snake_case and `<b>` ||secret||",
		"14T22:14:20.123 Bob: 👍 (to 1)",
		"14T22:14:20.123 Bob: :leaf: (to 1)",
		"14T22:16:20.000 Bob: plain -> answer, 1 < 2\n[image/jpeg bed.jpg]\n[application/pdf plan.pdf] (to 1)",
		"14T22:17:20.000 Bob: to what is gone",
		"14T22:18:20.000 Weather: > Alice used /weather  \n> Station  \n> **[Frost](https://example.org/frost)**  \n> Minus **three**  \n> Where: Garden  \n" +
			"> https://example.org/map.png  \n> tonight",
		"14T22:19:20.000 Bob: [image/apng Wave] sticker",
		"14T22:20:20.000 Bob: From elsewhere",
		"14T22:21:20.000 Garden Club #general: Bob: Pinned a message.",
		"14T22:22:20.000 Garden Club #general: Bob: Boosted the server.",
		"14T22:23:20.000 Garden Club #general: Alice: Started a thread.",
		`14T22:24:20.000 Alice: raw @Bob #110 :leaf: 2023-11-14T22:13:20.000Z a\<b> \<`,
		"15T10:00:00.000 Bob: an answer in another file (to 12)",
	})
	equal(t, lines(vcons[1]), []string{
		"15T10:00:00.000 add Carol by Bob",
		"15T10:01:00.000 Carol: Hi", // to a line that is no message
		"15T10:02:00.000 leave Carol",
		"15T10:03:00.000 Bob: Started a call that lasted 10 minutes.",
		"15T10:04:00.000 room Alice, Bob by Bob Weeds",
	})
	if got := counts(report.Left); got != "map[reaction without who reacted:1 record of the wrong form:1 record that came before:1 record without a valid date:1]" {
		t.Errorf("left %s", got)
	}
	if got := counts(report.Mended); got != "map[edited message, of which the export has the last version only:1 field that is not carried:1 "+
		"notice carried as a message of the room:3 reaction without a date, dated as its message:2]" {
		t.Errorf("mended %s", got)
	}
	if report.Files != 3 || report.OtherFiles != 0 || report.Links != 4 || report.Replies != 2 || report.Contents != 1 || report.Attachments != 3 {
		t.Errorf("%+v", report)
	}
	v := vcons[0]
	if v.Room.ID != "mimi://discord.example/r/100" || v.Room.Subject != "Everything green" || vcons[1].Room.Name != "Alice, Bob" {
		t.Errorf("%+v %+v", v.Room, vcons[1].Room)
	}
	if m := mimi.Mentions(&v.Dialog[1]); len(m) != 1 || m[0].URI != "mimi://discord.example/u/202" {
		t.Errorf("mentions %+v", m)
	}
	for i, want := range map[int]mimi.Origin{
		1: {EditedAt: "2023-11-14T22:15:00.000Z"}, 7: {Kind: "sticker"}, 8: {ForwardedFrom: "another conversation"}, 5: {},
	} {
		if o := mimi.OriginOf(&v.Dialog[i]); o != want {
			t.Errorf("dialog %d: %+v", i, o)
		}
	}
	if o := mimi.OriginOf(&vcons[1].Dialog[3]); o.Kind != "call" {
		t.Errorf("%+v", o)
	}
}

const discordHead = `{"guild":{"id":"1","name":"G"},"channel":{"id":"2","type":"GuildPublicThread","category":"general","name":"t"},"dateRange":{},"exportedAt":"x","messages":[`

// discordOne converts one message.
func discordOne(t *testing.T, message string) (*convert.VCon, *convert.Report) {
	t.Helper()
	vcons, report := all(t, convert.Discord, files("a.json", discordHead+`{"id":"9","timestamp":"2023-11-14T22:13:20Z","author":{"id":"3","name":"ann","nickname":"Ann"},`+message+`}]}`),
		"a.json", convert.Options{})
	return vcons[0], report
}

func TestDiscordText(t *testing.T) {
	mentions := `"mentions":[{"id":"4","name":"bo","nickname":"Bo"},{"id":"5","name":"bob","nickname":"Bo B"}],`
	for in, want := range map[string]string{
		"plain, 2 > 1 # x":           "|plain, 2 > 1 # x",
		"- a\\n- b":                  "|- a\n- b",
		"*i*\\nx":                    "m|*i*  \nx",
		"```go\\na\\nb\\n```\\nx":    "m|```go\na\nb\n```\nx",
		"``a`b`` *c*":                "m|``a`b`` *c*",
		"`open *c*":                  "m|`open *c*",
		"@Bo B, @bo and @Bob":        "m|[@Bo B](mimi://discord.example/u/5), [@Bo](mimi://discord.example/u/4) and [@Bo](mimi://discord.example/u/4)b",
		"`@Bo` *x*":                  "m|`@Bo` *x*",
		"<@4> <@!5> <@77> <@&8>":     "m|[@Bo](mimi://discord.example/u/4) [@Bo B](mimi://discord.example/u/5) [@77](mimi://discord.example/u/77) @8",
		"<a:dance:12> <:own:13>":     "|:dance: :own:",
		"<t:99999999999999> <t:x>":   "m|\\<t:99999999999999> \\<t:x>",
		"<script>x</script>":         "m|\\<script>x\\</script>",
		"\\\\*no\\\\*":               "m|\\*no\\*",
		"https://h/a_b_?c=*1&d":      "|https://h/a_b_?c=*1&d",
		"":                           "|",
		strings.Repeat("@Bo ", 3000): "m|" + strings.TrimRight(strings.Repeat("[@Bo](mimi://discord.example/u/4) ", 3000), " "),
		strings.Repeat("a", convert.MaxMarkup-3) + "*b*": "m|" + strings.Repeat("a", convert.MaxMarkup-3) + "*b*",
		strings.Repeat("a", convert.MaxMarkup-2) + "*b*": "|" + strings.Repeat("a", convert.MaxMarkup-2) + "*b*",
	} {
		v, _ := discordOne(t, mentions+`"content":"`+in+`"`)
		d := &v.Dialog[0]
		got := strings.TrimSuffix(map[string]string{"text/markdown;variant=GFM": "m"}[d.MediaType]+"|"+string(d.Body.Data), "\n")
		if got != want {
			t.Errorf("%.80q\n\t%.200q, want\n\t%.200q", in, got, want)
		}
	}
	// The longest name, whoever comes first.
	if v, _ := discordOne(t, `"mentions":[{"id":"5","name":"bob b"},{"id":"4","name":"bob"}],"content":"@bob b"`); string(v.Dialog[0].Body.Data) != "[@bob b](mimi://discord.example/u/5)" {
		t.Errorf("%s", v.Dialog[0].Body.Data)
	}
	people := make([]string, 101)
	for i := range people {
		people[i] = fmt.Sprintf(`{"id":"%d","name":"p%03d"}`, i, i)
	}
	v, _ := discordOne(t, `"mentions":[`+strings.Join(people, ",")+`],"content":"@p099 @p100"`)
	if got := string(v.Dialog[0].Body.Data); got != "[@p099](mimi://discord.example/u/99) @p100" {
		t.Errorf("beyond the limit of mentions: %s", got)
	}
}

func TestDiscordKinds(t *testing.T) {
	for in, want := range map[string]string{
		`"type":"RecipientRemove","content":"x","mentions":[{"id":"4","name":"bo"}]`: "14T22:13:20.000 remove bo by Ann",
		`"type":"RecipientRemove","content":"Removed a recipient."`:                  "14T22:13:20.000 G #general / t: Ann: Removed a recipient.",
		`"type":7`: "14T22:13:20.000 self_add Ann",
		`"type":"ChannelNameChange","content":"Changed the channel name."`: "14T22:13:20.000 G #general / t: Ann: Changed the channel name.",
		`"type":"999"`: "14T22:13:20.000 G #general / t: Ann: (999)",
		`"type":"0","poll":{"question":{"text":"Which?"},"answers":[{"text":"A","voteCount":2},{"poll_media":{"text":"B"}}]}`:                              "14T22:13:20.000 Ann: Poll: Which?\n- A (2)\n- B",
		`"embeds":[{"title":"T","images":[{"url":"../../etc/passwd"}],"image":{"url":"https://h/i.png"}}]`:                                                 "14T22:13:20.000 Ann: > **T**  \n> https://h/i.png\n[application/octet-stream passwd]",
		`"forwardedMessage":{"content":"**f**","attachments":[{"url":"a.json","fileName":"x.json","fileSizeBytes":1}],"forwardedMessage":{"content":"g"}}`: "14T22:13:20.000 Ann: **f**\n[application/json x.json]",
	} {
		v, report := discordOne(t, in)
		if report.Contents != 0 {
			t.Errorf("%s: a file right beside the export was taken", in)
		}
		if got := lines(v); len(got) != 1 || got[0] != want {
			t.Errorf("%s\n\t%q, want\n\t%q", in, got, want)
		}
	}
}

func TestDiscordGrown(t *testing.T) {
	message := func(id, minute, more string) string {
		return `{"id":"` + id + `","timestamp":"2023-11-14T22:` + minute + `:00Z","author":{"id":"3","name":"ann"},"content":"c` + id + `"` + more + `}`
	}
	one, two := message("1", "10", ""), message("2", "11", `,"type":"Reply","reference":{"messageId":"1"}`)
	part, _ := all(t, convert.Discord, files("a.json", discordHead+one+","+two+"]}"), "a.json", convert.Options{})
	whole, report := all(t, convert.Discord, files("a.json", discordHead+message("3", "12", "")+","+two+","+message("1", "10", `,"isPinned":true,"reactions":[{"emoji":{"name":"x"},"count":1}]`)+"]}"),
		"a.json", convert.Options{})
	if report.Replies != 1 || len(whole[0].Dialog) != 3 {
		t.Errorf("%+v", report)
	}
	for i := range part[0].Dialog {
		if part[0].Dialog[i].MessageID != whole[0].Dialog[i].MessageID {
			t.Errorf("message %d has another id", i)
		}
	}
}

func TestDiscordFolders(t *testing.T) {
	a := discordHead + `{"id":"1","timestamp":"2023-11-14T22:10:00Z","author":{"id":"3","name":"ann"},"content":"a"}]}`
	_, report := all(t, convert.Discord, files("x/a.json", a, "x/b.txt", "no", "x/c.json", "{}", "x/deep/b.json", strings.ReplaceAll(a, `"id":"1"`, `"id":"8"`),
		"x/a.json_Files/avatar.png", "p"), ".", convert.Options{})
	if report.Files != 2 || report.OtherFiles != 2 || report.Messages != 2 {
		t.Errorf("%+v", report)
	}
	// Without an export right in it, a folder is searched.
	_, report = all(t, convert.Discord, files("x/deep/a.json", a, "x/b/b.json", a, "x/b/a.json_Files/avatar.png", "p"), ".", convert.Options{})
	if report.Files != 2 || report.OtherFiles != 0 || report.Messages != 2 {
		t.Errorf("%+v", report)
	}
	for _, broken := range []string{discordHead, discordHead + `{"id":]}`, discordHead + `]} x`} {
		if _, _, err := convert.All(t.Context(), convert.Discord, files("a.json", broken), "a.json", convert.Options{}); err == nil || !strings.Contains(err.Error(), "JSON") {
			t.Errorf("%s: %v", broken, err)
		}
	}
}

func FuzzDiscord(f *testing.F) {
	for _, text := range exportFiles("discord", "Garden Club - general [100].json_Files") {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		fuzzedJSON(t, convert.Discord, "a.json", "a.json", text, "a.json_Files/x", "y")
	})
}
