package transfer

import (
	"context"
	"time"

	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// replaceLink is nextLink after a connection that was lost, or for the first one.
func (r *receiver) replaceLink(ctx context.Context, cause error) (*link, error) {
	if r.begun && r.receipt == nil && cause != nil {
		until := time.Now().Add(r.opts.Timing.Reconnect)
		defer tellLate(r.opts.Interrupted, Interruption{Cause: cause, Until: until})()
	}
	return r.nextLink(ctx)
}

// nextLink waits for a connection: for the first one as long as the offer lives, or
// for Timing.Person when the transfer was stored; later for Timing.Reconnect, and
// for Timing.Linger once the import is committed.
func (r *receiver) nextLink(ctx context.Context) (*link, error) {
	for {
		patience, first := r.patience()
		timer := time.NewTimer(max(patience, 0))
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
		case <-timer.C:
		}
		if again, still := r.patience(); first && (!still || again > 0) {
			continue // somebody came in time, and a person there is reading
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

// patience is how long the next connection is waited for, and whether it is the
// first one.
func (r *receiver) patience() (d time.Duration, first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.awaited:
		return r.opts.Timing.Person, false
	case r.receipt != nil:
		return r.opts.Timing.Linger, false
	case r.session != nil:
		return r.opts.Timing.Reconnect, false
	}
	d = time.Until(r.offer.Offer().Expiry)
	if d <= 0 && len(r.reading) > 0 {
		d += pairing.ConsentTime
	}
	return d, true
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
