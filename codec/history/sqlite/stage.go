package sqlite

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"slices"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// StageSegment imports one segment in one transaction, durable when it returns.
// Items are told apart by their keys, so that a segment may come again. The
// ledger, which is kept with it for Staged, counts each item of the segment in one column:
//
//   - imported: it is in the store now, and was not before;
//   - there: it was, or another record of the same message was;
//   - tombstone: what the store has is a tombstone;
//   - quarantined: it conflicts with what is held, which stays (Conflict), or it
//     has no form here (Malformed, TooLarge, Unsupported). It is kept aside.
func (s *Store) StageSegment(ctx context.Context, room segment.RoomEntry, e segment.SegmentEntry, data []byte) (segment.Ledger, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.transfer
	if t == nil {
		return segment.Ledger{}, wrap("stage segment", ErrNoTransfer)
	}
	seg, err := segment.Decode(data)
	unfit := err != nil || seg.Room.ID != room.ID || !seg.Matches(e)
	g := &stage{t: t, entry: e, fresh: map[string]uint32{}}
	err = s.update(ctx, "stage segment", func(tx *sql.Tx) error {
		g.tx = tx
		if err := g.open(ctx, room); err != nil {
			return err
		}
		if unfit {
			if err := g.aside(ctx, data); err != nil {
				return err
			}
			return t.staged(ctx, tx, g.seg, g.ledger)
		}
		rows, err := s.internParties(ctx, tx, seg.Parties, g.fresh)
		if err != nil {
			return err
		}
		if err := g.roomOf(ctx, seg); err != nil {
			return err
		}
		if err := g.run(ctx, prepareAll(seg, rows)); err != nil {
			return err
		}
		return t.staged(ctx, tx, g.seg, g.ledger)
	})
	if err != nil {
		return segment.Ledger{}, err
	}
	s.keepParties(g.fresh)
	s.files.discard(g.unused)
	return g.ledger, nil
}

// A stage is the import of one segment.
type stage struct {
	t       *transfer
	tx      *sql.Tx
	entry   segment.SegmentEntry
	placing placing
	room    int64 // row
	seg     int64 // row
	fresh   map[string]uint32
	ledger  segment.Ledger
	unused  [][]byte // contents that no attachment refers to any more
}

// open makes the rows of the room and of the segment.
func (g *stage) open(ctx context.Context, room segment.RoomEntry) error {
	var err error
	if g.room, err = roomRow(ctx, g.tx, room); err != nil {
		return err
	}
	e := g.entry
	if err := g.t.touch(ctx, g.tx, g.room, e); err != nil {
		return err
	}
	g.placing = g.t.listing.of(e.ID)
	_, err = g.tx.ExecContext(ctx, `INSERT INTO segments (segment, room, kind, first, last, items, bytes, held)
		VALUES (?, ?, ?, ?, ?, ?, ?, 1) ON CONFLICT DO UPDATE SET held = 1, stale = 0`,
		e.ID[:], g.room, int(e.Kind), e.First, e.Last, clamp(e.Items), clamp(e.Bytes))
	if err != nil {
		return err
	}
	if err := g.tx.QueryRowContext(ctx, "SELECT id FROM segments WHERE segment = ?", e.ID[:]).Scan(&g.seg); err != nil {
		return err
	}
	if _, err := g.tx.ExecContext(ctx, "INSERT OR IGNORE INTO segment_sources (segment, source) VALUES (?, ?)", g.seg, g.t.source); err != nil {
		return err
	}
	return g.t.list(ctx, g.tx, g.room, g.seg, e.Kind)
}

// roomOf takes over what the segment says of its room and roster.
func (g *stage) roomOf(ctx context.Context, seg *segment.Segment) error {
	var meta []byte
	var err error
	if seg.Room.Meta != nil {
		if meta, err = codec.AppendRoomCBOR(nil, seg.Room.Meta); err != nil {
			return err
		}
	}
	if seg.Kind != segment.Roster {
		_, err := g.tx.ExecContext(ctx, "UPDATE rooms SET meta = ? WHERE id = ? AND meta IS NOT ?", meta, g.room, meta)
		return err
	}
	extra, err := encodeFields(seg.Room.Extra)
	if err != nil {
		return err
	}
	if _, err := g.tx.ExecContext(ctx, "INSERT OR REPLACE INTO roster_segments (segment, whole, meta, extra) VALUES (?, ?, ?, ?)",
		g.seg, seg.Whole, meta, extra); err != nil {
		return err
	}
	for i := range seg.Roster {
		record, err := codec.AppendPartyCBOR(nil, &seg.Roster[i])
		if err != nil {
			return err
		}
		if _, err := g.tx.ExecContext(ctx, "INSERT OR IGNORE INTO roster (segment, party) SELECT ?, id FROM parties WHERE record = ?",
			g.seg, record); err != nil {
			return err
		}
	}
	return nil
}

// encodeFields writes parameters as an array of pairs, which says nothing about
// their names: some are names of the model. It is nil for none.
func encodeFields(x codec.Fields) ([]byte, error) {
	if len(x) == 0 {
		return nil, nil
	}
	pairs := make([][2][]byte, 0, len(x))
	for name, value := range x {
		pairs = append(pairs, [2][]byte{[]byte(name), value})
	}
	slices.SortFunc(pairs, func(a, b [2][]byte) int { return bytes.Compare(a[0], b[0]) })
	return codec.RawOf(pairs)
}

func decodeFields(b []byte) (codec.Fields, error) {
	if b == nil {
		return nil, nil
	}
	var pairs [][2][]byte
	if err := codec.Raw(b).Decode(&pairs); err != nil {
		return nil, err
	}
	x := make(codec.Fields, len(pairs))
	for _, p := range pairs {
		x[string(p[0])] = p[1]
	}
	return x, nil
}

// aside keeps a segment that cannot be read, whole, in quarantine.
func (g *stage) aside(ctx context.Context, data []byte) error {
	g.ledger.Source = g.entry.Items
	g.ledger.AddQuarantined(segment.Malformed, g.entry.Items)
	return g.quarantine(ctx, segment.Malformed, g.entry.Items, g.entry.ID[:], 0, data)
}

// quarantine keeps a record aside; one that is there already stays as it is.
func (g *stage) quarantine(ctx context.Context, why segment.Reason, items uint64, key []byte, level int, record []byte) error {
	digest := sha256.Sum256(record)
	_, err := g.tx.ExecContext(ctx, `INSERT OR IGNORE INTO quarantine
		(room, segment, transfer, source, reason, items, key, digest, level, record) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		g.room, g.seg, g.t.row, g.t.source, string(why), clamp(items), key, digest[:], level, record)
	return err
}

// run imports the items: first it is decided what becomes of each, then the rows
// are written in batches, then the messages that they touch are resolved.
func (g *stage) run(ctx context.Context, items []prepared) error {
	g.ledger.Source = uint64(len(items))
	held, err := g.held(ctx, items)
	if err != nil {
		return err
	}
	next, err := g.nextID(ctx)
	if err != nil {
		return err
	}
	b := &batch{stage: g, firstNew: next}
	for i := range items {
		p := &items[i]
		if p.reason != "" {
			g.ledger.AddQuarantined(p.reason, 1)
			if err := g.quarantine(ctx, p.reason, 1, p.head.Key[:], int(p.level), p.quarantined()); err != nil {
				return err
			}
			continue
		}
		row := held[p.head.Key]
		if row == nil {
			row = &heldRow{id: next, isNew: true, source: g.t.source, own: !g.t.shared, prepared: p}
			next++
			held[p.head.Key] = row
			b.rows = append(b.rows, row)
			if p.kind == kindTombstone {
				g.ledger.Tombstones++
			} else {
				g.ledger.Imported++
			}
		} else if err := g.meet(ctx, b, row, p); err != nil {
			return err
		}
		row.place = i
		b.placed = append(b.placed, row)
	}
	if err := b.flush(ctx); err != nil {
		return err
	}
	return g.referred(ctx)
}

// quarantined is what is kept of an item that has no record.
func (p *prepared) quarantined() []byte {
	if p.record != nil {
		return p.record
	}
	return []byte{}
}

// A heldRow is an item of the store that has the key of one that comes.
type heldRow struct {
	id       int64
	source   int64
	transfer int64 // that brought it; 0 when it is new
	own      bool  // the source is the person's own device
	isNew    bool  // not written yet
	changed  bool
	moved    bool    // has a new place
	kept     bool    // what came was another record, which went aside
	credited bool    // the source of this transfer has it too
	formerly []int64 // sources whose record was replaced
	place    int     // in this segment
	seq      int64
	*prepared
}

// meet decides between what is held and what comes with the same key.
func (g *stage) meet(ctx context.Context, b *batch, row *heldRow, p *prepared) error {
	row.credited = row.credited || row.source != g.t.source
	grave, comesGrave := row.kind == kindTombstone, p.kind == kindTombstone
	switch {
	case bytes.Equal(row.record, p.record) && bytes.Equal(row.attachments, p.attachments):
		g.there(row)
	case grave && comesGrave:
		g.there(row)
		if g.better(row, p) {
			b.replace(row, p)
		}
	case grave:
		// Tombstones are final: an old version does not come back.
		g.ledger.Tombstones++
	case comesGrave && row.own && g.t.shared:
		// Nobody else's word takes away what the person's own devices hold.
		return g.conflict(ctx, row, p)
	case comesGrave:
		g.ledger.Tombstones++
		if err := g.forget(ctx, row); err != nil {
			return err
		}
		b.replace(row, p)
	case sameMessage(row.prepared, p):
		g.there(row)
		if g.better(row, p) {
			b.replace(row, p)
		}
	case g.better(row, p):
		g.ledger.Imported++
		if err := g.quarantine(ctx, segment.Conflict, 1, row.head.Key[:], int(row.level), row.record); err != nil {
			return err
		}
		b.replace(row, p)
	default:
		return g.conflict(ctx, row, p)
	}
	return nil
}

// there counts an item that adds nothing to what is held. What this transfer brought,
// in a segment that its source has cut anew since, was not there before it.
func (g *stage) there(row *heldRow) {
	switch {
	case row.transfer != g.t.row:
		g.ledger.There++
	case row.kind == kindTombstone:
		g.ledger.Tombstones++
	default:
		g.ledger.Imported++
	}
}

// conflict keeps what comes aside: the row is not its record.
func (g *stage) conflict(ctx context.Context, row *heldRow, p *prepared) error {
	row.kept, row.credited = true, false
	g.ledger.AddQuarantined(segment.Conflict, 1)
	return g.quarantine(ctx, segment.Conflict, 1, p.head.Key[:], int(p.level), p.record)
}

// forget removes the contents of a message whose tombstone came.
func (g *stage) forget(ctx context.Context, row *heldRow) error {
	if row.messageID == "" {
		return nil
	}
	rows, err := g.tx.QueryContext(ctx, "DELETE FROM attachments WHERE room = ? AND message_id = ? RETURNING sha256", g.room, row.messageID)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var sum []byte
		if err := rows.Scan(&sum); err != nil {
			return err
		}
		g.unused = append(g.unused, sum)
	}
	return rows.Err()
}

// referred parts those contents that another attachment refers to from unused.
func (g *stage) referred(ctx context.Context) error {
	var unused [][]byte
	for _, sum := range g.unused {
		var n int
		if err := g.tx.QueryRowContext(ctx, "SELECT count(*) FROM attachments WHERE sha256 = ?", sum).Scan(&n); err != nil {
			return err
		}
		if n == 0 {
			unused = append(unused, sum)
		}
	}
	g.unused = unused
	return nil
}
