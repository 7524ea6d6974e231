package convert_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec/convert"
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
