// Command embed is the smallest whole app around package transfer: a history of its
// own, a store of its own, and both devices in one process. It moves the vCon that
// it is given over a local socket, twice, and checks what arrived.
//
// It is a module of its own, so that it can use nothing but what any app can, and
// the source of the samples in docs/library.md. A test of package transfer builds
// and runs it.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/transfer"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "embed:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 {
		return errors.New("give it a vCon in CBOR")
	}
	data, err := os.ReadFile(os.Args[1])
	if err != nil {
		return err
	}
	v, err := codec.DecodeCBOR(data)
	if err != nil {
		return err
	}
	old, err := open(v)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	fresh := newStore()
	first, err := move(ctx, old, fresh)
	if err != nil {
		return err
	}
	fmt.Printf("of %d messages %d were imported, %d had expired; of %d attachments %d were imported\n",
		first.Source, first.Imported, first.Tombstones, first.Attachments, first.AttachmentsImported)
	if err := equal(old, fresh); err != nil {
		return err
	}

	again, err := move(ctx, old, fresh)
	if err != nil {
		return err
	}
	fmt.Printf("once more: %d messages and %d attachments were there\n", again.There, again.AttachmentsThere)
	return equal(old, fresh)
}

// move runs one transfer and holds the two results against each other.
func move(ctx context.Context, old *archive, fresh *store) (*segment.Ledger, error) {
	people := &people{offer: make(chan string, 1), code: make(chan string, 1)}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type end struct {
		result *transfer.Result
		err    error
	}
	received := make(chan end, 1)
	go func() {
		result, err := newDevice(ctx, fresh, people)
		if err != nil {
			cancel()
		}
		received <- end{result, err}
	}()
	sent, err := oldDevice(ctx, history.NewSource(old, history.SourceOptions{}), people)
	if err != nil {
		cancel()
	}
	r := <-received
	if err := errors.Join(err, r.err); err != nil {
		return nil, err
	}
	l := sent.Ledger
	switch {
	case sent.Root != r.result.Root || !l.Equal(r.result.Ledger):
		return nil, errors.New("the two devices have different results")
	case l.Lost() > 0:
		return nil, fmt.Errorf("%d messages are in quarantine", l.Lost())
	case !people.mistyped:
		return nil, errors.New("a wrong check code was taken")
	}
	return &l, l.Balanced()
}

// equal holds what was imported against the source.
func equal(old *archive, fresh *store) error {
	messages, contents := 0, 0
	var keyer segment.Keyer
	for _, c := range old.chats {
		want, err := codec.AppendRoomCBOR(nil, c.room.Meta)
		if err != nil {
			return err
		}
		got, err := codec.AppendRoomCBOR(nil, fresh.rooms[c.room.ID])
		if err != nil || !bytes.Equal(want, got) {
			return errors.New("the room is not what it was")
		}
		people := newStore()
		if err := people.join(c.room.ID, c.roster); err != nil {
			return err
		}
		if !maps.EqualFunc(people.rosters[c.room.ID], fresh.rosters[c.room.ID], func(codec.Party, codec.Party) bool { return true }) {
			return errors.New("the people of the room are not who they were")
		}
		for _, it := range c.items {
			key, err := keyer.Key(c.room, it)
			if err != nil {
				return err
			}
			raw, err := keyer.RecordOf(c.room, it)
			got := fresh.messages[key]
			gone := it.Dialog.Expires != nil && got.item.Dialog != nil && got.item.Dialog.Status == "expired"
			if err != nil || !gone && !bytes.Equal(raw, got.raw) {
				return errors.New("a message is not what it was")
			}
			messages++
			for i := range it.Attachments {
				at := &it.Attachments[i]
				want, err := at.Content()
				if err != nil {
					return err
				}
				id, part, _ := segment.ParseRef(at.DialogObjectRef)
				got := fresh.contents[contentKey{c.room.ID, id, part, uint64(len(want))}]
				if got == nil || !got.done || !bytes.Equal(got.data, want) {
					return errors.New("an attachment is not what it was")
				}
				contents++
			}
		}
	}
	if messages != len(fresh.messages) || contents != len(fresh.contents) || len(fresh.staged)+len(fresh.aside) > 0 {
		return errors.New("there is more than was sent")
	}
	return nil
}
