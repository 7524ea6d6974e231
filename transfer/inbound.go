package transfer

import (
	"context"
	"slices"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// An inbound is the receiver's side of one manifest: what was asked for, in
// order, and the data stream that brings it. Chunks cut units anywhere.
type inbound struct {
	sink    Sink
	account *account
	meter   *meter
	// counted remembers how the items of a segment ended that this transfer
	// staged, also over an earlier connection or in an earlier process: they are "imported", not "there".
	counted map[segment.ID]segment.Ledger
	fetched map[attachmentKey]segment.Reason // and attachments: the reason of one that was rejected, else ""

	room  segment.RoomEntry // of the entries that come next
	seg   segment.SegmentEntry
	pages uint32

	queue []wanted // asked for and not yet complete, oldest first
	done  staged   // on this connection, without the unit under way
	told  staged   // what the sender was told last
	held  uint64   // bytes
	there uint64   // items of the segments that are held

	stream  uint64 // bytes of the data stream so far
	padded  bool
	head    []byte // of the unit that is coming, up to unitHeadSize
	current unit
	inUnit  bool
	rest    uint64 // bytes of content still to come
	segment []byte // content so far, of a segment
	writer  segment.AttachmentWriter
	trailer []byte // of an attachment, up to 32 bytes
}

// wanted is one leaf of the manifest, in order. Leaves that are held stand in
// the queue too, so that the root is built in manifest order.
type wanted struct {
	page, entry uint32
	room        segment.RoomEntry
	seg         segment.SegmentEntry
	attachment  *segment.AttachmentEntry // nil for a segment
	want        segment.Want
}

type attachmentKey struct {
	room, message string
	part, size    uint64
}

func (w *wanted) key() attachmentKey {
	return attachmentKey{w.room.ID, w.attachment.MessageID, w.attachment.Part, w.attachment.Size}
}

// page takes the next page of the manifest and answers it. What of it is held
// is accounted for at its turn.
func (in *inbound) page(ctx context.Context, p *segment.Page) (*segment.Answer, error) {
	number := in.pages
	if in.pages++; in.pages > maxPages {
		return nil, failf(wire.CodeLimit, "more than %d pages", maxPages)
	}
	if len(in.queue) > 0 && in.queue[0].page+pagesInFlight <= number {
		// What is asked for has to fit into memory.
		return nil, failf(wire.CodeProtocol, "page too far ahead of the data")
	}
	in.account.announced(p)
	if in.account.reasons() > segment.MaxReasons {
		return nil, failf(wire.CodeLimit, "more than %d reasons in a column of the ledger", segment.MaxReasons)
	}
	answer := new(segment.Answer)
	for from := 0; from < len(p.Entries); {
		if p.Entries[from].Type == segment.RoomType {
			in.room, in.seg = p.Entries[from].Room, segment.SegmentEntry{}
			from++
			continue
		}
		to := from
		for to < len(p.Entries) && p.Entries[to].Type != segment.RoomType {
			to++
		}
		wants, err := in.sink.Have(ctx, in.room, p.Entries[from:to])
		if err != nil {
			return nil, fail(wire.CodeStorage, err)
		}
		if len(wants) != to-from {
			return nil, failf(wire.CodeInternal, "sink answered %d of %d entries", len(wants), to-from)
		}
		for i := range wants {
			if err := in.ask(number, uint32(from+i), &p.Entries[from+i], &wants[i]); err != nil {
				return nil, err
			}
		}
		answer.Wants = append(answer.Wants, wants...)
		from = to
	}
	return answer, in.settle()
}

// ask queues one leaf.
func (in *inbound) ask(page, index uint32, e *segment.Entry, want *segment.Want) error {
	if in.room.ID == "" {
		return failf(wire.CodeProtocol, "manifest entry outside a room")
	}
	w := wanted{page: page, entry: index, room: in.room}
	switch e.Type {
	case segment.SegmentType:
		in.seg = e.Segment
		w.seg = e.Segment
	case segment.AttachmentType:
		if in.seg.Bytes == 0 {
			return failf(wire.CodeProtocol, "attachment before its segment")
		}
		if want.Offset > e.Attachment.Size {
			return failf(wire.CodeInternal, "sink asks behind the end of an attachment")
		}
		w.seg = in.seg
		a := e.Attachment
		w.attachment = &a
		if want.Offset > 0 && in.asked(&w) {
			want.Offset = 0 // what is there now will be the other one's
		}
	}
	w.want = *want
	in.meter.list(e)
	in.queue = append(in.queue, w)
	return nil
}

// asked reports whether the same attachment is in the queue already.
func (in *inbound) asked(w *wanted) bool {
	return slices.ContainsFunc(in.queue, func(q wanted) bool {
		return q.attachment != nil && q.want.Need && q.key() == w.key()
	})
}

// settle accounts for the held leaves at the front of the queue.
func (in *inbound) settle() error {
	for len(in.queue) > 0 && !in.queue[0].want.Need {
		w := &in.queue[0]
		l := &in.account.ledger
		if w.attachment == nil {
			if earlier, ok := in.counted[w.seg.ID]; ok && earlier.Columns() == w.seg.Items {
				l.AddColumns(earlier)
			} else {
				l.There += w.seg.Items
			}
			in.account.root.Segment(w.seg.ID, w.seg.Bytes)
			in.held += w.seg.Bytes
			in.there += w.seg.Items
		} else {
			switch reason, ok := in.fetched[w.key()]; {
			case !ok:
				l.AttachmentsThere++
			case reason != "":
				l.AddAttachmentQuarantined(reason, 1)
			default:
				l.AttachmentsImported++
			}
			in.account.root.Attachment(w.attachment, w.want.Have)
			in.held += w.attachment.Size
		}
		in.queue = in.queue[1:]
	}
	in.progress()
	return nil
}

func (in *inbound) progress() {
	in.meter.set(in.done.messages+in.there, in.done.bytes+in.held, in.held)
}

// finish holds the sender's end against our own account of the manifest.
func (in *inbound) finish(end *segment.End, streamEnded bool) error {
	if len(in.queue) > 0 || in.inUnit || len(in.head) > 0 || !streamEnded {
		return failf(wire.CodeProtocol, "the end came before all data")
	}
	if root := in.account.root.Sum(); root != end.Root {
		return failf(wire.CodeVerification, "the root of the transfer does not match")
	}
	l := &in.account.ledger
	if l.Source != end.Ledger.Source || l.Attachments != end.Ledger.Attachments {
		return failf(wire.CodeVerification, "the ledgers of the two devices differ")
	}
	if err := l.Balanced(); err != nil {
		return fail(wire.CodeVerification, err)
	}
	return nil
}

// report is what the sender is to be told now, if it is time.
func (in *inbound) report() (staged, bool) {
	now := in.done
	if in.inUnit && in.current.kind != unitPadding {
		now.bytes += in.current.length - in.rest
	}
	if now.units == in.told.units && now.bytes-in.told.bytes < reportBytes {
		return staged{}, false
	}
	in.told = now
	return now, true
}

// close keeps what an interrupted attachment has got so far.
func (in *inbound) close() error {
	if in.writer == nil {
		return nil
	}
	err := in.writer.Close()
	in.writer = nil
	return err
}
