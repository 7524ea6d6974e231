package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/testdata/gen"
)

// The library is used from C and from Python as a program would. Both need what Go
// alone does not bring.
func TestLibrary(t *testing.T) {
	cc := compiler(t)
	dir := t.TempDir()
	name := map[string]string{"darwin": "libvcon_transfer.dylib", "windows": "vcon_transfer.dll"}[runtime.GOOS]
	if name == "" {
		name = "libvcon_transfer.so"
	}
	library := filepath.Join(dir, name)
	run(t, "go", "build", "-buildmode=c-shared", "-o", library, ".")
	old := filepath.Join(dir, "old")
	written(t, old)

	t.Run("C", func(t *testing.T) {
		if runtime.GOOS == "windows" {
			t.Skip("the program has threads of POSIX")
		}
		program := filepath.Join(dir, "test")
		here, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		run(t, cc[0], append(slices.Clip(cc[1:]), "-std=c11", "-Wall", "-Wextra", "-Werror", "-D_DEFAULT_SOURCE", "-I", here, "-o", program,
			filepath.Join("testdata", "test.c"), library, "-lpthread", "-Wl,-rpath,"+dir)...)
		if out := run(t, program, old, filepath.Join(dir, "c")); out != "ok\n" {
			t.Error(out)
		}
	})
	t.Run("example", func(t *testing.T) {
		page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "binding.md"))
		if err != nil {
			t.Fatal(err)
		}
		_, example, _ := strings.Cut(string(page), "```c\n")
		example, _, ok := strings.Cut(example, "```")
		c := exec.CommandContext(t.Context(), cc[0], append(slices.Clip(cc[1:]), "-x", "c", "-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I", ".", "-")...)
		c.Stdin = strings.NewReader(example)
		if out, err := c.CombinedOutput(); err != nil || !ok {
			t.Errorf("the example of docs/binding.md: %v\n%s", err, out)
		}
	})
	t.Run("C++", func(t *testing.T) {
		check := func(source string) *exec.Cmd {
			c := exec.CommandContext(t.Context(), cc[0], append(slices.Clip(cc[1:]), "-x", "c++", "-Wall", "-Werror", "-fsyntax-only", "-I", ".", "-")...)
			c.Stdin = strings.NewReader(source)
			return c
		}
		if err := check("class empty {};").Run(); err != nil {
			t.Skip("the C compiler knows no C++")
		}
		if out, err := check("#include \"vcon_transfer.h\"\nclass empty {};").CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
	t.Run("Python", func(t *testing.T) {
		python, err := exec.LookPath("python3")
		if err != nil {
			t.Skip("there is no python3")
		}
		if out := run(t, python, filepath.Join("testdata", "test.py"), library, old, filepath.Join(dir, "python")); out != "ok\n" {
			t.Error(out)
		}
	})
}

// compiler is the C compiler of Go, with its flags.
func compiler(t *testing.T) []string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds a library, which takes long")
	}
	env := strings.Split(run(t, "go", "env", "CGO_ENABLED", "CC"), "\n")
	cc := strings.Fields(env[1])
	if env[0] != "1" || len(cc) == 0 {
		t.Skip("cgo is off: there is no C compiler, or CGO_ENABLED=0")
	}
	if _, err := exec.LookPath(cc[0]); err != nil {
		t.Skipf("there is no C compiler %s", cc[0])
	}
	return cc
}

// run is what a program says, on standard output.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).Output()
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		t.Fatalf("%s: %v\n%s%s", filepath.Base(name), err, out, e.Stderr)
	} else if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// written makes a folder of vCon files.
func written(t *testing.T, folder string) {
	t.Helper()
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	g := gen.New(2)
	g.Rooms = 3
	for i, v := range g.Messages(300) {
		b, err := v.AppendCBOR(nil)
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, fmt.Sprintf("%d.vcon", i)), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
