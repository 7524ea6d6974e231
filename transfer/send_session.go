package transfer

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// serve is steps 7 to 9 of security.md §3 on one connection: confirmation, check
// code, manifest and data, end, receipt. A *lost error means that another
// connection may go on.
func (s *sender) serve(run context.Context, l *link) (err error) {
	ctx, cancel := context.WithCancel(run)
	var wait sync.WaitGroup
	stop := context.AfterFunc(ctx, l.interrupt)
	in := newInbox()
	l.expires, l.paused = s.lives, s.peerPaused
	defer func() {
		s.opts.Pause.detach(l)
		if err != nil && run.Err() != nil {
			err = fail(wire.CodeCancelled, context.Cause(run))
		}
		l.end(err == nil || l.lastWord(err), func() { stop(); cancel() }, &wait)
	}()

	wait.Go(func() { in.run(ctx, l) })
	if err := s.keepPairing(ctx); err != nil {
		return err
	}
	if err := l.send(recordConfirm, nil); err != nil {
		return in.why(err, l)
	}
	wait.Go(func() { l.keepAlive(ctx) })
	s.opts.Pause.attach(ctx, l)
	if !s.shown && s.code != "" {
		if err := s.opts.Prompter.ShowCheckCode(ctx, s.code); err != nil {
			return fail(wire.CodeCancelled, err)
		}
		s.shown = true
	}
	// The receiver sends READY once the person there typed the code, or the
	// receipt when this transfer was over before the connection was lost.
	m, err := in.next(ctx)
	if err != nil {
		return err
	}
	if err := s.keepConfirmed(ctx, m.Type); err != nil {
		return err
	}
	if m.Type == recordReady {
		s.begin()
		if m, err = s.sendHistory(ctx, l, in); err != nil {
			return in.why(err, l)
		}
	}
	if m.Type != recordReceipt {
		return failf(wire.CodeProtocol, "unexpected control record %d", m.Type)
	}
	if err := s.checkReceipt(m.Body); err != nil {
		return err
	}
	// The transfer is a success from here on; the word to the peer only spares
	// it the wait. With it the peer forgets, so that this side must not need it.
	s.result.State = s.keep.save(ctx, func(c *Checkpoint) { c.End, c.Receipt = s.ended, bytes.Clone(m.Body) })
	if s.result.State != nil {
		return nil
	}
	_ = l.send(recordBye, nil)
	return nil
}

// checkReceipt opens the receipt and compares it with our latest end.
func (s *sender) checkReceipt(body []byte) error {
	rec, err := openReceipt(s.session.Suite(), s.session.Resumption(), s.session.TransferID(), body)
	if err != nil {
		return err
	}
	l := &rec.end.Ledger
	switch err := l.Balanced(); {
	case s.ended == nil || rec.end.Root != s.ended.Root:
		return failf(wire.CodeVerification, "the receipt is for another history")
	case err != nil:
		return fail(wire.CodeVerification, err)
	case l.Source != s.ended.Ledger.Source || l.Attachments != s.ended.Ledger.Attachments:
		return failf(wire.CodeVerification, "the ledgers of the two devices differ")
	}
	s.result.Root, s.result.Ledger = rec.end.Root, *l
	return nil
}

// summaryOf is what M2 tells the receiver of the consented history.
func summaryOf(o *segment.Overview, intent pairing.Intent, label string) pairing.Summary {
	sum := pairing.Summary{
		Intent: intent, Label: label,
		Messages: o.Messages, Attachments: o.Attachments, Bytes: o.Bytes,
		RoomsTotal: uint64(len(o.Rooms)),
	}
	for _, room := range o.Rooms[:min(len(o.Rooms), pairing.MaxRooms)] {
		sum.Rooms = append(sum.Rooms, pairing.RoomCount{
			ID: room.ID, Name: room.Name, Messages: room.Messages, First: room.First, Last: room.Last,
		})
	}
	return sum
}

// An inbox reads what the receiver says while the sender sends. Reports of what
// is staged are only counted; answers and the receipt are handed over.
type inbox struct {
	messages chan message // bodies are copies
	closed   chan struct{}
	err      error // set before closed is closed

	mu     sync.Mutex
	staged staged
	sent   staged // what the receiver may at most have staged
}

// answersAhead is how many messages the receiver may be ahead: an answer a page
// in flight, and the receipt.
const answersAhead = pagesInFlight + 1

func newInbox() *inbox {
	return &inbox{messages: make(chan message, answersAhead), closed: make(chan struct{})}
}

// run reads until the connection is lost or ctx ends. A lost connection is closed,
// so that a write that is blocked ends too; otherwise a last word may follow.
func (in *inbox) run(ctx context.Context, l *link) {
	defer func() {
		close(in.closed)
		if e, ok := errors.AsType[*Error](in.err); (isLost(in.err) || ok && e.Peer) && !l.over.Load() {
			l.conn.Close()
		}
	}()
	for {
		m, err := l.next()
		if err == nil && m.Type == recordStaged {
			var st staged
			if st, err = parseStaged(m.Body); err == nil {
				err = in.report(st)
			}
			if err == nil {
				continue
			}
		}
		if err != nil {
			in.err = err
			return
		}
		m.Body = append([]byte(nil), m.Body...)
		select {
		case in.messages <- m:
		case <-ctx.Done():
			in.err = &lost{ctx.Err()}
			return
		}
	}
}

// sending notes what is sent next.
func (in *inbox) sending(n staged) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.sent.units += n.units
	in.sent.bytes += n.bytes
	in.sent.messages += n.messages
}

// report takes what the receiver says of what it has: something new each time,
// and no more than was sent.
func (in *inbox) report(st staged) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	old, most := in.staged, in.sent
	if st == old || st.units < old.units || st.bytes < old.bytes || st.messages < old.messages ||
		st.units > most.units || st.bytes > most.bytes || st.messages > most.messages {
		return failf(wire.CodeProtocol, "the receiver reports what it cannot have")
	}
	in.staged = st
	return nil
}

// allStaged tells whether the receiver has all that was sent.
func (in *inbox) allStaged() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.staged == in.sent
}

func (in *inbox) progress() staged {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.staged
}

// over reports whether nothing more will come.
func (in *inbox) over() bool {
	select {
	case <-in.closed:
		return true
	default:
		return false
	}
}

// poll returns the next message if it is there.
func (in *inbox) poll() (message, bool) {
	select {
	case m := <-in.messages:
		return m, true
	default:
		return message{}, false
	}
}

// next returns the next message, or why there is none.
func (in *inbox) next(ctx context.Context) (message, error) {
	if m, ok := in.poll(); ok {
		return m, nil
	}
	select {
	case m := <-in.messages:
		return m, nil
	case <-in.closed:
		return message{}, in.err
	case <-ctx.Done():
		return message{}, &lost{ctx.Err()}
	}
}

// why prefers what the peer said, or what was found wrong with its words, to the
// failed write that followed from it. It waits for the last words no longer than
// for any other word, and past those that nobody waits for any more.
func (in *inbox) why(err error, l *link) error {
	if !isLost(err) {
		return err
	}
	patience := time.AfterFunc(l.timing.Peer, l.interrupt)
	for open := true; open; {
		select {
		case <-in.messages:
		case <-in.closed:
			open = false
		}
	}
	if quiet := patience.Stop(); in.err != nil && (quiet || !isLost(in.err)) {
		return in.err // a write fails because the reader has closed the connection
	}
	return err // and the reader ended because it was called off
}
