// Package golden finds what earlier programs wrote, in the folders beside it: v1 and so
// on. Only tests import it. README.md says what is there and how a release adds to
// it; nothing here overwrites what is there.
package golden

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// variable names the folder that is to be written, "v2" for instance.
const variable = "VCON_TRANSFER_GOLDEN"

// Each calls check for the artefact of this name of every version. root leads to this
// folder. It fails when there is none.
func Each(t *testing.T, root, name string, check func(t *testing.T, path string)) {
	t.Helper()
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, e := range entries {
		path := filepath.Join(root, e.Name(), name)
		if !isVersion(e.Name()) || !exists(t, path) {
			continue
		}
		found = true
		t.Run(e.Name(), func(t *testing.T) { check(t, path) })
	}
	if !found {
		t.Fatalf("no version has %s", name)
	}
}

// New is where the artefact of this name has to be written, and "" when none is asked
// for. What is there already is never replaced: programs in the world wrote such.
func New(t *testing.T, root, name string) (path string) {
	t.Helper()
	folder := os.Getenv(variable)
	if folder == "" {
		return ""
	}
	if !isVersion(folder) {
		t.Fatalf("%s=%q is not v1, v2 and so on", variable, folder)
	}
	path = filepath.Join(root, folder, name)
	if exists(t, path) {
		t.Fatalf("%s/%s is there: it is kept for ever", folder, name)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// isVersion tells v1, v2 and so on from what else is in the folder.
func isVersion(folder string) bool {
	n, ok := strings.CutPrefix(folder, "v")
	_, err := strconv.ParseUint(n, 10, 16)
	return ok && err == nil && n[0] != '0'
}

func exists(t *testing.T, path string) bool {
	t.Helper()
	_, err := os.Stat(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return err == nil
}
