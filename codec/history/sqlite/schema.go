package sqlite

import (
	"context"
	"database/sql"
	"fmt"
)

// applicationID marks the file: "VCTS".
const applicationID = 0x56435453

// migrations take the schema from each version to the next; user_version counts
// those that were run. One that was released is never changed.
var migrations = [...]string{version1, version2}

// version1 is the first schema. Times are milliseconds since 1970; keys and
// hashes are blobs.
//
// A record is the dialog object in CBOR, its party indexes replaced by rows of
// parties; attachments is a vCon with nothing but those, likewise. name stands
// for the message id, replaces and reply for the ids that they refer to, see
// nameOf; an item that shares its message id with an earlier one
// (segment.Item.Again) has no name and replaces that one. head, current, versions and state are what resolve decides:
//
//   - head is the item under which an item is shown, or null when it is shown
//     itself. Applied edits and deletes have the first version as their head.
//   - current, of a head, is the version whose content is shown; null when the
//     message was retracted or has expired.
//   - versions, of a head, counts the versions that have content.
//
// Deleting an item by hand makes its segments wanted again.
const version1 = `
CREATE TABLE sources (
	id INTEGER PRIMARY KEY,
	shared_by TEXT NOT NULL UNIQUE -- '' is the person's own devices
) STRICT;

CREATE TABLE transfers (
	id INTEGER PRIMARY KEY,
	transfer BLOB NOT NULL UNIQUE,
	source INTEGER NOT NULL REFERENCES sources,
	sender TEXT NOT NULL,
	started INTEGER NOT NULL,
	messages INTEGER NOT NULL,
	bytes INTEGER NOT NULL,
	state INTEGER NOT NULL, -- 0 incomplete, 1 complete, 2 superseded by a complete one
	cause TEXT NOT NULL DEFAULT '',
	root BLOB,
	ledger TEXT,
	receipt BLOB -- sealed for the sender, as it was given
) STRICT;

CREATE TABLE rooms (
	id INTEGER PRIMARY KEY,
	uri TEXT NOT NULL UNIQUE,
	name TEXT NOT NULL,
	meta BLOB -- id and name, as the latest messages segment has them
) STRICT;

CREATE TABLE transfer_rooms (
	transfer INTEGER NOT NULL REFERENCES transfers,
	room INTEGER NOT NULL REFERENCES rooms,
	first INTEGER NOT NULL,
	last INTEGER NOT NULL,
	PRIMARY KEY (room, transfer)
) STRICT, WITHOUT ROWID;

CREATE TABLE parties (
	id INTEGER PRIMARY KEY,
	record BLOB NOT NULL UNIQUE,
	identity TEXT NOT NULL,
	uri TEXT NOT NULL,
	name TEXT NOT NULL
) STRICT;
CREATE INDEX parties_uri ON parties (uri) WHERE uri <> '' AND name <> '';

CREATE TABLE items (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	key BLOB NOT NULL UNIQUE,
	room INTEGER NOT NULL REFERENCES rooms,
	kind INTEGER NOT NULL,
	act INTEGER NOT NULL,
	again INTEGER NOT NULL,
	instant INTEGER NOT NULL,
	seq INTEGER NOT NULL,
	size INTEGER NOT NULL,
	attached INTEGER NOT NULL,
	message_id TEXT NOT NULL,
	name INTEGER,
	replaces INTEGER,
	reply INTEGER,
	sender INTEGER REFERENCES parties,
	level INTEGER NOT NULL,
	source INTEGER NOT NULL REFERENCES sources,
	transfer INTEGER NOT NULL REFERENCES transfers,
	record BLOB NOT NULL,
	attachments BLOB,
	head INTEGER,
	current INTEGER,
	versions INTEGER NOT NULL DEFAULT 1,
	state INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX items_order ON items (room, instant, seq);
CREATE INDEX items_name ON items (name) WHERE name IS NOT NULL;
CREATE INDEX items_replaces ON items (replaces) WHERE replaces IS NOT NULL;
CREATE INDEX items_reply ON items (reply) WHERE reply IS NOT NULL;
CREATE INDEX items_head ON items (head) WHERE head IS NOT NULL;

CREATE TABLE item_sources (
	item INTEGER NOT NULL REFERENCES items ON DELETE CASCADE,
	source INTEGER NOT NULL REFERENCES sources,
	PRIMARY KEY (item, source)
) STRICT, WITHOUT ROWID;

CREATE TABLE segments (
	id INTEGER PRIMARY KEY,
	segment BLOB NOT NULL UNIQUE,
	room INTEGER NOT NULL REFERENCES rooms,
	kind INTEGER NOT NULL,
	first INTEGER NOT NULL,
	last INTEGER NOT NULL,
	items INTEGER NOT NULL,
	bytes INTEGER NOT NULL,
	held INTEGER NOT NULL,
	placed INTEGER NOT NULL DEFAULT 0, -- rows of segment_items that it has while it is held
	stale INTEGER NOT NULL DEFAULT 0 -- another segment gave some of its items other sequence numbers
) STRICT;

CREATE TABLE segment_items (
	item INTEGER NOT NULL,
	segment INTEGER NOT NULL REFERENCES segments ON DELETE CASCADE,
	place INTEGER NOT NULL,
	PRIMARY KEY (item, segment)
) STRICT, WITHOUT ROWID;
CREATE INDEX segment_items_segment ON segment_items (segment);

CREATE TABLE segment_sources (
	segment INTEGER NOT NULL REFERENCES segments ON DELETE CASCADE,
	source INTEGER NOT NULL REFERENCES sources,
	PRIMARY KEY (segment, source)
) STRICT, WITHOUT ROWID;

-- Roster segments: what they say besides their events, and which transfers
-- listed them. A room's roster is that of its latest listing.
CREATE TABLE roster_segments (
	segment INTEGER PRIMARY KEY REFERENCES segments ON DELETE CASCADE,
	whole INTEGER NOT NULL,
	meta BLOB,
	extra BLOB
) STRICT;

CREATE TABLE roster (
	segment INTEGER NOT NULL REFERENCES segments ON DELETE CASCADE,
	party INTEGER NOT NULL REFERENCES parties,
	PRIMARY KEY (segment, party)
) STRICT, WITHOUT ROWID;

CREATE TABLE roster_lists (
	room INTEGER NOT NULL REFERENCES rooms,
	transfer INTEGER NOT NULL REFERENCES transfers,
	segment INTEGER NOT NULL REFERENCES segments ON DELETE CASCADE,
	PRIMARY KEY (room, transfer, segment)
) STRICT, WITHOUT ROWID;

CREATE TABLE quarantine (
	id INTEGER PRIMARY KEY,
	room INTEGER NOT NULL REFERENCES rooms,
	segment INTEGER REFERENCES segments,
	transfer INTEGER NOT NULL REFERENCES transfers,
	source INTEGER NOT NULL REFERENCES sources,
	reason TEXT NOT NULL,
	items INTEGER NOT NULL,
	key BLOB NOT NULL,
	digest BLOB NOT NULL,
	level INTEGER NOT NULL,
	record BLOB NOT NULL,
	UNIQUE (key, digest)
) STRICT;

CREATE TABLE attachments (
	id INTEGER PRIMARY KEY,
	room INTEGER NOT NULL REFERENCES rooms,
	message_id TEXT NOT NULL,
	owner BLOB NOT NULL, -- the segment, when there is no message id
	part INTEGER NOT NULL,
	size INTEGER NOT NULL,
	media_type TEXT NOT NULL,
	filename TEXT NOT NULL,
	declared TEXT NOT NULL,
	sha256 BLOB NOT NULL,
	sha512 BLOB,
	transfer INTEGER NOT NULL REFERENCES transfers,
	UNIQUE (room, message_id, owner, part, size, filename, declared, media_type)
) STRICT;
CREATE INDEX attachments_sha256 ON attachments (sha256);

CREATE VIRTUAL TABLE search USING fts5 (
	text, content = '', contentless_delete = 1,
	tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co M*'"
);

CREATE TRIGGER items_delete AFTER DELETE ON items BEGIN
	UPDATE segments SET held = 0 WHERE id IN (SELECT segment FROM segment_items WHERE item = old.id);
	DELETE FROM segment_items WHERE item = old.id;
	DELETE FROM search WHERE rowid = old.id;
END;

CREATE TRIGGER quarantine_delete AFTER DELETE ON quarantine BEGIN
	UPDATE segments SET held = 0 WHERE id = old.segment;
END;

-- What is shown: messages, tombstones, roster events, and reactions to what is
-- not here, or is a reaction itself.
CREATE VIEW messages AS
	SELECT h.* FROM items h
	WHERE h.head IS NULL AND h.kind <> 5 AND NOT (h.kind = 2 AND h.state & 2 = 0 AND EXISTS (
		SELECT 1 FROM items t JOIN items th ON th.id = coalesce(t.head, t.id)
		WHERE t.name = h.reply AND +t.room = h.room AND th.kind <> 2));

-- Reactions that stand, each with the message that it is shown under.
CREATE VIEW reactions AS
	SELECT DISTINCT th.id AS message, r.id, r.reply, r.sender, r.instant, r.seq, r.key, c.record
	FROM items r JOIN items t ON t.name = r.reply AND +t.room = r.room
	JOIN items th ON th.id = coalesce(t.head, t.id)
	JOIN items c ON c.id = r.current
	WHERE r.kind = 2 AND r.head IS NULL AND r.state = 0 AND th.kind <> 2;
`

// version2 remembers what a transfer that is not complete has staged, see Staged.
const version2 = `
CREATE TABLE staged_segments (
	segment INTEGER NOT NULL REFERENCES segments ON DELETE CASCADE,
	transfer INTEGER NOT NULL REFERENCES transfers,
	ledger TEXT NOT NULL, -- how its items ended
	PRIMARY KEY (segment, transfer)
) STRICT, WITHOUT ROWID;

CREATE TABLE staged_attachments (
	room INTEGER NOT NULL REFERENCES rooms,
	message_id TEXT NOT NULL,
	part INTEGER NOT NULL,
	size INTEGER NOT NULL,
	transfer INTEGER NOT NULL REFERENCES transfers,
	PRIMARY KEY (room, message_id, part, size, transfer)
) STRICT, WITHOUT ROWID;
`

// migrate brings the schema to the present version in one transaction, or leaves
// it as it was.
func migrate(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var app, version, tables int
	for _, q := range []struct {
		sql string
		to  *int
	}{
		{"PRAGMA application_id", &app},
		{"PRAGMA user_version", &version},
		{"SELECT count(*) FROM sqlite_schema", &tables},
	} {
		if err := tx.QueryRowContext(ctx, q.sql).Scan(q.to); err != nil {
			return err
		}
	}
	switch {
	case app != applicationID && (app != 0 || version != 0 || tables != 0):
		return ErrNotStore
	case version > len(migrations):
		return ErrNewer
	case version == len(migrations):
		return nil
	}
	for _, m := range migrations[version:] {
		if _, err := tx.ExecContext(ctx, m); err != nil {
			return err
		}
	}
	for _, p := range []string{
		fmt.Sprintf("PRAGMA application_id = %d", applicationID),
		fmt.Sprintf("PRAGMA user_version = %d", len(migrations)),
	} {
		if _, err := tx.ExecContext(ctx, p); err != nil {
			return err
		}
	}
	return tx.Commit()
}
