package transfer

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// pausing is what a link knows of the pauses of its two sides (wire-format,
// "Pauses").
type pausing struct {
	// Of this side. A pause keeps the turn to write.
	hold sync.Mutex
	held atomic.Bool
	woke atomic.Int64  // when the last one was over, after born
	wake chan struct{} // of one: keepAlive has to speak

	// Of the peer.
	asleep  atomic.Bool
	since   time.Time               // of asleep; the reader's
	told    func()                  // ends what paused began; the reader's
	paused  func(*link) (on func()) // tells that the peer is paused, and then that it goes on
	expires func() time.Time        // the end of the lifetime of the transfer
}

// lives is until when a paused peer is waited for.
func (l *link) lives() time.Time {
	if l.expires == nil {
		return l.born.Add(l.timing.Lifetime)
	}
	return l.expires()
}

// pause says that this side falls silent, and keeps the turn, unless it goes on by
// then.
func (l *link) pause(ctx context.Context, still func() bool) error {
	if l.held.Load() {
		return nil
	}
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	l.hold.Lock()
	defer l.hold.Unlock()
	if !still() || l.over.Load() || ctx.Err() != nil {
		<-l.turn
		return context.Cause(ctx)
	}
	stop := context.AfterFunc(ctx, func() { l.conn.SetWriteDeadline(time.Now()) })
	defer stop()
	var err error
	if l.quiet {
		err = l.sendNow(recordKeepAlive, nil) // a pause ends before another one begins
	}
	if err == nil {
		err = l.sendNow(recordPause, nil)
	}
	if err != nil {
		<-l.turn
		l.conn.Close() // half a frame may be on its way
		return err
	}
	l.held.Store(true)
	return nil
}

// letGo gives back the turn, if a pause keeps it, and speaks.
func (l *link) letGo() {
	l.hold.Lock()
	defer l.hold.Unlock()
	if !l.held.Load() {
		return
	}
	l.woke.Store(int64(time.Since(l.born)))
	l.move(nil)
	l.held.Store(false)
	<-l.turn
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// pausedLately tells whether this side was paused in the last Timing.Peer, so that
// the peer has had no reason to speak.
func (l *link) pausedLately() bool {
	woke := time.Duration(l.woke.Load())
	return l.held.Load() || woke > 0 && time.Since(l.born)-woke < l.timing.Peer
}

// peerPauses takes a pause of the peer. It is silent from there on, so that a second
// one in a row is none; and the old device confirms before it does anything else.
func (l *link) peerPauses() error {
	if l.asleep.Load() || l.opener != nil && l.received == 1 {
		return failf(wire.CodeProtocol, "pause out of place")
	}
	if !time.Now().Before(l.lives()) {
		return fail(wire.CodeExpired, ErrOver)
	}
	l.since = time.Now()
	l.asleep.Store(true)
	l.writeSoon() // also one that is blocked waits
	if l.paused != nil {
		l.told = l.paused(l)
	}
	return nil
}

// peerWoke ends a pause of the peer; the time of it does not count as idle.
func (l *link) peerWoke() {
	if !l.asleep.Load() {
		return
	}
	l.asleep.Store(false)
	now := time.Since(l.born)
	l.moved.Store(int64(min(now, time.Duration(l.moved.Load())+time.Since(l.since))))
	l.writeSoon()
	l.sleptOver()
}

func (l *link) sleptOver() {
	if l.told != nil {
		l.told()
		l.told = nil
	}
}
