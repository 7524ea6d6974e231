package convert_test

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/convert"
	"github.com/vcon-transfer/vcon-transfer/testdata"
)

// TestNamesOfNoFile names files by what no system can open: the message stays.
func TestNamesOfNoFile(t *testing.T) {
	dir := t.TempDir()
	for i, ref := range []string{strings.Repeat("x", 300), strings.Repeat("x/", 4000), `a\u0000b`, "result.json/x", "../x", "/", ""} {
		text := `{"name": "A", "type": "personal_chat", "id": 1, "messages": [
			{"id": 1, "type": "message", "date_unixtime": "1000000000", "from": "A", "from_id": "user1", "file": "` + ref + `", "text": "x"}]}`
		if err := os.WriteFile(filepath.Join(dir, "result.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, report := all(t, convert.Telegram, os.DirFS(dir), "result.json", convert.Options{})
		if report.Messages != 1 || report.Contents != 0 {
			t.Errorf("%d: %+v", i, report)
		}
	}
}

// matrixEvents makes a file of events, with dates that rise.
func matrixEvents(events ...string) string {
	for i, e := range events {
		events[i] = fmt.Sprintf(`{"event_id": "$%d", "origin_server_ts": %d, %s}`, i, 1_700_000_000_000+i*1000, e)
	}
	return `{"chunk": [` + strings.Join(events, ",\n") + "]}"
}

// TestMatrixOtherRooms has somebody who makes a room of his own, where he may do
// everything, and refers to another room from there.
func TestMatrixOtherRooms(t *testing.T) {
	const ours, his = `"room_id": "!ours:x", "sender": "@alice:x"`, `"room_id": "!his:x", "sender": "@eve:x"`
	events := []string{
		ours + `, "type": "m.room.create", "state_key": "", "content": {}`,
		his + `, "type": "m.room.create", "state_key": "", "content": {}`,
		ours + `, "type": "m.room.message", "content": {"msgtype": "m.text", "body": "stays"}`,
		his + `, "type": "m.room.redaction", "redacts": "$2", "content": {}`,
		his + `, "type": "m.reaction", "content": {"m.relates_to": {"rel_type": "m.annotation", "event_id": "$2", "key": "x"}}`,
		his + `, "type": "m.room.message", "content": {"msgtype": "m.text", "body": "answer", "m.relates_to": {"m.in_reply_to": {"event_id": "$2"}}}`,
		ours + `, "type": "m.room.message", "content": {"msgtype": "m.text", "body": "goes"}`,
	}
	for range 20 { // who may not does not keep out who may
		events = append(events, `"room_id": "!ours:x", "sender": "@eve:x", "type": "m.room.redaction", "redacts": "$6", "content": {}`)
	}
	events = append(events, ours+`, "type": "m.room.redaction", "redacts": "$6", "content": {}`,
		ours+`, "type": "m.room.message", "content": {"msgtype": "m.text", "body": "mine"}, "unsigned": {"m.relations": {"m.replace": {"event_id": "$x", "sender": "@eve:x",
			"origin_server_ts": 1700000099000, "type": "m.room.message", "content": {"body": "* his", "m.new_content": {"body": "his"}, "m.relates_to": {"rel_type": "m.replace", "event_id": "$28"}}}}}`)
	vcons, report := all(t, convert.Matrix, files("x.json", matrixEvents(events...)), "x.json", convert.Options{})
	if len(vcons) != 2 {
		t.Fatalf("%d vCons", len(vcons))
	}
	got := lines(vcons[1])
	equal(t, got, []string{got[0], "14T22:13:22.000 @alice:x: stays", "14T22:13:26.000 @alice:x (deleted)", "14T22:13:48.000 @alice:x: mine"})
	if ext := vcons[1].Dialog[3].Extensions; len(ext) != 0 {
		t.Errorf("what somebody else edited has %v", ext)
	}
	if report.Tombstones != 1 || report.LeftLinks[convert.LinkElsewhere] != 1 || report.Left[convert.ReferToNothing] != 1 || report.Left[convert.NotTheAuthor] != 2 {
		t.Errorf("%+v", report)
	}
}

// signalFile makes main.jsonl with two people, a chat with each, and more lines.
func signalFile(lines ...string) string {
	head := []string{
		`{"version":"1","backupTimeMs":"1"}`, `{"recipient":{"id":"1","self":{}}}`,
		`{"recipient":{"id":"2","contact":{"profileGivenName":"Anna"}}}`, `{"recipient":{"id":"3","contact":{"profileGivenName":"Boris"}}}`,
		`{"chat":{"id":"1","recipientId":"2"}}`, `{"chat":{"id":"2","recipientId":"3"}}`,
	}
	return strings.Join(append(head, lines...), "\n")
}

func signalMessage(chat, author, sent int, more string) string {
	return fmt.Sprintf(`{"chatId":"%d","authorId":"%d","dateSent":"%d",%s}`, chat, author, sent, more)
}

func signalText(s string) string { return `"standardMessage":{"text":{"body":"` + s + `"}}` }

func TestSignalWhoMayChange(t *testing.T) {
	const at = 1_700_000_000_000
	for _, tt := range []struct {
		name string
		item string
		want []string
		left map[convert.Reason]uint64
	}{
		{"null is nothing", signalMessage(1, 2, at, `"remoteDeletedMessage":null,"adminDeletedMessage":null,"updateMessage":null,`+signalText("here")),
			[]string{"14T22:13:20.000 Anna: here"}, nil},
		{"an edit by somebody else", signalMessage(1, 3, at+1, signalText("his")+`,"revisions":[`+signalMessage(1, 2, at, signalText("mine"))+`]`),
			[]string{"14T22:13:20.000 Anna: mine"}, map[convert.Reason]uint64{convert.NotTheAuthor: 1}},
		{"an edit before", signalMessage(1, 2, at-5000, signalText("second")+`,"revisions":[`+signalMessage(1, 2, at, signalText("first"))+`]`),
			[]string{"14T22:13:20.000 Anna: first", "14T22:13:20.000 Anna: second"}, nil},
		{"a deletion of all versions", signalMessage(1, 2, at+1, `"remoteDeletedMessage":{},"revisions":[`+signalMessage(1, 2, at, signalText("gone"))+`]`),
			[]string{"14T22:13:20.001 Anna (deleted)"}, map[convert.Reason]uint64{convert.EditOfDeleted: 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			vcons, report := all(t, convert.Signal, files("main.jsonl", signalFile(`{"chatItem":`+tt.item+`}`)), "main.jsonl", convert.Options{})
			if len(vcons) != 1 {
				t.Fatalf("%d vCons", len(vcons))
			}
			equal(t, lines(vcons[0]), tt.want)
			if counts(report.Left) != counts(tt.left) {
				t.Errorf("left %v", report.Left)
			}
		})
	}
}

// TestSignalNobody has two people of whom nothing but a name is known: they are
// two, with a room each.
func TestSignalNobody(t *testing.T) {
	vcons, _ := all(t, convert.Signal, files("main.jsonl", signalFile(
		`{"chatItem":`+signalMessage(1, 2, 1_700_000_000_000, signalText("a"))+`}`, `{"chatItem":`+signalMessage(2, 3, 1_700_000_000_000, signalText("b"))+`}`)), "main.jsonl", convert.Options{})
	if len(vcons) != 2 || vcons[0].Room.ID == vcons[1].Room.ID || vcons[0].Parties[1].IMURI == vcons[1].Parties[1].IMURI {
		t.Errorf("%d vCons", len(vcons))
	}
}

func TestSignalMembers(t *testing.T) {
	for n, cut := range map[int]uint64{convert.MaxListed: 0, convert.MaxListed + 1: 1} {
		var members []string
		for i := range n {
			members = append(members, fmt.Sprintf(`{"userId":"%s"}`, base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%016d", i))))
		}
		vcons, report := all(t, convert.Signal, files("main.jsonl", signalFile(
			`{"recipient":{"id":"4","group":{"masterKey":"AAAA","snapshot":{"members":[`+strings.Join(members, ",")+`]}}}}`,
			`{"chat":{"id":"4","recipientId":"4"}}`, `{"chatItem":`+signalMessage(4, 2, 1_700_000_000_000, signalText("a"))+`}`)), "main.jsonl", convert.Options{})
		if report.Mended[convert.MembersCut] != cut || len(vcons[0].Parties) != convert.MaxListed+2 {
			t.Errorf("%d: %d parties, %+v", n, len(vcons[0].Parties), report)
		}
	}
}

// TestSizesOfAMessage has all that a message can say of itself and its files beyond
// any size: each dialog fits into a segment, and nothing takes long.
func TestSizesOfAMessage(t *testing.T) {
	const size = 9 << 20 // more than an element of a vCon may have
	long := strings.Repeat("x", size)
	for _, tt := range []struct{ name, kind, message string }{
		{"description", "telegram", `"file": "a", "title": "` + long + `"`},
		{"forwarded", "telegram", `"forwarded_from": "` + long + `"`},
		{"lines", "telegram", `"text_entities": [{"type": "bold", "text": "` + strings.Repeat(`a\n`, 2<<20) + `"}]`},
		{"url", "matrix", `"type": "m.room.message", "content": {"msgtype": "m.file", "body": "a", "url": "mxc://` + long + `"}`},
		{"kind", "matrix", `"type": "m.room.message", "content": {"msgtype": "` + long + `", "body": "a"}`},
		{"topic", "matrix", `"type": "m.room.topic", "state_key": "", "content": {"topic": "` + long + `"}`},
		{"picture", "matrix", `"type": "m.room.avatar", "state_key": "", "content": {"url": "` + long + `"}`},
		{"number", "signal", `"standardMessage":{}}},{"recipient":{"id":"9","contact":{"e164":"` + long + `"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			kind, name, text := convert.Kind(tt.kind), "x.json", ""
			switch kind {
			case convert.Telegram:
				text = `{"name": "A", "type": "personal_chat", "id": 1, "messages": [
					{"id": 1, "type": "message", "date_unixtime": "1000000000", "from": "A", "from_id": "user1", ` + tt.message + `}]}`
			case convert.Matrix:
				text = matrixEvents(`"room_id": "!a:x", "sender": "@a:x", ` + tt.message)
			case convert.Signal:
				name = "main.jsonl"
				text = signalFile(`{"recipient":{"id":"9","contact":{"e164":"`+long+`"}}}`, `{"chatItem":`+signalMessage(1, 9, 1_700_000_000_000, signalText("a"))+`}`)
			}
			vcons, report := all(t, kind, files(name, text), name, convert.Options{})
			if report.Messages+report.Changes != 1 || len(report.Mended) == 0 {
				t.Errorf("%+v", report)
			}
			b, err := vcons[0].AppendCBOR(nil)
			if err != nil || len(b) > 2<<20 {
				t.Errorf("%d bytes, %v", len(b), err)
			}
		})
	}
}

// TestChangesAtOnce has more changes of one moment than one dialog has.
func TestChangesAtOnce(t *testing.T) {
	const most = 4 << 10 // maxChanges
	for n, records := range map[int]uint64{most: 1, most + 1: 2, 3 * most: 3} {
		update := `{"groupMemberJoinedUpdate":{"newMemberAci":"AAAAAAAAAAAAAAAAAAAAAA=="}}`
		item := signalMessage(1, 2, 1_700_000_000_000, `"updateMessage":{"groupChange":{"updates":[`+update+strings.Repeat(","+update, n-1)+`]}}`)
		vcons, report := all(t, convert.Signal, files("main.jsonl", signalFile(`{"chatItem":`+item+`}`)), "main.jsonl", convert.Options{})
		events := 0
		for _, d := range vcons[0].Dialog {
			if events += len(d.PartyHistory); len(d.PartyHistory) > most {
				t.Errorf("%d events in a dialog", len(d.PartyHistory))
			}
		}
		if report.Changes != records || events != n {
			t.Errorf("%d: %d events, %+v", n, events, report)
		}
	}
}

// TestCountsBelowNothing has counts that no messenger writes.
func TestCountsBelowNothing(t *testing.T) {
	const least = "-9223372036854775808"
	for kind, pairs := range map[convert.Kind][]string{
		convert.Telegram: {"x.json", `{"name": "A", "type": "personal_chat", "id": 1, "messages": [{"id": 1, "type": "message", "date_unixtime": "1000000000", "from": "A", "from_id": "user1",
			"text": "x", "reactions": [{"type": "emoji", "count": ` + least + `, "emoji": "x", "recent": [{"from": "A", "from_id": "user1", "date": "2001-09-09T01:46:40"}]}]}]}`},
		convert.Discord: {"x.json", `{"guild": {}, "channel": {"id": "1"}, "messages": [{"id": "1", "type": "Default", "timestamp": "2023-01-01T00:00:00Z", "author": {"id": "1", "name": "a"},
			"content": "x", "reactions": [{"emoji": {"name": "x"}, "count": ` + least + `, "users": [{"id": "1", "name": "a"}]}]}]}`},
		convert.Slack: {".", "", "users.json", "[]", "channels.json", `[{"id": "C", "name": "c"}]`,
			"c/2023-01-01.json", `[{"ts": "1700000000.1", "user": "U", "type": "message", "text": "x", "reactions": [{"name": "x", "users": ["U"], "count": ` + least + `}]}]`},
	} {
		name := pairs[0]
		if name == "." {
			pairs = pairs[2:]
		}
		_, report := all(t, kind, files(pairs...), name, convert.Options{})
		if report.Records != 2 {
			t.Errorf("%s: %+v", kind, report)
		}
	}
}

// TestDetectNoExport gives what no layout may take: vCons, signed and encrypted
// ones, whose own members are called as an export's, and JSON of anything.
func TestDetectNoExport(t *testing.T) {
	for _, text := range []string{
		`{"vcon":"0.0.1","uuid":"x","dialog":[{"origin_server_ts":1,"sender":"x","type":"text","chunk":1,"content":"","event_id":""}]}`,
		`{"parties":[],"x":{"chunk":1,"origin_server_ts":1,"sender":"x","type":"text"},"dialog":[],"vcon":"0.4.0"}`,
		`{"guild":{},"channel":{},"messages":[],"vcon":"0.4.0"}`,
		`{"room_name":"","exported_by":"","messages":[],"vcon":"0.4.0"}`,
		`{"backupTimeMs":1,"vcon":"0.4.0"}`,
		`{"payload":"x","signatures":[{"protected":"x","header":{"chunk":1,"origin_server_ts":1,"sender":"x","type":"x"}}]}`,
		`{"protected":"x","ciphertext":"x","unprotected":{"chunk":1,"origin_server_ts":1,"sender":"x","type":"text"}}`,
		`{"messages":[]}`, `{"about":"x","chats":1}`, `{"name":"x","type":"y","id":"z"}`, `[]`, `{}`, `null`, "", " ", "\xef\xbb\xbf", "From x\n", "<html>", "PK\x03\x04",
	} {
		for _, name := range []string{"x.json", "x.vcon", "x.cbor", "x.txt", "x.tsv", "x.eml", "x.xml", "data.json", "result.json", "main.jsonl", "_chat.txt"} {
			if kind, ok := convert.Detect(name, []byte(text)); ok {
				t.Errorf("%s is of layout %s: %s", name, kind, text)
			}
		}
	}
}

// TestSameIDs converts each export again, elsewhere, and in small vCons: the ids of
// its messages stay.
func TestSameIDs(t *testing.T) {
	exports := testdata.Sub("exports")
	entries, err := fs.ReadDir(exports, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		kind, err := convert.DetectExport(exports, e.Name())
		if err != nil {
			t.Fatal(e.Name(), err)
		}
		ids := func(opts convert.Options) string {
			var all []string
			for v, err := range convert.Convert(t.Context(), kind, exports, e.Name(), opts, nil) {
				if err != nil {
					t.Fatal(err)
				}
				for i := range v.Dialog {
					all = append(all, string(v.Dialog[i].MessageID))
				}
			}
			slices.Sort(all)
			return strings.Join(slices.Compact(all), " ") // what comes twice is known in one vCon only
		}
		want := ids(convert.Options{})
		for _, opts := range []convert.Options{{}, {}, {Location: time.FixedZone("", 5*3600+1800)}, {MaxMessages: 3}} {
			if ids(opts) != want {
				t.Errorf("%s: other ids with %+v", kind, opts)
			}
		}
	}
}
