package history

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// A fact is what the content rules of a catch-up need to know of one message.
// It stays in memory for each message of a room, so it is small.
type fact struct {
	replaces int32 // index of the message that it replaces; none or a virtual index
	reply    int32 // index of the message that it refers to; none when not in the source
	first    int32 // index of the first record with its message id, when that is another one
	sender   uint32
	expires  bool
	deletes  bool // replaces a message by nothing: a retraction
	grave    bool // is a tombstone already
	sealed   bool // is a signed or encrypted vCon, into which no rule can look
}

const none = -1

// A factBook collects the facts of a room's messages, whose heads it is made
// for. References to messages that the source does not have get virtual indexes
// above the heads', so that two edits of one lost message still meet.
type factBook struct {
	facts   []fact
	keys    []segment.Key
	byKey   []int32 // indexes in the order of keys
	virtual map[segment.Key]int32
	senders map[string]uint32
}

func newFactBook(messages []segment.Head) *factBook {
	b := &factBook{
		facts:   make([]fact, len(messages)),
		keys:    make([]segment.Key, len(messages)),
		byKey:   make([]int32, len(messages)),
		virtual: map[segment.Key]int32{},
		senders: map[string]uint32{},
	}
	for i, h := range messages {
		b.keys[i], b.byKey[i] = h.Key, int32(i)
	}
	slices.SortFunc(b.byKey, func(i, j int32) int {
		return cmp.Or(bytes.Compare(b.keys[i][:], b.keys[j][:]), cmp.Compare(i, j))
	})
	return b
}

// note takes the facts of message i from its record.
func (b *factBook) note(i int, room string, it segment.Item) {
	d := it.Dialog
	f := fact{replaces: none, reply: none, first: none, sender: b.sender(it)}
	if it.Again {
		f.first = b.find(segment.KeyOfMessage(room, string(d.MessageID)))
	}
	f.expires = hasExpires(d)
	f.grave = d.Type == "tombstone"
	f.sealed = d.Type == TypeVCon
	if d.Replaces != "" {
		key := segment.KeyOfMessage(room, string(d.Replaces))
		f.replaces = b.find(key)
		if f.replaces == none {
			f.replaces = b.invent(key)
		}
		f.deletes = d.Body.Kind == codec.BodyAbsent && d.ExternalPart == nil && d.MultiPart == nil && d.URL == ""
	}
	if d.InReplyTo != "" {
		f.reply = b.find(segment.KeyOfMessage(room, string(d.InReplyTo)))
	}
	b.facts[i] = f
}

// find returns the first message with key, or none.
func (b *factBook) find(key segment.Key) int32 {
	at, ok := slices.BinarySearchFunc(b.byKey, key, func(i int32, k segment.Key) int {
		return bytes.Compare(b.keys[i][:], k[:])
	})
	if !ok {
		return none
	}
	return b.byKey[at]
}

func (b *factBook) invent(key segment.Key) int32 {
	i, ok := b.virtual[key]
	if !ok {
		i = int32(len(b.facts) + len(b.virtual))
		b.virtual[key] = i
	}
	return i
}

// sender numbers who sent a message; 0 is unknown. Two clients of one user are
// one sender.
func (b *factBook) sender(it segment.Item) uint32 {
	p, ok := partyAt(it.Parties, it.Dialog.Originator)
	if !ok {
		return 0
	}
	name := p.IMURI
	if name == "" {
		name = "\x00" + identity(p)
	}
	n, ok := b.senders[name]
	if !ok {
		n = uint32(len(b.senders) + 1)
		b.senders[name] = n
	}
	return n
}

func hasExpires(d *codec.Dialog) bool {
	if d.Expires != nil {
		return true
	}
	// A malformed expiration is one that we cannot honour: as strict as a good one.
	raw, ok := d.Extra["expires"]
	return ok && !bytes.Equal(raw, cborNull)
}

var cborNull = []byte{0xf6}
