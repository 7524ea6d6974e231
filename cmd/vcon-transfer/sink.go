package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/history/sqlite"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/transfer"
)

// A sink is a transfer's sink that keeps receipts and ledgers, and has to be closed.
// Whatever wraps one passes on all of it.
type sink interface {
	transfer.Sink
	transfer.ReceiptKeeper
	transfer.LedgerKeeper
	io.Closer
}

// openSink opens the destination before the offer is shown: what cannot be
// written is found out while nobody waits for it.
func (f *receiveFlags) openSink(ctx context.Context) (sink, error) {
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
	s, err := sqlite.Open(ctx, f.storePath(), sqlite.Options{})
	if err != nil {
		return nil, destinationError{err}
	}
	return placed{s, f.where()}, nil
}

// A placed sink says where there is too little space: the errors of a sink have no
// paths.
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

func (p placed) locate(err error) error {
	if e, ok := errors.AsType[*history.SpaceError](err); ok {
		return destinationError{fmt.Errorf("needs about %s, %s are free in %s", size(e.Need), size(e.Free), p.where)}
	}
	return err
}

// storePath is --store or the default.
func (f *receiveFlags) storePath() string {
	if f.store != "" {
		return f.store
	}
	return defaultStore()
}
