package transfer

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"iter"
	"math/bits"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// An outbound is the sender's side of one manifest: pages a little ahead of their
// data, and the data stream.
type outbound struct {
	s       *sender
	link    *link
	in      *inbox
	account *account

	room  segment.RoomEntry
	seg   segment.SegmentEntry
	pages uint32

	chunk     []byte // of the data stream, not yet sent
	stream    uint64 // bytes of plaintext so far
	held      uint64 // bytes that the receiver has already
	heldItems uint64
	ended     bool // the end was sent
	buf       []byte
	page      []byte
}

// announcedPage is a page whose answer has not come yet.
type announcedPage struct {
	number uint32
	page   *segment.Page
}

// sendHistory sends pages and data, the end, and returns the message after it.
func (s *sender) sendHistory(ctx context.Context, l *link, in *inbox) (message, error) {
	out := &outbound{
		s: s, link: l, in: in, account: newAccount(s.result.TransferID),
		chunk: make([]byte, 0, chunkSize),
	}
	s.meter.again()
	pages, stop := iter.Pull2(s.opts.Source.Manifest(ctx, s.scope))
	defer stop()
	var ahead []announcedPage
	for more := true; more || len(ahead) > 0; {
		for more && len(ahead) < pagesInFlight {
			page, err, ok := pages()
			if more = ok; !ok {
				s.meter.complete()
				break
			}
			if err != nil {
				return message{}, sourceError(err)
			}
			if err := out.announce(ctx, page); err != nil {
				return message{}, err
			}
			ahead = append(ahead, announcedPage{out.pages - 1, page})
			if len(ahead) == 1 && out.stream == 0 {
				break // the first segment leaves before the next page is made
			}
		}
		if len(ahead) == 0 {
			break
		}
		if err := out.deliver(ctx, ahead[0]); err != nil {
			return message{}, err
		}
		ahead = ahead[1:]
	}
	if err := out.end(ctx); err != nil {
		return message{}, err
	}
	out.ended = true
	return out.next(ctx)
}

// next is the next message of the receiver, which goes on with what it has got until
// then, and reports it.
func (out *outbound) next(ctx context.Context) (message, error) {
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		out.progress(ctx)
		select {
		case m := <-out.in.messages:
			return m, nil
		case <-out.in.closed:
			return out.in.next(ctx)
		case <-tick.C:
		case <-ctx.Done():
			return message{}, &lost{ctx.Err()}
		}
	}
}

// announce sends a page, behind all data of those that it may overtake no more.
func (out *outbound) announce(ctx context.Context, p *segment.Page) error {
	if out.pages == maxPages {
		return failf(wire.CodeLimit, "more than %d pages", maxPages)
	}
	if err := out.flush(ctx, false); err != nil {
		return err
	}
	out.account.announced(p)
	b, err := segment.AppendPage(appendNumber(out.page[:0], out.pages), p)
	if err != nil {
		return fail(wire.CodeInternal, err)
	}
	out.page = b
	out.pages++
	for i := range p.Entries {
		out.s.meter.list(&p.Entries[i])
	}
	return out.link.send(recordPage, b)
}

// deliver waits for the answer to a page and sends what it asks for, in order.
func (out *outbound) deliver(ctx context.Context, a announcedPage) error {
	m, ready := out.in.poll()
	if !ready {
		// What is buffered may be all that the receiver needs to go on.
		if err := out.flush(ctx, false); err != nil {
			return err
		}
		var err error
		if m, err = out.next(ctx); err != nil {
			return err
		}
	}
	if m.Type != recordAnswer {
		return failf(wire.CodeProtocol, "unexpected control record %d", m.Type)
	}
	raw, err := numbered(m.Body, a.number)
	if err != nil {
		return err
	}
	answer, err := segment.ParseAnswer(raw)
	if err != nil {
		return fail(wire.CodeProtocol, err)
	}
	if !a.page.Accepts(answer) {
		return failf(wire.CodeProtocol, "answer does not fit its page")
	}
	wants := answer.Wants
	for i := range a.page.Entries {
		e := &a.page.Entries[i]
		if e.Type == segment.RoomType {
			out.room = e.Room
			continue
		}
		u := unit{page: a.number, entry: uint32(i), offset: wants[0].Offset}
		if err := out.leaf(ctx, e, wants[0], u); err != nil {
			return err
		}
		wants = wants[1:]
		out.progress(ctx)
	}
	return nil
}

// leaf sends one segment or attachment, or accounts for it when it is held.
func (out *outbound) leaf(ctx context.Context, e *segment.Entry, want segment.Want, u unit) (err error) {
	if e.Type == segment.SegmentType {
		out.seg = e.Segment
		out.account.root.Segment(e.Segment.ID, e.Segment.Bytes)
		if !want.Need {
			out.held += e.Segment.Bytes
			out.heldItems += e.Segment.Items
			return nil
		}
		if out.buf, err = out.s.opts.Source.AppendSegment(ctx, e.Segment.ID, out.buf[:0]); err != nil {
			return sourceError(err)
		}
		if uint64(len(out.buf)) != e.Segment.Bytes {
			return failf(wire.CodeSource, "a segment has another length than announced")
		}
		u.kind, u.length = unitSegment, e.Segment.Bytes
		out.in.sending(staged{1, u.length, e.Segment.Items})
		return out.write(ctx, u.append(nil), out.buf)
	}
	a := &e.Attachment
	if !want.Need {
		if a.SHA256 != nil && want.Have != *a.SHA256 {
			return failf(wire.CodeVerification, "the receiver holds another content under the name of an attachment")
		}
		out.account.root.Attachment(a, want.Have)
		out.held += a.Size
		return nil
	}
	return out.attachment(ctx, a, u)
}

// attachment streams one attachment from the wanted offset on. Its hash is of all
// of it, so what the receiver has already is read here, and not sent.
func (out *outbound) attachment(ctx context.Context, a *segment.AttachmentEntry, u unit) (err error) {
	r, err := out.s.opts.Source.OpenAttachment(ctx, out.room.ID, out.seg.ID, *a, 0)
	if errors.Is(err, segment.ErrContentAbsent) {
		u.kind, u.offset = unitAbsent, 0
		out.s.meter.absent(a)
		out.in.sending(staged{units: 1})
		return out.write(ctx, u.append(nil))
	} else if err != nil {
		return sourceError(err)
	}
	defer func() {
		if failed := r.Close(); err == nil && failed != nil {
			err = sourceError(failed)
		}
	}()
	hash := sha256.New()
	if _, err := io.CopyN(hash, r, int64(u.offset)); err != nil {
		return sourceError(err)
	}
	u.kind, u.length = unitAttachment, a.Size-u.offset
	out.held += u.offset
	out.in.sending(staged{units: 1, bytes: u.length})
	if err := out.write(ctx, u.append(nil)); err != nil {
		return err
	}
	for left := u.length; left > 0; {
		room := out.chunk[len(out.chunk):min(cap(out.chunk), len(out.chunk)+int(min(left, chunkSize)))]
		n, err := io.ReadFull(r, room)
		if err != nil {
			return sourceError(err)
		}
		hash.Write(room)
		out.chunk = out.chunk[:len(out.chunk)+n]
		left -= uint64(n)
		if err := out.flushFull(ctx); err != nil {
			return err
		}
		out.progress(ctx)
	}
	sum := [sha256.Size]byte(hash.Sum(nil))
	if a.SHA256 != nil && sum != *a.SHA256 {
		return failf(wire.CodeSource, "an attachment has another hash than announced")
	}
	out.account.root.Attachment(a, sum)
	return out.write(ctx, sum[:])
}

// write puts bytes into the data stream.
func (out *outbound) write(ctx context.Context, parts ...[]byte) error {
	for _, p := range parts {
		for len(p) > 0 {
			n := copy(out.chunk[len(out.chunk):cap(out.chunk)], p)
			out.chunk = out.chunk[:len(out.chunk)+n]
			p = p[n:]
			if err := out.flushFull(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

func (out *outbound) flushFull(ctx context.Context) error {
	if len(out.chunk) < cap(out.chunk) {
		return nil
	}
	return out.flush(ctx, false)
}

// flush sends what is in the chunk; the last chunk may be empty.
func (out *outbound) flush(ctx context.Context, last bool) error {
	if len(out.chunk) == 0 && !last {
		return nil
	}
	if ctx.Err() != nil {
		return &lost{ctx.Err()}
	}
	if out.in.over() {
		return &lost{errors.New("the receiver has ended")} // why is in the inbox
	}
	err := out.link.sendChunk(out.chunk, last)
	out.stream += uint64(len(out.chunk))
	out.chunk = out.chunk[:0]
	return err
}

// end pads the data stream, ends it, and sends ledger and root.
func (out *outbound) end(ctx context.Context) error {
	if err := out.pad(ctx); err != nil {
		return err
	}
	if err := out.flush(ctx, true); err != nil {
		return err
	}
	end := &segment.End{Root: out.account.root.Sum(), Ledger: out.account.ledger}
	err := out.s.keep.save(ctx, func(c *Checkpoint) {
		if c.Receipt == nil { // otherwise its end stays with it, until the next one comes
			c.End = end
		}
	})
	if err != nil {
		return err
	}
	out.s.ended = end
	b, err := segment.AppendEnd(out.page[:0], end)
	if err != nil {
		return fail(wire.CodeInternal, err)
	}
	return out.link.send(recordEnd, b)
}

// pad adds a unit of zeros, so that the length of the stream tells little more
// than its order of magnitude (Padmé: the low bits of a length of n bits are
// zero, all but as many as n itself has).
func (out *outbound) pad(ctx context.Context) error {
	total := out.stream + uint64(len(out.chunk))
	if total == 0 {
		return nil
	}
	total += unitHeadSize
	left := padme(total) - total
	if err := out.write(ctx, unit{kind: unitPadding, length: left}.append(nil)); err != nil {
		return err
	}
	zeros := make([]byte, min(left, chunkSize))
	for ; left > 0; left -= uint64(len(zeros)) {
		zeros = zeros[:min(left, uint64(len(zeros)))]
		if err := out.write(ctx, zeros); err != nil {
			return err
		}
	}
	return nil
}

// padme is the padded size of n bytes.
func padme(n uint64) uint64 {
	if n < 2 {
		return n
	}
	e := uint64(bits.Len64(n) - 1)
	s := uint64(bits.Len64(e))
	mask := uint64(1)<<(e-s) - 1
	return (n + mask) &^ mask
}

func (out *outbound) progress(ctx context.Context) {
	all := out.ended && out.in.allStaged() // before what there is: a report may come in between
	st := out.in.progress()
	out.s.meter.set(st.messages+out.heldItems, st.bytes+out.held, out.held)
	if all && !out.s.meter.p.Storing {
		out.s.meter.storing()
	}
	out.s.keep.progress(ctx, out.s.meter.p)
}

// sourceError gives an error of the source its code, unless it has one.
func sourceError(err error) error {
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	return fail(wire.CodeSource, err)
}

func appendNumber(b []byte, n uint32) []byte { return binary.BigEndian.AppendUint32(b, n) }
