package sealedfile

import (
	"context"
	"errors"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// A verifier takes nothing. It looks into each segment: that it is what the manifest
// says of it.
type verifier struct{}

func (*verifier) page(context.Context, segment.RoomEntry, []segment.Entry) error { return nil }

func (*verifier) segment(_ context.Context, room segment.RoomEntry, e segment.SegmentEntry, data []byte) (segment.Ledger, error) {
	s, err := segment.Decode(data)
	if err != nil {
		return segment.Ledger{}, fail(wire.CodeVerification, err)
	}
	if s.Room.ID != room.ID || !s.Matches(e) {
		return segment.Ledger{}, failf(wire.CodeVerification, "a segment is not what the manifest says of it")
	}
	return segment.Ledger{Imported: e.Items}, nil
}

func (*verifier) attachment(context.Context, segment.RoomEntry, segment.ID, segment.AttachmentEntry) (segment.AttachmentWriter, error) {
	return nil, nil
}

func (*verifier) absent() {}

func (*verifier) ended(segment.RoomEntry, segment.AttachmentEntry, [32]byte, error) (segment.Ledger, error) {
	return segment.Ledger{AttachmentsImported: 1}, nil
}

// An importer gives a sink what it lacks of a file that is verified, and counts as
// a session does.
type importer struct {
	sink    transfer.Sink
	counted map[segment.ID]segment.Ledger // that an earlier, interrupted Open staged
	fetched map[attachmentKey]segment.Reason

	wants []segment.Want // of the entries that come next
	want  segment.Want   // of the attachment under way
}

type attachmentKey struct {
	room, message string
	part, size    uint64
}

func keyOf(room string, a *segment.AttachmentEntry) attachmentKey {
	return attachmentKey{room, a.MessageID, a.Part, a.Size}
}

// restore takes over how what an earlier process staged is counted.
func (im *importer) restore(ctx context.Context, id [32]byte) error {
	im.counted, im.fetched = map[segment.ID]segment.Ledger{}, map[attachmentKey]segment.Reason{}
	keeps, ok := im.sink.(transfer.LedgerKeeper)
	if !ok {
		return nil
	}
	for s, err := range keeps.Staged(ctx, id) {
		switch {
		case err != nil:
			return fail(wire.CodeStorage, err)
		case s.Attachment == nil:
			im.counted[s.Segment] = s.Ledger
		default:
			im.fetched[keyOf(s.Room, s.Attachment)] = s.Reason
		}
	}
	return nil
}

func (im *importer) page(ctx context.Context, room segment.RoomEntry, entries []segment.Entry) error {
	wants, err := im.sink.Have(ctx, room, entries)
	if err != nil {
		return fail(wire.CodeStorage, err)
	}
	if len(wants) != len(entries) {
		return failf(wire.CodeInternal, "sink answered %d of %d entries", len(wants), len(entries))
	}
	im.wants = wants
	return nil
}

// next is what the sink lacks of the next leaf.
func (im *importer) next() segment.Want {
	w := im.wants[0]
	im.wants = im.wants[1:]
	return w
}

func (im *importer) segment(ctx context.Context, room segment.RoomEntry, e segment.SegmentEntry, data []byte) (segment.Ledger, error) {
	if !im.next().Need {
		if earlier, ok := im.counted[e.ID]; ok && earlier.Columns() == e.Items {
			return earlier, nil
		}
		return segment.Ledger{There: e.Items}, nil
	}
	counts, err := im.sink.StageSegment(ctx, room, e, data)
	if err != nil {
		return counts, fail(wire.CodeStorage, err)
	}
	im.counted[e.ID] = counts
	return counts, nil
}

// attachment stages a content from its beginning: what a sink has of it costs
// nothing to read again.
func (im *importer) attachment(ctx context.Context, room segment.RoomEntry, seg segment.ID, a segment.AttachmentEntry) (segment.AttachmentWriter, error) {
	im.want = im.next()
	if !im.want.Need {
		return nil, nil
	}
	w, err := im.sink.StageAttachment(ctx, room, seg, a, 0)
	if err != nil {
		return nil, fail(wire.CodeStorage, err)
	}
	return w, nil
}

func (im *importer) absent() { im.next() }

func (im *importer) ended(room segment.RoomEntry, a segment.AttachmentEntry, sum [32]byte, rejected error) (l segment.Ledger, err error) {
	key := keyOf(room.ID, &a)
	if im.want.Need {
		im.fetched[key] = ""
		if r, ok := errors.AsType[*segment.RejectedError](rejected); ok {
			im.fetched[key] = r.Reason
		}
	} else if im.want.Have != sum {
		return l, failf(wire.CodeVerification, "another content is held under the name of an attachment")
	}
	switch reason, ok := im.fetched[key]; {
	case !ok:
		l.AttachmentsThere++
	case reason != "":
		l.AddAttachmentQuarantined(reason, 1)
	default:
		l.AttachmentsImported++
	}
	return l, nil
}
