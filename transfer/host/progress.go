package host

import (
	"fmt"
	"sync"
	"time"

	"github.com/vcon-transfer/vcon-transfer/transfer"
)

// A throttle leaves out what comes too soon.
type throttle struct {
	mu      sync.Mutex
	last    time.Time
	storing bool
}

// due tells whether an event may go out now. The first, and that all is there, are
// never left out.
func (t *throttle) due(now time.Time, storing bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if storing == t.storing && !t.last.IsZero() && now.Sub(t.last) < progressInterval {
		return false
	}
	t.last, t.storing = now, storing
	return true
}

// Progress is that of the options of both sides.
func (c *Conn) Progress(p transfer.Progress) {
	if !c.meter.due(time.Now(), p.Storing) {
		return
	}
	e := Progress{
		Counts: Counts{p.Bytes, p.TotalBytes, p.Messages, p.TotalMessages},
		Held:   p.Held, Elapsed: p.Elapsed.Milliseconds(), Storing: p.Storing,
	}
	if seconds := p.Elapsed.Seconds(); seconds > 0 && p.Bytes > p.Held {
		e.Rate = uint64(float64(p.Bytes-p.Held) / seconds)
	}
	_ = c.Emit(e)
}

// setWindow is the command window.
func (c *Conn) setWindow(n int) {
	if n < 1 || n > MaxWindow {
		c.Tell("bad-command", fmt.Sprintf("a window has 1 to %d batches", MaxWindow))
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.window = n
	select {
	case c.resized <- struct{}{}:
	default:
	}
}

func (c *Conn) windowSize() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.window
}
