package history

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"iter"
	"slices"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// Duplicate is why an item, or the content of an attachment, is excluded that
// the source holds more than once: the same record in two files is one item.
const Duplicate segment.Reason = "duplicate"

// A unit is what an index takes items from: one vCon file, one vCon in memory,
// or one segment.
type unit interface {
	// item reads a dialog and its parties. Its attachments are the index's.
	item(ctx context.Context, at place) (segment.Item, error)
	// attachment reads an attachment, without a body that was not loaded, and the
	// parties that it refers to.
	attachment(ctx context.Context, at place) (*codec.Attachment, []codec.Party, error)
	// open reads the content of an attachment.
	open(at place, offset uint64) (io.ReadCloser, error)
}

// A place is where a unit has a dialog or an attachment. It is kept for each
// item of a history, so it is small.
type place struct {
	off  int64
	len  int32
	unit int32
}

// An attached is an attachment of an index.
type attached struct {
	place
	room   *roomIndex
	target segment.Key // of the message that it refers to, if byKey
	byKey  bool
	ref    uint64 // of the item that it belongs to
	size   int64  // of its content; absent when there is none
	gone   bool   // the size is known, the content is not in the source
	apart  int32  // the content is not in the unit: see apart
	sum    *[32]byte
}

const absent = -1

// An index is a history in memory, but for its records: 64 bytes of head and 16
// of place for each item. It implements Reader for whatever its units are.
type index struct {
	units   []unit
	byID    map[string]*roomIndex
	rooms   []*roomIndex
	atts    []attached
	apart   []openApart // contents that are not in units
	left    segment.Ledger
	keyer   segment.Keyer
	parties map[string]codec.Party // by record: units share them
	rivals  bool                   // one record of a message takes the place of another: see rival
}

// A roomIndex is one room of an index. Ref of a head is an index into places, and
// canonical order is that of instant and Ref.
type roomIndex struct {
	info    RoomInfo
	heads   []segment.Head // from finish on those of messages
	events  []segment.Head // from finish on those of the roster
	places  []place
	again   map[uint64]bool
	own     map[uint64]bool // also told by the person's own device
	atts    map[uint64][]attached
	roster  map[string]bool      // records
	names   map[string]contentAt // what OpenAttachment asks for
	start   int64                // of the vCon that told the metadata
	begun   bool                 // start is set
	partial bool                 // the metadata is only id and name
}

func newIndex() *index {
	return &index{byID: map[string]*roomIndex{}, parties: map[string]codec.Party{}}
}

// room returns the room with an id, which is new when it was not met before.
func (x *index) room(id string) *roomIndex {
	r, ok := x.byID[id]
	if !ok {
		r = &roomIndex{again: map[uint64]bool{}, own: map[uint64]bool{}, atts: map[uint64][]attached{}, roster: map[string]bool{}}
		r.info.Room.ID = id
		x.byID[id] = r
		x.rooms = append(x.rooms, r)
	}
	return r
}

// finish puts rooms and items in canonical order, gives each attachment to its
// item, and finds what the history holds more than once.
func (x *index) finish(ctx context.Context) error {
	for _, r := range x.rooms {
		slices.SortFunc(r.heads, canonical)
	}
	if err := x.unite(ctx); err != nil {
		return err
	}
	if err := x.settle(ctx); err != nil {
		return err
	}
	x.rooms = slices.DeleteFunc(x.rooms, func(r *roomIndex) bool {
		if len(r.info.Room.ID) > segment.MaxRoomID || len(r.heads) == 0 && len(r.info.Roster) == 0 && r.info.Room.Meta == nil && len(r.info.Room.Extra) == 0 {
			delete(x.byID, r.info.Room.ID)
			return true
		}
		return false
	})
	for _, r := range x.rooms {
		x.fit(&r.info.Room)
		r.roster = nil
		r.info.Items = uint64(len(r.heads))
		r.info.First, r.info.Last = 0, 0
		if n := len(r.heads); n > 0 {
			r.info.First, r.info.Last = r.heads[0].Instant, r.heads[n-1].Instant
		}
		r.split()
	}
	slices.SortStableFunc(x.rooms, func(a, b *roomIndex) int {
		return cmp.Or(cmp.Compare(min(1, b.info.Items), min(1, a.info.Items)), cmp.Compare(b.info.Last, a.info.Last),
			cmp.Compare(a.info.Room.ID, b.info.Room.ID))
	})
	return nil
}

func canonical(a, b segment.Head) int {
	return cmp.Or(cmp.Compare(a.Instant, b.Instant), cmp.Compare(a.Ref, b.Ref))
}

// split keeps the heads of the roster's items apart, so that a plan takes those of
// the messages as they are: most of a history's memory is its heads.
func (r *roomIndex) split() {
	for _, h := range r.heads {
		if h.Roster {
			r.events = append(r.events, h)
		}
	}
	if len(r.events) > 0 {
		r.heads = slices.DeleteFunc(r.heads, func(h segment.Head) bool { return h.Roster })
	}
}

// splitHeads is what SplitRoster makes of Heads, without a copy: the caller must
// not change it.
func (x *index) splitHeads(room string) (messages, events []segment.Head) {
	if r, ok := x.byID[room]; ok {
		return slices.Clip(r.heads), slices.Clip(r.events)
	}
	return nil, nil
}

// fit drops of the parameters of a room the largest, until a segment holds the rest.
func (x *index) fit(room *segment.Room) {
	size := 0
	if room.Meta != nil {
		raw, err := codec.AppendRoomCBOR(nil, room.Meta)
		if size = len(raw); err != nil || size > segment.MaxRoom/2 {
			x.lose(segment.TooLarge)
			room.Meta = &codec.Room{ID: room.Meta.ID, Name: segment.ShortName(room.Meta.Name)}
			size = 0
		}
	}
	names := sortedNames(room.Extra)
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(len(room.Extra[a]), len(room.Extra[b])) })
	for _, name := range names {
		size += len(name) + len(room.Extra[name]) + 16
		if size > segment.MaxRoom {
			x.lose(segment.TooLarge)
			delete(room.Extra, name)
		}
	}
}

// unite makes equal records one item, and marks those that only share a message
// id (segment.KeyOf).
func (x *index) unite(ctx context.Context) error {
	for _, r := range x.rooms {
		order := make([]int32, len(r.heads))
		for i := range order {
			order[i] = int32(i)
		}
		slices.SortFunc(order, func(i, j int32) int {
			return cmp.Or(bytes.Compare(r.heads[i].Key[:], r.heads[j].Key[:]), cmp.Compare(i, j))
		})
		var groups [][]int32
		for at := 0; at < len(order); {
			end := at + 1
			for end < len(order) && r.heads[order[end]].Key == r.heads[order[at]].Key {
				end++
			}
			if end-at > 1 {
				groups = append(groups, order[at:end])
			}
			at = end
		}
		// In the order of the room, so that units are read from their beginning on.
		slices.SortFunc(groups, func(a, b []int32) int { return cmp.Compare(a[0], b[0]) })
		gone := map[uint64]uint64{} // ref of a duplicate: of the item
		for _, g := range groups {
			if err := x.uniteKey(ctx, r, g, gone); err != nil {
				return err
			}
		}
		if len(gone) == 0 {
			continue
		}
		r.heads = slices.DeleteFunc(r.heads, func(h segment.Head) bool { _, ok := gone[h.Ref]; return ok })
		x.left.Source += uint64(len(gone))
		x.left.AddExcluded(Duplicate, uint64(len(gone)))
		for i := range x.atts {
			if to, ok := gone[x.atts[i].ref]; ok && x.atts[i].room == r && !x.atts[i].byKey {
				x.atts[i].ref = to
			}
		}
	}
	return nil
}

// uniteKey looks at items of one key, in canonical order.
func (x *index) uniteKey(ctx context.Context, r *roomIndex, same []int32, gone map[uint64]uint64) error {
	refs, items := make([]uint64, len(same)), make([]segment.Item, len(same))
	heads := map[uint64]*segment.Head{}
	for n, i := range same {
		it, err := x.read(ctx, r, r.heads[i])
		if err != nil {
			return err
		}
		refs[n], items[n] = r.heads[i].Ref, it
		heads[refs[n]] = &r.heads[i]
	}
	stay, replaced, err := x.weigh(r, refs, items)
	if err != nil {
		return err
	}
	for ref, to := range replaced {
		for next, ok := replaced[to]; ok; next, ok = replaced[to] {
			to = next
		}
		gone[ref] = to
	}
	for n, ref := range stay {
		if n == 0 {
			continue
		}
		h := heads[ref]
		r.again[ref] = true
		it, err := x.read(ctx, r, *h)
		if err != nil {
			return err
		}
		again, err := x.keyer.Head(r.info.Room, it, ref)
		if err != nil {
			return err
		}
		again.Instant = h.Instant
		*h = again
	}
	return nil
}

// Rooms implements Reader.
func (x *index) Rooms(context.Context) ([]RoomInfo, error) {
	out := make([]RoomInfo, len(x.rooms))
	for i, r := range x.rooms {
		out[i] = r.info
	}
	return out, nil
}

// Heads implements Reader.
func (x *index) Heads(ctx context.Context, room string) iter.Seq2[segment.Head, error] {
	return func(yield func(segment.Head, error) bool) {
		r, ok := x.byID[room]
		if !ok {
			return
		}
		for m, e := r.heads, r.events; len(m)+len(e) > 0; {
			from := &m
			if len(m) == 0 || len(e) > 0 && canonical(e[0], m[0]) < 0 {
				from = &e
			}
			h := (*from)[0]
			*from = (*from)[1:]
			if err := ctx.Err(); err != nil {
				yield(h, err)
				return
			}
			if !yield(h, nil) {
				return
			}
		}
	}
}

// Items implements Reader. An item whose record no longer has its key is
// ErrChanged.
func (x *index) Items(ctx context.Context, room string, heads []segment.Head) ([]segment.Item, error) {
	r, ok := x.byID[room]
	if !ok {
		return nil, ErrChanged
	}
	var keyer segment.Keyer
	items := make([]segment.Item, len(heads))
	for i, h := range heads {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		it, err := x.read(ctx, r, h)
		if err != nil {
			return nil, err
		}
		if key, err := keyer.Key(r.info.Room, it); err != nil || key != h.Key {
			return nil, ErrChanged
		}
		items[i] = it
	}
	return items, nil
}

// OpenAttachment implements Reader.
func (x *index) OpenAttachment(ctx context.Context, room string, e segment.AttachmentEntry, offset uint64) (io.ReadCloser, error) {
	r, ok := x.byID[room]
	if !ok {
		return nil, segment.ErrContentAbsent
	}
	t, ok := r.names[entryName(e)]
	if !ok || t.size == absent || t.gone {
		return nil, segment.ErrContentAbsent
	}
	return x.open(ctx, t.attached, e, min(offset, uint64(t.size)))
}

// Left implements Reader.
func (x *index) Left(context.Context) (segment.Ledger, error) { return x.left.Clone(), nil }

// Close implements Reader.
func (x *index) Close() error { return nil }
