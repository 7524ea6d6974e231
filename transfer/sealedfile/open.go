package sealedfile

import (
	"context"
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

// OpenOptions configure Open. Keys must be set.
type OpenOptions struct {
	Keys    []*hpke.PrivateKey // of which one is a recipient's
	Classic bool               // allows a suite that is not safe from quantum computers
	Trust   []pairing.Identity // the only sharers; nil for any
	Policy  *policy.History    // the opener's own copy of the room's policy, for a catch-up; nil for none
	Expect  *[32]byte          // the file's ID or its Root, as the sharer said it; nil for any
	// Consent is asked when all of the file is verified, and before anything of it is
	// imported; nil imports. Any error ends Open with wire.CodeDeclined.
	Consent  func(context.Context, *Claim) error
	Sink     transfer.Sink // nil only verifies
	Progress func(transfer.Progress)
}

// A Claim is what an opener knows of a file that is verified, whose sharer he may
// not know.
type Claim struct {
	Result
	Policy *policy.History // as the sharer claims it; nil for none
	Suite  hpke.Suite

	Messages, Attachments uint64 // that are in it; those in the head were announced

	leaves [][32]byte
}

// Open reads a sealed file twice. First it verifies: stanza, commitment, head and
// its signature, whether the sharer is trusted, the opener's own policy, the
// lifetime; then every chunk, every hash, and the signature over the end. Only then
// the opener is asked, and the second time it imports. What a recipient of the same
// file made of it never reaches the sink. The errors are a *transfer.Error; after
// one nothing of the file is final.
func Open(ctx context.Context, file io.ReadSeeker, o OpenOptions) (*Result, error) {
	f, claim, err := read(ctx, file, &o, &verifier{}, nil)
	if err != nil {
		return nil, err
	}
	if o.Consent != nil {
		if err := o.Consent(ctx, claim); err != nil {
			return nil, fail(wire.CodeDeclined, err)
		}
	}
	if o.Sink == nil {
		return &claim.Result, nil
	}
	return imported(ctx, file, &o, f.key, claim)
}

// imported is the second reading, into the sink.
func imported(ctx context.Context, file io.ReadSeeker, o *OpenOptions, key *hpke.PrivateKey, verified *Claim) (_ *Result, err error) {
	h := verified.Head
	info := segment.TransferInfo{
		ID: verified.ID, Started: h.Created, Sender: h.Label, Messages: h.Messages, Bytes: h.Bytes,
	}
	if h.Intent == pairing.CatchUp {
		info.SharedBy = SharedBy(h)
	}
	if err := o.Sink.Begin(ctx, info); err != nil {
		return nil, fail(wire.CodeStorage, err)
	}
	defer func() {
		if err != nil {
			// The sink says what the person has to know; its error adds nothing.
			_ = o.Sink.Abort(context.WithoutCancel(ctx), err)
		}
	}()
	im := &importer{sink: o.Sink}
	if err := im.restore(ctx, info.ID); err != nil {
		return nil, err
	}
	again := *o
	again.Keys, again.Expect = []*hpke.PrivateKey{key}, &verified.Root // another file by now imports nothing more
	_, claim, err := read(ctx, file, &again, im, verified.leaves)
	if err != nil {
		return nil, err
	}
	if err := o.Sink.Commit(context.WithoutCancel(ctx), segment.End{Root: claim.Root, Ledger: claim.Ledger}, nil); err != nil {
		return nil, fail(wire.CodeStorage, err)
	}
	return &claim.Result, nil
}

// SharedBy is what a sink keeps as whose word a catch-up is: the sharer's label, which
// anybody can choose, and the beginning of his identity, which nobody can.
func SharedBy(h *pairing.ShareHead) string {
	const shown = len("VCT-IDENTITY-") + 16
	label := h.Label
	if label == "" {
		label = "a member"
	}
	return fmt.Sprintf("%s (%s)", label, h.Sharer.Text()[:shown])
}

// An opened file is one whose head is verified.
type opened struct {
	*hpke.FileOpener
	key *hpke.PrivateKey
}

// read reads the file from its beginning to its end, and verifies it; content goes
// to t as it comes. known are the leaves of the reading before; nil when it is the first.
func read(ctx context.Context, file io.ReadSeeker, o *OpenOptions, t taker, known [][32]byte) (*opened, *Claim, error) {
	f, err := openFile(file, o)
	if err != nil {
		return nil, nil, err
	}
	head, err := pairing.ParseShareHead(f.Header(), f.Head())
	if err != nil {
		return nil, nil, fail(wire.CodeVerification, err)
	}
	c := &Claim{Result: Result{ID: pairing.ShareID(f.Header(), f.Head()), Head: head, Key: f.key.Public()}, Suite: f.Prefix().Suite}
	if err := o.judge(c, time.Now()); err != nil {
		return nil, nil, err
	}
	p := newPayload(f.Payload(), head, c.ID, t, newMeter(o.Progress, head.Messages, head.Bytes))
	p.known = known
	if err := p.take(ctx); err != nil {
		return nil, nil, err
	}
	c.Root, c.Ledger, c.Messages, c.Attachments, c.leaves = p.end.Root, p.ledger, p.messages, p.ledger.Attachments, p.leaves
	if c.leaves == nil {
		c.leaves = [][32]byte{} // an empty history has none
	}
	if o.Expect != nil && *o.Expect != c.ID && *o.Expect != c.Root {
		return nil, nil, fail(wire.CodeVerification, ErrExpected)
	}
	return f, c, nil
}

// openFile opens prefix, stanza, commitment and head with one of the keys.
func openFile(file io.ReadSeeker, o *OpenOptions) (*opened, error) {
	err := error(hpke.ErrRecipient)
	for _, key := range o.Keys {
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return nil, fail(wire.CodeSource, err)
		}
		var f *hpke.FileOpener
		if f, err = hpke.OpenFile(file, key); err == nil {
			if !key.Suite().PostQuantum() && !o.Classic {
				return nil, fail(wire.CodeSuite, ErrClassic)
			}
			return &opened{f, key}, nil
		}
		if !errors.Is(err, hpke.ErrRecipient) && !(errors.Is(err, hpke.ErrSuite) && len(o.Keys) > 1) {
			return nil, readError(err)
		}
	}
	return nil, readError(err)
}

// judge is what the opener has to say of a head that its sharer signed.
func (o *OpenOptions) judge(c *Claim, now time.Time) (err error) {
	h := c.Head
	if o.Trust != nil && !slices.Contains(o.Trust, h.Sharer) {
		return fail(wire.CodeUntrusted, pairing.ErrUntrusted)
	}
	switch {
	case now.After(h.NotAfter):
		return failf(wire.CodeExpired, "it could be opened until %s: %w", h.NotAfter.UTC().Format(time.RFC3339), pairing.ErrExpired)
	case now.Add(pairing.MaxSkew).Before(h.Created):
		return failf(wire.CodeExpired, "it is of %s, which is in the future", h.Created.UTC().Format(time.RFC3339))
	}
	if len(h.Policy) > 0 {
		if c.Policy, err = policy.ParseTLS(h.Policy); err != nil {
			return fail(wire.CodeVerification, err)
		}
	}
	if o.Policy != nil && h.Intent == pairing.CatchUp {
		return fail(wire.CodePolicy, o.Policy.Check(h.Role, h.Since, h.Created))
	}
	return nil
}
