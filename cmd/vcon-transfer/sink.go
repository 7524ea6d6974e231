package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/history/sqlite"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/transfer"
)

// A sink is a transfer's sink that has to be closed.
type sink interface {
	transfer.Sink
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
	return storeSink{placed{s, f.where()}, s}, nil
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

// A storeSink is a store with all that package transfer asks of one that keeps
// receipts and ledgers; what is not of a Sink does not pass through placed.
type storeSink struct {
	placed
	store *sqlite.Store
}

var (
	_ transfer.ReceiptKeeper = storeSink{}
	_ transfer.LedgerKeeper  = storeSink{}
)

// Staged is that of the store.
func (s storeSink) Staged(ctx context.Context, id [32]byte) iter.Seq2[segment.Staged, error] {
	return s.store.Staged(ctx, id)
}

// Receipt gives the receipt of a transfer that is complete.
func (s storeSink) Receipt(ctx context.Context, id [32]byte) ([]byte, error) {
	all, err := s.store.Transfers(ctx)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if t := &all[i]; t.ID == id && t.Complete {
			return t.Receipt, nil
		}
	}
	return nil, nil
}

// storePath is --store or the default.
func (f *receiveFlags) storePath() string {
	if f.store != "" {
		return f.store
	}
	return defaultStore()
}
