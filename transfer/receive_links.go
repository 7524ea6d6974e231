package transfer

import (
	"context"
	"time"

	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// replaceLink is nextLink after a connection that was lost, or for the first one.
func (r *receiver) replaceLink(ctx context.Context, cause error) (*link, error) {
	if r.verified() && r.receipt == nil && cause != nil {
		r.opts.Pause.awake(ctx)
		what := Interruption{Cause: cause, Until: time.Now().Add(r.opts.Timing.Reconnect)}
		if !r.asleep.IsZero() {
			what.Until, what.Paused = r.asleep, true
		}
		defer tellLate(r.opts.Interrupted, what)()
	}
	return r.nextLink(ctx)
}

// lives is until when the transfer may be gone on with.
func (r *receiver) lives() time.Time { return r.keep.expires(r.opts.Timing.Lifetime) }

// peerPaused tells that the sender is paused, until over is called.
func (r *receiver) peerPaused(l *link) (over func()) {
	return tellPaused(r.meter, r.opts.Interrupted, Interruption{Until: l.lives(), Paused: true})
}

// nextLink waits for a connection: for the first one as long as the offer lives, or
// for Timing.Person when the transfer was stored; later for Timing.Reconnect, or as
// long as the transfer lives when the sender is paused; and for Timing.Linger once the
// import is committed. A pause of this side does not count.
func (r *receiver) nextLink(ctx context.Context) (*link, error) {
	c := r.opts.Pause.clock()
	for {
		if l := r.takeLink(); l != nil {
			return l, nil // also when it was frozen past its patience meanwhile
		}
		until, first := r.patience(c)
		timer := time.NewTimer(max(time.Until(until), 0))
		late := timer.C
		paused, changed := r.opts.Pause.state()
		if paused {
			late = nil
		}
		select {
		case l := <-r.links:
			timer.Stop()
			return l, nil
		case err := <-r.failed:
			timer.Stop()
			return nil, err
		case <-ctx.Done():
			timer.Stop()
			return nil, fail(wire.CodeCancelled, context.Cause(ctx))
		case <-changed:
			timer.Stop()
			continue
		case <-late:
		}
		again, still := r.patience(c)
		if first && !still {
			c = r.opts.Pause.clock()
			continue // somebody came in time
		} else if first && time.Until(again) > 0 {
			continue // and a person there is reading
		}
		if r.keep.over() {
			return nil, fail(wire.CodeExpired, ErrOver)
		}
		if first {
			return nil, failf(wire.CodeExpired, "nobody used the offer in time")
		}
		return nil, failf(wire.CodeTimeout, "the old device did not come back")
	}
}

// patience is until when the next connection is waited for since c began, and whether
// it is the first one.
func (r *receiver) patience(c clock) (until time.Time, first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.awaited:
		return c.after(r.opts.Timing.Person), false
	case r.receipt != nil: // which can be given again, by another process
		return c.after(r.opts.Timing.Linger), false
	case !r.asleep.IsZero():
		return r.asleep, false
	case r.session != nil:
		return c.after(r.opts.Timing.Reconnect), false
	}
	until = r.offer.Offer().Expiry
	if time.Until(until) <= 0 && len(r.reading) > 0 {
		until = until.Add(pairing.ConsentTime)
	}
	return until, true
}

// offerLink hands a connection to run; a newer one replaces an older one, also
// one that is being served: its peer has left it. The newer one is that with the
// higher number, whichever handshake was over first; or, of the first handshake,
// the repetition.
func (r *receiver) offerLink(l *link) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if l.number < r.newest {
		l.conn.Close()
		return
	}
	r.newest, r.awaited = l.number, false
	if old := r.takeLink(); old != nil {
		old.conn.Close()
	}
	if r.cancelLink != nil {
		r.cancelLink()
	}
	r.links <- l
}

func (r *receiver) takeLink() *link {
	select {
	case l := <-r.links:
		return l
	default:
		return nil
	}
}
