package history

import (
	"bytes"
	"slices"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// A choice is what becomes of two different records with one message id.
type choice uint8

const (
	keepBoth   choice = iota
	keepFirst         // the second adds nothing
	keepSecond        // it replaces the first
)

// rival chooses between two records of one message, whichever came first:
//
//   - A tombstone takes the place of a message, and no message that of a
//     tombstone. Only who told of a message can bury it so, or the person's own
//     other device.
//   - Of records that differ only in the list of recipients, or in what parties
//     are called, the one that leaves the recipients to the roster stays.
//   - All others stay side by side.
func rival(a, b segment.Item) choice {
	switch ta, tb := isTombstone(a), isTombstone(b); {
	case ta && tb:
		if a.Provenance != "" && b.Provenance == "" {
			return keepSecond
		}
		return keepFirst
	case ta:
		return buries(a, b, keepFirst, keepSecond)
	case tb:
		return buries(b, a, keepSecond, keepFirst)
	}
	if !sameMessage(a, b) {
		return keepBoth
	}
	if len(b.Dialog.Parties) < len(a.Dialog.Parties) {
		return keepSecond
	}
	return keepFirst
}

func isTombstone(it segment.Item) bool { return it.Dialog.Type == "tombstone" }

func buries(stone, message segment.Item, yes, no choice) choice {
	if stone.Provenance == "" || stone.Provenance == message.Provenance {
		return yes
	}
	return no
}

// sameMessage tells whether two records are one message but for the list of
// recipients and the present names of parties.
func sameMessage(a, b segment.Item) bool {
	if a.Dialog.MessageID == "" || !sameParty(a, b) {
		return false
	}
	var raw [2][]byte
	for i, d := range []*codec.Dialog{a.Dialog, b.Dialog} {
		c := *d
		c.Parties, c.Originator = nil, nil
		var err error
		if raw[i], err = codec.AppendDialogCBOR(nil, &c); err != nil {
			return false
		}
	}
	return bytes.Equal(raw[0], raw[1])
}

// sameParty tells whether two dialogs have the same originator.
func sameParty(a, b segment.Item) bool {
	p, okA := partyAt(a.Parties, a.Dialog.Originator)
	q, okB := partyAt(b.Parties, b.Dialog.Originator)
	return okA == okB && identity(p) == identity(q)
}

// weigh puts items of one key against each other, in canonical order. It returns
// the refs of those that stay, in that order, and of each other one the ref of the
// item that stands for it.
func (x *index) weigh(r *roomIndex, refs []uint64, items []segment.Item) (stay []uint64, gone map[uint64]uint64, err error) {
	gone = map[uint64]uint64{}
	records := map[uint64][]byte{}
	kept := map[uint64]segment.Item{}
	for i, ref := range refs {
		rec, err := x.keyer.RecordOf(r.info.Room, items[i])
		if err != nil {
			return nil, nil, err
		}
		records[ref], kept[ref] = rec, items[i]
		out := false
		for _, k := range slices.Clone(stay) {
			c := keepBoth
			switch {
			case bytes.Equal(records[k], rec):
				c = keepFirst
			case x.rivals:
				c = rival(kept[k], items[i])
			}
			if c == keepBoth {
				continue
			}
			// The history of one's own device needs nobody's word.
			own := kept[k].Provenance == "" || items[i].Provenance == ""
			if c == keepFirst {
				gone[ref], out = k, true
				r.own[k] = r.own[k] || own
				break
			}
			gone[k] = ref
			r.own[ref] = r.own[ref] || own
			stay = slices.DeleteFunc(stay, func(s uint64) bool { return s == k })
		}
		if !out {
			stay = append(stay, ref)
		}
	}
	return stay, gone, nil
}
