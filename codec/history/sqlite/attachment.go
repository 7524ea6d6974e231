package sqlite

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// StageAttachment opens the place of an attachment's content from offset on,
// which is at most what Have answered. What is written is kept until Commit,
// also when the process dies.
func (s *Store) StageAttachment(ctx context.Context, room segment.RoomEntry, seg segment.ID, e segment.AttachmentEntry, offset uint64) (segment.AttachmentWriter, error) {
	const op = "stage attachment"
	if e.Size > maxAttachment || offset > e.Size {
		return nil, wrap(op, fmt.Errorf("size or offset out of range"))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.transfer == nil {
		return nil, wrap(op, ErrNoTransfer)
	}
	var row int64
	err := s.update(ctx, op, func(tx *sql.Tx) (err error) {
		row, err = roomRow(ctx, tx, room)
		return err
	})
	if err != nil {
		return nil, err
	}
	name := unfinishedName(row, seg, e)
	if s.writing[name] {
		return nil, wrap(op, errors.New("attachment is being written already"))
	}
	w := &attachmentWriter{s: s, t: s.transfer, ctx: context.WithoutCancel(ctx), row: row, seg: seg, e: e, name: name, sum256: sha256.New()}
	if strings.HasPrefix(e.Declared, "sha512") || strings.HasPrefix(e.Declared, "sha-512") {
		w.sum512 = sha512.New()
	}
	if err := w.begin(offset); err != nil {
		return nil, wrap(op, err)
	}
	if s.writing == nil {
		s.writing = map[string]bool{}
	}
	s.writing[name] = true
	return w, nil
}

// An attachmentWriter writes one unfinished content.
type attachmentWriter struct {
	s      *Store
	t      *transfer // in which it was opened
	ctx    context.Context
	row    int64
	seg    segment.ID
	e      segment.AttachmentEntry
	name   string
	file   *os.File
	size   uint64
	sum256 hash.Hash
	sum512 hash.Hash // nil unless a SHA-512 is declared
	err    error     // sticky
}

var errWriterClosed = errors.New("attachment writer is closed")

// begin opens the file and hashes what is there already.
func (w *attachmentWriter) begin(offset uint64) error {
	f, err := w.s.files.root.OpenFile(w.name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return pathless(err)
	}
	n, err := io.Copy(w.hashes(), io.LimitReader(f, int64(offset)))
	if err == nil && uint64(n) != offset {
		err = errors.New("less is there than was said")
	}
	if err == nil {
		err = f.Truncate(n)
	}
	if err != nil {
		return errors.Join(pathless(err), f.Close())
	}
	w.file, w.size = f, offset
	return nil
}

func (w *attachmentWriter) hashes() io.Writer {
	if w.sum512 != nil {
		return io.MultiWriter(w.sum256, w.sum512)
	}
	return w.sum256
}

// Write appends to the content; more than was announced is refused.
func (w *attachmentWriter) Write(p []byte) (int, error) {
	switch {
	case w.err != nil:
		return 0, w.err
	case w.file == nil:
		return 0, errWriterClosed
	case uint64(len(p)) > w.e.Size-w.size:
		w.err = wrap("write attachment", fmt.Errorf("more than the announced size: %w", segment.ErrHash))
		return 0, w.err
	}
	n, err := w.file.Write(p)
	w.hashes().Write(p[:n]) // a hash never fails
	w.size += uint64(n)
	w.t.written.Add(uint64(n))
	w.err = wrap("write attachment", pathless(err))
	return n, w.err
}

// Commit makes the content final if sum is its SHA-256. Otherwise the content is
// removed, so that the next run asks for it anew: segment.ErrHash.
func (w *attachmentWriter) Commit(sum [32]byte) error {
	const op = "commit attachment"
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	switch {
	case w.err != nil:
		return w.err
	case w.file == nil:
		return errWriterClosed
	}
	file := w.file
	w.release()
	if w.size != w.e.Size || [32]byte(w.sum256.Sum(nil)) != sum {
		return wrap(op, errors.Join(segment.ErrHash, pathless(file.Close()), pathless(w.s.files.root.Remove(w.name))))
	}
	// Noted before: once published, it is found by its hash.
	t := w.s.transfer
	if t != nil {
		err := w.s.update(w.ctx, op, func(tx *sql.Tx) error { return t.fetched(w.ctx, tx, w.row, w.e) })
		if err != nil {
			return errors.Join(err, pathless(file.Close()))
		}
	}
	if err := w.s.files.publish(w.name, file, sum); err != nil {
		return wrap(op, err)
	}
	if t == nil {
		return wrap(op, ErrNoTransfer)
	}
	var sum512 []byte
	if w.sum512 != nil {
		sum512 = w.sum512.Sum(nil)
	}
	return w.s.update(w.ctx, op, func(tx *sql.Tx) error { return t.record(w.ctx, tx, w.row, w.seg, w.e, sum, sum512) })
}

// Close keeps what was written for a later run. After Commit it does nothing.
func (w *attachmentWriter) Close() error {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	if w.file == nil {
		return nil
	}
	file := w.file
	w.release()
	return wrap("close attachment", pathless(errors.Join(file.Sync(), file.Close())))
}

func (w *attachmentWriter) release() {
	w.file = nil
	delete(w.s.writing, w.name)
}

// record notes that the content of an attachment is held.
func (t *transfer) record(ctx context.Context, tx *sql.Tx, room int64, seg segment.ID, e segment.AttachmentEntry, sum [32]byte, sum512 []byte) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO attachments
		(room, message_id, owner, part, size, media_type, filename, declared, sha256, sha512, transfer)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE
		SET sha256 = excluded.sha256, sha512 = excluded.sha512 WHERE sha256 <> excluded.sha256`,
		room, e.MessageID, ownerOf(seg, e), clamp(e.Part), clamp(e.Size), e.MediaType, e.Filename, e.Declared, sum[:], sum512, t.row)
	return err
}

// ownerOf tells apart the attachments of messages without an id, which are known
// by their segment only.
func ownerOf(seg segment.ID, e segment.AttachmentEntry) []byte {
	if e.MessageID != "" {
		return []byte{}
	}
	return seg[:]
}

// unfinishedName names an unfinished content by message, part and size, which
// are what it is known by until its hash is.
func unfinishedName(room int64, seg segment.ID, e segment.AttachmentEntry) string {
	h := sha256.New()
	var n [24]byte
	binary.BigEndian.PutUint64(n[:], uint64(room))
	binary.BigEndian.PutUint64(n[8:], e.Part)
	binary.BigEndian.PutUint64(n[16:], e.Size)
	h.Write(n[:])
	for _, s := range []string{string(ownerOf(seg, e)), e.MessageID, e.Filename, e.Declared, e.MediaType} {
		binary.BigEndian.PutUint64(n[:8], uint64(len(s)))
		h.Write(n[:8])
		io.WriteString(h, s)
	}
	return unfinished + "/" + hex.EncodeToString(h.Sum(nil))
}
