package sqlite

import (
	"context"
	"database/sql"
	"strings"
)

// eachRow calls f for each row of a query.
func eachRow(ctx context.Context, db querier, query string, args []any, f func(*sql.Rows) error) error {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// A querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// inChunks calls f with as many of ids at a time as one statement takes.
func inChunks(ids []int64, f func(ids []any) error) error {
	for len(ids) > 0 {
		n := min(len(ids), lookupRows)
		args := make([]any, n)
		for i, id := range ids[:n] {
			args[i] = id
		}
		if err := f(args); err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}

// A rowWriter inserts many rows with few statements.
type rowWriter struct {
	tx      *sql.Tx
	sql     string // up to VALUES
	columns int
	full    *sql.Stmt
	args    []any
}

func (w *rowWriter) add(ctx context.Context, values ...any) error {
	w.args = append(w.args, values...)
	if len(w.args) < writeRows*w.columns {
		return nil
	}
	if w.full == nil {
		var err error
		if w.full, err = w.tx.PrepareContext(ctx, w.sql+tuples(writeRows, w.columns)); err != nil {
			return err
		}
	}
	_, err := w.full.ExecContext(ctx, w.args...)
	w.args = w.args[:0]
	return err
}

func (w *rowWriter) flush(ctx context.Context) error {
	if w.full != nil {
		defer w.full.Close()
	}
	if len(w.args) == 0 {
		return nil
	}
	_, err := w.tx.ExecContext(ctx, w.sql+tuples(len(w.args)/w.columns, w.columns), w.args...)
	w.args = w.args[:0]
	return err
}

// tuples is n rows of question marks in brackets.
func tuples(n, columns int) string {
	row := "(" + marks(columns) + "),"
	return strings.TrimSuffix(strings.Repeat(row, n), ",")
}

// marks is n question marks.
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?,", n), ",") }
