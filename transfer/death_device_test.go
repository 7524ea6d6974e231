package transfer_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// A device is what survives its processes.
type device struct {
	w     *world
	name  string
	kills []int // the step at which the n-th process is killed, from 1; 0 or none is never

	mu      sync.Mutex
	disk    []byte
	started int
	steps   int // of the last process
}

// A life is one process.
type life struct {
	d      *device
	ctx    context.Context
	cancel context.CancelFunc
	killAt int

	mu    sync.Mutex
	dead  bool
	steps int
	conns []wire.Conn
}

func (d *device) start(ctx context.Context) *life {
	l := &life{d: d}
	l.ctx, l.cancel = context.WithCancel(ctx)
	if d.started < len(d.kills) {
		l.killAt = d.kills[d.started]
	}
	if d.started++; d.started > maxProcesses {
		d.w.t.Errorf("the %s needs more than %d processes", d.name, maxProcesses)
		d.w.giveUp()
	}
	return l
}

// maxProcesses is more than any test kills.
const maxProcesses = 30

// step is a moment at which the process may be killed. It reports whether it lives.
func (l *life) step() bool {
	l.mu.Lock()
	l.steps++
	if l.steps == l.killAt {
		l.dead = true
	}
	dead, conns := l.dead, l.conns
	l.mu.Unlock()
	if dead {
		for _, c := range conns {
			c.Close()
		}
		l.cancel()
	}
	return !dead
}

// stop ends the process, and says how many steps it had and whether it was killed.
func (l *life) stop() bool {
	l.cancel()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.d.steps = l.steps
	return l.dead
}

// result is that of a process that may have been killed behind its last durable
// step: nobody can tell that it had not ended by itself.
func (l *life) result(r *transfer.Result) *transfer.Result {
	if errors.Is(r.State, errKilled) {
		r.State = nil
	}
	return r
}

func (l *life) lives() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.dead
}

// A mortalConn is one end of a connection. Each write is a step, before and after.
type mortalConn struct {
	wire.Conn
	l    *life
	pair *connPair
}

// A connPair is what both ends of a connection know.
type connPair struct {
	mu sync.Mutex
	e  uint32 // of the hello; 0 for a pairing
}

func (c *mortalConn) Write(p []byte) (int, error) {
	if !c.l.step() {
		return 0, errKilled
	}
	c.l.d.w.watch(c, p)
	n, err := c.Conn.Write(p)
	if !c.l.step() {
		return n, errKilled
	}
	return n, err
}

func (c *mortalConn) CloseWrite() error { return c.Conn.(wire.CloseWriter).CloseWrite() }

// join takes a connection into a process, or cuts it when that is dead.
func (l *life) join(c wire.Conn, p *connPair) wire.Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		c.Close()
	}
	l.conns = append(l.conns, c)
	return &mortalConn{c, l, p}
}

// watch checks what must be durable before a frame goes out.
func (w *world) watch(c *mortalConn, frame []byte) {
	kind, payload := wire.Type(frame[0]), frame[wire.HeaderSize:]
	stored := c.l.d.stored()
	w.mu.Lock()
	defer w.mu.Unlock()
	c.pair.mu.Lock()
	defer c.pair.mu.Unlock()
	switch kind {
	case wire.Hello:
		c.pair.e = binary.BigEndian.Uint32(payload[1:])
		if c.pair.e == 0 {
			return
		}
		if stored == nil || stored.Connection < c.pair.e {
			w.t.Errorf("hello with %d, and stored is %v", c.pair.e, stored)
			return
		}
		name := [36]byte(binary.BigEndian.AppendUint32(stored.TransferID[:], c.pair.e))
		sum := sha256.Sum256(payload)
		if old, ok := w.numbers[name]; ok && old != sum {
			w.t.Errorf("connection number %d is used twice", c.pair.e)
		}
		w.numbers[name] = sum
	case wire.Accept:
		if stored != nil && c.pair.e > 0 && stored.Connection < c.pair.e {
			w.t.Errorf("accepts %d, and stored is %v", c.pair.e, stored)
		}
	case wire.Control, wire.Data:
		sum := sha256.Sum256(payload)
		if w.sealed[sum] {
			w.t.Error("a key was used twice")
		}
		w.sealed[sum] = true
	}
}

// Dial and Accept are the network of one process.
func (l *life) Dial(ctx context.Context, _ pairing.Route, _ wire.Rendezvous) (wire.Conn, error) {
	s, r := transfertest.Pipe()
	pair := &connPair{}
	select {
	case l.d.w.conns <- &mortalConn{r, nil, pair}:
		return l.join(s, pair), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(time.Second):
		return nil, errors.New("nobody listens")
	}
}

func (l *life) Accept(ctx context.Context, _ wire.Rendezvous) (wire.Conn, error) {
	select {
	case c := <-l.d.w.conns:
		m := c.(*mortalConn)
		return l.join(m.Conn, m.pair), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Save and Remove are the disk of one process.
func (l *life) Save(_ context.Context, c *transfer.Checkpoint) error {
	if !l.step() {
		return errKilled
	}
	b, err := c.MarshalBinary()
	if err != nil {
		return err
	}
	l.d.w.mu.Lock()
	for _, secret := range l.d.w.secrets {
		if bytes.Contains(b, secret) {
			l.d.w.t.Error("the secret of an offer is on the disk")
		}
	}
	l.d.w.mu.Unlock()
	l.d.mu.Lock()
	l.d.disk = b
	l.d.mu.Unlock()
	if !l.step() {
		return errKilled
	}
	return nil
}

func (l *life) Remove(context.Context) error {
	if !l.step() {
		return errKilled
	}
	l.d.mu.Lock()
	l.d.disk = nil
	l.d.mu.Unlock()
	if !l.step() {
		return errKilled
	}
	return nil
}

// stored is the checkpoint on the disk, or nil.
func (d *device) stored() *transfer.Checkpoint {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.disk == nil {
		return nil
	}
	c, err := transfer.ParseCheckpoint(d.disk)
	if err != nil {
		d.w.t.Error(err)
	}
	return c
}

// The persons.
func (l *life) ShowOffer(_ context.Context, o *pairing.Offer) error {
	w := l.d.w
	w.mu.Lock()
	defer w.mu.Unlock()
	w.offer, w.code = o, ""
	w.secrets = append(w.secrets, bytes.Clone(o.Secret[:]))
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
	if c := l.d.stored(); c == nil || c.Code != code {
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
