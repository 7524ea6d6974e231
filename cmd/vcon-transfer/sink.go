package main

import (
	"context"
	"io"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/history/sqlite"
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
		return s, nil
	}
	s, err := sqlite.Open(ctx, f.storePath(), sqlite.Options{})
	if err != nil {
		return nil, destinationError{err}
	}
	return receiptStore{s}, nil
}

// A receiptStore is a store that gives the receipts that it keeps.
type receiptStore struct{ *sqlite.Store }

func (s receiptStore) Receipt(ctx context.Context, id [32]byte) ([]byte, error) {
	all, err := s.Transfers(ctx)
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
