package segment

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"slices"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

// A RosterSpan becomes one roster segment of a room.
type RosterSpan struct {
	Whole   bool          // holds the room's whole metadata and Extra
	Parties []codec.Party // of the roster, sorted
	Heads   []Head        // roster events, in canonical order
}

// PlanRoster cuts what a room has besides its messages: its metadata, its roster,
// and the events of both, whose heads are in canonical order. The first span is
// whole and there is always one. The roster is sorted, parties with equal records
// are one, and a party that is no more than the room's id is left out.
//
// The sequence (metadata, parties, events) is cut as messages are, so that one
// event changes few segments, and no message segment.
func PlanRoster(room Room, parties []codec.Party, events []Head) ([]RosterSpan, error) {
	members, err := sortRoster(room, parties)
	if err != nil {
		return nil, err
	}
	meta, err := room.size()
	if err != nil {
		return nil, err
	}
	var spans []RosterSpan
	next := 0 // in the sequence
	s := slicer{emit: func(n int) bool {
		var span RosterSpan
		for ; n > 0; n-- {
			switch i := next - 1; {
			case i < 0:
				span.Whole = true
			case i < len(members):
				span.Parties = append(span.Parties, members[i].party)
			default:
				span.Heads = append(span.Heads, events[i-len(members)])
			}
			next++
		}
		spans = append(spans, span)
		return true
	}}
	// Metadata and parties have no instant: each is an atom of its own.
	s.add(0, meta, Key{})
	s.endRun()
	for i := range members {
		s.add(0, members[i].size, members[i].key)
		s.endRun()
	}
	for _, h := range events {
		s.add(h.Instant, h.Size, h.Key)
	}
	s.flush()
	return spans, nil
}

// A member is a party with what it is sorted and cut by.
type member struct {
	party  codec.Party
	record []byte
	size   uint32
	key    Key
}

func sortRoster(room Room, parties []codec.Party) ([]member, error) {
	members := make([]member, 0, len(parties))
	prefix := appendLP(append([]byte(label+"party"), 0), room.ID)
	for i := range parties {
		rec, err := codec.AppendPartyCBOR(nil, &parties[i])
		if err != nil {
			return nil, err
		}
		if len(rec) > MaxParty {
			return nil, ErrTooLarge
		}
		members = append(members, member{
			party: parties[i], record: rec, size: uint32(len(rec)),
			key: sha256.Sum256(append(slices.Clip(prefix), rec...)),
		})
	}
	slices.SortFunc(members, func(a, b member) int {
		return cmp.Or(cmp.Compare(a.party.IMURI, b.party.IMURI),
			cmp.Compare(a.party.Thumbprint, b.party.Thumbprint), bytes.Compare(a.record, b.record))
	})
	members = slices.CompactFunc(members, func(a, b member) bool { return bytes.Equal(a.record, b.record) })
	if room.isParty() {
		self, err := codec.AppendPartyCBOR(nil, &codec.Party{IMURI: room.ID})
		if err != nil {
			return nil, err
		}
		members = slices.DeleteFunc(members, func(m member) bool { return bytes.Equal(m.record, self) })
	}
	return members, nil
}

// size is the bytes of the metadata and Extra.
func (r *Room) size() (uint32, error) {
	n := 0
	if r.Meta != nil {
		b, err := codec.AppendRoomCBOR(nil, r.Meta)
		if err != nil {
			return 0, err
		}
		n = len(b)
	}
	b, err := appendFields(nil, r.Extra)
	if err != nil {
		return 0, err
	}
	if n += len(b); n > MaxRoom {
		return 0, ErrTooLarge
	}
	return uint32(n), nil
}
