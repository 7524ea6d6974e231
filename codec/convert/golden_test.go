package convert_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec/convert"
	"github.com/vcon-transfer/vcon-transfer/testdata"
)

// A golden is an export and the vCon that it becomes. An id that changes here
// makes every converted history a new one: these files are never regenerated for
// a layout that was released.
type golden struct {
	Kind   convert.Kind      `json:"kind"`
	Name   string            `json:"name"`
	Files  map[string]string `json:"files"`
	VCon   json.RawMessage   `json:"vcon"`
	Report convert.Report    `json:"report"`
}

const goldenFile = "vectors/convert/exports.json"

func TestGoldenExports(t *testing.T) {
	if os.Getenv("VCON_TRANSFER_UPDATE") == "1" {
		all := []golden{
			{Kind: convert.IRC, Name: day, Files: map[string]string{day: evening, "logs/2004-11-15_03.annotation.txt": "0 1 -\n1 3 -\n"}},
			{Kind: convert.Gitter, Name: "Russian.tsv", Files: map[string]string{"Russian.tsv": archive}},
		}
		for i := range all {
			all[i].VCon, all[i].Report = convertGolden(t, &all[i])
		}
		b, err := json.MarshalIndent(all, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("../../testdata/"+goldenFile, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	var all []golden
	if err := json.Unmarshal(testdata.Read(goldenFile), &all); err != nil {
		t.Fatal(err)
	}
	if len(all) != len(convert.Kinds()) {
		t.Errorf("%d exports, %d layouts", len(all), len(convert.Kinds()))
	}
	for i := range all {
		g := &all[i]
		got, report := convertGolden(t, g)
		if a, b := flat(t, got), flat(t, g.VCon); a != b {
			t.Errorf("%s: converted to\n%s, want\n%s", g.Kind, a, b)
		}
		a, err := json.Marshal(report)
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(g.Report)
		if err != nil {
			t.Fatal(err)
		}
		if string(a) != string(b) {
			t.Errorf("%s: report\n%s, want\n%s", g.Kind, a, b)
		}
	}
}

func convertGolden(t *testing.T, g *golden) (json.RawMessage, convert.Report) {
	t.Helper()
	var pairs []string
	for name, text := range g.Files {
		pairs = append(pairs, name, text)
	}
	vcons, report := all(t, g.Kind, files(pairs...), g.Name, convert.Options{})
	if len(vcons) != 1 {
		t.Fatalf("%d vCons", len(vcons))
	}
	b, err := vcons[0].AppendJSON(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b, *report
}

func flat(t *testing.T, b json.RawMessage) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
