package history

import (
	"encoding/hex"
	"io/fs"
	"path"
	"sync/atomic"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// A dirSpace compares what a transfer needs with what is free. All that a folder
// asks for is staged before any of it is made final, so that its sum is needed.
type dirSpace struct {
	free    uint64 // at Begin
	known   bool
	wanted  Wanted
	written *atomic.Uint64 // bytes that were staged since
}

// measure begins to count, and refuses a transfer of which not even nine tenths
// would fit: the announced bytes are an estimate. What is in the folder may be part
// of it. One file of attachments/ may be many of the announced contents: when there
// is one, only what is asked for tells.
func (s *DirSink) measure(info segment.TransferInfo) error {
	s.space = dirSpace{written: new(atomic.Uint64)}
	s.space.free, s.space.known = s.opts.Free(s.path)
	least := info.Bytes / 10 * 9
	if !s.space.known || least <= s.space.free {
		return nil
	}
	held, attached, err := s.heldBytes()
	if err != nil || attached || least <= AddBytes(s.space.free, held) {
		return err
	}
	return &SpaceError{Need: info.Bytes - held, Free: s.space.free}
}

// heldBytes is the length of all files of the folder, and whether it has contents.
func (s *DirSink) heldBytes() (held uint64, attached bool, err error) {
	err = fs.WalkDir(s.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		held = AddBytes(held, uint64(info.Size()))
		attached = attached || path.Dir(name) == sidecarFolder
		return nil
	})
	return held, attached, err
}

// want counts what is asked for of an entry.
func (s *DirSink) want(room string, e segment.Entry, w segment.Want) error {
	if !w.Need || !s.space.known {
		return nil
	}
	if e.Type == segment.SegmentType {
		s.space.wanted.Add(e.Segment.ID[:], e.Segment.Bytes)
	} else if name, err := hex.DecodeString(contentFile(room, e.Attachment)); err != nil {
		return err
	} else {
		s.space.wanted.Add(name, e.Attachment.Size-w.Offset)
	}
	if s.space.wanted.Bytes <= s.space.free {
		return nil
	}
	// Room may have been made since: what came takes up space that was free.
	free, known := s.opts.Free(s.path)
	if !known || s.space.wanted.Bytes <= AddBytes(free, s.space.written.Load()) {
		return nil
	}
	return &SpaceError{Need: s.space.wanted.Bytes, Free: free}
}
