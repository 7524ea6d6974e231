package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/hpke"
	"github.com/vcon-transfer/vcon-transfer/pairing"
)

// A State keeps the checkpoint of one transfer where it outlives the process. Send
// and Receive call it from one goroutine at a time, and go on only when it has
// returned: what they do next rests on it.
type State interface {
	// Save replaces the checkpoint, in one step: after a crash the old one or the
	// new one is there, and after Save returned nil the new one. It keeps nothing
	// of c in memory. What is kept is a secret: sealed, or for its owner only.
	Save(ctx context.Context, c *Checkpoint) error
	// Remove ends it. It may be called when there is nothing.
	Remove(ctx context.Context) error
}

// A ReceiptKeeper is a Sink that can be asked for the receipt that it keeps. A
// process that died between Commit and the checkpoint after it then gives the same
// receipt again; with other sinks the history is compared and committed once more.
type ReceiptKeeper interface {
	// Receipt returns what Commit got for a transfer, and nil when that was not
	// committed.
	Receipt(ctx context.Context, transfer [32]byte) ([]byte, error)
}

// A LedgerKeeper is a Sink that remembers what it staged. Another process that goes
// on with a transfer then counts that as this one would have; with other sinks it
// counts as already there.
type LedgerKeeper interface {
	// Staged yields the segments that a transfer staged, with what StageSegment
	// returned, and the attachments that it staged or rejected. It is called before Begin.
	Staged(ctx context.Context, transfer [32]byte) iter.Seq2[segment.Staged, error]
}

// ErrOver is why a stored transfer is not gone on with: its lifetime is over, or
// its time lies in the future by this device's clock. A new offer is needed.
var ErrOver = errors.New("the lifetime of the unfinished transfer is over")

// A Checkpoint is what one side keeps of a transfer so that another process can go
// on with it, without an offer and without a check code: the resumption secret, and
// what was agreed. It holds neither the offer's secret, nor a one-time key, nor a
// key of a connection, nor anything of the history. It prints redacted.
//
// The old device makes it when it has opened M3, before it shows the check code; the
// new one when the check code matched. Before that an offer is used up with its
// process.
type Checkpoint struct {
	Role       pairing.Role
	Suite      hpke.Suite
	Intent     pairing.Intent
	TransferID [32]byte
	Resumption hpke.Secret // rms
	Connection uint32      // e: the old device has used no higher one, the new one has accepted none
	Paired     time.Time   // by this device's clock, whole milliseconds
	Expires    time.Time
	Peer       string          // its label, not escaped
	Routes     []pairing.Route // where the new device listens; for the old one first the one that worked
	Progress   Progress        // as far as it was when this was kept; Elapsed is not kept

	// Of the old device.
	Code    string        // the check code, until the new device has it
	Scope   segment.Scope // consented
	End     *segment.End  // the latest one that was, or is about to be, sent; beside a receipt the one it is of
	Receipt []byte        // of both: sealed. The new device has committed; the old one has it in hand

	// Of the new device: what the sink is told.
	Info segment.TransferInfo
}

// Expired tells whether the transfer is over its lifetime by this device's wall
// clock. A clock that was set back by more than MaxClockBack counts as that too:
// otherwise the secret would live for as long as the clock is wrong.
func (c *Checkpoint) Expired() bool {
	now := time.Now().Round(0)
	return !now.Before(c.Expires) || now.Before(c.Paired.Add(-MaxClockBack))
}

// Ledger is how the items of the transfer ended, once its receipt is kept: the
// import is committed then. Both sides have the same one.
func (c *Checkpoint) Ledger() (l segment.Ledger, ok bool) {
	if c.Receipt == nil {
		return l, false
	}
	rec, err := openReceipt(c.Suite, c.Resumption, c.TransferID, c.Receipt)
	return rec.end.Ledger, err == nil
}

// Erase overwrites the secrets in this copy.
func (c *Checkpoint) Erase() {
	c.Resumption.Erase()
	c.Code = ""
}

// String shows no secret.
func (c *Checkpoint) String() string {
	return fmt.Sprintf("transfer.Checkpoint(%v, connection %d, redacted)", c.Role, c.Connection)
}

// Format keeps the secrets out of every verb.
func (c *Checkpoint) Format(f fmt.State, _ rune) { io.WriteString(f, c.String()) }

// LogValue keeps the secrets out of structured logs.
func (c *Checkpoint) LogValue() slog.Value { return slog.StringValue(c.String()) }

// resumption is what package pairing needs of it.
func (c *Checkpoint) resumption() pairing.ResumeOptions {
	return pairing.ResumeOptions{
		Suite: c.Suite, TransferID: c.TransferID, Resumption: c.Resumption,
		Intent: c.Intent, LastConnection: c.Connection,
	}
}

// clone gives a copy that shares nothing that is changed in place.
func (c *Checkpoint) clone() *Checkpoint {
	d := *c
	return &d
}
