package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/history"
)

// Options configure Open. The zero value opens or creates a store.
type Options struct {
	MustExist bool             // refuse to create a store where there is none
	Now       func() time.Time // decides which messages have expired; nil is time.Now

	// Free says how many bytes may be written where a path is, if that is known; nil
	// is history.FreeSpace. What certainly cannot fit is refused before it comes.
	Free func(path string) (free uint64, known bool)

	// Doubt is told by Begin, before anything is asked for, that what is announced
	// will hardly fit. Nothing is refused for that: the same content in many messages
	// is announced each time, and kept once. It may not use the store. nil is nobody.
	Doubt func(*history.SpaceError)

	unsynced bool // tests that open hundreds of stores
}

// Open opens the store at path, and creates it with its folder (0700) when there
// is none. The database is readable by its owner only. Errors: ErrNotStore,
// ErrNewer, DestinationError, fs.ErrNotExist with MustExist.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	if err := createFile(path, o.MustExist); err != nil {
		return nil, wrap("open store", err)
	}
	s := &Store{now: o.Now, path: path, free: o.Free, doubt: o.Doubt, synchronous: "FULL"}
	if s.free == nil {
		s.free = history.FreeSpace
	}
	if o.unsynced {
		s.synchronous = "OFF"
	}
	if s.now == nil {
		s.now = time.Now
	}
	if err := s.open(ctx, path); err != nil {
		return nil, wrap("open store", errors.Join(err, s.Close()))
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, path string) (err error) {
	if s.write, err = s.openDB(path, "&_txlock=immediate"); err != nil {
		return err
	}
	s.write.SetMaxOpenConns(1)
	if err := migrate(ctx, s.write); err != nil {
		return err
	}
	if s.read, err = s.openDB(path, "&_pragma=query_only(1)"); err != nil {
		return err
	}
	s.read.SetMaxOpenConns(maxReaders)
	if s.files, err = openFiles(path + ".attachments"); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes the names in a folder durable: a receipt must not go out for a
// database whose name a power cut takes away. Windows journals names by itself.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(dir)
	if err != nil {
		return pathless(err)
	}
	return pathless(errors.Join(f.Sync(), f.Close()))
}

// openDB makes a handle. Synchronous FULL is what makes a staged segment durable
// in WAL mode when its transaction returns.
func (s *Store) openDB(path, extra string) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	abs = filepath.ToSlash(abs)
	if !strings.HasPrefix(abs, "/") {
		abs = "/" + abs // a drive of Windows
	}
	u := url.URL{Scheme: "file", Path: abs}
	pragmas := fmt.Sprintf("?_pragma=busy_timeout(%d)&_pragma=journal_mode(WAL)&_pragma=synchronous(%s)"+
		"&_pragma=foreign_keys(1)&_pragma=cache_size(-%d)&_pragma=temp_store(MEMORY)&_pragma=wal_autocheckpoint(%d)",
		busyTimeout.Milliseconds(), s.synchronous, cacheKiB, journalPages)
	return sql.Open("sqlite", u.String()+pragmas+extra)
}

// createFile makes the file before SQLite does, for its mode: the journal and
// the shared memory take over the mode of the database.
func createFile(path string, mustExist bool) error {
	flags := os.O_RDWR
	if !mustExist {
		flags |= os.O_CREATE
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return ErrNotStore
	}
	f, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		// The path is the caller's to print: it may name people.
		if pe, ok := errors.AsType[*fs.PathError](err); ok {
			return pe.Err
		}
		return err
	}
	return errors.Join(judge(f), f.Close())
}

// Close closes the store. Attachments that are still being written keep what
// they have.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, db := range []*sql.DB{s.read, s.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if s.files != nil {
		errs = append(errs, s.files.close())
	}
	return errors.Join(errs...)
}
