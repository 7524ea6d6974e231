package main

import (
	"context"
	"errors"
	"os"
	"sync"

	"golang.org/x/term"

	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
)

// errOffered ends a transfer that is gone on with: a new one is asked for.
var errOffered = errors.New("a new offer was given")

// goOn goes on with an unfinished transfer until it is over, or until an offer is
// piped in: that begins a new one, and is returned instead. A terminal is not read:
// nothing was asked, and a process in its background would be stopped.
func goOn(ctx context.Context, ui *terminal, options transfer.SendOptions) (*transfer.Result, *pairing.Offer, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	var offer *pairing.Offer
	var wait sync.WaitGroup
	if f, ok := ui.in.(*os.File); ui.host == nil && (!ok || !term.IsTerminal(int(f.Fd()))) {
		wait.Go(func() {
			if offer = ui.offered(ctx); offer != nil {
				cancel(errOffered)
			}
		})
	}
	result, err := transfer.Send(ctx, options)
	cancel(nil)
	wait.Wait()
	if offer != nil && err != nil {
		return nil, offer, nil
	}
	if offer != nil {
		offer.Erase()
	}
	return result, nil, err
}

// offered waits for an offer among the lines that come in, until ctx ends; nil then,
// and when there is nobody.
func (t *terminal) offered(ctx context.Context) *pairing.Offer {
	for said := false; ; {
		l, err := t.line(ctx)
		if err != nil {
			return nil
		}
		offer, err := pairing.ParseOffer(l)
		if err == nil {
			return offer
		}
		if l != "" && !said {
			said = true
			t.remark("A line on standard input is no offer, and nothing else was asked for.")
		}
	}
}
