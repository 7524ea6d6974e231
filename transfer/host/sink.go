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
	"strings"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
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
	batcher  batcher
	line     []byte
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
	return s.sync(".")
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
	errs := []error{s.journal.close()}
	s.journal, s.begun = nil, false
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
	s.segments, s.contents = make(map[segment.ID]bool), make(map[contentKey][32]byte)
	s.reasons = make(map[string]bool)
	if err := s.journal.close(); err != nil {
		return stored("begin transfer", err)
	}
	var err error
	s.journal, err = openJournal(s.root, journalsDir+"/"+hex.EncodeToString(info.ID[:]), func(e *entry) {
		if id, ok := e.segment(); ok {
			s.segments[id] = true
			for reason := range e.Ledger.Quarantined {
				s.reason(strings.TrimPrefix(string(reason), reasonPrefix))
			}
		} else if key, sum, ok := e.Attachment.content(); ok {
			s.contents[key] = sum
		}
	})
	if err == nil {
		err = s.sync(journalsDir)
	}
	if err != nil {
		return stored("begin transfer", err)
	}
	s.info, s.begun = info, true
	return s.askHave(ctx)
}

// askHave asks for the segments and attachments that the host has from elsewhere.
func (s *Sink) askHave(ctx context.Context) error {
	answers, over := s.conn.listen(MaxWindow, "have")
	defer over()
	err := s.conn.Emit(Have{
		Want: true, Transfer: hex.EncodeToString(s.info.ID[:]), Sender: Printable(s.info.Sender, pairing.MaxLabel),
		SharedBy: Printable(s.info.SharedBy, pairing.MaxLabel), Messages: s.info.Messages, Bytes: s.info.Bytes,
	})
	for more := true; err == nil && more; {
		var cmd *Command
		if cmd, err = s.wait(ctx, answers); err == nil {
			err = s.holds(cmd)
			more = cmd.More
		}
	}
	return err
}

func (s *Sink) holds(cmd *Command) error {
	if len(s.segments)+len(cmd.Segments) > MaxHeld || len(s.contents)+len(cmd.Attachments) > MaxHeld {
		return fmt.Errorf("the host has more than %d segments or attachments", MaxHeld)
	}
	for _, text := range cmd.Segments {
		id, ok := parseHash(text)
		if !ok {
			s.conn.Tell("bad-command", "a segment that is no SHA-256: it will come")
			continue
		}
		s.segments[id] = true
	}
	for i := range cmd.Attachments {
		key, sum, ok := cmd.Attachments[i].content()
		if !ok {
			s.conn.Tell("bad-command", "an attachment without room or SHA-256: it will come")
			continue
		}
		s.contents[key] = sum
	}
	return nil
}

// Have says what the host has staged, or had before.
func (s *Sink) Have(_ context.Context, room segment.RoomEntry, entries []segment.Entry) ([]segment.Want, error) {
	if !s.begun {
		return nil, errNoTransfer
	}
	var wants []segment.Want
	for i := range entries {
		switch e := &entries[i]; e.Type {
		case segment.SegmentType:
			wants = append(wants, segment.Want{Need: !s.segments[e.Segment.ID]})
		case segment.AttachmentType:
			w, err := s.haveContent(keyOf(room.ID, &e.Attachment))
			if err != nil {
				return nil, stored("compare manifest", err)
			}
			wants = append(wants, w)
		}
	}
	return wants, nil
}

func (s *Sink) haveContent(key contentKey) (segment.Want, error) {
	if sum, ok := s.contents[key]; ok {
		return segment.Want{Have: sum}, nil
	}
	info, err := s.root.Lstat(key.part())
	if errors.Is(err, fs.ErrNotExist) {
		return segment.Want{Need: true}, nil
	}
	if err != nil {
		return segment.Want{}, err
	}
	return segment.Want{Need: true, Offset: min(uint64(info.Size()), key.size)}, nil
}

// StageSegment gives a segment to the host, and returns when it has acknowledged every
// item: also when the connection is lost meanwhile, so that the host need not be told
// twice. The end of its commands ends the wait.
func (s *Sink) StageSegment(ctx context.Context, room segment.RoomEntry, e segment.SegmentEntry, data []byte) (l segment.Ledger, err error) {
	if !s.begun {
		return l, errNoTransfer
	}
	seg, err := segment.Decode(data)
	if err != nil {
		return l, err
	}
	if seg.Room.ID != room.ID || !seg.Matches(e) {
		return l, errors.New("segment is not what the manifest says")
	}
	ctx = context.WithoutCancel(ctx)
	answers, over := s.conn.listen(MaxWindow, "ack")
	defer over()
	f := &flight{s: s, answers: answers, pending: make(map[uint64]batch)}
	take := func(b batch, cmd *Command) { s.count(&l, b, cmd) }
	for from := 0; from < len(seg.Items) || from == 0; {
		if err := f.settle(ctx, s.conn.windowSize(), take); err != nil {
			return l, err
		}
		s.batches++
		line, to, err := s.batcher.next(s.line[:0], s.batches, room, e.ID, seg, from)
		if err != nil {
			return l, err
		}
		f.pending[s.batches] = batch{seg.Items[from:to], to - from}
		err = s.conn.emitLine(line)
		if s.line = line; cap(line) > 2*MaxBatchBytes {
			s.line = nil
		}
		if err != nil {
			return l, err
		}
		if from = to; to == 0 {
			break // a room of which only the roster is known
		}
	}
	if err := f.settle(ctx, 1, take); err != nil {
		return l, err
	}
	l.Source = e.Items
	if err := s.journal.note(&entry{Segment: hex.EncodeToString(e.ID[:]), Ledger: LedgerOf(l)}); err != nil {
		return l, stored("stage segment", err)
	}
	s.segments[e.ID] = true
	return l, nil
}

// Staged is that of transfer.LedgerKeeper.
func (s *Sink) Staged(_ context.Context, id [32]byte) iter.Seq2[segment.Staged, error] {
	return func(yield func(segment.Staged, error) bool) {
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
		return segment.Staged{Segment: id, Ledger: e.Ledger.segmentLedger()}
	}
	key, _, _ := e.Attachment.content()
	return segment.Staged{Room: key.room, Attachment: &segment.AttachmentEntry{MessageID: key.message, Part: key.index, Size: key.size}}
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
