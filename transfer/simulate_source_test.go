package transfer_test

import (
	"bytes"
	"crypto/sha256"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// change is what people do to their history.
func (src *memorySource) change(rnd *rand.Rand) {
	i := rnd.IntN(len(src.pages))
	p := &segment.Page{Entries: slices.Clone(src.pages[i].Entries)}
	switch e := &p.Entries[rnd.IntN(len(p.Entries))]; {
	case e.Type == segment.AttachmentType && rnd.IntN(2) == 0:
		delete(src.content, e.Attachment.MessageID)
	case e.Type == segment.AttachmentType && src.content[e.Attachment.MessageID] != nil:
		// Another content of this name and size, and without a hash in the
		// manifest, would be taken for the one that is held: see resume_test.go
		// for one that is not held yet.
		data := bytes.Clone(src.content[e.Attachment.MessageID])
		fill(rnd, data)
		delete(src.content, e.Attachment.MessageID)
		e.Attachment.MessageID += "+"
		src.content[e.Attachment.MessageID] = data
	case e.Type == segment.SegmentType && len(src.segments[e.Segment.ID]) > 8:
		data := bytes.Clone(src.segments[e.Segment.ID])
		delete(src.segments, e.Segment.ID)
		fill(rnd, data)
		e.Segment.ID = sha256.Sum256(data)
		src.segments[e.Segment.ID] = data
	default: // a new message
		data := make([]byte, 100+rnd.IntN(1000))
		fill(rnd, data)
		added := segment.SegmentEntry{ID: sha256.Sum256(data), Kind: segment.Messages, Items: 1, Bytes: uint64(len(data))}
		src.segments[added.ID] = data
		p.Entries = slices.Insert(p.Entries, 1, segment.Entry{Type: segment.SegmentType, Segment: added})
	}
	src.pages[i] = p
}

func fill(rnd *rand.Rand, b []byte) {
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
}

// clone is what the source has now.
func (s *memorySource) clone() *memorySource {
	c := &memorySource{rooms: s.rooms, pages: slices.Clone(s.pages), segments: maps.Clone(s.segments), content: map[string][]byte{}}
	for name, data := range s.content {
		c.content[name] = bytes.Clone(data)
	}
	return c
}
