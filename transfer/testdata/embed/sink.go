package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// A store is the history of the new device: a transfer.Sink. Here it is in memory;
// where yours returns nil, what it took is on disk.
type store struct {
	rooms    map[string]*codec.Room
	rosters  map[string]map[string]codec.Party // by room and by record
	messages map[segment.Key]record
	aside    []segment.Item // quarantined, kept for a person to look at
	contents map[contentKey]*content
	receipts map[[32]byte][]byte // by transfer
	final    map[segment.ID]bool

	transfer [32]byte
	staged   map[segment.ID]*segment.Segment // complete, and not final before Commit
	named    []segment.ID                    // by this transfer
}

// A record is one message, and the bytes that tell whether another is the same.
type record struct {
	item segment.Item
	raw  []byte
}

// A contentKey is the name of a content until its hash is known.
type contentKey struct {
	room, message string
	part, size    uint64
}

type content struct {
	data []byte
	done bool
}

// guide:have

func (s *store) Begin(_ context.Context, info segment.TransferInfo) error {
	s.transfer, s.named = info.ID, nil
	return nil
}

func (s *store) Have(_ context.Context, room segment.RoomEntry, entries []segment.Entry) ([]segment.Want, error) {
	var wants []segment.Want
	for _, e := range entries {
		var w segment.Want
		if e.Type == segment.SegmentType {
			s.named = append(s.named, e.Segment.ID)
			w.Need = !s.final[e.Segment.ID] && s.staged[e.Segment.ID] == nil
		} else if c := s.content(room, e.Attachment); c.done {
			w.Have = sha256.Sum256(c.data) // our own, never the declared one
		} else {
			w.Need, w.Offset = true, uint64(len(c.data))
		}
		wants = append(wants, w)
	}
	return wants, nil
}

// guide:stage

func (s *store) StageSegment(_ context.Context, room segment.RoomEntry, e segment.SegmentEntry, data []byte) (segment.Ledger, error) {
	var l segment.Ledger
	seg, err := segment.Decode(data)
	if err != nil {
		return l, err
	}
	if seg.Room.ID != room.ID || !seg.Matches(e) {
		return l, errors.New("segment is not what the manifest says")
	}
	for _, it := range seg.Items {
		if _, err := s.place(seg.Room, it, &l); err != nil {
			return l, err
		}
	}
	s.staged[e.ID] = seg // durable from here on
	return l, nil
}

// place says in which column of the ledger an item ends, and what is to be kept.
func (s *store) place(room segment.Room, it segment.Item, l *segment.Ledger) (keep bool, err error) {
	var keyer segment.Keyer
	key, err := keyer.Key(room, it)
	if err != nil {
		return false, err
	}
	raw, err := keyer.RecordOf(room, it)
	if err != nil {
		return false, err
	}
	held, ok := s.messages[key]
	switch {
	case ok && bytes.Equal(held.raw, raw):
		l.There++
	case ok && held.item.Dialog.Status != "":
		l.Tombstones++ // it was retracted, and stays so
	case it.Dialog.Status != "":
		l.Tombstones++
		return true, nil
	case ok:
		l.AddQuarantined(segment.Conflict, 1)
	default:
		l.Imported++
		return true, nil
	}
	return false, nil
}

// guide:content

func (s *store) StageAttachment(_ context.Context, room segment.RoomEntry, _ segment.ID, e segment.AttachmentEntry, offset uint64) (segment.AttachmentWriter, error) {
	c := s.content(room, e)
	if offset > uint64(len(c.data)) {
		return nil, errors.New("attachment goes on behind what is held")
	}
	c.data = c.data[:offset]
	return &contentWriter{c, e.Size}, nil
}

type contentWriter struct {
	c    *content
	size uint64
}

func (w *contentWriter) Write(p []byte) (int, error) {
	w.c.data = append(w.c.data, p...)
	return len(p), nil
}

func (w *contentWriter) Commit(sum [32]byte) error {
	if uint64(len(w.c.data)) != w.size || sha256.Sum256(w.c.data) != sum {
		w.c.data = nil // so that Have asks for all of it
		return segment.ErrHash
	}
	w.c.done = true
	return nil
}

// Close without Commit keeps what came: the next connection goes on there.
func (w *contentWriter) Close() error { return nil }

// guide:commit

// Commit is one transaction: all that this transfer named, and the receipt.
func (s *store) Commit(_ context.Context, _ segment.End, receipt []byte) error {
	for _, id := range s.named {
		seg := s.staged[id]
		if seg == nil {
			continue // final before
		}
		if seg.Whole {
			s.rooms[seg.Room.ID] = seg.Room.Meta
		}
		if err := s.join(seg.Room.ID, seg.Roster); err != nil {
			return err
		}
		for _, it := range seg.Items {
			if err := s.take(seg.Room, it); err != nil {
				return err
			}
		}
		s.final[id] = true
		delete(s.staged, id)
	}
	s.receipts[s.transfer] = receipt
	return nil
}

// Abort leaves what is staged: another transfer completes it.
func (s *store) Abort(context.Context, error) error { return nil }

// Receipt makes the store a transfer.ReceiptKeeper.
func (s *store) Receipt(_ context.Context, transfer [32]byte) ([]byte, error) {
	return s.receipts[transfer], nil
}

// guide:end

// take makes an item final.
func (s *store) take(room segment.Room, it segment.Item) error {
	var keyer segment.Keyer
	var l segment.Ledger
	keep, err := s.place(room, it, &l)
	if err != nil {
		return err
	}
	if l.Lost() > 0 {
		s.aside = append(s.aside, it)
	}
	if !keep {
		return nil
	}
	key, err := keyer.Key(room, it)
	if err != nil {
		return err
	}
	raw, err := keyer.RecordOf(room, it)
	s.messages[key] = record{it, bytes.Clone(raw)}
	return err
}

func newStore() *store {
	return &store{
		rooms: map[string]*codec.Room{}, rosters: map[string]map[string]codec.Party{}, messages: map[segment.Key]record{},
		contents: map[contentKey]*content{}, receipts: map[[32]byte][]byte{}, final: map[segment.ID]bool{},
		staged: map[segment.ID]*segment.Segment{},
	}
}

// join adds people to a room, each once.
func (s *store) join(room string, people []codec.Party) error {
	if s.rosters[room] == nil {
		s.rosters[room] = map[string]codec.Party{}
	}
	for i := range people {
		record, err := codec.AppendPartyCBOR(nil, &people[i])
		if err != nil {
			return err
		}
		s.rosters[room][string(record)] = people[i]
	}
	return nil
}

func (s *store) content(room segment.RoomEntry, e segment.AttachmentEntry) *content {
	k := contentKey{room.ID, e.MessageID, e.Part, e.Size}
	if s.contents[k] == nil {
		s.contents[k] = new(content)
	}
	return s.contents[k]
}
