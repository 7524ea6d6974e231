// Package history reads and writes histories: vCon files and folders as a source,
// any indexed history as the source of a transfer, and a folder of vCon files as
// a sink. The store is in history/sqlite. It never sends anything.
package history

import (
	"context"
	"io"
	"iter"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// A Reader is an indexed history. A room's heads come in canonical order: by
// instant, and in the order of the source where instants are equal.
type Reader interface {
	// Rooms lists the rooms, the one with the newest item first.
	Rooms(ctx context.Context) ([]RoomInfo, error)
	// Heads yields the heads of a room's items.
	Heads(ctx context.Context, room string) iter.Seq2[segment.Head, error]
	// Items reads the items of heads that Heads yielded, in their order. Items
	// of one call may share Parties.
	Items(ctx context.Context, room string, heads []segment.Head) ([]segment.Item, error)
	// OpenAttachment opens the content that entry names, from offset on.
	OpenAttachment(ctx context.Context, room string, entry segment.AttachmentEntry, offset uint64) (io.ReadCloser, error)
	// Left counts the records that cannot be represented as items at all.
	Left(ctx context.Context) (segment.Ledger, error)
	Close() error
}

// A RoomInfo is one room of a Reader.
type RoomInfo struct {
	Room        segment.Room
	Roster      []codec.Party // the room's parties, deduplicated, in a deterministic order
	Items       uint64
	First, Last int64 // instants
}
