package sqlite

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"runtime"
	"slices"
	"sync"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// What an item does to a message, in the column act.
const (
	actNone      = 0
	actDelete    = 1 // retracts what it replaces
	actRetracted = 2 // is the tombstone of a retracted message
	actExpired   = 3 // is the tombstone of an expired message
)

// A prepared item is what the store writes of an item, or why it cannot.
type prepared struct {
	head        segment.Head
	reason      segment.Reason // "" unless it is quarantined
	kind, act   int
	again       bool
	messageID   string
	name        sql.NullInt64 // see nameOf
	replaces    sql.NullInt64
	reply       sql.NullInt64
	sender      sql.NullInt64
	identity    string // of the sender
	level       mimi.Level
	record      []byte
	attachments []byte
	text        string // for the index
}

// A preparer prepares the items of one segment. Rows are those of its parties.
type preparer struct {
	room    segment.Room
	roomURI string // for message ids; "" when the vCon has no room
	rows    []uint32
	parties []codec.Party
	keyer   segment.Keyer
}

// prepareAll prepares items on all processors: verifying message ids is most of
// the work of an import besides writing.
func prepareAll(seg *segment.Segment, rows []uint32) []prepared {
	out := make([]prepared, len(seg.Items))
	workers := min(runtime.GOMAXPROCS(0), 1+len(out)/64)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			p := preparer{room: seg.Room, rows: rows, parties: seg.Parties}
			if seg.Room.Meta != nil {
				p.roomURI = seg.Room.Meta.ID
			}
			for i := w * len(out) / workers; i < (w+1)*len(out)/workers; i++ {
				out[i] = p.prepare(seg.Items[i])
			}
		})
	}
	wg.Wait()
	return out
}

func (p *preparer) prepare(it segment.Item) (out prepared) {
	d := *it.Dialog
	out.messageID, out.again = string(d.MessageID), it.Again
	var err error
	if out.head, err = p.keyer.Head(p.room, it, 0); err != nil {
		return out.refused(err)
	}
	now := today(&d)
	if n := p.senderOf(now); n != nil && uint64(*n) < uint64(len(p.parties)) {
		out.sender = sql.NullInt64{Int64: int64(p.rows[*n]), Valid: true}
		out.identity = identityOf(&p.parties[*n])
	}
	p.classify(&out, now)
	if now.Type == "text" {
		uri := ""
		if d.Originator != nil && uint64(*d.Originator) < uint64(len(p.parties)) {
			uri = partyToday(&p.parties[*d.Originator]).IMURI
		}
		out.level, _ = mimi.Verify(now, uri, p.roomURI)
	}
	if err := d.MapParties(p.row); err != nil {
		return out.refused(err)
	}
	if out.record, err = codec.AppendDialogCBOR(nil, &d); err != nil {
		return out.refused(err)
	}
	if len(it.Attachments) > 0 {
		if out.attachments, err = p.attachments(it.Attachments); err != nil {
			return out.refused(err)
		}
	}
	return out
}

// senderOf is whose a dialog object is: the originator, or, where there is no room
// and thus no MIMI message, the first of its parties (vcon-core, "parties").
func (p *preparer) senderOf(d *codec.Dialog) *uint32 {
	if d.Originator == nil && p.roomURI == "" && len(d.Parties) > 0 {
		return &d.Parties[0]
	}
	return d.Originator
}

// classify tells what kind of item d is, and what it refers to.
func (p *preparer) classify(out *prepared, d *codec.Dialog) {
	out.name, out.reply = nameOf(p.room.ID, d.MessageID), nameOf(p.room.ID, d.InReplyTo)
	switch {
	case d.Type == "" && isEmpty(d):
		out.kind = kindNothing
	case d.Type == "tombstone":
		out.kind, out.act = kindTombstone, actRetracted
		if d.Status == "expired" {
			out.act = actExpired
		}
	case segment.IsRoster(d):
		out.kind = kindEvent
	case d.Type != "text":
		out.kind = kindOther
	default:
		out.replaces = nameOf(p.room.ID, d.Replaces)
		switch {
		case mimi.IsDelete(d):
			out.act = actDelete
		case mimi.IsReaction(d):
			out.kind = kindReaction
		default:
			out.text = fold(mimi.PlainText(d))
		}
	}
	if out.again {
		if !out.replaces.Valid {
			out.replaces = out.name
		}
		out.name = sql.NullInt64{}
	}
}

// nameOf is what messages of a room refer to each other by: the first 64 bits of
// the key that a message with this id has. It is not the key itself since old
// forms of a message id are no part of a key, and to keep indexes small.
func nameOf(room string, id codec.Binary) sql.NullInt64 {
	if id == "" {
		return sql.NullInt64{}
	}
	k := segment.KeyOfMessage(room, string(id))
	return sql.NullInt64{Int64: int64(binary.BigEndian.Uint64(k[:8])), Valid: true}
}

// isEmpty reports whether a dialog object has no parameter at all.
func isEmpty(d *codec.Dialog) bool {
	b, err := codec.AppendDialogCBOR(nil, d)
	return err == nil && len(b) == 1
}

func (p *preparer) row(n uint32) (uint32, error) {
	if uint64(n) >= uint64(len(p.rows)) {
		return 0, segment.ErrNoParty
	}
	return p.rows[n], nil
}

// attachments encodes attachments as the only parameter of a vCon.
func (p *preparer) attachments(as []codec.Attachment) ([]byte, error) {
	v := codec.VCon{Attachments: slices.Clone(as)}
	for i := range v.Attachments {
		if err := v.Attachments[i].MapParties(p.row); err != nil {
			return nil, err
		}
	}
	return v.AppendCBOR(nil)
}

func (out prepared) refused(err error) prepared {
	out.reason = segment.Malformed
	if errors.Is(err, segment.ErrTooLarge) {
		out.reason = segment.TooLarge
	}
	return out
}

// identityOf names a sender across records of his: two clients of one user are
// one sender. Somebody without an address is known by his whole record.
func identityOf(p *codec.Party) string {
	p = partyToday(p)
	switch {
	case p.IMURI != "":
		return "im " + p.IMURI
	case p.UUID != "":
		return "uuid " + p.UUID
	case p.Tel != "":
		return "tel " + p.Tel
	case p.Mailto != "":
		return "mailto " + p.Mailto
	}
	b, err := codec.AppendPartyCBOR(nil, p)
	if err != nil || len(b) <= 1 {
		return ""
	}
	sum := sha256.Sum256(b)
	return "record " + hex.EncodeToString(sum[:])
}

// today is d under the names of today: what others wrote stays as it is, and is
// understood all the same.
func today(d *codec.Dialog) *codec.Dialog {
	if len(d.Extra) == 0 && d.MultiPart == nil && d.ExternalPart == nil {
		return d
	}
	v := codec.VCon{Dialog: []codec.Dialog{*d}}
	return &v.Upgraded().Dialog[0]
}

// partyToday is p under the names of today.
func partyToday(p *codec.Party) *codec.Party {
	if len(p.Extra) == 0 {
		return p
	}
	v := codec.VCon{Parties: []codec.Party{*p}}
	return &v.Upgraded().Parties[0]
}

// internParties returns the rows of parties, and inserts those that are new. The
// new ones are in fresh until the transaction has been committed.
func (s *Store) internParties(ctx context.Context, tx *sql.Tx, parties []codec.Party, fresh map[string]uint32) ([]uint32, error) {
	rows := make([]uint32, len(parties))
	var record []byte
	for i := range parties {
		var err error
		if record, err = codec.AppendPartyCBOR(record[:0], &parties[i]); err != nil {
			return nil, err
		}
		row, ok := s.parties[string(record)]
		if !ok {
			row, ok = fresh[string(record)]
		}
		if !ok {
			if row, err = internParty(ctx, tx, &parties[i], record); err != nil {
				return nil, err
			}
			fresh[string(record)] = row
		}
		rows[i] = row
	}
	return rows, nil
}

func internParty(ctx context.Context, tx *sql.Tx, p *codec.Party, record []byte) (uint32, error) {
	var row int64
	err := tx.QueryRowContext(ctx, "SELECT id FROM parties WHERE record = ?", record).Scan(&row)
	if errors.Is(err, sql.ErrNoRows) {
		var res sql.Result
		if res, err = tx.ExecContext(ctx, "INSERT INTO parties (record, identity, uri, name) VALUES (?, ?, ?, ?)",
			bytes.Clone(record), identityOf(p), partyToday(p).IMURI, p.Name); err == nil {
			row, err = res.LastInsertId()
		}
	}
	if err == nil && (row < 0 || row > 1<<32-1) {
		err = errors.New("too many parties")
	}
	return uint32(row), err
}

// keepParties takes over what a committed transaction inserted.
func (s *Store) keepParties(fresh map[string]uint32) {
	if s.parties == nil || len(s.parties)+len(fresh) > maxParties {
		s.parties = make(map[string]uint32, len(fresh))
	}
	for record, row := range fresh {
		s.parties[record] = row
	}
}
