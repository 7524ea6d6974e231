package host

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// part is the file of an unfinished content. No name from the peer becomes a name of a
// file.
func (k contentKey) part() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %d %d", k.room, k.message, k.index, k.size))
	return partsDir + "/" + hex.EncodeToString(sum[:])
}

// StageAttachment opens the place of a content, from the offset on that Have answered.
// When that much is not there any more it is segment.ErrHash, and Have says 0.
func (s *Sink) StageAttachment(ctx context.Context, room segment.RoomEntry, seg segment.ID, e segment.AttachmentEntry, offset uint64) (segment.AttachmentWriter, error) {
	if !s.begun {
		return nil, errNoTransfer
	}
	if e.Size > segment.MaxContent || offset > e.Size {
		return nil, errors.New("stage attachment: larger than an attachment may be, or begins behind its end")
	}
	key := keyOf(room.ID, &e)
	f, err := s.root.OpenFile(key.part(), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, stored("stage attachment", err)
	}
	w := &partWriter{s: s, ctx: ctx, room: room, seg: seg, entry: e, key: key, left: e.Size - offset, f: f, sum: sha256.New()}
	n, err := io.CopyN(w.sum, f, int64(offset))
	if err == io.EOF {
		// Less is left than Have saw: a host that moves the file after its ack, for one.
		err = errors.Join(f.Close(), s.root.Remove(key.part()))
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil, segment.ErrHash
		}
		return nil, stored("stage attachment", err)
	}
	if err == nil {
		err = f.Truncate(n)
	}
	if err != nil {
		return nil, stored("stage attachment", errors.Join(err, f.Close()))
	}
	return w, nil
}

// A partWriter writes one unfinished content, and gives it to the host.
type partWriter struct {
	s     *Sink
	ctx   context.Context // for Commit, which waits for the host
	room  segment.RoomEntry
	seg   segment.ID
	entry segment.AttachmentEntry
	key   contentKey
	left  uint64
	f     *os.File // nil when it is closed
	sum   hash.Hash
}

// Write appends to the content. More than was announced is segment.ErrHash.
func (w *partWriter) Write(p []byte) (int, error) {
	if uint64(len(p)) > w.left {
		return 0, segment.ErrHash
	}
	n, err := w.f.Write(p)
	_, _ = w.sum.Write(p[:n]) // a hash never fails
	w.left -= uint64(n)
	return n, stored("write attachment", err)
}

// Commit makes the content durable, if sum is its hash, and gives it to the host. One
// that the host rejects is a *segment.RejectedError.
func (w *partWriter) Commit(sum [32]byte) error {
	err := errors.Join(w.f.Sync(), w.f.Close())
	w.f = nil
	if err != nil {
		return stored("commit attachment", err)
	}
	if w.left > 0 || [32]byte(w.sum.Sum(nil)) != sum {
		return errors.Join(segment.ErrHash, w.s.root.Remove(w.key.part()))
	}
	if err := w.s.sync(partsDir); err != nil {
		return stored("commit attachment", err)
	}
	err = w.deliver(sum)
	if _, rejected := errors.AsType[*segment.RejectedError](err); err != nil && !rejected {
		return err // the content waits here for the next run
	}
	if err := w.s.reached("remove part"); err != nil {
		return err
	}
	if gone := w.s.root.Remove(w.key.part()); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
		return stored("commit attachment", gone)
	}
	return err
}

// deliver gives the file to the host and waits for its ack. A content that an earlier
// connection left with the host is not given to it again.
func (w *partWriter) deliver(sum [32]byte) error {
	s, e := w.s, &w.entry
	f := s.board(cargo{w.seg, w.key, sum})
	if !f.given {
		if err := s.reached("emit content"); err != nil {
			return err
		}
		s.batches++
		err := s.conn.Emit(contentBatch{
			Batch: s.batches, Segment: hex.EncodeToString(w.seg[:]), Kind: "attachment", Room: batchRoom{w.room.ID, w.room.Name}, Last: true,
			Attachments: []contentItem{{
				MessageID: e.MessageID, Part: e.Part, Size: e.Size, SHA256: hex.EncodeToString(sum[:]),
				MediaType: e.MediaType, Filename: e.Filename, Path: filepath.Join(s.path, filepath.FromSlash(w.key.part())),
			}},
		})
		if err != nil {
			return err
		}
		f.given, f.pending[s.batches] = true, batch{n: 1}
	}
	if err := s.settle(w.ctx, f, all); err != nil {
		return err
	}
	a := &Attachment{w.key.room, w.key.message, w.key.index, w.key.size, hex.EncodeToString(sum[:])}
	if err := s.journal.note(&entry{Attachment: a, Rejected: f.refused}); err != nil {
		return stored("commit attachment", err)
	}
	s.contents[w.key] = sum
	s.flight = nil
	if f.refused != "" {
		return &segment.RejectedError{Reason: f.refused}
	}
	return nil
}

// Close keeps what was written for a later run. After Commit it does nothing.
func (w *partWriter) Close() error {
	if w.f == nil {
		return nil
	}
	err := errors.Join(w.f.Sync(), w.f.Close())
	w.f = nil
	return stored("close attachment", err)
}
