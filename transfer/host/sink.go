package host

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/transfer/internal/disk"
)

// A Sink imports into the host, in two phases. Each segment goes to it in batches, and
// each attachment as a file; what the host acknowledges it has staged durably, item by
// item. Then it is asked to commit all of it, and only when it has does the receipt go
// out.
//
// The sink's folder has what is in flight:
//
//	DIR/parts/NAME         contents until the host has taken them, by a hash of their name
//	DIR/journals/TRANSFER  what the host acknowledged
//	DIR/receipts/TRANSFER  of transfers that the host committed
//
// A host is told at least once: after a death what was not in the journal comes again,
// and commit too. The key of an item, and the hash of a content, say whether it has it.
type Sink struct {
	conn *Conn
	opts SinkOptions
	path string
	root *os.Root
	on   disk.Dir
	lock disk.Lock

	info     segment.TransferInfo
	begun    bool
	journal  *journal
	segments map[segment.ID]bool
	contents map[contentKey][32]byte
	reasons  map[string]bool // codes of rejections that are counted one by one
	batches  uint64          // numbers that are used
	acks     <-chan *Command // while a transfer is open
	unlisten func()
	flight   *flight // nil before the first
	batcher  batcher
	line     []byte
	step     func(string) error // of tests; see reached
}

// SinkOptions configure OpenSink.
type SinkOptions struct {
	Answer time.Duration    // how long the host is waited for; 0 is DefaultAnswer
	Now    func() time.Time // tells how old what was staged is; nil is time.Now
}

// Names below a sink's folder.
const (
	lockName    = "lock"
	partsDir    = "parts"
	journalsDir = "journals"
	receiptsDir = "receipts"
)

var errNoTransfer = errors.New("no transfer is open")

// OpenSink opens a folder (0700) for what is in flight to the host. One process can have
// it open. Errors have the code storage.
func OpenSink(conn *Conn, path string, opts SinkOptions) (*Sink, error) {
	if opts.Answer == 0 {
		opts.Answer = DefaultAnswer
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	s := &Sink{conn: conn, opts: opts}
	if err := s.open(path); err != nil {
		return nil, stored("open folder", errors.Join(err, s.Close()))
	}
	return s, nil
}

func (s *Sink) open(path string) (err error) {
	if s.path, err = filepath.Abs(path); err != nil {
		return err
	}
	if s.on, err = disk.Open(s.path); err != nil {
		return err
	}
	if s.lock, err = s.on.Lock(lockName); err != nil {
		return err
	}
	if s.root, err = os.OpenRoot(s.path); err != nil {
		return err
	}
	for _, dir := range []string{partsDir, journalsDir, receiptsDir} {
		if err := s.root.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if err := s.prune(dir); err != nil {
			return err
		}
	}
	return errors.Join(s.dropJournals(), s.sync("."))
}

// dropJournals removes those of transfers that are committed: their process died between
// the two.
func (s *Sink) dropJournals() error {
	names, err := fs.ReadDir(s.root.FS(), journalsDir)
	for _, d := range names {
		if _, gone := s.root.Lstat(receiptsDir + "/" + d.Name()); errors.Is(gone, fs.ErrNotExist) {
			continue
		} else if gone != nil {
			err = errors.Join(err, gone)
			continue
		}
		err = errors.Join(err, s.root.Remove(journalsDir+"/"+d.Name()))
	}
	return err
}

// prune removes what has waited too long.
func (s *Sink) prune(dir string) error {
	names, err := fs.ReadDir(s.root.FS(), dir)
	if err != nil {
		return err
	}
	for _, d := range names {
		info, err := d.Info()
		if err == nil && s.opts.Now().Sub(info.ModTime()) > maxStaged {
			err = s.root.Remove(dir + "/" + d.Name())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Close leaves the folder to others. What is staged stays.
func (s *Sink) Close() error {
	errs := []error{s.leave()}
	if s.lock != nil {
		errs = append(errs, s.lock.Unlock())
	}
	if s.root != nil {
		errs = append(errs, s.root.Close())
	}
	if s.on != nil {
		errs = append(errs, s.on.Close())
	}
	s.lock, s.root, s.on = nil, nil, nil
	return errors.Join(errs...)
}

// Begin asks the host what it has.
func (s *Sink) Begin(ctx context.Context, info segment.TransferInfo) error {
	if s.root == nil {
		return stored("begin transfer", fs.ErrClosed)
	}
	if s.begun && s.info.ID == info.ID {
		return nil
	}
	if err := s.enter(info); err != nil {
		return stored("begin transfer", err)
	}
	if err := s.askHave(ctx); err != nil {
		return err
	}
	if err := s.dropParts(); err != nil {
		return stored("begin transfer", err)
	}
	s.acks, s.unlisten = s.conn.listen(maxAcks, "ack")
	s.begun = true
	return nil
}

// enter reads what the host has acknowledged of a transfer.
func (s *Sink) enter(info segment.TransferInfo) error {
	if err := s.leave(); err != nil {
		return err
	}
	s.info, s.reasons = info, make(map[string]bool)
	s.segments, s.contents = make(map[segment.ID]bool), make(map[contentKey][32]byte)
	var err error
	s.journal, err = openJournal(s.root, journalsDir+"/"+hex.EncodeToString(info.ID[:]), s.restore)
	if err != nil {
		return err
	}
	s.journal.reached = s.reached
	return s.sync(journalsDir)
}

// restore takes an entry of the journal.
func (s *Sink) restore(e *entry) {
	if id, ok := e.segment(); ok {
		s.segments[id] = true
		for reason := range e.Ledger.Quarantined {
			s.known(reason)
		}
	} else if key, sum, ok := e.Attachment.content(); ok {
		s.contents[key] = sum
		s.known(e.Rejected)
	}
}

// dropParts removes the contents that the host has by now: a process died before it could,
// or they came to it another way.
func (s *Sink) dropParts() error {
	names, err := fs.ReadDir(s.root.FS(), partsDir)
	if err != nil || len(names) == 0 {
		return err
	}
	there := make(map[string]bool, len(names))
	for _, d := range names {
		there[partsDir+"/"+d.Name()] = true
	}
	for key := range s.contents {
		if part := key.part(); there[part] {
			if err := s.root.Remove(part); err != nil {
				return err
			}
		}
	}
	return nil
}

// leave forgets the transfer that is open.
func (s *Sink) leave() error {
	if s.unlisten != nil {
		s.unlisten()
	}
	err := s.journal.close()
	s.acks, s.unlisten, s.journal, s.flight, s.begun = nil, nil, nil, nil, false
	return err
}

// Staged is that of transfer.LedgerKeeper.
func (s *Sink) Staged(_ context.Context, id [32]byte) iter.Seq2[segment.Staged, error] {
	return func(yield func(segment.Staged, error) bool) {
		if s.root == nil {
			yield(segment.Staged{}, stored("list what was staged", fs.ErrClosed))
			return
		}
		f, err := s.root.Open(journalsDir + "/" + hex.EncodeToString(id[:]))
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		over := false
		if err == nil {
			defer f.Close()
			_, err = readJournal(f, func(e *entry) bool {
				over = !yield(e.staged(), nil)
				return !over
			})
		}
		if err != nil && !over {
			yield(segment.Staged{}, stored("list what was staged", err))
		}
	}
}

func (e *entry) staged() segment.Staged {
	if id, ok := e.segment(); ok {
		return segment.Staged{Segment: id, Ledger: e.Ledger.Segment()}
	}
	key, _, _ := e.Attachment.content()
	return segment.Staged{Room: key.room, Reason: e.Rejected, Attachment: &segment.AttachmentEntry{MessageID: key.message, Part: key.index, Size: key.size}}
}

// sync makes the names in a folder durable.
func (s *Sink) sync(dir string) error {
	if dir == "." {
		return s.on.Sync()
	}
	sub, err := disk.Open(filepath.Join(s.path, dir))
	if err != nil {
		return err
	}
	return errors.Join(sub.Sync(), sub.Close())
}

// stored says that the folder failed, without its path.
func stored(op string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	} else if e, ok := errors.AsType[*os.LinkError](err); ok {
		err = e.Err
	}
	return Fail(CodeStorage, fmt.Errorf("%s: %w", op, err))
}

// readAll reads a small file; nil when there is none.
func (s *Sink) readAll(name string) ([]byte, error) {
	f, err := s.root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxReceipt))
	return b, errors.Join(err, f.Close())
}

// reached tells a test which step comes next; its error stands for the death of the
// process before it.
func (s *Sink) reached(step string) error {
	if s.step == nil {
		return nil
	}
	return s.step(step)
}
