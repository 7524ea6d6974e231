package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// Rooms lists the rooms, the one with the newest item first.
func (s *Store) Rooms(ctx context.Context) ([]history.RoomInfo, error) {
	const op = "list rooms"
	db, err := s.reader()
	if err != nil {
		return nil, wrap(op, err)
	}
	rows, err := db.QueryContext(ctx, `SELECT r.id, r.uri, count(i.id), coalesce(min(i.instant), 0), coalesce(max(i.instant), 0)
		FROM rooms r LEFT JOIN items i ON i.room = r.id
		WHERE EXISTS (SELECT 1 FROM segments s WHERE s.room = r.id AND s.held)
		GROUP BY r.id ORDER BY max(i.instant) DESC NULLS LAST, r.uri`)
	if err != nil {
		return nil, wrap(op, err)
	}
	defer rows.Close()
	var out []history.RoomInfo
	var ids []int64
	for rows.Next() {
		var id int64
		var r history.RoomInfo
		if err := rows.Scan(&id, &r.Room.ID, &r.Items, &r.First, &r.Last); err != nil {
			return nil, wrap(op, err)
		}
		out, ids = append(out, r), append(ids, id)
	}
	if err := rows.Err(); err != nil {
		return nil, wrap(op, err)
	}
	for i := range out {
		err := roomMeta(ctx, db, ids[i], &out[i].Room)
		if err == nil {
			out[i].Roster, err = rosterOf(ctx, db, ids[i])
		}
		if err != nil {
			return nil, wrap(op, err)
		}
	}
	return out, nil
}

// listed selects the transfer whose list of a room's roster segments counts: of
// the person's own devices before others', complete before incomplete, latest
// first.
const listed = `SELECT l.transfer FROM roster_lists l JOIN transfers t ON t.id = l.transfer JOIN sources s ON s.id = t.source
	WHERE l.room = ?1 ORDER BY s.shared_by = '' DESC, t.state = 1 DESC, t.id DESC LIMIT 1`

// roomMeta reads a room's metadata.
func roomMeta(ctx context.Context, db *sql.DB, id int64, room *segment.Room) error {
	var meta, extra []byte
	err := db.QueryRowContext(ctx, `SELECT r.meta, r.extra FROM roster_segments r JOIN roster_lists l ON l.segment = r.segment
		WHERE l.room = ?1 AND r.whole AND l.transfer = (`+listed+`)`, id).Scan(&meta, &extra)
	if errors.Is(err, sql.ErrNoRows) {
		err = db.QueryRowContext(ctx, "SELECT meta FROM rooms WHERE id = ?", id).Scan(&meta)
	}
	if err != nil {
		return err
	}
	if meta != nil {
		if room.Meta, err = codec.DecodeRoomCBOR(meta); err != nil {
			return err
		}
	}
	room.Extra, err = decodeFields(extra)
	return err
}

// rosterOf reads the parties of a room.
func rosterOf(ctx context.Context, db *sql.DB, id int64) ([]codec.Party, error) {
	var out []codec.Party
	err := eachRow(ctx, db, `SELECT DISTINCT p.record, p.uri FROM roster r JOIN roster_lists l ON l.segment = r.segment
		JOIN parties p ON p.id = r.party WHERE l.room = ?1 AND l.transfer = (`+listed+`) ORDER BY p.uri, p.record`, []any{id}, func(rows *sql.Rows) error {
		var record []byte
		var uri string
		if err := rows.Scan(&record, &uri); err != nil {
			return err
		}
		p, err := codec.DecodePartyCBOR(record)
		if err != nil {
			return err
		}
		out = append(out, *p)
		return nil
	})
	return out, err
}

// Heads yields the heads of a room's items in canonical order.
func (s *Store) Heads(ctx context.Context, room string) iter.Seq2[segment.Head, error] {
	const op = "list items"
	return func(yield func(segment.Head, error) bool) {
		fail := func(err error) { yield(segment.Head{}, wrap(op, err)) }
		db, err := s.reader()
		if err != nil {
			fail(err)
			return
		}
		rows, err := db.QueryContext(ctx, `SELECT i.id, i.key, i.instant, i.size, i.kind = ?, i.attached
			FROM items i JOIN rooms r ON r.id = i.room WHERE r.uri = ? ORDER BY i.instant, i.seq, i.key`, kindEvent, room)
		if err != nil {
			fail(err)
			return
		}
		defer rows.Close()
		var key []byte
		for rows.Next() {
			var h segment.Head
			if err := rows.Scan(&h.Ref, &key, &h.Instant, &h.Size, &h.Roster, &h.Attachments); err != nil {
				fail(err)
				return
			}
			copy(h.Key[:], key)
			if !yield(h, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			fail(err)
		}
	}
}

// Items reads the items of heads, in their order; they share Parties. It fails
// with history.ErrChanged when one is not there any more.
func (s *Store) Items(ctx context.Context, room string, heads []segment.Head) ([]segment.Item, error) {
	const op = "read items"
	if len(heads) > maxHeads {
		return nil, wrap(op, fmt.Errorf("more than %d heads", maxHeads))
	}
	db, err := s.reader()
	if err != nil {
		return nil, wrap(op, err)
	}
	ids := make([]int64, len(heads))
	for i, h := range heads {
		ids[i] = int64(h.Ref)
	}
	var found int
	items := make([]segment.Item, len(heads))
	at := make(map[int64]int, len(heads))
	for i, id := range ids {
		at[id] = i
	}
	// The plus keeps SQLite from walking the whole room by its index: the rows are
	// found by their ids.
	err = inChunks(ids, func(ids []any) error {
		return eachRow(ctx, db, `SELECT i.id, i.key, i.instant, i.again, i.record, i.attachments, s.shared_by
			FROM items i JOIN rooms r ON r.id = +i.room JOIN sources s ON s.id = i.source
			WHERE r.uri = ? AND i.id IN (`+marks(len(ids))+")", append([]any{room}, ids...), func(rows *sql.Rows) error {
			var id int64
			var key, record, attached []byte
			var it segment.Item
			if err := rows.Scan(&id, &key, &it.Instant, &it.Again, &record, &attached, &it.Provenance); err != nil {
				return err
			}
			i := at[id]
			if string(key) != string(heads[i].Key[:]) {
				return history.ErrChanged
			}
			found++
			var err error
			if it.Dialog, err = codec.DecodeDialogCBOR(record); err != nil {
				return err
			}
			if it.Attachments, err = decodeAttachments(attached); err != nil {
				return err
			}
			items[i] = it
			return nil
		})
	})
	if err == nil && found != len(heads) {
		err = history.ErrChanged
	}
	if err == nil {
		err = s.cite(ctx, db, room, items)
	}
	if err != nil {
		return nil, wrap(op, err)
	}
	return items, nil
}

func decodeAttachments(b []byte) ([]codec.Attachment, error) {
	if b == nil {
		return nil, nil
	}
	v, err := codec.DecodeCBOR(b)
	if err != nil {
		return nil, err
	}
	return v.Attachments, nil
}

// OpenAttachment opens a content that is held, from offset on. It returns
// segment.ErrContentAbsent for one that is not.
func (s *Store) OpenAttachment(ctx context.Context, room string, e segment.AttachmentEntry, offset uint64) (io.ReadCloser, error) {
	const op = "open attachment"
	if offset > e.Size || e.Size > maxAttachment {
		return nil, wrap(op, errors.New("offset out of range"))
	}
	db, err := s.reader()
	if err != nil {
		return nil, wrap(op, err)
	}
	var sum []byte
	err = db.QueryRowContext(ctx, `SELECT a.sha256 FROM attachments a JOIN rooms r ON r.id = a.room
		WHERE r.uri = ? AND a.message_id = ? AND a.part = ? AND a.size = ?
		ORDER BY a.filename = ? AND a.declared = ? AND a.media_type = ? DESC, a.id LIMIT 1`,
		room, e.MessageID, clamp(e.Part), clamp(e.Size), e.Filename, e.Declared, e.MediaType).Scan(&sum)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, wrap(op, segment.ErrContentAbsent)
	}
	if err != nil {
		return nil, wrap(op, err)
	}
	if ok, err := s.files.holds(sum, e.Size); err != nil || !ok {
		return nil, wrap(op, errors.Join(segment.ErrContentAbsent, err))
	}
	f, err := s.files.open(sum, offset)
	if err != nil {
		return nil, wrap(op, err)
	}
	return f, nil
}

// Left counts what is in quarantine: it is no item of any segment.
func (s *Store) Left(ctx context.Context) (segment.Ledger, error) {
	const op = "count quarantine"
	var l segment.Ledger
	db, err := s.reader()
	if err != nil {
		return l, wrap(op, err)
	}
	err = eachRow(ctx, db, "SELECT reason, sum(items) FROM quarantine GROUP BY reason", nil, func(rows *sql.Rows) error {
		var reason string
		var n uint64
		if err := rows.Scan(&reason, &n); err != nil {
			return err
		}
		l.Source += n
		l.AddQuarantined(segment.Reason(reason), n)
		return nil
	})
	return l, wrap(op, err)
}
