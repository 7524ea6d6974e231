package history

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// A plan is what of a room travels under a scope.
type plan struct {
	selected bool // whether anything of the room travels
	room     segment.Room
	messages []segment.Head // in canonical order
	events   []segment.Head
	spans    []segment.RosterSpan
	left     segment.Ledger

	retracted map[segment.Key]codec.Date // messages that become tombstones: when they were retracted
	fold      *roster                    // the room as of the window's start, if that is not its own
	first     segment.Key                // of the message that carries the participants
	run
}

// A planCache keeps the plans of one scope, as long as they are not too large
// together. A plan that was dropped is made again.
type planCache struct {
	plans []*plan // the one that was used last at the end
	items int
}

func (c *planCache) find(room string) *plan {
	for i, p := range c.plans {
		if p.room.ID == room {
			c.plans = append(slices.Delete(c.plans, i, i+1), p)
			return p
		}
	}
	return nil
}

func (c *planCache) keep(p *plan) {
	c.plans = append(c.plans, p)
	c.items += len(p.messages) + len(p.events)
	for c.items > maxPlanned && len(c.plans) > 1 {
		c.items -= len(c.plans[0].messages) + len(c.plans[0].events)
		c.plans = slices.Delete(c.plans, 0, 1)
	}
}

// planOf is the plan of a room that a manifest named.
func (s *Source) planOf(ctx context.Context, room string, now run) (*plan, error) {
	s.mu.Lock()
	p := s.plans.find(room)
	s.mu.Unlock()
	if p != nil {
		return p, nil
	}
	rooms, err := s.r.Rooms(ctx)
	if err != nil {
		return nil, err
	}
	for _, info := range rooms {
		if info.Room.ID == room {
			p, err := s.plan(ctx, info, now)
			if err == nil {
				s.mu.Lock()
				s.plans.keep(p)
				s.mu.Unlock()
			}
			return p, err
		}
	}
	return nil, ErrChanged
}

// plan decides what of a room travels:
//
//  1. The heads are split into messages and roster events.
//  2. The window selects: rooms, dates, the newest so many.
//  3. In a catch-up, the content rules look at each message.
//  4. When the window does not begin with the room, the roster is replayed to its
//     start.
//  5. What does not travel is counted, with its reason.
func (s *Source) plan(ctx context.Context, info RoomInfo, now run) (*plan, error) {
	p, scope := &plan{room: info.Room, run: now}, now.scope
	messages, events, err := s.heads(ctx, info)
	if err != nil {
		return nil, err
	}
	if scope.Rooms != nil && !slices.Contains(scope.Rooms, info.Room.ID) {
		if !scope.CatchUp {
			// A new member of one room learns nothing of the others, not even
			// how much they hold.
			p.leave(segment.OutsideScope, messages...)
			p.leave(segment.OutsideScope, events...)
		}
		return p, nil
	}
	if scope.CatchUp {
		// What stands beside the messages (analysis, unknown parameters) may be
		// about those that are not shared.
		p.room.Extra = nil
	}
	w := windowOf(scope, messages, events)
	if err := s.choose(ctx, p, w, messages, scope.CatchUp); err != nil {
		return nil, err
	}
	for _, h := range events {
		if h.Instant >= w.start && h.Instant < w.until {
			p.events = append(p.events, h)
		} else {
			p.leave(segment.OutsideScope, h)
		}
	}
	if w.cut {
		if err := s.replay(ctx, p, info, w, messages, events); err != nil {
			return nil, err
		}
	}
	roster := slices.Clone(info.Roster)
	if p.fold != nil {
		p.room.Meta = p.fold.room
		roster = p.fold.roster()
	}
	p.selected = len(p.messages) > 0 || len(p.events) > 0 || !w.cut && info.Items == 0
	if p.selected {
		if p.spans, err = segment.PlanRoster(p.room, roster, p.events); err != nil {
			return nil, errors.Join(&LimitError{What: "bytes of a room's metadata or of one party", Limit: segment.MaxParty}, err)
		}
	}
	return p, nil
}

// heads are those of a room's messages and of its roster events. They may be the
// reader's own, and are not changed.
func (s *Source) heads(ctx context.Context, info RoomInfo) (messages, events []segment.Head, err error) {
	if r, ok := s.r.(interface {
		splitHeads(room string) (messages, events []segment.Head)
	}); ok {
		messages, events = r.splitHeads(info.Room.ID)
		return messages, events, ctx.Err()
	}
	messages = make([]segment.Head, 0, min(info.Items, maxPlanned))
	for h, err := range s.r.Heads(ctx, info.Room.ID) {
		switch {
		case err != nil:
			return nil, nil, err
		case h.Roster:
			events = append(events, h)
		default:
			messages = append(messages, h)
		}
	}
	return messages, events, nil
}

func (p *plan) leave(why segment.Reason, heads ...segment.Head) {
	for _, h := range heads {
		p.left.Source++
		p.left.AddExcluded(why, 1)
		p.left.Attachments += uint64(h.Attachments)
		p.left.AddAttachmentExcluded(why, uint64(h.Attachments))
	}
}

// A window is the part of a room that a scope selects.
type window struct {
	start, until int64 // instants: from start on, before until
	first, end   int   // of the messages, those that may travel: MaxMessages cuts within an instant
	cut          bool  // something of the room is before the window
}

// windowOf selects by time and count. The newest so many count what is in the
// window, before the rules of a catch-up.
func windowOf(scope segment.Scope, messages, events []segment.Head) window {
	w := window{start: math.MinInt64, until: math.MaxInt64}
	if !scope.Since.IsZero() {
		w.start = ceilMilli(scope.Since)
	}
	if !scope.Until.IsZero() {
		w.until = ceilMilli(scope.Until)
	}
	at := func(instant int64) int {
		i, _ := slices.BinarySearchFunc(messages, instant, func(h segment.Head, t int64) int {
			if h.Instant < t {
				return -1
			}
			return 1
		})
		return i
	}
	w.first = at(w.start)
	w.end = max(w.first, at(w.until)) // until may be before since
	if scope.MaxMessages > 0 && uint64(w.end-w.first) > scope.MaxMessages {
		w.first = w.end - int(scope.MaxMessages)
		w.start = messages[w.first].Instant
	}
	w.cut = w.first > 0 || len(events) > 0 && events[0].Instant < w.start
	return w
}

// ceilMilli is the first whole millisecond that is not before t.
func ceilMilli(t time.Time) int64 {
	ms := t.UnixMilli()
	if t.After(time.UnixMilli(ms)) {
		ms++
	}
	return ms
}

// choose takes the messages of the window, in a catch-up by the rules for it.
func (s *Source) choose(ctx context.Context, p *plan, w window, messages []segment.Head, catchUp bool) error {
	if !catchUp {
		p.messages = messages[w.first:w.end]
		p.leave(segment.OutsideScope, messages[:w.first]...)
		p.leave(segment.OutsideScope, messages[w.end:]...)
		return nil
	}
	inWindow := func(i int) bool { return i >= w.first && i < w.end }
	book := newFactBook(messages)
	err := s.each(ctx, p.room.ID, messages, func(i int, it segment.Item) { book.note(i, p.room.ID, it) })
	if err != nil {
		return err
	}
	verdicts := book.judge(inWindow)
	p.retracted = map[segment.Key]codec.Date{}
	for i, h := range messages {
		v := verdicts[i]
		if v.why != "" {
			p.leave(v.why, h)
			continue
		}
		if v.as == retracted {
			by, err := s.r.Items(ctx, p.room.ID, messages[v.by:v.by+1])
			if err != nil {
				return err
			}
			p.retracted[h.Key] = by[0].Dialog.Start
			// Cut by what travels, so that whoever sends it on cuts at the same places.
			if h, err = s.tombstoneHead(ctx, p, h); err != nil {
				return err
			}
		}
		p.messages = append(p.messages, h)
	}
	return nil
}

// each reads all items of heads, some at a time.
func (s *Source) each(ctx context.Context, room string, heads []segment.Head, f func(i int, it segment.Item)) error {
	for lo := 0; lo < len(heads); lo += itemBatch {
		hi := min(lo+itemBatch, len(heads))
		items, err := s.r.Items(ctx, room, heads[lo:hi])
		if err != nil {
			return err
		}
		for i := range items {
			f(lo+i, items[i])
		}
	}
	return nil
}

// replay makes the room's metadata and roster those at the window's start.
func (s *Source) replay(ctx context.Context, p *plan, info RoomInfo, w window, messages, events []segment.Head) error {
	p.fold = newRoster(info)
	var first *segment.Item
	if len(messages) > 0 {
		items, err := s.r.Items(ctx, p.room.ID, messages[:1])
		if err != nil {
			return err
		}
		first = &items[0]
	}
	begin := &rosterStart{r: p.fold}
	if !begin.listed(first) {
		if err := s.each(ctx, p.room.ID, events, func(_ int, it segment.Item) { begin.see(it) }); err != nil {
			return err
		}
	}
	before := events
	for i, h := range events {
		if h.Instant >= w.start {
			before = events[:i]
			break
		}
	}
	if err := s.each(ctx, p.room.ID, before, func(_ int, it segment.Item) { p.fold.apply(it) }); err != nil {
		return err
	}
	for _, h := range p.messages {
		if _, gone := p.retracted[h.Key]; !gone {
			p.first = h.Key
			break
		}
	}
	return nil
}
