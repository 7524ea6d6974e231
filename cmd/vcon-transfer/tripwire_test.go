package main

import (
	"io"
	"net"
	"sync"
	"testing"
)

// tripwireBuffer bounds what is under way behind the tripwire and is lost with a
// connection: a loopback socket holds megabytes otherwise.
const tripwireBuffer = 64 << 10

// A tripwire carries connections to addr, counts their bytes, and cuts in when enough
// of those from the dialing side have passed.
type tripwire struct {
	net.Listener
	mu     sync.Mutex
	addr   string // where it leads
	passed int64  // from who dials
	back   int64  // to who dials
	at     int64  // 0: no more
	fall   func()
	refuse int // so many connections more are closed at once
	open   map[net.Conn]bool
}

// lead makes it lead elsewhere from the next connection on.
func (w *tripwire) lead(addr string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.addr = addr
}

func (w *tripwire) to() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.addr
}

// set makes fall come when n more bytes have passed. fall must not use the tripwire.
func (w *tripwire) set(n int64, fall func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at, w.fall = w.passed+n, fall
}

func (w *tripwire) pass(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.passed += int64(n)
	if w.at > 0 && w.passed >= w.at {
		w.at = 0
		w.fall()
	}
}

func (w *tripwire) Write(p []byte) (int, error) { w.pass(len(p)); return len(p), nil }

// carried is what has passed from who dials.
func (w *tripwire) carried() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.passed
}

// both is what has passed in both directions.
func (w *tripwire) both() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.passed + w.back
}

// cut closes all connections, and then as many new ones as refuse says.
func (w *tripwire) cut(refuse int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refuse = refuse
	for c := range w.open {
		c.Close()
	}
}

// refusing is how many connections are still to be refused.
func (w *tripwire) refusing() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.refuse
}

// admit takes a new connection, or refuses it.
func (w *tripwire) admit(c net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refuse > 0 {
		w.refuse--
		c.Close()
		return false
	}
	w.open[c] = true
	return true
}

func (w *tripwire) gone(c net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.open, c)
	c.Close()
}

// A backward counts what goes to who dials.
type backward struct{ w *tripwire }

func (b backward) Write(p []byte) (int, error) {
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	b.w.back += int64(len(p))
	return len(p), nil
}

func newTripwire(t *testing.T, addr string) *tripwire {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &tripwire{Listener: ln, addr: addr, open: map[net.Conn]bool{}}
	t.Cleanup(func() { ln.Close(); w.cut(0) })
	go func() {
		for {
			from, err := ln.Accept()
			if err != nil {
				return
			}
			if w.admit(from) {
				go w.carry(from, w.to())
			}
		}
	}()
	return w
}

func (w *tripwire) carry(from net.Conn, addr string) {
	defer w.gone(from)
	to, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer to.Close()
	for _, c := range []net.Conn{from, to} {
		c.(*net.TCPConn).SetReadBuffer(tripwireBuffer)
		c.(*net.TCPConn).SetWriteBuffer(tripwireBuffer)
	}
	go func() { io.Copy(from, io.TeeReader(to, backward{w})); from.Close() }()
	io.Copy(to, io.TeeReader(from, w))
}
