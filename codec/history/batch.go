package history

import (
	"errors"
	"slices"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// A batch is the items of one unit on their way into the index.
type batch struct {
	x       *index
	r       *roomIndex
	unit    int32
	room    segment.Room
	parties []codec.Party
	from    int    // of r.heads
	ref     uint64 // of the first item
	dialogs int
	refused []int32 // indexes of the dialogs that are no items
	dated   []bool  // of the items
	lost    segment.Ledger
	partial bool // room is only id and name
}

// begin takes a vCon into the index.
func (x *index) begin(u unit, room segment.Room, parties []codec.Party) *batch {
	b := &batch{x: x, r: x.room(room.ID), unit: int32(len(x.units)), room: room, parties: parties}
	x.units = append(x.units, u)
	b.from, b.ref = len(b.r.heads), uint64(len(b.r.places))
	return b
}

// enlist adds parties to the room's roster.
func (b *batch) enlist(roster []codec.Party) {
	for i := range roster {
		rec, err := codec.AppendPartyCBOR(nil, &roster[i])
		if err != nil || b.r.roster[string(rec)] {
			continue
		}
		if len(rec) > segment.MaxParty {
			b.x.lose(segment.TooLarge)
			continue
		}
		b.r.roster[string(rec)] = true
		b.r.info.Roster = append(b.r.info.Roster, roster[i])
	}
}

// intern makes equal parties of all units share their texts.
func (x *index) intern(p codec.Party) codec.Party {
	rec, err := codec.AppendPartyCBOR(nil, &p)
	if err != nil {
		return p // what cites it is malformed, and found to be later
	}
	if old, ok := x.parties[string(rec)]; ok {
		return old
	}
	x.parties[string(rec)] = p
	return p
}

// add takes the next dialog of the unit. With an instant the order is known,
// else it follows from the dialog's dates.
func (b *batch) add(at place, d *codec.Dialog, instant *int64) {
	b.lost.Source++
	ms, ok := segment.Instant(d)
	if instant != nil {
		ms, ok = *instant, true
	}
	at.unit = b.unit
	ref := uint64(len(b.r.places))
	h, err := b.x.keyer.Head(b.room, segment.Item{Dialog: d, Parties: b.parties}, ref)
	if err == nil && len(b.room.ID) > segment.MaxRoomID {
		err = segment.ErrTooLarge
	}
	if err != nil {
		b.refuse(reasonOf(err))
		return
	}
	b.dialogs++
	h.Instant = ms // until end
	b.dated = append(b.dated, ok)
	b.r.heads = append(b.r.heads, h)
	b.r.places = append(b.r.places, at)
}

// refuse counts a dialog that is no item.
func (b *batch) refuse(why segment.Reason) {
	b.lost.AddQuarantined(why, 1)
	b.refused = append(b.refused, int32(b.dialogs))
	b.dialogs++
}

// lose counts something that is not an item and cannot travel.
func (x *index) lose(why segment.Reason) {
	x.left.Source++
	x.left.AddQuarantined(why, 1)
}

func reasonOf(err error) segment.Reason {
	if errors.Is(err, segment.ErrTooLarge) {
		return segment.TooLarge
	}
	return segment.Malformed
}

// attach takes an attachment, after all dialogs. It belongs to the message that it
// refers to; one that refers to no message (a document of the conversation) belongs
// to the dialog with the index that its dialog parameter gives, else to the first.
func (b *batch) attach(t attached, a *codec.Attachment) {
	b.lost.Attachments++
	t.unit, t.room = b.unit, b.r
	if a.Party != nil && uint64(*a.Party) >= uint64(len(b.parties)) {
		b.lost.AddAttachmentQuarantined(segment.Malformed, 1)
		return
	}
	own := ownOf(a)
	if id, _, ok := segment.ParseRef(a.DialogObjectRef); ok && own.Dialog == nil {
		t.target, t.byKey = segment.KeyOfMessage(b.room.ID, id), true
		b.x.atts = append(b.x.atts, t)
		return
	}
	var i uint64
	if own.Dialog != nil {
		i = *own.Dialog
	} else if raw, ok := a.Extra["dialog"]; ok && raw.Decode(&i) != nil {
		i = 0
	}
	b.bind(t, i)
}

// bind gives an attachment to a dialog.
func (b *batch) bind(t attached, i uint64) {
	before, refused := 0, i >= uint64(b.dialogs)
	if !refused {
		before, refused = slices.BinarySearch(b.refused, int32(i))
	}
	if refused {
		b.lost.AddAttachmentQuarantined(segment.Malformed, 1)
		return
	}
	t.ref = b.ref + i - uint64(before)
	b.x.atts = append(b.x.atts, t)
}

// end puts the batch in order. Room metadata is as of the start of a vCon's
// period, so the vCon that begins first tells it; what only another one has is
// added.
func (b *batch) end(roster []codec.Party) {
	b.enlist(roster)
	heads := b.r.heads[b.from:]
	if slices.Contains(b.dated, false) {
		instants := make([]int64, len(heads))
		for i := range heads {
			instants[i] = heads[i].Instant
		}
		segment.FillInstants(instants, b.dated)
		for i := range heads {
			heads[i].Instant = instants[i]
		}
	}
	older := false
	if len(heads) > 0 {
		start := heads[0].Instant
		for i := range heads {
			start = min(start, heads[i].Instant)
		}
		if older = !b.r.begun || start < b.r.start; older {
			b.r.begun, b.r.start = true, start
		}
	}
	info := &b.r.info.Room
	if b.room.Meta != nil && (info.Meta == nil || b.r.partial && !b.partial || older && !b.partial) {
		info.Meta, b.r.partial = b.room.Meta, b.partial
	}
	for name, v := range b.room.Extra {
		if _, ok := info.Extra[name]; !ok || older {
			if info.Extra == nil {
				info.Extra = codec.Fields{}
			}
			info.Extra[name] = v
		}
	}
	// Only what is lost is counted here; items are counted when they are sent.
	b.lost.Source = b.lost.Columns()
	b.lost.Attachments = b.lost.AttachmentColumns()
	b.x.left.Add(b.lost)
}

// drop forgets the batch: its vCon is refused whole.
func (b *batch) drop(why segment.Reason) {
	n := uint64(b.dialogs)
	b.r.heads, b.r.places = b.r.heads[:b.from], b.r.places[:b.ref]
	kept := b.x.atts[:0]
	for _, t := range b.x.atts {
		if t.unit != b.unit {
			kept = append(kept, t)
		}
	}
	b.x.atts = kept
	l := segment.Ledger{Source: n, Attachments: b.lost.Attachments}
	l.AddQuarantined(why, n)
	l.AddAttachmentQuarantined(why, b.lost.Attachments)
	b.x.left.Add(l)
}
