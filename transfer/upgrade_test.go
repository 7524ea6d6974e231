package transfer_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/host"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// next is a program of the next version: it speaks 2 and 1, and has a field in each map
// of the handshake that version 1 does not know.
func next() pairing.Program {
	return pairing.Program{Oldest: 1, Newest: 2, Field: []byte{0x82, 0x01, 0x65, 'l', 'a', 't', 'e', 'r'}} // [1, "later"]
}

// The old device is one version behind the new one, or ahead of it, or both are of the
// next version. The later one sends a frame that version 1 does not know before each of
// its own. The transfer is whole in the highest version that both speak, also after the
// connection was cut.
func TestNeighbouringVersions(t *testing.T) {
	for _, c := range []struct {
		name             string
		sender, receiver pairing.Program
		want             uint8
	}{
		{"old sender, new receiver", pairing.Program{}, next(), 1},
		{"new sender, old receiver", next(), pairing.Program{}, 1},
		{"both new", next(), next(), 2},
		{"both old", pairing.Program{}, pairing.Program{}, 1},
	} {
		for _, cut := range []int64{0, 20_000} {
			t.Run(fmt.Sprintf("%s, cut %d", c.name, cut), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRun(t, newSource(1, 2, 6, 5000, 3000))
					r.sendProgram, r.receiveProgram = c.sender, c.receiver
					if cut > 0 {
						r.network.faults = func(n int) (a, b transfertest.Faults) {
							if n == 0 {
								a.CutAfter = cut
							}
							return a, b
						}
					}
					if c.sender.Newest > 1 {
						r.network.wrapS = func(c wire.Conn) wire.Conn { return &chatty{Conn: c} }
					}
					if c.receiver.Newest > 1 {
						r.network.wrapR = func(c wire.Conn) wire.Conn { return &chatty{Conn: c} }
					}
					r.do(t)
					r.succeeded(t)
					if r.sent.Version != c.want || r.received.Version != c.want {
						t.Errorf("version %d sent, %d received, want %d", r.sent.Version, r.received.Version, c.want)
					}
					if (r.sent.Reconnects > 0) != (cut > 0) {
						t.Errorf("%d reconnects", r.sent.Reconnects)
					}
				})
			})
		}
	}
}

// Two programs that are two versions apart say why they stop. A receiver whose version is
// too new for one sender goes on waiting for another.
func TestNoCommonVersion(t *testing.T) {
	t.Run("old sender", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRun(t, newSource(1, 1, 1, 100, 0))
			r.receiveProgram = pairing.Program{Oldest: 2, Newest: 3}
			r.receiveCtx, r.afterSend = context.WithCancel(t.Context())
			r.do(t)
			wantVersionError(t, "send", r.sendErr, true)
			if r.sink.begun != 0 || transfer.CodeOf(r.receiveErr) != wire.CodeCancelled {
				t.Errorf("begun %d, receive: %v, want that it waits for another sender", r.sink.begun, r.receiveErr)
			}
		})
	})
	t.Run("old receiver", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRun(t, newSource(1, 1, 1, 100, 0))
			r.sendProgram = pairing.Program{Oldest: 2, Newest: 3}
			r.do(t)
			wantVersionError(t, "send", r.sendErr, false)
			wantVersionError(t, "receive", r.receiveErr, true)
			if r.sink.begun != 0 {
				t.Error("the import has begun")
			}
		})
	})
}

// A frame of a later version that must not be skipped ends the transfer on both sides
// with the code that says so, whoever sends it, behind the sender's confirm and the
// receiver's accept: before those nobody may send one.
func TestUnknownCriticalFrame(t *testing.T) {
	for from, frames := range map[string][]int32{"sender": {4, 5, 6}, "receiver": {3, 4, 5}} {
		for _, n := range frames {
			t.Run(fmt.Sprintf("%s, frame %d", from, n), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRun(t, newSource(1, 2, 6, 5000, 3000))
					wrap := func(c wire.Conn) wire.Conn { return &chatty{Conn: c, critical: n} }
					if from == "sender" {
						r.network.wrapS = wrap
					} else {
						r.network.wrapR = wrap
					}
					r.do(t)
					wantVersionError(t, "send", r.sendErr, from == "sender")
					wantVersionError(t, "receive", r.receiveErr, from == "receiver")
					if r.sink.commits != 0 {
						t.Error("committed all the same")
					}
				})
			})
		}
	}
}

// wantVersionError is what a person, a host and a script learn.
func wantVersionError(t *testing.T, side string, err error, peer bool) {
	t.Helper()
	e, ok := errors.AsType[*transfer.Error](err)
	if !ok || e.Code != wire.CodeVersion || e.Peer != peer {
		t.Errorf("%s: %v, want version, of the peer: %v", side, err, peer)
	}
	if code := host.CodeOf(err); code != "version" || host.ExitOf(code) != 12 {
		t.Errorf("%s: code %q, exit %d", side, code, host.ExitOf(code))
	}
}

// A chatty connection is that of a later version: an unknown frame comes before each
// write, which is one frame. With critical, only before that one (from 1), and as one
// that must not be skipped.
type chatty struct {
	wire.Conn
	writes   atomic.Int32
	critical int32
}

func (c *chatty) Write(p []byte) (int, error) {
	n := c.writes.Add(1)
	if c.critical != 0 && n != c.critical {
		return c.Conn.Write(p)
	}
	flags := ^wire.Critical
	if n == c.critical {
		flags = wire.Critical
	}
	later := binary.BigEndian.AppendUint32([]byte{0x40 + byte(n%64), byte(flags)}, uint32(n))
	later = append(later, bytes.Repeat([]byte{0xa5}, int(n))...)
	written, err := c.Conn.Write(append(later, p...))
	return max(0, written-len(later)), err
}
