package main

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/vcon-transfer/vcon-transfer"

// importTable is the table of docs/design.md, "Packages": what a package may
// import of this module. A package that is not in it fails the test, and so does
// a row without a package.
func importTable() map[string][]string {
	return map[string][]string{
		"codec":                  {},
		"codec/mimi":             {"codec"},
		"codec/convert":          {"codec", "codec/mimi"},
		"codec/segment":          {"codec", "codec/mimi"},
		"codec/policy":           {},
		"codec/jws":              {},
		"codec/history":          {"codec", "codec/mimi", "codec/segment"},
		"codec/internal/cddl":    {}, // judges the codec's output, in tests
		"codec/history/sqlite":   {"codec", "codec/mimi", "codec/segment", "codec/history"},
		"hpke":                   {},
		"pairing":                {"hpke"},
		"transfer":               {"codec", "codec/segment", "hpke", "pairing", "transfer/wire"},
		"transfer/wire":          {},
		"transfer/local":         {"transfer/wire"},
		"transfer/relay":         {"transfer/wire"},
		"transfer/relay/server":  {"transfer/wire"},
		"transfer/statedir":      {"hpke", "pairing", "transfer", "transfer/internal/disk"},
		"transfer/internal/disk": {},
		"transfer/sealedfile":    {"codec/policy", "codec/segment", "hpke", "pairing", "transfer", "transfer/wire"},
		"transfer/host":          {"codec", "codec/segment", "pairing", "transfer", "transfer/wire", "transfer/internal/disk"},
		"transfer/transfertest":  {"codec", "codec/segment", "codec/history", "pairing", "transfer", "transfer/wire", "transfer/relay", "transfer/relay/server", "transfer/internal/disk"}, // fakes for tests
		"transfer/reference":     {},                                                                                                                                                       // the wire format once more, in tests
		"cmd/vcon-transfer":      {"*"},
		"testdata":               {}, // for tests
		"testdata/golden":        {}, // for tests
		"testdata/gen":           {"codec", "codec/mimi", "codec/convert", "testdata"},
		"testdata/sample":        {},                                  // the demo's conversation
		"testdata/sample/build":  {"codec", "codec/mimi", "testdata"}, // makes it
		"transfer/bind": {
			"codec", "codec/history", "codec/segment", "pairing", "transfer", "transfer/host", "transfer/local",
			"transfer/relay", "transfer/statedir", "transfer/wire",
		},
		"transfer/bind/c": {"transfer/bind"},

		"testdata/internal/pseudonymise": {}, // made the excerpts
	}
}

// importers says which packages use a third-party module. Where it is more than
// one, the reason stands beside it.
func importers() map[string][]string {
	return map[string][]string{
		"github.com/cloudflare/circl":        {"hpke"},
		"github.com/fxamacker/cbor":          {"codec", "pairing"},                                    // pairing imports no codec, and has arrays of its own
		"github.com/go-json-experiment/json": {"codec", "codec/convert", "codec/policy", "codec/jws"}, // exports are streams of records, which codec has no part in; a policy and a signed vCon in JSON
		"github.com/go-jose/go-jose":         {"codec/jws"},
		"github.com/makiuchi-d/gozxing":      {"pairing"},
		"github.com/skip2/go-qrcode":         {"pairing"},
		"github.com/spf13/cobra":             {"cmd/vcon-transfer"},
		"golang.org/x/term":                  {"cmd/vcon-transfer"},
		"golang.org/x/text":                  {"codec/convert"}, // character sets of mail
		"golang.org/x/time":                  {"transfer/relay/server"},
		"modernc.org/sqlite":                 {"codec/history/sqlite"},
		"go.uber.org/goleak":                 {"transfer/transfertest"}, // a package for tests
	}
}

// testOnly are modules that only tests use.
func testOnly() []string {
	return []string{
		"github.com/rogpeppe/go-internal", "github.com/santhosh-tekuri/jsonschema", "go.uber.org/goleak", "golang.org/x/crypto", "pgregory.net/rapid",
	}
}

// A listed package is what `go list -json` says of one.
type listed struct {
	ImportPath, Name, Dir              string
	GoFiles, IgnoredGoFiles, CgoFiles  []string
	Imports, TestImports, XTestImports []string
	DepOnly                            bool
}

// short is the path inside the module.
func (p *listed) short() string {
	return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
}

func goList(t *testing.T, args ...string) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-json"}, args...)...)
	cmd.Dir = filepath.Join("..", "..")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) == 0 {
		t.Fatal("go list lists nothing")
	}
	return all
}

// packages lists all packages; those below testdata have to be named.
func packages(t *testing.T) []listed {
	t.Helper()
	args := []string{"./..."}
	for name := range importTable() {
		if strings.HasPrefix(name, "testdata") {
			args = append(args, "./"+name)
		}
	}
	return goList(t, args...)
}

func TestImportTable(t *testing.T) {
	table := importTable()
	seen := map[string]bool{}
	for _, p := range packages(t) {
		seen[p.short()] = true
		allowed, ok := table[p.short()]
		if !ok {
			t.Errorf("package %s is not in the import table", p.short())
			continue
		}
		for _, imported := range p.Imports {
			rest, ours := strings.CutPrefix(imported, module+"/")
			if ours && !slices.Contains(allowed, rest) && !slices.Contains(allowed, "*") {
				t.Errorf("%s imports %s", p.short(), rest)
			}
		}
		if len(p.CgoFiles) > 0 && p.short() != "transfer/bind/c" { // a C library, and nothing without a C compiler
			t.Errorf("%s needs cgo", p.short())
		}
	}
	for name := range table {
		if !seen[name] {
			t.Errorf("the import table has %s, which is not there", name)
		}
	}
}

func TestImporters(t *testing.T) {
	table, found := importers(), map[string]bool{}
	for _, p := range packages(t) {
		for _, imported := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			if !thirdParty(imported) {
				continue
			}
			inCode := slices.Contains(p.Imports, imported)
			who := ""
			for m := range table {
				if imported == m || strings.HasPrefix(imported, m+"/") {
					who = m
				}
			}
			switch {
			case who == "" && (inCode || !slices.ContainsFunc(testOnly(), func(m string) bool { return strings.HasPrefix(imported, m) })):
				t.Errorf("%s imports %s, which has no importer", p.short(), imported)
			case who != "" && inCode && !slices.Contains(table[who], p.short()):
				t.Errorf("%s imports %s, which is for %s", p.short(), imported, strings.Join(table[who], ", "))
			case who != "" && inCode:
				found[who+" "+p.short()] = true
			}
		}
	}
	for m, packages := range table {
		for _, p := range packages {
			if !found[m+" "+p] {
				t.Errorf("%s does not import %s, as the table of importers says", p, m)
			}
		}
	}
}

// thirdParty reports an import of another module.
func thirdParty(path string) bool {
	host, _, _ := strings.Cut(path, "/")
	return strings.Contains(host, ".") && !strings.HasPrefix(path, module)
}

// What an app links that imports a package: transfer no database, server or
// command line; the relay nothing that could read content.
func TestForbiddenDependencies(t *testing.T) {
	for root, forbidden := range map[string][]string{
		"./transfer": {
			"modernc.org/", "github.com/spf13/", "github.com/nats-io/", "github.com/prometheus/", "database/sql", "net/http",
			module + "/codec/history", module + "/codec/convert", module + "/transfer/relay",
		},
		"./transfer/bind": {
			"modernc.org/", "github.com/spf13/", "github.com/nats-io/", "github.com/prometheus/", "database/sql",
			module + "/transfer/relay/server", module + "/codec/convert",
		},
		"./transfer/relay/server": {module + "/codec", module + "/hpke", module + "/pairing", "github.com/cloudflare/", "github.com/fxamacker/", "modernc.org/"},
		"./transfer/relay":        {module + "/codec", module + "/hpke", module + "/pairing", "github.com/cloudflare/", "github.com/fxamacker/", "modernc.org/"},
		"./codec/history":         {"modernc.org/", "github.com/spf13/", "database/sql", "net/http"},
	} {
		for _, p := range goList(t, "-deps", root) {
			for _, f := range forbidden {
				if strings.HasPrefix(p.ImportPath, f) {
					t.Errorf("%s links %s", root, p.ImportPath)
				}
			}
		}
	}
}

// Each package has one comment that says what it is, and only commands print.
func TestSourceFiles(t *testing.T) {
	for _, p := range packages(t) {
		comments := 0
		for _, name := range slices.Concat(p.GoFiles, p.IgnoredGoFiles) {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, filepath.Join(p.Dir, name), nil, parser.ParseComments)
			if err != nil {
				t.Error(err)
				continue
			}
			if file.Doc.Text() != "" {
				comments++
			}
			for _, what := range forbiddenIn(file, p.Name == "main") {
				t.Errorf("%s/%s: %s", p.short(), name, what)
			}
		}
		if comments != 1 && p.Name != "" {
			t.Errorf("package %s has %d package comments", p.short(), comments)
		}
	}
}

// forbiddenIn lists uses of what prints, and functions that run by themselves.
func forbiddenIn(file *ast.File, command bool) (found []string) {
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Recv == nil && n.Name.Name == "init" {
				found = append(found, "func init")
			}
		case *ast.SelectorExpr:
			pkg, ok := n.X.(*ast.Ident)
			if !ok || command {
				break
			}
			name := pkg.Name + "." + n.Sel.Name
			for _, bad := range []string{"fmt.Print", "log.Print", "log.Fatal", "os.Stdout", "os.Stderr", "os.Exit", "time.Sleep"} {
				if strings.HasPrefix(name, bad) {
					found = append(found, name)
				}
			}
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.Ident); ok && (f.Name == "println" || f.Name == "print") && !command {
				found = append(found, f.Name)
			}
		}
		return true
	})
	return found
}

// A check that finds nothing in what is wrong is worth nothing.
func TestForbiddenInFinds(t *testing.T) {
	const source = `package p
import "fmt"
func init() { fmt.Println(); fmt.Fprintln(nil); println(); os.Exit(1) }`
	file, err := parser.ParseFile(token.NewFileSet(), "p.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(forbiddenIn(file, false), " ")
	if want := "func init fmt.Println println os.Exit"; got != want {
		t.Errorf("found %q, want %q", got, want)
	}
}
