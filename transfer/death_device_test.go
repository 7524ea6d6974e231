package transfer_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/statedir"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
)

// A device is what survives its processes. Its n-th process, from 0, fares as the
// lists say; what they do not reach has no trouble.
type device struct {
	w     *world
	name  string
	of    statedir.Name
	kills []int                                            // the step at which it is killed, from 1; 0 is never
	full  []int                                            // the step from which on its disk is full; 0 is never
	jumps []time.Duration                                  // of the wall clock before it starts
	saves func(process int, c *transfer.Checkpoint) saving // of each one, from 1; nil: all is well
	fate  *rand.Rand                                       // decides of power failures and silent deaths; nil: killed, and the system tells the peer

	disk    *transfertest.Disk
	now     *life // the last process
	started int
	steps   int  // of the last process
	killed  bool // the last process
	wasFull bool // a process

	mu  sync.Mutex
	may [][]byte // the checkpoints that may be on the disk; nil for none
}

func newDevice(w *world, name string, role pairing.Role, kills []int) *device {
	return &device{
		w: w, name: name, of: statedir.Name{Role: role, Place: "the history of " + name}, kills: kills,
		disk: transfertest.NewDisk(), may: [][]byte{nil},
	}
}

// A life is one process.
type life struct {
	d      *device
	ctx    context.Context
	cancel context.CancelFunc
	killAt int
	fullAt int
	silent bool // its peers do not hear of its death

	dir        *statedir.Dir
	entry      *statedir.Entry
	checkpoint *transfer.Checkpoint // that was there

	mu    sync.Mutex
	dead  bool
	steps int
	ends  []ends
}

func (d *device) start(ctx context.Context) *life {
	l := &life{d: d, killAt: nth(d.kills, d.started), fullAt: nth(d.full, d.started)}
	l.ctx, l.cancel = context.WithCancel(ctx)
	d.now = l
	l.silent = d.fate != nil && d.fate.IntN(2) == 0
	d.jump(nth(d.jumps, d.started))
	if d.started++; d.started > maxProcesses {
		d.w.t.Errorf("the %s needs more than %d processes", d.name, maxProcesses)
		d.w.giveUp()
	}
	return l
}

// maxProcesses is more than any test needs.
const maxProcesses = 60

// nth is the n-th of a list, or nothing.
func nth[T any](list []T, n int) (v T) {
	if n < len(list) {
		v = list[n]
	}
	return v
}

// step is a moment at which the process may be killed. It reports whether it lives.
func (l *life) step() bool {
	l.mu.Lock()
	l.steps++
	if l.steps == l.killAt {
		l.dead = true
	}
	dead, ends := l.dead, l.ends
	l.mu.Unlock()
	if dead {
		for _, e := range ends {
			e.die(l.silent)
		}
		l.cancel()
	}
	return !dead
}

// killNow kills the process at its next step, which is now.
func (l *life) killNow() {
	l.mu.Lock()
	l.killAt = l.steps + 1
	l.mu.Unlock()
	l.step()
}

// stop ends the process, and says whether it was killed. Then the power of the
// device may fail too, and it is on again.
func (l *life) stop() bool {
	l.cancel()
	d := l.d
	if l.lives() && l.entry != nil {
		if err := l.entry.Close(); err != nil && l.lives() {
			d.w.t.Error(err)
		}
	}
	if l.dir != nil {
		l.dir.Close()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	d.steps, d.killed = l.steps, l.dead
	d.wasFull = d.wasFull || l.fullAt > 0 && l.steps >= l.fullAt
	lost := d.fate != nil && d.fate.IntN(2) == 0
	before := d.disk.Names()
	if !lost {
		d.disk.Crash(nil)
	} else {
		d.w.note("power failed")
		d.disk.Crash(d.fate)
	}
	if !slices.Equal(before, d.disk.Names()) {
		d.w.note("names lost")
	}
	if l.dead {
		d.w.note("killed")
	}
	if l.dead && l.silent && len(l.ends) > 0 {
		d.w.note("half open")
	}
	if d == d.w.receiver {
		d.w.crashStore(lost, d.fate)
	}
	return l.dead
}

// result is that of a process that may have been killed behind its last durable
// step: nobody can tell that it had not ended by itself. Nor is there always room.
func (l *life) result(r *transfer.Result) *transfer.Result {
	if errors.Is(r.State, errKilled) || (l.isFull() || l.d.wasFull) && errors.Is(r.State, syscall.ENOSPC) {
		r.State = nil
	}
	return r
}

func (l *life) lives() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.dead
}

// isFull tells whether the disk is full, until the person makes room for the next
// process.
func (l *life) isFull() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fullAt > 0 && l.steps >= l.fullAt
}

// room is a step before something is written.
func (l *life) room() error {
	if !l.step() {
		return errKilled
	}
	if l.isFull() {
		return syscall.ENOSPC
	}
	return nil
}

// The persons.
func (l *life) ShowOffer(_ context.Context, o *pairing.Offer) error {
	w := l.d.w
	w.secret(o.Secret[:])
	w.mu.Lock()
	defer w.mu.Unlock()
	w.offer, w.code = o, ""
	return nil
}

func (l *life) AskCheckCode(ctx context.Context, _ segment.TransferInfo, _ int) (string, error) {
	for l.step() {
		l.d.w.mu.Lock()
		code := l.d.w.code
		l.d.w.mu.Unlock()
		if code != "" {
			return code, nil
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	return "", errKilled
}

func (l *life) Warn(context.Context, transfer.Warning) {}

func (l *life) Consent(_ context.Context, r transfer.ConsentRequest) (segment.Scope, error) {
	if !l.step() {
		return r.Scope, errKilled
	}
	return r.Scope, nil
}

func (l *life) ShowCheckCode(_ context.Context, code string) error {
	if c := l.d.durable(); l.lives() && (c == nil || c.Code != code) {
		l.d.w.t.Error("the check code is shown before the secret is durable")
	}
	if !l.step() {
		return errKilled
	}
	l.d.w.mu.Lock()
	l.d.w.code = code
	l.d.w.mu.Unlock()
	if !l.step() {
		return errKilled
	}
	return nil
}
