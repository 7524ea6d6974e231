package transfer

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// serve is steps 7 to 9 of security.md §3 on one connection: confirmation, check
// code, manifest and data, end, commit, receipt. A *lost error means that another
// connection may go on.
func (r *receiver) serve(run context.Context, l *link) (err error) {
	ctx, cancel := context.WithCancel(run)
	r.serving(cancel)
	var wait sync.WaitGroup
	stop := context.AfterFunc(ctx, l.interrupt)
	l.expires, l.paused = r.lives, r.peerPaused
	heard := false // the peer: before that, nothing may be said under these keys
	defer func() {
		r.opts.Pause.detach(l)
		switch {
		case err == nil:
		case run.Err() != nil:
			err = fail(wire.CodeCancelled, context.Cause(run))
		case ctx.Err() != nil && CodeOf(err) == wire.CodeStorage:
			// The sink was called off because the sender has come anew.
			err = &lost{err}
		}
		l.end(heard && err != nil && l.lastWord(err), func() { stop(); cancel() }, &wait)
	}()

	// The peer speaks first: only then is it certain that it has our M3, and that
	// these keys are used once.
	m, err := l.next()
	if err != nil {
		r.moved() // the peer may look for us elsewhere now
		return unconfirmed(err)
	} else if m.Type != recordConfirm {
		return failf(wire.CodeProtocol, "no confirmation")
	}
	heard = true
	r.confirm()
	r.told = false
	r.connected(r.verified())
	l.admitData()
	wait.Go(func() { l.keepAlive(ctx) })
	r.opts.Pause.attach(ctx, l)

	if r.receipt != nil {
		return r.giveReceipt(l)
	}
	r.askOnce(run)
	if m, err = r.awaitCode(ctx, l, &wait); err != nil {
		return err
	}
	return r.receiveHistory(ctx, l, m)
}

// connected tells the host of a connection, and once that it is verified.
func (r *receiver) connected(verified bool) {
	if r.opts.Connected != nil && !(verified && r.told) {
		r.told = verified
		r.opts.Connected(Connection{Peer: r.result.Peer, Identity: r.identity, Verified: verified})
	}
}

// verified tells whether the check code has matched.
func (r *receiver) verified() bool {
	select {
	case <-r.confirmed:
		return true
	default:
		return false
	}
}

// serving says how the connection that is served is called off, for a newer one.
func (r *receiver) serving(cancel context.CancelFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cancelLink = cancel
	if len(r.links) > 0 {
		cancel() // it has come already
	}
}

// unconfirmed makes of what went wrong before the peer's first record a lost
// connection: whoever repeats a recorded handshake gets so far, and may not end
// the transfer.
func unconfirmed(err error) error {
	if e, ok := errors.AsType[*Error](err); ok && e.Peer || isLost(err) {
		return err
	}
	return &lost{err}
}

// confirm remembers that the first connection's keys are in use, and that from
// now on the peer is found where a resume looks.
func (r *receiver) confirm() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.spoken {
		r.spoken = true
		r.moved()
	}
}

// awaitCode waits for the check code, sends READY when it matched, and returns the
// first message after that.
func (r *receiver) awaitCode(ctx context.Context, l *link, wait *sync.WaitGroup) (message, error) {
	type next struct {
		m   message
		err error
	}
	first := make(chan next, 1)
	wait.Go(func() {
		m, err := l.next()
		first <- next{m, err}
	})
	select {
	case n := <-first:
		if n.err == nil {
			n.err = failf(wire.CodeProtocol, "history before the check code matched")
		}
		return message{}, n.err
	case err := <-r.failed:
		return message{}, err
	case <-ctx.Done():
		return message{}, &lost{ctx.Err()}
	case <-r.confirmed:
	}
	r.connected(true)
	if !r.begun {
		if err := r.opts.Sink.Begin(ctx, r.info); err != nil {
			return message{}, fail(wire.CodeStorage, err)
		}
		r.begun, r.start = true, time.Now()
		r.meter.begin(r.opts.Pause)
	}
	if err := l.send(recordReady, nil); err != nil {
		return message{}, err
	}
	n := <-first // bounded by the link's own deadline
	return n.m, n.err
}

// askOnce asks for the check code, once for all connections, until it matches or
// the tries are used up.
func (r *receiver) askOnce(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asked {
		return
	}
	r.asked = true
	session, info := r.session, r.info
	r.wait.Go(func() {
		ctx, cancel := r.opts.Pause.timeout(ctx, r.opts.Timing.Person)
		defer cancel()
		if err := r.ask(ctx, session, info); err != nil {
			select {
			case r.failed <- err:
			default:
			}
			return
		}
		if err := r.keepPairing(ctx, session); err != nil {
			select {
			case r.failed <- err:
			default:
			}
			return
		}
		r.shut()
		close(r.confirmed)
	})
}

func (r *receiver) ask(ctx context.Context, session *pairing.Session, info segment.TransferInfo) error {
	if r.opts.Offer.NoCode {
		if err := r.offer.Confirm(session); err != nil {
			return fail(wire.CodeInternal, err)
		}
		return nil
	}
	tries := pairing.CheckCodeTries
	for {
		typed, err := r.opts.Prompter.AskCheckCode(ctx, info, tries)
		if err != nil && ctx.Err() != nil {
			return failf(wire.CodeTimeout, "nobody typed the check code")
		} else if err != nil {
			return fail(wire.CodeCancelled, err)
		}
		err = r.offer.TryCode(session, typed)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, pairing.ErrCodeFormat) && ctx.Err() == nil:
		case errors.Is(err, pairing.ErrCodeFormat):
			return failf(wire.CodeTimeout, "nobody typed the check code")
		case errors.Is(err, pairing.ErrWrongCode):
			tries--
		default:
			return fail(wire.CodeTooManyTries, err)
		}
	}
}

// receiveHistory takes pages and data until the end, commits, and gives the
// receipt.
func (r *receiver) receiveHistory(ctx context.Context, l *link, m message) (err error) {
	in := &inbound{
		sink: r.opts.Sink, meter: r.meter, counted: r.counted, fetched: r.fetched,
		account: newAccount(r.info.ID),
	}
	defer func() { err = errors.Join(err, in.close()) }()
	r.meter.expect(r.info.Messages, r.info.Bytes)
	r.meter.again()
	streamEnded := false
	var buf []byte
	for {
		switch m.Type {
		case recordData:
			if len(m.Body) == 0 && !m.Last {
				return failf(wire.CodeProtocol, "empty chunk that is not the last")
			}
			if err := in.chunk(ctx, m.Body); err != nil {
				return err
			}
			streamEnded = m.Last
			r.keep.progress(ctx, r.meter.p)
			if st, ok := in.report(); ok {
				buf = st.append(buf[:0])
				if err := l.send(recordStaged, buf); err != nil {
					return err
				}
			}
		case recordPage:
			if buf, err = r.answer(ctx, in, m.Body, buf[:0]); err != nil {
				return err
			}
			if err := l.send(recordAnswer, buf); err != nil {
				return err
			}
		case recordEnd:
			end, err := segment.ParseEnd(m.Body)
			if err != nil {
				return fail(wire.CodeProtocol, err)
			}
			if err := in.finish(end, streamEnded); err != nil {
				return err
			}
			r.meter.complete()
			r.meter.storing()
			if err := r.commit(ctx, in, end.Root); err != nil {
				return err
			}
			return r.giveReceipt(l)
		default:
			return failf(wire.CodeProtocol, "unexpected control record %d", m.Type)
		}
		if m, err = l.next(); err != nil {
			return err
		}
	}
}

// answer appends the answer to a page.
func (r *receiver) answer(ctx context.Context, in *inbound, body, buf []byte) ([]byte, error) {
	number := in.pages
	raw, err := numbered(body, number)
	if err != nil {
		return nil, err
	}
	page, err := segment.ParsePage(raw)
	if err != nil {
		return nil, fail(wire.CodeProtocol, err)
	}
	answer, err := in.page(ctx, page)
	if err != nil {
		return nil, err
	}
	buf = appendNumber(buf, number)
	return segment.AppendAnswer(buf, answer)
}

// commit makes the import final. The receipt is made before, so that nothing can
// fail after it; it counts, and goes out, only when the sink has committed.
func (r *receiver) commit(ctx context.Context, in *inbound, root [32]byte) error {
	end := segment.End{Root: root, Ledger: in.account.ledger}
	plain, err := receipt{r.info.ID, time.Now().UnixMilli(), end}.append(nil)
	if err != nil {
		return fail(wire.CodeInternal, err)
	}
	sealed, err := pairing.SealReceipt(r.session.Suite(), r.session.Resumption(), r.opts.Offer.Rand, plain)
	if err != nil {
		return fail(wire.CodeInternal, err)
	}
	// A commit that began is not cut off by a cancelled context: either it is
	// final and has a receipt, or it failed.
	if err := r.opts.Sink.Commit(context.WithoutCancel(ctx), end, sealed); err != nil {
		return fail(wire.CodeStorage, err)
	}
	r.receipt = sealed
	r.result.Root, r.result.Ledger = end.Root, end.Ledger
	r.result.State = r.keepReceipt(ctx)
	return nil
}

// giveReceipt sends the receipt and waits for the old device to say that it has
// it. Without that word the connection counts as lost, so that the receipt can
// be given again.
func (r *receiver) giveReceipt(l *link) error {
	if err := l.send(recordReceipt, r.receipt); err != nil {
		return err
	}
	m, err := l.next()
	if err == nil && m.Type != recordBye {
		return failf(wire.CodeProtocol, "unexpected control record %d", m.Type)
	}
	return err
}
