package history

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// A heldRoom is what the folder holds of a room: the items of its file, and the
// segments that they came in.
type heldRoom struct {
	id   string
	x    *files     // index of the file
	room *roomIndex // in x, or nil
	refs map[segment.Key]uint64
	new  map[segment.Key][32]byte // records that were staged since
	ids  map[segment.ID]origin
}

// An origin is whose word a segment is.
type origin byte

const (
	ownWord    origin = 1 // the person's own devices had it
	sharedWord origin = 2 // only others had it
)

// holds tells whether a segment has nothing to add. What somebody shared counts as
// our own only when our own device sends it too.
func (h *heldRoom) holds(id segment.ID, sharedBy string) bool {
	o := h.ids[id]
	return o == ownWord || o == sharedWord && sharedBy != ""
}

func (h *heldRoom) close() error {
	if h.x == nil {
		return nil
	}
	return h.x.Close()
}

// extensions of room files, that of each format.
func extension(f codec.Format) string {
	if f == codec.FormatJSON {
		return ".vcon.json"
	}
	return ".vcon.cbor"
}

// roomFiles are the files of a room that are there, of either format.
func (s *DirSink) roomFiles(room string) (names []string, err error) {
	for _, f := range []codec.Format{codec.FormatCBOR, codec.FormatJSON} {
		name := fileName(room) + extension(f)
		info, err := s.root.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if !info.Mode().IsRegular() {
			return nil, &FileError{File: name, Err: errors.New("not a regular file")}
		}
		names = append(names, name)
	}
	return names, nil
}

// held reads what the folder has of a room.
func (s *DirSink) held(ctx context.Context, room string) (*heldRoom, error) {
	h := &heldRoom{
		id: room, refs: map[segment.Key]uint64{}, new: map[segment.Key][32]byte{}, ids: map[segment.ID]origin{},
	}
	names, err := s.roomFiles(room)
	if err != nil || len(names) == 0 {
		return h, err
	}
	paths := make([]string, len(names))
	for i, name := range names {
		paths[i] = filepath.Join(s.path, name)
	}
	r, err := OpenFiles(ctx, paths, Options{})
	if err != nil {
		return nil, err
	}
	h.x = r.(*files)
	if h.room = h.x.byID[room]; h.room == nil {
		return h, nil // somebody else's file by our name: it is merged with, and stays whole
	}
	for _, heads := range [][]segment.Head{h.room.heads, h.room.events} {
		for _, head := range heads {
			h.refs[head.Key] = head.Ref
		}
	}
	if h.ids, err = s.readHeld(ctx, room, names); err == nil && h.ids == nil {
		h.ids, err = h.cut(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, h.close())
	}
	return h, nil
}

// cut finds the segments of a file that is not as we wrote it.
func (h *heldRoom) cut(ctx context.Context) (map[segment.ID]origin, error) {
	ids := map[segment.ID]origin{}
	// What has expired since is still what came: no clock.
	src := NewSource(h.x, SourceOptions{Now: func() time.Time { return time.UnixMilli(math.MinInt64) }})
	for page, err := range src.Manifest(ctx, segment.Scope{Rooms: []string{h.id}}) {
		if err != nil {
			return nil, err
		}
		for _, e := range page.Entries {
			if e.Type == segment.SegmentType {
				ids[e.Segment.ID] = ownWord
			}
		}
	}
	return ids, nil
}

// content finds the content of an attachment in the room's file, or beside it.
func (h *heldRoom) content(ctx context.Context, e segment.AttachmentEntry) (sum [32]byte, ok bool, err error) {
	if h.room == nil {
		return sum, false, nil
	}
	t, ok := h.room.names[entryName(e)]
	if !ok || t.size == absent || uint64(t.size) != e.Size {
		return sum, false, nil
	}
	sum, err = h.x.sum(ctx, t.attached, e)
	if errors.Is(err, segment.ErrContentAbsent) {
		return sum, false, nil
	}
	return sum, err == nil, err
}

// count puts each item of a segment into its column, against what is held.
func (h *heldRoom) count(ctx context.Context, seg *segment.Segment, sharedBy string) (l segment.Ledger, err error) {
	var k segment.Keyer
	for _, it := range seg.Items {
		l.Source++
		it.Provenance = sharedBy
		key, err := k.Key(seg.Room, it)
		if err != nil {
			return l, err
		}
		rec, err := k.RecordOf(seg.Room, it)
		if err != nil {
			return l, err
		}
		sum := sha256.Sum256(rec)
		there, err := h.there(ctx, key, sum, it)
		if err != nil {
			return l, err
		}
		h.new[key] = sum
		switch {
		case there:
			l.There++
		case it.Dialog.Type == "tombstone":
			l.Tombstones++
		default:
			l.Imported++
		}
	}
	return l, nil
}

// there tells whether an item adds nothing to what is held.
func (h *heldRoom) there(ctx context.Context, key segment.Key, sum [32]byte, it segment.Item) (bool, error) {
	if have, ok := h.new[key]; ok {
		return have == sum, nil
	}
	ref, ok := h.refs[key]
	if !ok {
		return false, nil
	}
	held, err := h.x.read(ctx, h.room, segment.Head{Ref: ref})
	if err != nil {
		return false, err
	}
	rec, err := h.x.keyer.RecordOf(h.room.info.Room, held)
	if err != nil {
		return false, err
	}
	if sha256.Sum256(rec) == sum {
		return true, nil
	}
	switch rival(held, it) {
	case keepFirst:
		return true, nil
	case keepSecond: // the same message, or its tombstone
		return isTombstone(it) == isTombstone(held), nil
	}
	return false, nil
}

// readHeld reads which segments a room's file holds; nil when that is not known
// of the file as it is now.
func (s *DirSink) readHeld(ctx context.Context, room string, names []string) (map[segment.ID]origin, error) {
	f, err := s.root.Open(heldDir + "/" + fileName(room))
	if errors.Is(err, fs.ErrNotExist) || len(names) != 1 {
		if f != nil {
			err = f.Close()
			return nil, err
		}
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	const size, entry = sha256.Size, sha256.Size + 1
	if len(data) < 2*size || (len(data)-2*size)%entry != 0 || sha256.Sum256(data[size:]) != [32]byte(data) {
		return nil, nil
	}
	sum, err := s.sumFile(ctx, names[0])
	if err != nil || sum != [32]byte(data[size:]) {
		return nil, err
	}
	ids := make(map[segment.ID]origin, len(data)/entry)
	for at := 2 * size; at < len(data); at += entry {
		ids[segment.ID(data[at:])] = origin(data[at+size])
	}
	return ids, nil
}

// writeHeld notes which segments a room's file with this hash holds: the SHA-256
// of the rest, that of the file, each id with its origin.
func (s *DirSink) writeHeld(room string, sum [32]byte, ids map[segment.ID]origin) error {
	data := make([]byte, sha256.Size, (2+2*len(ids))*sha256.Size)
	data = append(data, sum[:]...)
	for id, o := range ids {
		data = append(append(data, id[:]...), byte(o))
	}
	check := sha256.Sum256(data[sha256.Size:])
	copy(data, check[:])
	return s.writeFile(heldDir+"/"+fileName(room), func(f *os.File) error {
		_, err := f.Write(data)
		return err
	})
}

func (s *DirSink) sumFile(ctx context.Context, name string) (sum [32]byte, err error) {
	f, err := s.root.Open(name)
	if err != nil {
		return sum, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, &ctxReader{ctx, f}); err != nil {
		return sum, err
	}
	return [32]byte(h.Sum(nil)), nil
}
