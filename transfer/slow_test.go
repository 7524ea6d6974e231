package transfer_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// A slowConn passes so many bytes a second.
type slowConn struct {
	wire.Conn
	rate int
}

func (c *slowConn) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		k := min(len(p), max(c.rate/10, 1))
		time.Sleep(time.Duration(k) * time.Second / time.Duration(c.rate)) // fake time
		m, err := c.Conn.Write(p[:k])
		if n += m; err != nil {
			return n, err
		}
		p = p[k:]
	}
	return n, nil
}

func (c *slowConn) CloseWrite() error { return c.Conn.(wire.CloseWriter).CloseWrite() }

// A network on which a chunk takes longer than the patience for silence, and an
// attachment longer than that for a peer without news, only takes longer.
func TestSlowNetwork(t *testing.T) {
	for _, rate := range []int{3_000, 10_000} {
		synctest.Test(t, func(t *testing.T) {
			r := newRun(t, newSource(5, 1, 1, 100_000, 3_900_000))
			r.network.wrap = func(c wire.Conn) wire.Conn { return &slowConn{c, rate} }
			r.do(t)
			r.succeeded(t)
			if r.sent.Reconnects != 0 {
				t.Errorf("%d reconnects", r.sent.Reconnects)
			}
		})
	}
}

// The person types late, and then the source needs a while for its first page.
func TestLateCodeAndSlowManifest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newSource(5, 1, 1, 100, 0)
		src.beforeManifest = func() { time.Sleep(time.Minute) } // fake time
		r := newRun(t, src)
		r.people.onCode = func() { time.Sleep(290 * time.Second) }
		r.do(t)
		r.succeeded(t)
	})
}
