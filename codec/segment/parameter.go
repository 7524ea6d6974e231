package segment

import (
	"bytes"
	"slices"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

// A parameter is our parameter at the top level of a segment: what a receiver
// has to know and a vCon has no place for.
type parameter struct {
	kind     Kind
	room     string    // the room's id when it is not in a room object
	again    []int     // items that are marked so
	extra    codec.Raw // Room.Extra, in the segment that is whole
	whole    bool
	roster   uint64    // how many parties, after party 0 if it is the room, are of the roster
	instants []indexed // of items that the records do not tell
}

type indexed struct {
	item    int
	instant int64
}

func (k Kind) String() string {
	switch k {
	case Messages:
		return "messages"
	case Roster:
		return "roster"
	}
	return "unknown"
}

func (p *parameter) append(b []byte) []byte {
	n := 1
	for _, there := range []bool{p.room != "", p.again != nil, p.extra != nil, p.whole, p.roster > 0, p.instants != nil} {
		if there {
			n++
		}
	}
	b = codec.AppendMap(b, n)
	b = codec.AppendText(codec.AppendText(b, "kind"), p.kind.String())
	if p.room != "" {
		b = codec.AppendText(codec.AppendText(b, "room"), p.room)
	}
	if p.again != nil {
		b = codec.AppendArray(codec.AppendText(b, "again"), len(p.again))
		for _, i := range p.again {
			b = codec.AppendUint(b, uint64(i))
		}
	}
	if p.extra != nil {
		b = append(codec.AppendText(b, "extra"), p.extra...)
	}
	if p.whole {
		b = append(codec.AppendText(b, "whole"), 0xf5)
	}
	if p.roster > 0 {
		b = codec.AppendUint(codec.AppendText(b, "roster"), p.roster)
	}
	if p.instants != nil {
		b = codec.AppendArray(codec.AppendText(b, "instants"), len(p.instants))
		for _, x := range p.instants {
			b = appendInteger(codec.AppendUint(codec.AppendArray(b, 2), uint64(x.item)), x.instant)
		}
	}
	return b
}

// parseParameter reads our parameter of a segment of so many items.
func parseParameter(raw codec.Raw, items int) (p parameter, err error) {
	r := reader{object: "segment", b: raw}
	for range r.mapping(7) {
		switch name := r.text(maxParameterName); name {
		case "kind":
			switch r.text(maxParameterName) {
			case Messages.String():
				p.kind = Messages
			case Roster.String():
				p.kind = Roster
			default:
				r.fail("unknown kind of segment")
			}
		case "room":
			if p.room = r.text(MaxRoomID); p.room == "" {
				r.fail("empty room id")
			}
		case "again":
			last := -1
			for range r.array(items) {
				last = r.index(last, items)
				p.again = append(p.again, last)
			}
		case "extra":
			p.extra = r.item()
		case "whole":
			if !bytes.Equal(r.item(), []byte{0xf5}) {
				r.fail("not true")
			}
			p.whole = true
		case "roster":
			if p.roster = r.number(codec.MaxParties); p.roster == 0 {
				r.fail("empty roster")
			}
		case "instants":
			last := -1
			for range r.array(items) {
				r.tuple(2)
				last = r.index(last, items)
				p.instants = append(p.instants, indexed{last, r.integer()})
			}
		default:
			r.fail("unknown parameter of a segment")
		}
	}
	if p.kind == 0 {
		r.fail("no kind")
	}
	return p, r.end()
}

// index reads the index of an item that is higher than the one before it.
func (r *reader) index(last, items int) int {
	at := r.off
	i := int(r.number(MaxItems))
	if i <= last || i >= items {
		r.failAt(at, "index out of order or out of range")
	}
	return i
}

// appendFields appends parameters as a map with sorted keys. A name that begins
// with the byte ff stands for a key that is no text (see codec).
func appendFields(b []byte, x codec.Fields) ([]byte, error) {
	type pair struct {
		key   []byte
		value codec.Raw
	}
	pairs := make([]pair, 0, len(x))
	for name, value := range x {
		key := codec.AppendText(nil, name)
		if name != "" && name[0] == 0xff {
			key = []byte(name[1:])
		}
		if err := codec.Wellformed(value); err != nil {
			return b, err
		}
		pairs = append(pairs, pair{key, value})
	}
	slices.SortFunc(pairs, func(x, y pair) int { return bytes.Compare(x.key, y.key) })
	b = codec.AppendMap(b, len(pairs))
	for _, p := range pairs {
		b = append(append(b, p.key...), p.value...)
	}
	if len(b) > MaxRoom {
		return b, ErrTooLarge
	}
	return b, nil
}

// parseFields reads what appendFields wrote.
func parseFields(raw codec.Raw) (codec.Fields, error) {
	r := reader{object: "segment", b: raw}
	x := make(codec.Fields)
	for range r.mapping(len(raw)) {
		var name string
		if r.peek() == majorText {
			name = r.text(codec.MaxName)
		} else {
			name = "\xff" + string(r.item())
		}
		if _, ok := x[name]; ok {
			r.fail("duplicate name")
		}
		value := r.item()
		if r.err != nil {
			break
		}
		x[name] = bytes.Clone(value)
	}
	return x, r.end()
}
