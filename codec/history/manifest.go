package history

import (
	"context"
	"fmt"
	"iter"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// Manifest yields the pages of the manifest of what scope selects: the room with
// the newest item first, of a room its roster segments before its messages
// segments, of both the newest first. The first page has few segments and each
// further one twice as many, up to the limits of a page, so that the first
// segment leaves before much of the source was read.
//
// The Left of all pages together is what no segment holds, so that the items of
// the segments and Left are the source. A new Manifest forgets the segments that
// the one before it named.
func (s *Source) Manifest(ctx context.Context, scope segment.Scope) iter.Seq2[*segment.Page, error] {
	return func(yield func(*segment.Page, error) bool) {
		l := &lister{ctx: ctx, s: s, scope: scope, yield: yield, limit: firstPage}
		if err := l.list(); err != nil && err != errStopped {
			yield(nil, fmt.Errorf("list segments: %w", err))
		}
	}
}

// errStopped ends a manifest that nobody wants more pages of.
var errStopped = fmt.Errorf("stopped")

// A lister makes one manifest.
type lister struct {
	ctx   context.Context
	s     *Source
	scope segment.Scope
	run   run
	yield func(*segment.Page, error) bool

	pager    segment.Pager
	left     segment.Ledger
	segments int // on the page
	limit    int // of segments on the page
}

func (l *lister) list() error {
	rooms, err := l.s.r.Rooms(l.ctx)
	if err != nil {
		return err
	}
	l.run = run{l.scope, l.s.opts.Now().UnixMilli()}
	l.s.mu.Lock()
	l.s.run, l.s.plans, l.s.recent = l.run, planCache{}, recent{}
	clear(l.s.named)
	l.s.mu.Unlock()
	if l.left, err = l.s.r.Left(l.ctx); err != nil {
		return err
	}
	for _, info := range rooms {
		if err := l.room(info); err != nil {
			return err
		}
	}
	return l.page(l.pager.Take())
}

func (l *lister) room(info RoomInfo) error {
	p, err := l.s.plan(l.ctx, info, l.run)
	if err != nil {
		return err
	}
	l.s.mu.Lock()
	l.s.plans.keep(p)
	l.s.mu.Unlock()
	l.left.Add(p.left)
	if !p.selected {
		return nil
	}
	r := segment.RoomEntry{ID: p.room.ID}
	if p.room.Meta != nil {
		r.Name = segment.ShortName(p.room.Meta.Name)
	}
	if err := l.add(segment.Entry{Type: segment.RoomType, Room: r}); err != nil {
		return err
	}
	for i := len(p.spans) - 1; i >= 0; i-- {
		if err := l.segment(p, named{room: r.ID, kind: segment.Roster, lo: i, hi: i + 1}); err != nil {
			return err
		}
	}
	hi := len(p.messages)
	for span := range segment.CutNewestFirst(p.messages) {
		lo := hi - len(span)
		if err := l.segment(p, named{room: r.ID, kind: segment.Messages, lo: lo, hi: hi}); err != nil {
			return err
		}
		hi = lo
	}
	return nil
}

// segment names one segment and its attachments.
func (l *lister) segment(p *plan, n named) error {
	if err := l.ctx.Err(); err != nil {
		return err
	}
	data, e, atts, err := l.s.encode(l.ctx, p, n, nil)
	if err != nil {
		return err
	}
	missing, err := l.missing(p, n)
	if err != nil {
		return err
	}
	l.left.Add(missing)
	l.s.mu.Lock()
	l.s.named[e.ID] = n
	l.s.recent.keep(e.ID, data)
	l.s.mu.Unlock()
	if l.segments++; l.segments > l.limit {
		if err := l.page(l.pager.Take()); err != nil {
			return err
		}
		l.segments, l.limit = 1, min(2*l.limit, maxPageSegments)
	}
	if err := l.add(segment.Entry{Type: segment.SegmentType, Segment: e}); err != nil {
		return err
	}
	if l.scope.NoMedia {
		return nil
	}
	for _, a := range atts {
		if err := l.add(segment.Entry{Type: segment.AttachmentType, Attachment: a}); err != nil {
			return err
		}
	}
	return nil
}

// missing counts the attachments of a segment that do not travel.
func (l *lister) missing(p *plan, n named) (missing segment.Ledger, err error) {
	heads := p.messages
	if n.kind == segment.Roster {
		heads, n.lo, n.hi = p.spans[n.lo].Heads, 0, len(p.spans[n.lo].Heads)
	}
	var with []segment.Head
	for _, h := range heads[n.lo:n.hi] {
		if h.Attachments > 0 {
			with = append(with, h)
		}
	}
	if len(with) == 0 {
		return missing, nil
	}
	items, err := l.s.items(l.ctx, p, with)
	if err != nil {
		return missing, err
	}
	for i := range items {
		_, m := contentOf(&with[i], &items[i], l.scope)
		missing.Add(m)
	}
	return missing, nil
}

func (l *lister) add(e segment.Entry) error {
	if full := l.pager.Add(e); full != nil {
		return l.page(full)
	}
	return nil
}

// page hands over a page with what was left out until now.
func (l *lister) page(p *segment.Page) error {
	if len(p.Entries) == 0 && l.left.Source == 0 && l.left.Attachments == 0 {
		return nil
	}
	p.Left, l.left = l.left, segment.Ledger{}
	if !l.yield(p, nil) {
		return errStopped
	}
	return nil
}
