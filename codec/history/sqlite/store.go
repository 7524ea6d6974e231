// Package sqlite is the store that a transfer imports into by default: a SQLite
// database with a folder for the contents of attachments beside it (design,
// section 8).
//
// A Store is the sink of a transfer and, as a history.Reader, the source of the
// next one. It resolves edits, deletes and reactions for whoever reads it, and
// keeps every version. It never fetches anything, and never drops an item
// without an entry in the ledger.
package sqlite

import (
	"context"
	"database/sql"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/history"
)

var _ history.Reader = (*Store)(nil)

// A Store is an open store. Its methods may be called at the same time, but it
// takes part in one transfer at a time.
type Store struct {
	now         func() time.Time
	path        string // of the database
	free        func(path string) (free uint64, known bool)
	doubt       func(*history.SpaceError) // nil is nobody
	synchronous string
	write       *sql.DB // one connection: SQLite has one writer
	read        *sql.DB // sees what is committed
	files       *files
	closed      atomic.Bool

	mu       sync.Mutex        // held by everything that writes
	parties  map[string]uint32 // rows of parties by record, as committed
	transfer *transfer         // nil between transfers
	writing  map[string]bool   // unfinished attachments that are being written
}

// update runs f in a transaction that is durable when update returns nil.
func (s *Store) update(ctx context.Context, op string, f func(tx *sql.Tx) error) error {
	if s.closed.Load() {
		return wrap(op, ErrClosed)
	}
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return wrap(op, err)
	}
	if err := f(tx); err != nil {
		_ = tx.Rollback() // the error of f says why
		return wrap(op, err)
	}
	return wrap(op, tx.Commit())
}

// reader is the handle for reading, which waits for no import.
func (s *Store) reader() (*sql.DB, error) {
	if s.closed.Load() {
		return nil, ErrClosed
	}
	return s.read, nil
}
