//go:build unix

package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec/convert"
)

// TestLinksOutOfAnExport gives a folder that somebody made: what its symbolic links
// and names lead to outside of it is not read, and a pipe stops nothing.
func TestLinksOutOfAnExport(t *testing.T) {
	home := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(home, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := func(to, name string) {
		t.Helper()
		if err := os.Symlink(to, filepath.Join(home, name)); err != nil {
			t.Fatal(err)
		}
	}
	const text = `{"name": "A", "type": "personal_chat", "id": 1, "messages": [
		{"id": 1, "type": "message", "date_unixtime": "1000000000", "from": "A", "from_id": "user1", "photo": "photos/in.jpg", "text": ""},
		{"id": 2, "type": "message", "date_unixtime": "1000000001", "from": "A", "from_id": "user1", "photo": "photos/out.jpg", "text": ""},
		{"id": 3, "type": "message", "date_unixtime": "1000000002", "from": "A", "from_id": "user1", "photo": "photos/up.jpg", "text": ""},
		{"id": 4, "type": "message", "date_unixtime": "1000000003", "from": "A", "from_id": "user1", "photo": "photos/pipe.jpg", "text": ""},
		{"id": 5, "type": "message", "date_unixtime": "1000000004", "from": "A", "from_id": "user1", "photo": "../.ssh/key", "text": ""},
		{"id": 6, "type": "message", "date_unixtime": "1000000005", "from": "A", "from_id": "user1", "photo": "photos/beside.jpg", "text": ""},
		{"id": 7, "type": "message", "date_unixtime": "1000000006", "from": "A", "from_id": "user1", "photo": ".ssh/key", "text": ""}]}`
	write(".ssh/key", "secret")
	write("export/photos/in.jpg", "picture")
	write("export/result.json", text)
	write("result.json", text) // by itself in the person's own folder
	link(filepath.Join(home, ".ssh/key"), "export/photos/out.jpg")
	link("../../.ssh/key", "export/photos/up.jpg")
	link("in.jpg", "export/photos/beside.jpg")
	link("nowhere", "export/dangling")
	link(filepath.Join(home, ".ssh"), "export/folder")
	if err := syscall.Mkfifo(filepath.Join(home, "export/photos/pipe.jpg"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(home, "export/pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	contents := func(path string, kind convert.Kind) (all []string) {
		t.Helper()
		e, err := openExport(path)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		vcons, _, err := convert.All(t.Context(), kind, e, e.name, convert.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range vcons {
			for _, c := range v.Contents {
				r, err := c.Open(0)
				if err != nil {
					t.Fatal(err)
				}
				b, err := io.ReadAll(r)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, string(b))
				if err := r.Close(); err != nil {
					t.Fatal(err)
				}
			}
		}
		return all
	}
	for _, path := range []string{"export", "export/result.json"} {
		if got := strings.Join(contents(filepath.Join(home, path), convert.Telegram), ","); got != "picture,picture" {
			t.Errorf("%s: contents %s", path, got)
		}
	}
	if got := contents(filepath.Join(home, "result.json"), convert.Telegram); len(got) != 0 {
		t.Errorf("a file by itself: contents %s", got)
	}
	// Each file of a folder is looked at when none of its layouts is asked for.
	if kind, err := layoutOf(filepath.Join(home, "export")); kind != convert.Telegram || err != nil {
		t.Errorf("layout %q, %v", kind, err)
	}
	write("logs/2004-11-15_03.annotation.txt", "0 1 -\n")
	write("logs/[freenode] #x [Mon Nov 15 2004].txt", "x")
	if err := syscall.Mkfifo(filepath.Join(home, "logs/pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	link("../.ssh/key", "logs/away")
	link("../export", "logs/folder")
	write("logs/a.tsv", "")
	if _, err := layoutOf(filepath.Join(home, "logs")); err != nil {
		t.Error(err)
	}
	contents(filepath.Join(home, "logs"), convert.IRC)
}
