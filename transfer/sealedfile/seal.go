package sealedfile

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/policy"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/hpke"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// SealOptions configure Seal. Source and Recipients must be set.
type SealOptions struct {
	Source     transfer.Source
	Scope      segment.Scope                                                      // of a catch-up: one room
	Recipients []*hpke.PublicKey                                                  // all of one suite; a key that comes twice counts once
	Classic    bool                                                               // allows a suite that is not safe from quantum computers
	Intent     pairing.Intent                                                     // SameAccount for zero
	Signer     pairing.Signer                                                     // who shares; nil for SameAccount makes an identity that is thrown away
	Label      string                                                             // what the sharer is called
	Policy     *policy.History                                                    // of the room; nil for none
	Role       uint32                                                             // the sharer's in the room, for Policy
	Lifetime   time.Duration                                                      // DefaultLifetime for zero
	Consent    func(context.Context, *pairing.ShareHead, *segment.Overview) error // nil for none
	Progress   func(transfer.Progress)
}

// Seal writes the sealed file: stanzas, head, and the history that the scope selects,
// newest first. A policy caps the scope, and forbids with policy.ErrForbidden. The
// file is whole only when Seal returns nil: its writer syncs and names it then. The
// errors are a *transfer.Error.
func Seal(ctx context.Context, w io.Writer, o SealOptions) (*Result, error) {
	recipients, err := o.prepare()
	if err != nil {
		return nil, err
	}
	now := time.Now().Truncate(time.Millisecond)
	if err := o.obey(now); err != nil {
		return nil, err
	}
	overview, err := o.Source.Overview(ctx, o.Scope)
	if err != nil {
		return nil, fail(wire.CodeSource, err)
	}
	if o.Intent == pairing.CatchUp && len(overview.Rooms) == 0 {
		return nil, fail(wire.CodeSource, ErrNothing)
	}
	head, err := o.head(now, len(recipients), overview)
	if err != nil {
		return nil, err
	}
	if o.Consent != nil {
		if err := o.Consent(ctx, head, overview); err != nil {
			return nil, fail(wire.CodeDeclined, err)
		}
	}
	f, err := hpke.NewFileSealer(w, recipients[0].Suite(), recipients)
	if err != nil {
		return nil, sealError(err)
	}
	signed, err := pairing.SignShareHead(o.Signer, f.Header(), *head)
	if err != nil {
		return nil, fail(wire.CodeInternal, err)
	}
	stream, err := f.SealHead(signed)
	if err != nil {
		return nil, sealError(err)
	}
	defer stream.Abort()
	s := &sealing{
		o: &o, w: stream, meter: newMeter(o.Progress, overview.Messages, overview.Bytes),
		result: Result{ID: pairing.ShareID(f.Header(), signed), Head: head},
	}
	s.root = segment.NewRootHasher(s.result.ID)
	if err := s.history(ctx); err != nil {
		return nil, err
	}
	if err := s.end(); err != nil {
		return nil, err
	}
	if err := stream.Close(); err != nil {
		return nil, fail(wire.CodeStorage, err)
	}
	return &s.result, nil
}

// prepare fills in what is missing and checks what is there.
func (o *SealOptions) prepare() (recipients []*hpke.PublicKey, err error) {
	if o.Intent == 0 {
		o.Intent = pairing.SameAccount
	}
	if o.Lifetime == 0 {
		o.Lifetime = DefaultLifetime
	}
	o.Scope.CatchUp = o.Intent == pairing.CatchUp
	o.Scope.Since, o.Scope.Until = o.Scope.Since.Truncate(time.Millisecond), o.Scope.Until.Truncate(time.Millisecond)
	for _, k := range o.Recipients {
		if !slices.ContainsFunc(recipients, k.Equal) {
			recipients = append(recipients, k)
		}
	}
	switch {
	case len(recipients) == 0:
		return nil, fail(wire.CodeLimit, hpke.ErrRecipients)
	case !recipients[0].Suite().PostQuantum() && !o.Classic:
		return nil, fail(wire.CodeSuite, ErrClassic)
	case o.Intent == pairing.CatchUp && len(o.Scope.Rooms) != 1:
		return nil, failf(wire.CodeIntent, "a catch-up is of one room: %w", pairing.ErrIntent)
	case o.Intent == pairing.CatchUp && o.Signer == nil:
		return nil, failf(wire.CodeUntrusted, "who shares a room's history signs it: %w", pairing.ErrUntrusted)
	}
	if o.Signer == nil {
		if o.Signer, err = pairing.NewIdentityKey(nil); err != nil {
			return nil, fail(wire.CodeInternal, err)
		}
	}
	return recipients, nil
}

// obey holds what is asked for against the room's policy, which caps a window
// without beginning.
func (o *SealOptions) obey(now time.Time) error {
	if o.Policy == nil {
		return nil
	}
	if o.Scope.Since.IsZero() {
		o.Scope.Since = o.Policy.Since(now)
	}
	return fail(wire.CodePolicy, o.Policy.Check(o.Role, o.Scope.Since, now))
}

// head is what is said of the file.
func (o *SealOptions) head(now time.Time, recipients int, overview *segment.Overview) (*pairing.ShareHead, error) {
	h := &pairing.ShareHead{
		Sharer: o.Signer.Identity(), Intent: o.Intent, Label: o.Label, Role: o.Role,
		Since: o.Scope.Since, Until: o.Scope.Until, Created: now, NotAfter: now.Add(o.Lifetime),
		Recipients: uint32(recipients), Messages: overview.Messages, Attachments: overview.Attachments, Bytes: overview.Bytes,
	}
	if o.Intent == pairing.CatchUp {
		h.Room = o.Scope.Rooms[0]
		for _, r := range overview.Rooms {
			if r.ID == h.Room {
				h.RoomName = r.Name
			}
		}
	}
	if o.Policy != nil {
		var err error
		if h.Policy, err = o.Policy.AppendTLS(nil); err != nil {
			return nil, fail(wire.CodePolicy, err)
		}
	}
	return h, nil
}

// A sealing is the payload of one file.
type sealing struct {
	o       *SealOptions
	w       *hpke.Writer
	meter   *meter
	root    *segment.RootHasher
	result  Result
	written uint64

	room segment.RoomEntry
	seg  segment.SegmentEntry
	buf  []byte
}

// history writes the pages, each with its segments and attachments.
func (s *sealing) history(ctx context.Context) error {
	pages := 0
	for page, err := range s.o.Source.Manifest(ctx, s.o.Scope) {
		if err != nil {
			return fail(wire.CodeSource, err)
		}
		if pages++; pages > maxPages {
			return failf(wire.CodeLimit, "more than %d pages", maxPages)
		}
		if err := s.page(ctx, page); err != nil {
			return err
		}
	}
	return nil
}

func (s *sealing) page(ctx context.Context, p *segment.Page) (err error) {
	if s.buf, err = segment.AppendPage(s.buf[:0], p); err != nil {
		return fail(wire.CodeInternal, err)
	}
	s.result.Ledger.Add(p.Left)
	if err := s.record(recordPage, uint64(len(s.buf)), s.buf); err != nil {
		return err
	}
	for i := range p.Entries {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		switch e := &p.Entries[i]; e.Type {
		case segment.RoomType:
			s.room = e.Room
		case segment.SegmentType:
			err = s.segment(ctx, e.Segment)
		case segment.AttachmentType:
			err = s.attachment(ctx, &e.Attachment)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *sealing) segment(ctx context.Context, e segment.SegmentEntry) (err error) {
	s.seg = e
	if s.buf, err = s.o.Source.AppendSegment(ctx, e.ID, s.buf[:0]); err != nil {
		return fail(wire.CodeSource, err)
	}
	if uint64(len(s.buf)) != e.Bytes || sha256.Sum256(s.buf) != e.ID {
		return failf(wire.CodeSource, "a segment is not what was announced")
	}
	s.root.Segment(e.ID, e.Bytes)
	s.result.Ledger.Source += e.Items
	s.meter.add(e.Items, e.Bytes)
	return s.record(recordSegment, e.Bytes, s.buf)
}

func (s *sealing) attachment(ctx context.Context, a *segment.AttachmentEntry) (err error) {
	s.result.Ledger.Attachments++
	r, err := s.o.Source.OpenAttachment(ctx, s.room.ID, s.seg.ID, *a, 0)
	if errors.Is(err, segment.ErrContentAbsent) {
		s.result.Ledger.AddAttachmentQuarantined(segment.ContentAbsent, 1)
		return s.record(recordAbsent, 0, nil)
	} else if err != nil {
		return fail(wire.CodeSource, err)
	}
	defer func() { err = errors.Join(err, fail(wire.CodeSource, r.Close())) }()
	if err := s.record(recordAttachment, a.Size+sha256.Size, nil); err != nil {
		return err
	}
	hash := sha256.New()
	s.buf = slices.Grow(s.buf[:0], hpke.MaxChunk)[:hpke.MaxChunk]
	for left := a.Size; left > 0; {
		piece := s.buf[:min(left, hpke.MaxChunk)]
		if _, err := io.ReadFull(r, piece); err != nil {
			return fail(wire.CodeSource, err)
		}
		hash.Write(piece)
		if err := s.write(piece); err != nil {
			return err
		}
		s.meter.add(0, uint64(len(piece)))
		left -= uint64(len(piece))
	}
	sum := [sha256.Size]byte(hash.Sum(nil))
	if a.SHA256 != nil && sum != *a.SHA256 {
		return failf(wire.CodeSource, "an attachment has another hash than announced")
	}
	s.root.Attachment(a, sum)
	return s.write(sum[:])
}

// end writes the padding, and the end with the sharer's signature.
func (s *sealing) end() error {
	left := padme(s.written+recordHead) - (s.written + recordHead)
	if err := s.record(recordPadding, left, nil); err != nil {
		return err
	}
	zeros := make([]byte, min(left, hpke.MaxChunk))
	for ; left > 0; left -= uint64(len(zeros)) {
		zeros = zeros[:min(left, uint64(len(zeros)))]
		if err := s.write(zeros); err != nil {
			return err
		}
	}
	s.result.Root = s.root.Sum()
	end, err := segment.AppendEnd(nil, &segment.End{Root: s.result.Root, Ledger: s.result.Ledger})
	if err != nil {
		return fail(wire.CodeInternal, err)
	}
	signature, err := pairing.SignShareRoot(s.o.Signer, s.result.ID, end)
	if err != nil {
		return fail(wire.CodeInternal, err)
	}
	s.meter.storing()
	body := append(end, signature...)
	return s.record(recordEnd, uint64(len(body)), body)
}

// record writes the head of a record of n bytes, and what of its body is at hand.
func (s *sealing) record(t recordType, n uint64, body []byte) error {
	head := binary.BigEndian.AppendUint64([]byte{byte(t)}, n)
	if err := s.write(head); err != nil {
		return err
	}
	return s.write(body)
}

func (s *sealing) write(b []byte) error {
	n, err := s.w.Write(b)
	s.written += uint64(n)
	return fail(wire.CodeStorage, err)
}

// sealError gives an error of the sealer its code.
func sealError(err error) error {
	switch {
	case errors.Is(err, hpke.ErrRecipients):
		return fail(wire.CodeLimit, err)
	case errors.Is(err, hpke.ErrSuite):
		return fail(wire.CodeSuite, fmt.Errorf("recipients of two suites: %w", err))
	}
	return fail(wire.CodeStorage, err)
}
