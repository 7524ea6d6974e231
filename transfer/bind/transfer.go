package bind

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/host"
)

// A Listener is the app.
type Listener interface {
	// OnEvent takes one event, a JSON object without a line feed. It is called on a
	// thread of its own, one event at a time, in their order; the last one is "done". It
	// may call every method of the Transfer but Join.
	OnEvent(line string)
}

// A Transfer is one side of one transfer. Its methods may be called from any thread. One
// that is not of NewReceiver or NewSender, which other languages can make, does nothing.
type Transfer struct {
	conn   *host.Conn
	pause  transfer.Pauser
	marks  host.Marks
	events queue
	kept   func() bool // something is kept to go on with; of the goroutine that works
	cancel context.CancelCauseFunc
	begin  func()
	once   sync.Once
	told   chan struct{} // closed when the listener has had the last event

	mu   sync.RWMutex
	over bool // no more commands
}

// A work is what one side does.
type work func(ctx context.Context, t *Transfer) (*transfer.Result, error)

func newTransfer(do work, l Listener, options host.Options) *Transfer {
	ctx, cancel := context.WithCancelCause(context.Background())
	t := &Transfer{cancel: cancel, told: make(chan struct{}), kept: func() bool { return false }}
	t.events.more = make(chan struct{}, 1)
	options.Write, options.Cancel, options.Pause = t.events.put, cancel, &t.pause
	t.conn = host.New(options)
	t.begin = func() {
		go t.tell(l)
		go t.run(ctx, do)
	}
	return t
}

// Start begins, and returns at once. The transfer runs until the event done, which is
// always the last one, and exactly one. Further calls do nothing.
func (t *Transfer) Start() {
	if t.made() {
		t.once.Do(t.begin)
	}
}

func (t *Transfer) made() bool { return t != nil && t.begin != nil }

// Join waits until the listener has returned from the event done, at most that long, and
// tells whether it has; a negative time has no end. It is not called Wait, which every
// object of Java has.
func (t *Transfer) Join(milliseconds int64) bool {
	if !t.made() {
		return false
	}
	if milliseconds < 0 {
		<-t.told
		return true
	}
	// What is more than that overflows.
	late := time.NewTimer(time.Duration(min(milliseconds, int64(maxJoin/time.Millisecond))) * time.Millisecond)
	defer late.Stop()
	select {
	case <-t.told:
		return true
	case <-late.C:
	}
	select {
	case <-t.told: // first, also when there is no time
		return true
	default:
		return false
	}
}

// maxJoin is longer than a transfer lives.
const maxJoin = 30 * 24 * time.Hour

// Command takes a command of docs/subprocess.md, a JSON object, and returns at once. One
// that makes no sense is answered with the event warning; after done there is no answer.
func (t *Transfer) Command(line string) {
	if !t.made() {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			t.cancel(bug(v))
		}
	}()
	t.mu.RLock()
	defer t.mu.RUnlock()
	if !t.over {
		t.conn.Command([]byte(line))
	}
}

// Consent answers the event consent: all that was shown may be sent, or nothing. For
// less than all there is the command.
func (t *Transfer) Consent(ok bool) { t.command("consent", "ok", ok) }

// AllowRoute answers the event route.
func (t *Transfer) AllowRoute(ok bool) { t.command("route", "ok", ok) }

// CheckCode answers the event check_code of the new device with the digits that the
// person has read from the screen of the old one.
func (t *Transfer) CheckCode(digits string) { t.command("check_code", "code", digits) }

// Pause tells the other device that this app is about to be frozen; the event paused
// follows when it knows.
func (t *Transfer) Pause() { t.command("pause", "", nil) }

// Resume goes on after Pause.
func (t *Transfer) Resume() { t.command("resume", "", nil) }

// Cancel ends the transfer. What is kept of it stays: done says whether running the same
// again goes on with it.
func (t *Transfer) Cancel() { t.command("cancel", "", nil) }

func (t *Transfer) command(name, field string, value any) {
	c := map[string]any{"cmd": name}
	if field != "" {
		c[field] = value
	}
	line, err := json.Marshal(c)
	if err != nil {
		panic("bind: " + err.Error()) // a bool or a string
	}
	t.Command(string(line))
}

// run works until there is an end, and tells it.
func (t *Transfer) run(ctx context.Context, do work) {
	defer t.events.close()
	done := t.attempt(ctx, do)
	t.cancel(nil)
	t.mu.Lock()
	t.over = true
	t.mu.Unlock()
	t.conn.Close()
	_ = t.conn.Emit(done) // put does not fail
}

// attempt makes an end of whatever happens.
func (t *Transfer) attempt(ctx context.Context, do work) (done host.Done) {
	defer func() {
		if v := recover(); v != nil {
			done = t.doneOf(nil, bug(v))
		}
	}()
	result, err := do(ctx, t)
	if err != nil && ctx.Err() != nil && host.CodeOf(err) != host.CodeInterrupted {
		// It ended while something was opened, which does not know why.
		if _, ok := errorOf(err); !ok {
			err = context.Cause(ctx)
		}
	}
	return t.doneOf(result, err)
}

func (t *Transfer) doneOf(result *transfer.Result, err error) host.Done {
	done := host.DoneOf(result, err)
	done.Rooms, done.Resume = t.marks.List(), t.kept()
	return done
}

// tell gives the events to the listener, until there will be none.
func (t *Transfer) tell(l Listener) {
	defer close(t.told)
	for {
		line, ok := t.events.next()
		if !ok {
			return
		}
		t.give(l, line)
	}
}

// give survives a listener that does not: the transfer ends, and done is given.
func (t *Transfer) give(l Listener, line string) {
	defer func() {
		if v := recover(); v != nil {
			t.cancel(fmt.Errorf("%w: its listener panicked", host.ErrGone))
		}
	}()
	l.OnEvent(line)
}

// bug is a panic as the end of a transfer.
func bug(v any) error { return host.Fail(host.CodeInternal, fmt.Errorf("bug: %v", v)) }
