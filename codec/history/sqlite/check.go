package sqlite

import (
	"context"
	"database/sql"
)

// A Report is what Check found.
type Report struct {
	Items, Segments, Attachments uint64
	Damage                       []string // what is wrong, without user data; nil when all is well
	Lost                         uint64   // attachments whose content is gone or changed
}

// OK reports whether nothing is wrong.
func (r *Report) OK() bool { return len(r.Damage) == 0 && r.Lost == 0 }

// Check tests the integrity of the database, of the index, and of the contents
// of attachments, which it reads whole.
func (s *Store) Check(ctx context.Context) (*Report, error) {
	const op = "check store"
	db, err := s.reader()
	if err != nil {
		return nil, wrap(op, err)
	}
	r := new(Report)
	for _, q := range []struct {
		sql string
		to  *uint64
	}{
		{"SELECT count(*) FROM items", &r.Items},
		{"SELECT count(*) FROM segments WHERE held", &r.Segments},
		{"SELECT count(*) FROM attachments", &r.Attachments},
	} {
		if err := db.QueryRowContext(ctx, q.sql).Scan(q.to); err != nil {
			return nil, wrap(op, err)
		}
	}
	if err := eachRow(ctx, db, "PRAGMA integrity_check", nil, func(rows *sql.Rows) error {
		var line string
		if err := rows.Scan(&line); err != nil {
			return err
		}
		if line != "ok" {
			r.Damage = append(r.Damage, "database: "+line)
		}
		return nil
	}); err != nil {
		return nil, wrap(op, err)
	}
	for _, q := range []struct{ what, sql string }{
		{"broken references", "SELECT count(*) FROM pragma_foreign_key_check"},
		{"items without their message", "SELECT count(*) FROM items i WHERE i.head IS NOT NULL AND NOT EXISTS (SELECT 1 FROM items h WHERE h.id = i.head AND h.head IS NULL)"},
		{"messages without their version", "SELECT count(*) FROM items i WHERE i.current IS NOT NULL AND NOT EXISTS (SELECT 1 FROM items c WHERE c.id = i.current)"},
		{"segments without all their items", `SELECT count(*) FROM segments s WHERE s.held AND s.placed <>
			(SELECT count(*) FROM segment_items x JOIN items i ON i.id = x.item WHERE x.segment = s.id)`},
	} {
		var n int
		if err := db.QueryRowContext(ctx, q.sql).Scan(&n); err != nil {
			return nil, wrap(op, err)
		}
		if n > 0 {
			r.Damage = append(r.Damage, q.what)
		}
	}
	return r, wrap(op, s.checkContents(ctx, db, r))
}

// checkContents reads the content of each attachment, each once.
func (s *Store) checkContents(ctx context.Context, db *sql.DB, r *Report) error {
	type content struct {
		sum  []byte
		size int64
	}
	var contents []content
	err := eachRow(ctx, db, "SELECT sha256, size FROM attachments GROUP BY sha256", nil, func(rows *sql.Rows) error {
		var c content
		err := rows.Scan(&c.sum, &c.size)
		contents = append(contents, c)
		return err
	})
	if err != nil {
		return err
	}
	for _, c := range contents {
		if err := ctx.Err(); err != nil {
			return err
		}
		if s.files.verify(c.sum, c.size) != nil {
			r.Lost++
		}
	}
	return nil
}
