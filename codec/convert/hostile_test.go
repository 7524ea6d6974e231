package convert_test

import (
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
