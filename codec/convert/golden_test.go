package convert_test

import (
	"encoding/json"
	"errors"
	"io/fs"
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

// goldens are the exports that the golden files are made of, by layout.
func goldens() []golden {
	return []golden{
		{Kind: convert.IRC, Name: day, Files: map[string]string{day: evening, "logs/2004-11-15_03.annotation.txt": "0 1 -\n1 3 -\n"}},
		{Kind: convert.Mbox, Name: "hike.mbox", Files: map[string]string{"hike.mbox": goldenMbox}},
		{Kind: convert.SMS, Name: "sms.xml", Files: map[string]string{"sms.xml": goldenSMS}},
		{Kind: convert.Gitter, Name: "Russian.tsv", Files: map[string]string{"Russian.tsv": archive}},
		telegramGolden(),
		signalGolden(),
		{Kind: convert.Slack, Name: ".", Files: exportFiles("slack", "D0DM00001", "dms.json")},
		{Kind: convert.Discord, Name: ".", Files: exportFiles("discord", "Direct Messages")},
		{Kind: convert.Matrix, Name: ".", Files: exportFiles("matrix")},
		{Kind: convert.WhatsApp, Name: "WhatsApp Chat - Book club", Files: bookClub()},
	}
}

func goldenFile(kind convert.Kind) string { return "vectors/convert/" + string(kind) + ".json" }

// TestGoldenExports converts each golden export. With VCON_TRANSFER_UPDATE=1 it
// writes those that are not there yet.
func TestGoldenExports(t *testing.T) {
	kinds := map[convert.Kind]bool{}
	for _, g := range goldens() {
		kinds[g.Kind] = true
		t.Run(string(g.Kind), func(t *testing.T) {
			name := "../../testdata/" + goldenFile(g.Kind)
			if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) && os.Getenv("VCON_TRANSFER_UPDATE") == "1" {
				g.VCon, g.Report = convertGolden(t, &g)
				b, err := json.MarshalIndent(g, "", "  ")
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(name, append(b, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			var want golden
			if err := json.Unmarshal(testdata.Read(goldenFile(g.Kind)), &want); err != nil {
				t.Fatal(err)
			}
			got, report := convertGolden(t, &want)
			if a, b := flat(t, got), flat(t, want.VCon); a != b {
				t.Errorf("converted to\n%s, want\n%s", a, b)
			}
			a, err := json.Marshal(report)
			if err != nil {
				t.Fatal(err)
			}
			b, err := json.Marshal(want.Report)
			if err != nil {
				t.Fatal(err)
			}
			if string(a) != string(b) {
				t.Errorf("report\n%s, want\n%s", a, b)
			}
		})
	}
	for _, kind := range convert.Kinds() {
		if !kinds[kind] {
			t.Errorf("no golden export of %s", kind)
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
