package server_test

import (
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/transfer/relay"
	"github.com/vcon-transfer/vcon-transfer/transfer/relay/server"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

func TestIdleTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := transfertest.NewRelay(t, server.Options{IdleTimeout: time.Minute})
		a, b := pairUp(t, r, 1)
		for i := range 10 { // one direction at a time keeps both alive
			time.Sleep(time.Minute - time.Second)
			if i%2 == 0 {
				send(t, a, b, "x")
			} else {
				send(t, b, a, "x")
			}
		}
		for _, c := range []wire.Conn{a, b} {
			if waited := closedAfter(t, c); waited > time.Minute {
				t.Errorf("an idle pipe lives %v", waited)
			}
			c.Close()
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r := transfertest.NewRelay(t, server.Options{IdleTimeout: time.Minute})
		a, b := pairUp(t, r, 1)
		if lived := closedAfter(t, a); lived != time.Minute {
			t.Errorf("an idle pipe lives %v", lived)
		}
		a.Close()
		b.Close()
		r = transfertest.NewRelay(t, server.Options{IdleTimeout: -1})
		a, b = pairUp(t, r, 1)
		time.Sleep(24 * time.Hour)
		alive(t, a, b)
		a.Close()
		b.Close()
	})
}

func TestLingerTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := transfertest.NewRelay(t, server.Options{LingerTimeout: 20 * time.Second})
		a, b := pairUp(t, r, 1)
		a.(wire.CloseWriter).CloseWrite()
		time.Sleep(20*time.Second - 1)
		send(t, b, a, "still there")
		if lived := closedAfter(t, a); lived != 1 {
			t.Errorf("the other direction lives %v longer", lived)
		}
		a.Close()
		b.Close()
	})
}

// A peer that takes nothing must not make the relay hold more and more, nor lose what was sent.
func TestBackPressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := transfertest.NewRelay(t, server.Options{IdleTimeout: time.Hour})
		a, b := pairUp(t, r, 1)
		sent := make(chan int, 1)
		a.SetWriteDeadline(time.Now().Add(time.Minute))
		go func() {
			n, err := a.Write(make([]byte, 10<<20))
			if err == nil {
				t.Error("10 MiB were taken although nobody reads")
			}
			sent <- n
		}()
		n := <-sent
		// Both connections' buffers and the relay's one, which is at most 32 KiB.
		if limit := 2*transfertest.PipeBuffer + 32<<10; n > limit || n < 2*transfertest.PipeBuffer {
			t.Errorf("%d bytes are on their way, want at most %d", n, limit)
		}
		send(t, b, a, "the other direction is free")
		a.(wire.CloseWriter).CloseWrite()
		got, err := io.Copy(io.Discard, b)
		if int(got) != n || err != nil {
			t.Errorf("%d of %d bytes arrived, %v", got, n, err)
		}
		a.Close()
		b.Close()
	})
}

func TestMaxBytes(t *testing.T) {
	const quota = 1000
	synctest.Test(t, func(t *testing.T) {
		r := transfertest.NewRelay(t, server.Options{MaxBytes: quota})
		a, b := pairUp(t, r, 1)
		send(t, a, b, strings.Repeat("x", quota-100))
		send(t, b, a, strings.Repeat("x", 99))
		a.Close()
		b.Close()
		synctest.Wait()
		// What is left is left after a reconnection, and the last byte passes.
		a, b = pairUp(t, r, 1)
		send(t, a, b, "x")
		io.WriteString(a, "y")
		closedAfter(t, b)
		a.Close()
		b.Close()
		synctest.Wait()
		refused(t, r, place(1, wire.Receiver), relay.Busy)
		c, d := pairUp(t, r, 2)
		alive(t, c, d)
		c.Close()
		d.Close()
	})
}

func TestMaxRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rate, amount = 1 << 20, 10 << 20
		r := transfertest.NewRelay(t, server.Options{MaxRate: rate})
		a, b := pairUp(t, r, 1)
		start := time.Now()
		go func() {
			a.Write(make([]byte, amount))
			a.(wire.CloseWriter).CloseWrite()
		}()
		if n, err := io.Copy(io.Discard, b); n != amount || err != nil {
			t.Fatal(n, err)
		}
		// A burst of an eighth of a second comes at once.
		took := time.Since(start)
		if want := amount / rate * time.Second; took < want-time.Second/8-time.Millisecond || took > want+time.Second/8 {
			t.Errorf("%d bytes took %v, want about %v", amount, took, want)
		}
		a.Close()
		b.Close()

		// A rate so low that one buffer takes longer than the idle timeout is still not idle, and waiting for it
		// ends with the pipe.
		r = transfertest.NewRelay(t, server.Options{MaxRate: 1000, IdleTimeout: 10 * time.Second})
		a, b = pairUp(t, r, 1)
		go a.Write(make([]byte, 150_000))
		if _, err := io.ReadFull(b, make([]byte, 100_000)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second / 2)
		start = time.Now()
		r.Stop()
		if waited := time.Since(start); waited != 0 {
			t.Errorf("the relay stops after %v", waited)
		}
		a.Close()
		b.Close()
	})
}

func TestMaxChannels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := transfertest.NewRelay(t, server.Options{MaxChannels: 3})
		var conns []wire.Conn
		for n := range byte(3) {
			a, b := pairUp(t, r, n)
			conns = append(conns, a, b)
		}
		refused(t, r, place(3, wire.Receiver), relay.Busy)
		// A channel that is there is not refused: a party comes again.
		c, d := pairUp(t, r, 0)
		alive(t, c, d)
		conns = append(conns, c, d)
		for _, c := range conns {
			c.Close()
		}
		synctest.Wait()
		// Channels that are only remembered give way, the oldest first.
		e, f := pairUp(t, r, 3)
		alive(t, e, f)
		if got := r.Server.Stats().Channels; got != 3 {
			t.Errorf("%d channels", got)
		}
		e.Close()
		f.Close()
		synctest.Wait()
		// All are forgotten in the end, as soon as somebody comes.
		time.Sleep(server.DefaultKeepTimeout)
		e, f = pairUp(t, r, 4)
		if got := r.Server.Stats().Channels; got != 1 {
			t.Errorf("%d channels are remembered too long", got-1)
		}
		e.Close()
		f.Close()
	})
}

func TestMaxPerAddress(t *testing.T) {
	for _, c := range []struct{ same, other string }{
		{"198.51.100.%d:1", "198.51.100.200:1"},
		{"[2001:db8::%d]:1", "[2001:db8:0:1::]:1"},
	} {
		synctest.Test(t, func(t *testing.T) {
			// The listener's own limit is lifted by a foreign http.Server.
			r := server.New(server.Options{MaxPerAddress: 2})
			l := transfertest.NewListener()
			srv := &http.Server{Handler: r}
			served := make(chan error)
			go func() { served <- srv.Serve(l) }()
			come := func(n byte, from string) (string, io.Closer) {
				conn, err := l.DialFrom(t.Context(), netip.MustParseAddrPort(from))
				if err != nil {
					t.Fatal(err)
				}
				io.WriteString(conn, request(place(n, wire.Receiver)))
				synctest.Wait()
				head := make([]byte, 100)
				k, _ := conn.Read(head)
				return string(head[:k]), conn
			}
			same := func(i int) string {
				if strings.Contains(c.same, "::") {
					return fmt.Sprintf(c.same, i)
				}
				return fmt.Sprintf(c.same, 1)
			}
			var conns []io.Closer
			for i, want := range []string{" 101 ", " 101 ", " 429 "} {
				head, conn := come(byte(i), same(i+1))
				if !strings.Contains(head, want) {
					t.Errorf("party %d: %q", i+1, head)
				}
				conns = append(conns, conn)
			}
			head, conn := come(9, c.other)
			if !strings.Contains(head, " 101 ") {
				t.Errorf("another address: %q", head)
			}
			conns[0].Close()
			synctest.Wait()
			head, again := come(8, same(7))
			if !strings.Contains(head, " 101 ") {
				t.Errorf("after one has left: %q", head)
			}
			for _, x := range append(conns, conn, again) {
				x.Close()
			}
			r.Shutdown(t.Context())
			srv.Close()
			<-served
			time.Sleep(time.Second) // net/http waits half a second after a refusal
		})
	}
}

// Connections that say nothing take places of their own address only, and are cut at their deadline.
func TestConnectionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := transfertest.NewRelay(t, server.Options{MaxPerAddress: 2, MaxChannels: 1})
		open := func(from string) io.ReadCloser {
			c, err := r.DialFrom(t.Context(), netip.MustParseAddrPort(from))
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			return c
		}
		cut := func(c io.Reader) time.Duration {
			start := time.Now()
			io.Copy(io.Discard, c)
			return time.Since(start)
		}
		a, b, c := open("192.0.2.9:1"), open("192.0.2.9:2"), open("192.0.2.9:3")
		if waited := cut(c); waited != 0 {
			t.Errorf("a third connection from one address is cut after %v", waited)
		}
		d, e, f := open("192.0.2.10:1"), open("192.0.2.11:1"), open("192.0.2.12:1")
		if waited := cut(f); waited != 0 {
			t.Errorf("a fifth connection in all is cut after %v", waited)
		}
		for _, x := range []io.Reader{a, b, d, e} {
			if waited := cut(x); waited > server.DefaultHeaderTimeout {
				t.Errorf("silence is served for %v", waited)
			}
		}
		x, y := pairUp(t, r, 1)
		alive(t, x, y)
		for _, z := range []io.Closer{a, b, c, d, e, f, x, y} {
			z.Close()
		}
	})
}
