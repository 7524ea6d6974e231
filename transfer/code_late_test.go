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

// A memoryState is a state whose process does not die.
type memoryState struct{ b []byte }

func (s *memoryState) Save(_ context.Context, c *transfer.Checkpoint) (err error) {
	s.b, err = c.MarshalBinary()
	return err
}

func (s *memoryState) Remove(context.Context) error {
	s.b = nil
	return nil
}

// read is what is kept, or nil.
func (s *memoryState) read(t *testing.T) *transfer.Checkpoint {
	t.Helper()
	if s.b == nil {
		return nil
	}
	c, err := transfer.ParseCheckpoint(s.b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A slowPerson takes half a minute to type the digits.
type slowPerson struct{ *people }

func (p slowPerson) AskCheckCode(ctx context.Context, info segment.TransferInfo, tries int) (string, error) {
	code, err := p.people.AskCheckCode(ctx, info, tries)
	time.Sleep(30 * time.Second)
	return code, err
}

// A quitter is asked for the digits, and leaves.
type quitter struct {
	*people
	quit func()
}

func (q quitter) AskCheckCode(ctx context.Context, _ segment.TransferInfo, _ int) (string, error) {
	q.quit()
	<-ctx.Done()
	return "", ctx.Err()
}

// The network is gone while a person types the digits, for longer than either side
// waits: the old device does not know that they matched, and keeps what the new one
// will come back to. When the new one says that it has ended, nothing is kept.
func TestCodeMatchesWhileTheNetworkIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(t, newSource(9, 1, 2, 1000, 1))
		sent, received := &memoryState{}, &memoryState{}
		r.sendState, r.receiveState, r.prompter = sent, received, slowPerson{r.people}
		r.network.wrap = func(c wire.Conn) wire.Conn {
			time.AfterFunc(10*time.Second, func() { c.Close() })
			return c
		}
		r.network.down = func(n int) bool { return n > 0 }
		r.do(t)
		r.refused(t, wire.CodeTimeout, wire.CodeTimeout)
		s, d := sent.read(t), received.read(t)
		if s == nil || d == nil {
			t.Fatalf("kept: old device %v, new device %v", s, d)
		}
		if s.Code == "" {
			t.Error("the old device believes that the digits were typed")
		}
		r.network.wrap, r.network.down = nil, nil
		done := make(chan error, 1)
		go func() {
			_, err := transfer.Receive(t.Context(), transfer.ReceiveOptions{
				Sink: r.sink, Acceptors: []transfer.Acceptor{r.network}, Prompter: r.people, State: received, Resume: d,
			})
			done <- err
		}()
		_, err := transfer.Send(t.Context(), transfer.SendOptions{
			Source: r.source, Dialer: r.network, Prompter: r.people, State: sent, Resume: s,
		})
		if rerr := <-done; err != nil || rerr != nil {
			t.Fatalf("send: %v\nreceive: %v", err, rerr)
		}
		if err := r.sink.equal(r.source); err != nil || sent.b != nil || received.b != nil {
			t.Errorf("%v; kept %t, %t", err, sent.b != nil, received.b != nil)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r := newRun(t, newSource(9, 1, 2, 1000, 1))
		sent, received := &memoryState{}, &memoryState{}
		r.sendState, r.receiveState = sent, received
		var stop context.CancelFunc
		r.receiveCtx, stop = context.WithCancel(t.Context())
		r.prompter = quitter{r.people, stop}
		r.do(t)
		r.refused(t, wire.CodeCancelled, wire.CodeCancelled)
		if sent.b != nil || received.b != nil {
			t.Errorf("kept %t, %t", sent.b != nil, received.b != nil)
		}
	})
}
