package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

// A pipe is read as a file is, whether its spool stays in memory or not; of a file
// on standard input what was read before is no part of the vCon.
func TestConvertPiped(t *testing.T) {
	const vcon = `{"vcon":"0.4.0"}`
	want := "{\n  \"vcon\": \"0.4.0\"\n}\n"
	for _, n := range []int{len(vcon), 2 << 20, 5 << 20} {
		var out, stderr strings.Builder
		in := io.MultiReader(strings.NewReader(vcon), strings.NewReader(strings.Repeat(" ", n-len(vcon))))
		if exit := run([]string{"convert", "-", "-"}, in, &out, &stderr); exit != exitDone || out.String() != want {
			t.Errorf("%d bytes: exit code %d, %q, %s", n, exit, &out, &stderr)
		}
		out.Reset()
		in = io.MultiReader(strings.NewReader(vcon), strings.NewReader(strings.Repeat(" ", n-len(vcon))))
		if exit := run([]string{"inspect", "-"}, in, &out, &stderr); exit != exitDone || !strings.Contains(out.String(), "a vCon in JSON") {
			t.Errorf("%d bytes: exit code %d, %q, %s", n, exit, &out, &stderr)
		}
	}
	name := filepath.Join(t.TempDir(), "in.json")
	if err := os.WriteFile(name, []byte("read before"+vcon), 0o600); err != nil {
		t.Fatal(err)
	}
	f := must(os.Open(name))(t)
	defer f.Close()
	if _, err := io.CopyN(io.Discard, f, int64(len("read before"))); err != nil {
		t.Fatal(err)
	}
	var out, stderr strings.Builder
	if exit := run([]string{"convert", "-", "-"}, f, &out, &stderr); exit != exitDone || out.String() != want {
		t.Errorf("a file: exit code %d, %q, %s", exit, &out, &stderr)
	}
	failing := io.MultiReader(strings.NewReader(vcon), brokenPipe{})
	if exit := run([]string{"convert", "-", "-"}, failing, io.Discard, &stderr); exit != exitSource {
		t.Errorf("a pipe that breaks: exit code %d", exit)
	}
}

type brokenPipe struct{}

func (brokenPipe) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

// A vCon that is wrong at its end writes nothing to standard output, and no file.
func TestConvertWritesNothing(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "in.json")
	if err := os.WriteFile(in, []byte(`{"dialog":[`+strings.Repeat(`{"body":"fine"},`, 10_000)+`{"body":"\ud800"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{"-", filepath.Join(dir, "out.json")} {
		stdout, stderr := ran(t, exitSource, "convert", in, out)
		if stdout != "" || !strings.Contains(stderr, "/dialog/10000/body: byte 160020: lone surrogate in text (--repair") {
			t.Errorf("to %s: %d bytes and %q", out, len(stdout), stderr)
		}
	}
	if left := must(os.ReadDir(dir))(t); len(left) != 1 {
		t.Errorf("%d files are left", len(left))
	}
}

// What was mended is listed: the first ones and a count.
func TestConvertRepair(t *testing.T) {
	for _, n := range []int{1, 2, shownMends, shownMends + 1, shownMends + 2, 1000} {
		dir := t.TempDir()
		in := filepath.Join(dir, "in.json")
		src := `{"dialog":[` + strings.Repeat(`{"body":"\ud800\udfff\ud800"},`, n) + `{}]}`
		if err := os.WriteFile(in, []byte(strings.ReplaceAll(src, `\ud800\udfff`, `\udfff`)), 0o600); err != nil {
			t.Fatal(err)
		}
		stdout, stderr := ran(t, exitDone, "convert", "--quiet", "--repair", in, "-")
		if strings.Count(stdout, "\ufffd\ufffd") != n {
			t.Errorf("%d: %.200s", n, stdout)
		}
		places := strings.Count(stderr, "/body: byte ")
		if places != min(n, shownMends) || !strings.Contains(stderr, "  /dialog/0/body: byte 20\n") {
			t.Errorf("%d: %s", n, stderr)
		}
		if more := n - shownMends; (more > 0) != strings.Contains(stderr, " more\n") || more > 1 && !strings.Contains(stderr, fmt.Sprintf("and %s more", plural(uint64(more), "text"))) {
			t.Errorf("%d: %s", n, stderr)
		}
	}
}

// Contents beside the vCon are not forgotten silently.
func TestConvertSidecars(t *testing.T) {
	dir := t.TempDir()
	v := &codec.VCon{Version: "0.4.0", Attachments: []codec.Attachment{{URL: "https://a.example/"}, {URL: attachmentsFolder + "/a.bin"}}}
	data := must(v.AppendCBOR(nil))(t)
	in := filepath.Join(dir, "in.cbor")
	if err := os.WriteFile(in, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "other"), 0o700); err != nil {
		t.Fatal(err)
	}
	for to, told := range map[string]bool{"out.cbor": false, filepath.Join("other", "out.cbor"): true} {
		_, stderr := ran(t, exitDone, "convert", in, filepath.Join(dir, to))
		if strings.Contains(stderr, "stay in the folder attachments") != told {
			t.Errorf("to %s: %q", to, stderr)
		}
		if !bytes.Equal(must(os.ReadFile(filepath.Join(dir, to)))(t), data) {
			t.Errorf("to %s: another vCon", to)
		}
	}
}
