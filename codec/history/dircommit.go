package history

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// Commit makes everything final that this transfer named: the contents of
// attachments, then each room's file. It needs the memory of the largest room's
// heads. When it returns nil, everything is durable and nothing of it is staged
// any more.
func (s *DirSink) Commit(ctx context.Context, _ segment.End) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.begun {
		return destination("commit transfer", errNoTransfer)
	}
	if err := s.commit(ctx); err != nil {
		return destination("commit transfer", err)
	}
	s.begun, s.rooms, s.byID = false, nil, map[string]*sinkRoom{}
	return nil
}

func (s *DirSink) commit(ctx context.Context) error {
	if err := s.leave(); err != nil {
		return err
	}
	for _, r := range s.rooms {
		if len(r.missing) > 0 {
			return errMissing
		}
	}
	if err := s.root.Mkdir(sidecarFolder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	for _, r := range s.rooms {
		if !r.changed {
			continue
		}
		if err := s.commitRoom(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// commitRoom merges what was staged of a room with its file.
func (s *DirSink) commitRoom(ctx context.Context, r *sinkRoom) error {
	m, err := s.merge(ctx, r)
	if err != nil {
		return err
	}
	defer m.Close()
	used, err := s.publish(m)
	if err != nil {
		return err
	}
	info, err := m.Rooms(ctx)
	if err != nil {
		return err
	}
	if len(info) != 1 {
		return errOtherRoom
	}
	name := fileName(r.entry.ID) + extension(s.opts.Format)
	sum := sha256.New()
	err = s.writeFile(name, func(f *os.File) error {
		w := bufio.NewWriterSize(io.MultiWriter(f, sum), copyBuffer)
		err := WriteVCon(ctx, w, m, info[0], WriteOptions{Format: s.opts.Format, Sidecar: m.sidecar})
		return errors.Join(err, w.Flush())
	})
	if err != nil {
		return err
	}
	ids := r.held
	for id := range r.named {
		if s.info.SharedBy == "" {
			ids[id] = ownWord
		} else if ids[id] != ownWord {
			ids[id] = sharedWord
		}
	}
	if err := s.writeHeld(r.entry.ID, [32]byte(sum.Sum(nil)), ids); err != nil {
		return err
	}
	return s.clean(r, name, used)
}

// publish gives the staged contents of a room's attachments their final names.
// Until the room's file is there they keep the staged ones too, so that a run that
// is cut short here does not ask for them again.
func (s *DirSink) publish(m *merged) (used []string, err error) {
	for name, sum := range m.staged {
		from := contentsDir + "/" + name + "-" + hex.EncodeToString(sum[:])
		err := s.root.Link(from, sidecarURL(sum))
		if errors.Is(err, fs.ErrExist) {
			err = nil // another attachment, or an earlier attempt, published it
		} else if err != nil { // a file system without links
			err = s.root.Rename(from, sidecarURL(sum))
		}
		if err != nil {
			return nil, err
		}
		used = append(used, name+"-"+hex.EncodeToString(sum[:]))
	}
	if len(used) == 0 {
		return nil, nil
	}
	return used, errors.Join(s.syncDir(sidecarFolder), s.syncDir(contentsDir))
}

// clean removes what is final now from the staging folder, and the room's file in
// the other format, all of which is in the new one.
func (s *DirSink) clean(r *sinkRoom, name string, used []string) error {
	for _, name := range used {
		by, _, _ := strings.Cut(name, "-")
		delete(s.contents, by)
		if err := s.root.Remove(contentsDir + "/" + name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	for _, e := range r.segments {
		if !s.segments[e.ID] {
			continue
		}
		err := s.root.Remove(segmentsDir + "/" + hex.EncodeToString(e.ID[:]))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		delete(s.segments, e.ID)
	}
	names, err := s.roomFiles(r.entry.ID)
	if err != nil {
		return err
	}
	for _, n := range names {
		if n != name {
			if err := s.root.Remove(n); err != nil {
				return err
			}
		}
	}
	return s.syncDir(".")
}

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
