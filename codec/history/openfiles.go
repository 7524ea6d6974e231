package history

import (
	"context"
	"errors"
	"io"
	"path/filepath"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// Options of a Builder and of OpenFiles. The zero value reads files as they are.
type Options struct {
	Stdin   io.Reader // what the path "-" reads; nil refuses it
	TempDir string    // of the temporary file; "" is the system's folder
	Upgrade bool      // read old names as those of today (codec.VCon.Upgraded)

	limits *limits // nil is defaultLimits
}

func (o *Options) limit() limits {
	if o.limits != nil {
		return *o.limits
	}
	return limits{files: maxFiles, items: maxItems, rooms: maxRooms, spool: maxSpool}
}

// errNotVCon says that a file is an object in JSON or CBOR, but no vCon.
var errNotVCon = errors.New("not a vCon")

// OpenFiles indexes vCon files, in CBOR or JSON, and folders of them (*.vcon,
// *.json, *.cbor, with everything below). It reads each file once or twice and
// then keeps 80 bytes an item and the parties; records and the content of
// attachments are read from the files when they are asked for. A file that
// changed in between is ErrChanged. "-" is standard input: it is kept in an
// encrypted temporary file (see Builder).
//
// vCons of one room become one room, equal records one item (see Duplicate). A
// vCon without a room is a room of its own, named after its uuid, or after its
// content when it has none. Content of attachments is inline, or beside the file
// as DirSink writes it; else it is not in the source.
//
// A file that cannot be read, or is no vCon, is a *FileError. Single records that
// no segment can hold are counted in Left; so is a whole vCon that names
// something critical. A signed or encrypted one is an item as a whole (TypeVCon).
func OpenFiles(ctx context.Context, paths []string, opts Options) (Reader, error) {
	b := NewBuilder(opts)
	for _, path := range paths {
		if err := b.AddPath(ctx, path); err != nil {
			return nil, errors.Join(err, b.Close())
		}
	}
	return b.Reader(ctx)
}

// files is an index of encoded vCons.
type files struct {
	*index
	opener *opener
	spool  *Spool // nil when there is none
	owned  []io.Closer
}

// Close implements Reader.
func (f *files) Close() error {
	err := f.opener.close()
	if f.spool != nil {
		err = errors.Join(err, f.spool.Close())
	}
	for _, c := range f.owned {
		err = errors.Join(err, c.Close())
	}
	f.owned = nil
	return err
}

// scan takes a file of the person into the index.
func (f *files) scan(ctx context.Context, sf sourceFile, opts Options) error {
	u := &fileUnit{in: &diskFile{path: sf.path, opener: f.opener}, folder: filepath.Dir(sf.path)}
	return f.scanUnit(ctx, sf.name, u, nil, opts)
}

// scanUnit takes a vCon into the index. Of what has a place in contents the
// content is there, and not in the vCon.
func (f *files) scanUnit(ctx context.Context, name string, u *fileUnit, contents []apart, opts Options) error {
	u.upgrade, u.large = opts.Upgrade, map[int64]*largeAttachment{}
	err := u.in.use(func(r io.ReaderAt) error {
		s := &scan{ctx: ctx, x: f.index, u: u, r: r, contents: contents, limits: opts.limit()}
		return s.run()
	})
	if err == nil || ctx.Err() != nil || errors.Is(err, ErrChanged) {
		return err
	}
	return &FileError{File: name, Err: bare(err)}
}

// A scan is the first pass over one file.
type scan struct {
	ctx      context.Context
	x        *index
	u        *fileUnit
	r        io.ReaderAt // of u
	contents []apart     // of the attachments, in their order; may be shorter
	limits   limits

	head    codec.VCon // without parties, dialog and attachments
	names   map[string]bool
	namer   *namer
	dialogs int
	b       *batch // nil until room and parties are known
	atts    []scannedAttachment
	lost    []lostElement
	large   int // parameters that were too large to be read
}

// errSeen ends a second scan.
var errSeen = errors.New("all dialogs were read")

type scannedAttachment struct {
	attached
	a *codec.Attachment // what attaching it asks for
}

// A lostElement is an element that is no dialog or attachment at all.
type lostElement struct {
	array string
	index int
	why   segment.Reason
}

func (s *scan) run() error {
	s.names = map[string]bool{}
	s.namer = newNamer()
	if err := s.events(s.first); err != nil {
		return err
	}
	if len(s.x.byID) > s.limits.rooms {
		return &LimitError{What: "rooms in the source", Limit: int64(s.limits.rooms)}
	}
	if seal := codec.SealOf(&s.head, func(name string) bool { return s.names[name] }); seal != nil {
		return s.seal(seal)
	}
	if !s.names["vcon"] && !s.names["dialog"] && !s.names["parties"] {
		return errNotVCon
	}
	for range s.large {
		s.x.lose(segment.TooLarge)
	}
	if s.b == nil {
		s.begin()
		if s.dialogs > 0 {
			seen := 0
			err := s.events(func(e codec.Event) error {
				if err := s.second(e); err != nil || e.Name != "dialog" {
					return err
				}
				if seen++; seen == s.dialogs {
					return errSeen // what follows was read before
				}
				return nil
			})
			if err != nil && err != errSeen {
				return err
			}
		}
	}
	s.b.room = s.room() // with what stands behind the dialogs
	for range odd(s.head.Extra) {
		s.x.lose(segment.Malformed)
	}
	for _, l := range s.lost {
		if l.array == "attachments" {
			s.b.lost.AddAttachmentQuarantined(l.why, 1)
		}
	}
	for _, t := range s.atts {
		s.b.attach(t.attached, t.a)
	}
	if !supported(&s.head) {
		s.b.drop(segment.Unsupported)
		return nil
	}
	s.b.end(rosterOf(&s.head, s.u.parties))
	return nil
}

// events scans the file.
func (s *scan) events(take func(codec.Event) error) error {
	sc := codec.NewScanner(&ctxReader{s.ctx, io.NewSectionReader(s.r, 0, s.u.in.length())})
	for {
		e, err := sc.Next()
		if err == io.EOF {
			s.u.format = sc.Format()
			return nil
		}
		if err != nil {
			return err
		}
		s.u.format = sc.Format()
		if err := take(e); err != nil {
			return err
		}
	}
}

// first takes what the first scan meets. Dialogs are indexed at once when room
// and parties stand before them, as in JSON that is written by people and by us.
func (s *scan) first(e codec.Event) error {
	s.names[e.Name] = true
	switch e.Kind {
	case codec.EventRoom:
		s.head.Room = e.Room
	case codec.EventField:
		return s.head.Set(e.Name, e.Value)
	case codec.EventParty:
		p := *e.Party
		if s.u.upgrade {
			p = *p.Upgraded()
		}
		s.namer.party(&p)
		s.u.parties = append(s.u.parties, s.x.intern(p))
	case codec.EventAttachment:
		return s.attachment(e)
	case codec.EventDialog, codec.EventOther, codec.EventTooLarge:
		switch e.Name {
		case "dialog", "attachments":
		case "room", "parties", "uuid", "critical":
			return &codec.Error{Pointer: "/" + e.Name, Offset: e.Offset, Reason: whyLost(e.Kind)}
		default: // a parameter that the room would carry, unless the file travels as it is
			s.large++
			return nil
		}
		if e.Name == "attachments" {
			s.lost = append(s.lost, lostElement{e.Name, e.Index, reasonOfEvent(e.Kind)})
			return nil
		}
		if s.dialogs == 0 && s.names["parties"] && s.head.Room != nil && s.head.Room.ID != "" {
			s.begin()
		}
		if s.dialogs++; s.dialogs > s.limits.items {
			return &LimitError{What: "dialogs in a vCon", Limit: int64(s.limits.items)}
		}
		if s.b != nil {
			return s.second(e)
		}
		if e.Kind == codec.EventDialog && s.head.UUID == "" {
			s.namer.dialog(e.Dialog)
		}
	}
	return nil
}

// second takes a dialog when everything that it refers to is known.
func (s *scan) second(e codec.Event) error {
	if e.Name != "dialog" {
		return nil
	}
	switch e.Kind {
	case codec.EventDialog:
		d, own := s.u.settle(e.Dialog)
		s.b.add(place{off: e.Offset, len: int32(e.Length)}, d, own.Instant)
	case codec.EventOther, codec.EventTooLarge:
		s.b.refuse(reasonOfEvent(e.Kind))
	}
	return nil
}

// begin opens the batch of the file. What the top level has besides the
// conversation stays with the room.
func (s *scan) begin() {
	s.b = s.x.begin(s.u, s.room(), s.u.parties)
}

// room is the room as far as the top level is known.
func (s *scan) room() segment.Room {
	v := &s.head
	if s.u.upgrade {
		v = v.Upgraded()
	}
	return roomOf(v, s.namer.uuid)
}

func (s *scan) attachment(e codec.Event) error {
	if len(s.atts) >= s.limits.items {
		return &LimitError{What: "attachments in a vCon", Limit: int64(s.limits.items)}
	}
	var t scannedAttachment
	t.place = place{off: e.Offset, len: int32(min(e.Length, 1<<31-1))}
	t.size = absent
	if c := s.content(e.Index); c.open > 0 {
		if t.apart = c.open; c.size >= 0 && c.size <= segment.MaxContent {
			t.size = c.size
		}
	} else if e.Body != nil {
		if size := e.Body.Size(); size >= 0 {
			t.size = size
		} else if n, err := io.Copy(io.Discard, &ctxReader{s.ctx, e.Body.Open(s.r)}); err == nil {
			t.size = n // only reading tells
		} else if s.ctx.Err() != nil {
			return err
		}
		if t.size > segment.MaxContent {
			t.size = absent
		}
		s.u.large[e.Offset] = &largeAttachment{a: *e.Attachment, body: e.Body}
	} else if size, ok := segment.SizeOf(plainBody(e.Attachment)); ok {
		t.size = int64(size)
	} else {
		s.beside(&t.attached, e.Attachment)
	}
	// Its place is enough; the metadata is read again when it is needed.
	meta := codec.Attachment{Party: e.Attachment.Party, DialogObjectRef: e.Attachment.DialogObjectRef}
	for _, name := range []string{"dialog", segment.Parameter} {
		if raw, ok := e.Attachment.Extra[name]; ok {
			if meta.Extra == nil {
				meta.Extra = codec.Fields{}
			}
			meta.Extra[name] = raw
		}
	}
	t.a = &meta
	s.atts = append(s.atts, t)
	return nil
}

// content is where the content of an attachment is, if that is not the vCon.
func (s *scan) content(i int) (c apart) {
	if i < len(s.contents) {
		c = s.contents[i]
	}
	return c
}

// beside looks for a content that stands beside the file. When only its size is
// left, the attachment has a name but no content.
func (s *scan) beside(t *attached, a *codec.Attachment) {
	own := ownOf(a)
	if sum, ok := sidecarOf(a); ok {
		n, err := s.u.statSidecar(sum)
		if err == nil && (own.Size == nil || *own.Size == uint64(n)) {
			t.size, t.sum = n, &sum
			return
		}
	}
	if own.Size != nil && *own.Size <= segment.MaxContent {
		t.size, t.gone = int64(*own.Size), true
	}
}

func whyLost(k codec.EventKind) string {
	if k == codec.EventTooLarge {
		return "too large"
	}
	return "not an object"
}

func reasonOfEvent(k codec.EventKind) segment.Reason {
	if k == codec.EventTooLarge {
		return segment.TooLarge
	}
	return segment.Malformed
}
