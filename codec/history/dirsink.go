package history

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// A DirSink receives a transfer into a folder of vCon files (receive --out): one
// whole vCon a room, and the content of attachments beside them, named by its
// SHA-256.
//
//	DIR/<slug>-<hash>.vcon.cbor     a room; .vcon.json with FormatJSON
//	DIR/attachments/<sha256>        contents
//	DIR/.staging/                   what is received and not yet final
//
// What is received is staged first and survives the process; nothing outside of
// .staging is touched before Commit, which makes it final: contents first, then
// room by room, each file written aside, synced and renamed. Cut short, it is
// completed by running the same again. A room that is there already is merged
// with, item by item: equal records are one; a tombstone takes the place of its
// message for good, unless it is the word of somebody else (SharedBy); other
// records with one message id stay side by side, as in a source.
//
// No name from the peer becomes a name of a file. What is staged and written is in
// clear; the folder's files are made with mode 0600.
type DirSink struct {
	opts DirOptions
	root *os.Root
	path string
	lock *os.File

	mu       sync.Mutex
	info     segment.TransferInfo
	begun    bool
	rooms    []*sinkRoom
	byID     map[string]*sinkRoom
	current  *heldRoom           // the room that is on the manifest
	segments map[segment.ID]bool // staged, in whatever transfer
	contents map[string]content  // staged, by contentFile
	writing  map[string]bool     // parts that are being written
	notes    notes               // of the transfer that is open
	space    dirSpace
	step     func(string) error // of tests; see reached
}

// DirOptions configure OpenDir.
type DirOptions struct {
	Format codec.Format     // of the vCons that are written; FormatCBOR if it is not set
	Now    func() time.Time // tells how old what was staged is; nil is time.Now

	// Free says how many bytes may be written where a path is, if that is known; nil
	// is FreeSpace. A transfer that cannot fit is refused before its content comes.
	Free func(path string) (free uint64, known bool)
}

// A sinkRoom is one room of the transfer.
type sinkRoom struct {
	entry    segment.RoomEntry
	segments []segment.SegmentEntry // as named, once each
	named    map[segment.ID]bool
	held     map[segment.ID]origin // in the room's file
	missing  map[segment.ID]bool   // asked for, and not staged yet
	changed  bool                  // something of it was staged
}

// A content is an attachment's content that is staged.
type content struct {
	sum  [32]byte
	size int64
}

// A DestinationError says that a folder cannot be written to: it is full, not
// writable, damaged or in use (exit code 10).
type DestinationError struct {
	Op  string
	Err error
}

func (e *DestinationError) Error() string { return fmt.Sprintf("%s: %v", e.Op, e.Err) }

// Unwrap returns the cause.
func (e *DestinationError) Unwrap() error { return e.Err }

var (
	errNoTransfer = errors.New("no transfer is open")
	errMissing    = errors.New("announced segments are missing")
	errOtherRoom  = errors.New("file of this room holds another room")
)

// Names below DIR/.staging.
const (
	stagingDir  = ".staging"
	lockName    = stagingDir + "/lock"
	segmentsDir = stagingDir + "/segments" // by id
	partsDir    = stagingDir + "/parts"    // unfinished contents, by name
	contentsDir = stagingDir + "/contents" // finished ones, by name and hash
	heldDir     = stagingDir + "/held"     // which segments each room's file holds
	roomsDir    = stagingDir + "/rooms"    // files that are being written
	notesDir    = stagingDir + "/notes"    // what each transfer staged
	receiptsDir = stagingDir + "/receipts" // of transfers that are committed
)

// OpenDir opens a folder to receive into, and makes it (0700) when there is none.
// One process can have it open; the error is then ErrLocked in a
// *DestinationError.
func OpenDir(path string, opts DirOptions) (*DirSink, error) {
	if opts.Format == 0 {
		opts.Format = codec.FormatCBOR
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Free == nil {
		opts.Free = FreeSpace
	}
	s := &DirSink{opts: opts, path: path, byID: map[string]*sinkRoom{}, writing: map[string]bool{}}
	if err := s.open(path); err != nil {
		return nil, destination("open folder", errors.Join(err, s.Close()))
	}
	return s, nil
}

func (s *DirSink) open(path string) (err error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	if s.root, err = os.OpenRoot(path); err != nil {
		return err
	}
	for _, dir := range []string{stagingDir, segmentsDir, partsDir, contentsDir, heldDir, roomsDir, notesDir, receiptsDir} {
		if err := s.root.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	if err := errors.Join(s.syncDir(stagingDir), s.syncDir(".")); err != nil {
		return err
	}
	if s.lock, err = s.root.OpenFile(lockName, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return err
	}
	if err := lockFile(s.lock); err != nil {
		return err
	}
	if err := errors.Join(s.prune(), s.dropNotes(s.isCommitted)); err != nil {
		return err
	}
	if s.segments, err = s.stagedSegments(); err != nil {
		return err
	}
	s.contents, err = s.stagedContents()
	return err
}

// Close leaves the folder to others. What is staged stays.
func (s *DirSink) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	errs = append(errs, s.leave(), s.closeNotes())
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	if s.root != nil {
		errs = append(errs, s.root.Close())
	}
	s.lock, s.root, s.begun = nil, nil, false
	return errors.Join(errs...)
}

// Begin opens a transfer, or goes on with the one that is open. One that cannot fit
// is a *SpaceError in a *DestinationError; Have finds out more precisely.
func (s *DirSink) Begin(_ context.Context, info segment.TransferInfo) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.root == nil {
		return destination("begin transfer", fs.ErrClosed)
	}
	if err := s.measure(info); err != nil {
		return destination("begin transfer", err)
	}
	if !s.begun || s.info.ID != info.ID {
		s.rooms, s.byID = nil, map[string]*sinkRoom{}
	}
	s.info, s.begun = info, true
	return nil
}

// Have says what is here of a part of a manifest: a segment that is staged, or
// that was made part of its room's file; an attachment whose content is.
func (s *DirSink) Have(ctx context.Context, room segment.RoomEntry, entries []segment.Entry) ([]segment.Want, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	wants, err := s.have(ctx, room, entries)
	return wants, destination("compare manifest", err)
}

func (s *DirSink) have(ctx context.Context, room segment.RoomEntry, entries []segment.Entry) ([]segment.Want, error) {
	r, h, err := s.enter(ctx, room)
	if err != nil {
		return nil, err
	}
	var wants []segment.Want
	for _, e := range entries {
		switch e.Type {
		case segment.SegmentType:
			if !r.named[e.Segment.ID] {
				r.named[e.Segment.ID] = true
				r.segments = append(r.segments, e.Segment)
			}
			staged := s.segments[e.Segment.ID]
			r.changed = r.changed || staged
			need := !staged && !h.holds(e.Segment.ID, s.info.SharedBy)
			if need {
				r.missing[e.Segment.ID] = true
			}
			w := segment.Want{Need: need}
			if err := s.want(room.ID, e, w); err != nil {
				return nil, err
			}
			wants = append(wants, w)
		case segment.AttachmentType:
			w, err := s.haveContent(ctx, r, h, e.Attachment)
			if err == nil {
				err = s.want(room.ID, e, w)
			}
			if err != nil {
				return nil, err
			}
			wants = append(wants, w)
		}
	}
	return wants, nil
}

func (s *DirSink) haveContent(ctx context.Context, r *sinkRoom, h *heldRoom, e segment.AttachmentEntry) (segment.Want, error) {
	name := contentFile(r.entry.ID, e)
	if c, ok := s.contents[name]; ok && c.size == int64(e.Size) {
		r.changed = true
		return segment.Want{Have: c.sum}, nil
	}
	if sum, ok, err := h.content(ctx, e); ok || err != nil {
		return segment.Want{Have: sum}, err
	}
	info, err := s.root.Lstat(partsDir + "/" + name)
	if errors.Is(err, fs.ErrNotExist) {
		return segment.Want{Need: true}, nil
	}
	if err != nil {
		return segment.Want{}, err
	}
	return segment.Want{Need: true, Offset: min(uint64(info.Size()), e.Size)}, nil
}

// enter makes a room the one that is on the manifest.
func (s *DirSink) enter(ctx context.Context, room segment.RoomEntry) (*sinkRoom, *heldRoom, error) {
	if !s.begun {
		return nil, nil, errNoTransfer
	}
	r, ok := s.byID[room.ID]
	if !ok {
		if len(s.rooms) >= maxRooms {
			return nil, nil, &LimitError{What: "rooms in a transfer", Limit: maxRooms}
		}
		r = &sinkRoom{entry: room, named: map[segment.ID]bool{}, missing: map[segment.ID]bool{}}
		s.byID[room.ID] = r
		s.rooms = append(s.rooms, r)
	}
	if s.current == nil || s.current.id != room.ID {
		if err := s.leave(); err != nil {
			return nil, nil, err
		}
		h, err := s.held(ctx, room.ID)
		if err != nil {
			return nil, nil, err
		}
		s.current, r.held = h, h.ids
	}
	return r, s.current, nil
}

// leave forgets what the current room's file holds.
func (s *DirSink) leave() error {
	if s.current == nil {
		return nil
	}
	err := s.current.close()
	s.current = nil
	return err
}

// Abort ends the transfer. What is staged stays for another one.
func (s *DirSink) Abort(context.Context, error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun, s.rooms, s.byID = false, nil, map[string]*sinkRoom{}
	return destination("abort transfer", errors.Join(s.leave(), s.closeNotes()))
}

// syncDir makes the names in a folder durable. Windows cannot open one for that;
// its renames are journalled.
func (s *DirSink) syncDir(name string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := s.root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// writeFile writes a file aside and gives it its name when it is durable.
func (s *DirSink) writeFile(name string, write func(f *os.File) error) error {
	aside := roomsDir + "/" + filepath.Base(name) + ".new"
	f, err := s.root.OpenFile(aside, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err := write(f); err != nil {
		return errors.Join(err, f.Close(), s.root.Remove(aside))
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return errors.Join(err, s.root.Remove(aside))
	}
	if err := s.reached("rename " + name); err != nil {
		return err
	}
	if err := s.root.Rename(aside, name); err != nil {
		return err
	}
	return s.syncDir(filepath.ToSlash(filepath.Dir(name)))
}

// destination types what went wrong with the folder, without its path: errors are
// logged, and a path may name people.
func destination(op string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*FileError](err); ok { // a room's file that is damaged
		return &DestinationError{Op: op, Err: e.Err}
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return &DestinationError{Op: op, Err: e.Err}
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return &DestinationError{Op: op, Err: e.Err}
	}
	_, full := errors.AsType[*SpaceError](err)
	if full || errors.Is(err, ErrLocked) || errors.Is(err, fs.ErrClosed) {
		return &DestinationError{Op: op, Err: err}
	}
	return fmt.Errorf("%s: %w", op, err)
}
