package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"

	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// A space compares what a transfer needs with what is free. It refuses only what
// cannot fit: what is held already does not come again, and one content that many
// messages have is kept once.
type space struct {
	free     uint64 // at Begin
	known    bool
	database uint64 // length of the database at Begin: what its items, and free pages, take
	segments history.Wanted
	contents map[uint64]uint64 // bytes that are missing, by size: contents of one size may be one
	missing  uint64            // sum of contents
	kept     map[uint64]bool   // sizes of the finished contents, when they had to be looked up
}

// maxSizes bounds the sizes of contents that are told apart; the rest is not
// counted: 64 MiB of memory.
const maxSizes = 1 << 20

// measure begins to count, and doubts a transfer of which not even half would fit. It
// refuses none: the announced bytes are an estimate, and count each message's contents,
// which may all be one.
func (s *Store) measure(ctx context.Context, tx *sql.Tx, t *transfer, info segment.TransferInfo) error {
	p := &t.space
	if p.free, p.known = s.free(s.files.dir); !p.known {
		return nil
	}
	var err error
	if p.database, err = s.databaseSize(); err != nil {
		return err
	}
	least := info.Bytes / 2
	if least <= p.free {
		return nil
	}
	var finished int64
	if err := tx.QueryRowContext(ctx, "SELECT coalesce(sum(size), 0) FROM attachments").Scan(&finished); err != nil {
		return err
	}
	parts, err := s.files.lengths(unfinished)
	if err != nil {
		return err
	}
	held := history.AddBytes(p.database, uint64(finished))
	for _, n := range parts {
		held = history.AddBytes(held, n)
	}
	if least <= history.AddBytes(p.free, held) {
		return nil
	}
	if s.doubt != nil {
		s.doubt(&history.SpaceError{Need: info.Bytes - held, Free: p.free})
	}
	return nil
}

// databaseSize is the length of the database and its journal.
func (s *Store) databaseSize() (n uint64, err error) {
	for _, name := range []string{s.path, s.path + "-wal"} {
		info, err := os.Stat(name)
		if err == nil {
			n += uint64(info.Size())
		} else if !errors.Is(err, fs.ErrNotExist) {
			return 0, pathless(err)
		}
	}
	return n, nil
}

// want counts what is asked for of an entry.
func (s *Store) want(e segment.Entry, w segment.Want) error {
	p := &s.transfer.space
	if !w.Need || !p.known {
		return nil
	}
	if e.Type == segment.SegmentType {
		p.segments.Add(e.Segment.ID[:], e.Segment.Bytes)
	} else {
		p.content(e.Attachment.Size, e.Attachment.Size-w.Offset)
	}
	if p.least() <= p.free {
		return nil
	}
	if p.kept == nil {
		if err := s.lookUp(p); err != nil {
			return err
		}
	}
	// Room may have been made since: what came takes up space that was free.
	free, known := s.free(s.files.dir)
	database, err := s.databaseSize()
	if err != nil {
		return err
	}
	came := history.AddBytes(s.transfer.written.Load(), database-min(database, p.database))
	if least := p.least(); !known || least <= max(p.free, history.AddBytes(free, came)) {
		return nil
	}
	return &history.SpaceError{Need: history.AddBytes(p.segments.Bytes, p.missing), Free: free}
}

// content counts a content of which so much is missing.
func (p *space) content(size, missing uint64) {
	if _, ok := p.contents[size]; ok || p.kept[size] || len(p.contents) >= maxSizes {
		return
	}
	if p.contents == nil {
		p.contents = map[uint64]uint64{}
	}
	p.contents[size] = missing
	p.missing = history.AddBytes(p.missing, missing)
}

// lookUp takes out of the count what may be held under another message's name.
func (s *Store) lookUp(p *space) error {
	lengths, err := s.files.lengths(".")
	if err != nil {
		return err
	}
	p.kept = make(map[uint64]bool, len(lengths))
	for _, n := range lengths {
		p.kept[n] = true
		p.missing -= p.contents[n]
		delete(p.contents, n)
	}
	return nil
}

// least is what certainly has to be written. Half of the segments counts, and only
// what is more than the database: their items may be there, and their parties be
// those of other segments.
func (p *space) least() uint64 {
	half := p.segments.Bytes / 2
	return history.AddBytes(half-min(half, p.database), p.missing)
}
