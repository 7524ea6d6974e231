package transfer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// Send gives the selected history to the device that made the offer. It returns
// without an error only with the receipt in hand: an authenticated statement that
// the import is committed, with a ledger and a root that equal our own. What
// went before is not success, whatever was sent.
//
// With a State, another Send can go on when this one did not end so, see
// SendOptions.Resume: also after the process was killed.
func Send(ctx context.Context, opts SendOptions) (*Result, error) {
	opts.Timing = opts.Timing.withDefaults()
	if opts.Pause == nil {
		opts.Pause = new(Pauser)
	}
	s := &sender{opts: opts, meter: newMeter(opts.Progress), keep: keeper{state: opts.State}}
	defer s.close()
	err := s.run(ctx)
	if err == nil {
		return s.finished(ctx), nil
	}
	err = s.explain(ctx, err)
	if s.useless(err) {
		err = errors.Join(err, s.keep.forget(ctx))
	}
	return nil, err
}

// run pairs or takes up a stored transfer, and serves one connection after the
// other until the receipt is in hand.
func (s *sender) run(ctx context.Context) error {
	connect := s.pair
	if s.opts.Resume != nil {
		if err := s.restore(ctx); err != nil {
			return err
		}
		if receipt := s.keep.c.Receipt; receipt != nil {
			return s.haveReceipt(ctx, receipt)
		}
		connect = s.comeBack
	} else if err := s.takeOffer(); err != nil {
		return err
	}
	l, err := connect(ctx)
	for err == nil {
		err = s.serve(ctx, l)
		s.count(l)
		s.asleep = l.asleep.Load()
		if !isLost(err) || ctx.Err() != nil {
			return err
		}
		l, err = s.reconnect(ctx, err)
	}
	return err
}

// takeOffer begins a transfer.
func (s *sender) takeOffer() (err error) {
	s.intent = s.opts.Offer.Intent
	s.opts.Scope.CatchUp = s.intent == pairing.CatchUp
	s.peer, err = pairing.NewSender(s.opts.Offer, pairing.SenderOptions{
		Rand: s.opts.Rand, AllowPublicRoutes: s.opts.AllowPublicRoutes, Signer: s.opts.Signer, Program: s.opts.Program,
	})
	if err != nil {
		return offerError(err)
	}
	return nil
}

// A sender is one run of Send.
type sender struct {
	opts    SendOptions
	intent  pairing.Intent
	peer    *pairing.Sender // of the offer; nil for a stored transfer
	bundle  *pairing.Bundle
	session *pairing.Session // of the first connection
	keep    keeper
	kept    bool          // there is a checkpoint
	scope   segment.Scope // consented
	summary pairing.Summary
	last    uint32       // connection number of the last attempt
	code    string       // the check code; "" once the receiver has it
	shown   bool         // it was shown
	asleep  bool         // the receiver was paused when the last connection was lost
	ended   *segment.End // the last end that was sent
	result  Result
	start   time.Time
	meter   *meter
}

func (s *sender) close() {
	s.keep.close()
	if s.peer != nil {
		s.peer.Close()
	}
	if s.session != nil {
		s.session.Erase()
	}
}

// finished is the result, when nothing of the transfer is kept any more.
func (s *sender) finished(ctx context.Context) *Result {
	if !s.start.IsZero() {
		s.result.Duration = time.Since(s.start)
	}
	s.meter.finish(&s.result.Ledger)
	s.result.State = errors.Join(s.result.State, s.keep.forget(ctx))
	return &s.result
}

// begin starts the clock, once: before it the devices waited for people.
func (s *sender) begin() {
	if s.start.IsZero() {
		s.start = time.Now()
		s.meter.begin(s.opts.Pause)
	}
}

func (s *sender) count(l *link) {
	s.result.Sent += l.conn.written.Load()
	s.result.Received += l.conn.read.Load()
	s.result.Version = l.version
}

// reconnect tries the routes of the bundle again, with growing pauses, as long as
// Timing.Reconnect lasts, or the transfer lives when the receiver is paused. cause is
// why the last connection was lost.
func (s *sender) reconnect(ctx context.Context, cause error) (*link, error) {
	if s.result.Reconnects++; s.result.Reconnects > maxReconnects {
		return nil, failf(wire.CodeLimit, "more than %d connections", maxReconnects)
	}
	s.opts.Pause.awake(ctx)
	patience := s.opts.Timing.Reconnect
	if s.asleep {
		patience = time.Until(s.lives())
	}
	what := Interruption{Cause: cause, Route: s.result.Route, Until: time.Now().Add(patience), Paused: s.asleep}
	defer tellLate(s.opts.Interrupted, what)()
	return s.tryFor(ctx, patience, cause)
}

// lives is until when the transfer may be gone on with.
func (s *sender) lives() time.Time { return s.keep.expires(s.opts.Timing.Lifetime) }

// peerPaused tells that the receiver is paused, until over is called.
func (s *sender) peerPaused(l *link) (over func()) {
	what := Interruption{Route: s.result.Route, Until: l.lives(), Paused: true}
	return tellPaused(s.meter, s.opts.Interrupted, what)
}

// tryFor tries to resume for that long, while this side is not paused. cause is why,
// when that is known.
func (s *sender) tryFor(ctx context.Context, patience time.Duration, cause error) (*link, error) {
	most := time.Duration(maxBackoff)
	if s.asleep {
		most = sleepBackoff
	}
	c := s.opts.Pause.clock()
	for pause := time.Duration(minBackoff); ; pause = min(2*pause, most) {
		s.opts.Pause.awake(ctx)
		l, err := s.resumeUntil(ctx, c.after(patience))
		until := c.after(patience)
		switch {
		case err == nil:
			return l, nil
		case ctx.Err() != nil:
			return nil, fail(wire.CodeCancelled, context.Cause(ctx))
		case !isLost(err):
			return nil, err
		case s.asleep: // resume ends it with the lifetime
			pause = min(pause, max(minBackoff, time.Until(until)))
		case time.Now().Add(pause).After(until) && cause != nil:
			return nil, fail(wire.CodeTimeout, fmt.Errorf("%w; then: %w", cause, err))
		case time.Now().Add(pause).After(until):
			return nil, fail(wire.CodeTimeout, err)
		}
		sleep(ctx, pause)
	}
}

// resumeUntil is resume, for no longer than that.
func (s *sender) resumeUntil(ctx context.Context, until time.Time) (*link, error) {
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	ctx, over := s.opts.Pause.untilPause(ctx)
	defer over()
	return s.resume(ctx)
}

// explain gives every error of Send a code.
func (s *sender) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fail(wire.CodeCancelled, context.Cause(ctx))
	}
	if _, coded := err.(*Error); isLost(err) && !coded {
		return fail(wire.CodeTimeout, err)
	}
	return err
}

// offerError says with its code why an offer cannot be used.
func offerError(err error) error {
	switch {
	case errors.Is(err, pairing.ErrVersion):
		return fail(wire.CodeVersion, err)
	case errors.Is(err, pairing.ErrSuite):
		return fail(wire.CodeSuite, err)
	case errors.Is(err, pairing.ErrExpired):
		return fail(wire.CodeExpired, err)
	case errors.Is(err, pairing.ErrUsed), errors.Is(err, pairing.ErrTaken):
		return fail(wire.CodeTaken, err)
	case errors.Is(err, pairing.ErrIntent):
		return fail(wire.CodeIntent, err)
	case errors.Is(err, pairing.ErrIdentity):
		return fail(wire.CodeUntrusted, err)
	case errors.Is(err, pairing.ErrWrongBundle), errors.Is(err, pairing.ErrTampered):
		return fail(wire.CodeVerification, err)
	case errors.Is(err, pairing.ErrPublicRoute):
		return fail(wire.CodePolicy, err)
	}
	return fail(wire.CodeProtocol, err)
}
