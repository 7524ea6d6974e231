package host

import (
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// A batcher cuts a segment into batches and writes their lines. Dialogs are appended as
// they are: what goes through encoding/json and back may change its numbers and texts.
type batcher struct {
	keyer   segment.Keyer
	parties []byte
	items   []byte
	local   map[uint32]uint32 // index in the segment: in the batch
	cited   []uint32          // the keys of local, by their values

	taken  []int // the items of the segment that the batch has
	pruned bool  // something of the room has no form in JSON
}

// next appends the line of the batch with a number, of the items of s from `from` on,
// and returns the first item behind it. An item that has no form in JSON is not taken.
func (b *batcher) next(line []byte, number uint64, room segment.RoomEntry, id segment.ID, s *segment.Segment, from int) (out []byte, to int, err error) {
	b.parties, b.items, b.cited, b.taken, b.pruned = b.parties[:0], b.items[:0], b.cited[:0], b.taken[:0], false
	b.local = make(map[uint32]uint32)
	for to = from; to < len(s.Items) && len(b.taken) < MaxBatchItems; to++ {
		at := place{len(b.items), len(b.parties), len(b.cited)}
		err := b.item(s, to, len(b.taken))
		if formless(err) {
			b.back(at)
			continue
		}
		if err != nil {
			return line, to, err
		}
		if len(b.taken) > 0 && len(b.parties)+len(b.items) > MaxBatchBytes {
			b.back(at) // it comes with the next one
			break
		}
		b.taken = append(b.taken, to)
	}
	line = appendHead(line, "batch")
	line = strconv.AppendUint(append(line, `,"batch":`...), number, 10)
	line = append(hex.AppendEncode(append(line, `,"segment":"`...), id[:]), `","kind":`...)
	if s.Kind == segment.Roster {
		line = append(line, `"roster","room":`...)
	} else {
		line = append(line, `"messages","room":`...)
	}
	if line, err = b.room(line, room, s, from == 0); err != nil {
		return line, to, err
	}
	line = append(append(append(line, `,"parties":[`...), b.parties...), `],"items":[`...)
	line = append(append(line, b.items...), `],"last":`...)
	return append(strconv.AppendBool(line, to == len(s.Items)), '}', '\n'), to, nil
}

// formless tells whether err is of something that JSON cannot hold: a byte string without
// a meaning, a number that is none, a name that is no text.
func formless(err error) bool {
	_, ok := errors.AsType[*codec.Error](err)
	return ok
}

// A place is how far a batch is.
type place struct{ items, parties, cited int }

// back takes out what came behind a place.
func (b *batcher) back(to place) {
	for _, i := range b.cited[to.cited:] {
		delete(b.local, i)
	}
	b.items, b.parties, b.cited = b.items[:to.items], b.parties[:to.parties], b.cited[:to.cited]
}

// room appends the room, and, at the beginning of a roster, all that is known of it but
// what has no form in JSON.
func (b *batcher) room(line []byte, room segment.RoomEntry, s *segment.Segment, first bool) (out []byte, err error) {
	name, err := marshal(batchRoom{room.ID, room.Name})
	if err != nil {
		return line, err
	}
	line = append(line, name...)
	if s.Kind != segment.Roster || !first {
		return line, nil
	}
	line = line[:len(line)-1]
	if s.Room.Meta != nil {
		line = b.unless(line, func(p []byte) ([]byte, error) {
			return codec.AppendRoomJSON(append(p, `,"vcon_room":`...), s.Room.Meta)
		})
	}
	if len(s.Room.Extra) > 0 {
		line = b.extra(append(line, `,"vcon":{`...), s.Room.Extra)
	}
	line = append(line, `,"roster":[`...)
	empty := len(line)
	for i := range s.Roster {
		line = b.unless(line, func(p []byte) ([]byte, error) {
			return codec.AppendPartyJSON(comma(p, empty), &s.Roster[i])
		})
	}
	return append(line, `]}`...), nil
}

// extra appends the other parameters of the room's vCon, and the end of their object.
func (b *batcher) extra(line []byte, extra codec.Fields) []byte {
	empty := len(line)
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		line = b.unless(line, func(p []byte) ([]byte, error) {
			if !utf8.ValidString(name) { // a key that is not a text
				return p, &codec.Error{Offset: -1}
			}
			quoted, err := marshal(name)
			if err != nil {
				return p, err
			}
			return extra[name].AppendJSON(append(append(comma(p, empty), quoted...), ':'))
		})
	}
	return append(line, '}')
}

// unless appends what add does, or nothing if that has no form.
func (b *batcher) unless(line []byte, add func([]byte) ([]byte, error)) []byte {
	at := len(line)
	line, err := add(line)
	if err != nil {
		b.pruned = true
		return line[:at]
	}
	return line
}

// comma appends one unless the list that began at empty is.
func comma(b []byte, empty int) []byte {
	if len(b) > empty {
		b = append(b, ',')
	}
	return b
}

// item appends item n of s, as the one with a number of its batch.
func (b *batcher) item(s *segment.Segment, n, number int) error {
	it := s.Items[n]
	key, err := b.keyer.Key(s.Room, it)
	if err != nil {
		return err
	}
	out := comma(b.items, 0)
	out = strconv.AppendInt(append(out, `{"item":`...), int64(number), 10)
	out = append(hex.AppendEncode(append(out, `,"key":"`...), key[:]), `","time":"`...)
	out = append(time.UnixMilli(it.Instant).UTC().AppendFormat(out, "2006-01-02T15:04:05.000Z"), `","tombstone":`...)
	out = append(strconv.AppendBool(out, it.Dialog.Type == "tombstone"), `,"dialog":`...)
	dialog := *it.Dialog
	if err := dialog.MapParties(b.party(it.Parties)); err != nil {
		return err
	}
	if out, err = codec.AppendDialogJSON(out, &dialog); err != nil {
		return err
	}
	if len(it.Attachments) > 0 {
		out = append(out, `,"attachments":[`...)
		for i, empty := 0, len(out); i < len(it.Attachments); i++ {
			a := it.Attachments[i]
			if err := a.MapParties(b.party(it.Parties)); err != nil {
				return err
			}
			if out, err = codec.AppendAttachmentJSON(comma(out, empty), &a); err != nil {
				return err
			}
		}
		out = append(out, ']')
	}
	b.items = append(out, '}')
	return nil
}

// party gives the index that one of the segment's parties has in the batch.
func (b *batcher) party(all []codec.Party) func(uint32) (uint32, error) {
	return func(i uint32) (uint32, error) {
		if n, ok := b.local[i]; ok {
			return n, nil
		}
		if uint64(i) >= uint64(len(all)) {
			return 0, segment.ErrNoParty
		}
		parties, err := codec.AppendPartyJSON(comma(b.parties, 0), &all[i])
		if err != nil {
			return 0, err
		}
		n := uint32(len(b.cited))
		b.parties, b.local[i], b.cited = parties, n, append(b.cited, i)
		return n, nil
	}
}

// A contentBatch is a batch of one attachment whose content is here.
type contentBatch struct {
	Batch       uint64        `json:"batch"`
	Segment     string        `json:"segment"`
	Kind        string        `json:"kind"` // attachment
	Room        batchRoom     `json:"room"`
	Attachments []contentItem `json:"attachments"`
	Last        bool          `json:"last"`
}

type batchRoom struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
}

// A contentItem is an attachment's content. MediaType and Filename are the peer's words.
type contentItem struct {
	Item      int    `json:"item"`
	MessageID string `json:"message_id"`
	Part      uint64 `json:"part"`
	Size      uint64 `json:"size"`
	SHA256    string `json:"sha256"`
	MediaType string `json:"media_type,omitempty"`
	Filename  string `json:"filename,omitempty"`
	Path      string `json:"path"` // to be moved or copied before the ack
}

func (contentBatch) event() string { return "batch" }
