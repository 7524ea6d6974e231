package sqlite

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
)

// SchemaVersion is the version of the schema that this program writes, user_version of
// the database. Stores of every earlier one are migrated when they are opened.
const SchemaVersion = len(migrations)

// judge refuses what certainly is no store, or a newer one, by the header of the file,
// before SQLite is let at it: that would make another program's database one with a
// journal of our kind before it can be asked anything. What the header leaves open,
// because a journal beside the file may say otherwise, migrate finds.
func judge(f *os.File) error {
	if journal, err := os.Stat(f.Name() + "-wal"); err == nil && journal.Size() > 0 {
		return nil
	}
	var h [headerSize]byte
	if _, err := io.ReadFull(f, h[:]); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil // empty, or SQLite says what is wrong with it
	} else if err != nil {
		return pathless(err)
	}
	number := func(at int) uint32 { return binary.BigEndian.Uint32(h[at:]) }
	app, version, changes := number(appAt), int32(number(versionAt)), number(changesAt)
	switch {
	case string(h[:len(fileMagic)]) != fileMagic:
		return nil
	case app == applicationID && int(version) > SchemaVersion:
		return ErrNewer
	case app != applicationID && (app != 0 || version != 0 || changes != 0):
		return ErrNotStore
	}
	return nil
}

// The header of a database ("Database File Format" of SQLite, 1.3), its numbers
// big-endian.
const (
	fileMagic  = "SQLite format 3\x00"
	headerSize = 100
	changesAt  = 40 // of the schema
	versionAt  = 60 // user_version
	appAt      = 68 // application_id
)
