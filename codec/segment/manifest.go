package segment

import (
	"errors"
	"unicode/utf8"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

// AppendPage appends a page of a manifest (wire-format, "Manifest"): at most
// MaxEntries entries and MaxPage bytes. The error says that the page is beyond a
// limit or that ParsePage would refuse it.
func AppendPage(b []byte, p *Page) ([]byte, error) {
	at := len(b)
	if err := p.check(); err != nil {
		return b, err
	}
	b = codec.AppendArray(codec.AppendArray(b, 2), len(p.Entries))
	for i := range p.Entries {
		b = p.Entries[i].append(b)
	}
	b, err := appendLedger(b, &p.Left)
	if err != nil {
		return b[:at], err
	}
	if len(b)-at > MaxPage {
		return b[:at], errors.New("encode page: larger than a page may be")
	}
	return b, nil
}

// ParsePage reads a page of a manifest. Every error is an *Error. What it accepts
// AppendPage encodes to the same bytes.
func ParsePage(data []byte) (*Page, error) {
	r := reader{object: "page", b: data}
	if len(data) > MaxPage {
		r.failAt(MaxPage, "too long")
		return nil, r.err
	}
	p := new(Page)
	r.tuple(2)
	for range r.array(MaxEntries) {
		e := r.entry()
		if r.err != nil {
			return nil, r.err
		}
		p.Entries = append(p.Entries, e)
	}
	p.Left = r.ledger()
	if err := r.end(); err != nil {
		return nil, err
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	return p, nil
}

// check holds a page against all that its form does not ensure.
func (p *Page) check() error {
	bad := func(reason string) error { return &Error{Object: "page", Offset: -1, Reason: reason} }
	if len(p.Entries) > MaxEntries {
		return bad("too many entries")
	}
	seen := make(map[ID]bool)
	room := false // a room began on this page, and no segment of it yet
	for i := range p.Entries {
		e := &p.Entries[i]
		switch e.Type {
		case RoomType:
			if e.Room.ID == "" || !fits(e.Room.ID, MaxRoomID) || !fits(e.Room.Name, MaxName) {
				return bad("room without id, or with one that is too long")
			}
			room = true
		case SegmentType:
			s := &e.Segment
			if seen[s.ID] {
				return bad("segment named twice")
			}
			seen[s.ID] = true
			if s.Kind != Messages && s.Kind != Roster || s.First > s.Last || s.Bytes == 0 || s.Bytes > MaxSegmentBytes ||
				s.Items > MaxItems || s.Items == 0 && s.Kind == Messages {
				return bad("segment with impossible counts")
			}
			room = false
		case AttachmentType:
			a := &e.Attachment
			if !fits(a.MessageID, MaxMessageID) || !fits(a.MediaType, MaxMediaType) || !fits(a.Filename, MaxName) ||
				!fits(a.Declared, MaxDeclared) || a.Size > MaxContent || a.Part > MaxPart {
				return bad("attachment with a name that is too long or not UTF-8")
			}
			if room {
				return bad("attachment without a segment before it")
			}
		default:
			return bad("unknown type of entry")
		}
	}
	if p.Left.Balanced() != nil {
		return bad("ledger does not balance")
	}
	return nil
}

func fits(s string, limit int) bool { return len(s) <= limit && utf8.ValidString(s) }

func (e *Entry) append(b []byte) []byte {
	switch e.Type {
	case RoomType:
		b = codec.AppendUint(codec.AppendArray(b, 3), uint64(RoomType))
		return codec.AppendText(codec.AppendText(b, e.Room.ID), e.Room.Name)
	case SegmentType:
		s := &e.Segment
		b = codec.AppendUint(codec.AppendArray(b, 7), uint64(SegmentType))
		b = codec.AppendUint(codec.AppendBytes(b, s.ID[:]), uint64(s.Kind))
		b = appendInteger(appendInteger(b, s.First), s.Last)
		return codec.AppendUint(codec.AppendUint(b, s.Items), s.Bytes)
	}
	b = codec.AppendUint(codec.AppendArray(b, 8), uint64(AttachmentType))
	b = e.Attachment.appendName(b)
	if e.Attachment.SHA256 == nil {
		return append(b, null)
	}
	return codec.AppendBytes(b, e.Attachment.SHA256[:])
}

// appendName appends the elements that name an attachment, without its hash.
func (a *AttachmentEntry) appendName(b []byte) []byte {
	b = codec.AppendText(b, a.MessageID)
	b = codec.AppendUint(codec.AppendUint(b, a.Part), a.Size)
	return codec.AppendText(codec.AppendText(codec.AppendText(b, a.MediaType), a.Filename), a.Declared)
}

func (r *reader) entry() (e Entry) {
	at := r.off
	n := r.array(8)
	e.Type = EntryType(r.number(uint64(AttachmentType)))
	want := 0
	switch e.Type {
	case RoomType:
		want = 3
	case SegmentType:
		want = 7
	case AttachmentType:
		want = 8
	}
	if n != want || want == 0 {
		r.failAt(at, "unknown type of entry")
		return e
	}
	switch e.Type {
	case RoomType:
		e.Room.ID = r.text(MaxRoomID)
		e.Room.Name = r.text(MaxName)
	case SegmentType:
		s := &e.Segment
		copy(s.ID[:], r.bytes(len(s.ID)))
		s.Kind = Kind(r.number(uint64(Roster)))
		s.First, s.Last = r.integer(), r.integer()
		s.Items, s.Bytes = r.number(MaxItems), r.number(MaxSegmentBytes)
	case AttachmentType:
		a := &e.Attachment
		a.MessageID = r.text(MaxMessageID)
		a.Part, a.Size = r.number(MaxPart), r.number(MaxContent)
		a.MediaType, a.Filename, a.Declared = r.text(MaxMediaType), r.text(MaxName), r.text(MaxDeclared)
		if r.peek() == null>>5 {
			if r.item(); r.err == nil && r.b[r.off-1] != null {
				r.fail("unexpected type")
			}
		} else {
			a.SHA256 = new([32]byte)
			copy(a.SHA256[:], r.bytes(len(a.SHA256)))
		}
	}
	return e
}

// ShortName is name as a RoomEntry may have it: at most MaxName bytes of UTF-8.
func ShortName(name string) string { return shorten(name, MaxName) }
