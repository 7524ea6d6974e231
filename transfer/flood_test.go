package transfer_test

import (
	"io"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// Ten thousand strangers, each with another kind of nonsense, before and while a
// transfer runs: it takes no more goroutines than there are places, and goes on.
func TestTenThousandStrangers(t *testing.T) {
	nonsense := [][]byte{nil, {0}, []byte("GET / HTTP/1.1\r\n\r\n"), {byte(wire.Hello), 0, 0, 0, 0, 69}, {byte(wire.Control), 0, 0, 4, 0, 16},
		append([]byte{byte(wire.Hello), 0, 0, 0, 0, 69, 1, 0, 0, 0, 0}, make([]byte, 64)...)}
	synctest.Test(t, func(t *testing.T) {
		r := newRun(t, newSource(1, 1, 10, 10_000, 0))
		stop, most := make(chan struct{}), new(atomic.Int64)
		poke := func(n int) {
			for i := range n {
				c, peer := transfertest.PipeSize(128)
				select {
				case r.network.conns <- peer:
				case <-stop:
					return
				}
				_, _ = c.Write(nonsense[i%len(nonsense)])
				c.Close()
				if n := int64(runtime.NumGoroutine()); n > most.Load() {
					most.Store(n) // roughly: two strangers poke
				}
			}
		}
		ended := make(chan struct{})
		r.people.onCode = func() { poke(5_000) }
		r.sink.slow = 100 * time.Millisecond
		go func() { defer close(ended); time.Sleep(time.Second); poke(5_000) }() // fake time
		before := runtime.NumGoroutine()
		r.do(t)
		close(stop)
		<-ended
		r.succeeded(t)
		if most.Load() > int64(before+2*16+30) {
			t.Errorf("%d goroutines, %d before", most.Load(), before)
		}
	})
}

// Strangers who say nothing take every place, and the sender comes behind them.
func TestSilentStrangersTakeAllPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(t, newSource(1, 1, 1, 100, 0))
		r.network.conns = make(chan wire.Conn, 64) // as a listener's backlog
		for range 16 {
			c, peer := transfertest.Pipe()
			r.network.conns <- peer
			defer func() {
				if b, _ := io.ReadAll(c); len(b) > 0 {
					t.Errorf("a stranger was told %d bytes", len(b))
				}
			}()
		}
		r.do(t)
		r.succeeded(t)
	})
}
