package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

// The program of an earlier release and this one, as processes: the old one sends to the
// new one, the new one to the old one, and this one goes on with the store that the old one
// made. VCON_TRANSFER_OLD is the path of the earlier program; without it nothing is tested.
func TestOldProgram(t *testing.T) {
	old := os.Getenv("VCON_TRANSFER_OLD")
	if old == "" {
		t.Skip("VCON_TRANSFER_OLD is not set")
	}
	if !filepath.IsAbs(old) {
		t.Fatal("VCON_TRANSFER_OLD has to be an absolute path")
	}
	for _, c := range []struct{ name, sender, receiver string }{
		{"old to new", old, ""},
		{"new to old", "", old},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 4*processTime)
			defer cancel()
			dir := t.TempDir()
			r := pairRun{
				dir: dir, env: []string{"XDG_DATA_HOME=" + dir, "TMPDIR=" + dir, "TZ=UTC"}, sender: c.sender, receiver: c.receiver,
				receive: []string{"--listen", "127.0.0.1:0", "--store", "new.db"}, send: []string{sampleFile(t), "--yes"},
			}
			moved := func() int {
				t.Helper()
				receive, send, err := r.run(ctx)
				if err != nil {
					t.Fatal(err)
				}
				exits(t, receive, exitDone)
				exits(t, send, exitDone)
				return imported(t, ctx, dir, "new.db")
			}
			first := moved()
			if first < 1 {
				t.Fatalf("%d messages were imported", first)
			}
			// After the update of the new device: the same history once more adds nothing.
			r.receiver = ""
			if again := moved(); again != first {
				t.Errorf("%d messages, then %d", first, again)
			}
		})
	}
}
