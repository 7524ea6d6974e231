package transfer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// This file is the data stream as the receiver reads it: chunks cut units anywhere
// (wire-format, "Data stream").

// chunk takes the plaintext of the next chunk: heads, contents and trailers of
// units, cut anywhere.
func (in *inbound) chunk(ctx context.Context, p []byte) error {
	in.stream += uint64(len(p))
	for {
		if !in.inUnit {
			in.head, p = fill(in.head, p, unitHeadSize)
			if len(in.head) < unitHeadSize {
				return nil
			}
			if err := in.begin(ctx, in.stream-uint64(len(p))); err != nil {
				return err
			}
		}
		n := min(in.rest, uint64(len(p)))
		if n > 0 {
			if err := in.content(p[:n]); err != nil {
				return err
			}
			in.rest -= n
			p = p[n:]
		}
		if in.rest == 0 && in.current.kind == unitAttachment {
			in.trailer, p = fill(in.trailer, p, sha256.Size)
		}
		if !in.complete() {
			return nil
		}
		if err := in.end(ctx); err != nil {
			return err
		}
	}
}

// fill moves bytes from p to b until b has n.
func fill(b, p []byte, n int) (filled, rest []byte) {
	take := min(n-len(b), len(p))
	return append(b, p[:take]...), p[take:]
}

// complete reports whether the content and the trailer of the unit are there.
func (in *inbound) complete() bool {
	return in.rest == 0 && (in.current.kind != unitAttachment || len(in.trailer) == sha256.Size)
}

// begin reads the head of a unit, which ends at this place of the stream, and
// holds it against what was asked for.
func (in *inbound) begin(ctx context.Context, at uint64) error {
	u, err := parseUnit(in.head)
	if err != nil {
		return err
	}
	in.head, in.trailer = in.head[:0], in.trailer[:0]
	in.current, in.inUnit, in.rest = u, true, u.length
	if in.padded {
		return failf(wire.CodeProtocol, "data behind the padding")
	}
	if u.kind == unitPadding {
		in.padded = true
		if len(in.queue) > 0 || at == unitHeadSize || u != (unit{length: padme(at) - at}) {
			return failf(wire.CodeProtocol, "padding in another place, or of another length")
		}
		return nil
	}
	if len(in.queue) == 0 {
		return failf(wire.CodeProtocol, "data that was not asked for")
	}
	w := &in.queue[0]
	offset := w.want.Offset
	if u.kind == unitAbsent {
		offset = 0
	}
	ok := u.page == w.page && u.entry == w.entry && u.offset == offset
	switch u.kind {
	case unitSegment:
		ok = ok && w.attachment == nil && u.length == w.seg.Bytes
		in.segment = in.segment[:0]
	case unitAttachment:
		ok = ok && w.attachment != nil && u.length == w.attachment.Size-w.want.Offset
		if ok {
			in.writer, err = in.sink.StageAttachment(ctx, w.room, w.seg.ID, *w.attachment, u.offset)
			if err != nil {
				return in.unfit(err)
			}
			in.held += u.offset
		}
	case unitAbsent:
		ok = ok && w.attachment != nil && u.length == 0
	}
	if !ok {
		return failf(wire.CodeProtocol, "data out of order")
	}
	return nil
}

// content takes a piece of the unit.
func (in *inbound) content(p []byte) error {
	switch in.current.kind {
	case unitSegment:
		in.segment = append(in.segment, p...) // bounded by the entry's Bytes, which ParsePage bounds
	case unitAttachment:
		if _, err := in.writer.Write(p); err != nil {
			return fail(wire.CodeStorage, err)
		}
		in.meter.set(in.done.messages+in.there, in.done.bytes+in.held+in.current.length-in.rest, in.held)
	case unitPadding:
		if len(bytes.TrimLeft(p, "\x00")) > 0 {
			return failf(wire.CodeProtocol, "padding is not zero")
		}
	}
	return nil
}

// end verifies a complete unit and makes it durable.
func (in *inbound) end(ctx context.Context) error {
	in.inUnit = false
	if in.current.kind == unitPadding {
		return nil
	}
	w := &in.queue[0]
	l := &in.account.ledger
	switch in.current.kind {
	case unitSegment:
		if sha256.Sum256(in.segment) != w.seg.ID {
			return failf(wire.CodeVerification, "a segment is not what its name says")
		}
		counts, err := in.sink.StageSegment(ctx, w.room, w.seg, in.segment)
		if err != nil {
			return fail(wire.CodeStorage, err)
		}
		if counts.Columns() != w.seg.Items {
			return failf(wire.CodeVerification, "a segment holds %d items, not %d", counts.Columns(), w.seg.Items)
		}
		in.counted[w.seg.ID] = counts
		l.AddColumns(counts)
		in.account.root.Segment(w.seg.ID, w.seg.Bytes)
		in.done.messages += w.seg.Items
	case unitAttachment:
		sum := [sha256.Size]byte(in.trailer)
		err := errors.Join(in.writer.Commit(sum), in.writer.Close())
		in.writer = nil
		if rejected, ok := errors.AsType[*segment.RejectedError](err); ok {
			in.fetched[w.key()] = rejected.Reason
			l.AddAttachmentQuarantined(rejected.Reason, 1)
		} else if err != nil {
			return in.unfit(err)
		} else {
			in.fetched[w.key()] = ""
			l.AttachmentsImported++
		}
		in.account.root.Attachment(w.attachment, sum)
	case unitAbsent:
		l.AddAttachmentQuarantined(segment.ContentAbsent, 1)
		in.meter.absent(w.attachment)
	}
	in.done.units++
	in.done.bytes += in.current.length
	in.queue = in.queue[1:]
	return in.settle()
}

// unfit says what an error of the sink means for an attachment. What was kept from
// an earlier connection may be of another version, or damaged: then the next one
// brings all of it.
func (in *inbound) unfit(err error) error {
	switch {
	case errors.Is(err, segment.ErrHash) && in.current.offset > 0:
		return &lost{err}
	case errors.Is(err, segment.ErrHash):
		return fail(wire.CodeVerification, err)
	}
	return fail(wire.CodeStorage, err)
}
