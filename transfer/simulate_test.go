package transfer_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// TestSimulation runs many transfers in fake time, in each of which a seed decides
// what goes wrong: connections that are cut, stall, crawl, or are recorded and
// repeated by somebody else; a source that changes between connections; a sink that
// is slow or fails; people who give up. Each ends with an import that is what the
// source was when it ended, and a receipt; or with an error that has a code, and
// without a commit.
//
// VCON_TRANSFER_SEEDS=100000 runs more of them, VCON_TRANSFER_SEED=42 one alone; both
// together begin there.
// Keys come from the system, so a seed repeats what happens and not every byte.
func TestSimulation(t *testing.T) {
	from, n := seeds(300)
	outcomes := map[string]int{}
	for seed := from; seed < from+n; seed++ {
		synctest.Test(t, func(t *testing.T) {
			s := newSimulation(t, seed)
			s.run(t)
			outcomes[s.check(t)]++
			if t.Failed() {
				t.Fatalf("run again with VCON_TRANSFER_SEED=%d", seed)
			}
		})
		if t.Failed() {
			return
		}
	}
	t.Log(outcomes)
	if outcomes["success"] < int(n)/2 && n > 10 {
		t.Errorf("few transfers get through: %v", outcomes)
	}
}

// seeds says which to run: n of them, unless the environment wants something else.
func seeds(n uint64) (from, count uint64) {
	from = number("VCON_TRANSFER_SEED", 0)
	if os.Getenv("VCON_TRANSFER_SEED") != "" {
		n = 1
	}
	return from, number("VCON_TRANSFER_SEEDS", n)
}

func number(env string, otherwise uint64) uint64 {
	if n, err := strconv.ParseUint(os.Getenv(env), 10, 64); err == nil {
		return n
	}
	return otherwise
}

// A simulation is one seed's transfer.
type simulation struct {
	seed   uint64
	rnd    *rand.Rand
	source *memorySource
	sink   *memorySink
	people *people
	net    *network
	timing transfer.Timing

	pauses [2]transfer.Pauser // of the receiver and of the sender

	mu       sync.Mutex
	recorded []*recorder // of what the sender wrote, by connection
	sealed   map[[32]byte]bool
	reused   bool

	listed              *memorySource // as the last manifest had it
	sent, received      *transfer.Result
	sendErr, receiveErr error
}

// A recorder keeps what is written to a connection, and tells the simulation of
// each sealed frame.
type recorder struct {
	wire.Conn
	s       *simulation
	mu      sync.Mutex
	written []byte
}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	r.written = append(r.written, p...)
	r.mu.Unlock()
	if k := wire.Type(p[0]); k == wire.Control || k == wire.Data {
		// One key, one nonce, one plaintext: no two sealed frames are equal,
		// though each connection begins with the same ones.
		r.s.mu.Lock()
		sum := sha256.Sum256(p[wire.HeaderSize:])
		r.s.reused = r.s.reused || r.s.sealed[sum]
		r.s.sealed[sum] = true
		r.s.mu.Unlock()
	}
	return r.Conn.Write(p)
}

func (r *recorder) CloseWrite() error {
	if c, ok := r.Conn.(wire.CloseWriter); ok {
		return c.CloseWrite()
	}
	return r.Conn.Close()
}

func (r *recorder) bytes() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return bytes.Clone(r.written)
}

func newSimulation(t *testing.T, seed uint64) *simulation {
	rnd := rand.New(rand.NewPCG(seed, 1))
	s := &simulation{
		seed: seed, rnd: rnd, sealed: map[[32]byte]bool{}, sink: newSink(t), people: newPeople(), net: newNetwork(),
		source: newSource(seed, 1+rnd.IntN(4), 1+rnd.IntN(5), 1+rnd.IntN(90_000), rnd.IntN(2)*rnd.IntN(150_000)),
		timing: transfer.Timing{Person: 2 * time.Minute, Reconnect: time.Minute},
	}
	bad := rnd.IntN(8) // connections before the network is sound
	faults := make([][2]transfertest.Faults, bad)
	for i := range faults {
		faults[i] = [2]transfertest.Faults{s.fault(i), {}}
		if rnd.IntN(3) == 0 {
			faults[i] = [2]transfertest.Faults{{}, s.fault(i)}
		}
	}
	s.net.faults = func(n int) (out, back transfertest.Faults) {
		if n < bad {
			return faults[n][0], faults[n][1]
		}
		return
	}
	rate := 0
	if rnd.IntN(10) == 0 {
		rate = 5_000 + rnd.IntN(100_000)
	}
	s.net.wrap = func(c wire.Conn) wire.Conn {
		if rate > 0 {
			c = &slowConn{c, rate}
		}
		r := &recorder{Conn: c, s: s}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.recorded = append(s.recorded, r)
		return r
	}
	changes := rnd.IntN(3) > 0
	s.net.down = func(n int) bool {
		if n > 0 && changes && s.rnd.IntN(2) == 0 {
			s.source.change(s.rnd)
		}
		return n > 0 && n < bad && s.rnd.IntN(4) == 0
	}
	s.source.beforeManifest = func() { s.listed = s.source.clone() }
	return s
}

// fault is what goes wrong with one direction of the n-th connection.
func (s *simulation) fault(n int) (f transfertest.Faults) {
	at := 1 + s.rnd.Int64N(400_000)
	if s.rnd.IntN(2) == 0 || n == 0 {
		at = 1 + s.rnd.Int64N(6_000) // in the handshake, or soon after
	}
	switch s.rnd.IntN(12) {
	case 0, 1, 2, 3:
		f.CutAfter = at
	case 4, 5, 6:
		f.StallAfter = at
	case 7:
		f.MaxRead = 1 + s.rnd.IntN(2_000)
	case 8:
		if s.rnd.IntN(3) == 0 {
			f.FlipAt = at
		}
	}
	return f
}

// run is the transfer, with somebody in between who repeats what was recorded.
func (s *simulation) run(t *testing.T) {
	sendCtx, receiveCtx := t.Context(), t.Context()
	impatient, cancel := context.WithCancel(t.Context())
	defer cancel()
	if s.rnd.IntN(12) == 0 {
		time.AfterFunc(time.Duration(s.rnd.IntN(60_000))*time.Millisecond, cancel)
		sendCtx = impatient
		if s.rnd.IntN(2) == 0 {
			sendCtx, receiveCtx = receiveCtx, sendCtx
		}
	}
	sink := &moodySink{memorySink: s.sink, slow: time.Duration(s.rnd.IntN(3)*s.rnd.IntN(2_000)) * time.Millisecond, failAt: -1}
	if s.rnd.IntN(15) == 0 {
		sink.failAt = s.rnd.IntN(10)
	}
	typing := time.Duration(s.rnd.IntN(60_000)) * time.Millisecond
	s.people.onCode = func() { time.Sleep(typing) } // fake time
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.received, s.receiveErr = transfer.Receive(receiveCtx, transfer.ReceiveOptions{
			Sink: sink, Acceptors: []transfer.Acceptor{s.net}, Prompter: s.people, Timing: s.timing, Pause: &s.pauses[0],
			Offer: pairing.ReceiverOptions{Label: "new phone", Lifetime: time.Minute},
		})
	}()
	offer := <-s.people.offer
	paused := make(chan struct{})
	go func() {
		defer close(paused)
		s.pauseNowAndThen(done)
	}()
	repeated := make(chan struct{})
	repeats := rand.New(rand.NewPCG(s.seed, 2))
	go func() {
		defer close(repeated)
		for range repeats.IntN(30) {
			select {
			case <-done:
				return
			case <-time.After(time.Duration(repeats.IntN(4_000)) * time.Millisecond):
			}
			s.repeat(repeats, done)
		}
	}()
	s.sent, s.sendErr = transfer.Send(sendCtx, transfer.SendOptions{
		Source: s.source, Offer: offer, Dialer: s.net, Prompter: s.people, Timing: s.timing, Label: "old phone", Pause: &s.pauses[1],
	})
	<-done
	<-paused
	<-repeated
}

// pauseNowAndThen pauses either side in a third of the seeds: for moments, or for
// longer than any patience.
func (s *simulation) pauseNowAndThen(done chan struct{}) {
	rnd := rand.New(rand.NewPCG(s.seed, 3))
	if rnd.IntN(3) > 0 {
		return
	}
	for range 1 + rnd.IntN(4) {
		select {
		case <-done:
			return
		case <-time.After(time.Duration(rnd.IntN(60_000)) * time.Millisecond):
		}
		p := &s.pauses[rnd.IntN(2)]
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		_ = p.Pause(ctx)
		cancel()
		select {
		case <-done:
		case <-time.After(time.Duration(rnd.IntN(2)*rnd.IntN(3_600)) * time.Second):
		}
		p.Resume()
	}
}

// repeat plays a recorded connection to the receiver once more, or a part of it.
func (s *simulation) repeat(rnd *rand.Rand, done chan struct{}) {
	s.mu.Lock()
	var what []byte
	if len(s.recorded) > 0 {
		what = s.recorded[rnd.IntN(len(s.recorded))].bytes()
	}
	s.mu.Unlock()
	if rnd.IntN(2) == 0 && len(what) > 0 {
		what = what[:rnd.IntN(len(what))]
	}
	c, peer := transfertest.Pipe()
	defer c.Close()
	select {
	case s.net.conns <- peer:
	case <-done:
		return
	}
	go func() { _, _ = io.Copy(io.Discard, c) }()
	c.SetDeadline(time.Now().Add(time.Duration(rnd.IntN(10_000)) * time.Millisecond))
	_, _ = c.Write(what)
	select {
	case <-done:
	case <-time.After(time.Duration(rnd.IntN(3_000)) * time.Millisecond):
	}
}

// check says how it ended.
func (s *simulation) check(t *testing.T) string {
	if s.reused {
		t.Error("a key was used twice")
	}
	if s.sink.commits > 1 || s.sink.commits > 0 && s.sink.aborted > 0 {
		t.Errorf("%d commits, %d aborts", s.sink.commits, s.sink.aborted)
	}
	if committed := s.sink.commits > 0; committed != (s.receiveErr == nil) {
		t.Errorf("committed: %v, and the receiver says: %v", committed, s.receiveErr)
	}
	for who, err := range map[string]error{"send": s.sendErr, "receive": s.receiveErr} {
		if err == nil {
			continue
		}
		switch code := transfer.CodeOf(err); code {
		case wire.CodeTimeout, wire.CodeCancelled, wire.CodeExpired, wire.CodeTaken:
		case wire.CodeStorage:
			if e, _ := asError(err); !e.Peer && !errors.Is(err, errDisk) {
				t.Errorf("%s: %v", who, err)
			}
		case wire.CodeVerification, wire.CodeProtocol, wire.CodeLimit, wire.CodeVersion:
			if !s.flipped() {
				t.Errorf("%s: %v, and no bit was flipped", who, err)
			}
		default:
			t.Errorf("%s: %v", who, err)
		}
	}
	switch {
	case s.sendErr == nil && s.receiveErr == nil:
		if s.sent.Root != s.received.Root || !s.sent.Ledger.Equal(s.received.Ledger) || s.sent.Root != s.sink.committed.Root {
			t.Errorf("the two devices have different results:\n%+v\n%+v", s.sent, s.received)
		}
		if err := s.sent.Ledger.Balanced(); err != nil {
			t.Error(err)
		}
	case s.sendErr == nil:
		t.Errorf("the sender has a receipt, the receiver: %v", s.receiveErr)
	case s.receiveErr == nil:
		if !slices.Contains(s.people.warnings, transfer.WarnReceipt) {
			t.Errorf("the sender has no receipt (%v), and nobody was warned", s.sendErr)
		}
	default:
		return "error"
	}
	if err := s.sink.holds(s.listed); err != nil {
		t.Error(err)
	}
	if s.sendErr != nil {
		return "no receipt"
	}
	return "success"
}

func (s *simulation) flipped() bool {
	for n := range 8 {
		if out, back := s.net.faults(n); out.FlipAt > 0 || back.FlipAt > 0 {
			return true
		}
	}
	return false
}

// holds reports what of the source is not held, or otherwise. What the source had
// earlier may be held too.
func (s *memorySink) holds(src *memorySource) error {
	for id, data := range src.segments {
		if !bytes.Equal(s.segments[id], data) {
			return errors.New("a segment is not held")
		}
	}
	for name, data := range src.content {
		if !bytes.Equal(s.content[name], data) {
			return fmt.Errorf("%s is not held, or another version of it", name)
		}
	}
	return nil
}
