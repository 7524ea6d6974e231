package sqlite

import (
	"context"
	"database/sql"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// Versions returns everything that was to become a version of a message, in
// order: what was applied and what was not.
func (s *Store) Versions(ctx context.Context, key segment.Key) ([]Version, error) {
	const op = "read versions"
	db, err := s.reader()
	if err != nil {
		return nil, wrap(op, err)
	}
	v := newViewer(s, db)
	var out []Version
	var senders []uint32
	want := map[uint32]bool{}
	err = eachRow(ctx, db, `WITH m AS (SELECT coalesce(head, id) AS id FROM items WHERE key = ?1),
			v AS (SELECT i.id FROM items i JOIN m ON i.id = m.id OR i.head = m.id),
			f AS (SELECT i.id FROM items i WHERE i.state & 2 AND i.replaces IN (SELECT name FROM items WHERE id IN (SELECT id FROM v)))
		SELECT i.key, coalesce(i.sender, 0), i.instant, i.record, i.level, i.act, i.id IN (SELECT id FROM v) FROM items i
		WHERE i.id IN (SELECT id FROM v UNION SELECT id FROM f) ORDER BY i.instant, i.seq, i.key`, []any{key[:]}, func(rows *sql.Rows) error {
		var r Version
		var k, record []byte
		var sender uint32
		var instant int64
		var level mimi.Level
		var act int
		if err := rows.Scan(&k, &sender, &instant, &record, &level, &act, &r.Applied); err != nil {
			return err
		}
		d, err := codec.DecodeDialogCBOR(record)
		if err != nil {
			return err
		}
		copy(r.Key[:], k)
		r.Time, r.Delete = timeOf(instant), act != actNone
		if d = today(d); d.Type == "text" {
			r.Level = level.String()
		}
		if !r.Delete && !v.expired(d) {
			r.Text = mimi.PlainText(d)
		}
		out, senders = append(out, r), append(senders, sender)
		want[sender] = sender != 0
		return nil
	})
	if err == nil {
		err = v.meet(ctx, want)
	}
	for i := range out {
		out[i].Sender = v.people[senders[i]]
	}
	return out, wrap(op, err)
}
