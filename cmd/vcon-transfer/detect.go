package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/convert"
)

// detectSource finds out what a path leads to, by content.
func detectSource(path string) (sourceArg, error) {
	a := sourceArg{path: path, kind: vconSource}
	if path == "-" {
		return a, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return a, unreadable(path, err)
	}
	if info.IsDir() {
		return detectFolder(path)
	}
	prefix, err := readPrefix(path)
	if err != nil {
		return a, unreadable(path, err)
	}
	switch {
	case len(prefix) == 0:
		return a, unreadable(path, errors.New("the file is empty"))
	case bytes.HasPrefix(prefix, []byte(sqliteHeader)):
		a.kind = storeSource
		return a, nil
	}
	fsys, name, err := exportFS(path)
	if err != nil {
		return a, err
	}
	if layout, err := convert.DetectFile(fsys, name); err == nil && layout != "" {
		a.kind, a.layout = exportSource, layout
		return a, nil
	}
	if _, err := codec.DetectFormat(prefix); err != nil {
		return a, unreadable(path, fmt.Errorf("neither a vCon, nor a store, nor an export of a known layout (%s)", layouts()))
	}
	return a, nil
}

// sqliteHeader begins every SQLite database.
const sqliteHeader = "SQLite format 3\x00"

// detectFolder tells a folder of vCons from an export: one file that is named like
// a vCon makes it one.
func detectFolder(path string) (sourceArg, error) {
	a := sourceArg{path: path, kind: vconSource}
	vcons, others, seen := 0, 0, 0
	err := filepath.WalkDir(path, func(p string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case p != path && strings.HasPrefix(e.Name(), "."):
			if e.IsDir() {
				return filepath.SkipDir
			}
		case e.Name() == attachmentsFolder && e.IsDir():
			return filepath.SkipDir // contents that belong to the vCons beside it
		case e.IsDir():
		case isVConName(e.Name()):
			vcons++
		default:
			others++
		}
		if seen++; seen > maxFolder {
			return fs.SkipAll
		}
		return nil
	})
	if err != nil {
		return a, unreadable(path, err)
	}
	if vcons > 0 {
		a.others = others
		return a, nil
	}
	fsys, name, err := exportFS(path)
	if err != nil {
		return a, err
	}
	layout, err := convert.DetectExport(fsys, name)
	if errors.Is(err, convert.ErrUnknownKind) {
		return a, unreadable(path, fmt.Errorf("the folder has neither vCons (*.vcon, *.json, *.cbor) nor an export of a known layout (%s)", layouts()))
	}
	if err != nil {
		return a, unreadable(path, err)
	}
	a.kind, a.layout = exportSource, layout
	return a, nil
}

const (
	// attachmentsFolder is where contents are beside vCons that were written for
	// people.
	attachmentsFolder = "attachments"
	// maxFolder bounds the files that are counted to tell what a folder is.
	maxFolder = 200_000
	// prefixBytes is how much of a file tells what it is.
	prefixBytes = 8 << 10
)

func isVConName(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".vcon", ".json", ".cbor":
		return true
	}
	return false
}

func layouts() string {
	var names []string
	for _, k := range convert.Kinds() {
		names = append(names, string(k))
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// unreadable is the error for a source at a path.
func unreadable(path string, err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok && pe.Path == path {
		err = pe.Err
	}
	return sourceError{fmt.Errorf("read source %q: %w", path, err)}
}

func readPrefix(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	prefix := make([]byte, prefixBytes)
	n, err := io.ReadFull(f, prefix)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return prefix[:n], err
}

// exportFS is the file system that converters read an export through. It begins at
// the root, because logs have their date in the names of the folders above them.
func exportFS(path string) (fs.FS, string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, "", unreadable(path, err)
	}
	root := filepath.VolumeName(abs) + string(filepath.Separator)
	name := strings.Trim(filepath.ToSlash(strings.TrimPrefix(abs, root)), "/")
	if name == "" {
		name = "."
	}
	return os.DirFS(root), name, nil
}
