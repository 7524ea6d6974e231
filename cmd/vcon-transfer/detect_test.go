package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec/convert"
)

// TestFolderOfBoth has vCons, and an export of one chat among them: it is a folder
// of vCons. A folder that is one export stays one, whatever is sent in its chats.
func TestFolderOfBoth(t *testing.T) {
	const chat = `{"name": "A", "type": "personal_chat", "id": 1, "messages": []}`
	for _, tt := range []struct {
		files map[string]string
		want  sourceKind
	}{
		{map[string]string{"a.vcon": `{"vcon":"0.4.0"}`, "below/chat.json": chat}, vconSource},
		{map[string]string{"chat.json": chat, "below/chat.json": chat}, exportSource},
		{map[string]string{"result.json": chat, "files/a.vcon": `{"vcon":"0.4.0"}`}, exportSource},
	} {
		dir := t.TempDir()
		for name, text := range tt.files {
			name = filepath.Join(dir, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		a, err := detectSource(dir)
		if err != nil || a.kind != tt.want || a.kind == exportSource && a.layout != convert.Telegram {
			t.Errorf("%v: %+v, %v", tt.files, a, err)
		}
	}
}
