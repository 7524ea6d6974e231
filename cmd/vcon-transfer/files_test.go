package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// inspect looks into every file of testdata without a crash, with an exit code
// that says what it is, and without an escape character on the screen.
func TestInspectEverything(t *testing.T) {
	root := filepath.Join("..", "..", "testdata")
	files := 0
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		files++
		for _, flags := range [][]string{nil, {"--json"}} {
			var out, stderr strings.Builder
			exit := run(append([]string{"inspect", path}, flags...), strings.NewReader(""), &out, &stderr)
			switch exit {
			case exitDone:
				if out.Len() == 0 {
					t.Errorf("%s: nothing is said", path)
				}
			case exitSource, exitOffer:
				if stderr.Len() == 0 {
					t.Errorf("%s: exit code %d without a reason", path, exit)
				}
			default:
				t.Errorf("%s: exit code %d: %s", path, exit, &stderr)
			}
			if flags != nil && !(json.Valid([]byte(out.String())) && strings.Count(out.String(), "\n") == 1) {
				t.Errorf("%s: not one JSON object: %s", path, &out)
			}
			if strings.ContainsRune(out.String()+stderr.String(), '\x1b') {
				t.Errorf("%s: an escape character on the screen", path)
			}
			if exit != exitDone && strings.HasSuffix(path, filepath.Join("vcon", "ietf118-slide.json")) {
				t.Errorf("%s: %s", path, &stderr)
			}
		}
		return nil
	})
	if err != nil || files < 100 {
		t.Fatalf("%d files: %v", files, err)
	}
}

// Every vCon of testdata goes to the other encoding and back without a change.
func TestConvertEverything(t *testing.T) {
	converted := 0
	err := filepath.WalkDir(filepath.Join("..", "..", "testdata", "vcon"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".json" {
			return err
		}
		original, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		// In one form of JSON, as convert writes it.
		as := func(format string, in string) (string, int) {
			var out, stderr strings.Builder
			exit := run([]string{"convert", "--format", format, "-", "-"}, strings.NewReader(in), &out, &stderr)
			return out.String(), exit
		}
		want, exit := as("json", string(original))
		if exit != exitDone {
			return nil // not a vCon; the tests of codec say why
		}
		cbor, exit := as("cbor", want)
		if exit != exitDone {
			t.Errorf("%s: to CBOR: exit code %d", path, exit)
			return nil
		}
		if got, exit := as("json", cbor); exit != exitDone || got != want {
			t.Errorf("%s: CBOR and back: exit code %d, the same: %t", path, exit, got == want)
		}
		converted++
		return nil
	})
	if err != nil || converted < 10 {
		t.Fatalf("%d vCons: %v", converted, err)
	}
}
