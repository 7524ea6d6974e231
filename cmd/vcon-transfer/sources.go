package main

import (
	"context"
	"errors"
	"fmt"
	"io"

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

// openSource opens what the arguments name as one history. No copy of it in clear
// is written to the disk: see history.Builder.
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
	return m.Reader, nil
}

// mergedSource is one history of vCon files, exports and stores.
type mergedSource struct {
	history.Reader
	builder *history.Builder
	made    int // vCons and rooms that did not come from vCon files

	options convert.Options // of exports
}

func (m *mergedSource) open(ctx context.Context, ui *terminal, all []sourceArg) error {
	m.builder = history.NewBuilder(history.Options{Stdin: ui.piped})
	files := false
	for _, a := range all {
		var err error
		switch a.kind {
		case exportSource:
			err = m.addExport(ctx, ui, a)
		case storeSource:
			err = m.addStore(ctx, a)
		default:
			files, err = true, unusable(m.builder.AddPath(ctx, a.path))
		}
		if err != nil {
			return err
		}
	}
	if m.made == 0 && !files {
		return sourceError{errors.New("read source: there is nothing in it")}
	}
	r, err := m.builder.Reader(ctx)
	if err != nil {
		return unusable(err)
	}
	m.Reader = r
	return nil
}

// unusable is an error of a Builder: of the source, unless it could not be kept.
func unusable(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*history.SpoolError](err); ok {
		return destinationError{err}
	}
	return sourceError{err}
}

// Close closes all that the history is read from.
func (m *mergedSource) Close() error {
	if m.Reader != nil {
		return m.Reader.Close()
	}
	if m.builder != nil {
		return m.builder.Close()
	}
	return nil
}

// addExport adds the vCons that an export becomes, and what it has besides. The
// contents of attachments are read from the export when they are asked for.
func (m *mergedSource) addExport(ctx context.Context, ui *terminal, a sourceArg) error {
	e, err := openExport(a.path)
	if err != nil {
		return err
	}
	m.builder.Own(e)
	report := new(convert.Report)
	options := m.options
	options.Archive = e.archive()
	for v, err := range convert.Convert(ctx, a.layout, e, e.name, options, report) {
		if err != nil {
			return sourceError{fmt.Errorf("read source %q: %w", a.path, err)}
		}
		if err := m.builder.AddVCon(ctx, a.path, v.VCon, contentsOf(v)); err != nil {
			return unusable(err)
		}
		m.made++
	}
	sayReport(ui, a.path, report)
	m.builder.AddLeft(leftOf(report))
	return nil
}

// contentsOf is where the contents of v's attachments are.
func contentsOf(v *convert.VCon) []history.Content {
	contents := make([]history.Content, len(v.Contents))
	for i, c := range v.Contents {
		if c != nil {
			contents[i] = exportContent{c}
		}
	}
	return contents
}

// An exportContent is content that changed when the source did.
type exportContent struct{ *convert.Content }

func (c exportContent) Open(offset int64) (io.ReadCloser, error) {
	r, err := c.Content.Open(offset)
	if err != nil {
		return nil, sourceChanged(err)
	}
	return exportReader{r}, nil
}

type exportReader struct{ io.ReadCloser }

func (r exportReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	return n, sourceChanged(err)
}

func sourceChanged(err error) error {
	if errors.Is(err, convert.ErrContentChanged) {
		return history.ErrChanged
	}
	return err
}

// leftOf is what of an export may have been a message and belongs into the
// ledger; blank lines, mode changes and notices of servers do not.
func leftOf(report *convert.Report) (left segment.Ledger) {
	for why, n := range report.Left {
		switch {
		case why.Twice():
			left.Source += n
			left.AddExcluded(history.Duplicate, n)
		case why.MayBeMessage():
			left.Source += n
			left.AddQuarantined(segment.Reason(why), n)
		}
	}
	for _, n := range report.LeftAttachments {
		left.Attachments += n
		left.AddAttachmentExcluded(segment.ContentAbsent, n)
	}
	return left
}

func (m *mergedSource) addStore(ctx context.Context, a sourceArg) error {
	store, err := openStore(ctx, a.path)
	if err != nil {
		return err
	}
	m.builder.Own(store)
	rooms, err := store.Rooms(ctx)
	if err != nil {
		return storeError(ctx, a.path, err)
	}
	m.made += len(rooms)
	if err := m.builder.AddReader(ctx, store); err != nil {
		if _, ok := errors.AsType[*history.SpoolError](err); ok {
			return destinationError{err}
		}
		return storeError(ctx, a.path, err)
	}
	return nil
}
