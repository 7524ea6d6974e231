package history

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// A Source is what transfer.Send takes: it cuts a Reader's history into segments,
// selects by scope, applies the content rules (design, section 8), and accounts
// for everything that it leaves out. Its methods may be called at the same time.
//
// Segments are not kept. A Source remembers of each segment that it named where
// its items are, and makes the bytes again when they are asked for.
type Source struct {
	r    Reader
	opts SourceOptions

	mu     sync.Mutex // of what the newest Manifest left
	run    run
	plans  planCache
	named  map[segment.ID]named
	recent recent
}

// SourceOptions configure a Source. The zero value is ready.
type SourceOptions struct {
	// Now tells which messages have expired; nil is time.Now. It is asked once for
	// each Overview and Manifest.
	Now func() time.Time
}

// A run is one look at the history: what it selects, and the time that decides
// what has expired, so that this happens once.
type run struct {
	scope segment.Scope
	now   int64
}

// A named is where the items of a segment are: a span of a room's plan.
type named struct {
	room   string
	kind   segment.Kind
	lo, hi int // of the plan's messages or roster spans
}

// NewSource returns a source of what r reads. Close closes r.
func NewSource(r Reader, opts SourceOptions) *Source {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Source{r: r, opts: opts, named: map[segment.ID]named{}}
}

// Close closes the Reader.
func (s *Source) Close() error { return s.r.Close() }

// Overview counts what scope selects and what it leaves out. It reads heads only;
// in a catch-up, whose rules look at content, it reads every message once.
func (s *Source) Overview(ctx context.Context, scope segment.Scope) (*segment.Overview, error) {
	o := new(segment.Overview)
	rooms, err := s.r.Rooms(ctx)
	if err != nil {
		return nil, fmt.Errorf("survey source: %w", err)
	}
	now := run{scope, s.opts.Now().UnixMilli()}
	left, err := s.r.Left(ctx)
	if err != nil {
		return nil, fmt.Errorf("survey source: %w", err)
	}
	o.Left.Add(left)
	for _, info := range rooms {
		p, err := s.plan(ctx, info, now)
		if err != nil {
			return nil, fmt.Errorf("survey source: %w", err)
		}
		o.Left.Add(p.left)
		if !p.selected {
			continue
		}
		r := segment.OverviewRoom{ID: info.Room.ID, Messages: uint64(len(p.messages))}
		if p.room.Meta != nil {
			r.Name = p.room.Meta.Name
		}
		for _, h := range p.messages {
			r.Attachments += uint64(h.Attachments)
			r.Bytes += uint64(h.Size)
		}
		for _, h := range p.events {
			r.Attachments += uint64(h.Attachments)
			r.Bytes += uint64(h.Size)
		}
		content, missing, err := s.content(ctx, p, scope)
		if err != nil {
			return nil, fmt.Errorf("survey source: %w", err)
		}
		r.Attachments -= missing.Attachments
		o.Left.Add(missing)
		r.Bytes += content
		if n := len(p.messages); n > 0 {
			r.First, r.Last = p.messages[0].Instant, p.messages[n-1].Instant
		}
		o.Rooms = append(o.Rooms, r)
		o.Messages += r.Messages
		o.Attachments += r.Attachments
		o.Bytes += r.Bytes
	}
	return o, nil
}

// content counts the bytes of the attachments of a plan, and what attachments do
// not travel.
func (s *Source) content(ctx context.Context, p *plan, scope segment.Scope) (bytes uint64, missing segment.Ledger, err error) {
	var with []segment.Head
	for _, heads := range [][]segment.Head{p.messages, p.events} {
		for _, h := range heads {
			if h.Attachments > 0 {
				with = append(with, h)
			}
		}
	}
	for len(with) > 0 {
		n := min(itemBatch, len(with))
		items, err := s.items(ctx, p, with[:n])
		if err != nil {
			return 0, missing, err
		}
		for i := range items {
			b, m := contentOf(&with[i], &items[i], scope)
			bytes += b
			missing.Add(m)
		}
		with = with[n:]
	}
	return bytes, missing, nil
}

// contentOf counts what becomes of the attachments of an item that travels, of
// which its head counts h.Attachments.
func contentOf(h *segment.Head, it *segment.Item, scope segment.Scope) (bytes uint64, missing segment.Ledger) {
	leave := func(why segment.Reason, n uint64) {
		missing.Attachments += n
		missing.AddAttachmentExcluded(why, n)
	}
	for i := range it.Attachments {
		size, ok := segment.SizeOf(&it.Attachments[i])
		switch {
		case !ok:
			leave(segment.ContentAbsent, 1)
		case scope.NoMedia:
			leave(segment.NoMedia, 1)
		default:
			bytes += size
		}
	}
	// A tombstone has none of the attachments of its message.
	if gone := uint64(h.Attachments) - uint64(len(it.Attachments)); gone > 0 {
		leave(reasonOfStatus(it.Dialog.Status), gone)
	}
	return bytes, missing
}

// AppendSegment appends the bytes of a segment that the newest Manifest named. The
// error is ErrNotNamed, or ErrChanged when the history no longer gives these bytes.
func (s *Source) AppendSegment(ctx context.Context, id segment.ID, buf []byte) ([]byte, error) {
	out, err := s.appendSegment(ctx, id, buf)
	if err != nil {
		return buf, fmt.Errorf("read segment: %w", err)
	}
	return out, nil
}

func (s *Source) appendSegment(ctx context.Context, id segment.ID, buf []byte) ([]byte, error) {
	s.mu.Lock()
	n, ok := s.named[id]
	if data := s.recent.find(id); data != nil {
		buf = append(buf, data...)
		s.mu.Unlock()
		return buf, nil
	}
	now := s.run
	s.mu.Unlock()
	if !ok {
		return buf, ErrNotNamed
	}
	p, err := s.planOf(ctx, n.room, now)
	if err != nil {
		return buf, err
	}
	out, e, _, err := s.encode(ctx, p, n, buf)
	if err != nil {
		return buf, err
	}
	if e.ID != id {
		return buf, ErrChanged
	}
	return out, nil
}

// OpenAttachment opens the content of an attachment of a segment that the newest
// Manifest named, from offset on. The error is segment.ErrContentAbsent when the
// source does not have it, ErrNotNamed or ErrChanged.
func (s *Source) OpenAttachment(ctx context.Context, room string, message segment.ID, e segment.AttachmentEntry, offset uint64) (io.ReadCloser, error) {
	s.mu.Lock()
	n, ok := s.named[message]
	s.mu.Unlock()
	if !ok || n.room != room {
		return nil, fmt.Errorf("open attachment: %w", ErrNotNamed)
	}
	if offset > e.Size {
		return nil, fmt.Errorf("open attachment: %w", errors.New("offset behind its end"))
	}
	r, err := s.r.OpenAttachment(ctx, room, e, offset)
	if err != nil {
		return nil, fmt.Errorf("open attachment: %w", err)
	}
	return r, nil
}

// encode makes the bytes of a segment.
func (s *Source) encode(ctx context.Context, p *plan, n named, buf []byte) ([]byte, segment.SegmentEntry, []segment.AttachmentEntry, error) {
	if n.kind == segment.Roster {
		if n.lo >= len(p.spans) {
			return buf, segment.SegmentEntry{}, nil, ErrChanged
		}
		span := p.spans[n.lo]
		items, err := s.items(ctx, p, span.Heads)
		if err != nil {
			return buf, segment.SegmentEntry{}, nil, err
		}
		return segment.EncodeRoster(p.room, span, items, buf)
	}
	if n.hi > len(p.messages) {
		return buf, segment.SegmentEntry{}, nil, ErrChanged
	}
	items, err := s.items(ctx, p, p.messages[n.lo:n.hi])
	if err != nil {
		return buf, segment.SegmentEntry{}, nil, err
	}
	return segment.Encode(p.room, items, buf)
}

// recent keeps the bytes of the segments that were named last: the receiver asks
// for most of them at once.
type recent struct {
	ids   []segment.ID
	data  [][]byte
	bytes int
}

func (r *recent) keep(id segment.ID, data []byte) {
	r.ids, r.data, r.bytes = append(r.ids, id), append(r.data, data), r.bytes+len(data)
	for r.bytes > maxRecent && len(r.ids) > 1 {
		r.bytes -= len(r.data[0])
		r.ids, r.data = r.ids[1:], r.data[1:]
	}
}

func (r *recent) find(id segment.ID) []byte {
	for i := len(r.ids) - 1; i >= 0; i-- {
		if r.ids[i] == id {
			return r.data[i]
		}
	}
	return nil
}
