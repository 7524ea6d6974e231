package main

import (
	"context"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestExamples runs the hosts of docs/examples, which pair two devices, kill the
// receiving one in mid-batch, go on, and hold their own store against the ledger.
func TestExamples(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("descriptors are passed by other means on Windows")
	}
	program, err := exec.LookPath("vcon-transfer")
	if err != nil {
		t.Fatal(err)
	}
	examples, err := filepath.Abs("../../docs/examples")
	if err != nil {
		t.Fatal(err)
	}
	source, err := filepath.Abs("../../testdata/sample/sample.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, example := range []struct {
		name    string
		needs   []string // what has to be in PATH, the interpreter first
		version []string // what has to succeed for the interpreter to be new enough
		file    string
	}{
		{"python", []string{"python3"}, []string{"-c", "import sqlite3, sys; sys.exit(sys.version_info < (3, 8))"}, "python/demo.py"},
		{"node", []string{"node"}, []string{"-e", "process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)"}, "node/demo.mjs"},
		{"shell", []string{"sh", "awk", "sed", "mkfifo", "mktemp", "base64", "paste", "sha256sum", "sync"}, []string{"-c", "sync . && head -c 1 /dev/null"}, "shell/demo.sh"},
	} {
		t.Run(example.name, func(t *testing.T) {
			for _, name := range example.needs {
				if _, err := exec.LookPath(name); err != nil {
					t.Skipf("there is no %s", name)
				}
			}
			if out, err := exec.Command(example.needs[0], example.version...).CombinedOutput(); err != nil {
				t.Skipf("%s is too old, or lacks something: %v %s", example.needs[0], err, out)
			}
			for _, killAt := range []string{"2", "3"} { // the messages, then the attachment
				t.Run("kill-at-"+killAt, func(t *testing.T) {
					t.Parallel()
					ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
					defer cancel()
					cmd := exec.CommandContext(ctx, example.needs[0], filepath.Join(examples, example.file), source, "--reject", "Kudos", "--kill-at", killAt)
					cmd.Env = append(cmd.Environ(), "VCON_TRANSFER="+program, "TMPDIR="+t.TempDir(), "HOME="+t.TempDir(), "XDG_DATA_HOME=")
					cmd.WaitDelay = 5 * time.Second
					out, err := cmd.CombinedOutput()
					if err != nil {
						t.Fatalf("%v\n%s", err, out)
					}
					// The examples verify themselves. That they were killed and that the rule worked is looked at here too.
					for _, want := range []string{"killing", "host filtered"} {
						if !strings.Contains(string(out), want) {
							t.Errorf("%q is not in its output:\n%s", want, out)
						}
					}
				})
			}
		})
	}
}
