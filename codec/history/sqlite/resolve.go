package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"slices"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// How an item stands after resolving, in the column state.
const (
	stateDeleted    = 1 // a head whose message was retracted
	stateNotApplied = 2 // it replaces a message that is not its sender's to change
	stateExpired    = 4 // a head whose message has a tombstone because it expired
)

// A version is one item of a chain: a message, and what replaces it.
type version struct {
	id       int64
	key      string
	act      int
	kind     int
	room     int64
	instant  int64
	seq      int64
	name     sql.NullInt64
	replaces sql.NullInt64
	sender   string // identity, or ""
	own      bool   // from the person's own devices

	group *group
	fault bool // not applied
}

// A group is the versions that make up one message.
type group struct {
	members []*version
}

// before is the canonical order.
func (v *version) before(w *version) int {
	return cmp.Or(cmp.Compare(v.instant, w.instant), cmp.Compare(v.seq, w.seq), cmp.Compare(v.key, w.key))
}

// resolve settles the chains of edits and deletes that the items of ids belong
// to: who heads them, which version is shown, what was retracted and what does
// not count. Whatever the order in which items came, the result is the same.
//
//  1. An item that replaces a held one belongs to that one's message if both
//     have the same sender; else it is shown on its own as not applied. Chains
//     name the first version, but one that names a later version is understood.
//  2. Items that replace one that is not held form a message for each sender.
//  3. A message is retracted if any of its versions is a delete or a tombstone,
//     whatever its time. Otherwise its last version in canonical order is shown.
func resolve(ctx context.Context, tx *sql.Tx, ids []int64) error {
	r, err := newResolver(ctx, tx)
	if err != nil {
		return err
	}
	defer r.close()
	done := map[int64]bool{}
	for _, id := range ids {
		if done[id] {
			continue
		}
		chain, err := r.chain(ctx, id)
		if err != nil {
			return err
		}
		for _, v := range chain {
			done[v.id] = true
		}
		for _, g := range grouped(chain) {
			if err := r.settle(ctx, g); err != nil {
				return err
			}
		}
	}
	return nil
}

// A resolver holds the statements of one resolve.
type resolver struct {
	byID, byName, byReplaces, record, set, release, forget, index *sql.Stmt
}

func newResolver(ctx context.Context, tx *sql.Tx) (*resolver, error) {
	const columns = `SELECT i.id, i.key, i.act, i.kind, i.room, i.instant, i.seq, i.name, i.replaces, coalesce(p.identity, ''), s.shared_by = ''
		FROM items i JOIN sources s ON s.id = i.source LEFT JOIN parties p ON p.id = i.sender WHERE `
	r := new(resolver)
	for _, s := range []struct {
		to  **sql.Stmt
		sql string
	}{
		{&r.byID, columns + "i.id = ?"},
		{&r.byName, columns + "i.name = ? ORDER BY i.instant, i.seq, i.key LIMIT 1"},
		{&r.byReplaces, columns + `i.replaces = ?1
			ORDER BY coalesce(p.identity, '') = ?2 DESC, i.act = 0, i.instant, i.seq, i.key LIMIT ?3`},
		{&r.record, "SELECT record FROM items WHERE id = ?"},
		{&r.set, "UPDATE items SET head = ?, current = ?, versions = ?, state = ? WHERE id = ?"},
		{&r.release, `UPDATE items SET head = NULL, current = CASE act WHEN 0 THEN id END, versions = 1,
			state = CASE act WHEN 0 THEN 0 WHEN 3 THEN 4 ELSE 1 END WHERE head = ?`},
		{&r.forget, "DELETE FROM search WHERE rowid = ?"},
		{&r.index, "INSERT INTO search (rowid, text) VALUES (?, ?)"},
	} {
		var err error
		if *s.to, err = tx.PrepareContext(ctx, s.sql); err != nil {
			r.close()
			return nil, err
		}
	}
	return r, nil
}

func (r *resolver) close() {
	for _, s := range []*sql.Stmt{r.byID, r.byName, r.byReplaces, r.record, r.set, r.release, r.forget, r.index} {
		if s != nil {
			_ = s.Close() // the transaction's end closes it too
		}
	}
}

// chain collects what is connected with an item by replacing, up to maxChain.
func (r *resolver) chain(ctx context.Context, id int64) ([]*version, error) {
	found, err := r.versions(ctx, r.byID, id)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	// Up to the first version, or to what is not held.
	top, seen := found[0], map[int64]bool{found[0].id: true}
	var missing sql.NullInt64
	for top.replaces.Valid && len(seen) < maxChain {
		up, err := r.versions(ctx, r.byName, top.replaces)
		if err != nil {
			return nil, err
		}
		if len(up) == 0 {
			missing = top.replaces
			break
		}
		if seen[up[0].id] {
			break
		}
		top = up[0]
		seen[top.id] = true
	}
	// And down to everything that replaces it.
	var chain []*version
	clear(seen)
	targets := []*version{{name: missing}}
	if !missing.Valid {
		chain, targets[0] = append(chain, top), top
		seen[top.id] = true
	}
	asked := map[int64]bool{}
	for len(targets) > 0 && len(chain) < maxChain {
		to := targets[0]
		targets = targets[1:]
		if !to.name.Valid || asked[to.name.Int64] {
			continue
		}
		asked[to.name.Int64] = true
		// Of too many, the sender's own count first, and of these the deletes.
		down, err := r.versions(ctx, r.byReplaces, to.name, to.sender, maxChain-len(chain))
		if err != nil {
			return nil, err
		}
		for _, v := range down {
			if !seen[v.id] {
				seen[v.id] = true
				chain = append(chain, v)
				targets = append(targets, v)
			}
		}
	}
	return chain, nil
}

func (r *resolver) versions(ctx context.Context, q *sql.Stmt, args ...any) ([]*version, error) {
	rows, err := q.QueryContext(ctx, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*version
	for rows.Next() {
		v := new(version)
		if err := rows.Scan(&v.id, &v.key, &v.act, &v.kind, &v.room, &v.instant, &v.seq, &v.name, &v.replaces, &v.sender, &v.own); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// settle writes rule 3 for one message, and indexes its text.
func (r *resolver) settle(ctx context.Context, g *group) error {
	slices.SortFunc(g.members, (*version).before)
	head := g.members[0]
	for _, v := range g.members {
		if first := !v.replaces.Valid || v.fault; first {
			head = v // the first version, even if a clock says otherwise
			break
		}
		if head.act != actNone && v.act == actNone {
			head = v // the first version is lost: the oldest that is there stands for it
		}
	}
	var current *version
	state, versions := 0, 0
	if head.fault {
		state |= stateNotApplied
	}
	for _, v := range g.members {
		switch v.act {
		case actNone:
			versions++
			if v != head || current == nil {
				current = v
			}
		case actExpired:
			state |= stateExpired
		default:
			if v != head || !v.fault { // a forged delete retracted nothing
				state |= stateDeleted
			}
		}
	}
	shown := sql.NullInt64{Valid: current != nil && state&(stateDeleted|stateExpired) == 0}
	if shown.Valid {
		shown.Int64 = current.id
	}
	for _, v := range g.members {
		under, of, n, st := sql.NullInt64{Int64: head.id, Valid: true}, sql.NullInt64{}, 1, 0
		if v != head {
			// What a chain that is too long left under an item that is no head now.
			if _, err := r.release.ExecContext(ctx, v.id); err != nil {
				return err
			}
		} else {
			under, of, n, st = sql.NullInt64{}, shown, versions, state
		}
		if _, err := r.set.ExecContext(ctx, under, of, n, st, v.id); err != nil {
			return err
		}
		if _, err := r.forget.ExecContext(ctx, v.id); err != nil {
			return err
		}
	}
	if !shown.Valid || head.kind != kindMessage {
		return nil
	}
	var record []byte
	if err := r.record.QueryRowContext(ctx, shown.Int64).Scan(&record); err != nil {
		return err
	}
	d, err := codec.DecodeDialogCBOR(record)
	if err != nil {
		return err
	}
	_, err = r.index.ExecContext(ctx, head.id, fold(mimi.PlainText(today(d))))
	return err
}
