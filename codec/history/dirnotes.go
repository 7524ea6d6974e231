package history

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// This file is what a folder remembers of a transfer: what it staged, until it is
// committed, and its receipt from then on. Another process that goes on with the
// transfer then counts what was staged as imported, not as there before, and gives
// the same receipt.
//
// Notes are a file for each transfer that only grows:
//
//	| length | field                                    |
//	| 4      | n                                        |
//	| 8      | the first bytes of the SHA-256 of what follows |
//	| n      | segment.AppendStaged                     |
//
// A note is durable before what it is of: a note of what never came says nothing,
// because only what is held is counted. What is torn at the end is ignored, and
// overwritten.
type notes struct {
	id   [32]byte
	f    *os.File
	size int64 // of the whole notes
}

const (
	noteCheck = 8
	noteHead  = 4 + noteCheck
)

// Staged yields what a transfer has staged in whatever process, and nothing of one
// that is committed. It is that of transfer.LedgerKeeper.
func (s *DirSink) Staged(ctx context.Context, id [32]byte) iter.Seq2[segment.Staged, error] {
	return func(yield func(segment.Staged, error) bool) {
		const op = "list what was staged"
		f, err := s.openKept(notesDir, id)
		if f == nil {
			if err != nil {
				yield(segment.Staged{}, destination(op, err))
			}
			return
		}
		defer f.Close()
		over := false
		_, err = readNotes(&ctxReader{ctx, f}, func(v *segment.Staged) bool {
			over = !yield(*v, nil)
			return !over
		})
		if err != nil && !over {
			yield(segment.Staged{}, destination(op, err))
		}
	}
}

// Receipt gives the receipt of a transfer that is committed, else nil. It is that of
// transfer.ReceiptKeeper.
func (s *DirSink) Receipt(_ context.Context, id [32]byte) ([]byte, error) {
	f, err := s.openKept(receiptsDir, id)
	if f == nil {
		return nil, destination("read receipt", err)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxReceipt))
	return b, destination("read receipt", errors.Join(err, f.Close()))
}

// openKept opens what is kept of a transfer; nil when that is nothing.
func (s *DirSink) openKept(dir string, id [32]byte) (*os.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.root == nil {
		return nil, fs.ErrClosed
	}
	f, err := s.root.Open(keptName(dir, id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return f, err
}

func keptName(dir string, id [32]byte) string { return dir + "/" + hex.EncodeToString(id[:]) }

// readNotes reads notes until yield or the first bytes that are none, and returns
// where they end. Notes of another version are passed over.
func readNotes(r io.Reader, yield func(*segment.Staged) bool) (end int64, err error) {
	in := bufio.NewReaderSize(io.LimitReader(r, maxNotes), copyBuffer)
	var head [noteHead]byte
	var body []byte
	for {
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return end, unlessTorn(err)
		}
		n := binary.BigEndian.Uint32(head[:])
		if n == 0 || n > segment.MaxStaged {
			return end, nil
		}
		body = append(body[:0], make([]byte, n)...)
		if _, err := io.ReadFull(in, body); err != nil {
			return end, unlessTorn(err)
		}
		if sum := sha256.Sum256(body); [noteCheck]byte(sum[:]) != [noteCheck]byte(head[4:]) {
			return end, nil
		}
		end += noteHead + int64(n)
		if v, err := segment.ParseStaged(body); err == nil && !yield(v) {
			return end, nil
		}
	}
}

func unlessTorn(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// note makes durable what is about to be staged. Beyond maxNotes it does nothing:
// another process then counts that as there before.
func (s *DirSink) note(v *segment.Staged) error {
	if err := s.openNotes(); err != nil {
		return err
	}
	record, err := segment.AppendStaged(make([]byte, noteHead), v)
	if err != nil {
		return err
	}
	if s.notes.size+int64(len(record)) > maxNotes {
		return nil
	}
	body := record[noteHead:]
	sum := sha256.Sum256(body)
	binary.BigEndian.PutUint32(record, uint32(len(body)))
	copy(record[4:], sum[:noteCheck])
	err = s.reached("note")
	if err == nil {
		_, err = s.notes.f.WriteAt(record, s.notes.size)
	}
	if err == nil {
		err = s.reached("sync note")
	}
	if err == nil {
		err = s.notes.f.Sync()
	}
	if err != nil { // what is torn is found when they are opened again
		return errors.Join(err, s.closeNotes())
	}
	s.notes.size += int64(len(record))
	return nil
}

// openNotes opens the notes of the transfer that is open, behind the last whole one.
func (s *DirSink) openNotes() error {
	if s.notes.f != nil && s.notes.id == s.info.ID {
		return nil
	}
	if err := s.closeNotes(); err != nil {
		return err
	}
	f, err := s.root.OpenFile(keptName(notesDir, s.info.ID), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	end, err := readNotes(f, func(*segment.Staged) bool { return true })
	if err == nil {
		err = errors.Join(f.Truncate(end), s.syncDir(notesDir))
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	s.notes = notes{id: s.info.ID, f: f, size: end}
	return nil
}

func (s *DirSink) closeNotes() error {
	f := s.notes.f
	s.notes = notes{}
	if f == nil {
		return nil
	}
	return f.Close()
}

// keepReceipt makes the receipt durable when all rooms are, and then drops the notes;
// with the last that was staged, those of other transfers too, which it made up for.
func (s *DirSink) keepReceipt(receipt []byte) error {
	if len(receipt) > 0 {
		err := s.writeFile(keptName(receiptsDir, s.info.ID), func(f *os.File) error {
			_, err := f.Write(receipt)
			return err
		})
		if err != nil {
			return err
		}
	}
	if err := errors.Join(s.reached("drop notes"), s.closeNotes()); err != nil {
		return err
	}
	all := len(s.segments) == 0 && len(s.contents) == 0
	return s.dropNotes(func(name string) (bool, error) {
		return all || name == hex.EncodeToString(s.info.ID[:]), nil
	})
}

// isCommitted tells whether the transfer that notes are of is: its process died
// between the two.
func (s *DirSink) isCommitted(name string) (bool, error) {
	_, err := s.root.Lstat(receiptsDir + "/" + name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// dropNotes removes the notes that over names.
func (s *DirSink) dropNotes(over func(name string) (bool, error)) error {
	names, err := s.names(notesDir)
	if err != nil {
		return err
	}
	for _, name := range names {
		drop, err := over(name)
		if drop && err == nil {
			err = s.root.Remove(notesDir + "/" + name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// reached tells a test which step comes next; its error stands for the death of the
// process before it.
func (s *DirSink) reached(step string) error {
	if s.step == nil {
		return nil
	}
	return s.step(step)
}
