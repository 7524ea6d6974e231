package transfer_test

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"

	"github.com/vcon-transfer/vcon-transfer/hpke"
	"github.com/vcon-transfer/vcon-transfer/transfer"
)

// A lastState remembers the checkpoint that was kept last.
type lastState struct{ b []byte }

func (s *lastState) Save(_ context.Context, c *transfer.Checkpoint) (err error) {
	s.b, err = c.MarshalBinary()
	return err
}

func (s *lastState) Remove(context.Context) error { return nil }

// What both sides keep once the import is committed says how it ended: what both
// results say. It says nothing before, and nothing under another name or key.
func TestCheckpointLedger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(t, newSource(8, 1, 2, 1000, 1))
		sent, received := &lastState{}, &lastState{}
		r.sendState, r.receiveState = sent, received
		r.do(t)
		r.succeeded(t)
		for side, state := range map[string]*lastState{"sender": sent, "receiver": received} {
			read := func() *transfer.Checkpoint {
				c, err := transfer.ParseCheckpoint(state.b)
				if err != nil {
					t.Fatal(err)
				}
				return c
			}
			if l, ok := read().Ledger(); !ok || !l.Equal(r.sent.Ledger) || !l.Equal(r.received.Ledger) || l.Imported == 0 {
				t.Errorf("%s: %+v, %t, want %+v", side, l, ok, r.sent.Ledger)
			}
			for name, change := range map[string]func(*transfer.Checkpoint){
				"without a receipt": func(c *transfer.Checkpoint) { c.Receipt = nil },
				"empty":             func(c *transfer.Checkpoint) { c.Receipt = []byte{} },
				"tampered":          func(c *transfer.Checkpoint) { c.Receipt = append(bytes.Clone(c.Receipt[1:]), 0) },
				"another transfer":  func(c *transfer.Checkpoint) { c.TransferID[0]++ },
				"another secret":    func(c *transfer.Checkpoint) { c.Resumption = hpke.Secret{1} },
			} {
				c := read()
				change(c)
				if l, ok := c.Ledger(); ok {
					t.Errorf("%s, %s: %+v", side, name, l)
				}
			}
		}
	})
}
