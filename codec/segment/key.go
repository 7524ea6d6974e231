package segment

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

// Version of our formats, and separation of every hash from all others.
const label = "vcon-transfer/1 "

// KeyOf is the key of an item of room. With a message id it depends on that
// alone, so that an edited record and a tombstone have the key of the message;
// without one it depends on the whole record.
//
// Where records with one message id differ, the first in canonical order has the
// key of the id, and a source marks the others with Again: their key is made of
// the id and the record. Equal records are one item.
//
// The errors are ErrTooLarge, ErrNoParty, and what codec reports of a record that
// cannot be encoded.
func KeyOf(room Room, it Item) (Key, error) { return new(Keyer).Key(room, it) }

// KeyOfMessage is the key of the message with an id, as in JSON, in the room with
// the id room.
func KeyOfMessage(room, id string) Key {
	b := appendLP(append(appendLP(keyPrefix(nil), room), 1), id)
	return sha256.Sum256(b)
}

// HeadOf is the head of an item; see Keyer.Head.
func HeadOf(room Room, it Item, ref uint64) (Head, error) { return new(Keyer).Head(room, it, ref) }

// A Keyer derives keys and heads, and keeps its buffers. The zero Keyer is ready.
type Keyer struct {
	dialog, parties []byte
	local           map[uint32]uint32 // index of a party in the source: in the record
	known           map[string]uint32 // record of a party: index in the record
	key             []byte
}

// Key is KeyOf.
func (k *Keyer) Key(room Room, it Item) (Key, error) {
	id := string(it.Dialog.MessageID)
	if id != "" && !it.Again {
		return KeyOfMessage(room.ID, id), nil
	}
	if err := k.record(room, it); err != nil {
		return Key{}, err
	}
	return k.keyOfRecord(room, it), nil
}

func (k *Keyer) keyOfRecord(room Room, it Item) Key {
	b := appendLP(keyPrefix(k.key[:0]), room.ID)
	if id := string(it.Dialog.MessageID); id != "" {
		b = appendLP(append(b, 3), id)
	} else {
		b = append(b, 2)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(k.dialog)+len(k.parties)))
	b = append(append(b, k.dialog...), k.parties...)
	k.key = b
	return sha256.Sum256(b)
}

// Head is the head of an item, with its key and the size that cutting counts: of
// the dialog object and its attachments' metadata, with parties numbered in the
// order of their citation, and an eighth of the parties it cites. All sources
// take it from here, since boundaries depend on it.
func (k *Keyer) Head(room Room, it Item, ref uint64) (Head, error) {
	h := Head{Instant: it.Instant, Roster: IsRoster(it.Dialog), Attachments: uint32(len(it.Attachments)), Ref: ref}
	if err := k.record(room, it); err != nil {
		return h, err
	}
	if id := string(it.Dialog.MessageID); id != "" && !it.Again {
		h.Key = KeyOfMessage(room.ID, id)
	} else {
		h.Key = k.keyOfRecord(room, it)
	}
	size := len(k.dialog)
	cited := len(k.parties)
	for i := range it.Attachments {
		a, err := metadata(&it.Attachments[i])
		if err != nil {
			return h, err
		}
		if k.dialog, err = codec.AppendAttachmentCBOR(k.dialog[:0], &a); err != nil {
			return h, err
		}
		size += len(k.dialog) + attachmentSurplus
	}
	if size > MaxRecord || len(it.Attachments) > MaxAttachments {
		return h, ErrTooLarge
	}
	h.Size = uint32(size + cited/citedShare)
	return h, nil
}

// RecordOf is the record of an item as its key hashes it: the CBOR array of the
// dialog and of the parties it cites, which are numbered in the order of their
// citation. Two records of one item are equal if and only if these bytes are.
func (k *Keyer) RecordOf(room Room, it Item) ([]byte, error) {
	if err := k.record(room, it); err != nil {
		return nil, err
	}
	return append(append([]byte(nil), k.dialog...), k.parties...), nil
}

// record leaves the two halves of the record in dialog and parties.
func (k *Keyer) record(room Room, it Item) error {
	if k.local == nil || len(k.local) > smallMap {
		k.local, k.known = make(map[uint32]uint32), make(map[string]uint32)
	}
	clear(k.local)
	clear(k.known)
	k.parties = k.parties[:0]
	var scratch []byte
	d := *it.Dialog
	err := d.MapParties(func(i uint32) (uint32, error) {
		if n, ok := k.local[i]; ok {
			return n, nil
		}
		at := len(k.parties)
		p, err := party(room, it.Parties, i)
		if err != nil {
			return 0, err
		}
		if scratch, err = codec.AppendPartyCBOR(k.parties, p); err != nil {
			return 0, err
		}
		k.parties = scratch
		rec := k.parties[at:]
		if len(rec) > MaxParty || len(k.parties) > MaxCited {
			return 0, ErrTooLarge
		}
		n, ok := k.known[string(rec)]
		if ok {
			k.parties = k.parties[:at]
		} else {
			n = uint32(len(k.known))
			k.known[string(rec)] = n
		}
		k.local[i] = n
		return n, nil
	})
	if err != nil {
		return err
	}
	if k.dialog, err = codec.AppendDialogCBOR(codec.AppendArray(k.dialog[:0], 2), &d); err != nil {
		return err
	}
	if len(k.dialog) > MaxRecord {
		return ErrTooLarge
	}
	k.dialog = codec.AppendArray(k.dialog, len(k.known))
	return nil
}

// party is the party that index i of an item refers to.
func party(room Room, parties []codec.Party, i uint32) (*codec.Party, error) {
	if uint64(i) >= uint64(len(parties)) {
		return nil, ErrNoParty
	}
	if i == 0 && room.isParty() && parties[0].IMURI == room.ID {
		return &codec.Party{IMURI: room.ID}, nil
	}
	return &parties[i], nil
}

// isParty tells whether party 0 of the room's segments is the room itself.
func (r *Room) isParty() bool { return r.Meta != nil && r.Meta.ID == r.ID }

func keyPrefix(b []byte) []byte { return append(append(b, label+"item"...), 0) }

// appendLP appends s with its length in four bytes before it.
func appendLP[S ~string | ~[]byte](b []byte, s S) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

// smallMap is the size from which a map is replaced rather than cleared.
const smallMap = 256

// RoomOfUUID is the id of the conversation in a vCon without a room.
func RoomOfUUID(uuid string) string { return "vcon:" + strings.ToLower(uuid) }
