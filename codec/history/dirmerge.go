package history

import (
	"context"
	"errors"
	"io"
	"math"
	"path/filepath"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// merged is a room's file and what was staged of it, as one Reader.
type merged struct {
	*files
	s      *DirSink
	room   string
	staged map[string][32]byte // contents of this room, by contentFile
	recent []*segmentUnit      // those whose segment is in memory, the newest last
}

func (s *DirSink) merge(ctx context.Context, r *sinkRoom) (*merged, error) {
	x := newIndex()
	x.rivals = true
	m := &merged{
		files: &files{index: x, opener: &opener{}}, s: s, room: r.entry.ID, staged: map[string][32]byte{},
	}
	names, err := s.roomFiles(r.entry.ID)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		path := filepath.Join(s.path, name)
		if err := m.scan(ctx, sourceFile{name: name, path: path}, Options{}); err != nil {
			return nil, err
		}
	}
	if err := m.takeSegments(ctx, r); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	if err := x.finish(ctx); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	m.findContents()
	return m, nil
}

// takeSegments adds the staged segments: those of the roster, then the messages,
// oldest first, as the items of one instant are in the source.
func (m *merged) takeSegments(ctx context.Context, r *sinkRoom) error {
	first := int64(math.MaxInt64)
	for _, e := range r.segments {
		first = min(first, e.First)
	}
	newest := true // the file does not begin before the transfer
	if at := m.byID[m.room]; at != nil && at.begun {
		newest = first <= at.start
	}
	var whole *segment.Room
	for _, kind := range []segment.Kind{segment.Roster, segment.Messages} {
		for i := len(r.segments) - 1; i >= 0; i-- {
			e := r.segments[i]
			if e.Kind != kind {
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if !m.s.segments[e.ID] {
				if r.held[e.ID] == 0 {
					return errMissing
				}
				continue
			}
			seg, err := m.s.readSegment(e.ID)
			if err != nil {
				return err
			}
			if seg.Whole {
				whole = &seg.Room
			}
			m.take(e.ID, seg)
		}
	}
	// The newest word on the room counts, unless the file begins before it.
	if at := m.byID[m.room]; whole != nil && at != nil && newest {
		at.info.Room.Meta = whole.Meta
		if at.info.Room.Extra == nil {
			at.info.Room.Extra = codec.Fields{}
		}
		for name, raw := range whole.Extra {
			at.info.Room.Extra[name] = raw
		}
	}
	return nil
}

// findContents finds which staged contents are those of this room's attachments,
// also of such as came without content before.
func (m *merged) findContents() {
	r := m.byID[m.room]
	if r == nil {
		return
	}
	for _, at := range r.names {
		name := contentFile(m.room, segment.AttachmentEntry{MessageID: at.id, Part: at.part, Size: uint64(at.size)})
		if c, ok := m.s.contents[name]; ok {
			m.staged[name] = c.sum
		}
	}
}

// take adds one segment to the index.
func (m *merged) take(id segment.ID, seg *segment.Segment) {
	u := &segmentUnit{m: m, id: id}
	b := m.begin(u, seg.Room, seg.Parties)
	b.partial = !seg.Whole
	for i := range seg.Items {
		b.add(place{off: int64(i)}, seg.Items[i].Dialog, &seg.Items[i].Instant)
	}
	for i := range seg.Items {
		it := &seg.Items[i]
		for j := range it.Attachments {
			a := &it.Attachments[j]
			t := attached{place: place{off: int64(i), len: int32(j), unit: b.unit}, room: b.r, size: absent}
			if size, ok := segment.SizeOf(a); ok {
				t.size = int64(size)
				one := segment.Segment{Items: []segment.Item{{Dialog: it.Dialog, Attachments: it.Attachments[j : j+1]}}}
				entries, _ := one.Attachments()
				if c, ok := m.s.contents[contentFile(m.room, entries[0])]; ok {
					t.sum = &c.sum
				} else {
					t.gone = true
				}
			}
			b.lost.Attachments++
			b.bind(t, uint64(i))
		}
	}
	b.end(seg.Roster)
}

// sidecar tells where the content of an attachment is, now or before.
func (m *merged) sidecar(e segment.AttachmentEntry) (sum [32]byte, ok bool) {
	if sum, ok := m.staged[contentFile(m.room, e)]; ok {
		return sum, true
	}
	r := m.byID[m.room]
	if r == nil {
		return sum, false
	}
	t, ok := r.names[entryName(e)]
	if !ok || t.sum == nil || t.gone {
		return sum, false
	}
	return *t.sum, true
}

// A segmentUnit is one staged segment of an index. The segments that were used
// last stay in memory: those of roster and messages alternate.
type segmentUnit struct {
	m   *merged
	id  segment.ID
	seg *segment.Segment // nil when it is not in memory
}

func (u *segmentUnit) load() (*segment.Segment, error) {
	if u.seg != nil {
		return u.seg, nil
	}
	seg, err := u.m.s.readSegment(u.id)
	if err != nil {
		return nil, err
	}
	if len(u.m.recent) == maxDecoded {
		u.m.recent[0].seg = nil
		u.m.recent = u.m.recent[1:]
	}
	u.seg, u.m.recent = seg, append(u.m.recent, u)
	return seg, nil
}

func (u *segmentUnit) item(_ context.Context, at place) (segment.Item, error) {
	seg, err := u.load()
	if err != nil {
		return segment.Item{}, err
	}
	it := seg.Items[at.off]
	it.Attachments, it.Again, it.Provenance = nil, false, u.m.s.info.SharedBy
	return it, nil
}

func (u *segmentUnit) attachment(_ context.Context, at place) (*codec.Attachment, []codec.Party, error) {
	seg, err := u.load()
	if err != nil {
		return nil, nil, err
	}
	a := seg.Items[at.off].Attachments[at.len]
	a.Extra = withoutOwn(a.Extra)
	return &a, seg.Parties, nil
}

// open is not asked for: content goes from its file to its file.
func (u *segmentUnit) open(place, uint64) (io.ReadCloser, error) {
	return nil, segment.ErrContentAbsent
}
