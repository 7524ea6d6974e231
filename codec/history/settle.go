package history

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// settle gives each attachment to its item. An attachment that refers to a
// message which the source does not have is excluded: whose it was, and whether
// that message may still be shown, nobody knows.
func (x *index) settle(ctx context.Context) error {
	byRoom := map[*roomIndex][]attached{}
	for _, t := range x.atts {
		byRoom[t.room] = append(byRoom[t.room], t)
	}
	x.atts = nil
	for _, r := range x.rooms {
		if len(byRoom[r]) == 0 {
			continue
		}
		refs := make(map[segment.Key]uint64)
		for _, t := range byRoom[r] {
			if t.byKey {
				refs[t.target] = noRef
			}
		}
		for _, h := range r.heads {
			if _, ok := refs[h.Key]; ok {
				refs[h.Key] = h.Ref
			}
		}
		for _, t := range byRoom[r] {
			if t.byKey {
				t.ref = refs[t.target]
			}
			if t.ref == noRef {
				x.leaveAttachments(segment.Dangling, 1)
				continue
			}
			r.atts[t.ref] = append(r.atts[t.ref], t)
		}
		if err := x.settleRoom(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

const noRef = 1<<64 - 1

func (x *index) leaveAttachments(why segment.Reason, n uint64) {
	x.left.Attachments += n
	x.left.AddAttachmentExcluded(why, n)
}

// settleRoom removes the attachments that a room's items hold twice, and counts
// the rest into the heads.
func (x *index) settleRoom(ctx context.Context, r *roomIndex) error {
	r.names = map[string]contentAt{}
	for i := range r.heads {
		h := &r.heads[i]
		if len(r.atts[h.Ref]) == 0 {
			continue
		}
		p := r.places[h.Ref]
		it, err := x.units[p.unit].item(ctx, p)
		if err != nil {
			return err
		}
		if r.atts[h.Ref], err = x.distinct(ctx, r, it, r.atts[h.Ref]); err != nil {
			return err
		}
		if it, err = x.read(ctx, r, *h); err != nil {
			return err
		}
		n, err := x.keyer.Head(r.info.Room, it, h.Ref)
		if err != nil {
			// The dialog alone fits: better a message without its attachments than neither.
			lost := uint64(len(r.atts[h.Ref]))
			x.left.Attachments += lost
			x.left.AddAttachmentQuarantined(reasonOf(err), lost)
			delete(r.atts, h.Ref)
			continue
		}
		n.Instant = h.Instant
		*h = n
	}
	return nil
}

// distinct drops attachments that stand for another one: with the same metadata
// and content, or with none. The content of an attachment whose name (message
// id, part, size) is taken by other content cannot be told from that in a
// transfer: its metadata stays, without content.
func (x *index) distinct(ctx context.Context, r *roomIndex, it segment.Item, all []attached) ([]attached, error) {
	slices.SortStableFunc(all, func(a, b attached) int { return cmp.Compare(a.rank(), b.rank()) })
	records := map[string]bool{}
	out := all[:0]
	for _, t := range all {
		a, _, err := x.units[t.unit].attachment(ctx, t.place)
		if err != nil {
			return nil, err
		}
		m := *a
		m.Party, m.Body, m.URL, m.Encoding, m.Extra = nil, codec.Body{}, "", "", withoutOwn(m.Extra)
		raw, err := codec.AppendAttachmentCBOR(nil, &m)
		if err != nil {
			return nil, err
		}
		record := string(raw)
		if t.size == absent {
			if records[record] {
				x.leaveAttachments(Duplicate, 1)
				continue
			}
			records[record] = true
			out = append(out, t)
			continue
		}
		id, part := refOf(it, a)
		name := contentName(id, part, uint64(t.size))
		if other, taken := r.names[name]; taken {
			same, err := x.sameContent(ctx, it.Dialog, a, other.attached, t)
			if err != nil {
				return nil, err
			}
			switch {
			case !same:
				t.size = absent
			case records[record]:
				x.leaveAttachments(Duplicate, 1)
				continue
			}
		} else {
			r.names[name] = contentAt{t, id, part}
		}
		records[record] = true
		out = append(out, t)
	}
	return out, nil
}

// sameContent compares two contents of one size. Those that declare one hash are
// taken for the same without reading them.
func (x *index) sameContent(ctx context.Context, d *codec.Dialog, a *codec.Attachment, s, t attached) (bool, error) {
	b, _, err := x.units[s.unit].attachment(ctx, s.place)
	if err != nil {
		return false, err
	}
	if a.ContentHash != "" && a.ContentHash == b.ContentHash {
		return true, nil
	}
	var sums [2][32]byte
	for i, of := range []*codec.Attachment{b, a} {
		at := []attached{s, t}[i]
		sums[i], err = x.sum(ctx, at, entryOf(d, of, at.size))
		if errors.Is(err, segment.ErrContentAbsent) {
			return true, nil // there is nothing that could differ
		}
		if err != nil {
			return false, err
		}
	}
	return sums[0] == sums[1], nil
}

func (x *index) sum(ctx context.Context, t attached, e segment.AttachmentEntry) (sum [32]byte, err error) {
	if t.gone {
		return sum, segment.ErrContentAbsent
	}
	if t.sum != nil {
		return *t.sum, nil
	}
	c, err := x.open(ctx, t, e, 0)
	if err != nil {
		return sum, err
	}
	defer c.Close()
	h := sha256.New()
	if _, err := io.Copy(h, &ctxReader{ctx, c}); err != nil {
		return sum, err
	}
	return [32]byte(h.Sum(nil)), nil
}

// rank is 0 for an attachment with content, 1 for one that says how large its
// content is, 2 for others.
func (t *attached) rank() int {
	switch {
	case t.size == absent:
		return 2
	case t.gone:
		return 1
	}
	return 0
}

// A contentAt is where the content is that has a message id and a part.
type contentAt struct {
	attached
	id   string
	part uint64
}

// refOf is what the content of an attachment is asked for by, besides its size:
// message id and part, as segment entries have them.
func refOf(it segment.Item, a *codec.Attachment) (id string, part uint64) {
	id, part, ok := segment.ParseRef(a.DialogObjectRef)
	if !ok {
		id = string(it.Dialog.MessageID)
	}
	return segment.ShortName(id), part // whose limit is that of message ids
}

// entryOf is what the content of an attachment of d is asked for by.
func entryOf(d *codec.Dialog, a *codec.Attachment, size int64) segment.AttachmentEntry {
	c := *a
	c.Body, c.Extra = codec.Body{}, withoutOwn(c.Extra)
	segment.SetSize(&c, uint64(size))
	one := segment.Segment{Items: []segment.Item{{Dialog: d, Attachments: []codec.Attachment{c}}}}
	entries, _ := one.Attachments()
	return entries[0]
}

func entryName(e segment.AttachmentEntry) string { return contentName(e.MessageID, e.Part, e.Size) }

func contentName(id string, part, size uint64) string {
	return strconv.FormatUint(part, 10) + ":" + strconv.FormatUint(size, 10) + ":" + id
}

// withoutOwn is x without the parameter that is only ours.
func withoutOwn(x codec.Fields) codec.Fields {
	if _, ok := x[segment.Parameter]; !ok {
		return x
	}
	if len(x) == 1 {
		return nil
	}
	x = maps.Clone(x)
	delete(x, segment.Parameter)
	return x
}

// read reads the item of a head.
func (x *index) read(ctx context.Context, r *roomIndex, h segment.Head) (segment.Item, error) {
	if h.Ref >= uint64(len(r.places)) {
		return segment.Item{}, ErrChanged
	}
	p := r.places[h.Ref]
	it, err := x.units[p.unit].item(ctx, p)
	if err != nil {
		return it, err
	}
	it.Instant, it.Again = h.Instant, r.again[h.Ref]
	if r.own[h.Ref] {
		it.Provenance = ""
	}
	for _, t := range r.atts[h.Ref] {
		a, parties, err := x.units[t.unit].attachment(ctx, t.place)
		if err != nil {
			return it, err
		}
		if t.unit != p.unit {
			if err := adopt(&it, a, parties); err != nil {
				return it, err
			}
		}
		a.Extra = withoutOwn(a.Extra)
		if t.size != absent {
			a.Body = codec.Body{}
			segment.SetSize(a, uint64(t.size))
		} else if _, ok := segment.SizeOf(a); ok {
			a.Body = codec.Body{} // its name is taken: see distinct
		}
		it.Attachments = append(it.Attachments, *a)
	}
	return it, nil
}

// adopt makes an attachment of another unit refer to its party among it's.
func adopt(it *segment.Item, a *codec.Attachment, parties []codec.Party) error {
	p, ok := partyAt(parties, a.Party)
	if !ok {
		a.Party = nil
		return nil
	}
	want, err := codec.AppendPartyCBOR(nil, &p)
	if err != nil {
		return err
	}
	for i := range it.Parties {
		if have, err := codec.AppendPartyCBOR(nil, &it.Parties[i]); err == nil && string(have) == string(want) {
			a.Party = new(uint32(i))
			return nil
		}
	}
	a.Party = new(uint32(len(it.Parties)))
	it.Parties = append(slices.Clone(it.Parties), p)
	return nil
}
