package transfer_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// The connection breaks after M3 arrived and before the sender's first record
// leaves: the next one goes on.
func TestCutBeforeConfirm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newSource(1, 1, 1, 100, 0)
		s := startSend(t, src, transfer.Timing{Reconnect: 10 * time.Second})
		l, m3 := s.answer(s.receiver)
		l.write(wire.Accept, m3)
		l.conn.Close()
		resumed, err := pairing.NewResumeReceiver(pairing.ResumeOptions{Session: l.session})
		if err != nil {
			t.Fatal(err)
		}
		l = s.accept(resumed)
		if kind, _ := l.read(); kind != confirm {
			t.Fatalf("record %d, want confirm", kind)
		}
		l.record(errorType, 0, byte(wire.CodeStorage))
		s.refused(wire.CodeStorage)
	})
}

// A receiver that says more than it was asked for, and then is gone.
func TestTooManyAnswersAndGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSend(t, newSource(1, 1, 40, 100_000, 0), transfer.Timing{Reconnect: 10 * time.Second})
		l := s.pair()
		if kind, _ := l.read(); kind != page {
			t.Fatalf("record %d, want a page", kind)
		}
		wants := append(u32(0), 0x98, 40)
		l.record(answer, append(wants, make([]byte, 40)...)...)
		for range 20 {
			l.record(answer, append(u32(1), 0x80)...)
		}
		l.conn.Close()
		s.wait(time.Hour)
		if s.err == nil {
			t.Error("the sender is content")
		}
	})
}

// The sender stops and says so; a receiver that then neither closes nor falls
// silent does not keep it.
func TestHangUpOnPeerThatStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newSource(1, 1, 1, 100, 0)
		clear(src.segments)
		s := startSend(t, src, transfer.Timing{})
		l := s.pair()
		l.record(answer, append(u32(0), 0x81, 0)...)
		stop := make(chan struct{})
		defer close(stop)
		go func() {
			for l.record(keepAlive) == nil {
				select {
				case <-time.After(time.Second):
				case <-stop:
					return
				}
			}
		}()
		s.wait(20 * time.Second)
		if transfer.CodeOf(s.err) != wire.CodeSource {
			t.Errorf("send: %v", s.err)
		}
	})
}

// The same on the other side: the receiver stops, and the sender stays.
func TestReceiverHangsUpOnPeerThatStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startReceive(t, transfer.Timing{})
		l := r.pair()
		stop := make(chan struct{})
		defer close(stop)
		go func() {
			for l.record(keepAlive) == nil {
				select {
				case <-time.After(time.Second):
				case <-stop:
					return
				}
			}
		}()
		r.sink.failStage = errors.New("disk full")
		data := []byte("x")
		l.record(page, pageOf(t, 0, onePage(data))...)
		l.chunk(append(head(1, 0, 1, 0, 1), data...), false)
		r.wait(20 * time.Second)
		r.refused(wire.CodeStorage)
	})
}
