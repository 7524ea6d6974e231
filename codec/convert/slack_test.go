package convert_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/convert"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
	"github.com/vcon-transfer/vcon-transfer/testdata"
)

// exportFiles are the files of a fixture below testdata/exports, by name within it,
// but those that begin so.
func exportFiles(dir string, but ...string) map[string]string {
	all := map[string]string{}
	fsys := testdata.Sub("exports/" + dir)
	err := fs.WalkDir(fsys, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		for _, b := range but {
			if strings.HasPrefix(name, b) {
				return nil
			}
		}
		b, err := fs.ReadFile(fsys, name)
		all[name] = string(b)
		return err
	})
	if err != nil || len(all) == 0 {
		panic("no fixture " + dir)
	}
	return all
}

// counts shows what a report left and mended, in the order of the reasons.
func counts(m map[convert.Reason]uint64) string { return fmt.Sprint(m) }

func TestSlack(t *testing.T) {
	vcons, report := all(t, convert.Slack, testdata.Sub("exports/slack"), ".", convert.Options{Owner: "Alice"})
	if len(vcons) != 2 || vcons[0].Room.Name != "Bob Brown" || vcons[1].Room.Name != "garden" || vcons[1].Room.ID != "mimi://slack.example/r/C0GARDEN1" {
		t.Fatalf("%d vCons, %+v", len(vcons), vcons[0].Room)
	}
	equal(t, lines(vcons[0]), []string{
		"15T12:06:40.000 Bob Brown: Are you coming tonight?",
		"15T12:07:40.000 Alice: Yes, at **eight**.",
	})
	equal(t, lines(vcons[1]), []string{
		"14T22:13:20.000 self_add Alice",
		"14T22:13:20.000 room garden by Alice ", // the list's purpose
		"14T22:15:00.000 add Bob Brown by Alice",
		"14T22:16:40.000 room garden by Alice Tomatoes & more",
		`14T22:18:20.000 Bob Brown: **Hello** *all*, see [the seeds](https://example.org/seeds?a=1&b=2) & ask @Alice or @here in #garden 🌱 snake_case 2\*3 \<b>`,
		"14T22:18:20.000 Alice: 👍🏼 (to 4)",
		"14T22:18:20.000 carol*: 👍🏼 (to 4)",
		"14T22:18:20.000 Alice: :party_parrot: (to 4)",
		"14T22:20:00.000 Alice: Plain answer (to 4)",
		"14T22:21:40.000 carol*: To do **today**: 🍅 @Bob Brown  \n1. water  \n2. weed\n> said  \n> he\n```\nx := 1\ny := `2`\n```",
		"14T22:23:20.000 Weather: Attention:\n> **[Frost](https://example.org/frost)**  \n> Minus **three** degrees  \n> Where: Garden  \n> weather service",
		"14T22:25:00.000 Bob Brown: /me waters the plants",
		"14T22:26:40.000 Alice: [text/plain plan.txt] The plan\n[image/jpeg bed.jpg]\n[application/octet-stream] a file that was deleted\n" +
			"[application/octet-stream] a file that the workspace's plan hides",
		"14T22:28:20.000 garden: Bob Brown pinned a message to this channel.",
		"14T22:30:00.000 Dora: Hello from next door",
		"14T22:31:40.000 garden (deleted)",
		"15T23:13:20.000 Alice: Late answer:\n> quoted\n```\ncode <1>\n``` (to 4)",
		"15T23:15:00.000 Bob Brown: Answer to nothing",
		"15T23:16:40.000 room garden by Alice ",
		"15T23:18:20.000 room garden by Alice garden",
		"15T23:20:00.000 garden: Alice archived the channel",
		"15T23:21:40.000 leave Bob Brown",
	})
	if got := counts(report.Left); got != "map[reaction without who reacted:1 record that came before:1 record without a valid date:1]" {
		t.Errorf("left %s", got)
	}
	if got := counts(report.Mended); got != "map[access token cut from an address:1 edited message, of which the export has the last version only:1 "+
		"field that is not carried:1 notice carried as a message of the room:2 reaction without a date, dated as its message:3]" {
		t.Errorf("mended %s", got)
	}
	if report.Files != 6 || report.OtherFiles != 2 || report.Links != 3 || report.Replies != 2 || report.Contents != 2 || report.Attachments != 4 {
		t.Errorf("%+v", report)
	}
	v := vcons[1]
	if p := v.Parties[1]; p.Name != "Alice" || p.Mailto != "alice@example.org" || p.IMURI != "mimi://slack.example/u/U0ALICE01" {
		t.Errorf("party %+v", p)
	}
	hello := &v.Dialog[4]
	if m := mimi.Mentions(hello); len(m) != 2 || m[0].URI != "mimi://slack.example/u/U0ALICE01" || m[1].URI != v.Room.ID {
		t.Errorf("mentions %+v", m)
	}
	if hello.TopicID != "" || v.Dialog[8].TopicID == "" || v.Dialog[8].TopicID != v.Dialog[16].TopicID || v.Dialog[17].TopicID == v.Dialog[16].TopicID {
		t.Error("topics")
	}
	if d := &v.Dialog[8]; d.MediaType != "text/plain;charset=utf-8" {
		t.Errorf("a text without formatting is %s", d.MediaType)
	}
	if o := mimi.OriginOf(hello); o.EditedAt != "2023-11-14T22:18:30.000Z" {
		t.Errorf("edited at %q", o.EditedAt)
	}
	if x := v.Dialog[12].MultiPart.Parts[0].ExternalPart; x.URL != "https://files.example.org/files-pri/T0-F0UPLOAD1/plan.txt" {
		t.Errorf("the address of a file is %s", x.URL)
	}
	if r := v.Dialog[18].PartyHistory[0].Room; len(r.Description) != 1 || r.Description[0].Content != "Plants" {
		t.Errorf("purpose %+v", r)
	}
}

// TestSlackGrown: a thread that somebody answers later, a reaction and another day
// leave the ids of what was there before.
func TestSlackGrown(t *testing.T) {
	before := `[{"user":"U1","text":"*question*","ts":"1700000000.000100"},{"user":"U2","text":"other","ts":"1700000001.000100"}]`
	after := `[{"user":"U2","text":"other","ts":"1700000001.000100"},
		{"user":"U1","text":"*question*","ts":"1700000000.000100","thread_ts":"1700000000.000100","reply_count":1,"reactions":[{"name":"x","users":["U2"],"count":1}]}]`
	lists := []string{"users.json", `[]`, "channels.json", `[{"id":"C1","name":"c"}]`}
	part, _ := all(t, convert.Slack, files(append(lists, "c/2023-11-14.json", before)...), ".", convert.Options{})
	whole, report := all(t, convert.Slack, files(append(lists, "c/2023-11-14.json", after, "c/2023-11-15.json",
		`[{"user":"U2","text":"answer","ts":"1700090000.000100","thread_ts":"1700000000.000100"}]`)...), ".", convert.Options{})
	if report.Replies != 1 {
		t.Errorf("%+v", report)
	}
	ids := map[codec.Binary]bool{}
	for i := range whole[0].Dialog {
		ids[whole[0].Dialog[i].MessageID] = true
	}
	for i := range part[0].Dialog {
		if !ids[part[0].Dialog[i].MessageID] {
			t.Errorf("message %d has another id", i)
		}
	}
}

// slackText is the text of one message, and its media type.
func slackText(t *testing.T, message string) (mediaType, text string) {
	t.Helper()
	vcons, _ := all(t, convert.Slack, files("x/users.json", `[{"id":"U1","profile":{"display_name":"Ann B"}}]`, "x/channels.json", `[{"id":"C1","name":"c"}]`,
		"x/c/2023-11-14.json", `[{"user":"U1","ts":"1700000000.000100",`+message+`}]`), ".", convert.Options{})
	d := &vcons[0].Dialog[0]
	return d.MediaType, string(d.Body.Data)
}

func TestSlackMarkup(t *testing.T) {
	const md, plain = "text/markdown;variant=GFM", "text/plain;charset=utf-8"
	for in, want := range map[string]string{
		`a_b_c 2*3*4 ~ x &amp;amp; &lt;`: plain + `|a_b_c 2*3*4 ~ x &amp; <`,
		`*b* _i_ ~s~ *_both_*`:           md + `|**b** *i* ~~s~~ ***both***`,
		`* no* _no _ *no`:                plain + `|* no* _no _ *no`,
		`*a\nb*`:                         plain + "|*a\nb*",
		"`x &lt; *y*` z":                 md + "|`x < *y*` z",
		"a ```b\\n*c*``` d":              md + "|a \n```\nb\n*c*\n```\n d",
		"```open *b*":                    md + "|\\`\\`\\`open **b**",
		`<https://h/x_y>`:                plain + `|https://h/x_y`,
		`<https://h/x|label>`:            md + `|[label](https://h/x)`,
		`<mailto:a@b.c|a@b.c>`:           plain + `|a@b.c`,
		`<@U1>`:                          md + `|[@Ann B](mimi://slack.example/u/U1)`,
		`<@U9|zoe> <@U8>`:                md + `|[@zoe](mimi://slack.example/u/U9) [@U8](mimi://slack.example/u/U8)`,
		`<#C1>`:                          md + `|[#c](mimi://slack.example/r/C1)`,
		`<#C9|gone> <#C8|>`:              plain + `|#gone #C8`,
		`<!channel> <!here|here> <!subteam^S1|@team>`:     plain + `|@channel @here @team`,
		`<!date^1700000000^{date}|14 Nov>`:                plain + `|14 Nov`,
		`a < b > c <`:                                     plain + "|a  b  c <", // Slack writes its own brackets as entities
		`&gt; q\n&gt; r\ns`:                               md + "|> q  \n> r\n\ns",
		`:+1: :+1::skin-tone-2: :own_emoji: 10:30:00`:     plain + `|👍 👍🏻 :own_emoji: 10:30:00`,
		"<https://h/a?t=xoxe-1-2&amp;b=3|f>":              md + `|[f](https://h/a?b=3)`,
		strings.Repeat("a", convert.MaxMarkup-3) + `*b*`:  plain + "|" + strings.Repeat("a", convert.MaxMarkup-3) + `*b*`, // within a word
		strings.Repeat("a", convert.MaxMarkup-4) + ` *b*`: md + "|" + strings.Repeat("a", convert.MaxMarkup-4) + ` **b**`,
		strings.Repeat("a", convert.MaxMarkup-3) + ` *b*`: plain + "|" + strings.Repeat("a", convert.MaxMarkup-3) + ` *b*`,
		strings.Repeat(" *", 30) + `x`:                    plain + "|" + strings.Repeat(" *", 30) + "x",
		`*` + strings.Repeat("x", 4094) + `*`:             md + `|**` + strings.Repeat("x", 4094) + `**`,
		`*` + strings.Repeat("x", 4096) + `*`:             plain + `|*` + strings.Repeat("x", 4096) + `*`,
	} {
		mediaType, text := slackText(t, `"text":"`+in+`"`)
		if got := mediaType + "|" + text; got != want {
			t.Errorf("%.80q\n\t%.200q, want\n\t%.200q", in, got, want)
		}
	}
}

func TestSlackBlocks(t *testing.T) {
	for in, want := range map[string]string{
		`{"type":"header","text":{"type":"plain_text","text":"Head *x*"}},{"type":"divider"},{"type":"section","text":{"type":"mrkdwn","text":"*b*"},"fields":[{"type":"mrkdwn","text":"f1"},{"type":"plain_text","text":"f_2_"}]}`: "**Head \\*x\\***  \n**b**  \nf1  \nf_2\\_",
		`{"type":"context","elements":[{"type":"image","alt_text":"pic"},{"type":"mrkdwn","text":"by _me_"}]},{"type":"actions","elements":[{"type":"button","text":{"type":"plain_text","text":"Open"},"url":"https://h/"}]}`:      "pic by *me*  \nOpen https://h/",
		`{"type":"markdown","text":"**b** _i_"}`:                            "**b** _i_",
		`{"type":"image","image_url":"https://h/i.png","alt_text":"a cat"}`: "[a cat](https://h/i.png)",
		`{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"x ","style":{"bold":true,"italic":true}},{"type":"text","text":"c","style":{"code":true}},{"type":"broadcast","range":"here"},{"type":"link","url":"https://h/","text":"l"},{"type":"emoji","name":"wave","skin_tone":2},{"type":"emoji","name":"mine"},{"type":"date","timestamp":1700000000},{"type":"color","value":"#fff"},{"type":"usergroup","usergroup_id":"S1"},{"type":"channel","channel_id":"C1"}]}]}`: "***x*** `c`@here[l](https://h/)👋🏻:mine:2023-11-14T22:13:20.000Z#fff@S1[#c](mimi://slack.example/r/C1)",
		`{"type":"rich_text","elements":[{"type":"rich_text_list","style":"ordered","indent":0,"offset":2,"elements":[{"elements":[{"type":"text","text":"three"}]}]},{"type":"rich_text_list","style":"bullet","indent":1,"elements":[{"elements":[{"type":"text","text":"in"}]}]},{"type":"rich_text_list","style":"ordered","indent":0,"elements":[{"elements":[{"type":"text","text":"four"}]}]}]}`:                                                                                                                   "3. three  \n  - in  \n4. four",
		`{"type":"mystery","text":"shown"}`: "shown",
		`null`:                              "fallback",
	} {
		if _, text := slackText(t, `"text":"fallback","blocks":[`+in+`]`); text != want {
			t.Errorf("%s\n\t%q, want\n\t%q", in, text, want)
		}
	}
}

func TestSlackBroken(t *testing.T) {
	lists := []string{"users.json", `[{"id":"U1"},{"name":"no id"},7]`, "dms.json", `[{"id":"D1","members":["U1"]},{"id":7},null]`}
	_, report := all(t, convert.Slack, files(append(lists, "D1/2023-11-14.json", `[null,3,{"ts":"1700000000.0","user":"U1","files":[null,{"id":"../../users"}],"reactions":[{}]},
		{"ts":"-1"},{"ts":"99999999999999999999"},{"ts":"253402300800.0"},{"ts":"253402300799.9","text":"the last second"},{"ts":"1700000009.0","blocks":7}]`,
		"unlisted/2023-11-14.json", `[{"ts":"1700000000.0","user":"U9","text":"hi"}]`, "unlisted/notes.txt", "x", "empty/a.txt", "x")...), ".", convert.Options{})
	if got := counts(report.Left); got != "map[record of the wrong form:7 record without a valid date:3]" {
		t.Errorf("left %s", got)
	}
	if report.Messages != 3 || report.OtherFiles != 2 || report.Mended[convert.RoomUnlisted] != 1 {
		t.Errorf("%+v", report)
	}
	for _, broken := range []string{`[{"ts":`, `[] []`, `{`} {
		_, _, err := convert.All(t.Context(), convert.Slack, files(append(lists, "D1/2023-11-14.json", broken)...), ".", convert.Options{})
		if err == nil || !strings.Contains(err.Error(), "JSON") {
			t.Errorf("%s: %v", broken, err)
		}
	}
	if vcons, report := all(t, convert.Slack, files("a/b.txt", ""), ".", convert.Options{}); len(vcons) != 0 || report.OtherFiles != 1 {
		t.Errorf("a folder that is no export: %+v", report)
	}
}

// TestSlackFields: what nobody reads is counted, what says nothing is not.
func TestSlackFields(t *testing.T) {
	for message, n := range map[string]uint64{
		`"text":"x","client_msg_id":"1","team":"T","new":[]`:                                                             0,
		`"text":"x","new":[1],"newer":"y"`:                                                                               2,
		`"text":"x","files":[{"id":"F1","name":"a","thumb_360":"u","shares":{"a":1},"is_new":"x"}]`:                      1,
		`"blocks":[{"type":"section","block_id":"b","text":{"type":"mrkdwn","text":"x"},"accessory":{"type":"button"}}]`: 1,
		`"attachments":[{"id":1,"text":"x","color":"y","actions":[{"text":"b"}]}]`:                                       1,
		`"text":"x","edited":{"user":"U1","ts":"1700000001.0"}`:                                                          0,
	} {
		_, report := all(t, convert.Slack, files("users.json", `[]`, "channels.json", `[{"id":"C1","name":"c","is_private":true}]`,
			"c/2023-11-14.json", `[{"user":"U1","ts":"1700000000.000100",`+message+`}]`), ".", convert.Options{})
		if got := report.Mended[convert.FieldUnknown]; got != n {
			t.Errorf("%s: %d fields, want %d", message, got, n)
		}
	}
}

func TestSlackMembers(t *testing.T) {
	for n, cut := range map[int]uint64{convert.MaxListed: 0, convert.MaxListed + 1: 1} {
		ids := make([]string, n)
		for i := range ids {
			ids[i] = fmt.Sprintf(`"U%d"`, i)
		}
		vcons, report := all(t, convert.Slack, files("users.json", `[]`, "groups.json", `[{"id":"G1","name":"g","members":[`+strings.Join(ids, ",")+`]}]`,
			"g/2023-11-14.json", `[{"ts":"1700000000.0","text":"x","user":"U0"}]`), ".", convert.Options{})
		if report.Mended[convert.MembersCut] != cut || len(vcons[0].Parties) != convert.MaxListed+1 {
			t.Errorf("%d members: %d parties, %v", n, len(vcons[0].Parties), report.Mended)
		}
	}
}

func FuzzSlack(f *testing.F) {
	all := exportFiles("slack")
	f.Add(all["users.json"], all["channels.json"], all["garden/2023-11-14.json"])
	f.Add(`[]`, `[{"id":"C","name":"garden"}]`, all["garden/2023-11-15.json"])
	f.Fuzz(func(t *testing.T, users, channels, day string) {
		fuzzedJSON(t, convert.Slack, ".", "users.json", users, "channels.json", channels, "garden/2023-11-14.json", day, "garden/attachments/F1-a", "x")
	})
}
