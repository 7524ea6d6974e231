package transfer_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// A patientSink takes long for each call, and gives up when its context ends, as
// a database does.
type patientSink struct {
	transfer.Sink
	slow time.Duration
}

func (s *patientSink) StageSegment(ctx context.Context, room segment.RoomEntry, e segment.SegmentEntry, data []byte) (segment.Ledger, error) {
	select {
	case <-time.After(s.slow):
		return s.Sink.StageSegment(ctx, room, e, data)
	case <-ctx.Done():
		return segment.Ledger{}, ctx.Err()
	}
}

// The sender comes on another connection while the receiver writes what it got
// on the one before: the transfer goes on there.
func TestNewConnectionWhileStaging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startReceiveInto(t, transfer.Timing{}, func(s transfer.Sink) transfer.Sink { return &patientSink{s, time.Minute} })
		data := []byte("a segment")
		first := r.pair()
		first.record(page, pageOf(t, 0, onePage(data))...)
		first.chunk(append(head(1, 0, 1, 0, uint64(len(data))), data...), false)
		time.Sleep(time.Second) // fake time
		l := r.resume(first.session, 1)
		if kind, _ := l.read(); kind != ready {
			t.Fatalf("record %d, want ready", kind)
		}
		l.record(errorType, 0, byte(wire.CodeSource))
		r.refused(wire.CodeSource)
	})
}

// Somebody who has recorded M0 and M2 repeats them before the sender has spoken,
// and then says nothing that opens: the sender's own connection goes on.
func TestReplayedHandshakeAndGarbage(t *testing.T) {
	garbage := map[string]func(*rawLink){
		"a record that does not open": func(l *rawLink) { _ = l.writer.WriteFrame(wire.Control, 0, make([]byte, 100)) },
		"a frame that is too long":    func(l *rawLink) { _, _ = l.conn.Write([]byte{byte(wire.Control), 0, 0xff, 0, 0, 0}) },
		"a chunk":                     func(l *rawLink) { _ = l.writer.WriteFrame(wire.Data, 0, make([]byte, 100)) },
		"the end":                     func(l *rawLink) { l.conn.Close() },
	}
	for name, poke := range garbage {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := startReceive(t, transfer.Timing{})
				l, s := greet(t, r.network, newSender(t, r.offer))
				l.request(s)
				replay, _ := greet(t, r.network, s) // the same M0, and the same M2
				replay.request(s)
				poke(replay)
				time.Sleep(time.Second) // fake time
				again, _ := greet(t, r.network, s)
				again.request(s)
				r.people.code <- again.session.CheckCode()
				again.record(confirm)
				if kind, _ := again.read(); kind != ready {
					t.Fatalf("record %d, want ready", kind)
				}
				r.complete(again, []byte("a segment"))
			})
		})
	}
}

// A lateConn gives the processor away for long behind a message.
type lateConn struct {
	wire.Conn
	behind wire.Type
}

func (c *lateConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if wire.Type(p[0]) == c.behind {
		time.Sleep(time.Second) // fake time
	}
	return n, err
}

// The connection that is newer is the one with the higher number, not the one
// whose handshake was over later.
func TestOlderConnectionIsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startReceive(t, transfer.Timing{})
		r.network.each = func(c wire.Conn) wire.Conn { return &lateConn{c, wire.Accept} }
		first, s := greet(t, r.network, newSender(t, r.offer))
		first.request(s)
		r.people.code <- first.session.CheckCode()
		r.network.each = nil
		l := r.resume(first.session, 1)
		if kind, _ := l.read(); kind != ready {
			t.Fatalf("record %d, want ready", kind)
		}
		time.Sleep(2 * time.Second) // fake time
		r.complete(l, []byte("a segment"))
	})
}
