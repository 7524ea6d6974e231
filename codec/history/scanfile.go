package history

import (
	"context"
	"errors"
	"io"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

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
