package sqlite

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
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
			WHERE r.kind = 2 AND r.head IS NULL AND r.state = 0 AND +r.room = h.room AND h.kind <> 2
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
		if m.Kind == Other {
			m.Event = recordWords(e.first, func(row *uint32) string { return v.called(row) })
		}
		if m.Kind == Event {
			m.Event = eventWords(e.first.PartyHistory, func(row *uint32) string { return v.called(row) })
		}
		if m.Kind == Text || m.Kind == Lone {
			m.Level = e.level.String()
		}
		if e.shown != nil && !m.Deleted && !m.Expired && m.Kind != Event && m.Kind != Other {
			m.Text = mimi.PlainTextWith(e.shown, func(uri string) string { return v.name(ctx, uri) })
			m.MediaType = mediaType(e.shown)
			m.Origin = mimi.OriginOf(e.shown)
			m.Edited = m.Edited || m.Origin.EditedAt != ""
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
