package reference

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
)

// encode writes an item again from its parts, so that a changed one can be
// written.
func (it item) encode() []byte {
	out := encodeHead(it.major, it.arg)
	if it.is(majorOther) {
		return it.raw
	}
	out = append(out, it.data...)
	for _, child := range it.list {
		out = append(out, child.encode()...)
	}
	return out
}

// encodeHead is an initial byte and its argument in the shortest form.
func encodeHead(major byte, arg uint64) []byte {
	b := major << 5
	switch {
	case arg < 24:
		return []byte{b | byte(arg)}
	case arg < 1<<8:
		return []byte{b | 24, byte(arg)}
	case arg < 1<<16:
		return binary.BigEndian.AppendUint16([]byte{b | 25}, uint16(arg))
	case arg < 1<<32:
		return binary.BigEndian.AppendUint32([]byte{b | 26}, uint32(arg))
	}
	return binary.BigEndian.AppendUint64([]byte{b | 27}, arg)
}

// clone copies an item so that its arguments can be changed.
func (it item) clone() item {
	it.list = slices.Clone(it.list)
	for i := range it.list {
		it.list[i] = it.list[i].clone()
	}
	return it
}

// without is a map without some keys.
func (it item) without(keys ...string) item {
	out := item{major: majorMap}
	for pair := range slices.Chunk(it.list, 2) {
		if pair[0].is(majorText) && slices.Contains(keys, string(pair[0].data)) {
			continue
		}
		out.list = append(out.list, pair...)
		out.arg++
	}
	return out
}

// citations are the party indexes of a dialog in the order of section
// "Segments", "Record and key".
func (it item) citations() []*item {
	at := func(key string) *item {
		for i := 0; i < len(it.list); i += 2 {
			if it.list[i].is(majorText) && string(it.list[i].data) == key {
				return &it.list[i+1]
			}
		}
		return nil
	}
	var all []*item
	index := func(p *item) bool { return p != nil && p.is(majorUint) && p.arg < 1<<32 }
	flat := func(p *item) bool {
		if p == nil || !p.is(majorArray) || len(p.list) == 0 {
			return false
		}
		for i := range p.list {
			if !index(&p.list[i]) {
				return false
			}
		}
		return true
	}
	var deep func(p *item)
	deep = func(p *item) {
		if index(p) {
			all = append(all, p)
		} else if p != nil && p.is(majorArray) {
			for i := range p.list {
				deep(&p.list[i])
			}
		}
	}
	if flat(at("parties")) {
		deep(at("parties"))
	}
	if p := at("originator"); index(p) {
		all = append(all, p)
	}
	for _, event := range it.events() {
		for _, key := range []string{"party", "originator"} {
			for j := 0; j < len(event.list); j += 2 {
				if event.list[j].is(majorText) && string(event.list[j].data) == key && index(&event.list[j+1]) {
					all = append(all, &event.list[j+1])
				}
			}
		}
	}
	if !flat(at("parties")) {
		deep(at("parties"))
	}
	for _, key := range []string{"transferee", "transferor", "transfer_target", "transfer-target"} {
		deep(at(key))
	}
	return all
}

// record is [dialog, [* party]], and the bytes of the parties in it; false
// when an index is of no party.
func record(dialog item, parties []item) (out []byte, partyBytes int, ok bool) {
	dialog = dialog.clone()
	var order []string
	for _, cited := range dialog.citations() {
		if cited.arg >= uint64(len(parties)) {
			return nil, 0, false
		}
		raw := string(parties[cited.arg].raw)
		i := slices.Index(order, raw)
		if i < 0 {
			i = len(order)
			order = append(order, raw)
			partyBytes += len(raw)
		}
		cited.arg = uint64(i)
	}
	out = append([]byte{0x82}, dialog.encode()...)
	out = append(out, encodeHead(majorArray, uint64(len(order)))...)
	for _, raw := range order {
		out = append(out, raw...)
	}
	return out, partyBytes, true
}

// itemKey is the key of an item; again says that another record of the message
// id precedes it.
func itemKey(room string, dialog item, record []byte, again bool) []byte {
	t := slices.Concat([]byte{2}, lp(record))
	if id := jsonText(dialog, "message_id"); id != "" {
		t = slices.Concat([]byte{1}, lp([]byte(id)))
		if again {
			t = slices.Concat([]byte{3}, lp([]byte(id)), lp(record))
		}
	}
	return labeledHash("item", lp([]byte(room)), t)
}

// jsonText is a value of form binary or text as JSON has it.
func jsonText(dialog item, key string) string {
	v, ok := dialog.get(key)
	switch {
	case ok && v.is(majorText):
		return string(v.data)
	case ok && v.is(majorTag) && v.arg == 21 && v.list[0].is(majorBytes):
		return base64.RawURLEncoding.EncodeToString(v.list[0].data)
	}
	return ""
}

// segmentUUID is what a segment's uuid has to be.
func segmentUUID(b []byte, uuid string) []byte {
	zero := []byte("00000000-0000-8000-8000-000000000000")
	return version8(labeledHash("segment uuid", bytes.Replace(b, []byte(uuid), zero, 1)))
}

// version8 is a uuid (RFC 9562, section 5.8) of the first 16 bytes of a hash.
func version8(sum []byte) []byte {
	sum = sum[:16]
	sum[6] = sum[6]&0x0f | 0x80
	sum[8] = sum[8]&0x3f | 0x80
	return sum
}

func formatUUID(b []byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func sha(b []byte) []byte {
	sum := sha256.Sum256(b)
	return sum[:]
}
