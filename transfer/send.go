package transfer

import (
	"context"
	"errors"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// Send gives the selected history to the device that made the offer. It returns
// without an error only with the receipt in hand: an authenticated statement that
// the import is committed, with a ledger and a root that equal our own. What
// went before is not success, whatever was sent.
func Send(ctx context.Context, opts SendOptions) (*Result, error) {
	opts.Timing = opts.Timing.withDefaults()
	opts.Scope.CatchUp = opts.Offer.Intent == pairing.CatchUp
	peer, err := pairing.NewSender(opts.Offer, pairing.SenderOptions{Rand: opts.Rand, AllowPublicRoutes: opts.AllowPublicRoutes})
	if err != nil {
		return nil, offerError(err)
	}
	s := &sender{opts: opts, peer: peer, meter: newMeter(opts.Progress)}
	defer s.close()
	l, err := s.pair(ctx)
	if err != nil {
		return nil, s.explain(ctx, err)
	}
	for {
		err := s.serve(ctx, l)
		s.count(l)
		if err == nil {
			s.result.Duration = time.Since(s.start)
			s.meter.tick(true)
			return &s.result, nil
		}
		if !isLost(err) || ctx.Err() != nil {
			return nil, s.explain(ctx, err)
		}
		if l, err = s.reconnect(ctx, err); err != nil {
			return nil, s.explain(ctx, err)
		}
	}
}

// A sender is one run of Send.
type sender struct {
	opts    SendOptions
	peer    *pairing.Sender
	bundle  *pairing.Bundle
	session *pairing.Session // of the first connection
	scope   segment.Scope    // consented
	summary pairing.Summary
	last    uint32       // connection number of the last attempt
	shown   bool         // the check code was shown
	ended   *segment.End // the last end that was sent
	result  Result
	start   time.Time
	meter   *meter
}

func (s *sender) close() {
	s.peer.Close()
	if s.session != nil {
		s.session.Erase()
	}
}

// begin starts the clock, once: before it the devices waited for people.
func (s *sender) begin() {
	if s.start.IsZero() {
		s.start = time.Now()
		s.meter.start = s.start
	}
}

func (s *sender) count(l *link) {
	s.result.Sent += l.conn.written.Load()
	s.result.Received += l.conn.read.Load()
}

// reconnect tries the routes of the bundle again, with growing pauses, as long as
// Timing.Reconnect lasts. cause is why the last connection was lost.
func (s *sender) reconnect(ctx context.Context, cause error) (*link, error) {
	if s.result.Reconnects++; s.result.Reconnects > maxReconnects {
		return nil, failf(wire.CodeLimit, "more than %d connections", maxReconnects)
	}
	until := time.Now().Add(s.opts.Timing.Reconnect)
	for pause := time.Duration(minBackoff); ; pause = min(2*pause, maxBackoff) {
		l, err := s.resumeUntil(ctx, until)
		switch {
		case err == nil:
			return l, nil
		case ctx.Err() != nil:
			return nil, fail(wire.CodeCancelled, context.Cause(ctx))
		case !isLost(err):
			return nil, err
		case time.Now().Add(pause).After(until):
			return nil, fail(wire.CodeTimeout, cause)
		}
		sleep(ctx, pause)
	}
}

// resumeUntil is resume, for no longer than that.
func (s *sender) resumeUntil(ctx context.Context, until time.Time) (*link, error) {
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	return s.resume(ctx)
}

// explain gives every error of Send a code.
func (s *sender) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fail(wire.CodeCancelled, context.Cause(ctx))
	}
	if isLost(err) {
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
	case errors.Is(err, pairing.ErrWrongBundle), errors.Is(err, pairing.ErrTampered):
		return fail(wire.CodeVerification, err)
	case errors.Is(err, pairing.ErrPublicRoute):
		return fail(wire.CodePolicy, err)
	}
	return fail(wire.CodeProtocol, err)
}
