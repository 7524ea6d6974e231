package cddl_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/convert"
	"github.com/vcon-transfer/vcon-transfer/codec/internal/cddl"
	"github.com/vcon-transfer/vcon-transfer/testdata"
	"github.com/vcon-transfer/vcon-transfer/testdata/gen"
)

const (
	root    = "../../../"
	vectors = root + "testdata/vectors/"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func readJSON(t testing.TB, name string, to any) {
	t.Helper()
	if err := json.Unmarshal(read(t, name), to); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func glob(t testing.TB, patterns ...string) (all []string) {
	t.Helper()
	for _, p := range patterns {
		names, err := filepath.Glob(p)
		if err != nil || len(names) == 0 {
			t.Fatalf("nothing matches %s: %v", p, err)
		}
		all = append(all, names...)
	}
	return all
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil || len(b) == 0 {
		t.Fatalf("no hexadecimal: %v", err)
	}
	return b
}

// ours is docs/vcon-mimi.cddl, with more rules behind it.
func ours(t testing.TB, more ...string) *cddl.Schema {
	t.Helper()
	text := string(read(t, root+"docs/vcon-mimi.cddl"))
	s, err := cddl.Parse(strings.Join(append([]string{text}, more...), "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// foreign is the plug for what others made.
const foreign = "$carried /= any\n"

func cborOf(t testing.TB, v *codec.VCon) []byte {
	t.Helper()
	b, err := v.AppendCBOR(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func cborOfJSON(t testing.TB, text []byte) []byte {
	t.Helper()
	v, err := codec.DecodeJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	return cborOf(t, v)
}

func must(t testing.TB, s *cddl.Schema, rule, what string, data []byte) {
	t.Helper()
	if err := s.Validate(rule, data); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

const everyParameter = vectors + "codec/every-parameter"

// TestGoldens: what we make is of the strict grammar.
func TestGoldens(t *testing.T) {
	every := cborOfJSON(t, read(t, everyParameter+".json"))
	if os.Getenv("VCON_TRANSFER_UPDATE") == "1" {
		if err := os.WriteFile(everyParameter+".cbor", every, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(every, read(t, everyParameter+".cbor")) {
		t.Error("every-parameter.json is another vCon than every-parameter.cbor")
	}
	s := ours(t)
	for _, name := range glob(t, root+"testdata/sample/*.cbor", vectors+"codec/*.cbor") {
		data := read(t, name)
		if filepath.Base(name) == "engineering-team.cbor" {
			// The draft's example has empty texts and null where others are wanted.
			if err := s.Validate("vcon", data); !isMismatch(err) {
				t.Errorf("%s: %v", name, err)
			}
			must(t, ours(t, `$carried /= "" / null`), "vcon", name, data)
			continue
		}
		must(t, s, "vcon", name, data)
	}
}

// TestConverted: so is what converters make.
func TestConverted(t *testing.T) {
	s := ours(t)
	folders := map[convert.Kind]string{convert.IRC: "irc", convert.Gitter: "gitter"}
	n := 0
	for kind, folder := range folders {
		vcons, _, err := convert.All(t.Context(), kind, testdata.FS, folder, convert.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range vcons {
			must(t, s, "vcon", folder, cborOf(t, v.VCon))
			n += len(v.Dialog)
		}
	}
	if n < 5000 {
		t.Errorf("%d dialogs", n)
	}
	// And of each layout what its golden export becomes.
	for _, kind := range convert.Kinds() {
		var golden struct{ VCon json.RawMessage }
		readJSON(t, vectors+"convert/"+string(kind)+".json", &golden)
		must(t, s, "vcon", string(kind), cborOfJSON(t, golden.VCon))
	}
}

// TestGenerated: so are generated histories, of every kind of message.
func TestGenerated(t *testing.T) {
	s := ours(t)
	for seed := range uint64(4) {
		for _, v := range gen.New(seed).Messages(500) {
			must(t, s, "vcon", "generated", cborOf(t, v))
		}
	}
}

// TestDialogVectors: and dialogs made of the messages of the MIMI content draft.
func TestDialogVectors(t *testing.T) {
	var dialogs []struct{ Name, Dialog string }
	readJSON(t, vectors+"mimi/dialogs.json", &dialogs)
	if len(dialogs) < 20 {
		t.Errorf("%d dialogs", len(dialogs))
	}
	s := ours(t)
	for _, d := range dialogs {
		must(t, s, "dialog", d.Name, unhex(t, d.Dialog))
	}
}

// TestForeign: what others made is of the grammar as soon as a plug is there for
// what is carried verbatim; and without it is not, where it is not of the form.
func TestForeign(t *testing.T) {
	s, loose := ours(t), ours(t, foreign)
	strict := 0
	names := glob(t, root+"testdata/vcon/*.json", root+"testdata/vcon/*/*.vcon", root+"testdata/vcon/*-*/*.json", root+"testdata/vcon/nasty/valid/*.json")
	for _, name := range names {
		data := cborOfJSON(t, read(t, name))
		must(t, loose, "vcon", name, data)
		err := s.Validate("vcon", data)
		if err == nil {
			strict++
		} else if !isMismatch(err) {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(name, "nasty/valid/dates") && err == nil {
			t.Errorf("%s: matches the strict grammar", name)
		}
	}
	t.Logf("%d of %d foreign vCons match the strict grammar", strict, len(names))
}

// A form's mutations: values that are not of it.
func wrong(form string, old any) []any {
	switch form {
	case "text":
		return list(5, "", []byte("x"), nil, tag{0, "x"})
	case "date":
		return list("2024-02-08T22:13:45Z", tag{0, "2024-02-08"}, tag{0, "2024-02-08t22:13:45z"}, tag{0, "2024-02-08T22:13:45"}, tag{1, 5}, nil)
	case "binary":
		return list("AQID", []byte{1}, tag{22, []byte{1}}, tag{21, "x"}, nil)
	case "body":
		if _, isText := old.(string); isText {
			return list(tag{21, []byte{1}}, 5, nil)
		}
		return list("AQID", []byte{1}, nil)
	case "uint":
		return list(-1, "5", 5.0, tag{2, []byte("123456789")}, nil)
	case "index":
		return list(-1, uint64(1<<32), "1", nil)
	case "boolean":
		return list(nil, 1)
	case "true":
		return list(false, nil, 1)
	}
	if of, isArray := strings.CutPrefix(form, "array of "); isArray {
		bad := list(list(), "x", nil, obj{})
		for _, w := range wrong(of, nil) {
			bad = append(bad, append(slices.Clone(old.([]any)), w))
		}
		return bad
	}
	return list(list(), "x", nil) // an object
}

// A row of the table in wire-format.md, "Parameters".
type row struct{ name, form string }

func parameterTable(t testing.TB) map[string][]row {
	t.Helper()
	_, text, _ := strings.Cut(string(read(t, root+"docs/wire-format.md")), "\n### Parameters\n")
	text, _, _ = strings.Cut(text, "\n### ")
	table := map[string][]row{}
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		if len(cells) != 3 || !strings.Contains(cells[1], "`") {
			continue
		}
		object := strings.TrimPrefix(cells[0], "| ")
		table[object] = append(table[object], row{strings.Trim(cells[1], "`"), strings.TrimSuffix(cells[2], " |")})
	}
	if len(table) != 11 {
		t.Fatalf("%d objects in the table", len(table))
	}
	return table
}

// A place is where a parameter stands.
type place struct {
	object, path string
	row          row
	value        *any
}

// places finds all parameters of a vCon that the table knows.
func places(table map[string][]row, object, path string, v any) (all []place) {
	for _, r := range table[object] {
		p := v.(obj).get(r.name)
		if p == nil {
			continue
		}
		here := path + "/" + r.name
		all = append(all, place{object, here, r, p})
		of := strings.TrimPrefix(r.form, "array of ")
		switch {
		case table[of] == nil:
		case of == r.form:
			all = append(all, places(table, of, here, *p)...)
		default:
			for i, e := range (*p).([]any) {
				all = append(all, places(table, of, here+"/"+strconv.Itoa(i), e)...)
			}
		}
	}
	return all
}

// TestMutations: the check can fail. Every parameter of the table of
// wire-format.md, wherever it stands in a golden, is refused, and named, when its
// value is of another form; a plug for foreign values takes it again.
func TestMutations(t *testing.T) {
	table, s, loose := parameterTable(t), ours(t), ours(t, foreign)
	missing := map[string]bool{}
	for object, rows := range table {
		for _, r := range rows {
			missing[object+" "+r.name] = true
		}
	}
	n := 0
	for i, name := range []string{everyParameter + ".cbor", root + "testdata/sample/sample.cbor"} {
		whole, seen := tree(t, read(t, name)), map[row]bool{}
		for _, p := range places(table, "vcon", "", whole) {
			delete(missing, p.object+" "+p.row.name)
			if r := (row{p.object, p.row.name}); i == 1 && seen[r] {
				continue // the sample has hundreds; once of each is enough
			} else {
				seen[r] = true
			}
			old := *p.value
			for _, w := range wrong(p.row.form, old) {
				*p.value = w
				n++
				data := enc(whole)
				err := s.Validate("vcon", data)
				where := p.path
				if p.row.name == "encoding" { // the body is wrong as well, and may be told first
					where = strings.TrimSuffix(where, "encoding")
				}
				if !isMismatch(err) || !strings.HasPrefix(err.Error(), where) {
					t.Errorf("%s as %#v: %v", p.path, w, err)
				}
				if i == 0 {
					must(t, loose, "vcon", p.path, data)
				}
			}
			*p.value = old
		}
	}
	if len(missing) > 0 {
		t.Errorf("every-parameter.json lacks %q", slices.Sorted(maps.Keys(missing)))
	}
	if n < 500 {
		t.Errorf("only %d mutations", n)
	}
	t.Logf("%d mutations refused", n)
}

// TestOtherMutations: what is wrong with no parameter alone.
func TestOtherMutations(t *testing.T) {
	s := ours(t)
	for _, test := range []struct {
		why  string
		path []any
		to   any
		want string
	}{
		{"encoding of a text body", list("dialog", 0, "encoding"), "base64url", "/dialog/0/body: "},
		{"encoding of a body of bytes", list("attachments", 0, "encoding"), "none", "/attachments/0/body: "},
		{"no relative_time", list("dialog", 0, "expires"), obj{"relative", true}, "/dialog/0/expires"},
		{"no relative", list("dialog", 0, "expires"), obj{"relative_time", 5}, "/dialog/0/expires"},
		{"relative_time of an absolute time", list("dialog", 0, "expires"), obj{"relative", false, "relative_time", 5}, "/dialog/0/expires/relative_time"},
		{"a foreign value that JSON has not", list("dialog", 0, "x_null"), []byte{1}, "/dialog/0/x_null: "},
		{"a foreign tag", list("dialog", 0, "x_null"), tag{21, []byte{1}}, "/dialog/0/x_null: "},
		{"a bignum that fits", list("dialog", 0, "x_null"), tag{2, []byte{1}}, "/dialog/0/x_null: "},
		{"inside of a foreign value", list("dialog", 0, "x_object", "nested"), obj{"a", list(simple(23))}, "/dialog/0/x_object/nested"},
		{"a key that is no text", list("room"), obj{5, "x"}, "/room/5: a member that"},
		{"our parameter in a dialog", list("dialog", 0, "x_null"), nil, ""},
		{"our parameter", list("dialog", 0), obj{"vcon_transfer", obj{"instant", 5}}, "/dialog/0/vcon_transfer: "},
		{"not a map", nil, list(), "(the whole): "},
	} {
		whole := tree(t, read(t, everyParameter+".cbor"))
		*at(whole, test.path...) = test.to
		data := enc(whole)
		if test.path == nil {
			data = enc(test.to)
		}
		err := s.Validate("vcon", data)
		if test.want == "" && err != nil || test.want != "" && (!isMismatch(err) || !strings.HasPrefix(err.Error(), test.want)) {
			t.Errorf("%s: %v, want %s", test.why, err, test.want)
		}
	}
}
