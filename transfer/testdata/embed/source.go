package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"iter"
	"slices"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// guide:reader

// An archive is the history of the old device: a history.Reader. Here it is in
// memory; yours asks a database.
type archive struct {
	chats []*chat // the one with the newest message first
	left  segment.Ledger
}

// A chat is one room. heads[i] is that of items[i], with i as its Ref.
type chat struct {
	room   segment.Room
	roster []codec.Party
	items  []segment.Item // the oldest first, those of one instant as the app has them
	heads  []segment.Head
}

func (a *archive) Rooms(context.Context) ([]history.RoomInfo, error) {
	var rooms []history.RoomInfo
	for _, c := range a.chats {
		info := history.RoomInfo{Room: c.room, Roster: c.roster, Items: uint64(len(c.items))}
		if n := len(c.items); n > 0 {
			info.First, info.Last = c.items[0].Instant, c.items[n-1].Instant
		}
		rooms = append(rooms, info)
	}
	return rooms, nil
}

func (a *archive) Heads(_ context.Context, room string) iter.Seq2[segment.Head, error] {
	return func(yield func(segment.Head, error) bool) {
		for _, h := range a.chat(room).heads {
			if !yield(h, nil) {
				return
			}
		}
	}
}

func (a *archive) Items(_ context.Context, room string, heads []segment.Head) ([]segment.Item, error) {
	var items []segment.Item
	for _, h := range heads {
		items = append(items, a.chat(room).items[h.Ref])
	}
	return items, nil
}

// guide:heads

// add takes a room. Heads come from segment.Keyer and from nowhere else: they
// decide where segments are cut, and that has to be the same on all devices.
func (a *archive) add(room segment.Room, roster []codec.Party, items []segment.Item) error {
	c := &chat{room: room, roster: roster}
	slices.SortStableFunc(items, func(x, y segment.Item) int { return cmp.Compare(x.Instant, y.Instant) })
	var keyer segment.Keyer
	for _, it := range items {
		head, err := keyer.Head(room, it, uint64(len(c.items)))
		if errors.Is(err, segment.ErrTooLarge) {
			a.left.Source++
			a.left.AddQuarantined(segment.TooLarge, 1)
			continue
		}
		if err != nil {
			return err
		}
		c.items, c.heads = append(c.items, it), append(c.heads, head)
	}
	a.chats = append(a.chats, c)
	slices.SortStableFunc(a.chats, func(x, y *chat) int { return cmp.Compare(y.last(), x.last()) })
	return nil
}

// guide:end

func (a *archive) OpenAttachment(_ context.Context, room string, e segment.AttachmentEntry, offset uint64) (io.ReadCloser, error) {
	for _, it := range a.chat(room).items {
		for i := range it.Attachments {
			id, part, _ := segment.ParseRef(it.Attachments[i].DialogObjectRef)
			if id != e.MessageID || part != e.Part {
				continue
			}
			content, err := it.Attachments[i].Content()
			if err != nil || offset > uint64(len(content)) {
				return nil, history.ErrChanged
			}
			return io.NopCloser(bytes.NewReader(content[offset:])), nil
		}
	}
	return nil, segment.ErrContentAbsent
}

// Left is what no segment can hold. It is counted, so that the ledger balances.
func (a *archive) Left(context.Context) (segment.Ledger, error) { return a.left, nil }

func (a *archive) Close() error { return nil }

func (a *archive) chat(room string) *chat {
	for _, c := range a.chats {
		if c.room.ID == room {
			return c
		}
	}
	return new(chat)
}

func (c *chat) last() int64 {
	if len(c.items) == 0 {
		return 0
	}
	return c.items[len(c.items)-1].Instant
}

// open makes an archive of one vCon, as an app makes it of its own records.
func open(v *codec.VCon) (*archive, error) {
	items := make([]segment.Item, len(v.Dialog))
	instants, dated := make([]int64, len(items)), make([]bool, len(items))
	for i := range items {
		d := &v.Dialog[i]
		items[i] = segment.Item{Dialog: d, Parties: v.Parties}
		instants[i], dated[i] = segment.Instant(d)
		for _, at := range v.Attachments {
			if id, _, ok := segment.ParseRef(at.DialogObjectRef); ok && id == string(d.MessageID) {
				items[i].Attachments = append(items[i].Attachments, at)
			}
		}
	}
	segment.FillInstants(instants, dated)
	for i := range items {
		items[i].Instant = instants[i]
	}
	a := new(archive)
	return a, a.add(segment.Room{ID: v.Room.ID, Meta: v.Room}, v.Parties, items)
}
