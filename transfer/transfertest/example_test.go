package transfertest_test

import (
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/testdata/sample"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
)

// The connection is cut in the middle of a picture, and there is no network for a
// minute. Then another connection takes its place, and the picture goes on where it
// was. The minute passes at once: the clock of a bubble moves when everybody waits.
func Example_cut() {
	source, sink, done := sampleTransfer()
	defer done()
	t := new(testing.T) // yours is that of the test
	// guide:test
	synctest.Test(t, func(t *testing.T) {
		network := &transfertest.Network{
			Faults: func(n int) (toReceiver, toSender transfertest.Faults) {
				if n == 0 {
					toReceiver.CutAfter = 30_000 // bytes
				}
				return toReceiver, toSender
			},
			Down: func(attempt int) bool { return 1 <= attempt && attempt < 20 },
		}
		o := transfertest.Run(t.Context(),
			transfer.SendOptions{Source: source, Dialer: network},
			transfer.ReceiveOptions{Sink: sink, Acceptors: []transfer.Acceptor{network}})
		if err := o.Err(); err != nil {
			t.Fatal(err)
		}
		fmt.Println("connections:", network.Made())
		fmt.Println("began again:", o.Sent.Sent > 30_000+sampleBytes)
		fmt.Println("took a minute:", o.Sent.Duration > time.Minute)
		fmt.Println("attachments:", o.Sent.Ledger.AttachmentsImported)
	})
	// guide:end

	// Output:
	// connections: 2
	// began again: false
	// took a minute: true
	// attachments: 1
}

// A Source and a Sink are enough: the network and the persons are brought along.
func ExampleRun() {
	source, sink, done := sampleTransfer()
	defer done()
	t := new(testing.T) // yours is that of the test
	synctest.Test(t, func(t *testing.T) {
		o := transfertest.Run(t.Context(), transfer.SendOptions{Source: source}, transfer.ReceiveOptions{Sink: sink})
		fmt.Println(o.Err(), o.Received.Ledger.Balanced())
	})
	// Output: <nil> <nil>
}

// sampleBytes is about what the picture and the messages have.
const sampleBytes = 35_000

// sampleTransfer is a conversation with a picture, and a folder to receive it.
func sampleTransfer() (*history.Source, *history.DirSink, func()) {
	v, err := codec.DecodeCBOR(sample.CBOR)
	if err != nil {
		panic(err)
	}
	dir, err := os.MkdirTemp("", "vcon-transfer-example-")
	if err != nil {
		panic(err)
	}
	sink, err := history.OpenDir(dir, history.DirOptions{})
	if err != nil {
		panic(err)
	}
	return history.NewSource(history.FromVCons([]*codec.VCon{v}), history.SourceOptions{}), sink, func() {
		sink.Close()
		os.RemoveAll(dir)
	}
}
