package transfer

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// keepPairing makes the resumption secret durable, before the receiver knows that
// we have its M3 and before the check code is shown. From then on another process
// can go on.
func (s *sender) keepPairing(ctx context.Context) error {
	if s.kept {
		return nil
	}
	c := newCheckpoint(pairing.RoleSender, s.session, s.intent, s.bundle.Label, s.opts.Timing.Lifetime)
	routes := s.routes()
	c.Routes = routes[:min(len(routes), pairing.MaxRoutes)]
	c.Scope, c.Code = s.scope, s.code
	c.Scope.Rooms = slices.Clone(c.Scope.Rooms)
	if err := s.keep.begin(ctx, c); err != nil {
		return err
	}
	s.kept = true
	return nil
}

// keepConfirmed notes that the check code has served, when the receiver's first
// message says so.
func (s *sender) keepConfirmed(ctx context.Context, first recordType) error {
	if s.code == "" || first != recordReady && first != recordReceipt {
		return nil
	}
	s.code = ""
	if err := s.keep.save(ctx, func(c *Checkpoint) { c.Code = "" }); err != nil {
		return err
	}
	s.connected(true)
	return nil
}

// restore takes up a stored transfer where its last process left it.
func (s *sender) restore(ctx context.Context) error {
	if err := s.keep.takeUp(ctx, s.opts.Resume, pairing.RoleSender); err != nil {
		return err
	}
	c := s.keep.c
	session, err := pairing.RestoreSession(c.resumption())
	if err != nil {
		return fail(wire.CodeInternal, err)
	}
	s.session, s.intent, s.last, s.kept = session, c.Intent, c.Connection, true
	s.scope, s.ended, s.code = c.Scope, c.End, c.Code
	s.bundle = &pairing.Bundle{Routes: c.Routes, Label: c.Peer}
	s.result.TransferID, s.result.Peer = c.TransferID, c.Peer
	if len(c.Routes) > 0 {
		s.result.Route = c.Routes[0]
	}
	return nil
}

// haveReceipt ends a transfer whose receipt came before the last process ended. The
// receiver may still wait to hear that it did: it is looked for once on each route, no
// longer than a step of the handshake takes. Success does not hang on it.
func (s *sender) haveReceipt(ctx context.Context, receipt []byte) error {
	if err := s.checkReceipt(receipt); err != nil {
		return err
	}
	s.summary = summaryOf(&segment.Overview{}, s.intent, s.opts.Label)
	l, err := s.resumeUntil(ctx, time.Now().Add(s.opts.Timing.Hello))
	if err != nil {
		return nil
	}
	_ = s.serve(ctx, l)
	s.count(l)
	return nil
}

// comeBack looks for the receiver of a stored transfer, for as long as a person may
// need to start it there.
func (s *sender) comeBack(ctx context.Context) (*link, error) {
	overview, err := s.opts.Source.Overview(ctx, s.scope)
	if err != nil {
		return nil, sourceError(err)
	}
	s.summary = summaryOf(overview, s.intent, s.opts.Label)
	s.meter.expect(overview.Messages, overview.Bytes)
	return s.tryFor(ctx, s.opts.Timing.Person, nil)
}

// useless tells whether what is stored leads nowhere after err: the lifetime is
// over, or the receiver says that it has ended before the check code matched, and so
// has kept nothing. One that is only gone may have the code since, and keep what it
// needs to come back.
func (s *sender) useless(err error) bool {
	if s.keep.over() {
		return true
	}
	e, ok := errors.AsType[*Error](err)
	return ok && s.code != "" && e.Peer
}
