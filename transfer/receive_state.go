package transfer

import (
	"context"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// keepPairing makes the resumption secret durable when the check code has matched,
// before READY goes out. The secret of the offer and the one-time key are erased by
// then. The tries of the check code are not kept: an offer whose process ended is
// used up, whatever its tries.
func (r *receiver) keepPairing(ctx context.Context, session *pairing.Session) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := newCheckpoint(pairing.RoleReceiver, session, r.intent, r.info.Sender, r.opts.Timing.Lifetime)
	c.Connection, c.Routes, c.Info = r.accepted, r.opts.Offer.Routes, r.info
	return r.keep.begin(ctx, c)
}

// restore takes up a stored transfer where its last process left it: the check code
// has matched, and the sender is waited for where a resume looks.
func (r *receiver) restore(ctx context.Context) error {
	if err := r.keep.takeUp(ctx, r.opts.Resume, pairing.RoleReceiver); err != nil {
		return err
	}
	c := r.keep.c
	session, err := pairing.RestoreSession(c.resumption())
	if err != nil {
		return fail(wire.CodeInternal, err)
	}
	r.resumption, err = pairing.NewResumeReceiver(pairing.ResumeOptions{
		Session: session, Intent: c.Intent, Rand: r.opts.Offer.Rand, Program: r.opts.Offer.Program,
	})
	if err != nil {
		return fail(wire.CodeInternal, err)
	}
	r.session, r.intent, r.info, r.accepted = session, c.Intent, c.Info, c.Connection
	r.spoken, r.asked, r.awaited, r.reading = true, true, true, nil
	close(r.confirmed)
	r.result.TransferID, r.result.Peer = c.TransferID, c.Peer
	if err := r.restoreReceipt(ctx, c.Receipt); err != nil || r.receipt != nil {
		return err
	}
	return r.restoreLedgers(ctx)
}

// restoreLedgers takes over how what earlier processes staged is counted.
func (r *receiver) restoreLedgers(ctx context.Context) error {
	keeps, ok := r.opts.Sink.(LedgerKeeper)
	if !ok {
		return nil
	}
	for s, err := range keeps.Staged(ctx, r.info.ID) {
		switch {
		case err != nil:
			return fail(wire.CodeStorage, err)
		case s.Attachment == nil:
			r.counted[s.Segment] = s.Ledger
		default:
			w := wanted{room: segment.RoomEntry{ID: s.Room}, attachment: s.Attachment}
			r.fetched[w.key()] = s.Reason
		}
	}
	return nil
}

// restoreReceipt finds the receipt of an import that is committed: in the
// checkpoint, or in the sink when the last process ended between the two.
func (r *receiver) restoreReceipt(ctx context.Context, sealed []byte) error {
	if keeps, ok := r.opts.Sink.(ReceiptKeeper); ok && sealed == nil {
		var err error
		if sealed, err = keeps.Receipt(ctx, r.info.ID); err != nil {
			return fail(wire.CodeStorage, err)
		}
	}
	if sealed == nil {
		return nil
	}
	rec, err := openReceipt(r.session.Suite(), r.session.Resumption(), r.info.ID, sealed)
	if err != nil {
		return err
	}
	r.receipt, r.result.Root, r.result.Ledger = sealed, rec.end.Root, rec.end.Ledger
	_ = r.keepReceipt(ctx) // the sink has it
	return nil
}

// keepReceipt notes that the import is committed. The receipt says what is true
// whether or not that can be kept here: without it another process asks the sink, or
// compares and commits once more.
func (r *receiver) keepReceipt(ctx context.Context) error {
	return r.keep.save(ctx, func(c *Checkpoint) { c.Receipt = r.receipt })
}
