package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/history/sqlite"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/host"
)

// A sink is a transfer's sink that keeps receipts and ledgers, and has to be closed.
// Whatever wraps one passes on all of it.
type sink interface {
	transfer.Sink
	transfer.ReceiptKeeper
	transfer.LedgerKeeper
	io.Closer
}

// sinkFlags say where a history goes.
type sinkFlags struct {
	store, out, format string
	toHost             string // with --json only
}

func (f *sinkFlags) bind(c *cobra.Command) {
	p := c.Flags()
	p.StringVar(&f.store, "store", "", "SQLite history to import into (default: in the user's data directory)")
	p.StringVar(&f.out, "out", "", "write vCon files and attachments into this folder instead")
	p.StringVar(&f.format, "format", "cbor", "of the files in --out: cbor or json")
}

func (f *sinkFlags) check() error {
	switch {
	case f.toHost != "" && (f.store != "" || f.out != ""):
		return usageError{errors.New("--to-host excludes --store and --out")}
	case f.out != "" && f.store != "":
		return usageError{errors.New("--store and --out exclude each other")}
	case f.format != "cbor" && f.format != "json":
		return usageError{fmt.Errorf("--format %q is neither cbor nor json", f.format)}
	}
	return nil
}

// where names the destination for the summary.
func (f *sinkFlags) where() string {
	if f.out != "" {
		return f.out
	}
	if f.toHost != "" {
		return f.toHost
	}
	return f.storePath()
}

// openSink opens the destination before the offer is shown: what cannot be
// written is found out while nobody waits for it.
func (f *sinkFlags) openSink(ctx context.Context, ui *terminal, answer time.Duration) (sink, error) {
	if f.toHost != "" {
		s, err := host.OpenSink(ui.host.Conn, f.toHost, host.SinkOptions{Answer: answer})
		if err != nil {
			return nil, destinationError{fmt.Errorf("%s: %w", f.toHost, err)}
		}
		return placed{s, f.where()}, nil
	}
	if f.out != "" {
		format := codec.FormatCBOR
		if f.format == "json" {
			format = codec.FormatJSON
		}
		s, err := history.OpenDir(f.out, history.DirOptions{Format: format})
		if err != nil {
			return nil, destinationError{err}
		}
		return placed{s, f.where()}, nil
	}
	s, err := sqlite.Open(ctx, f.storePath(), sqlite.Options{Doubt: func(e *history.SpaceError) {
		ui.warn("space", "about %s are announced, %s are free in %s. It fits only if much of it is the same.", size(e.Need), size(e.Free), f.where())
	}})
	if err != nil {
		return nil, destinationError{err}
	}
	return placed{s, f.where()}, nil
}

// A placed sink says where something could not be kept, or what has too little space:
// the errors of a sink have no paths.
type placed struct {
	sink
	where string
}

func (p placed) Begin(ctx context.Context, info segment.TransferInfo) error {
	return p.locate(p.sink.Begin(ctx, info))
}

func (p placed) Have(ctx context.Context, room segment.RoomEntry, entries []segment.Entry) ([]segment.Want, error) {
	wants, err := p.sink.Have(ctx, room, entries)
	return wants, p.locate(err)
}

func (p placed) StageSegment(ctx context.Context, room segment.RoomEntry, e segment.SegmentEntry, data []byte) (segment.Ledger, error) {
	ledger, err := p.sink.StageSegment(ctx, room, e, data)
	return ledger, p.locate(err)
}

func (p placed) StageAttachment(ctx context.Context, room segment.RoomEntry, seg segment.ID, e segment.AttachmentEntry, offset uint64) (segment.AttachmentWriter, error) {
	w, err := p.sink.StageAttachment(ctx, room, seg, e, offset)
	if err != nil {
		return nil, p.locate(err)
	}
	return placedWriter{w, p}, nil
}

func (p placed) Commit(ctx context.Context, end segment.End, receipt []byte) error {
	return p.locate(p.sink.Commit(ctx, end, receipt))
}

func (p placed) locate(err error) error {
	if e, ok := errors.AsType[*history.SpaceError](err); ok {
		return destinationError{placeError{fmt.Sprintf("needs about %s, %s are free in %s", size(e.Need), size(e.Free), p.where), err}}
	}
	if isDestination(err) {
		return destinationError{placeError{fmt.Sprintf("%v: %s", err, p.where), err}}
	}
	return err
}

// A placeError is an error that names the place, which its cause does not.
type placeError struct {
	said  string
	cause error
}

func (e placeError) Error() string { return e.said }
func (e placeError) Unwrap() error { return e.cause }

// A placedWriter is of a placed sink.
type placedWriter struct {
	segment.AttachmentWriter
	in placed
}

func (w placedWriter) Write(b []byte) (int, error) {
	n, err := w.AttachmentWriter.Write(b)
	return n, w.in.locate(err)
}

func (w placedWriter) Commit(sum [32]byte) error { return w.in.locate(w.AttachmentWriter.Commit(sum)) }

func (w placedWriter) Close() error { return w.in.locate(w.AttachmentWriter.Close()) }

// storePath is --store or the default.
func (f *sinkFlags) storePath() string {
	if f.store != "" {
		return f.store
	}
	return defaultStore()
}
