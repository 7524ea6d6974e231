package sealedfile

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/hpke"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// A taker gets the content of a sealed file in its order. What it returns counts
// each item and attachment in one column.
type taker interface {
	page(ctx context.Context, room segment.RoomEntry, entries []segment.Entry) error
	segment(ctx context.Context, room segment.RoomEntry, e segment.SegmentEntry, data []byte) (segment.Ledger, error)
	// attachment opens the place for a content; nil for one that is not taken.
	attachment(ctx context.Context, room segment.RoomEntry, seg segment.ID, a segment.AttachmentEntry) (segment.AttachmentWriter, error)
	// absent skips a content that the sharer does not hold.
	absent()
	// ended says how a content ended that was taken, or not: by its hash, and the
	// error of its writer.
	ended(room segment.RoomEntry, a segment.AttachmentEntry, sum [32]byte, err error) (segment.Ledger, error)
}

// A payload is read once, from its first record to the end of the file.
type payload struct {
	in    *recordReader
	head  *pairing.ShareHead
	id    [32]byte
	t     taker
	meter *meter

	leaves [][32]byte // so far: ids of segments, hashes of contents
	known  [][32]byte // of the reading that verified the file; nil for that one

	messages uint64 // items of messages segments

	root   *segment.RootHasher
	ledger segment.Ledger
	own    segment.Ledger // what the sharer left out or lost
	end    *segment.End
	room   segment.RoomEntry
	seg    segment.SegmentEntry
}

func newPayload(r *hpke.Reader, head *pairing.ShareHead, id [32]byte, t taker, m *meter) *payload {
	return &payload{in: &recordReader{r: r}, head: head, id: id, t: t, meter: m, root: segment.NewRootHasher(id)}
}

// take reads pages, each with what it lists; the padding; the end, which its sharer
// signed; and that nothing follows.
func (p *payload) take(ctx context.Context) error {
	for pages := 0; ; pages++ {
		t, n, err := p.in.next()
		switch {
		case err != nil:
			return err
		case t == recordPadding:
			if err := p.in.padding(n); err != nil {
				return err
			}
			return p.finish()
		case t != recordPage:
			return failf(wire.CodeVerification, "record %d in the place of a page", t)
		case n > segment.MaxPage || pages == maxPages:
			return failf(wire.CodeLimit, "page of %d bytes, or more than %d pages", n, maxPages)
		}
		raw, err := p.in.body(n)
		if err != nil {
			return err
		}
		page, err := segment.ParsePage(raw)
		if err != nil {
			return fail(wire.CodeVerification, err)
		}
		if err := p.page(ctx, page); err != nil {
			return err
		}
	}
}

// page takes what a page lists, room by room.
func (p *payload) page(ctx context.Context, page *segment.Page) error {
	p.ledger.Add(page.Left)
	p.own.Add(page.Left)
	if max(len(p.own.Excluded), len(p.own.Quarantined), len(p.own.AttachmentsExcluded), len(p.own.AttachmentsQuarantined)) > segment.MaxReasons {
		return failf(wire.CodeLimit, "more than %d reasons in a column of the ledger", segment.MaxReasons)
	}
	entries := page.Entries
	for len(entries) > 0 {
		if entries[0].Type == segment.RoomType {
			p.room, p.seg = entries[0].Room, segment.SegmentEntry{}
			entries = entries[1:]
			if p.head.Intent == pairing.CatchUp && p.room.ID != p.head.Room {
				return failf(wire.CodeVerification, "another room than the head says")
			}
			continue
		}
		n := 1
		for n < len(entries) && entries[n].Type != segment.RoomType {
			n++
		}
		if p.room.ID == "" {
			return failf(wire.CodeVerification, "manifest entry outside a room")
		}
		if err := p.t.page(ctx, p.room, entries[:n]); err != nil {
			return err
		}
		for i := range entries[:n] {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err := p.leaf(ctx, &entries[i]); err != nil {
				return err
			}
		}
		entries = entries[n:]
	}
	return nil
}

// leaf takes a segment or an attachment.
func (p *payload) leaf(ctx context.Context, e *segment.Entry) error {
	t, n, err := p.in.next()
	if err != nil {
		return err
	}
	if e.Type == segment.SegmentType {
		if t != recordSegment || n != e.Segment.Bytes {
			return failf(wire.CodeVerification, "record %d of %d bytes in the place of a segment of %d", t, n, e.Segment.Bytes)
		}
		return p.segment(ctx, e.Segment)
	}
	a := e.Attachment
	p.ledger.Attachments++
	p.own.Attachments++
	switch {
	case p.seg.Bytes == 0:
		return failf(wire.CodeVerification, "attachment before its segment")
	case t == recordAbsent && n == 0:
		p.t.absent()
		p.ledger.AddAttachmentQuarantined(segment.ContentAbsent, 1)
		p.own.AddAttachmentQuarantined(segment.ContentAbsent, 1)
		return nil
	case t != recordAttachment || n != a.Size+sha256.Size:
		return failf(wire.CodeVerification, "record %d of %d bytes in the place of an attachment of %d", t, n, a.Size)
	}
	return p.attachment(ctx, a)
}

func (p *payload) segment(ctx context.Context, e segment.SegmentEntry) error {
	data, err := p.in.body(e.Bytes) // ParsePage bounds it
	if err != nil {
		return err
	}
	if sha256.Sum256(data) != e.ID {
		return failf(wire.CodeVerification, "a segment is not what its name says")
	}
	if err := p.inWindow(e); err != nil {
		return err
	}
	if err := p.leafIs(e.ID); err != nil {
		return err
	}
	if e.Kind == segment.Messages {
		p.messages += e.Items
	}
	p.seg = e
	p.ledger.Source += e.Items
	p.own.Source += e.Items
	counts, err := p.t.segment(ctx, p.room, e, data)
	if err != nil {
		return err
	}
	if counts.Columns() != e.Items {
		return failf(wire.CodeVerification, "a segment holds %d items, not %d", counts.Columns(), e.Items)
	}
	p.ledger.AddColumns(counts)
	p.root.Segment(e.ID, e.Bytes)
	p.meter.add(e.Items, e.Bytes)
	return nil
}

// leafIs notes the next leaf, and holds it against the reading before: who changes the
// file in between, and can make it authenticate, gets nothing to the sink.
func (p *payload) leafIs(leaf [32]byte) error {
	if n := len(p.leaves); p.known != nil && (n == len(p.known) || p.known[n] != leaf) {
		return failf(wire.CodeVerification, "the file was changed while it was read")
	}
	p.leaves = append(p.leaves, leaf)
	return nil
}

// inWindow holds a segment against the window of the head, which the opener's policy
// was held against. A taker that looks into the segment holds its instants against e.
func (p *payload) inWindow(e segment.SegmentEntry) error {
	since, until := p.head.Since, p.head.Until
	if e.Items > 0 && (!since.IsZero() && e.First < since.UnixMilli() || !until.IsZero() && e.Last >= until.UnixMilli()) {
		return failf(wire.CodeVerification, "messages outside the window that the head says")
	}
	return nil
}

// attachment streams a content to where it goes, and verifies its hash.
func (p *payload) attachment(ctx context.Context, a segment.AttachmentEntry) error {
	w, err := p.t.attachment(ctx, p.room, p.seg.ID, a)
	if err != nil {
		return err
	}
	sum, err := p.content(w, a)
	if err == nil && w != nil {
		err = w.Commit(sum)
	}
	if w != nil {
		err = errors.Join(err, w.Close())
	}
	if _, rejected := errors.AsType[*segment.RejectedError](err); err != nil && !rejected {
		if errors.Is(err, segment.ErrHash) {
			return fail(wire.CodeVerification, err)
		}
		return fail(wire.CodeStorage, err)
	}
	counts, err := p.t.ended(p.room, a, sum, err)
	if err != nil {
		return err
	}
	p.ledger.AddColumns(counts)
	p.root.Attachment(&a, sum)
	return nil
}

// content reads a content and the hash behind it.
func (p *payload) content(w segment.AttachmentWriter, a segment.AttachmentEntry) (sum [32]byte, err error) {
	hash := sha256.New()
	for left := a.Size; left > 0; {
		piece, err := p.in.body(min(left, hpke.MaxChunk))
		if err != nil {
			return sum, err
		}
		hash.Write(piece)
		if w != nil {
			if _, err := w.Write(piece); err != nil {
				return sum, fail(wire.CodeStorage, err)
			}
		}
		left -= uint64(len(piece))
		p.meter.add(0, uint64(len(piece)))
	}
	if err := p.in.full(sum[:]); err != nil {
		return sum, err
	}
	if sum != [32]byte(hash.Sum(nil)) || a.SHA256 != nil && sum != *a.SHA256 {
		return sum, failf(wire.CodeVerification, "an attachment is not what its hash says")
	}
	return sum, p.leafIs(sum)
}

// finish reads the end, holds it against all that came, and verifies that the
// sharer signed it.
func (p *payload) finish() error {
	t, n, err := p.in.next()
	if err != nil {
		return err
	}
	if t != recordEnd || n <= ed25519.SignatureSize || n > maxEndRecord {
		return failf(wire.CodeVerification, "record %d of %d bytes in the place of the end", t, n)
	}
	body, err := p.in.body(n)
	if err != nil {
		return err
	}
	raw, signature := body[:n-ed25519.SignatureSize], body[n-ed25519.SignatureSize:]
	if err := p.head.VerifyRoot(p.id, raw, signature); err != nil {
		return fail(wire.CodeVerification, err)
	}
	if p.end, err = segment.ParseEnd(raw); err != nil {
		return fail(wire.CodeVerification, err)
	}
	if p.root.Sum() != p.end.Root {
		return failf(wire.CodeVerification, "the root does not match")
	}
	if !p.own.Equal(p.end.Ledger) {
		return failf(wire.CodeVerification, "the ledger is not the sharer's")
	}
	if err := p.ledger.Balanced(); err != nil {
		return fail(wire.CodeVerification, err)
	}
	if err := p.in.over(); err != nil {
		return err
	}
	p.meter.storing()
	return nil
}
