package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"iter"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// This file is what a transfer remembers of what it brought, until it is complete or
// superseded: another process that goes on with it counts that as imported, and not
// as there before.

// Staged yields what a transfer has staged, in whatever process: its segments with
// the ledgers that StageSegment returned, and its attachments. There is nothing for
// one that is complete, superseded or not known.
func (s *Store) Staged(ctx context.Context, id [32]byte) iter.Seq2[segment.Staged, error] {
	return func(yield func(segment.Staged, error) bool) {
		const op = "list what was staged"
		db, err := s.reader()
		if err != nil {
			yield(segment.Staged{}, wrap(op, err))
			return
		}
		rows, err := db.QueryContext(ctx, `SELECT s.segment, g.ledger, '', '', 0, 0
			FROM staged_segments g JOIN segments s ON s.id = g.segment JOIN transfers t ON t.id = g.transfer WHERE t.transfer = ?1
			UNION ALL SELECT NULL, NULL, r.uri, a.message_id, a.part, a.size
			FROM staged_attachments a JOIN rooms r ON r.id = a.room JOIN transfers t ON t.id = a.transfer WHERE t.transfer = ?1`, id[:])
		if err != nil {
			yield(segment.Staged{}, wrap(op, err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			v, err := scanStaged(rows)
			if err != nil {
				yield(segment.Staged{}, wrap(op, err))
				return
			}
			if !yield(v, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(segment.Staged{}, wrap(op, err))
		}
	}
}

func scanStaged(rows *sql.Rows) (v segment.Staged, err error) {
	var id, ledger []byte
	var a segment.AttachmentEntry
	if err := rows.Scan(&id, &ledger, &v.Room, &a.MessageID, &a.Part, &a.Size); err != nil {
		return v, err
	}
	if ledger == nil {
		v.Attachment = &a
		return v, nil
	}
	copy(v.Segment[:], id)
	return v, json.Unmarshal(ledger, &v.Ledger)
}

// staged notes how the items of a segment ended. A segment that is wanted again
// counts as it ended last.
func (t *transfer) staged(ctx context.Context, tx *sql.Tx, seg int64, l segment.Ledger) error {
	ledger, err := json.Marshal(l)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT OR REPLACE INTO staged_segments (segment, transfer, ledger) VALUES (?, ?, ?)", seg, t.row, string(ledger))
	return err
}

// fetched notes that the content of an attachment came in this transfer.
func (t *transfer) fetched(ctx context.Context, tx *sql.Tx, room int64, e segment.AttachmentEntry) error {
	_, err := tx.ExecContext(ctx, "INSERT OR IGNORE INTO staged_attachments (room, message_id, part, size, transfer) VALUES (?, ?, ?, ?, ?)",
		room, e.MessageID, clamp(e.Part), clamp(e.Size), t.row)
	return err
}

// forgetStaged removes what transfers remember that nobody goes on with.
func forgetStaged(ctx context.Context, tx *sql.Tx) error {
	for _, table := range []string{"staged_segments", "staged_attachments"} {
		if _, err := tx.ExecContext(ctx, "DELETE FROM "+table+" WHERE transfer IN (SELECT id FROM transfers WHERE state <> 0)"); err != nil {
			return err
		}
	}
	return nil
}
