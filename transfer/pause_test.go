package transfer_test

import (
	"context"
	"errors"
	"iter"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// pauseAt is when the sides of a pausingRun pause: in the middle of its data.
const pauseAt = 10 * time.Second

// A pausingRun is a transfer of half a minute, one side of which is paused in the
// middle of it.
type pausingRun struct {
	*run
	paused *transfer.Pauser
	within time.Duration // Pause has to have spoken
	told   error         // by it

	mu    sync.Mutex
	open  []wire.Conn
	wrote [2]time.Time // when either side wrote last: sender, receiver
	words [2]int       // how often
	cut   bool         // the network is down
}

// newPausingRun pauses the sender or the receiver for that long.
func newPausingRun(t *testing.T, sender bool, long time.Duration, meanwhile func(*pausingRun)) *pausingRun {
	r := &pausingRun{run: newRun(t, newSource(7, 2, 15, 50_000, 100_000)), paused: new(transfer.Pauser)}
	r.sink.slow, r.within = time.Second, 5*time.Second
	if r.receivePause = r.paused; sender {
		r.sendPause, r.receivePause = r.paused, nil
	}
	n := 0
	r.network.wrap = func(c wire.Conn) wire.Conn {
		r.mu.Lock()
		defer r.mu.Unlock()
		side := n % 2
		n++
		r.open = append(r.open, c)
		return &timedConn{c, func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.wrote[side] = time.Now()
			r.words[side]++
		}}
	}
	r.network.down = func(int) bool { r.mu.Lock(); defer r.mu.Unlock(); return r.cut }
	r.people.onCode = func() {
		time.AfterFunc(pauseAt, func() {
			ctx, cancel := context.WithTimeout(t.Context(), r.within)
			defer cancel()
			r.told = r.paused.Pause(ctx)
			if meanwhile != nil {
				meanwhile(r)
			}
			time.AfterFunc(long, r.paused.Resume)
		})
	}
	return r
}

// fall closes all connections; there are no others before up.
func (r *pausingRun) fall() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut = true
	for _, c := range r.open {
		c.Close()
	}
}

func (r *pausingRun) up() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut = false
}

// A timedConn tells of each write.
type timedConn struct {
	wire.Conn
	wrote func()
}

func (c *timedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.wrote()
	return n, err
}

func (c *timedConn) CloseWrite() error { return c.Conn.(wire.CloseWriter).CloseWrite() }

// both runs a test with the old device paused, and with the new one.
func both(t *testing.T, f func(t *testing.T, sender bool)) {
	for _, side := range []struct {
		name   string
		sender bool
	}{{"sender", true}, {"receiver", false}} {
		t.Run(side.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, side.sender) })
		})
	}
}

// One side is paused for three hours in the middle of the data: nothing is lost, the
// paused one says nothing, and the other one tells its person once.
func TestPausedForHours(t *testing.T) {
	both(t, func(t *testing.T, sender bool) {
		const long = 3 * time.Hour
		var begun time.Time
		r := newPausingRun(t, sender, long, func(r *pausingRun) {
			begun = time.Now()
			r.mu.Lock()
			r.words = [2]int{}
			r.mu.Unlock()
			time.AfterFunc(long-time.Second, func() {
				r.mu.Lock()
				defer r.mu.Unlock()
				paused, awake := 1, 0
				if sender {
					paused, awake = 0, 1
				}
				if r.words[paused] != 0 {
					t.Errorf("the paused side wrote %v into its pause", r.wrote[paused].Sub(begun))
				}
				// One a minute, after what there was still to say; none into a full pipe.
				if n := r.words[awake]; n > 180+10 || sender && n < 178 {
					t.Errorf("the side that is awake wrote %d times", n)
				}
			})
		})
		r.do(t)
		r.succeeded(t)
		if r.told != nil || r.sent.Reconnects+r.received.Reconnects != 0 || r.network.dialed != 1 {
			t.Errorf("%v, %d dialed, reconnects %d and %d", r.told, r.network.dialed, r.sent.Reconnects, r.received.Reconnects)
		}
		if r.sendDone < long || r.sendDone > long+time.Minute {
			t.Errorf("took %v", r.sendDone)
		}
		late, other, progress, at := r.sendLate, r.receiveLate, r.progress, r.reportedAt
		if sender {
			late, other, progress, at = other, late, r.arrived, r.arrivedAt
		}
		if len(late) != 1 || len(other) != 0 || !late[0].Paused || late[0].Cause != nil {
			t.Errorf("told %v and %v", late, other)
		}
		if left := late[0].Until.Sub(begun); left > 24*time.Hour || left < 23*time.Hour {
			t.Errorf("waits for another %v", left)
		}
		for i, p := range progress {
			if at[i] > pauseAt+2*time.Second && at[i] < long {
				t.Errorf("progress during the pause: %+v", p)
			}
		}
		for _, p := range append(r.progress, r.arrived...) {
			if p.Elapsed > time.Minute {
				t.Errorf("the pause counts as time: %+v", p)
			}
		}
	})
}

// The same with a connection that is lost in the pause, and for long there is no other:
// the side that is awake waits for the paused one, not for Timing.Reconnect, and does
// not try more often than it has to.
func TestPausedAndCut(t *testing.T) {
	both(t, func(t *testing.T, sender bool) { testPausedAndCut(t, sender, nil) })
	// Both wait for the person at the new device.
	both(t, func(t *testing.T, sender bool) { testPausedAndCut(t, sender, &lateTyper{after: 4 * time.Minute}) })
}

func testPausedAndCut(t *testing.T, sender bool, typer *lateTyper) {
	const long = 3 * time.Hour
	begun := time.Now()
	r := newPausingRun(t, sender, long, func(r *pausingRun) {
		time.AfterFunc(time.Minute, r.fall)
		time.AfterFunc(long+time.Second, r.up)
	})
	if typer != nil {
		typer.people, r.prompter = r.people, typer
	}
	r.do(t)
	r.succeeded(t)
	if r.sent.Reconnects != 1 || r.received.Reconnects != 1 {
		t.Errorf("reconnects %d and %d", r.sent.Reconnects, r.received.Reconnects)
	}
	if most := int(long/(30*time.Second)) + 20; r.network.dialed > most {
		t.Errorf("dialed %d times", r.network.dialed)
	}
	if r.sendDone > long+6*time.Minute {
		t.Errorf("took %v", r.sendDone)
	}
	late := r.receiveLate
	if sender {
		late = r.sendLate
	}
	for _, i := range late {
		if i.Until.Before(begun.Add(long)) {
			t.Errorf("told in its own pause: %+v", i)
		}
	}
}

// Nothing is reported while the receiver is paused that has all of it already.
func TestSilentWhilePaused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newPausingRun(t, false, time.Hour, nil)
		r.source = newSource(7, 1, 30, 1_000, 0)
		r.do(t)
		r.succeeded(t)
		for i, p := range r.progress {
			if at := r.reportedAt[i]; at > pauseAt+2*time.Second && at < time.Hour {
				t.Fatalf("progress during the pause: %+v", p)
			}
		}
	})
}

// A pause that outlasts the lifetime ends the transfer on both sides, and nothing of
// it is kept; with a connection and without one.
func TestPausedPastLifetime(t *testing.T) {
	for _, cut := range []bool{false, true} {
		both(t, func(t *testing.T, sender bool) {
			const life = time.Hour
			r := newPausingRun(t, sender, life+time.Minute, func(r *pausingRun) {
				if cut {
					time.AfterFunc(time.Minute, r.fall)
				}
			})
			r.timing = transfer.Timing{Lifetime: life}
			send, receive := new(countedState), new(countedState)
			r.sendState, r.receiveState = send, receive
			r.do(t)
			awake, done, asleep := r.sendErr, r.sendDone, r.receiveErr
			if sender {
				awake, done, asleep = asleep, r.recvDone, awake
			}
			if transfer.CodeOf(awake) != wire.CodeExpired || !errors.Is(awake, transfer.ErrOver) || asleep == nil {
				t.Errorf("awake: %v\npaused: %v", awake, asleep)
			}
			if done < life || done > life+time.Minute {
				t.Errorf("gave up after %v", done)
			}
			if send.kept || receive.kept || send.saved == 0 || receive.saved == 0 || r.sink.commits > 0 {
				t.Errorf("kept %v and %v, %d commits", send, receive, r.sink.commits)
			}
		})
	}
}

// An hour passes before the digits are typed, longer than a person has for it, and
// one side is paused for most of it; the offer is over its lifetime by then.
func TestPausedBeforeReady(t *testing.T) {
	both(t, func(t *testing.T, sender bool) {
		r := newRun(t, newSource(7, 1, 2, 1_000, 0))
		p := new(transfer.Pauser)
		if r.receivePause = p; sender {
			r.sendPause, r.receivePause = p, nil
		}
		begun := time.Now()
		typed := time.Hour
		if sender {
			typed = 4 * time.Minute // the new device's person has no reason to wait
		}
		r.prompter = &lateTyper{r.people, typed}
		wrote := map[wire.Conn]time.Time{}
		var mu sync.Mutex
		r.network.wrap = func(c wire.Conn) wire.Conn {
			return &timedConn{c, func() { mu.Lock(); defer mu.Unlock(); wrote[c] = time.Now() }}
		}
		r.people.onCode = func() {
			time.AfterFunc(time.Minute, func() {
				if err := p.Pause(t.Context()); err != nil {
					t.Error(err)
				}
				const long = 58*time.Minute + 1234*time.Millisecond // at no tick of anything
				time.AfterFunc(long, p.Resume)
				time.AfterFunc(long+time.Millisecond, func() {
					mu.Lock()
					defer mu.Unlock()
					for _, at := range wrote {
						if time.Since(at) <= time.Millisecond {
							return
						}
					}
					t.Error("nothing was said at the end of the pause")
				})
			})
		}
		r.do(t)
		r.succeeded(t)
		if took := time.Since(begun); r.sent.Reconnects != 0 || took < 59*time.Minute {
			t.Errorf("%d reconnects, took %v", r.sent.Reconnects, took)
		}
	})
}

// A lateTyper types the digits so long after he was asked.
type lateTyper struct {
	*people
	after time.Duration
}

func (p *lateTyper) AskCheckCode(ctx context.Context, i segment.TransferInfo, tries int) (string, error) {
	select {
	case <-time.After(p.after):
		return p.people.AskCheckCode(ctx, i, tries)
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// A pause that begins when there is no connection: no other one is opened in it, and
// the time to find one begins anew after it. The other side was not told, and has
// hours of patience here.
func TestPausedBetweenConnections(t *testing.T) {
	both(t, func(t *testing.T, sender bool) {
		const long = time.Hour
		r := newPausingRun(t, sender, long, nil)
		r.timing.Reconnect = 2 * time.Minute
		dialed := 0
		inner := r.people.onCode
		r.people.onCode = func() {
			inner()
			time.AfterFunc(pauseAt-time.Second, r.fall)
			time.AfterFunc(pauseAt+time.Second, func() { r.network.mu.Lock(); dialed = r.network.dialed; r.network.mu.Unlock() })
			time.AfterFunc(pauseAt+long-time.Second, func() {
				r.network.mu.Lock()
				defer r.network.mu.Unlock()
				if sender && r.network.dialed != dialed {
					t.Errorf("dialed %d times in the pause", r.network.dialed-dialed)
				}
			})
			time.AfterFunc(pauseAt+long+90*time.Second, r.up)
		}
		r.do(t)
		// Who was not told gave up; the paused one did not before its time.
		paused, done, awake := r.receiveErr, r.recvDone, r.sendErr
		if sender {
			paused, done, awake = r.sendErr, r.sendDone, r.receiveErr
		}
		if transfer.CodeOf(awake) != wire.CodeTimeout || transfer.CodeOf(paused) != wire.CodeTimeout {
			t.Errorf("awake: %v\npaused: %v", awake, paused)
		}
		if over := done - pauseAt - long; over < 100*time.Second || over > 3*time.Minute {
			t.Errorf("gave up %v after the pause", over)
		}
	})
}

// A side that pauses and goes on at once, again and again, loses nothing; the other
// one has nothing to tell.
func TestPausedForMoments(t *testing.T) {
	both(t, func(t *testing.T, sender bool) {
		r := newPausingRun(t, sender, 0, func(r *pausingRun) {
			for n := range 200 {
				r.paused.Resume()
				if err := r.paused.Pause(t.Context()); err != nil {
					t.Errorf("pause %d: %v", n, err)
				}
			}
		})
		r.do(t)
		r.succeeded(t)
		if r.told != nil || r.sent.Reconnects != 0 || len(r.sendLate)+len(r.receiveLate) > 0 {
			t.Errorf("%v, %d reconnects, told %v %v", r.told, r.sent.Reconnects, r.sendLate, r.receiveLate)
		}
	})
}

// Both sides are paused, and go on one after the other.
func TestBothPaused(t *testing.T) {
	both(t, func(t *testing.T, first bool) {
		r := newPausingRun(t, true, 2*time.Hour, nil)
		if !first {
			r = newPausingRun(t, true, 20*time.Minute, nil)
		}
		r.receivePause = new(transfer.Pauser)
		inner := r.people.onCode
		r.people.onCode = func() {
			inner()
			time.AfterFunc(pauseAt, func() {
				if err := r.receivePause.Pause(t.Context()); err != nil {
					t.Error(err)
				}
				time.AfterFunc(time.Hour, r.receivePause.Resume)
			})
		}
		r.do(t)
		r.succeeded(t)
		if r.sent.Reconnects != 0 {
			t.Errorf("%d reconnects", r.sent.Reconnects)
		}
	})
}

// Somebody stops one side while the old or the new device is paused, with a network
// that is full of data: it ends at once, whichever side it is.
func TestStoppedWhilePaused(t *testing.T) {
	for _, stopAwake := range []bool{true, false} {
		both(t, func(t *testing.T, sender bool) {
			r := newPausingRun(t, sender, time.Hour, nil)
			ctx, cancel := context.WithCancel(t.Context())
			if r.sendCtx = ctx; sender == stopAwake {
				r.sendCtx, r.receiveCtx = nil, ctx
			}
			var stopped time.Duration
			inner, begun := r.people.onCode, time.Now()
			r.people.onCode = func() {
				inner()
				time.AfterFunc(30*time.Minute, func() { stopped = time.Since(begun); cancel() })
			}
			r.do(t)
			err, done := r.sendErr, r.sendDone
			if r.receiveCtx == ctx {
				err, done = r.receiveErr, r.recvDone
			}
			if transfer.CodeOf(err) != wire.CodeCancelled || done > stopped+5*time.Second {
				t.Errorf("%v, %v after it was stopped", err, done-stopped)
			}
		})
	}
}

// The pause is the last word: another one right behind it is none, and before the old
// device has confirmed it may say nothing else.
func TestPauseOutOfPlace(t *testing.T) {
	t.Run("twice", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := startReceive(t, transfer.Timing{})
			l := r.pair()
			l.record(pause)
			l.record(pause)
			r.refused(wire.CodeProtocol)
			if r.took > time.Minute {
				t.Errorf("took %v", r.took)
			}
		})
	})
	t.Run("twice, to the old device", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := startSend(t, newSource(1, 1, 1, 100, 0), transfer.Timing{})
			l := s.pair()
			l.record(pause)
			l.record(pause)
			s.refused(wire.CodeProtocol)
		})
	})
	t.Run("before confirm", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := startReceive(t, transfer.Timing{Reconnect: time.Minute})
			l, s := greet(t, r.network, newSender(t, r.offer))
			l.request(s)
			l.record(pause)
			if kind, _ := l.read(); kind != 0 {
				t.Errorf("record %d", kind)
			}
			r.refused(wire.CodeTimeout) // a lost connection, whose peer is not waited for longer
			if r.took > 2*time.Minute {
				t.Errorf("took %v", r.took)
			}
		})
	})
}

// A peer that only ever pauses and lives is kept no longer than one that is paused
// once; and pauses do not stretch the time of one that only lives.
func TestPauseAgainAndAgain(t *testing.T) {
	for _, c := range []struct {
		name         string
		asleep, live time.Duration // by turns
		least, most  time.Duration
		code         wire.Code
	}{
		{"mostly paused", 5 * time.Second, 0, time.Hour, time.Hour + 2*time.Minute, wire.CodeExpired},
		{"mostly awake", time.Second, 10 * time.Second, 5 * time.Minute, 6 * time.Minute, wire.CodeTimeout},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := startReceive(t, transfer.Timing{Lifetime: time.Hour})
				l := r.pair()
				begun := time.Now()
				stop := make(chan struct{})
				defer close(stop)
				go func() {
					for l.record(pause) == nil {
						for _, d := range []time.Duration{c.asleep, c.live} {
							select {
							case <-time.After(d):
							case <-stop:
								return
							}
							l.record(keepAlive)
						}
					}
				}()
				r.wait(2 * time.Hour)
				if took := time.Since(begun); transfer.CodeOf(r.err) != c.code || took < c.least || took > c.most {
					t.Errorf("%v after %v", r.err, took)
				}
			})
		})
	}
}

// Pause does not wait for longer than it is allowed to, and says that the other device
// was not told; going on then costs nothing.
func TestPauseInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newPausingRun(t, true, time.Second, nil)
		r.sink.slow, r.within = 0, time.Second
		inner := r.network.wrap
		r.network.wrap = func(c wire.Conn) wire.Conn { return &slowConn{inner(c), 10_000} } // 6 s a chunk
		r.do(t)
		r.succeeded(t)
		if !errors.Is(r.told, context.DeadlineExceeded) || r.sent.Reconnects != 0 {
			t.Errorf("%v, %d reconnects", r.told, r.sent.Reconnects)
		}
	})
}

// A Pauser that serves no transfer, and one whose transfer is over.
func TestPauseOfNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(t, newSource(1, 1, 1, 100, 0))
		r.sendPause = new(transfer.Pauser)
		r.sendPause.Resume()
		if err := r.sendPause.Pause(t.Context()); err != nil {
			t.Error(err)
		}
		time.AfterFunc(time.Hour, r.sendPause.Resume)
		r.do(t)
		r.succeeded(t)
		if r.sendDone < time.Hour {
			t.Errorf("took %v with a pause of an hour from before its beginning", r.sendDone)
		}
		if err := r.sendPause.Pause(t.Context()); err != nil {
			t.Error(err)
		}
		r.sendPause.Resume()
	})
}

// A stuckConn takes nothing any more from a moment on, as when the buffers on the way
// to a paused device are full.
type stuckConn struct {
	wire.Conn
	stuck *atomic.Bool
	full  net.Conn
}

func (c *stuckConn) Write(p []byte) (int, error) {
	if c.stuck.Load() {
		return c.full.Write(make([]byte, len(p)+1)) // one byte more than it takes
	}
	return c.Conn.Write(p)
}

func (c *stuckConn) SetWriteDeadline(at time.Time) error {
	c.full.SetWriteDeadline(at)
	return c.Conn.SetWriteDeadline(at)
}

func (c *stuckConn) SetDeadline(at time.Time) error {
	c.full.SetDeadline(at)
	return c.Conn.SetDeadline(at)
}

func (c *stuckConn) Close() error {
	c.full.Close()
	return c.Conn.Close()
}

// A brokenSource cannot be read, as it finds out after ten minutes.
type brokenSource struct{ *memorySource }

func (brokenSource) Manifest(context.Context, segment.Scope) iter.Seq2[*segment.Page, error] {
	return func(yield func(*segment.Page, error) bool) {
		time.Sleep(10 * time.Minute) // fake time
		yield(nil, errDisk)
	}
}

// The side that is awake fails, and the paused one cannot be told because nothing goes
// through: it ends all the same.
func TestFailWhilePeerPaused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(t, newSource(1, 1, 1, 100, 0))
		r.guess, r.receivePause = brokenSource{r.source}, new(transfer.Pauser)
		stuck := new(atomic.Bool)
		r.network.wrap = func(c wire.Conn) wire.Conn {
			full, _ := transfertest.PipeSize(1)
			return &stuckConn{c, stuck, full}
		}
		r.people.onCode = func() {
			time.AfterFunc(time.Minute, func() {
				if err := r.receivePause.Pause(t.Context()); err != nil {
					t.Error(err)
				}
				stuck.Store(true)
				time.AfterFunc(time.Hour, r.receivePause.Resume)
			})
		}
		r.do(t)
		if transfer.CodeOf(r.sendErr) != wire.CodeSource || r.sendDone > 11*time.Minute {
			t.Errorf("%v after %v", r.sendErr, r.sendDone)
		}
	})
}
