package main

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
)

// The keys of `version --json`, of all levels: a script that asks for one finds it in every
// later version, and new ones may come.
func TestVersionJSON(t *testing.T) {
	var out bytes.Buffer
	if exit := run([]string{"version", "--json"}, strings.NewReader(""), &out, io.Discard); exit != exitDone {
		t.Fatalf("exit %d", exit)
	}
	if line, rest, ok := strings.Cut(out.String(), "\n"); !ok || rest != "" || !strings.HasPrefix(line, "{") {
		t.Errorf("not one line: %q", out.String())
	}
	var all map[string]any
	if err := json.Unmarshal(out.Bytes(), &all); err != nil {
		t.Fatal(err)
	}
	for object, want := range map[string][]string{
		"":         {"arch", "events", "format", "go", "os", "program", "protocol", "schema", "state", "suites"},
		"protocol": {"newest", "offer", "speaks"},
		"format":   {"cbor", "segment", "vcon"},
		"state":    {"checkpoint", "file"},
	} {
		in := all
		if object != "" {
			in, _ = all[object].(map[string]any)
		}
		if got := slices.Sorted(maps.Keys(in)); !slices.Equal(got, want) {
			t.Errorf("%q has %v, want %v", object, got, want)
		}
	}
	var v versions
	if err := json.Unmarshal(out.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Protocol.Speaks) == 0 || len(v.Protocol.Speaks) > 2 || v.Protocol.Speaks[0] != v.Protocol.Newest {
		t.Errorf("protocol %+v: a version and the one before it", v.Protocol)
	}
	if v.Program == "" || v.Format.VCon == "" || v.Go == "" || v.OS == "" || v.Arch == "" ||
		min(v.Schema, v.State.File, v.State.Checkpoint, v.Format.Segment, v.Format.CBOR, v.Events, v.Protocol.Offer) < 1 {
		t.Errorf("empty values: %s", out.Bytes())
	}
	if len(v.Suites) != 2 || v.Suites[0] != "xwing" {
		t.Errorf("suites %v", v.Suites)
	}
}
