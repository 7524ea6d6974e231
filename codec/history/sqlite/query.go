package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"iter"
	"math"
	"strings"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// ListRooms lists the rooms, the one with the newest message first.
func (s *Store) ListRooms(ctx context.Context) ([]RoomSummary, error) {
	const op = "list rooms"
	db, err := s.reader()
	if err != nil {
		return nil, wrap(op, err)
	}
	var out []RoomSummary
	err = eachRow(ctx, db, `SELECT r.uri, r.name, coalesce(m.messages, 0), coalesce(m.events, 0), m.first, m.last,
		(SELECT count(DISTINCT p.identity) FROM roster x JOIN roster_lists l ON l.segment = x.segment JOIN parties p ON p.id = x.party
			WHERE p.uri <> r.uri AND l.room = r.id AND l.transfer = (`+strings.ReplaceAll(listed, "?1", "r.id")+`)),
		(SELECT coalesce(sum(q.items), 0) FROM quarantine q WHERE q.room = r.id),
		EXISTS (SELECT 1 FROM transfer_rooms x JOIN transfers t ON t.id = x.transfer WHERE x.room = r.id AND t.state = 0)
		FROM rooms r LEFT JOIN (SELECT room, count(*) FILTER (WHERE kind <> 3) AS messages, count(*) FILTER (WHERE kind = 3) AS events,
			min(instant) FILTER (WHERE kind <> 3) AS first, max(instant) FILTER (WHERE kind <> 3) AS last FROM messages GROUP BY room) m
		ON m.room = r.id ORDER BY m.last DESC NULLS LAST, r.uri`, nil, func(rows *sql.Rows) error {
		var r RoomSummary
		var first, last sql.NullInt64
		if err := rows.Scan(&r.ID, &r.Name, &r.Messages, &r.Events, &first, &last, &r.Participants, &r.Quarantined, &r.Incomplete); err != nil {
			return err
		}
		if first.Valid {
			r.First, r.Last = timeOf(first.Int64), timeOf(last.Int64)
		}
		out = append(out, r)
		return nil
	})
	for i := range out {
		if r := &out[i]; err == nil && r.Name == "" {
			err = nameless(ctx, db, r)
		}
	}
	return out, wrap(op, err)
}

// nameless finds what a conversation can be called that has no room: its subject,
// and who takes part.
func nameless(ctx context.Context, db *sql.DB, r *RoomSummary) error {
	var id int64
	if err := db.QueryRowContext(ctx, "SELECT id FROM rooms WHERE uri = ?", r.ID).Scan(&id); err != nil {
		return err
	}
	var room segment.Room
	if err := roomMeta(ctx, db, id, &room); err != nil {
		return err
	}
	if room.Extra["subject"].Decode(&r.Name) == nil && r.Name != "" {
		return nil
	}
	return eachRow(ctx, db, `SELECT p.name, p.uri, p.identity FROM roster x JOIN roster_lists l ON l.segment = x.segment JOIN parties p ON p.id = x.party
		WHERE l.room = ?1 AND l.transfer = (`+listed+`) GROUP BY p.id ORDER BY p.name = '', p.name, p.identity LIMIT ?2`, []any{id, maxWho}, func(rows *sql.Rows) error {
		var p Person
		var identity string
		if err := rows.Scan(&p.Name, &p.URI, &identity); err != nil {
			return err
		}
		who := cmp.Or(p.Name, p.reached(identity).URI)
		if r.Who != "" && who != "" {
			who = ", " + who
		}
		r.Who += who
		return nil
	})
}

// Kinds counts the records of all rooms by what they are.
func (s *Store) Kinds(ctx context.Context) (map[string]uint64, error) {
	const op = "count records"
	db, err := s.reader()
	if err != nil {
		return nil, wrap(op, err)
	}
	out := map[string]uint64{}
	err = eachRow(ctx, db, "SELECT kind, act = ?, count(*) FROM items GROUP BY 1, 2", []any{actDelete}, func(rows *sql.Rows) error {
		var kind int
		var deletes bool
		var n uint64
		err := rows.Scan(&kind, &deletes, &n)
		name := map[int]string{kindTombstone: "tombstone", kindReaction: "reaction", kindEvent: "roster event",
			kindOther: "record that is no message", kindNothing: "empty record"}[kind]
		switch {
		case deletes:
			name = "delete"
		case name == "":
			name = "message"
		}
		out[name] += n
		return err
	})
	return out, wrap(op, err)
}

// Beside is what a room's vCon has besides room, parties, dialog and attachments:
// its subject, analyses, and parameters that we do not know.
func (s *Store) Beside(ctx context.Context, room string) (codec.Fields, error) {
	const op = "read room"
	db, err := s.reader()
	if err != nil {
		return nil, wrap(op, err)
	}
	var id int64
	err = db.QueryRowContext(ctx, "SELECT id FROM rooms WHERE uri = ?", room).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, wrap(op, ErrUnknownRoom)
	}
	var r segment.Room
	if err == nil {
		err = roomMeta(ctx, db, id, &r)
	}
	return r.Extra, wrap(op, err)
}

func timeOf(instant int64) time.Time { return time.UnixMilli(instant).UTC() }

// A cursor is a place in the canonical order of a room.
type cursor struct {
	instant, seq int64
	key          []byte
}

// Messages yields a room's messages, oldest first. It reads a page at a time, so
// that an import may go on meanwhile. Errors: ErrUnknownRoom.
func (s *Store) Messages(ctx context.Context, room string, q Query) iter.Seq2[Message, error] {
	return s.messages(func(v *viewer, yield func(Message, error) bool) error {
		var id int64
		err := v.db.QueryRowContext(ctx, "SELECT id FROM rooms WHERE uri = ?", room).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrUnknownRoom
		}
		if err != nil {
			return err
		}
		to, err := v.end(ctx, id, q)
		if err != nil {
			return err
		}
		at := cursor{instant: math.MinInt64, seq: math.MinInt64, key: []byte{}}
		if !q.Since.IsZero() {
			at.instant = q.Since.UnixMilli()
		}
		if q.Limit > 0 {
			if err := v.skip(ctx, id, &at, to, q.Limit); err != nil {
				return err
			}
		}
		for {
			ids, err := v.page(ctx, id, &at, to)
			if err != nil || len(ids) == 0 {
				return err
			}
			if more, err := v.give(ctx, ids, yield); !more || err != nil {
				return err
			}
		}
	})
}

// messages wraps what makes messages.
func (s *Store) messages(f func(v *viewer, yield func(Message, error) bool) error) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		db, err := s.reader()
		if err == nil {
			err = f(newViewer(s, db), yield)
		}
		if err != nil {
			yield(Message{}, wrap("read messages", err))
		}
	}
}

// end is the place before which the messages of q are.
func (v *viewer) end(ctx context.Context, room int64, q Query) (cursor, error) {
	to := cursor{instant: math.MaxInt64, key: []byte{}}
	if !q.Until.IsZero() {
		to = cursor{instant: q.Until.UnixMilli(), seq: math.MinInt64, key: []byte{}}
	}
	if q.Before == (segment.Key{}) {
		return to, nil
	}
	c := cursor{key: q.Before[:]}
	err := v.db.QueryRowContext(ctx, "SELECT instant, seq FROM items WHERE key = ? AND room = ?", c.key, room).Scan(&c.instant, &c.seq)
	if errors.Is(err, sql.ErrNoRows) || err == nil && c.instant >= to.instant {
		return to, nil
	}
	return c, err
}

// skip moves at so that only limit messages are left before to.
func (v *viewer) skip(ctx context.Context, room int64, at *cursor, to cursor, limit int) error {
	var c cursor
	err := v.db.QueryRowContext(ctx, `SELECT instant, seq, key FROM messages
		WHERE room = ? AND (instant, seq, key) >= (?, ?, ?) AND (instant, seq, key) < (?, ?, ?)
		ORDER BY instant DESC, seq DESC, key DESC LIMIT 1 OFFSET ?`,
		room, at.instant, at.seq, at.key, to.instant, to.seq, to.key, limit).Scan(&c.instant, &c.seq, &c.key)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err == nil {
		*at = c
	}
	return err
}

// page returns the next messages after at, and moves at behind them.
func (v *viewer) page(ctx context.Context, room int64, at *cursor, to cursor) ([]int64, error) {
	var ids []int64
	err := eachRow(ctx, v.db, `SELECT id, instant, seq, key FROM messages
		WHERE room = ? AND (instant, seq, key) > (?, ?, ?) AND (instant, seq, key) < (?, ?, ?)
		ORDER BY instant, seq, key LIMIT ?`, []any{room, at.instant, at.seq, at.key, to.instant, to.seq, to.key, viewRows}, func(rows *sql.Rows) error {
		var id int64
		if err := rows.Scan(&id, &at.instant, &at.seq, &at.key); err != nil {
			return err
		}
		ids = append(ids, id)
		return nil
	})
	return ids, err
}

// give yields the messages of ids, in their order.
func (v *viewer) give(ctx context.Context, ids []int64, yield func(Message, error) bool) (more bool, err error) {
	page, err := v.load(ctx, ids)
	if err != nil {
		return false, err
	}
	for _, m := range page {
		if !yield(m, nil) {
			return false, nil
		}
	}
	return true, nil
}

// Search yields the messages that have every word of text, newest first. What is
// searched is what is shown: the last version, and nothing that was retracted or
// has expired. Any text is a valid query.
func (s *Store) Search(ctx context.Context, text string, q Query) iter.Seq2[Message, error] {
	return s.messages(func(v *viewer, yield func(Message, error) bool) error {
		limit := q.Limit
		if limit <= 0 {
			limit = searchLimit
		}
		since, until := int64(math.MinInt64), int64(math.MaxInt64)
		if !q.Since.IsZero() {
			since = q.Since.UnixMilli()
		}
		if !q.Until.IsZero() {
			until = q.Until.UnixMilli()
		}
		from, args := "items i", []any{}
		fits := func(Message) bool { return true }
		if match := matchQuery(text); match != "" {
			from, args = "search f JOIN items i ON i.id = f.rowid", []any{match}
		} else if text = strings.TrimSpace(text); text != "" {
			fits = func(m Message) bool { return strings.Contains(m.Text, text) }
		} else {
			return nil
		}
		query := "SELECT i.id FROM " + from + " JOIN rooms r ON r.id = i.room WHERE "
		if len(args) > 0 {
			query += "f.search MATCH ? AND "
		}
		query += `i.head IS NULL AND i.kind = 0 AND i.instant >= ? AND i.instant < ? AND (? = '' OR r.uri = ?)
			ORDER BY i.instant DESC, i.seq DESC, i.key DESC LIMIT ? OFFSET ?`
		args = append(args, since, until, q.Room, q.Room)
		for looked := 0; looked < maxSearched; looked += viewRows {
			var ids []int64
			err := eachRow(ctx, v.db, query, append(args[:len(args):len(args)], viewRows, looked), func(rows *sql.Rows) error {
				var id int64
				err := rows.Scan(&id)
				ids = append(ids, id)
				return err
			})
			if err != nil || len(ids) == 0 {
				return err
			}
			more, err := v.give(ctx, ids, func(m Message, err error) bool {
				if m.Deleted || m.Expired || !fits(m) {
					return true
				}
				limit--
				return yield(m, err) && limit > 0
			})
			if !more || err != nil {
				return err
			}
		}
		return nil
	})
}
