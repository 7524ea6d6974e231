package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/convert"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// A survey counts what is in vCons, one element at a time: memory grows with the
// people and, by eight bytes each, with message ids, not with messages.
type survey struct {
	i     *inspection
	rooms map[string]*roomCount
	ids   fingerprints // of room and message id, to find those that come twice
	depth int          // signed vCons around
	now   *surveyed
}

type roomCount struct {
	roomInspection
	people fingerprints
}

// A surveyed vCon.
type surveyed struct {
	file    string // for problems; "" when there is only one
	dir     string // where it is, or ""
	head    codec.VCon
	names   map[string]bool
	parties []string // their URIs
	who     []string // addresses, to be counted when the room is known
	named   []string // names of some
	upgrade codec.Upgrader
	dialogs int // met in the first scan
	room    *roomCount
	uri     string // of the room, as message ids hash it
}

func newSurvey(i *inspection) *survey {
	i.Records, i.IDs, i.Missing = map[string]uint64{}, map[string]uint64{}, map[string]uint64{}
	i.Forms, i.Analyses = map[string]uint64{}, map[string]uint64{}
	i.Attachments = &attachmentCounts{}
	return &survey{i: i, rooms: map[string]*roomCount{}}
}

// next is for the next vCon.
func (s *survey) next() *surveyed {
	return &surveyed{names: map[string]bool{}, upgrade: codec.Upgrader{Found: s.i.Forms}}
}

const (
	maxSurveyedRooms = 1 << 16 // rooms that are listed
	maxWho           = 4       // people who are named where a conversation has no name
)

// file looks into one file, in one scan when room and parties come before what
// refers to them, else in two.
func (s *survey) file(ctx context.Context, f vconFile, several bool) error {
	r := f.r
	if r == nil {
		file, err := os.Open(f.path)
		if err != nil {
			return err
		}
		defer file.Close()
		r = file
	}
	s.now = s.next()
	if f.path != "" {
		s.now.dir = filepath.Dir(f.path)
	}
	if several {
		s.now.file = f.path
	}
	if err := s.scan(ctx, r, s.first); err != nil {
		return err
	}
	if seal := codec.SealOf(&s.now.head, func(name string) bool { return s.now.names[name] }); seal != nil {
		s.seal(ctx, seal)
		return nil
	}
	if !s.now.names["vcon"] && !s.now.names["dialog"] && !s.now.names["parties"] {
		return errors.New("not a vCon")
	}
	s.about(&s.now.head)
	if s.now.room != nil { // known before the first dialog
		return nil
	}
	s.begin(&s.now.head)
	if s.now.dialogs == 0 {
		return nil
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return err
	}
	err := s.scan(ctx, r, func(e *codec.Event) error {
		if e.Kind == codec.EventDialog {
			s.dialog(e.Index, e.Offset, e.Dialog)
			s.now.dialogs--
		}
		if s.now.dialogs == 0 {
			return errSurveyed
		}
		return nil
	})
	if err == errSurveyed {
		return nil
	}
	return err
}

// errSurveyed ends a second scan: what follows was met in the first.
var errSurveyed = errors.New("all dialogs were read")

// vcon looks into a vCon in memory.
func (s *survey) vcon(v *convert.VCon) {
	s.now = s.next()
	for i := range v.Parties {
		s.party(&v.Parties[i])
	}
	s.about(v.VCon)
	s.begin(v.VCon)
	for i := range v.Dialog {
		s.dialog(i, 0, &v.Dialog[i])
	}
	for i := range v.Attachments {
		s.attachment(&v.Attachments[i], v.Contents[i].Size())
	}
}

func (s *survey) party(p *codec.Party) {
	p = s.now.upgrade.Party(p)
	s.now.parties = append(s.now.parties, p.IMURI)
	if who := cmp.Or(p.IMURI, p.Tel, p.Mailto, p.Name, p.UUID); who != "" {
		s.now.who = append(s.now.who, who)
	}
	if name := cmp.Or(p.Name, p.Tel, p.Mailto); len(s.now.named) < maxWho && name != "" {
		s.now.named = append(s.now.named, name)
	}
}

// about notes what the top level says of the vCon itself.
func (s *survey) about(head *codec.VCon) {
	if v := head.Version; !slices.Contains(s.i.Version, v) {
		s.i.Version = append(s.i.Version, v)
	}
	if names := head.UnsupportedCritical(codec.ExtensionMIMI, "mimi_messages", segment.Extension); len(names) > 0 {
		at := "/critical"
		if head.Extra["must_support"] != nil {
			at = "/must_support"
		}
		s.trouble(at, 0, "a transfer refuses this vCon, which needs what is not supported: "+strings.Join(names[:min(len(names), maxWho)], ", "))
	}
	s.now.upgrade.Head(head) // for the old forms in it
}

// begin finds the room of a vCon, when all parties are known.
func (s *survey) begin(head *codec.VCon) {
	id, name := "", head.Subject
	if head.UUID != "" {
		id = segment.RoomOfUUID(head.UUID)
	}
	if head.Room != nil && head.Room.ID != "" {
		id, name = head.Room.ID, head.Room.Name
		s.now.uri = id
	}
	r := s.rooms[id]
	if r == nil {
		r = &roomCount{roomInspection: roomInspection{ID: id}}
		if len(s.rooms) < maxSurveyedRooms {
			s.rooms[id] = r
		}
	}
	if r.Name = cmp.Or(name, r.Name); r.Name == "" && len(r.Who) == 0 {
		r.Who = s.now.named
	}
	for _, who := range s.now.who {
		if who != id && r.people.add(who) {
			r.People++
		}
	}
	s.now.who = nil
	s.now.room = r
}

func (s *survey) trouble(pointer string, offset int64, what string) {
	s.i.problem(problem{File: s.now.file, Pointer: pointer, Offset: offset, What: what})
}

func (s *survey) dialog(index int, offset int64, d *codec.Dialog) {
	d = s.now.upgrade.Dialog(d)
	at := func() string { return fmt.Sprintf("/dialog/%d", index) }
	r := s.now.room
	r.Records++
	if ms, ok := segment.Instant(d); ok {
		t := time.UnixMilli(ms).UTC()
		if r.First.IsZero() || t.Before(r.First) {
			r.First = t
		}
		if t.After(r.Last) {
			r.Last = t
		}
	} else {
		s.trouble(at(), offset, "no date")
	}
	known := true
	d.EachParty(func(n uint32) { known = known && int(n) < len(s.now.parties) })
	if !known {
		s.trouble(at(), offset, "refers to a party that is not there")
	}
	tally(s.i.Records, kindOf(d), "record of another type")
	if d.Type != "text" {
		return
	}
	if d.MessageID == "" {
		s.i.IDs["none"]++
	} else if !s.ids.add(r.ID + "\x00" + string(d.MessageID)) {
		s.trouble(at(), offset, "its message id came before")
	}
	if d.MessageID == "" {
		return
	}
	sender := ""
	if d.Originator != nil && int(*d.Originator) < len(s.now.parties) {
		sender = s.now.parties[*d.Originator]
	}
	if s.i.franks != nil {
		if trouble := s.i.franks.count(d, sender, s.now.uri); trouble != "" {
			s.trouble(at(), offset, trouble)
		}
	}
	level, missing := mimi.Verify(d, sender, s.now.uri)
	s.i.IDs[level.String()]++
	for _, m := range missing {
		s.i.Missing[m]++
	}
	if level == mimi.Mismatch {
		s.trouble(at(), offset, "the message id is not that of the content")
	}
}

// finish lists the rooms, the one with the newest record first.
func (s *survey) finish() {
	if s.ids.full {
		s.i.problem(problem{What: "there are too many message ids to compare all: of the later ones some may come twice"})
	}
	if s.i.franks != nil {
		s.i.Franks = s.i.franks.Counts
	}
	delete(s.i.Forms, "version") // which is told
	delete(s.i.Forms, "extensions")
	for _, r := range s.rooms {
		s.i.Rooms = append(s.i.Rooms, r.roomInspection)
	}
	slices.SortFunc(s.i.Rooms, func(a, b roomInspection) int {
		return cmp.Or(b.Last.Compare(a.Last), cmp.Compare(a.ID, b.ID))
	})
}
