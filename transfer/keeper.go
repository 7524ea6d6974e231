package transfer

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// A keeper has the checkpoint of one side, and makes each step durable before the
// step is taken. Without a State it only remembers. It does nothing before the first
// checkpoint.
type keeper struct {
	state State

	mu   sync.Mutex
	c    *Checkpoint // nil before there is a transfer to go on with
	told time.Time   // when progress was kept last
	more bool        // there is progress that was not kept
}

// begin makes the first checkpoint durable.
func (k *keeper) begin(ctx context.Context, c *Checkpoint) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.c, k.told = c, time.Now()
	return k.write(ctx)
}

// save changes the checkpoint and makes it durable.
func (k *keeper) save(ctx context.Context, change func(*Checkpoint)) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.c == nil {
		return nil
	}
	change(k.c)
	return k.write(ctx)
}

// write is not called off: what is half done would have to be done again.
func (k *keeper) write(ctx context.Context) error {
	k.more = false
	if k.state == nil {
		return nil
	}
	c := k.c.clone()
	defer c.Erase()
	if err := k.state.Save(context.WithoutCancel(ctx), c); err != nil {
		return fail(wire.CodeStorage, fmt.Errorf("keep the state of the transfer: %w", err))
	}
	return nil
}

// progress notes how far the transfer is, and keeps it now and then. Nothing rests
// on it: when it cannot be kept, the next step that has to be says so.
func (k *keeper) progress(ctx context.Context, p Progress) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.c == nil {
		return
	}
	p.Elapsed, p.Storing = 0, false
	k.c.Progress, k.more = p, true
	if now := time.Now(); now.Sub(k.told) >= checkpointEvery {
		k.told = now
		_ = k.write(ctx)
	}
}

// forget removes the checkpoint, durably.
func (k *keeper) forget(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.c == nil {
		return nil
	}
	k.c.Erase()
	k.c = nil
	if k.state == nil {
		return nil
	}
	if err := k.state.Remove(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("remove the state of the transfer: %w", err)
	}
	return nil
}

// over tells whether the lifetime of the transfer has ended.
func (k *keeper) over() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.c != nil && k.c.Expired()
}

// expires is when the lifetime ends; before there is a transfer to go on with, of one
// that would begin now.
func (k *keeper) expires(lifetime time.Duration) time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.c == nil {
		return time.Now().Add(lifetime)
	}
	return k.c.Expires
}

// close erases what is in memory; what is stored stays, with the last progress.
func (k *keeper) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.c != nil {
		if k.more {
			_ = k.write(context.Background())
		}
		k.c.Erase()
		k.c = nil
	}
}

// takeUp begins with a stored checkpoint. One that is over is removed and refused.
func (k *keeper) takeUp(ctx context.Context, stored *Checkpoint, role pairing.Role) error {
	if stored.Role != role {
		return failf(wire.CodeInternal, "the checkpoint is of the other side")
	}
	if err := stored.check(); err != nil {
		return fail(wire.CodeInternal, fmt.Errorf("%w: %w", ErrCheckpoint, err))
	}
	k.c = stored.clone()
	if !stored.Expired() {
		return nil
	}
	if err := k.forget(ctx); err != nil {
		return fail(wire.CodeExpired, fmt.Errorf("%w; %w", ErrOver, err))
	}
	return fail(wire.CodeExpired, ErrOver)
}

// newCheckpoint is what both sides keep of a session that a pairing led to.
func newCheckpoint(role pairing.Role, s *pairing.Session, intent pairing.Intent, peer string, lifetime time.Duration) *Checkpoint {
	now := time.Now().Round(0).Truncate(time.Millisecond)
	return &Checkpoint{
		Role: role, Suite: s.Suite(), Intent: intent, TransferID: s.TransferID(), Resumption: s.Resumption(),
		Connection: s.Connection(), Paired: now, Expires: now.Add(lifetime), Peer: peer,
	}
}
