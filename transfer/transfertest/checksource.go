package transfertest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/transfer"
)

// CheckSource holds a Source, with whatever history it has, against its contract: the overview counts what the
// manifest lists, segments are what their names say and could have been cut on any device, attachments open
// at any offset, and a second manifest is the first. It reads all of the history, twice.
func CheckSource(t testing.TB, source transfer.Source) {
	t.Helper()
	c := &sourceCheck{t: t, source: source}
	overview, err := source.Overview(c.t.Context(), segment.Scope{})
	if err != nil {
		t.Fatalf("overview: %v", err)
	}
	first := c.manifest()
	if c.messages != overview.Messages || c.attachments != overview.Attachments {
		t.Errorf("overview: %d messages and %d attachments, the manifest has %d and %d",
			overview.Messages, overview.Attachments, c.messages, c.attachments)
	}
	if !c.left.Equal(overview.Left) {
		t.Errorf("overview: leaves out %+v, the manifest %+v", overview.Left, c.left)
	}
	if err := c.left.Balanced(); err != nil {
		t.Errorf("what is left out: %v", err)
	}
	if !slices.Equal(first, c.manifest()) {
		t.Error("a second manifest is another one")
	}
	if _, err := source.AppendSegment(c.t.Context(), segment.ID{1}, nil); err == nil {
		t.Error("a segment that no manifest named is given out")
	}
}

type sourceCheck struct {
	t      testing.TB
	source transfer.Source

	room        segment.RoomEntry
	entry       segment.SegmentEntry // of the attachments that come next
	expected    []segment.AttachmentEntry
	last        int64 // of the segment before, of messages
	messages    uint64
	attachments uint64
	left        segment.Ledger
}

// manifest goes through a manifest, and gives the names of its segments.
func (c *sourceCheck) manifest() (ids []segment.ID) {
	c.messages, c.attachments, c.left, c.expected = 0, 0, segment.Ledger{}, nil
	for page, err := range c.source.Manifest(c.t.Context(), segment.Scope{}) {
		if err != nil {
			c.t.Fatalf("manifest: %v", err)
		}
		if _, err := segment.AppendPage(nil, page); err != nil {
			c.t.Errorf("manifest: %v", err)
		}
		c.left.Add(page.Left)
		for _, e := range page.Entries {
			if e.Type != segment.AttachmentType && len(c.expected) > 0 {
				c.t.Errorf("manifest: %d attachments of a segment are missing behind it", len(c.expected))
				c.expected = nil
			}
			switch e.Type {
			case segment.RoomType:
				c.room, c.entry = e.Room, segment.SegmentEntry{}
			case segment.SegmentType:
				ids = append(ids, e.Segment.ID)
				c.segment(e.Segment)
			case segment.AttachmentType:
				c.attachment(e.Attachment)
			}
		}
	}
	if len(c.expected) > 0 {
		c.t.Errorf("manifest: %d attachments of the last segment are missing", len(c.expected))
	}
	return ids
}

func (c *sourceCheck) segment(e segment.SegmentEntry) {
	const before = "before"
	data, err := c.source.AppendSegment(c.t.Context(), e.ID, []byte(before))
	if err != nil {
		c.t.Fatalf("segment: %v", err)
	}
	data, appended := bytes.CutPrefix(data, []byte(before))
	if !appended {
		c.t.Error("segment: AppendSegment does not append")
	}
	if sha256.Sum256(data) != e.ID {
		c.t.Error("segment: its bytes are not what its name says")
	}
	s, err := segment.Decode(data)
	if err != nil {
		c.t.Fatalf("segment: %v", err)
	}
	if !s.Matches(e) || s.Room.ID != c.room.ID || uint64(len(data)) != e.Bytes {
		c.t.Error("segment: the manifest says something else of it")
	}
	var again []byte
	if e.Kind == segment.Roster {
		again, _, _, err = segment.EncodeRoster(s.Room, segment.RosterSpan{Whole: s.Whole, Parties: s.Roster}, s.Items, nil)
	} else {
		again, _, _, err = segment.Encode(s.Room, s.Items, nil)
		c.messages += e.Items
		if c.entry.Kind == segment.Messages && e.Last > c.last {
			c.t.Error("segment: a newer one comes behind an older one of its room")
		}
		c.last = e.Last
	}
	if err != nil || !bytes.Equal(again, data) {
		c.t.Errorf("segment: another device would make other bytes of its items: %v", err)
	}
	c.entry = e
	c.expected, _ = s.Attachments()
}

func (c *sourceCheck) attachment(e segment.AttachmentEntry) {
	c.attachments++
	at := slices.IndexFunc(c.expected, func(x segment.AttachmentEntry) bool {
		return x.MessageID == e.MessageID && x.Part == e.Part && x.Size == e.Size
	})
	if at < 0 {
		c.t.Error("attachment: it is not one of the segment before it")
		return
	}
	c.expected = slices.Delete(c.expected, at, at+1)
	whole, err := c.open(e, 0)
	if errors.Is(err, segment.ErrContentAbsent) {
		return
	}
	if err != nil || uint64(len(whole)) != e.Size {
		c.t.Errorf("attachment: %d bytes of %d: %v", len(whole), e.Size, err)
		return
	}
	if e.SHA256 != nil && sha256.Sum256(whole) != *e.SHA256 {
		c.t.Error("attachment: it has another hash than the manifest says")
	}
	for _, offset := range []uint64{e.Size / 2, e.Size} {
		if rest, err := c.open(e, offset); err != nil || !bytes.Equal(rest, whole[offset:]) {
			c.t.Errorf("attachment: from %d of %d on it is another one: %v", offset, e.Size, err)
		}
	}
}

func (c *sourceCheck) open(e segment.AttachmentEntry, offset uint64) ([]byte, error) {
	r, err := c.source.OpenAttachment(c.t.Context(), c.room.ID, c.entry.ID, e, offset)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(r, int64(e.Size)+1))
	return b, errors.Join(err, r.Close())
}
