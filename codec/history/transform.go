package history

import (
	"context"
	"maps"
	"slices"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// Retracted is why the attachments of a message do not travel that its sender
// took back.
const Retracted segment.Reason = "retracted"

// What a tombstone says became of its message (vcon-mimi-messages, "Message
// tombstones").
const (
	statusRetracted = "retracted"
	statusExpired   = "expired"
)

func reasonOfStatus(status string) segment.Reason {
	if status == statusExpired {
		return segment.Expired
	}
	return Retracted
}

// items reads the items of a plan as they travel.
func (s *Source) items(ctx context.Context, p *plan, heads []segment.Head) ([]segment.Item, error) {
	if len(heads) == 0 {
		return nil, nil
	}
	items, err := s.r.Items(ctx, p.room.ID, heads)
	if err != nil {
		return nil, err
	}
	presented := map[*codec.Party][]codec.Party{}
	for i := range items {
		it := &items[i]
		it.Provenance = ""
		if when, ok := p.retracted[heads[i].Key]; ok {
			*it = tombstone(*it, statusRetracted, when)
		} else if when, ok := expired(it.Dialog, p.now); ok && !p.scope.CatchUp {
			*it = tombstone(*it, statusExpired, when)
		}
		if p.scope.CatchUp && p.scope.NoMedia {
			it.Dialog = withoutKeys(it.Dialog)
		}
		if p.fold == nil {
			continue
		}
		if len(it.Parties) > 0 {
			at := &it.Parties[0]
			if _, ok := presented[at]; !ok {
				presented[at] = p.fold.present(it.Parties)
			}
			it.Parties = presented[at]
		}
		if heads[i].Key == p.first {
			p.fold.address(it)
		}
	}
	return items, nil
}

// expired tells whether a message's deadline has passed, and which it was. A time
// that is relative to reading it is for whoever keeps the message.
func expired(d *codec.Dialog, now int64) (codec.Date, bool) {
	if d.Expires == nil || d.Expires.Relative || d.Type == "tombstone" {
		return "", false
	}
	ms, ok := d.Expires.AbsoluteTime.UnixMilli()
	return d.Expires.AbsoluteTime, ok && ms <= now
}

// tombstone stands in the place of a message: it keeps its id and its instant,
// and nothing else of it.
func tombstone(it segment.Item, status string, when codec.Date) segment.Item {
	if when == "" {
		when = it.Dialog.Start
	}
	if it.Dialog.MessageID == "" {
		// Without an id its key is the record's; who sent it and when has to stay.
		return segment.Item{
			Dialog:  &codec.Dialog{Type: "tombstone", Start: it.Dialog.Start, Originator: it.Dialog.Originator, Status: status},
			Parties: it.Parties, Instant: it.Instant,
		}
	}
	return segment.Item{
		Dialog:  &codec.Dialog{Type: "tombstone", Start: when, MessageID: it.Dialog.MessageID, Status: status},
		Instant: it.Instant, Again: it.Again,
	}
}

// tombstoneHead is the head of a message that travels as a tombstone. It still
// counts the attachments of the message, which are to be accounted for.
func (s *Source) tombstoneHead(ctx context.Context, p *plan, h segment.Head) (segment.Head, error) {
	items, err := s.items(ctx, p, []segment.Head{h})
	if err != nil {
		return h, err
	}
	n, err := segment.HeadOf(p.room, items[0], h.Ref)
	if err != nil {
		return h, err
	}
	h.Size = n.Size
	return h, nil
}

// address makes a message list its recipients, the members at that time, as the
// first message of a vCon does (vcon-mimi-messages, "Semantics of the existing
// fields for text"). A message that lists them already is left alone.
func (r *roster) address(it *segment.Item) {
	d := it.Dialog
	if len(d.Parties) != 1 || d.Parties[0] != 0 || !r.hasRoom(it.Parties) {
		return
	}
	members := r.members()
	if len(members) == 0 {
		return
	}
	at := map[string]uint32{}
	for i, p := range it.Parties {
		if _, ok := at[identity(p)]; !ok {
			at[identity(p)] = uint32(i)
		}
	}
	c := *d
	c.Parties = nil
	parties := slices.Clip(it.Parties)
	for _, p := range members {
		i, ok := at[identity(p)]
		if !ok {
			i = uint32(len(parties))
			parties = append(parties, p)
		}
		c.Parties = append(c.Parties, i)
	}
	it.Dialog, it.Parties = &c, parties
}

func (r *roster) hasRoom(parties []codec.Party) bool {
	return len(parties) > 0 && r.isRoom(parties[0])
}

// withoutKeys is a message whose external content is not shared: where it is stays, and
// what decrypts it goes. Its id cannot be derived any more, and stays its name.
func withoutKeys(d *codec.Dialog) *codec.Dialog {
	if d.ExternalPart == nil && d.MultiPart == nil {
		return d
	}
	c := *d
	c.ExternalPart, c.MultiPart = closed(d.ExternalPart), closedParts(d.MultiPart)
	if _, ok := c.Extra[mimi.KeepParameter]; ok { // the whole content, keys included
		c.Extra = maps.Clone(c.Extra)
		delete(c.Extra, mimi.KeepParameter)
	}
	return &c
}

func closed(x *codec.ExternalPart) *codec.ExternalPart {
	if x == nil {
		return nil
	}
	c := *x
	c.Key, c.Nonce, c.AAD = "", "", ""
	return &c
}

func closedParts(m *codec.MultiPart) *codec.MultiPart {
	if m == nil {
		return nil
	}
	c := *m
	c.Parts = slices.Clone(m.Parts)
	for i := range c.Parts {
		p := &c.Parts[i]
		p.ExternalPart, p.MultiPart = closed(p.ExternalPart), closedParts(p.MultiPart)
	}
	return &c
}
