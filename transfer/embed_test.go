package transfer_test

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// embedDir is an app of its own, outside of this module: see its package comment.
var embedDir = filepath.Join("testdata", "embed")

// maxEmbed bounds the stripped binary of an app that does no more than send and
// receive, in bytes: what a host pays for this module.
const maxEmbed = 8_000_000

// embedGo runs the go command on the module in testdata/embed. It is not allowed to
// fetch anything: what the module needs is what this one needs.
func embedGo(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = embedDir
	cmd.Env = append(os.Environ(), "GOPROXY=off", "GOWORK=off", "GOFLAGS=-mod=readonly -buildvcs=false", "CGO_ENABLED=0")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, &stderr)
	}
	return string(out)
}

// An app that has a source and a sink of its own, and nothing but the public API,
// moves a conversation, and is small.
func TestEmbed(t *testing.T) {
	program := filepath.Join(t.TempDir(), "embed.exe")
	embedGo(t, "vet", ".")
	embedGo(t, "test", ".")
	embedGo(t, "build", "-trimpath", "-ldflags=-s -w", "-o", program, ".")
	info, err := os.Stat(program)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes", info.Size())
	if info.Size() > maxEmbed {
		t.Errorf("the binary has %d bytes, more than %d: what is linked that an app does not need?", info.Size(), maxEmbed)
	}
	const want = "of 15 messages 14 were imported, 1 had expired; of 1 attachments 1 were imported\n" +
		"once more: 15 messages and 1 attachments were there\n"
	sample := filepath.Join("..", "testdata", "sample", "sample.cbor")
	out, err := exec.CommandContext(t.Context(), program, sample).CombinedOutput()
	if err != nil || string(out) != want {
		t.Errorf("embed: %v\n%swant\n%s", err, out, want)
	}
}

// What an app links is what it uses.
func TestEmbedLinksNoMore(t *testing.T) {
	deps := strings.Fields(embedGo(t, "list", "-deps", "."))
	found := false
	for _, d := range deps {
		found = found || strings.HasSuffix(d, "/vcon-transfer/transfer")
		for _, forbidden := range []string{"sqlite", "nats", "prometheus", "cobra", "pflag", "net/http", "goleak", "/transfertest", "testing"} {
			if strings.Contains(d, forbidden) {
				t.Errorf("an app links %s", d)
			}
		}
	}
	if !found {
		t.Error("the app does not use package transfer")
	}
}

// An app's module needs nothing that this one does not, in the same versions, so that
// it builds where this one does. To mend it, run `go mod tidy` in testdata/embed.
func TestEmbedNeedsNoMore(t *testing.T) {
	for _, file := range []struct {
		name string
		line func(string) bool
	}{
		{"go.mod", func(l string) bool { return strings.HasPrefix(l, "\t") || strings.HasPrefix(l, "go ") }},
		{"go.sum", func(l string) bool { return l != "" }},
	} {
		ours, theirs := lines(t, filepath.Join("..", file.name), file.line), lines(t, filepath.Join(embedDir, file.name), file.line)
		if len(theirs) == 0 {
			t.Errorf("%s of the app has nothing in it", file.name)
		}
		for l := range maps.Keys(theirs) {
			if !ours[l] {
				t.Errorf("%s of the app has %q, and ours has not", file.name, l)
			}
		}
	}
}

// lines are the lines of a file, without comments.
func lines(t *testing.T, name string, wanted func(string) bool) map[string]bool {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for l := range bytes.Lines(data) {
		if s := strings.TrimRight(string(l), "\r\n"); wanted(s) {
			s = strings.TrimSuffix(s, " // indirect")
			out[s] = true
		}
	}
	return out
}
