package bind

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/host"
	"github.com/vcon-transfer/vcon-transfer/transfer/statedir"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// sending is the old device's side.
type sending struct {
	SendConfig
	sources []string
	scope   segment.Scope
	patience
	keep     keeping
	identity pairing.Identity
	accounts []pairing.Identity
}

func (s *sending) run(ctx context.Context, t *Transfer) (*transfer.Result, error) {
	// 1. What is sent to: the new device of the offer, or that of the unfinished transfer.
	offer, err := s.offer()
	if err != nil {
		return nil, err
	}
	if offer != nil {
		defer offer.Erase()
	}
	k, err := s.keep.open(pairing.RoleSender, offer != nil)
	if err != nil {
		return nil, err
	}
	defer k.close()
	t.kept = k.there.Load
	if offer == nil && k.found == nil {
		return nil, nothing(k.lost)
	}
	// 2. What is sent. One that has its receipt needs nothing of it.
	source := history.NewLazySource(func() (history.Reader, error) {
		r, err := history.OpenFiles(ctx, s.sources, history.Options{})
		return r, host.Fail(host.CodeSource, err)
	})
	defer source.Close()
	if k.found == nil || k.found.Receipt == nil {
		if err := source.Open(); err != nil {
			return nil, err
		}
	}
	// 3. Over which route.
	if offer != nil {
		if err := s.allow(ctx, t, offer); err != nil {
			return nil, err
		}
	} else {
		_ = t.conn.Emit(host.ResumedOf(k.found))
	}
	var seen func(pairing.Identity, uint64) (uint64, error)
	if s.keep.dir != "" {
		seen = func(account pairing.Identity, version uint64) (uint64, error) {
			return statedir.HighestAttested(s.keep.dir, account, version)
		}
	}
	return transfer.Send(ctx, transfer.SendOptions{
		Accounts: s.accounts, Attested: seen,
		Source: t.marks.Source(source), Offer: offer, Dialer: dialer{s.Relay, s.RelayToken},
		Prompter: t.conn, Scope: s.scope, Label: s.Label, Signer: s.signer(ctx, t, s.identity), AllowPublicRoutes: s.AllowPublicRoutes,
		Progress: t.conn.Progress, Connected: t.conn.Connected, Interrupted: t.conn.Interrupted,
		Pause: &t.pause, Timing: s.timing(), State: k.state(), Resume: k.found,
	})
}

// nothing says why there is nothing to send to.
func nothing(lost error) error {
	switch {
	case errors.Is(lost, transfer.ErrOver):
		return host.Fail(wire.CodeExpired.String(), lost)
	case lost != nil:
		return host.Fail(host.CodeStorage, lost)
	}
	return host.Fail(host.CodeOffer, errors.New("there is no offer, and no unfinished transfer"))
}

// offer is the one that was given, or nil.
func (s *sending) offer() (*pairing.Offer, error) {
	if s.Offer == "" {
		return nil, nil
	}
	offer, err := pairing.ParseOffer(s.Offer)
	if err != nil {
		return nil, host.Fail(host.CodeOffer, err)
	}
	if offer.Intent == pairing.CatchUp && len(s.scope.Rooms) != 1 {
		offer.Erase()
		return nil, host.Fail(host.CodeOffer, fmt.Errorf("the new device asks for the history of one room, and Rooms does not say which: %w", pairing.ErrIntent))
	}
	return offer, nil
}

// allow asks about a relay that is not the app's own, before any connection.
func (s *sending) allow(ctx context.Context, t *Transfer, offer *pairing.Offer) error {
	if offer.Route.Kind != pairing.RouteRelay || offer.Route.Path == s.Relay {
		return nil
	}
	wait := defaultPerson
	if s.person > 0 {
		wait = time.Duration(s.person) * time.Second
	}
	ask, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	err := t.conn.AllowRoute(ask, offer.Route)
	if err != nil && ask.Err() != nil && ctx.Err() == nil {
		return host.Fail(wire.CodeTimeout.String(), errors.New("nobody answered the question for the route"))
	}
	return err
}

// defaultPerson is that of transfer.Timing.
const defaultPerson = 5 * time.Minute
