package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
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
	if a.layout, err = layoutOf(path); err != nil {
		return a, err
	}
	if a.layout != "" {
		a.kind = exportSource
		return a, nil
	}
	if _, err := codec.DetectFormat(prefix); err != nil || convert.IsZip(prefix) {
		return a, unreadable(path, fmt.Errorf("neither a vCon, nor a store, nor an export of a known layout (%s)", layouts()))
	}
	return a, nil
}

// sqliteHeader begins every SQLite database.
const sqliteHeader = "SQLite format 3\x00"

// detectFolder tells a folder of vCons from an export, which has files that are
// named like vCons too: one file that is named so and is no export makes it a
// folder of vCons.
func detectFolder(path string) (sourceArg, error) {
	a := sourceArg{path: path, kind: vconSource}
	vcons, others, err := countFolder(path)
	if err != nil {
		return a, unreadable(path, err)
	}
	layout, whole, err := layoutOfFolder(path)
	if err != nil {
		return a, err
	}
	if layout != "" && (vcons == 0 || whole || !hasVCons(path)) {
		a.kind, a.layout = exportSource, layout
		return a, nil
	}
	if vcons > 0 {
		a.others = others
		return a, nil
	}
	return a, unreadable(path, fmt.Errorf("the folder has neither vCons (*.vcon, *.json, *.cbor) nor an export of a known layout (%s)", layouts()))
}

// countFolder counts the files that are named like vCons, and the others.
func countFolder(path string) (vcons, others int, err error) {
	err = walkFolder(path, func(p string) error {
		if isVConName(p) {
			vcons++
		} else {
			others++
		}
		if vcons+others > maxFolder {
			return fs.SkipAll
		}
		return nil
	})
	return vcons, others, err
}

// hasVCons looks into files that are named like vCons for one that is no export.
func hasVCons(path string) bool {
	found, looked := false, 0
	err := walkFolder(path, func(p string) error {
		if !isVConName(p) {
			return nil
		}
		prefix, err := readPrefix(p)
		if err != nil {
			return err
		}
		if _, export := convert.Detect(filepath.ToSlash(p), prefix); !export {
			_, err := codec.DetectFormat(prefix)
			found = found || err == nil
		}
		if looked++; found || looked > maxLooked {
			return fs.SkipAll
		}
		return nil
	})
	return found || err != nil
}

// walkFolder calls use with the files below a folder that are not hidden, and not
// contents that belong to vCons beside them.
func walkFolder(path string, use func(path string) error) error {
	return filepath.WalkDir(path, func(p string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case p != path && strings.HasPrefix(e.Name(), "."), e.Name() == attachmentsFolder && e.IsDir():
			if e.IsDir() {
				return filepath.SkipDir
			}
			return nil
		case e.IsDir():
			return nil
		}
		return use(p)
	})
}

const (
	// attachmentsFolder is where contents are beside vCons that were written for
	// people.
	attachmentsFolder = "attachments"
	// maxFolder bounds the files that are counted to tell what a folder is.
	maxFolder = 200_000
	// maxLooked bounds the files that are looked into for that.
	maxLooked = 256
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
