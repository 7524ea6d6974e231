package segment

import (
	"fmt"
	"slices"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

// A Segment is a segment that was read.
type Segment struct {
	Kind    Kind
	Room    Room          // Meta is only id and name unless Whole; nil when the vCon had no room
	Whole   bool          // Room has all metadata, and Extra
	Roster  []codec.Party // the part of the room's roster that the segment holds
	Parties []codec.Party // what the items' indexes refer to
	Items   []Item        // in canonical order; they share Parties
}

// Decode reads a segment of at most MaxSegmentBytes. That data has the right
// name is for the caller to check. Encoding what it returns gives data again if
// it was made by Encode or EncodeRoster; Decode does not check that, but indexes,
// counts, kinds and order. The errors are an *Error or a *codec.Error.
func Decode(data []byte) (*Segment, error) {
	v, err := codec.Options{MaxBytes: MaxSegmentBytes}.DecodeCBOR(data)
	if err != nil {
		return nil, fmt.Errorf("decode segment: %w", err)
	}
	s := new(Segment)
	if err := s.from(v); err != nil {
		return nil, err
	}
	return s, nil
}

func refuse(format string, a ...any) error {
	return &Error{Object: "segment", Offset: -1, Reason: fmt.Sprintf(format, a...)}
}

func (s *Segment) from(v *codec.VCon) error {
	switch {
	case v.Version != Version:
		return refuse("unknown version")
	case len(v.Critical) > 0:
		return refuse("critical extensions")
	case len(v.Dialog) > MaxItems:
		return refuse("more than %d items", MaxItems)
	case !slices.Equal(v.Extensions, []string{ExtensionMIMI, Extension}):
		return refuse("extensions of no segment")
	case len(v.Extra) != 1 || v.Subject != "" || v.UpdatedAt != "":
		return refuse("parameters that no segment has")
	}
	p, err := parseParameter(v.Extra[Parameter], len(v.Dialog))
	if err != nil {
		return err
	}
	if p.kind == Messages && (len(v.Dialog) == 0 || p.whole || p.roster > 0) || p.extra != nil && !p.whole {
		return refuse("parameters of another kind of segment")
	}
	s.Kind, s.Whole, s.Parties = p.kind, p.whole, v.Parties
	if err := s.roomFrom(v, &p); err != nil {
		return err
	}
	if err := s.itemsFrom(v, &p); err != nil {
		return err
	}
	return s.attachmentsFrom(v)
}

func (s *Segment) roomFrom(v *codec.VCon, p *parameter) error {
	s.Room.Meta, s.Room.ID = v.Room, p.room
	if p.room == "" {
		if v.Room == nil || v.Room.ID == "" || len(v.Room.ID) > MaxRoomID {
			return refuse("no room id")
		}
		s.Room.ID = v.Room.ID
	} else if v.Room != nil && v.Room.ID == p.room {
		return refuse("room id given twice")
	}
	if p.extra != nil {
		var err error
		if s.Room.Extra, err = parseFields(p.extra); err != nil {
			return err
		}
	}
	first := uint64(0)
	if s.Room.isParty() {
		if len(s.Parties) == 0 || s.Parties[0].IMURI != s.Room.ID {
			return refuse("party 0 is not the room")
		}
		first = 1
	}
	if first+p.roster > uint64(len(s.Parties)) {
		return refuse("roster has more parties than there are")
	}
	s.Roster = s.Parties[first : first+p.roster : first+p.roster]
	return nil
}

func (s *Segment) itemsFrom(v *codec.VCon, p *parameter) error {
	s.Items = make([]Item, len(v.Dialog))
	again, instants := p.again, p.instants
	for i := range s.Items {
		it := &s.Items[i]
		it.Dialog, it.Parties = &v.Dialog[i], v.Parties
		if IsRoster(it.Dialog) != (s.Kind == Roster) {
			return refuse("dialog %d: belongs to another kind of segment", i)
		}
		if err := inRange(it.Dialog.EachParty, len(v.Parties)); err != nil {
			return refuse("dialog %d: %v", i, err)
		}
		ms, ok := Instant(it.Dialog)
		switch {
		case len(instants) > 0 && instants[0].item == i:
			ms, instants = instants[0].instant, instants[1:]
		case !ok && i == 0:
			return refuse("dialog %d: no instant", i)
		case !ok:
			ms = s.Items[i-1].Instant
		}
		if i > 0 && ms < s.Items[i-1].Instant {
			return refuse("dialog %d: not in canonical order", i)
		}
		it.Instant = ms
		if len(again) > 0 && again[0] == i {
			if it.Dialog.MessageID == "" {
				return refuse("dialog %d: no message id", i)
			}
			it.Again, again = true, again[1:]
		}
	}
	return nil
}

func (s *Segment) attachmentsFrom(v *codec.VCon) error {
	last := uint64(0)
	for i := range v.Attachments {
		a := &v.Attachments[i]
		if err := inRange(a.EachParty, len(v.Parties)); err != nil {
			return refuse("attachment %d: %v", i, err)
		}
		p, err := parseAttachmentParameter(a.Extra[Parameter])
		if err != nil {
			return err
		}
		if !p.bound || p.dialog < last || p.dialog >= uint64(len(s.Items)) {
			return refuse("attachment %d: of no dialog, or out of order", i)
		}
		if p.size > MaxContent {
			return refuse("attachment %d: larger than an attachment may be", i)
		}
		if p.sized && a.Body.Kind != codec.BodyAbsent {
			return refuse("attachment %d: content in a segment", i)
		}
		last = p.dialog
		delete(a.Extra, Parameter)
		if len(a.Extra) == 0 {
			a.Extra = nil
		}
		if p.sized {
			SetSize(a, p.size)
		}
		it := &s.Items[p.dialog]
		if len(it.Attachments) == MaxAttachments {
			return refuse("dialog %d: more than %d attachments", p.dialog, MaxAttachments)
		}
		it.Attachments = append(it.Attachments, *a)
	}
	return nil
}

func inRange(each func(func(uint32)), parties int) (err error) {
	each(func(n uint32) {
		if uint64(n) >= uint64(parties) {
			err = ErrNoParty
		}
	})
	return err
}

// Attachments are the entries of the attachments that have content, as in the
// manifest, with the item that each belongs to.
func (s *Segment) Attachments() (entries []AttachmentEntry, items []int) {
	for i := range s.Items {
		it := &s.Items[i]
		for j := range it.Attachments {
			if size, ok := SizeOf(&it.Attachments[j]); ok {
				entries = append(entries, entryOf(it, &it.Attachments[j], size))
				items = append(items, i)
			}
		}
	}
	return entries, items
}

// Matches tells whether a manifest said the truth about the segment, except for
// its name and length.
func (s *Segment) Matches(e SegmentEntry) bool {
	var first, last int64
	if n := len(s.Items); n > 0 {
		first, last = s.Items[0].Instant, s.Items[n-1].Instant
	}
	return e.Kind == s.Kind && e.Items == uint64(len(s.Items)) && e.First == first && e.Last == last
}
