package transfertest

import (
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// PipeBuffer is how many bytes Pipe holds in each direction before a writer waits.
const PipeBuffer = 64 << 10

// Pipe returns two ends of a connection in memory: what is written to one is read from the other, at most
// PipeBuffer bytes ahead. Both ends have deadlines and CloseWrite, and behave as TCP does: after Close the
// peer reads what was written before, then io.EOF.
func Pipe() (a, b net.Conn) { return PipeSize(PipeBuffer) }

// PipeSize is Pipe with size bytes of buffer (at least one) in each direction.
func PipeSize(size int) (a, b net.Conn) {
	return pipe(size, netip.MustParseAddrPort("192.0.2.1:1"), netip.MustParseAddrPort("192.0.2.2:2"))
}

func pipe(size int, addrA, addrB netip.AddrPort) (a, b *pipeConn) {
	ab, ba := newQueue(size), newQueue(size)
	return &pipeConn{out: ab, in: ba, local: addrA, remote: addrB},
		&pipeConn{out: ba, in: ab, local: addrB, remote: addrA}
}

// pipeConn is one end; its halves have locks of their own, so that the directions are independent.
type pipeConn struct {
	out, in       *queue
	local, remote netip.AddrPort
}

func (c *pipeConn) Read(p []byte) (int, error)  { return c.in.read(p) }
func (c *pipeConn) Write(p []byte) (int, error) { return c.out.write(p) }

// CloseWrite ends this direction only.
func (c *pipeConn) CloseWrite() error { c.out.finish(); return nil }

func (c *pipeConn) Close() error {
	c.out.finish()
	c.out.abandonWrites()
	c.in.abandonReads()
	return nil
}

func (c *pipeConn) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(c.local) }
func (c *pipeConn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

func (c *pipeConn) SetDeadline(t time.Time) error {
	c.in.readBy.set(c.in, t)
	c.out.writeBy.set(c.out, t)
	return nil
}
func (c *pipeConn) SetReadDeadline(t time.Time) error  { c.in.readBy.set(c.in, t); return nil }
func (c *pipeConn) SetWriteDeadline(t time.Time) error { c.out.writeBy.set(c.out, t); return nil }

// queue is one direction: a bounded buffer between one writing and one reading end.
type queue struct {
	mu      sync.Mutex
	changed sync.Cond
	buf     []byte // ring: n bytes from start
	start   int
	n       int

	finished     bool // the writing end is closed or half-closed: EOF after what is held
	writerClosed bool // the writing end is closed: its own writes fail
	readerClosed bool // the reading end is closed: nothing is held, writes fail

	readBy, writeBy deadline
}

func newQueue(size int) *queue {
	q := &queue{buf: make([]byte, max(size, 1))}
	q.changed.L = &q.mu
	return q
}

func (q *queue) read(p []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		switch {
		case q.readerClosed:
			return 0, net.ErrClosed
		case q.readBy.passed():
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case q.n > 0:
			n := copy(p, q.buf[q.start:min(q.start+q.n, len(q.buf))])
			n += copy(p[n:], q.buf[:min(q.n-n, q.start)]) // what wrapped around
			q.start, q.n = (q.start+n)%len(q.buf), q.n-n
			q.changed.Broadcast()
			return n, nil
		case q.finished:
			return 0, io.EOF
		}
		q.changed.Wait()
	}
}

func (q *queue) write(p []byte) (written int, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		switch {
		case q.writerClosed || q.finished:
			return written, net.ErrClosed
		case q.writeBy.passed():
			return written, os.ErrDeadlineExceeded
		case q.readerClosed:
			return written, io.ErrClosedPipe
		case len(p) == 0:
			return written, nil
		case q.n < len(q.buf):
			end := (q.start + q.n) % len(q.buf)
			free := q.buf[end:min(end+len(q.buf)-q.n, len(q.buf))]
			n := copy(free, p)
			p, q.n, written = p[n:], q.n+n, written+n
			q.changed.Broadcast()
			continue
		}
		q.changed.Wait()
	}
}

func (q *queue) finish()        { q.update(func() { q.finished = true }) }
func (q *queue) abandonWrites() { q.update(func() { q.writerClosed = true; q.writeBy.stop() }) }
func (q *queue) abandonReads() {
	q.update(func() { q.readerClosed, q.n = true, 0; q.readBy.stop() })
}

func (q *queue) update(change func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	change()
	q.changed.Broadcast()
}

// deadline is a time after which one end's calls fail. It is guarded by its queue's lock.
type deadline struct {
	at    time.Time
	timer *time.Timer
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}

func (d *deadline) set(q *queue, at time.Time) {
	q.update(func() {
		d.stop()
		d.at = at
		if left := time.Until(at); !at.IsZero() && left > 0 {
			d.timer = time.AfterFunc(left, func() { q.update(func() {}) })
		}
	})
}
