package transfer_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

var errKilled = errors.New("the process was killed")

// A world is two devices whose processes are killed and started again by their
// persons until both have ended well. What is on a disk, and in the sink, survives.
type world struct {
	t      *testing.T
	source *memorySource
	sink   *memorySink
	keeps  bool // the sink keeps receipts and ledgers

	changes *rand.Rand    // between the processes of the sender; nil for a source that stays
	listed  *memorySource // what the last manifest was made of

	conns    chan wire.Conn
	sender   *device
	receiver *device

	mu      sync.Mutex
	offer   *pairing.Offer // shown and not yet taken
	code    string         // on the old device's screen
	secrets [][]byte       // of all offers: never on a disk
	sealed  map[[32]byte]bool
	numbers map[[36]byte][sha256.Size]byte // M0 by transfer and e
	receipt []byte                         // in the sink
	held    [32]byte                       // the transfer that it is of
	staged  map[[32]byte][]segment.Staged  // in the sink, by transfer

	wrong  uint64 // items too many in each ledger that the sink gives back
	unread error  // of what the sink has staged

	sent, received *transfer.Result
	giveUp         func()
	resumed        int // processes that took up what was stored
}

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

// A mortalSink is the store as one process has it open.
type mortalSink struct {
	*memorySink
	l *life
}

func (s *mortalSink) Begin(ctx context.Context, info segment.TransferInfo) error {
	c := s.l.d.stored()
	if c != nil && c.Info.Started.Equal(info.Started) {
		c.Info.Started = info.Started // another location
	}
	if c == nil || c.TransferID != info.ID || c.Info != info {
		s.l.d.w.t.Errorf("begins, and stored is %v", c)
	}
	if !s.l.step() {
		return errKilled
	}
	return s.memorySink.Begin(ctx, info)
}

func (s *mortalSink) StageSegment(ctx context.Context, r segment.RoomEntry, e segment.SegmentEntry, data []byte) (segment.Ledger, error) {
	if !s.l.step() {
		return segment.Ledger{}, errKilled
	}
	l, err := s.memorySink.StageSegment(ctx, r, e, data)
	if err == nil {
		s.l.staged(segment.Staged{Segment: e.ID, Ledger: l})
	}
	if !s.l.step() {
		return l, errKilled
	}
	return l, err
}

func (s *mortalSink) StageAttachment(ctx context.Context, r segment.RoomEntry, id segment.ID, e segment.AttachmentEntry, offset uint64) (segment.AttachmentWriter, error) {
	if !s.l.step() {
		return nil, errKilled
	}
	w, err := s.memorySink.StageAttachment(ctx, r, id, e, offset)
	return &mortalWriter{w, s.l, segment.Staged{Room: r.ID, Attachment: &e}}, err
}

func (s *mortalSink) Commit(ctx context.Context, end segment.End, receipt []byte) error {
	if !s.l.step() {
		return errKilled
	}
	if err := s.memorySink.Commit(ctx, end, receipt); err != nil {
		return err
	}
	s.l.d.w.mu.Lock()
	s.l.d.w.receipt = bytes.Clone(receipt)
	if c := s.l.d.stored(); c != nil {
		s.l.d.w.held = c.TransferID
	}
	s.l.d.w.mu.Unlock()
	if !s.l.step() {
		return errKilled
	}
	return nil
}

func (s *mortalSink) Abort(ctx context.Context, cause error) error {
	if !s.l.lives() {
		return errKilled
	}
	return s.memorySink.Abort(ctx, cause)
}

// A mortalWriter writes nothing any more when its process is dead.
type mortalWriter struct {
	segment.AttachmentWriter
	l      *life
	staged segment.Staged
}

func (w *mortalWriter) Write(p []byte) (int, error) {
	if !w.l.step() {
		return 0, errKilled
	}
	return w.AttachmentWriter.Write(p)
}

func (w *mortalWriter) Commit(sum [32]byte) error {
	if !w.l.step() {
		return errKilled
	}
	if err := w.AttachmentWriter.Commit(sum); err != nil {
		return err
	}
	w.l.staged(w.staged)
	if !w.l.step() {
		return errKilled
	}
	return nil
}

// A keepingSink can be asked for its receipt, and for what it staged.
type keepingSink struct{ *mortalSink }

func (s *keepingSink) Staged(_ context.Context, id [32]byte) iter.Seq2[segment.Staged, error] {
	return func(yield func(segment.Staged, error) bool) {
		s.l.d.w.mu.Lock()
		staged := slices.Clone(s.l.d.w.staged[id])
		s.l.d.w.mu.Unlock()
		for _, v := range staged {
			v.Ledger.Imported += s.l.d.w.wrong
			if !yield(v, nil) {
				return
			}
		}
		if err := s.l.d.w.unread; err != nil {
			yield(segment.Staged{}, err)
		}
	}
}

// staged notes what a sink has taken, as part of taking it.
func (l *life) staged(v segment.Staged) {
	c := l.d.stored() // the transfer that is under way
	if c == nil {
		return
	}
	l.d.w.mu.Lock()
	defer l.d.w.mu.Unlock()
	l.d.w.staged[c.TransferID] = append(l.d.w.staged[c.TransferID], v)
}

func (s *keepingSink) Receipt(_ context.Context, id [32]byte) ([]byte, error) {
	w := s.l.d.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.held != id {
		return nil, nil
	}
	return w.receipt, nil
}

func newWorld(t *testing.T, source *memorySource, keeps bool, sender, receiver []int) *world {
	w := &world{
		t: t, source: source, sink: newSink(t), keeps: keeps, conns: make(chan wire.Conn),
		sealed: map[[32]byte]bool{}, numbers: map[[36]byte][sha256.Size]byte{}, staged: map[[32]byte][]segment.Staged{},
	}
	source.beforeManifest = func() { w.listed = source.clone() }
	w.sender = &device{w: w, name: "sender", kills: sender}
	w.receiver = &device{w: w, name: "receiver", kills: receiver}
	return w
}

// run is both persons, until both devices have ended well.
func (w *world) run() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 6*time.Hour) // fake
	defer cancel()
	w.giveUp = cancel
	var wait sync.WaitGroup
	sent := make(chan struct{})
	wait.Go(func() {
		defer close(sent)
		for w.sent == nil && ctx.Err() == nil {
			w.runSender(ctx)
		}
	})
	wait.Go(func() {
		for ctx.Err() == nil {
			w.runReceiver(ctx)
			if w.received == nil {
				continue
			}
			if w.receiver.stored() == nil {
				return
			}
			select {
			case <-sent:
				return
			default: // the old device has no receipt: the person starts this one again
			}
		}
	})
	wait.Wait()
	if ctx.Err() != nil {
		w.t.Errorf("it never ends: %d processes of the sender, %d of the receiver", w.sender.started, w.receiver.started)
	}
}

func (w *world) runSender(ctx context.Context) {
	time.Sleep(time.Second) // the person
	l := w.sender.start(ctx)
	if w.changes != nil && w.sender.started > 1 && w.changes.IntN(2) == 0 {
		w.source.change(w.changes)
	}
	o := transfer.SendOptions{Source: w.source, Dialer: l, Prompter: l, State: l, Label: "old phone"}
	w.mu.Lock()
	o.Offer, w.offer = w.offer, nil
	w.mu.Unlock()
	if o.Offer == nil {
		o.Resume = w.sender.stored()
	}
	if o.Offer == nil && o.Resume == nil {
		w.sender.started--
		return
	}
	w.resume(o.Resume)
	result, err := transfer.Send(l.ctx, o)
	if killed := l.stop(); err == nil && (!killed || w.sender.stored() == nil) {
		w.sent = l.result(result)
	}
}

func (w *world) runReceiver(ctx context.Context) {
	time.Sleep(time.Second) // the person
	l := w.receiver.start(ctx)
	s := &mortalSink{w.sink, l}
	o := transfer.ReceiveOptions{Sink: s, Acceptors: []transfer.Acceptor{l}, Prompter: l, State: l}
	if w.keeps {
		o.Sink = &keepingSink{s}
	}
	o.Offer.Label = "new phone"
	o.Resume = w.receiver.stored()
	w.resume(o.Resume)
	result, err := transfer.Receive(l.ctx, o)
	if killed := l.stop(); err == nil && (!killed || w.receiver.stored() == nil) {
		w.received = l.result(result)
	}
}

func (w *world) resume(stored *transfer.Checkpoint) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if stored != nil {
		w.resumed++
	}
}

// check is what holds however often which process was killed.
func (w *world) check() {
	w.t.Helper()
	if w.sent == nil || w.received == nil {
		return // run has said so
	}
	if err := w.sink.holds(w.listed); err != nil {
		w.t.Error(err)
	}
	if w.changes == nil {
		if err := w.sink.equal(w.source); err != nil {
			w.t.Error(err)
		}
	}
	if w.sent.Root != w.received.Root || !w.sent.Ledger.Equal(w.received.Ledger) || w.sent.TransferID != w.received.TransferID ||
		w.sink.committed == nil || w.sent.Root != w.sink.committed.Root {
		w.t.Errorf("the two devices have different results:\n%+v\n%+v", w.sent, w.received)
	}
	if err := w.sent.Ledger.Balanced(); err != nil {
		w.t.Error(err)
	}
	if w.changes != nil || !w.keeps {
		// What is staged may not be listed any more.
	} else if want := w.ledger(); !w.received.Ledger.Equal(want) {
		w.t.Errorf("the ledger is %+v, want %+v", w.received.Ledger, want)
	}
	if w.sent.State != nil || w.received.State != nil {
		w.t.Errorf("left: %v, %v", w.sent.State, w.received.State)
	}
	if c := w.sender.stored(); c != nil {
		w.t.Errorf("the sender is done, and keeps %v", c)
	}
	if c := w.receiver.stored(); c != nil && c.Receipt == nil {
		w.t.Errorf("the receiver is done, and keeps %v without a receipt", c)
	}
}

// ledger is that of the transfer that was committed, if no death counts: what it
// staged is imported, and what one before it staged, which ended for good, is there.
func (w *world) ledger() (l segment.Ledger) {
	for _, p := range w.source.pages {
		for i := range p.Entries {
			l.Source += p.Entries[i].Segment.Items
			if p.Entries[i].Type == segment.AttachmentType {
				l.Attachments++
			}
		}
	}
	for _, v := range w.staged[w.received.TransferID] {
		l.Imported += v.Ledger.Imported
		if v.Attachment != nil {
			l.AttachmentsImported++
		}
	}
	l.There, l.AttachmentsThere = l.Source-l.Imported, l.Attachments-l.AttachmentsImported
	if len(w.staged) == 1 && l.There+l.AttachmentsThere > 0 {
		w.t.Errorf("one transfer alone staged %+v", l)
	}
	return l
}

// A process is killed at each of its steps, once, and started again.
func TestKilledAtEachStep(t *testing.T) {
	for _, keeps := range []bool{true, false} {
		for _, side := range []string{"sender", "receiver"} {
			t.Run(fmt.Sprintf("%s, receipts kept: %v", side, keeps), func(t *testing.T) {
				last, resumed := 1, 0
				for at := 0; at <= last; at++ {
					synctest.Test(t, func(t *testing.T) {
						kills := [][]int{nil, nil}
						if side == "sender" {
							kills[0] = []int{at}
						} else {
							kills[1] = []int{at}
						}
						w := newWorld(t, newSource(1, 1, 2, 1_000, 70_000), keeps, kills[0], kills[1])
						w.run()
						w.check()
						if c := w.receiver.stored(); c != nil && side == "sender" {
							t.Errorf("the sender came back with the receipt, and the receiver keeps %v", c)
						}
						resumed += w.resumed
						if at == 0 {
							last = w.sender.steps
							if side == "receiver" {
								last = w.receiver.steps
							}
						}
						if t.Failed() {
							t.Fatalf("killed at step %d of %d", at, last)
						}
					})
					if t.Failed() {
						return
					}
				}
				if last < 20 || resumed < last/2 {
					t.Errorf("%d steps, %d stored transfers taken up", last, resumed)
				}
			})
		}
	}
}

// A ledger of the sink that cannot be one of its segment counts for nothing: what is
// held is already there, and the transfer gets to its end.
func TestStagedLedgerIsWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, newSource(1, 1, 4, 1_000, 0), true, nil, []int{14})
		w.wrong = 1
		w.run()
		if w.received == nil {
			return // run has said so
		}
		l := w.received.Ledger
		if l.There == 0 || l.There > 30 || l.Imported != l.Source-l.There || l.Balanced() != nil {
			t.Errorf("%+v", l)
		}
	})
}

// A sink that cannot say what it staged fails the transfer, and the checkpoint stays.
func TestStagedIsNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, newSource(1, 1, 4, 1_000, 0), true, nil, []int{20})
		w.unread = errors.New("the disk is gone")
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour) // fake
		defer cancel()
		var wait sync.WaitGroup
		wait.Go(func() { time.Sleep(time.Second); w.runSender(ctx) })
		w.runReceiver(ctx)
		l := w.receiver.start(ctx)
		defer l.stop()
		_, err := transfer.Receive(l.ctx, transfer.ReceiveOptions{
			Sink: &keepingSink{&mortalSink{w.sink, l}}, Acceptors: []transfer.Acceptor{l}, Prompter: l, State: l, Resume: w.receiver.stored(),
		})
		if transfer.CodeOf(err) != wire.CodeStorage || !errors.Is(err, w.unread) || w.receiver.stored() == nil {
			t.Errorf("%v, stored %v", err, w.receiver.stored())
		}
		cancel()
		wait.Wait()
	})
}

// Processes of both devices are killed at random steps, again and again.
// VCON_TRANSFER_SEED=42 runs one seed alone, VCON_TRANSFER_SEEDS=100000 more.
func TestKilledAgainAndAgain(t *testing.T) {
	from, n := number("VCON_TRANSFER_SEED", 0), number("VCON_TRANSFER_SEEDS", 150)
	if os.Getenv("VCON_TRANSFER_SEED") != "" {
		n = 1
	}
	resumed := 0
	for seed := from; seed < from+n; seed++ {
		synctest.Test(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 3))
			kills := make([][]int, 2)
			for i := range kills {
				for range rnd.IntN(5) {
					kills[i] = append(kills[i], 1+rnd.IntN(60))
				}
			}
			w := newWorld(t, newSource(seed, 1+rnd.IntN(2), 1+rnd.IntN(4), 1+rnd.IntN(9_000), rnd.IntN(2)*rnd.IntN(150_000)), rnd.IntN(2) == 0, kills[0], kills[1])
			if rnd.IntN(2) == 0 {
				w.changes = rnd
			}
			w.run()
			w.check()
			resumed += w.resumed
			if t.Failed() {
				t.Fatalf("run again with VCON_TRANSFER_SEED=%d", seed)
			}
		})
		if t.Failed() {
			return
		}
	}
	if n > 10 && resumed < int(n) {
		t.Errorf("%d stored transfers were taken up with %d seeds: few were killed", resumed, n)
	}
}
