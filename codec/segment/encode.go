package segment

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

// What a segment says of itself as a vCon.
const (
	Version       = "0.4.0"         // vcon
	ExtensionMIMI = "mimi-messages" // extensions: room, party_history, tombstone, ...
	Extension     = "vcon-transfer" // extensions: our parameter
)

// Encode appends the messages segment of a span of a room's items to buf. The
// same items give the same bytes, however their parties were numbered and
// wherever they were read. The items are in canonical order and are not changed.
//
// The attachment entries are those of the items' attachments that have content
// to be streamed, in the order of the segment. The error is ErrTooLarge or
// ErrNoParty, or says which item has no place in such a segment.
func Encode(room Room, items []Item, buf []byte) ([]byte, SegmentEntry, []AttachmentEntry, error) {
	if len(items) == 0 {
		return buf, SegmentEntry{}, nil, errors.New("encode segment: no items")
	}
	e := encoder{kind: Messages, room: room}
	return e.encode(items, buf)
}

// EncodeRoster appends a segment of a room's roster: what PlanRoster planned. The
// items are those of the span's heads.
func EncodeRoster(room Room, span RosterSpan, items []Item, buf []byte) ([]byte, SegmentEntry, []AttachmentEntry, error) {
	e := encoder{kind: Roster, room: room, span: span}
	return e.encode(items, buf)
}

// An encoder makes one segment.
type encoder struct {
	kind    Kind
	room    Room
	span    RosterSpan
	parties []codec.Party
	index   map[*codec.Party]uint32 // of a party in a source: in parties
	known   map[string]uint32       // record of a party: index in parties
	scratch []byte
	cited   int // bytes of parties
	own     parameter
	entries []AttachmentEntry
}

func (e *encoder) encode(items []Item, buf []byte) ([]byte, SegmentEntry, []AttachmentEntry, error) {
	b, entry, err := e.segment(items, buf)
	if err != nil {
		return buf, SegmentEntry{}, nil, fmt.Errorf("encode segment: %w", err)
	}
	return b, entry, e.entries, nil
}

func (e *encoder) segment(items []Item, buf []byte) ([]byte, SegmentEntry, error) {
	entry := SegmentEntry{Kind: e.kind, Items: uint64(len(items))}
	if len(items) > MaxItems {
		return buf, entry, ErrTooLarge
	}
	e.index = make(map[*codec.Party]uint32)
	e.known = make(map[string]uint32)
	e.own = parameter{kind: e.kind}
	v := codec.VCon{
		Version:    Version,
		UUID:       noUUID,
		Extensions: []string{ExtensionMIMI, Extension},
		CreatedAt:  createdAt(items),
		Dialog:     make([]codec.Dialog, len(items)),
		Extra:      make(codec.Fields, 1),
	}
	if err := e.roomOf(&v); err != nil {
		return buf, entry, err
	}
	if err := e.roster(); err != nil {
		return buf, entry, err
	}
	for i := range items {
		if err := e.item(&v, i, items); err != nil {
			return buf, entry, fmt.Errorf("item %d: %w", i, err)
		}
	}
	v.Parties = e.parties
	v.Extra[Parameter] = e.own.append(nil)

	at := len(buf)
	b, err := v.AppendCBOR(buf)
	if err != nil {
		return buf, entry, err
	}
	data := b[at:]
	if len(data) > MaxSegmentBytes {
		return buf, entry, ErrTooLarge
	}
	nameAfterContent(data)
	entry.ID = sha256.Sum256(data)
	entry.Bytes = uint64(len(data))
	if n := len(items); n > 0 {
		entry.First, entry.Last = items[0].Instant, items[n-1].Instant
	}
	return b, entry, nil
}

// roomOf sets the room: its id and name in each segment, everything in the one
// that is whole.
func (e *encoder) roomOf(v *codec.VCon) error {
	r := &e.room
	if len(r.ID) == 0 || len(r.ID) > MaxRoomID {
		return errors.New("room id is empty or too long")
	}
	if r.Meta != nil {
		v.Room = &codec.Room{ID: r.Meta.ID, Name: r.Meta.Name}
		if e.span.Whole {
			v.Room = r.Meta
		}
	}
	if !r.isParty() {
		e.own.room = r.ID
	}
	if e.span.Whole {
		e.own.whole = true
		if len(r.Extra) > 0 {
			b, err := appendFields(nil, r.Extra)
			if err != nil {
				return err
			}
			e.own.extra = b
		}
	}
	return nil
}

// roster puts the room and the segment's part of the roster before all parties
// that are only cited.
func (e *encoder) roster() error {
	if e.room.isParty() {
		if _, err := e.add(&codec.Party{IMURI: e.room.ID}); err != nil {
			return err
		}
	}
	first := len(e.parties)
	for i := range e.span.Parties {
		if _, err := e.add(&e.span.Parties[i]); err != nil {
			return err
		}
		if len(e.parties) != first+i+1 {
			return errors.New("roster holds a party twice")
		}
	}
	e.own.roster = uint64(len(e.span.Parties))
	return nil
}

func (e *encoder) item(v *codec.VCon, i int, items []Item) error {
	it := &items[i]
	if IsRoster(it.Dialog) != (e.kind == Roster) {
		return errors.New("belongs to another kind of segment")
	}
	want, ok := Instant(it.Dialog)
	if i > 0 {
		if it.Instant < items[i-1].Instant {
			return errors.New("not in canonical order")
		}
		if !ok {
			want, ok = items[i-1].Instant, true
		}
	}
	if !ok || want != it.Instant {
		e.own.instants = append(e.own.instants, indexed{i, it.Instant})
	}
	if it.Again {
		if it.Dialog.MessageID == "" {
			return errors.New("marked as another record of a message id, and has none")
		}
		e.own.again = append(e.own.again, i)
	}
	cite := func(n uint32) (uint32, error) { return e.cite(it, n) }
	d := &v.Dialog[i]
	*d = *it.Dialog
	if err := d.MapParties(cite); err != nil {
		return err
	}
	if len(it.Attachments) > MaxAttachments {
		return ErrTooLarge
	}
	as, err := orderAttachments(it.Attachments)
	if err != nil {
		return err
	}
	for _, a := range as {
		own := attachmentParameter{bound: true, dialog: uint64(i)}
		own.size, own.sized = SizeOf(&a)
		if own.sized {
			if own.size > MaxContent {
				return ErrTooLarge
			}
			e.entries = append(e.entries, entryOf(it, &a, own.size))
			a.Body = codec.Body{}
		}
		if err := a.MapParties(cite); err != nil {
			return err
		}
		extra := maps.Clone(a.Extra)
		if extra == nil {
			extra = make(codec.Fields, 1)
		}
		extra[Parameter] = own.append(nil)
		if extra["dialog"] != nil {
			extra["dialog"] = codec.AppendUint(nil, uint64(i))
		}
		a.Extra = extra
		v.Attachments = append(v.Attachments, a)
	}
	return nil
}

// cite is the index in the segment of party n of an item. Parties are in the
// order of their first citation, each record once.
func (e *encoder) cite(it *Item, n uint32) (uint32, error) {
	if uint64(n) >= uint64(len(it.Parties)) {
		return 0, ErrNoParty
	}
	source := &it.Parties[n]
	if i, ok := e.index[source]; ok {
		return i, nil
	}
	p, err := party(e.room, it.Parties, n)
	if err != nil {
		return 0, err
	}
	i, err := e.add(p)
	if err == nil {
		e.index[source] = i
	}
	return i, err
}

func (e *encoder) add(p *codec.Party) (uint32, error) {
	var err error
	if e.scratch, err = codec.AppendPartyCBOR(e.scratch[:0], p); err != nil {
		return 0, err
	}
	if i, ok := e.known[string(e.scratch)]; ok {
		return i, nil
	}
	if e.cited += len(e.scratch); len(e.scratch) > MaxParty || e.cited > maxParties {
		return 0, ErrTooLarge
	}
	i := uint32(len(e.parties))
	e.known[string(e.scratch)] = i
	e.parties = append(e.parties, *p)
	return i, nil
}

// createdAt is the date of the newest item that has one, as it stands if it is
// a date that CBOR's tag 0 allows.
func createdAt(items []Item) codec.Date {
	if len(items) == 0 {
		return "1970-01-01T00:00:00Z"
	}
	it := &items[len(items)-1]
	d := it.Dialog.Start
	if IsRoster(it.Dialog) {
		d = it.Dialog.PartyHistory[0].Time
	}
	if ms, ok := d.UnixMilli(); ok && ms == it.Instant && d[10] == 'T' && d[17] != '6' && d[len(d)-1] != 'z' {
		return d
	}
	const first, last = -62167219200000, 253402300799999 // years 0 and 9999
	return codec.Date(time.UnixMilli(min(max(it.Instant, first), last)).UTC().Format("2006-01-02T15:04:05.000Z"))
}

const noUUID = "00000000-0000-8000-8000-000000000000"

// nameAfterContent puts a uuid (RFC 9562, version 8) in the place of noUUID in a
// segment: the first bits of a hash of the segment as it is without.
func nameAfterContent(segment []byte) {
	h := sha256.New()
	h.Write([]byte(label + "segment uuid\x00"))
	h.Write(segment)
	u := h.Sum(nil)[:16]
	u[6] = u[6]&0x0f | 0x80
	u[8] = u[8]&0x3f | 0x80
	r := reader{object: "segment", b: segment}
	for range r.mapping(MaxItems) {
		if r.text(maxParameterName) != "uuid" {
			r.item()
			continue
		}
		text := r.b[r.off+2:][:len(noUUID)]
		hex.Encode(text[0:8], u[0:4])
		hex.Encode(text[9:13], u[4:6])
		hex.Encode(text[14:18], u[6:8])
		hex.Encode(text[19:23], u[8:10])
		hex.Encode(text[24:36], u[10:16])
		return
	}
	panic("segment: no uuid in what was encoded")
}
