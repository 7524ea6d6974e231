package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// Have says what is held of a part of a manifest: one Want for each segment and
// attachment of entries, in order. A segment is held while its items are. It
// notes for the items of held segments that this source has them too.
func (s *Store) Have(ctx context.Context, room segment.RoomEntry, entries []segment.Entry) ([]segment.Want, error) {
	const op = "compare manifest"
	if len(entries) > maxHave {
		return nil, wrap(op, fmt.Errorf("more than %d entries", maxHave))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.transfer
	if t == nil {
		return nil, wrap(op, ErrNoTransfer)
	}
	var wants []segment.Want
	err := s.update(ctx, op, func(tx *sql.Tx) error {
		row, err := roomRow(ctx, tx, room)
		if err != nil {
			return err
		}
		for _, e := range entries {
			switch e.Type {
			case segment.SegmentType:
				w, err := t.haveSegment(ctx, tx, row, e.Segment)
				if err == nil {
					err = s.want(e, w)
				}
				if err != nil {
					return err
				}
				wants = append(wants, w)
			case segment.AttachmentType:
				w, err := s.haveAttachment(ctx, tx, row, e.Attachment)
				if err == nil {
					err = s.want(e, w)
				}
				if err != nil {
					return err
				}
				wants = append(wants, w)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return wants, nil
}

func (t *transfer) haveSegment(ctx context.Context, tx *sql.Tx, room int64, e segment.SegmentEntry) (segment.Want, error) {
	if err := t.touch(ctx, tx, room, e); err != nil {
		return segment.Want{}, err
	}
	p := t.listing.next(room, e)
	t.segment = e.ID
	var id int64
	var held, stale bool
	err := tx.QueryRowContext(ctx, "SELECT id, held, stale FROM segments WHERE segment = ?", e.ID[:]).Scan(&id, &held, &stale)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !held {
		return segment.Want{Need: true}, nil
	}
	if err != nil {
		return segment.Want{}, err
	}
	if err := t.credit(ctx, tx, id); err != nil {
		return segment.Want{}, err
	}
	if err := t.list(ctx, tx, room, id, e.Kind); err != nil {
		return segment.Want{}, err
	}
	return segment.Want{}, p.apply(ctx, tx, id, e, stale)
}

// list notes that the transfer listed a roster segment.
func (t *transfer) list(ctx context.Context, tx *sql.Tx, room, seg int64, kind segment.Kind) error {
	if kind != segment.Roster {
		return nil
	}
	_, err := tx.ExecContext(ctx, "INSERT OR IGNORE INTO roster_lists (room, transfer, segment) VALUES (?, ?, ?)", room, t.row, seg)
	return err
}

// touch notes that the transfer covers a span of a room.
func (t *transfer) touch(ctx context.Context, tx *sql.Tx, room int64, e segment.SegmentEntry) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO transfer_rooms (transfer, room, first, last) VALUES (?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last)
		WHERE first > excluded.first OR last < excluded.last`, t.row, room, e.First, e.Last)
	return err
}

// credit notes the source of this transfer for the items of a held segment.
func (t *transfer) credit(ctx context.Context, tx *sql.Tx, seg int64) error {
	res, err := tx.ExecContext(ctx, "INSERT OR IGNORE INTO segment_sources (segment, source) VALUES (?, ?)", seg, t.source)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); n == 0 || err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT OR IGNORE INTO item_sources (item, source)
		SELECT i.id, ?1 FROM segment_items s JOIN items i ON i.id = s.item WHERE s.segment = ?2 AND i.source <> ?1`, t.source, seg)
	return err
}

// haveAttachment finds the content by its name of message, part and size, else by
// its hash, else as much of it as came earlier.
func (s *Store) haveAttachment(ctx context.Context, tx *sql.Tx, room int64, e segment.AttachmentEntry) (segment.Want, error) {
	if e.Size > maxAttachment {
		return segment.Want{}, fmt.Errorf("attachment larger than %d bytes", uint64(maxAttachment))
	}
	var sum []byte
	var err error
	if e.SHA256 != nil {
		sum = e.SHA256[:]
	} else {
		err = tx.QueryRowContext(ctx, `SELECT sha256 FROM attachments WHERE room = ? AND message_id = ? AND owner = ? AND part = ? AND size = ?
			AND filename = ? AND declared = ? AND media_type = ?`, room, e.MessageID, ownerOf(s.transfer.segment, e),
			clamp(e.Part), clamp(e.Size), e.Filename, e.Declared, e.MediaType).Scan(&sum)
	}
	if err == nil {
		ok, err := s.files.holds(sum, e.Size)
		if err != nil {
			return segment.Want{}, err
		}
		if ok {
			w := segment.Want{Have: [32]byte(sum)}
			return w, s.transfer.record(ctx, tx, room, s.transfer.segment, e, w.Have, nil)
		}
	} else if !errors.Is(err, sql.ErrNoRows) {
		return segment.Want{}, err
	}
	size, err := s.files.size(unfinishedName(room, s.transfer.segment, e))
	if err != nil {
		return segment.Want{}, err
	}
	return segment.Want{Need: true, Offset: min(uint64(max(size, 0)), e.Size)}, nil
}

// roomRow returns the row of a room, and inserts it when there is none.
func roomRow(ctx context.Context, tx *sql.Tx, room segment.RoomEntry) (int64, error) {
	var id int64
	var name string
	err := tx.QueryRowContext(ctx, "SELECT id, name FROM rooms WHERE uri = ?", room.ID).Scan(&id, &name)
	if errors.Is(err, sql.ErrNoRows) {
		res, err := tx.ExecContext(ctx, "INSERT INTO rooms (uri, name) VALUES (?, ?)", room.ID, room.Name)
		if err != nil {
			return 0, err
		}
		return res.LastInsertId()
	}
	if err == nil && room.Name != "" && room.Name != name {
		_, err = tx.ExecContext(ctx, "UPDATE rooms SET name = ? WHERE id = ?", room.Name, id)
	}
	return id, err
}

// A listing follows a room's manifest, from its newest segment to its oldest, to
// number those segments that share an instant: only there does the order of two
// segments' items not follow from their instants (wire-format, "Cutting a room").
type listing struct {
	room   int64
	kind   segment.Kind
	first  int64 // the first instant of the segment before, which is newer
	rank   int64 // of that segment's items at that instant
	began  bool
	ranked map[segment.ID]placing // those with a rank other than 0
}

// A placing is the ranks of a segment's items at its last and its first instant.
// Items between have rank 0.
type placing struct {
	last, first int64
}

func (l *listing) next(room int64, e segment.SegmentEntry) placing {
	var p placing
	if l.began && l.room == room && l.kind == e.Kind && l.first == e.Last {
		p.last = l.rank - 1
	}
	if e.First == e.Last {
		p.first = p.last
	}
	l.room, l.kind, l.first, l.rank, l.began = room, e.Kind, e.First, p.first, true
	if p == (placing{}) {
		delete(l.ranked, e.ID)
	} else {
		if l.ranked == nil {
			l.ranked = map[segment.ID]placing{}
		}
		l.ranked[e.ID] = p
	}
	return p
}

// of is the placing of a segment that was listed.
func (l *listing) of(id segment.ID) placing { return l.ranked[id] }

// seqOf is the sequence number of the item at place in its segment. Of one
// instant, roster events come before messages.
func (p placing) seqOf(place int, instant int64, e segment.SegmentEntry) int64 {
	rank := int64(0)
	switch instant {
	case e.Last:
		rank = p.last
	case e.First:
		rank = p.first
	}
	return seqBase(rank, e.Kind) + int64(place)
}

func seqBase(rank int64, kind segment.Kind) int64 {
	base := rank * maxPlaces
	if kind == segment.Roster {
		base -= rosterFirst
	}
	return base
}

// apply renumbers the items of a held segment: those of its first and last
// instant, whose rank changed because newer items of that instant came to the
// source, and all when another segment has renumbered some.
func (p placing) apply(ctx context.Context, tx *sql.Tx, seg int64, e segment.SegmentEntry, stale bool) error {
	var moved, versions []int64
	renumber := func(rank int64, where string, args ...any) error {
		return eachRow(ctx, tx, `UPDATE items SET seq = ?1 + s.place FROM segment_items s
			WHERE s.segment = ?2 AND items.id = s.item AND items.seq <> ?1 + s.place AND `+where+` RETURNING id, replaces IS NOT NULL`,
			append([]any{seqBase(rank, e.Kind), seg}, args...), func(rows *sql.Rows) error {
				var id int64
				var version bool
				err := rows.Scan(&id, &version)
				moved = append(moved, id)
				if version {
					versions = append(versions, id)
				}
				return err
			})
	}
	if stale {
		if err := renumber(0, "items.instant > ?3 AND items.instant < ?4", e.First, e.Last); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE segments SET stale = 0 WHERE id = ?", seg); err != nil {
			return err
		}
	}
	if err := renumber(p.last, "items.instant = ?3", e.Last); err != nil {
		return err
	}
	if e.First != e.Last {
		if err := renumber(p.first, "items.instant = ?3", e.First); err != nil {
			return err
		}
	}
	if err := outdate(ctx, tx, seg, moved); err != nil || len(versions) == 0 {
		return err
	}
	return resolve(ctx, tx, versions)
}
