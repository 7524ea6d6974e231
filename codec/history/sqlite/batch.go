package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// held finds what the store has under the keys of items.
func (g *stage) held(ctx context.Context, items []prepared) (map[segment.Key]*heldRow, error) {
	out := make(map[segment.Key]*heldRow, len(items))
	keys := make([]any, 0, lookupRows)
	find := func() error {
		if len(keys) == 0 {
			return nil
		}
		rows, err := g.tx.QueryContext(ctx, `SELECT i.id, i.key, i.source, i.transfer, s.shared_by = '', i.kind, i.act, i.instant, i.seq,
			i.level, i.record, i.attachments, i.message_id, i.replaces, coalesce(p.identity, '')
			FROM items i JOIN sources s ON s.id = i.source LEFT JOIN parties p ON p.id = i.sender
			WHERE i.key IN (`+marks(len(keys))+")", keys...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var key []byte
			p := new(prepared)
			r := &heldRow{prepared: p}
			if err := rows.Scan(&r.id, &key, &r.source, &r.transfer, &r.own, &p.kind, &p.act, &p.head.Instant, &r.seq,
				&p.level, &p.record, &p.attachments, &p.messageID, &p.replaces, &p.identity); err != nil {
				return err
			}
			copy(p.head.Key[:], key)
			out[p.head.Key] = r
		}
		keys = keys[:0]
		return rows.Err()
	}
	for i := range items {
		keys = append(keys, items[i].head.Key[:])
		if len(keys) == lookupRows {
			if err := find(); err != nil {
				return nil, err
			}
		}
	}
	return out, find()
}

// nextID is the id of the next item; ids are never used twice.
func (g *stage) nextID(ctx context.Context) (int64, error) {
	var last int64
	err := g.tx.QueryRowContext(ctx, "SELECT seq FROM sqlite_sequence WHERE name = 'items'").Scan(&last)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return last + 1, err
}

// A batch is what one segment writes.
type batch struct {
	*stage
	firstNew int64
	rows     []*heldRow      // new or changed
	placed   []*heldRow      // of every item that has a row
	left     []sql.NullInt64 // what a replaced record replaced
}

// replace gives a row the record that comes.
func (b *batch) replace(row *heldRow, p *prepared) {
	if row.source != b.t.source {
		row.formerly = append(row.formerly, row.source)
		row.source, row.own, row.credited = b.t.source, !b.t.shared, false
	}
	if row.replaces.Valid && row.replaces != p.replaces {
		b.left = append(b.left, row.replaces)
	}
	row.prepared = p
	if !row.isNew && !row.changed {
		row.changed = true
		b.rows = append(b.rows, row)
	}
}

func (b *batch) flush(ctx context.Context) error {
	steps := []func(context.Context) error{b.insert, b.change, b.renumber, b.credit, b.place, b.index}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	ids, err := b.touched(ctx)
	if err != nil || len(ids) == 0 {
		return err
	}
	return resolve(ctx, b.tx, ids)
}

// insert writes the new rows. What replaces or is replaced is settled after it.
func (b *batch) insert(ctx context.Context) error {
	const columns = 22
	w := rowWriter{tx: b.tx, columns: columns, sql: `INSERT INTO items (id, key, room, kind, act, again, instant, seq, size, attached,
		message_id, name, replaces, reply, sender, level, source, transfer, record, attachments, current, state) VALUES `}
	for _, r := range b.rows {
		if !r.isNew {
			continue
		}
		r.seq = b.seqOf(r)
		current, state := settled(r.prepared, r.id)
		if err := w.add(ctx, r.id, r.head.Key[:], b.room, r.kind, r.act, r.again, r.head.Instant, r.seq, int64(r.head.Size),
			int64(r.head.Attachments), r.messageID, r.name, r.replaces, r.reply, r.sender, int(r.level), r.source, b.t.row, r.record,
			r.attachments, current, state); err != nil {
			return err
		}
	}
	return w.flush(ctx)
}

// settled is how an item stands that is alone in its chain.
func settled(p *prepared, id int64) (current sql.NullInt64, state int) {
	switch p.act {
	case actNone:
		return sql.NullInt64{Int64: id, Valid: true}, 0
	case actExpired:
		return current, stateExpired
	}
	return current, stateDeleted
}

func (b *batch) change(ctx context.Context) error {
	for _, r := range b.rows {
		if r.isNew {
			continue
		}
		r.seq = b.seqOf(r)
		current, state := settled(r.prepared, r.id)
		if _, err := b.tx.ExecContext(ctx, `UPDATE items SET kind = ?, act = ?, again = ?, instant = ?, seq = ?, size = ?, attached = ?,
			name = ?, replaces = ?, reply = ?, sender = ?, level = ?, source = ?, transfer = ?, record = ?, attachments = ?, current = ?, state = ?
			WHERE id = ?`, r.kind, r.act, r.again, r.head.Instant, r.seq, int64(r.head.Size), int64(r.head.Attachments),
			r.name, r.replaces, r.reply, r.sender, int(r.level), r.source, b.t.row, r.record, r.attachments, current, state, r.id); err != nil {
			return err
		}
	}
	return nil
}

// renumber gives items that were there the places they have in this segment.
func (b *batch) renumber(ctx context.Context) error {
	for _, r := range b.placed {
		if r.isNew || r.changed || r.kept {
			continue
		}
		if seq := b.seqOf(r); seq != r.seq {
			if _, err := b.tx.ExecContext(ctx, "UPDATE items SET seq = ? WHERE id = ?", seq, r.id); err != nil {
				return err
			}
			r.moved = true
		}
	}
	var moved []int64
	for _, r := range b.placed {
		if r.moved || r.changed {
			moved = append(moved, r.id)
		}
	}
	return outdate(ctx, b.tx, b.seg, moved)
}

// outdate marks the segments that have items in common with seg, which gave them
// other places.
func outdate(ctx context.Context, tx *sql.Tx, seg int64, items []int64) error {
	return inChunks(items, func(ids []any) error {
		_, err := tx.ExecContext(ctx, "UPDATE segments SET stale = 1 WHERE id <> ? AND id IN (SELECT segment FROM segment_items WHERE item IN ("+
			marks(len(ids))+"))", append([]any{seg}, ids...)...)
		return err
	})
}

func (b *batch) seqOf(r *heldRow) int64 { return b.placing.seqOf(r.place, r.head.Instant, b.entry) }

// credit notes the sources that have an item besides the one of its record.
func (b *batch) credit(ctx context.Context) error {
	w := rowWriter{tx: b.tx, columns: 2, sql: "INSERT OR IGNORE INTO item_sources (item, source) VALUES "}
	for _, r := range b.placed {
		if r.credited {
			if err := w.add(ctx, r.id, b.t.source); err != nil {
				return err
			}
		}
		for _, source := range r.formerly {
			if err := w.add(ctx, r.id, source); err != nil {
				return err
			}
		}
	}
	return w.flush(ctx)
}

func (b *batch) place(ctx context.Context) error {
	w := rowWriter{tx: b.tx, columns: 3, sql: "INSERT OR REPLACE INTO segment_items (item, segment, place) VALUES "}
	rows := make(map[int64]bool, len(b.placed))
	for _, r := range b.placed {
		rows[r.id] = true
		if err := w.add(ctx, r.id, b.seg, r.place); err != nil {
			return err
		}
	}
	if err := w.flush(ctx); err != nil {
		return err
	}
	_, err := b.tx.ExecContext(ctx, "UPDATE segments SET placed = ? WHERE id = ?", len(rows), b.seg)
	return err
}

// index writes the text of new messages that replace nothing; the others' is
// written when they are settled.
func (b *batch) index(ctx context.Context) error {
	w := rowWriter{tx: b.tx, columns: 2, sql: "INSERT INTO search (rowid, text) VALUES "}
	for _, r := range b.rows {
		if r.isNew && !r.replaces.Valid && r.text != "" {
			if err := w.add(ctx, r.id, r.text); err != nil {
				return err
			}
		}
	}
	return w.flush(ctx)
}

// touched are the items whose chains this segment changed.
func (b *batch) touched(ctx context.Context) ([]int64, error) {
	var ids []int64
	for _, r := range b.rows {
		if r.changed || r.replaces.Valid {
			ids = append(ids, r.id)
		}
	}
	for _, r := range b.placed {
		if r.moved {
			ids = append(ids, r.id)
		}
	}
	add := func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	}
	err := eachRow(ctx, b.tx, `SELECT id FROM items t WHERE id >= ? AND replaces IS NULL
		AND EXISTS (SELECT 1 FROM items r WHERE r.replaces = t.name)`, []any{b.firstNew}, add)
	for _, name := range b.left {
		if err == nil {
			err = eachRow(ctx, b.tx, "SELECT id FROM items WHERE name = ?1 OR replaces = ?1", []any{name}, add)
		}
	}
	return ids, err
}
