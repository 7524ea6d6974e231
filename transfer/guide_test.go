package transfer_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// root is the folder of the module.
const root = ".."

// guide is what an app developer reads.
var guide = filepath.Join(root, "docs", "library.md")

// A sample of the guide is what stands in a file between "// guide:name" and the next
// such line. The guide names both above the block: <!-- file: name -->.
var (
	sampleMark = regexp.MustCompile(`^<!-- ([\w./-]+): ([\w-]+) -->$`)
	regionMark = regexp.MustCompile(`^\s*// guide:([\w-]+)$`)
)

// regionEnd ends a region without beginning another one.
const regionEnd = "end"

// Each block of Go in the guide is a part of what is compiled and run by tests, and
// each such part is in the guide. VCON_TRANSFER_UPDATE=1 writes the blocks anew.
func TestGuideSamples(t *testing.T) {
	regions := map[string]string{} // by "file: name"
	for _, pattern := range []string{"*/*_test.go", "*/*/*_test.go", "transfer/testdata/embed/*.go"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("no files at %s: %v", pattern, err)
		}
		for _, name := range files {
			addRegions(t, regions, name)
		}
	}
	data, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	used := map[string]bool{}
	name, before, inside := "", "", false
	for i, line := range strings.Split(string(data), "\n") {
		switch {
		case inside && line == "```":
			inside = false
		case inside:
			continue
		case line == "```go":
			m := sampleMark.FindStringSubmatch(before)
			if m == nil {
				t.Fatalf("%s:%d: a block of Go that is not a sample", guide, i+1)
			}
			name = m[1] + ": " + m[2]
			if regions[name] == "" {
				t.Fatalf("%s:%d: there is no %s", guide, i+1, name)
			}
			inside, used[name] = true, true
			line += "\n" + regions[name]
		}
		out, before = append(out, line), line
	}
	for name := range regions {
		if !used[name] {
			t.Errorf("the guide does not have %s", name)
		}
	}
	if got := strings.Join(out, "\n"); got != string(data) {
		if os.Getenv("VCON_TRANSFER_UPDATE") == "1" {
			if err := os.WriteFile(guide, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			return
		}
		t.Error("a sample differs from the code; VCON_TRANSFER_UPDATE=1 writes it anew")
	}
	if len(used) < 5 {
		t.Errorf("only %d samples", len(used))
	}
}

// addRegions takes the regions of one file, without what indents all their lines.
func addRegions(t *testing.T, regions map[string]string, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	short, err := filepath.Rel(root, file)
	if err != nil {
		t.Fatal(err)
	}
	name, text := regionEnd, []string(nil)
	for line := range strings.Lines(string(data) + "// guide:end\n") {
		line = strings.TrimRight(line, "\r\n")
		m := regionMark.FindStringSubmatch(line)
		if m == nil {
			text = append(text, line)
			continue
		}
		if name != regionEnd {
			regions[filepath.ToSlash(short)+": "+name] = dedent(text)
		}
		name, text = m[1], nil
	}
}

func dedent(lines []string) string {
	text := strings.Trim(strings.Join(lines, "\n"), "\n")
	indent := text[:len(text)-len(strings.TrimLeft(text, "\t"))]
	return strings.TrimPrefix(strings.ReplaceAll("\n"+text, "\n"+indent, "\n"), "\n")
}

// What the guide names is there: `package.Name`, `package.Type.Field`, `Type.Field`,
// and the files that it links. `ui` is a prompter.
func TestGuideNames(t *testing.T) {
	data, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	packages := map[string]map[string]bool{}
	for _, dir := range []string{
		"codec", "codec/segment", "codec/history", "codec/history/sqlite", "hpke", "pairing", "transfer", "transfer/wire",
		"transfer/sealedfile", "transfer/local", "transfer/relay", "transfer/statedir", "transfer/transfertest",
	} {
		packages[filepath.Base(dir)] = exported(t, filepath.Join(root, dir))
	}
	everywhere := map[string]bool{} // of types that the guide names without their package
	for _, names := range packages {
		maps.Copy(everywhere, names)
	}
	found := 0
	for _, m := range regexp.MustCompile("`(\\w+)\\.([A-Z]\\w*(?:\\.[A-Z]\\w*)?)").FindAllStringSubmatch(string(data), -1) {
		found++
		names, ok := packages[m[1]]
		switch {
		case ok && names[m[2]], everywhere[m[1]+"."+m[2]]:
		case m[1] == "ui" && (everywhere["SendPrompter."+m[2]] || everywhere["ReceivePrompter."+m[2]]):
		default:
			t.Errorf("the guide names %s, which is not there", m[0][1:])
		}
	}
	for _, m := range regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllStringSubmatch(string(data), -1) {
		if _, err := os.Stat(filepath.Join(filepath.Dir(guide), m[1])); err != nil {
			t.Errorf("the guide links what is not there: %v", err)
		}
	}
	if found < 10 {
		t.Errorf("only %d names", found)
	}
}

// exported are the names of a package: of declarations, and of methods and fields
// behind their type's.
func exported(t *testing.T, dir string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(f string) bool { return strings.HasSuffix(f, "_test.go") })
	names := map[string]bool{}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				of := ""
				if d.Recv != nil {
					of = receiverOf(d) + "."
				}
				names[of+d.Name.Name] = true
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					addSpec(names, spec)
				}
			}
		}
	}
	return names
}

func receiverOf(d *ast.FuncDecl) string {
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if id, ok := typ.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

func addSpec(names map[string]bool, spec ast.Spec) {
	switch s := spec.(type) {
	case *ast.ValueSpec:
		for _, n := range s.Names {
			names[n.Name] = true
		}
	case *ast.TypeSpec:
		names[s.Name.Name] = true
		var fields *ast.FieldList
		switch typ := s.Type.(type) {
		case *ast.StructType:
			fields = typ.Fields
		case *ast.InterfaceType:
			fields = typ.Methods
		default:
			return
		}
		for _, f := range fields.List {
			for _, n := range f.Names {
				names[s.Name.Name+"."+n.Name] = true
			}
		}
	}
}
