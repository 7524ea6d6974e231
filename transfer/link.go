package transfer

import (
	"context"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vcon-transfer/vcon-transfer/hpke"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// A link is one connection after its handshake: sealed control records both
// ways, and the data stream from sender to receiver (wire-format, "Records").
type link struct {
	*keys
	conn   *counted
	frames *wire.Reader
	writer *wire.Writer
	timing Timing

	over      atomic.Bool // interrupted
	interrupt func()      // see interrupted; runs once
	born      time.Time
	moved     atomic.Int64 // when, after born, either side said more than that it lives
	writing   sync.Mutex   // the write deadline

	pausing // link_pause.go
}

// keys are the keys of one connection, with the counts that make each nonce
// unique. Two links share them only when the receiver repeats M3, before the
// sender has spoken.
type keys struct {
	number   uint32      // of the connection: e
	version  uint8       // of the protocol
	in, out  cipher.AEAD // control records
	received uint64

	turn  chan struct{} // of one: who holds its token writes
	sent  uint64
	quiet bool // the last word was a pause
	plain []byte

	sealer *hpke.ChunkSealer // sender only
	opener *hpke.ChunkOpener // receiver only
}

// A counted connection counts its bytes and closes when its context ends.
type counted struct {
	wire.Conn
	read, written atomic.Uint64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.read.Add(uint64(n))
	return n, err
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.written.Add(uint64(n))
	return n, err
}

// Format prints nothing of the keys, whatever the verb.
func (k *keys) Format(f fmt.State, _ rune) { io.WriteString(f, "keys(redacted)") }

// newKeys derives the keys of session for one side; a session gives them once.
func newKeys(s *pairing.Session, side pairing.Role) (*keys, error) {
	k := &keys{number: s.Connection(), version: s.Version(), turn: make(chan struct{}, 1)}
	suite := s.Suite()
	fromS, errS := suite.NewAEAD(s.ControlKey(pairing.SenderToReceiver))
	fromR, errR := suite.NewAEAD(s.ControlKey(pairing.ReceiverToSender))
	var err error
	if side == pairing.RoleSender {
		k.out, k.in = fromS, fromR
		k.sealer, err = hpke.NewChunkSealer(suite, s.DataKey())
	} else {
		k.out, k.in = fromR, fromS
		k.opener, err = hpke.NewChunkOpener(suite, s.DataKey())
	}
	if err := errors.Join(errS, errR, err); err != nil {
		return nil, fail(wire.CodeInternal, err)
	}
	return k, nil
}

// newLink goes on with a connection on which the handshake has read through
// frames, which may hold what came after it. Data is let in later, see admitData.
func newLink(k *keys, conn *counted, frames *wire.Reader, writer *wire.Writer, timing Timing) *link {
	frames.Expect(wire.Control)
	l := &link{keys: k, conn: conn, frames: frames, writer: writer, timing: timing, born: time.Now()}
	l.interrupt = sync.OnceFunc(l.interrupted)
	l.wake = make(chan struct{}, 1)
	return l
}

// admitData lets the data stream in, once its sender has proved its keys: a chunk
// that does not open ends the stream for good, on whatever link.
func (l *link) admitData() { l.frames.Expect(wire.Control, wire.Data) }

// A message is what next returns: a control record, or a chunk of the data
// stream when Type is data. Body is valid until the next call.
type message struct {
	Type recordType
	Body []byte
	Last bool // of a chunk: the data stream ends with it
}

// send seals one control record and writes it. Safe for concurrent use.
func (l *link) send(t recordType, body []byte) error {
	l.turn <- struct{}{}
	defer func() { <-l.turn }()
	err := l.sendNow(t, body)
	l.move(err)
	return err
}

func (l *link) sendNow(t recordType, body []byte) error {
	l.plain = append(append(l.plain[:0], byte(t)), body...)
	nonce, err := recordNonce(&l.sent)
	if err != nil {
		return err
	}
	l.quiet = t == recordPause
	l.writeSoon()
	err = l.writer.WriteAppend(wire.Control, 0, len(l.plain)+l.out.Overhead(), func(b []byte) ([]byte, error) {
		return l.out.Seal(b, nonce[:], l.plain, nil), nil
	})
	return l.ioError(err)
}

// sendChunk seals one chunk of the data stream and writes it.
func (l *link) sendChunk(plain []byte, last bool) error {
	l.turn <- struct{}{}
	defer func() { <-l.turn }()
	var flags wire.Flags
	if last {
		flags = wire.Last
	}
	l.quiet = false
	l.writeSoon()
	err := l.writer.WriteAppend(wire.Data, flags, len(plain)+hpke.Overhead, func(b []byte) ([]byte, error) {
		return l.sealer.Seal(b, plain, nil, last)
	})
	l.move(err)
	return l.ioError(err)
}

// writeSoon bounds the next write, and one that is blocked.
func (l *link) writeSoon() {
	l.writing.Lock()
	defer l.writing.Unlock()
	switch {
	case l.over.Load():
		l.conn.SetWriteDeadline(time.Now().Add(hangUpTime))
	case l.asleep.Load():
		l.conn.SetWriteDeadline(l.lives())
	default:
		l.conn.SetWriteDeadline(time.Now().Add(l.timing.Peer))
	}
}

// move notes that something went well that is more than a sign of life.
func (l *link) move(err error) {
	if err == nil {
		l.moved.Store(int64(time.Since(l.born)))
	}
}

// next returns the next message but keep-alives and pauses, which it takes for at
// most Timing.Person after either side said something else: a peer that only ever says
// that it lives is of no use. The time of a pause does not count. A lost connection is
// a *lost error; a record that does not open is CodeVerification and final.
func (l *link) next() (message, error) {
	l.move(nil)
	for {
		f, err := l.readFrame()
		if err != nil {
			return message{}, l.ioError(err)
		}
		// A word from the peer also proves that a write that is blocked may go on.
		l.writeSoon()
		if f.Type == wire.Data {
			m, err := l.openChunk(f)
			if err == nil {
				l.peerWoke()
			}
			return m, err
		}
		received := l.received // counts what opens
		nonce, err := recordNonce(&received)
		if err != nil {
			return message{}, err
		}
		plain, err := l.in.Open(f.Payload[:0], nonce[:], f.Payload, nil)
		if err != nil || len(plain) == 0 {
			return message{}, failf(wire.CodeVerification, "open control record: its tag does not match")
		}
		l.received = received
		m := message{Type: recordType(plain[0]), Body: plain[1:]}
		if m.Type == recordPause {
			if err := l.peerPauses(); err != nil {
				return message{}, err
			}
		} else {
			l.peerWoke()
		}
		switch m.Type {
		case recordKeepAlive, recordPause:
			if l.idle() > l.timing.Person {
				return message{}, failf(wire.CodeTimeout, "the peer only keeps the connection alive")
			}
			continue
		case recordError:
			return m, parsePeerError(m.Body)
		}
		return m, nil
	}
}

// idle is for how long neither side has said anything but that it lives.
func (l *link) idle() time.Duration {
	if l.held.Load() {
		return 0
	}
	return time.Since(l.born) - time.Duration(l.moved.Load())
}

// readFrame reads one frame. Timing.Peer bounds the silence and not the frame,
// which takes long on a slow network; Timing.Person bounds that. While the peer is
// paused only the lifetime of the transfer counts; while this side is, the peer has
// nothing to say.
func (l *link) readFrame() (wire.Frame, error) {
	for {
		before := l.conn.read.Load()
		l.conn.SetReadDeadline(time.Now().Add(l.timing.Peer))
		if l.over.Load() {
			return wire.Frame{}, context.Canceled
		}
		f, err := l.frames.ReadFrame()
		t, ok := errors.AsType[interface {
			error
			Timeout() bool
		}](err)
		switch {
		case err == nil, !ok, !t.Timeout(), l.over.Load():
			return f, err
		case l.asleep.Load() && time.Now().Before(l.lives()), l.pausedLately():
		case l.asleep.Load():
			return f, fail(wire.CodeExpired, ErrOver)
		case l.conn.read.Load() == before:
			return f, fmt.Errorf("nothing was heard for %v: %w", l.timing.Peer, err)
		case l.idle() > l.timing.Person:
			return f, err
		}
	}
}

func (l *link) openChunk(f wire.Frame) (message, error) {
	last := f.Flags&wire.Last != 0
	plain, err := l.opener.Open(f.Payload[:0], f.Payload, nil, last)
	if err != nil {
		return message{}, failf(wire.CodeVerification, "open chunk: %w", err)
	}
	return message{Type: recordData, Body: plain, Last: last}, nil
}

// keepAlive says a word every Timing.KeepAlive until ctx ends or the connection
// is lost, and at once after a pause of this side. To a peer that is paused it says
// one every sleepWord. The caller runs it in a goroutine and waits for it.
func (l *link) keepAlive(ctx context.Context) {
	tick := time.NewTicker(l.timing.KeepAlive)
	defer tick.Stop()
	var said time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.wake:
		case <-tick.C:
			if l.asleep.Load() && time.Since(said) < sleepWord {
				continue
			}
		}
		said = time.Now()
		select {
		case l.turn <- struct{}{}:
			err := l.sendNow(recordKeepAlive, nil)
			<-l.turn
			if err != nil {
				return
			}
		default: // something is being written, which says as much
		}
	}
}

// interrupted makes reads end now and writes soon; a frame that is half written
// still gets a moment, so that a last word can follow it.
func (l *link) interrupted() {
	l.over.Store(true)
	l.conn.SetReadDeadline(time.Now())
	l.writeSoon()
	l.letGo()
}

// lastWord tells the peer why this side stops, if err is not the peer's own word
// or that the connection is lost. It reports whether it is on its way.
func (l *link) lastWord(err error) bool {
	if e, ok := errors.AsType[*Error](err); ok && e.Peer || isLost(err) {
		return false
	}
	l.letGo()
	if l.asleep.Load() {
		l.interrupt() // whether it is read is not waited for
	}
	return l.send(recordError, appendError(nil, CodeOf(err))) == nil
}

// end closes the link when quit has ended its goroutines. After a last word of
// ours, said, it first reads on for a moment: closing with unread bytes would make
// the network drop it.
func (l *link) end(said bool, quit func(), wait *sync.WaitGroup) {
	defer l.conn.Close()
	quit()
	l.interrupt()
	wait.Wait()
	l.sleptOver()
	if !said {
		return
	}
	if half, ok := l.conn.Conn.(wire.CloseWriter); ok {
		_ = half.CloseWrite()
	}
	l.conn.SetReadDeadline(time.Now().Add(hangUpTime))
	_, _ = io.CopyN(io.Discard, l.conn, hangUpBytes)
}

// ioError tells a lost connection from a refused frame.
func (l *link) ioError(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	if _, ok := errors.AsType[*wire.FrameError](err); ok {
		return fail(wire.CodeOf(err), err)
	}
	if _, ok := errors.AsType[*hpke.ChunkError](err); ok {
		return fail(wire.CodeInternal, err)
	}
	return &lost{err}
}

// recordNonce is 4 zero bytes and the count of records so far (security, "Key
// schedule").
func recordNonce(n *uint64) (nonce [12]byte, err error) {
	if *n == math.MaxUint64 {
		return nonce, failf(wire.CodeLimit, "too many control records")
	}
	binary.BigEndian.PutUint64(nonce[4:], *n)
	*n++
	return nonce, nil
}
