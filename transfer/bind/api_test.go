package bind

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/transfer/host"
)

// What is exported can be bound: gomobile leaves out in silence what it cannot bind.
func TestAPI(t *testing.T) {
	names, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	var files []*ast.File
	for _, n := range names {
		if !strings.HasSuffix(n.Name(), ".go") || strings.HasSuffix(n.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, n.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	exported, bad := checkAPI(set, files)
	for _, b := range bad {
		t.Error(b)
	}
	for _, name := range []string{"Transfer.Start", "Listener.OnEvent", "ReceiveConfig.StateKey", "NewSender", "Events"} {
		if !slices.Contains(exported, name) {
			t.Errorf("the check has not seen %s: %v", name, exported)
		}
	}
	if Events != host.Version {
		t.Error("Events is not the version of the events")
	}
}

// checkAPI lists what files export, and what of it cannot be bound. Imports are not
// followed: nothing of another package may be in an exported name.
func checkAPI(set *token.FileSet, files []*ast.File) (exported, bad []string) {
	config := types.Config{Importer: nowhere{}, IgnoreFuncBodies: true, Error: func(error) {}}
	pkg, _ := config.Check("bind", set, files, nil)
	c := &apiCheck{pkg: pkg}
	for _, name := range pkg.Scope().Names() {
		if o := pkg.Scope().Lookup(name); o.Exported() {
			c.object(o)
		}
	}
	return c.exported, c.bad
}

// nowhere is an importer of packages in which there is nothing.
type nowhere struct{}

func (nowhere) Import(path string) (*types.Package, error) {
	p := types.NewPackage(path, path[strings.LastIndexByte(path, '/')+1:])
	p.MarkComplete()
	return p, nil
}

type apiCheck struct {
	pkg           *types.Package
	exported, bad []string
	callbacks     int
}

func (c *apiCheck) refuse(name, why string) { c.bad = append(c.bad, name+": "+why) }

func (c *apiCheck) object(o types.Object) {
	name := o.Name()
	c.exported = append(c.exported, name)
	switch o := o.(type) {
	case *types.Const:
		if b, ok := o.Type().(*types.Basic); !ok || b.Info()&(types.IsString|types.IsInteger|types.IsBoolean) == 0 {
			c.refuse(name, "constant of another type")
		}
	case *types.Func:
		c.function(name, o.Type().(*types.Signature))
	case *types.TypeName:
		named, ok := o.Type().(*types.Named)
		if !ok || o.IsAlias() || named.TypeParams().Len() > 0 {
			c.refuse(name, "alias or generic type")
			return
		}
		switch u := named.Underlying().(type) {
		case *types.Struct:
			c.fields(name, u)
		case *types.Interface:
			c.callback(name, u)
		default:
			c.refuse(name, "type that is neither a struct nor the callback")
		}
		for m := range named.Methods() {
			if m.Exported() {
				c.method(name, m)
			}
		}
	default:
		c.refuse(name, "variable")
	}
}

func (c *apiCheck) fields(name string, s *types.Struct) {
	for f := range s.Fields() {
		switch {
		case !f.Exported():
		case f.Embedded():
			c.refuse(name+"."+f.Name(), "embedded")
		default:
			c.exported = append(c.exported, name+"."+f.Name())
			if !isPlain(f.Type()) {
				c.refuse(name+"."+f.Name(), fmt.Sprintf("field of type %s", f.Type()))
			}
		}
	}
}

func (c *apiCheck) callback(name string, i *types.Interface) {
	if c.callbacks++; c.callbacks > 1 || i.NumEmbeddeds() > 0 {
		c.refuse(name, "more than one callback interface, or an embedded one")
	}
	for m := range i.Methods() {
		c.method(name, m)
		if m.Type().(*types.Signature).Results().Len() > 0 {
			c.refuse(name+"."+m.Name(), "a callback with a result")
		}
	}
}

// taken are the methods that every object of Java or Objective-C has.
var taken = []string{"Wait", "Notify", "NotifyAll", "GetClass", "HashCode", "Equals", "ToString", "Clone", "Finalize",
	"Init", "Alloc", "Dealloc", "Retain", "Release", "Copy", "Hash", "Self", "Class", "Description"}

func (c *apiCheck) method(of string, m *types.Func) {
	name := of + "." + m.Name()
	c.exported = append(c.exported, name)
	if slices.Contains(taken, m.Name()) {
		c.refuse(name, "a method that every object has elsewhere")
	}
	c.function(name, m.Type().(*types.Signature))
}

func (c *apiCheck) function(name string, s *types.Signature) {
	if s.Variadic() || s.TypeParams().Len() > 0 {
		c.refuse(name, "variadic or generic")
	}
	for p := range s.Params().Variables() {
		if !c.isValue(p.Type()) {
			c.refuse(name, fmt.Sprintf("parameter of type %s", p.Type()))
		}
	}
	for i := range s.Results().Len() {
		t := s.Results().At(i).Type()
		last := i == s.Results().Len()-1
		if i > 1 || !c.isValue(t) && (!isError(t) || !last) || i == 1 && !isError(t) {
			c.refuse(name, fmt.Sprintf("result %d of type %s", i+1, t))
		}
	}
}

// isValue tells what a parameter or a result may be: a pointer to a struct of the
// package, the callback, or what a field may be.
func (c *apiCheck) isValue(t types.Type) bool {
	if p, ok := t.(*types.Pointer); ok {
		n, ok := p.Elem().(*types.Named)
		if !ok || n.Obj().Pkg() != c.pkg || !n.Obj().Exported() {
			return false
		}
		_, ok = n.Underlying().(*types.Struct)
		return ok
	}
	if n, ok := t.(*types.Named); ok && n.Obj().Pkg() == c.pkg && n.Obj().Exported() {
		_, ok := n.Underlying().(*types.Interface)
		return ok
	}
	return isPlain(t)
}

// isPlain: string, bool, int, int64, []byte.
func isPlain(t types.Type) bool {
	switch t := t.(type) {
	case *types.Basic:
		return t.Kind() == types.String || t.Kind() == types.Bool || t.Kind() == types.Int || t.Kind() == types.Int64
	case *types.Slice:
		b, ok := t.Elem().(*types.Basic)
		return ok && b.Kind() == types.Byte
	}
	return false
}

func isError(t types.Type) bool { return types.Identical(t, types.Universe.Lookup("error").Type()) }

// A check that refuses nothing is worth nothing: each line is refused, and not what is good.
func TestAPICheckRefuses(t *testing.T) {
	const good = `package bind
import "time"
type Listener interface { OnEvent(line string) }
type T struct { A string; B bool; C int; D int64; E []byte; hidden map[string]time.Time }
func New(t *T, l Listener, b []byte) (*T, error) { return nil, nil }
func (*T) M(n int64, s string) (int64, error) { return 0, nil }
func (*T) N() error { return nil }
func hidden(map[string]int) (a, b, c int) { return }
const C, D = 1, "a"
`
	if _, bad := check(t, good); len(bad) > 0 {
		t.Fatalf("refused %v", bad)
	}
	for _, line := range []string{
		"func F(m map[string]string) {}",
		"func F(s []string) {}",
		"func F(s [][]byte) {}",
		"func F(s [4]byte) {}",
		"func F(c chan int) {}",
		"func F(f func()) {}",
		"func F(n uint) {}",
		"func F(n uint64) {}",
		"func F(n int32) {}",
		"func F(f float64) {}",
		"func F(t T) {}",
		"func F(t **T) {}",
		"func F(e error) {}",
		"func F(a any) {}",
		"func F(d time.Duration) {}",
		"func F(t *time.Time) {}",
		"func F(s ...string) {}",
		"func F[X any](x X) {}",
		"func F() (int, int) { return 0, 0 }",
		"func F() (error, int) { return nil, 0 }",
		"func F() (int, string, error) { return 0, ``, nil }",
		"func F() map[string]int { return nil }",
		"func (*T) F(n uint8) {}",
		"func (*T) Wait() {}",
		"func (*T) HashCode() int { return 0 }",
		"type U struct { F map[string]int }",
		"type U struct { F *T }",
		"type U struct { F time.Duration }",
		"type U struct { T }",
		"type U[X any] struct { F string }",
		"type U = T",
		"type U int",
		"type U func()",
		"type U interface { F() }",
		"var V int",
		"const F = 1.5",
	} {
		if _, bad := check(t, good+line); len(bad) == 0 {
			t.Errorf("%s: not refused", line)
		}
	}
	if _, bad := check(t, strings.Replace(good, "OnEvent(line string)", "OnEvent(line string) bool", 1)); len(bad) != 1 {
		t.Errorf("a callback with a result: refused %v", bad)
	}
}

func check(t *testing.T, source string) (exported, bad []string) {
	t.Helper()
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, "bad.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	return checkAPI(set, []*ast.File{f})
}
