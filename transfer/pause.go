package transfer

import (
	"context"
	"sync"
	"time"
)

// A Pauser tells the other device that the system is about to freeze this one's
// program, as phones do with an app in the background. The other device then waits,
// as long as the transfer lives, whatever becomes of the connection; without that
// word a program that freezes is a peer that is gone.
//
// The zero value is ready. One Pauser serves one Send or Receive.
type Pauser struct {
	calls sync.Mutex // one at a time speaks

	mu      sync.Mutex
	paused  bool
	since   time.Time     // if paused
	slept   time.Duration // in the pauses before
	changed chan struct{} // closed when paused changes
	link    *link         // that is served, if any
	attempt context.CancelFunc
}

// Pause says on the connection, if there is one, that nothing will be said until
// Resume, and sees to that: nothing is sent, no connection is opened, and no deadline
// of this side passes. It returns nil when that was said or when nobody is there to
// hear it; and an error when ctx ended before it could be said, or the connection is
// lost: then the other device does not know, and the pause holds on this side only.
func (p *Pauser) Pause(ctx context.Context) error {
	p.calls.Lock()
	defer p.calls.Unlock()
	l := p.begin()
	if l == nil {
		return nil
	}
	return l.pause(ctx, p.isPaused)
}

// Resume goes on, and says so. Without a Pause before it does nothing.
func (p *Pauser) Resume() {
	p.calls.Lock()
	defer p.calls.Unlock()
	if l := p.end(); l != nil {
		l.letGo()
	}
}

func (p *Pauser) begin() *link {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.paused {
		p.paused, p.since = true, time.Now()
		p.change()
	}
	if p.attempt != nil {
		p.attempt()
	}
	return p.link
}

func (p *Pauser) end() *link {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.paused {
		p.paused = false
		p.slept += time.Since(p.since)
		p.change()
	}
	return p.link
}

// change wakes who waits in state. The caller holds mu.
func (p *Pauser) change() {
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
}

func (p *Pauser) isPaused() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.paused
}

// state tells whether this side is paused, and when that changes.
func (p *Pauser) state() (paused bool, changed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.changed == nil {
		p.changed = make(chan struct{})
	}
	return p.paused, p.changed
}

// awake waits for the end of a pause, or of ctx.
func (p *Pauser) awake(ctx context.Context) {
	for {
		paused, changed := p.state()
		if !paused {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// attach makes l the connection on which a pause is said, at once if there is one.
func (p *Pauser) attach(ctx context.Context, l *link) {
	p.calls.Lock()
	defer p.calls.Unlock()
	p.mu.Lock()
	p.link = l
	paused := p.paused
	p.mu.Unlock()
	if paused {
		_ = l.pause(ctx, p.isPaused) // what is wrong with l shows when it is used
	}
}

// detach ends that. What l still has to say it may say.
func (p *Pauser) detach(l *link) {
	p.mu.Lock()
	if p.link == l {
		p.link = nil
	}
	p.mu.Unlock()
	l.letGo()
}

// untilPause is a context that ends with the next pause, too.
func (p *Pauser) untilPause(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.attempt = cancel
	if p.paused {
		cancel()
	}
	return ctx, cancel
}

// A clock runs while its side is not paused.
type clock struct {
	p     *Pauser
	begun time.Time
	slept time.Duration // before
}

func (p *Pauser) clock() clock {
	p.mu.Lock()
	defer p.mu.Unlock()
	return clock{p, time.Now(), p.sleptNow()}
}

// sleptNow is how long this side has been paused in all. The caller holds mu.
func (p *Pauser) sleptNow() time.Duration {
	if p.paused {
		return p.slept + time.Since(p.since)
	}
	return p.slept
}

// after is when d will have passed, if there is no further pause.
func (c clock) after(d time.Duration) time.Time {
	c.p.mu.Lock()
	defer c.p.mu.Unlock()
	return c.begun.Add(d + c.p.sleptNow() - c.slept)
}

// passed is how long it has run.
func (c clock) passed() time.Duration {
	c.p.mu.Lock()
	defer c.p.mu.Unlock()
	return time.Since(c.begun) - (c.p.sleptNow() - c.slept)
}

// timeout is context.WithTimeout by a clock.
func (p *Pauser) timeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	c := p.clock()
	var check func()
	check = func() {
		left := time.Until(c.after(d))
		if p.isPaused() {
			left = d // a look now and then
		}
		if left <= 0 {
			cancel()
		} else if ctx.Err() == nil {
			time.AfterFunc(left, check)
		}
	}
	first := time.AfterFunc(d, check)
	return ctx, func() { first.Stop(); cancel() }
}
