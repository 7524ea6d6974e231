package transfertest

import (
	"errors"
	"net"
	"slices"
	"sync"
)

// ErrCut is what a write returns whose connection was cut by Faults.
var ErrCut = errors.New("connection cut by the test")

// Faults says what goes wrong with what is written to a connection. Bytes and writes are counted from 1;
// a zero field does nothing, so that the zero value is a sound connection. A wire.Writer writes one frame
// a Write, so the fields that count writes count frames.
type Faults struct {
	CutAfter   int64 // the first CutAfter bytes pass, then both directions are closed; negative: none pass
	StallAfter int64 // the first StallAfter bytes pass, the rest is taken and never arrives; negative: none pass
	FlipAt     int64 // one bit of the FlipAt-th byte is inverted

	DropWrite      int // this Write never arrives
	DuplicateWrite int // this Write arrives twice
	SwapWrite      int // this Write arrives after the next one

	InsertAt int64  // after this many bytes (negative: before the first)
	Insert   []byte // these bytes arrive in addition

	MaxRead int // each Read returns at most this many bytes
}

// Faulty wraps c so that the faults happen. Reads from c are sound, but for MaxRead: for faults the other
// way, wrap the other end.
func Faulty(c net.Conn, f Faults) net.Conn { return &faultyConn{Conn: c, f: f} }

type faultyConn struct {
	net.Conn
	f Faults

	mu     sync.Mutex // guards what follows; writes are one at a time
	passed int64      // bytes taken from the caller, in the order in which they are sent
	writes int
	held   []byte // the swapped write
}

func (c *faultyConn) Read(p []byte) (int, error) {
	if c.f.MaxRead > 0 && len(p) > c.f.MaxRead {
		p = p[:c.f.MaxRead]
	}
	return c.Conn.Read(p)
}

func (c *faultyConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writes++
	switch c.writes {
	case c.f.DropWrite:
		return len(p), nil
	case c.f.SwapWrite:
		c.held = slices.Clone(p)
		return len(p), nil
	case c.f.DuplicateWrite:
		if err := c.send(p); err != nil {
			return 0, err
		}
	}
	if err := c.send(p); err != nil {
		return 0, err
	}
	if held := c.held; held != nil {
		c.held = nil
		if err := c.send(held); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// CloseWrite ends the direction if the wrapped connection can; a held write is lost with it.
func (c *faultyConn) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return c.Conn.Close()
}

// send passes p on with the faults that count bytes.
func (c *faultyConn) send(p []byte) error {
	first, n := c.passed+1, int64(len(p)) // p is bytes first .. first+n-1
	c.passed += n
	if at := c.f.FlipAt; at >= first && at < first+n {
		p = slices.Clone(p)
		p[at-first] ^= 0x10
	}
	if at := max(c.f.InsertAt, 0); c.f.InsertAt != 0 && len(c.f.Insert) > 0 && at >= first-1 && at < first-1+n {
		p = slices.Insert(slices.Clone(p), int(at-first+1), c.f.Insert...)
	}
	if after := c.f.StallAfter; after != 0 && first+n-1 > max(after, 0) {
		p = p[:max(0, max(after, 0)-first+1)]
	}
	if after := c.f.CutAfter; after != 0 && first+n-1 > max(after, 0) {
		p = p[:max(0, max(after, 0)-first+1)]
		_, err := c.Conn.Write(p)
		return errors.Join(ErrCut, err, c.Conn.Close())
	}
	if len(p) == 0 {
		return nil
	}
	_, err := c.Conn.Write(p)
	return err
}
