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

// Receive makes an offer, shows it, waits for the old device, and imports what it
// sends into the sink. It returns without an error only when the import is
// committed. It waits for everything that it started before it returns.
//
// The connections of strangers, and of peers that do not know the pairing
// secret, are closed without a word and change nothing.
//
// With a State, another Receive can go on when this one did not end so, see
// ReceiveOptions.Resume: also after the process was killed.
func Receive(ctx context.Context, opts ReceiveOptions) (*Result, error) {
	opts.Timing = opts.Timing.withDefaults()
	if opts.Pause == nil {
		opts.Pause = new(Pauser)
	}
	r := &receiver{
		opts:      opts,
		keep:      keeper{state: opts.State},
		links:     make(chan *link, 1),
		confirmed: make(chan struct{}),
		failed:    make(chan error, 1),
		places:    make(chan struct{}, maxHandshakes),
		meter:     newMeter(opts.Progress),
		counted:   make(map[segment.ID]segment.Ledger),
		fetched:   make(map[attachmentKey]segment.Reason),
		reading:   make(map[*counted]bool),
	}
	defer r.erase()
	begin := r.makeOffer
	if opts.Resume != nil {
		begin = r.restore
	}
	if err := begin(ctx); err != nil {
		return nil, err
	}
	return r.receive(ctx)
}

// makeOffer begins a transfer.
func (r *receiver) makeOffer(ctx context.Context) (err error) {
	if r.offer, err = pairing.NewReceiver(r.opts.Offer); err != nil {
		return fail(wire.CodeInternal, err)
	}
	r.intent = r.offer.Offer().Intent
	if err := r.opts.Prompter.ShowOffer(ctx, r.offer.Offer()); err != nil {
		return fail(wire.CodeInternal, err)
	}
	return nil
}

// receive runs the acceptors and the transfer, and waits for them.
func (r *receiver) receive(ctx context.Context) (*Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	paired, moved := context.WithCancel(ctx)
	r.moved = moved
	if r.spoken {
		moved() // a stored transfer is found where a resume looks
	}
	for _, a := range r.opts.Acceptors {
		r.wait.Go(func() { r.accept(ctx, paired, a) })
	}
	result, err := r.run(ctx)
	cancel(errors.New("transfer is over"))
	r.wait.Wait()
	if l := r.takeLink(); l != nil {
		l.conn.Close()
	}
	if err != nil && r.begun && r.receipt == nil {
		// The store says what the person has to know; its error adds nothing.
		_ = r.opts.Sink.Abort(context.WithoutCancel(ctx), err)
	}
	refused := err != nil && !r.begun && r.opts.Resume == nil && CodeOf(err) == wire.CodeStorage
	if refused || r.keep.over() {
		// Nobody comes, or may come, for it any more: an old device that is told before
		// READY that there is no place forgets too.
		if left := r.keep.forget(ctx); err != nil {
			err = errors.Join(err, left)
		} else {
			result.State = errors.Join(result.State, left)
		}
	}
	return result, err
}

// A receiver is one run of Receive.
type receiver struct {
	opts   ReceiveOptions
	offer  *pairing.Receiver // nil for a stored transfer
	intent pairing.Intent
	keep   keeper
	wait   sync.WaitGroup

	links     chan *link    // connections whose handshake is done; the newest replaces
	confirmed chan struct{} // closed once the check code matched
	failed    chan error    // what ends the transfer from another goroutine
	places    chan struct{} // handshakes under way

	mu         sync.Mutex
	session    *pairing.Session // of the first connection
	keys       *keys            // of the first connection
	info       segment.TransferInfo
	identity   pairing.Identity // of the sender
	resumption *pairing.Receiver
	spoken     bool   // the peer has confirmed the first connection: no repetition any more
	accepted   uint32 // number of the last connection whose request was accepted
	newest     uint32 // number of the last connection that was handed to run
	awaited    bool   // stored, and nobody has come in this run: a person may have to start the old device
	cancelLink context.CancelFunc
	asked      bool
	moved      context.CancelFunc // called when the peer may look for us elsewhere
	reading    map[*counted]bool  // wait for a person at their other end; nil when the code matched
	warned     sync.Once          // of another sender
	strange    sync.Once          // warned of one that is not trusted

	begun   bool
	told    bool      // that the connection is verified
	asleep  time.Time // the sender was paused when the last connection was lost: until when it is waited for
	start   time.Time
	meter   *meter
	counted map[segment.ID]segment.Ledger
	fetched map[attachmentKey]segment.Reason
	receipt []byte
	result  Result
}

// accept serves one acceptor until ctx ends. Each connection has its own
// goroutine; when all places are taken the next connection waits. When pairing
// ends the peer looks for us elsewhere on a relay, so an Accept that waits there
// is called off.
func (r *receiver) accept(ctx, pairing context.Context, a Acceptor) {
	pause := minBackoff
	for turn := 0; ctx.Err() == nil; turn++ {
		select {
		case r.places <- struct{}{}:
		case <-ctx.Done():
			return
		}
		meet, either := r.rendezvous(turn)
		during, cancel := context.WithCancel(ctx)
		if pairing.Err() == nil {
			during, cancel = context.WithCancel(pairing)
		} else if either {
			during, cancel = context.WithTimeout(ctx, eitherTime)
		}
		conn, err := a.Accept(during, meet)
		over := during.Err() != nil
		cancel()
		if err != nil {
			<-r.places
			if !over {
				sleep(ctx, pause)
				pause = min(2*pause, maxBackoff)
			}
			continue
		}
		pause = minBackoff
		r.wait.Go(func() {
			defer func() { <-r.places }()
			r.handshake(ctx, &counted{Conn: conn})
		})
	}
}

// run waits for connections and serves one after the other until the transfer is
// over.
func (r *receiver) run(ctx context.Context) (*Result, error) {
	var cause error // of the last connection's end
	for {
		l, err := r.replaceLink(ctx, cause)
		if err != nil && r.receipt != nil {
			// Committed, and nobody came back for the receipt.
			r.opts.Prompter.Warn(ctx, WarnReceipt)
			return r.finished(), nil
		} else if err != nil && ctx.Err() != nil {
			return nil, fail(wire.CodeCancelled, context.Cause(ctx))
		} else if err != nil {
			return nil, err
		}
		err = r.serve(ctx, l)
		r.result.Received += l.conn.read.Load()
		r.result.Sent += l.conn.written.Load()
		r.result.Version = l.version
		r.asleep = time.Time{}
		if l.asleep.Load() {
			r.asleep = l.lives()
		}
		switch {
		case err == nil:
			r.result.State = errors.Join(r.result.State, r.keep.forget(ctx)) // the sender needs us no more
			return r.finished(), nil
		case r.receipt != nil && (ctx.Err() != nil || !isLost(err)):
			// Committed, whatever the peer says or thinks of the receipt.
			r.opts.Prompter.Warn(ctx, WarnReceipt)
			return r.finished(), nil
		case ctx.Err() != nil:
			return nil, fail(wire.CodeCancelled, context.Cause(ctx))
		case !isLost(err):
			return nil, err
		}
		if r.result.Reconnects++; r.result.Reconnects > maxReconnects {
			return nil, failf(wire.CodeLimit, "more than %d connections", maxReconnects)
		}
		cause = err
	}
}

// rendezvous is where the peer looks for us on a relay. When the first connection
// was lost before the peer spoke it may have our M3, or not: then it is one place
// or the other, by turns.
func (r *receiver) rendezvous(turn int) (v wire.Rendezvous, either bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	either = r.session != nil && !r.spoken
	if r.spoken || either && turn%2 == 0 {
		return meet(r.session, pairing.RoleReceiver), either
	}
	return meet(r.offer.Offer(), pairing.RoleReceiver), either
}

// meet is where a party is found on a relay, by the offer or by the resumption
// secret.
func meet(by interface {
	Rendezvous(pairing.Role) (channel, token [16]byte)
}, side pairing.Role) wire.Rendezvous {
	v := wire.Rendezvous{Role: wire.Receiver}
	if side == pairing.RoleSender {
		v.Role = wire.Sender
	}
	v.Channel, v.Token = by.Rendezvous(side)
	return v
}

// erase drops the secrets of the transfer from memory.
func (r *receiver) erase() {
	r.keep.close()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.offer != nil {
		r.offer.Close()
	}
	if r.session != nil {
		r.session.Erase()
		r.resumption.Close()
	}
}

func (r *receiver) finished() *Result {
	if !r.start.IsZero() {
		r.result.Duration = time.Since(r.start)
	}
	r.meter.finish(&r.result.Ledger)
	return &r.result
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
