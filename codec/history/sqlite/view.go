package sqlite

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// A viewer turns rows into messages, a page at a time.
type viewer struct {
	s       *Store
	db      *sql.DB
	people  map[uint32]Person // by row of parties
	names   map[string]string // by URI
	sharers map[int64]string  // shared_by by row of sources
}

func newViewer(s *Store, db *sql.DB) *viewer {
	return &viewer{s: s, db: db, people: map[uint32]Person{}, names: map[string]string{}, sharers: map[int64]string{}}
}

// An entry is a message that is being put together.
type entry struct {
	id, room  int64
	roomURI   string
	act       int
	state     int
	sender    uint32
	source    int64
	reply     sql.NullInt64
	first     *codec.Dialog
	shown     *codec.Dialog // the current version, nil when there is none
	shownID   string        // its message id
	attached  []codec.Attachment
	level     mimi.Level
	m         Message
	reactions []reacted
	sharers   []string
}

type reacted struct {
	text   string
	sender uint32
}

// load makes the messages of ids, in their order.
func (v *viewer) load(ctx context.Context, ids []int64) ([]Message, error) {
	entries := make(map[int64]*entry, len(ids))
	steps := []func(context.Context, []int64, map[int64]*entry) error{
		v.heads, v.reactions, v.sources, v.persons, v.finish, v.replies, v.contents,
	}
	for _, step := range steps {
		if err := step(ctx, ids, entries); err != nil {
			return nil, err
		}
	}
	out := make([]Message, 0, len(ids))
	for _, id := range ids {
		if e := entries[id]; e != nil {
			out = append(out, e.m)
		}
	}
	return out, nil
}

// heads reads the messages with the record of the first and the current version.
func (v *viewer) heads(ctx context.Context, ids []int64, entries map[int64]*entry) error {
	return inChunks(ids, func(ids []any) error {
		return eachRow(ctx, v.db, `SELECT h.id, h.key, h.room, r.uri, h.kind, h.act, h.instant, h.message_id, h.reply, coalesce(h.sender, 0),
			h.source, h.versions, h.state, h.record, c.record, c.attachments, coalesce(c.message_id, ''), coalesce(c.level, h.level)
			FROM items h JOIN rooms r ON r.id = h.room LEFT JOIN items c ON c.id = h.current
			WHERE h.id IN (`+marks(len(ids))+")", ids, func(rows *sql.Rows) error {
			e := new(entry)
			var key, first, shown, attached []byte
			var instant int64
			if err := rows.Scan(&e.id, &key, &e.room, &e.roomURI, &e.m.Kind, &e.act, &instant, &e.m.MessageID, &e.reply, &e.sender,
				&e.source, &e.m.Versions, &e.state, &first, &shown, &attached, &e.shownID, &e.level); err != nil {
				return err
			}
			copy(e.m.Key[:], key)
			e.m.Room, e.m.Time = e.roomURI, timeOf(instant)
			var err error
			if e.first, err = codec.DecodeDialogCBOR(first); err != nil {
				return err
			}
			e.first = today(e.first)
			e.m.MessageID = string(e.first.MessageID)
			if shown != nil {
				if e.shown, err = codec.DecodeDialogCBOR(shown); err != nil {
					return err
				}
				e.shown = today(e.shown)
			}
			e.attached, err = decodeAttachments(attached)
			entries[e.id] = e
			return err
		})
	})
}

// reactions reads who reacted to the messages, to any of their versions.
func (v *viewer) reactions(ctx context.Context, ids []int64, entries map[int64]*entry) error {
	return inChunks(ids, func(ids []any) error {
		return eachRow(ctx, v.db, `WITH v AS (
				SELECT id AS message, name FROM items WHERE id IN (`+marks(len(ids))+`)
				UNION SELECT head, name FROM items WHERE head IN (`+marks(len(ids))+`))
			SELECT v.message, coalesce(r.sender, 0), c.record FROM v CROSS JOIN items r ON r.reply = v.name
			JOIN items c ON c.id = r.current JOIN items h ON h.id = v.message
			WHERE r.kind = 2 AND r.head IS NULL AND r.state = 0 AND r.room = h.room AND h.kind <> 2
			ORDER BY r.instant, r.seq, r.key`, append(slices.Clone(ids), ids...), func(rows *sql.Rows) error {
			var id int64
			var r reacted
			var record []byte
			if err := rows.Scan(&id, &r.sender, &record); err != nil {
				return err
			}
			d, err := codec.DecodeDialogCBOR(record)
			if err != nil {
				return err
			}
			d = today(d)
			texts := []string{mimi.PlainText(d)}
			if d.MultiPart != nil { // each part is a reaction of its own
				texts = strings.Split(texts[0], "\n")
			}
			e := entries[id]
			for _, t := range texts {
				e.reactions = append(e.reactions, reacted{strings.TrimSpace(t), r.sender})
			}
			return nil
		})
	})
}

// sources reads whose word the messages are.
func (v *viewer) sources(ctx context.Context, ids []int64, entries map[int64]*entry) error {
	if len(v.sharers) == 0 {
		if err := eachRow(ctx, v.db, "SELECT id, shared_by FROM sources", nil, func(rows *sql.Rows) error {
			var id int64
			var by string
			err := rows.Scan(&id, &by)
			v.sharers[id] = by
			return err
		}); err != nil {
			return err
		}
	}
	for _, e := range entries {
		e.sharers = append(e.sharers, v.sharers[e.source])
	}
	return inChunks(ids, func(ids []any) error {
		return eachRow(ctx, v.db, `SELECT x.item, s.shared_by FROM item_sources x JOIN sources s ON s.id = x.source
			WHERE x.item IN (`+marks(len(ids))+")", ids, func(rows *sql.Rows) error {
			var id int64
			var by string
			err := rows.Scan(&id, &by)
			entries[id].sharers = append(entries[id].sharers, by)
			return err
		})
	})
}

// provenance tells whose word a message is: "transferred" when a device of the
// person's own had it, and everybody who shared it.
func provenance(sharers []string) string {
	slices.Sort(sharers)
	sharers = slices.Compact(sharers)
	var parts []string
	if len(sharers) > 0 && sharers[0] == "" {
		parts, sharers = append(parts, "transferred"), sharers[1:]
	}
	if len(sharers) > 0 {
		parts = append(parts, "shared by "+strings.Join(sharers, ", "))
	}
	return strings.Join(parts, "; ")
}

// persons reads the parties that the messages name.
func (v *viewer) persons(ctx context.Context, _ []int64, entries map[int64]*entry) error {
	want := map[uint32]bool{}
	see := func(row uint32) {
		if _, ok := v.people[row]; !ok && row != 0 {
			want[row] = true
		}
	}
	for _, e := range entries {
		see(e.sender)
		for _, r := range e.reactions {
			see(r.sender)
		}
		for _, ev := range e.first.PartyHistory {
			for _, row := range []*uint32{ev.Party, ev.Originator} {
				if row != nil {
					see(*row)
				}
			}
		}
	}
	return v.meet(ctx, want)
}

// meet reads rows of parties.
func (v *viewer) meet(ctx context.Context, want map[uint32]bool) error {
	ids := make([]int64, 0, len(want))
	for row := range want {
		ids = append(ids, int64(row))
	}
	err := inChunks(ids, func(ids []any) error {
		return eachRow(ctx, v.db, "SELECT id, name, uri, identity FROM parties WHERE id IN ("+marks(len(ids))+")", ids, func(rows *sql.Rows) error {
			var row uint32
			var p Person
			var identity string
			if err := rows.Scan(&row, &p.Name, &p.URI, &identity); err != nil {
				return err
			}
			if kind, rest, _ := strings.Cut(identity, " "); p.URI == "" && (kind == "tel" || kind == "mailto") {
				p.URI = kind + ":" + rest
			}
			v.people[row] = p
			return nil
		})
	})
	if err != nil {
		return err
	}
	for row := range want {
		if p := v.people[row]; p.Name == "" && p.URI != "" {
			p.Name = v.name(ctx, p.URI)
			v.people[row] = p
		}
	}
	return nil
}

// name finds the name of a party by URI, "" when there is none. Of several the
// same is chosen always.
func (v *viewer) name(ctx context.Context, uri string) string {
	if n, ok := v.names[uri]; ok {
		return n
	}
	var n string
	err := v.db.QueryRowContext(ctx, "SELECT name FROM parties WHERE uri = ? AND uri <> '' AND name <> '' ORDER BY name LIMIT 1", uri).Scan(&n)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "" // a name is an ornament; the next query reports what is wrong
	}
	if len(v.names) >= maxParties {
		clear(v.names)
	}
	v.names[uri] = n
	return n
}

// finish fills in what needs no other message.
func (v *viewer) finish(ctx context.Context, _ []int64, entries map[int64]*entry) error {
	for _, e := range entries {
		m := &e.m
		m.Sender = v.people[e.sender]
		m.Provenance = provenance(e.sharers)
		m.Deleted = e.state&stateDeleted != 0
		m.Expired = !m.Deleted && (e.state&stateExpired != 0 || v.expired(e.first) || e.shown != nil && v.expired(e.shown))
		m.Edited = m.Versions > 1 || m.Versions == 1 && e.first.Replaces != "" && e.state&stateNotApplied == 0
		if e.state&stateNotApplied != 0 {
			m.NotApplied = "edit"
			if e.act != actNone {
				m.NotApplied = "delete"
			}
		}
		if m.Kind == Event {
			m.Event = eventWords(e.first.PartyHistory, func(row *uint32) string { return v.called(row) })
		}
		if m.Kind == Text || m.Kind == Lone {
			m.Level = e.level.String()
		}
		if e.shown != nil && !m.Deleted && !m.Expired && m.Kind != Event {
			m.Text = mimi.PlainTextWith(e.shown, func(uri string) string { return v.name(ctx, uri) })
			m.MediaType = mediaType(e.shown)
		}
		m.Reactions = v.grouped(e.reactions)
	}
	return nil
}

// expired reports whether the deadline of a message is past. One that counts
// from reading has none here: nobody says when it was read.
func (v *viewer) expired(d *codec.Dialog) bool {
	if d.Expires == nil || d.Expires.Relative {
		return false
	}
	t, ok := d.Expires.AbsoluteTime.Instant()
	return ok && !v.s.now().Before(t)
}

func mediaType(d *codec.Dialog) string {
	switch {
	case d.ExternalPart != nil:
		return d.ExternalPart.MediaType
	case d.MultiPart != nil:
		return "multipart/mixed"
	}
	return d.MediaType
}

// called is what a roster event calls a party.
func (v *viewer) called(row *uint32) string {
	if row == nil {
		return "somebody"
	}
	p := v.people[*row]
	switch {
	case p.Name != "":
		return p.Name
	case p.URI != "":
		return p.URI
	}
	return "somebody"
}

// grouped puts equal reactions together, in the order of the first of each.
func (v *viewer) grouped(rs []reacted) []Reaction {
	var out []Reaction
	for _, r := range rs {
		i := slices.IndexFunc(out, func(o Reaction) bool { return o.Text == r.text })
		if i < 0 {
			i = len(out)
			out = append(out, Reaction{Text: r.text})
		}
		if p := v.people[r.sender]; !slices.Contains(out[i].Senders, p) {
			out[i].Senders = append(out[i].Senders, p)
		}
	}
	return out
}

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

// contents lists the attachments of what is shown.
func (v *viewer) contents(ctx context.Context, ids []int64, entries map[int64]*entry) error {
	for _, id := range ids {
		e := entries[id]
		if e == nil || e.shown == nil || e.m.Deleted || e.m.Expired {
			continue
		}
		list := attachmentsOf(e.shown, e.attached)
		if len(list) == 0 {
			continue
		}
		if err := eachRow(ctx, v.db, "SELECT part, size, filename, declared, sha256, sha512 FROM attachments WHERE room = ? AND message_id = ?",
			[]any{e.room, e.shownID}, func(rows *sql.Rows) error {
				var c content
				if err := rows.Scan(&c.part, &c.size, &c.filename, &c.declared, &c.sha256, &c.sha512); err != nil {
					return err
				}
				for i := range list {
					list[i].found(c)
				}
				return nil
			}); err != nil {
			return err
		}
		for i := range list {
			a := &list[i]
			if a.Have {
				if ok, err := v.s.files.holds(a.SHA256[:], a.Size); err != nil {
					return err
				} else if !ok {
					a.Have, a.Hash = false, HashUnchecked
				} else {
					a.Path = v.s.files.path(hex.EncodeToString(a.SHA256[:]))
				}
			}
			e.m.Attachments = append(e.m.Attachments, a.Attachment)
		}
	}
	return nil
}

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
