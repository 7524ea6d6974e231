package history

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// Commit makes everything final that this transfer named: the contents of
// attachments, then each room's file. It needs the memory of the largest room's
// heads. When it returns nil, everything is durable, the receipt last, and nothing
// of it is staged any more. The receipt is kept for maxStaged.
func (s *DirSink) Commit(ctx context.Context, _ segment.End, receipt []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.begun {
		return destination("commit transfer", errNoTransfer)
	}
	if err := s.commit(ctx, receipt); err != nil {
		return destination("commit transfer", err)
	}
	s.begun, s.rooms, s.byID = false, nil, map[string]*sinkRoom{}
	return nil
}

func (s *DirSink) commit(ctx context.Context, receipt []byte) error {
	if len(receipt) > maxReceipt {
		return &LimitError{What: "bytes of a receipt", Limit: maxReceipt}
	}
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
	return s.keepReceipt(receipt)
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
		if err := s.reached("publish"); err != nil {
			return nil, err
		}
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
	if err := s.reached("clean"); err != nil {
		return err
	}
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
