package sqlite

import (
	"context"
	"database/sql"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// replies finds the messages that the messages refer to, as they stand.
func (v *viewer) replies(ctx context.Context, ids []int64, entries map[int64]*entry) error {
	refs := map[int64][]*entry{}
	var names []any
	for _, id := range ids {
		if e := entries[id]; e != nil && e.reply.Valid {
			if refs[e.reply.Int64] == nil {
				names = append(names, e.reply)
			}
			refs[e.reply.Int64] = append(refs[e.reply.Int64], e)
		}
	}
	targets := map[int64]*entry{}
	for at := 0; at < len(names); at += lookupRows {
		part := names[at:min(at+lookupRows, len(names))]
		err := eachRow(ctx, v.db, `SELECT t.name, h.key, h.room, h.state, coalesce(h.sender, 0), h.record, c.record
			FROM items t JOIN items h ON h.id = coalesce(t.head, t.id) LEFT JOIN items c ON c.id = h.current
			WHERE t.name IN (`+marks(len(part))+") ORDER BY t.instant DESC, t.seq DESC, t.key DESC", part, func(rows *sql.Rows) error {
			e := new(entry)
			var of int64
			var key, first, shown []byte
			if err := rows.Scan(&of, &key, &e.room, &e.state, &e.sender, &first, &shown); err != nil {
				return err
			}
			copy(e.m.Key[:], key)
			var err error
			if e.first, err = codec.DecodeDialogCBOR(first); err == nil && shown != nil {
				e.shown, err = codec.DecodeDialogCBOR(shown)
			}
			targets[of] = e // the first one stays, of several
			return err
		})
		if err != nil {
			return err
		}
	}
	want := map[uint32]bool{}
	for _, t := range targets {
		if _, ok := v.people[t.sender]; !ok && t.sender != 0 {
			want[t.sender] = true
		}
	}
	if err := v.meet(ctx, want); err != nil {
		return err
	}
	for name, from := range refs {
		ref := v.refTo(ctx, targets[name])
		for _, e := range from {
			if t := targets[name]; t != nil && t.room == e.room {
				r := ref
				e.m.ReplyTo = &r
			} else {
				e.m.ReplyTo = &Ref{Missing: true}
			}
		}
	}
	return nil
}

func (v *viewer) refTo(ctx context.Context, t *entry) Ref {
	if t == nil {
		return Ref{Missing: true}
	}
	r := Ref{Key: t.m.Key, Sender: v.people[t.sender], Deleted: t.state&stateDeleted != 0}
	r.Expired = !r.Deleted && (t.state&stateExpired != 0 || v.expired(today(t.first)) || t.shown != nil && v.expired(today(t.shown)))
	if t.shown != nil && !r.Deleted && !r.Expired {
		r.Text = clip(mimi.PlainTextWith(today(t.shown), func(uri string) string { return v.name(ctx, uri) }), snippet)
	}
	return r
}
