package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

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
func openSource(ctx context.Context, ui *terminal, args []string, options convert.Options) (history.Reader, error) {
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
	m := &mergedSource{options: options}
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
	e, err := openExport(a.path)
	if err != nil {
		return err
	}
	defer e.Close()
	report := new(convert.Report)
	for v, err := range convert.Convert(ctx, a.layout, e, e.name, m.options, report) {
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
		switch {
		case why.Twice():
			m.left.Source += n
			m.left.AddExcluded(history.Duplicate, n)
		case why.MayBeMessage():
			m.left.Source += n
			m.left.AddQuarantined(segment.Reason(why), n)
		}
	}
	for _, n := range report.LeftAttachments {
		m.left.Attachments += n
		m.left.AddAttachmentExcluded(segment.ContentAbsent, n)
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
