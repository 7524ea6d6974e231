package history

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync/atomic"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// StageSegment stages a segment of the current room. When it returns, the segment
// is durable. It counts the segment's items: imported, there already, tombstones.
func (s *DirSink) StageSegment(ctx context.Context, room segment.RoomEntry, e segment.SegmentEntry, data []byte) (segment.Ledger, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.stageSegment(ctx, room, e, data)
	if err != nil {
		return segment.Ledger{}, destination("stage segment", err)
	}
	return l, nil
}

func (s *DirSink) stageSegment(ctx context.Context, room segment.RoomEntry, e segment.SegmentEntry, data []byte) (l segment.Ledger, err error) {
	r, h, err := s.enter(ctx, room)
	if err != nil {
		return l, err
	}
	if sha256.Sum256(data) != e.ID {
		return l, segment.ErrHash
	}
	seg, err := segment.Decode(data)
	if err != nil {
		return l, err
	}
	if seg.Room.ID != room.ID || !seg.Matches(e) {
		return l, errors.New("segment is not what the manifest says")
	}
	if l, err = h.count(ctx, seg, s.info.SharedBy); err != nil {
		return l, err
	}
	if err := s.note(&segment.Staged{Segment: e.ID, Ledger: l}); err != nil {
		return l, err
	}
	if !s.segments[e.ID] {
		err := s.writeFile(segmentsDir+"/"+hex.EncodeToString(e.ID[:]), func(f *os.File) error {
			_, err := f.Write(data)
			return err
		})
		if err != nil {
			return l, err
		}
		s.segments[e.ID] = true
		s.space.written.Add(uint64(len(data)))
	}
	if !r.named[e.ID] {
		r.named[e.ID] = true
		r.segments = append(r.segments, e)
	}
	delete(r.missing, e.ID)
	r.changed = true
	return l, nil
}

// prune removes what was staged long ago and never committed.
func (s *DirSink) prune() error {
	before := s.opts.Now().Add(-maxStaged)
	for _, dir := range []string{segmentsDir, partsDir, contentsDir, roomsDir, notesDir, receiptsDir} {
		names, err := s.names(dir)
		if err != nil {
			return err
		}
		for _, name := range names {
			info, err := s.root.Lstat(dir + "/" + name)
			if err != nil {
				return err
			}
			if info.ModTime().Before(before) {
				if err := s.root.Remove(dir + "/" + name); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// stagedSegments lists what earlier runs left.
func (s *DirSink) stagedSegments() (map[segment.ID]bool, error) {
	names, err := s.names(segmentsDir)
	if err != nil {
		return nil, err
	}
	out := make(map[segment.ID]bool, len(names))
	for _, name := range names {
		id, err := hex.DecodeString(name)
		if err != nil || len(id) != len(segment.ID{}) {
			continue
		}
		// A file that was renamed was durable before; its bytes are compared with its
		// name when they are used.
		out[segment.ID(id)] = true
	}
	return out, nil
}

// readSegment reads a staged segment. One that is damaged is removed, so that the
// next run asks for it anew.
func (s *DirSink) readSegment(id segment.ID) (*segment.Segment, error) {
	name := segmentsDir + "/" + hex.EncodeToString(id[:])
	f, err := s.root.Open(name)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, segment.MaxSegmentBytes+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if sha256.Sum256(data) != id {
		delete(s.segments, id)
		return nil, errors.Join(segment.ErrHash, s.root.Remove(name))
	}
	return segment.Decode(data)
}

func (s *DirSink) names(dir string) ([]string, error) {
	d, err := s.root.Open(dir)
	if err != nil {
		return nil, err
	}
	names, err := d.Readdirnames(-1)
	return names, errors.Join(err, d.Close())
}

// contentFile names the content of an attachment until its hash is known: a hash
// of room, message id, part and size.
func contentFile(room string, e segment.AttachmentEntry) string {
	h := sha256.New()
	put := func(s string) {
		_, _ = h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(s)))) // a hash never fails
		_, _ = io.WriteString(h, s)
	}
	put(room)
	put(e.MessageID)
	_, _ = h.Write(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, e.Part), e.Size))
	return hex.EncodeToString(h.Sum(nil))
}

// stagedContents lists the finished contents that earlier runs left.
func (s *DirSink) stagedContents() (map[string]content, error) {
	names, err := s.names(contentsDir)
	if err != nil {
		return nil, err
	}
	out := make(map[string]content, len(names))
	for _, name := range names {
		by, hexSum, ok := strings.Cut(name, "-")
		sum, err := hex.DecodeString(hexSum)
		if !ok || err != nil || len(sum) != sha256.Size {
			continue
		}
		info, err := s.root.Lstat(contentsDir + "/" + name)
		if err != nil {
			return nil, err
		}
		out[by] = content{sum: [32]byte(sum), size: info.Size()}
	}
	return out, nil
}

// StageAttachment opens the place of an attachment's content, from the offset on
// that Have answered. What was written survives the process.
func (s *DirSink) StageAttachment(ctx context.Context, room segment.RoomEntry, _ segment.ID, e segment.AttachmentEntry, offset uint64) (segment.AttachmentWriter, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, err := s.stageAttachment(ctx, room, e, offset)
	if err != nil {
		return nil, destination("stage attachment", err)
	}
	return w, nil
}

func (s *DirSink) stageAttachment(ctx context.Context, room segment.RoomEntry, e segment.AttachmentEntry, offset uint64) (*partWriter, error) {
	if !s.begun {
		return nil, errNoTransfer
	}
	if e.Size > segment.MaxContent || offset > e.Size {
		return nil, &LimitError{What: "bytes of an attachment, or its offset", Limit: segment.MaxContent}
	}
	name := contentFile(room.ID, e)
	if s.writing[name] {
		return nil, errors.New("attachment is being written already")
	}
	f, err := s.root.OpenFile(partsDir+"/"+name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	w := &partWriter{s: s, written: s.space.written, room: room.ID, name: name, entry: e, left: e.Size - offset, f: f, h: sha256.New()}
	n, err := io.Copy(w.h, &ctxReader{ctx, io.LimitReader(f, int64(offset))})
	if err == nil && uint64(n) < offset {
		err = errors.New("less is there than was said")
	}
	if err == nil {
		err = f.Truncate(int64(offset))
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	s.writing[name] = true
	return w, nil
}

// A partWriter writes one unfinished content.
type partWriter struct {
	s       *DirSink
	written *atomic.Uint64 // of the transfer, in bytes
	room    string
	name    string
	entry   segment.AttachmentEntry
	left    uint64
	f       *os.File // nil when it is closed
	h       hash.Hash
	err     error // sticky
}

// Write appends to the content. More than was announced is segment.ErrHash.
func (w *partWriter) Write(p []byte) (int, error) {
	switch {
	case w.err != nil:
		return 0, w.err
	case w.f == nil:
		return 0, destination("write attachment", fs.ErrClosed)
	case uint64(len(p)) > w.left:
		w.err = fmt.Errorf("write attachment: more than the announced size: %w", segment.ErrHash)
		return 0, w.err
	}
	n, err := w.f.Write(p)
	_, _ = w.h.Write(p[:n]) // a hash never fails
	w.left -= uint64(n)
	w.written.Add(uint64(n))
	w.err = destination("write attachment", err)
	return n, w.err
}

// Commit makes the content durable if sum is its SHA-256. Else it is removed, so
// that the next run asks for it anew: segment.ErrHash.
func (w *partWriter) Commit(sum [32]byte) error {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	if w.err != nil {
		return w.err
	}
	if w.f == nil {
		return destination("commit attachment", fs.ErrClosed)
	}
	err := w.commit(sum)
	if err != nil {
		w.err = destination("commit attachment", err)
	}
	return w.err
}

func (w *partWriter) commit(sum [32]byte) error {
	f := w.f
	size, err := f.Seek(0, io.SeekCurrent)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		w.release()
		return err
	}
	w.release()
	part := partsDir + "/" + w.name
	if w.left > 0 || [32]byte(w.h.Sum(nil)) != sum {
		return errors.Join(segment.ErrHash, w.s.root.Remove(part))
	}
	if err := w.s.note(&segment.Staged{Room: w.room, Attachment: &w.entry}); err != nil {
		return err
	}
	if err := w.s.reached("rename part"); err != nil {
		return err
	}
	if err := w.s.root.Rename(part, contentsDir+"/"+w.name+"-"+hex.EncodeToString(sum[:])); err != nil {
		return err
	}
	if err := w.s.syncDir(contentsDir); err != nil {
		return err
	}
	w.s.contents[w.name] = content{sum: sum, size: size}
	if r, ok := w.s.byID[w.room]; ok {
		r.changed = true
	}
	return nil
}

// Close keeps what was written for a later run. After Commit it does nothing.
func (w *partWriter) Close() error {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	if w.f == nil {
		return nil
	}
	err := errors.Join(w.f.Sync(), w.f.Close())
	w.release()
	return destination("close attachment", err)
}

func (w *partWriter) release() {
	w.f = nil
	delete(w.s.writing, w.name)
}
