package codec

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const formsFolder = "../testdata/vcon/forms"

// docRow is a row in the words of the documentation.
func (f *oldForm) docRow() string {
	var places []string
	for i, name := range placeNames {
		if f.in&(1<<i) != 0 {
			places = append(places, name)
		}
	}
	today := "-"
	if f.new != "" {
		today = "`" + f.new + "`"
	}
	return fmt.Sprintf("| %s | %s | `%s` | %s | %s | %s |", f.name, strings.Join(places, ", "), f.old, today, ruleWords[f.rule], f.from)
}

// TestFormsInDocs: the documentation has the rows of the table, and no others.
func TestFormsInDocs(t *testing.T) {
	var want, got []string
	for i := range oldForms {
		want = append(want, oldForms[i].docRow())
	}
	inTable := false
	for line := range strings.Lines(string(readFile(t, "../docs/wire-format.md"))) {
		line = strings.TrimSpace(line)
		if inTable = inTable && strings.HasPrefix(line, "|") || strings.HasPrefix(line, "| form | where | old | today |"); inTable {
			got = append(got, line)
		}
	}
	if len(got) < 3 || !slices.Equal(got[2:], want) {
		t.Errorf("the documentation has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestForms: every row has a fixture and every fixture a row. The fixture before
// becomes the one after, to which the row contributes; again changes nothing, and
// neither does what the row does not know of.
func TestForms(t *testing.T) {
	files, err := os.ReadDir(formsFolder)
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]bool{}
	for _, f := range files {
		left[f.Name()] = true
	}
	for _, form := range oldForms {
		t.Run(form.name, func(t *testing.T) {
			old, today := form.name+".old.json", form.name+".new.json"
			if !left[old] || !left[today] {
				t.Fatal("no fixture")
			}
			delete(left, old)
			delete(left, today)
			before := must(DecodeJSON(readFile(t, filepath.Join(formsFolder, old))))(t)
			kept := must(before.AppendCBOR(nil))(t)
			u := Upgrader{Found: map[string]uint64{}}
			after := u.VCon(before)
			if err := sameJSON(t, readFile(t, filepath.Join(formsFolder, today)), must(after.AppendJSON(nil))(t)); err != nil {
				t.Error(err)
			}
			if found := u.Found[form.name] > 0; found != (form.rule != ruleStays) {
				t.Errorf("the row was counted: %t; there are %v", found, u.Found)
			}
			c := must(after.AppendCBOR(nil))(t)
			if w := must(must(DecodeCBOR(c))(t).AppendCBOR(nil))(t); !bytes.Equal(w, c) {
				t.Error("the upgraded model is not what a reader makes of it")
			}
			again := Upgrader{Found: map[string]uint64{}}
			if b := must(again.VCon(after).AppendCBOR(nil))(t); !bytes.Equal(b, c) || len(again.Found) > 0 {
				t.Errorf("not idempotent: %v", again.Found)
			}
			if !bytes.Equal(must(before.AppendCBOR(nil))(t), kept) {
				t.Error("what was upgraded has changed")
			}
		})
	}
	if len(left) > 0 {
		t.Errorf("fixtures without a row: %v", slices.Sorted(maps.Keys(left)))
	}
	for i := range oldForms {
		if oldForms[i].name == "" {
			t.Errorf("row %d has no name", i)
		}
	}
}

// TestFormsAlone: elements upgraded one at a time, parties first, are those of the
// whole vCon, in any order of the others.
func TestFormsAlone(t *testing.T) {
	paths, err := filepath.Glob(formsFolder + "/*.old.json")
	if err != nil || len(paths) == 0 {
		t.Fatal("no fixtures")
	}
	for _, path := range paths {
		v := must(DecodeJSON(readFile(t, path)))(t)
		u, c := new(Upgrader), new(VCon)
		for i := range v.Parties {
			c.Parties = append(c.Parties, *u.Party(&v.Parties[i]))
		}
		for i := range v.Attachments {
			c.Attachments = append(c.Attachments, *u.Attachment(&v.Attachments[i]))
		}
		for i := range v.Dialog {
			c.Dialog = append(c.Dialog, *u.Dialog(&v.Dialog[i]))
		}
		h := u.Head(v)
		h.Parties, h.Dialog, h.Attachments = c.Parties, c.Dialog, c.Attachments
		if a, b := must(h.AppendCBOR(nil))(t), must(v.Upgraded().AppendCBOR(nil))(t); !bytes.Equal(a, b) {
			t.Errorf("%s: one at a time is another vCon", path)
		}
	}
}
