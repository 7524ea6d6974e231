package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// A survey counts what is in vCons, one element at a time: memory grows with the
// people and the message ids, not with the messages.
type survey struct {
	i     *inspection
	rooms map[string]*roomCount
	ids   map[string]bool // room and message id, to find those that come twice
	now   *surveyed
}

type roomCount struct {
	roomInspection
	people map[string]bool
}

// A surveyed vCon.
type surveyed struct {
	file    string // for problems; "" when there is only one
	dir     string // where it is, or ""
	head    codec.VCon
	names   map[string]bool
	parties []codec.Party
	room    *roomCount
	uri     string // of the room, as message ids hash it
}

func newSurvey(i *inspection) *survey {
	i.Records, i.IDs, i.Missing = map[string]uint64{}, map[string]uint64{}, map[string]uint64{}
	i.Attachments = &attachmentCounts{}
	return &survey{i: i, rooms: map[string]*roomCount{}, ids: map[string]bool{}}
}

// maxSurveyedIDs bounds the ids that are compared, and maxSurveyedRooms the rooms
// that are listed.
const (
	maxSurveyedIDs   = 4 << 20
	maxSurveyedRooms = 1 << 16
)

// file looks into one file in two scans: room and parties first, because dialogs
// refer to them and may come before them.
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
	s.now = &surveyed{names: map[string]bool{}}
	if f.path != "" {
		s.now.dir = filepath.Dir(f.path)
	}
	if several {
		s.now.file = f.path
	}
	if err := s.scan(ctx, r, s.first); err != nil {
		return err
	}
	if !s.now.names["vcon"] && !s.now.names["dialog"] && !s.now.names["parties"] {
		switch n := s.now.names; {
		case n["payload"] && n["signatures"]:
			s.i.Opaque = "signed"
			return nil
		case n["ciphertext"]:
			s.i.Opaque = "encrypted"
			return nil
		}
		return errors.New("not a vCon")
	}
	s.begin(&s.now.head)
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return s.scan(ctx, r, s.second)
}

func (s *survey) scan(ctx context.Context, r io.Reader, take func(*codec.Event)) error {
	sc := codec.NewScanner(r)
	for n := 0; ; n++ {
		if n%1024 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		e, err := sc.Next()
		if f := sc.Format(); f != 0 && s.i.Kind == "vcon" {
			s.format(f.String())
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			p := problem{File: s.now.file, What: err.Error()}
			if e, ok := errors.AsType[*codec.Error](err); ok {
				p.Pointer, p.Offset, p.What = e.Pointer, max(e.Offset, 0), e.Reason
			}
			s.i.problem(p)
			return err
		}
		take(&e)
	}
}

func (s *survey) format(f string) {
	if s.i.Format != "" && s.i.Format != f {
		f = "cbor and json"
	}
	s.i.Format = f
}

func (s *survey) first(e *codec.Event) {
	s.now.names[e.Name] = true
	switch e.Kind {
	case codec.EventRoom:
		s.now.head.Room = e.Room
	case codec.EventParty:
		s.now.parties = append(s.now.parties, (&codec.VCon{Parties: []codec.Party{*e.Party}}).Upgraded().Parties[0])
	case codec.EventField:
		if err := s.now.head.Set(e.Name, e.Value); err != nil {
			s.trouble("/"+e.Name, e.Offset, "not of the form that it should have")
		}
	case codec.EventOther:
		s.trouble(pointer(e), e.Offset, "not an object")
	case codec.EventTooLarge:
		s.trouble(pointer(e), e.Offset, "too large")
	}
}

func pointer(e *codec.Event) string {
	if e.Index < 0 {
		return "/" + e.Name
	}
	return fmt.Sprintf("/%s/%d", e.Name, e.Index)
}

func (s *survey) second(e *codec.Event) {
	switch e.Kind {
	case codec.EventDialog:
		s.dialog(e.Index, e.Offset, e.Dialog)
	case codec.EventAttachment:
		size := int64(-1)
		if e.Body != nil {
			size = e.Body.Size()
			if size < 0 {
				size = e.Body.Length
			}
		}
		s.attachment(e.Attachment, size)
	}
}

// vcon looks into a vCon in memory.
func (s *survey) vcon(v *codec.VCon) {
	s.now = &surveyed{parties: v.Parties}
	s.begin(v)
	for i := range v.Dialog {
		s.dialog(i, 0, &v.Dialog[i])
	}
	for i := range v.Attachments {
		s.attachment(&v.Attachments[i], -1)
	}
}

// begin finds the room of a vCon.
func (s *survey) begin(head *codec.VCon) {
	if v := head.Version; !slices.Contains(s.i.Version, v) {
		s.i.Version = append(s.i.Version, v)
	}
	if names := head.UnsupportedCritical(codec.ExtensionMIMI, "mimi_messages", segment.Extension); len(names) > 0 {
		s.trouble("/critical", 0, "names something that is not supported: a transfer refuses this vCon")
	}
	head = head.Upgraded()
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
		r = &roomCount{roomInspection: roomInspection{ID: id}, people: map[string]bool{}}
		if len(s.rooms) < maxSurveyedRooms {
			s.rooms[id] = r
		}
	}
	r.Name = cmp.Or(name, r.Name)
	for _, p := range s.now.parties {
		if who := cmp.Or(p.IMURI, p.Tel, p.Mailto, p.Name, p.UUID); who != id {
			r.people[who] = true
		}
	}
	s.now.room = r
}

func (s *survey) trouble(pointer string, offset int64, what string) {
	s.i.problem(problem{File: s.now.file, Pointer: pointer, Offset: offset, What: what})
}

func (s *survey) dialog(index int, offset int64, d *codec.Dialog) {
	d = &(&codec.VCon{Dialog: []codec.Dialog{*d}}).Upgraded().Dialog[0]
	at := fmt.Sprintf("/dialog/%d", index)
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
		s.trouble(at, offset, "no date")
	}
	known := true
	d.EachParty(func(n uint32) { known = known && int(n) < len(s.now.parties) })
	if !known {
		s.trouble(at, offset, "refers to a party that is not there")
	}
	kind := kindOf(d)
	s.i.Records[kind]++
	if d.Type != "text" {
		return
	}
	if d.MessageID == "" {
		s.i.IDs["none"]++
	} else if id := r.ID + "\x00" + string(d.MessageID); s.ids[id] {
		s.trouble(at, offset, "its message id came before")
	} else if len(s.ids) < maxSurveyedIDs {
		s.ids[id] = true
	}
	if d.MessageID == "" {
		return
	}
	sender := ""
	if d.Originator != nil && int(*d.Originator) < len(s.now.parties) {
		sender = s.now.parties[*d.Originator].IMURI
	}
	level, missing := mimi.Verify(d, sender, s.now.uri)
	s.i.IDs[level.String()]++
	for _, m := range missing {
		s.i.Missing[m]++
	}
	if level == mimi.Mismatch {
		s.trouble(at, offset, "the message id is not that of the content")
	}
}

// kindOf names what a dialog is.
func kindOf(d *codec.Dialog) string {
	switch {
	case segment.IsRoster(d):
		return "roster event"
	case d.Type == "tombstone":
		return "tombstone"
	case d.Type != "text":
		return "other"
	case mimi.IsDelete(d):
		return "delete"
	case mimi.IsEdit(d):
		return "edit"
	case mimi.IsReaction(d):
		return "reaction"
	case d.InReplyTo != "":
		return "reply"
	}
	return "message"
}

func (s *survey) attachment(a *codec.Attachment, size int64) {
	c := s.i.Attachments
	c.Count++
	if n, ok := segment.SizeOf(a); ok && size < 0 {
		size = int64(n)
	}
	if size < 0 {
		size = s.beside(a)
	}
	if size < 0 {
		return
	}
	c.Content++
	c.Bytes += uint64(size)
}

// beside is the size of a content in the folder attachments beside the file, where
// it is named by its hash, or -1.
func (s *survey) beside(a *codec.Attachment) int64 {
	name, ok := strings.CutPrefix(a.URL, attachmentsFolder+"/")
	if sum, err := hex.DecodeString(name); !ok || s.now.dir == "" || err != nil || len(sum) != sha256.Size {
		return -1
	}
	info, err := os.Lstat(filepath.Join(s.now.dir, attachmentsFolder, name))
	if err != nil || !info.Mode().IsRegular() {
		return -1
	}
	return info.Size()
}

// finish lists the rooms, the one with the newest record first.
func (s *survey) finish() {
	for _, r := range s.rooms {
		r.People = uint64(len(r.people))
		s.i.Rooms = append(s.i.Rooms, r.roomInspection)
	}
	slices.SortFunc(s.i.Rooms, func(a, b roomInspection) int {
		return cmp.Or(b.Last.Compare(a.Last), cmp.Compare(a.ID, b.ID))
	})
}
