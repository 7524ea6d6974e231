package host

import (
	"encoding/hex"
	"strconv"
	"time"

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
}

// next appends the line of the batch with a number, of the items of s from `from` on,
// and returns the first item behind it.
func (b *batcher) next(line []byte, number uint64, room segment.RoomEntry, id segment.ID, s *segment.Segment, from int) (out []byte, to int, err error) {
	b.parties, b.items = b.parties[:0], b.items[:0]
	b.local = make(map[uint32]uint32)
	for to = from; to < len(s.Items) && to-from < MaxBatchItems; to++ {
		items := len(b.items)
		if err := b.item(s, to, to-from); err != nil {
			return line, to, err
		}
		if to > from && len(b.parties)+len(b.items) > MaxBatchBytes {
			// It comes with the next one; that its parties are here does no harm.
			b.items = b.items[:items]
			break
		}
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

// room appends the room, and, at the beginning of a roster, all that is known of it.
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
		if line, err = codec.AppendRoomJSON(append(line, `,"vcon_room":`...), s.Room.Meta); err != nil {
			return line, err
		}
	}
	line = append(line, `,"roster":[`...)
	for i := range s.Roster {
		if i > 0 {
			line = append(line, ',')
		}
		if line, err = codec.AppendPartyJSON(line, &s.Roster[i]); err != nil {
			return line, err
		}
	}
	return append(line, `]}`...), nil
}

// item appends item n of s, as the one with a number of its batch.
func (b *batcher) item(s *segment.Segment, n, number int) error {
	it := s.Items[n]
	key, err := b.keyer.Key(s.Room, it)
	if err != nil {
		return err
	}
	out := b.items
	if number > 0 {
		out = append(out, ',')
	}
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
		for i := range it.Attachments {
			a := it.Attachments[i]
			if err := a.MapParties(b.party(it.Parties)); err != nil {
				return err
			}
			if i > 0 {
				out = append(out, ',')
			}
			if out, err = codec.AppendAttachmentJSON(out, &a); err != nil {
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
		n := uint32(len(b.local))
		if n > 0 {
			b.parties = append(b.parties, ',')
		}
		var err error
		b.parties, err = codec.AppendPartyJSON(b.parties, &all[i])
		b.local[i] = n
		return n, err
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
