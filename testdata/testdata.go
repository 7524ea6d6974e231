// Package testdata embeds the vectors and histories that tests read, so that a
// test finds them from any folder. Only tests import it; what a command shows is
// in testdata/sample.
package testdata

import (
	"embed"
	"fmt"
	"io/fs"
)

// FS holds the folders of this package by name: mimi (messages of the MIMI
// content draft), irc and gitter (pseudonymised excerpts; each SOURCES.md says
// where from and under which licence), exports (written after the layout of each
// messenger), vectors/mimi and vectors/convert.
//
//go:embed mimi irc gitter all:exports vectors/mimi vectors/convert
var FS embed.FS

// Read returns a file that is known to be there; it panics if it is not.
func Read(name string) []byte {
	b, err := FS.ReadFile(name)
	if err != nil {
		panic(fmt.Sprintf("testdata: %v", err))
	}
	return b
}

// Sub returns one folder as a file system.
func Sub(dir string) fs.FS {
	sub, err := fs.Sub(FS, dir)
	if err != nil {
		panic(fmt.Sprintf("testdata: %v", err))
	}
	return sub
}

// Glob returns the names of files that match a pattern of path.Match, sorted; it
// panics when there are none, so that a test over a folder cannot pass empty.
func Glob(pattern string) []string {
	names, err := fs.Glob(FS, pattern)
	if err != nil || len(names) == 0 {
		panic(fmt.Sprintf("testdata: nothing matches %q: %v", pattern, err))
	}
	return names
}
