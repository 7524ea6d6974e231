package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"math"
	"sync/atomic"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// A transfer is the one that the store takes part in.
type transfer struct {
	row     int64
	source  int64
	shared  bool // somebody else's word
	listing listing
	segment segment.ID // the last one that was listed: attachments follow theirs
	space   space
	written atomic.Uint64 // bytes of contents, since Begin
}

// States of a transfer.
const (
	incomplete = 0
	complete   = 1
	superseded = 2
)

// Begin opens a transfer, or goes on with it. Everything that it brings is marked
// incomplete until Commit. What cannot fit is refused by Have, with a
// *history.SpaceError in a *DestinationError.
func (s *Store) Begin(ctx context.Context, info segment.TransferInfo) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := &transfer{shared: info.SharedBy != ""}
	err := s.update(ctx, "begin transfer", func(tx *sql.Tx) error {
		if err := s.files.prune(s.now().Add(-maxUnfinished)); err != nil {
			return err
		}
		if err := s.measure(ctx, tx, t, info); err != nil {
			return err
		}
		var err error
		if t.source, err = rowOf(ctx, tx, "SELECT id FROM sources WHERE shared_by = ?",
			"INSERT INTO sources (shared_by) VALUES (?)", bounded(info.SharedBy, maxLabel)); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO transfers (transfer, source, sender, started, messages, bytes, state)
			VALUES (?, ?, ?, ?, ?, ?, 0) ON CONFLICT (transfer) DO UPDATE
			SET messages = excluded.messages, bytes = excluded.bytes, state = 0, cause = ''`,
			info.ID[:], t.source, bounded(info.Sender, maxLabel), info.Started.UnixMilli(), clamp(info.Messages), clamp(info.Bytes))
		if err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, "SELECT id FROM transfers WHERE transfer = ?", info.ID[:]).Scan(&t.row)
	})
	if err == nil {
		s.transfer = t
	}
	return err
}

// Commit marks the transfer complete, and keeps the receipt, in one transaction.
// That everything came is the session's to
// know, by the root: a source may list other segments after a lost connection.
func (s *Store) Commit(ctx context.Context, end segment.End, receipt []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.transfer
	if t == nil {
		return wrap("commit transfer", ErrNoTransfer)
	}
	ledger, err := json.Marshal(end.Ledger)
	if err != nil {
		return wrap("commit transfer", err)
	}
	err = s.update(ctx, "commit transfer", func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "UPDATE transfers SET state = 1, cause = '', root = ?, ledger = ?, receipt = ? WHERE id = ?",
			end.Root[:], string(ledger), receipt, t.row); err != nil {
			return err
		}
		if err := supersede(ctx, tx, t.row); err != nil {
			return err
		}
		return forgetStaged(ctx, tx)
	})
	if err == nil {
		s.transfer = nil
	}
	return err
}

// supersede takes the mark from earlier incomplete transfers that a complete one
// made up for: of the same person, from a device of the same name, that announced
// no more, with rooms and spans that the complete one listed too.
func supersede(ctx context.Context, tx *sql.Tx, done int64) error {
	_, err := tx.ExecContext(ctx, `UPDATE transfers SET state = 2 WHERE state = 0 AND id IN (
		SELECT old.id FROM transfers old JOIN transfers new ON new.id = ?1
		WHERE old.id <> new.id AND old.source = new.source AND old.sender = new.sender AND old.messages <= new.messages
		AND NOT EXISTS (
			SELECT 1 FROM transfer_rooms o WHERE o.transfer = old.id AND NOT EXISTS (
				SELECT 1 FROM transfer_rooms n WHERE n.transfer = new.id AND n.room = o.room
				AND n.first <= o.first AND n.last >= o.last)))`, done)
	return err
}

// Abort ends the transfer without Commit. What was staged stays, marked
// incomplete; the same or another transfer can complete it.
func (s *Store) Abort(ctx context.Context, cause error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.transfer
	if t == nil {
		return nil
	}
	s.transfer = nil
	why := ""
	if cause != nil {
		why = bounded(cause.Error(), maxLabel)
	}
	return s.update(ctx, "abort transfer", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE transfers SET cause = ? WHERE id = ? AND state = 0", why, t.row)
		return err
	})
}

// A Transfer is one transfer that the store took part in.
type Transfer struct {
	ID         [32]byte
	Started    time.Time // by the sender's clock
	Sender     string    // the old device's label; not escaped
	SharedBy   string    // "" for the person's own device
	Messages   uint64    // announced
	Bytes      uint64    // announced
	Complete   bool
	Superseded bool   // incomplete, but a later complete transfer made up for it
	Cause      string // why it ended, when it is incomplete and that is known
	Root       [32]byte
	Ledger     segment.Ledger // of a complete one
	Receipt    []byte         // of a complete one: sealed for the old device, as it was given
}

// Transfers lists the transfers, the latest first.
func (s *Store) Transfers(ctx context.Context) ([]Transfer, error) {
	db, err := s.reader()
	if err != nil {
		return nil, wrap("list transfers", err)
	}
	rows, err := db.QueryContext(ctx, `SELECT t.transfer, t.started, t.sender, s.shared_by, t.messages, t.bytes, t.state, t.cause,
		t.root, t.ledger, t.receipt FROM transfers t JOIN sources s ON s.id = t.source ORDER BY t.id DESC`)
	if err != nil {
		return nil, wrap("list transfers", err)
	}
	defer rows.Close()
	var out []Transfer
	for rows.Next() {
		var (
			t               Transfer
			id, root        []byte
			started         int64
			messages, bytes int64
			state           int
			ledger          sql.NullString
		)
		if err := rows.Scan(&id, &started, &t.Sender, &t.SharedBy, &messages, &bytes, &state, &t.Cause, &root, &ledger, &t.Receipt); err != nil {
			return nil, wrap("list transfers", err)
		}
		copy(t.ID[:], id)
		copy(t.Root[:], root)
		t.Started, t.Messages, t.Bytes = time.UnixMilli(started).UTC(), uint64(messages), uint64(bytes)
		t.Complete, t.Superseded = state == complete, state == superseded
		if ledger.Valid {
			if err := json.Unmarshal([]byte(ledger.String), &t.Ledger); err != nil {
				return nil, wrap("list transfers", err)
			}
		}
		out = append(out, t)
	}
	return out, wrap("list transfers", rows.Err())
}

// Receipt gives the receipt of a transfer that is complete, as Commit got it, else
// nil. It is that of transfer.ReceiptKeeper.
func (s *Store) Receipt(ctx context.Context, id [32]byte) ([]byte, error) {
	const op = "read receipt"
	db, err := s.reader()
	if err != nil {
		return nil, wrap(op, err)
	}
	var receipt []byte
	err = db.QueryRowContext(ctx, "SELECT receipt FROM transfers WHERE transfer = ? AND state = ?", id[:], complete).Scan(&receipt)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return receipt, wrap(op, err)
}

// clamp makes a number of the peer's fit a column.
func clamp(n uint64) int64 { return int64(min(n, math.MaxInt64)) }

// rowOf returns the id of a row that one text identifies, and inserts it when
// there is none.
func rowOf(ctx context.Context, tx *sql.Tx, find, insert, text string) (int64, error) {
	var id int64
	err := tx.QueryRowContext(ctx, find, text).Scan(&id)
	if !errors.Is(err, sql.ErrNoRows) {
		return id, err
	}
	res, err := tx.ExecContext(ctx, insert, text)
	if err != nil {
		return 0, err
	}
	return res.LastInsertId()
}
