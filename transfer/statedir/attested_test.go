package statedir

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/pairing"
)

func TestHighestAttested(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	var a, b pairing.Identity
	a[0], b[0] = 3, 4
	for _, c := range []struct {
		id         pairing.Identity
		told, want uint64
	}{{a, 5, 5}, {b, 2, 2}, {a, 4, 5}, {a, 5, 5}, {a, 6, 6}, {b, 1, 2}} {
		if got, err := HighestAttested(dir, c.id, c.told); got != c.want || err != nil {
			t.Errorf("told %d: %d (%v), want %d", c.told, got, err, c.want)
		}
	}
	if names, err := os.ReadDir(dir); len(names) != 1 || err != nil {
		t.Errorf("left in the directory: %v (%v)", names, err)
	}
	if err := os.WriteFile(filepath.Join(dir, attestedName), []byte("not a line of ours\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := HighestAttested(dir, a, 9); err == nil {
		t.Error("a file that cannot be read was taken for none")
	}
}
