package main

import (
	"bytes"
	"context"
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
	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// A sourceKind is what a SOURCE argument turned out to be.
type sourceKind uint8

const (
	vconSource sourceKind = iota + 1
	storeSource
	exportSource
)

// A sourceArg is one SOURCE argument.
type sourceArg struct {
	path   string
	kind   sourceKind
	layout convert.Kind // of an export
	others int          // files of a vCon folder that are not named like vCons
}

// openSource opens what the arguments name as one history. Exports, and stores
// that are to be merged with something else, are first written as vCons into a
// folder that only the user can read and that Close removes.
func openSource(ctx context.Context, ui *terminal, args []string) (history.Reader, error) {
	var all []sourceArg
	for _, path := range args {
		a, err := detectSource(path)
		if err != nil {
			return nil, err
		}
		if a.kind == exportSource {
			ui.remark("%s: read as %s", path, a.layout)
		}
		if a.others > 0 {
			ui.remark("%s: %s in it %s not named like vCons (*.vcon, *.json, *.cbor), and %s left out",
				path, plural(uint64(a.others), "file"), isAre(uint64(a.others)), isAre(uint64(a.others)))
		}
		all = append(all, a)
	}
	if len(all) == 1 && all[0].kind == storeSource {
		return openStore(ctx, all[0].path)
	}
	m := &mergedSource{}
	if err := m.open(ctx, ui, all); err != nil {
		m.Close()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, err
	}
	return m, nil
}

// mergedSource is vCon files, some of them made of other things.
type mergedSource struct {
	history.Reader
	dir  string // of the files that were made, or ""
	made int
	left segment.Ledger // of exports and stores

	options convert.Options // of exports
}

func (m *mergedSource) open(ctx context.Context, ui *terminal, all []sourceArg) error {
	var paths []string
	for _, a := range all {
		if a.kind == vconSource {
			paths = append(paths, a.path)
			continue
		}
		if m.dir == "" {
			dir, err := os.MkdirTemp("", "vcon-transfer-source-") // mode 0700
			if err != nil {
				return destinationError{fmt.Errorf("make temporary folder: %w", err)}
			}
			m.dir = dir
			paths = append(paths, dir)
		}
		var err error
		if a.kind == exportSource {
			err = m.addExport(ctx, ui, a)
		} else {
			err = m.addStore(ctx, a)
		}
		if err != nil {
			return err
		}
	}
	if m.made == 0 {
		paths = slices.DeleteFunc(paths, func(p string) bool { return p == m.dir })
		if len(paths) == 0 {
			return sourceError{errors.New("read source: there is nothing in it")}
		}
	}
	r, err := history.OpenFiles(ctx, paths, history.Options{Stdin: ui.in})
	if err != nil {
		return sourceError{err}
	}
	m.Reader = r
	return nil
}

// Left counts what the files and the conversion left out.
func (m *mergedSource) Left(ctx context.Context) (segment.Ledger, error) {
	left, err := m.Reader.Left(ctx)
	if err != nil {
		return left, err
	}
	left = left.Clone()
	left.Add(m.left)
	return left, nil
}

// Close closes the files and removes those that were made.
func (m *mergedSource) Close() error {
	var err error
	if m.Reader != nil {
		err = m.Reader.Close()
	}
	if m.dir != "" {
		err = errors.Join(err, os.RemoveAll(m.dir))
	}
	return err
}

// file makes the next file.
func (m *mergedSource) file(write func(w io.Writer) error) error {
	f, err := os.OpenFile(filepath.Join(m.dir, fmt.Sprintf("%06d.cbor", m.made)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return destinationError{fmt.Errorf("write temporary file: %w", err)}
	}
	m.made++
	return errors.Join(write(f), f.Close())
}

func (m *mergedSource) addExport(ctx context.Context, ui *terminal, a sourceArg) error {
	fsys, name, err := exportFS(a.path)
	if err != nil {
		return err
	}
	report := new(convert.Report)
	for v, err := range convert.Convert(ctx, a.layout, fsys, name, m.options, report) {
		if err != nil {
			return sourceError{fmt.Errorf("read source %q: %w", a.path, err)}
		}
		data, err := v.AppendCBOR(nil)
		if err != nil {
			return sourceError{fmt.Errorf("read source %q: %w", a.path, err)}
		}
		if err := m.file(func(w io.Writer) error { _, err := w.Write(data); return err }); err != nil {
			return destinationError{err}
		}
	}
	sayReport(ui, a.path, report)
	// What may have been a message belongs into the ledger; blank lines, mode
	// changes and notices of servers do not.
	for why, n := range report.Left {
		switch why {
		case convert.LineTooLong, convert.RowMalformed, convert.RowWithoutDate, convert.NotALogLine:
			m.left.Source += n
			m.left.AddQuarantined(segment.Reason(why), n)
		case convert.RowTwice:
			m.left.Source += n
			m.left.AddExcluded(history.Duplicate, n)
		}
	}
	return nil
}

func (m *mergedSource) addStore(ctx context.Context, a sourceArg) error {
	store, err := openStore(ctx, a.path)
	if err != nil {
		return err
	}
	defer store.Close()
	rooms, err := store.Rooms(ctx)
	if err != nil {
		return storeError(ctx, a.path, err)
	}
	for _, room := range rooms {
		if err := m.file(func(w io.Writer) error {
			return history.WriteVCon(ctx, w, store, room, history.WriteOptions{})
		}); err != nil {
			return storeError(ctx, a.path, err)
		}
	}
	left, err := store.Left(ctx)
	if err != nil {
		return storeError(ctx, a.path, err)
	}
	m.left.Add(left)
	return nil
}

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
