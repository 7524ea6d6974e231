package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/testdata/sample"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/statedir"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// guide:consent

// An oldScreen is the user interface of the old device.
type oldScreen struct {
	show func(text string)
	yes  func(question string) bool
}

func (s *oldScreen) Consent(_ context.Context, req transfer.ConsentRequest) (segment.Scope, error) {
	question := fmt.Sprintf("Give %d messages and %d attachments to %q?", req.Overview.Messages, req.Overview.Attachments, req.Label)
	if !s.yes(question) {
		return segment.Scope{}, transfer.ErrDeclined
	}
	scope := req.Scope
	scope.NoMedia = !s.yes("With pictures?") // narrower than what was asked for, never wider
	return scope, nil
}

func (s *oldScreen) ShowCheckCode(_ context.Context, code string) error {
	s.show("Type these digits on the new device: " + code)
	return nil
}

// guide:end

// Both devices end with the same ledger: each message of the source is in one column.
func ExampleResult() {
	ui := &oldScreen{show: func(string) {}, yes: func(question string) bool {
		fmt.Println(question)
		return question != "With pictures?"
	}}
	inBubble(func(ctx context.Context) {
		source, sink, done := sampleTransfer()
		defer done()
		o := transfertest.Run(ctx,
			transfer.SendOptions{Source: source, Prompter: ui, Scope: segment.Scope{MaxMessages: 12}},
			transfer.ReceiveOptions{Sink: sink, Offer: pairing.ReceiverOptions{Label: "new phone"}})
		result, err := o.Sent, o.SendErr
		// guide:ledger
		if err != nil {
			return // there is no receipt: the history is not on the new device, or nobody knows
		}
		l := result.Ledger
		fmt.Println(l.Source, "messages:", l.Imported, "imported,", l.There, "were there,", l.Tombstones, "are gone")
		for why, n := range l.Excluded {
			fmt.Println(n, "left out:", why)
		}
		for why, n := range l.AttachmentsExcluded {
			fmt.Println(n, "attachments left out:", why)
		}
		if l.Lost() > 0 {
			fmt.Println("look into", l.Quarantined)
		}
		// guide:end
		fmt.Println("balanced:", l.Balanced() == nil)
	})

	// Output:
	// Give 12 messages and 1 attachments to "new phone"?
	// With pictures?
	// 15 messages: 13 imported, 0 were there, 0 are gone
	// 2 left out: outside scope
	// 1 attachments left out: no media
	// balanced: true
}

// guide:errors

func explain(err error) string {
	switch transfer.CodeOf(err) {
	case wire.CodeDeclined:
		return "Nothing was sent."
	case wire.CodeExpired, wire.CodeTaken, wire.CodeIntent, wire.CodeWrongCheckCode, wire.CodeTooManyTries:
		return "Show a new code on the new device."
	case wire.CodeTimeout, wire.CodeCancelled, wire.CodeShutdown, wire.CodeBusy:
		return "Not finished. Start it on both devices again: it goes on."
	case wire.CodeStorage:
		return "The new device cannot store it. Make room there, and start again."
	case wire.CodeSource:
		return "The old device cannot read its history."
	case wire.CodeVersion, wire.CodeSuite:
		return "Update the app on both devices."
	case wire.CodeVerification, wire.CodeProtocol, wire.CodeLimit:
		return "What came was not what the other device sent. It was refused."
	}
	return "It failed." // an unknown code, too
}

// guide:end

// The code of an error says what a person can do, on both devices.
func ExampleCodeOf() {
	no := &oldScreen{yes: func(string) bool { return false }}
	inBubble(func(ctx context.Context) {
		source, sink, done := sampleTransfer()
		defer done()
		o := transfertest.Run(ctx, transfer.SendOptions{Source: source, Prompter: no}, transfer.ReceiveOptions{Sink: sink})
		fmt.Println("old device:", explain(o.SendErr))
		fmt.Println("new device:", explain(o.ReceiveErr))
		e, ok := errors.AsType[*transfer.Error](o.ReceiveErr)
		fmt.Println("the other one said so:", ok && e.Peer)
	})

	// Output:
	// old device: Nothing was sent.
	// new device: Nothing was sent.
	// the other one said so: true
}

// An app that is frozen for an hour says so before, and the other device waits.
func ExamplePauser() {
	inBubble(func(ctx context.Context) {
		freeze := func() { time.Sleep(time.Hour) }
		sink := newSink(new(testing.T))
		sink.slow = time.Second
		var pauser transfer.Pauser // one for each Send or Receive
		time.AfterFunc(10*time.Second, func() {
			// guide:pause
			// The system is about to freeze the app, and gives it a moment.
			moment, cancel := context.WithTimeout(ctx, 3*time.Second)
			if err := pauser.Pause(moment); err != nil {
				fmt.Println("the other device was not told")
			}
			cancel()
			freeze()
			// The app runs again.
			pauser.Resume()
			// guide:end
		})
		o := transfertest.Run(ctx,
			transfer.SendOptions{Source: newSource(7, 2, 15, 50_000, 0), Pause: &pauser},
			transfer.ReceiveOptions{Sink: sink, Interrupted: func(i transfer.Interruption) {
				fmt.Println("the other device is paused:", i.Paused)
			}})
		fmt.Println(o.Err(), o.Received.Reconnects)
	})

	// Output:
	// the other device is paused: true
	// <nil> 0
}

// guide:resume

// sendOrGoOn goes on with what another process left, and else begins with an offer.
func sendOrGoOn(ctx context.Context, path string, key []byte, opts transfer.SendOptions, scan func() (*pairing.Offer, error)) (*transfer.Result, error) {
	dir, err := statedir.Open(path, statedir.Options{Key: key}) // 32 bytes of your keychain
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	entry, err := dir.Take(statedir.Name{Role: pairing.RoleSender, Place: "history of this account"})
	if err != nil {
		return nil, err // statedir.ErrInUse: another process is at it
	}
	defer entry.Close()
	opts.State = entry
	opts.Resume, err = entry.Load()
	if err != nil && !errors.Is(err, transfer.ErrOver) {
		return nil, err
	}
	if opts.Resume == nil {
		if opts.Offer, err = scan(); err != nil {
			return nil, err
		}
	}
	return transfer.Send(ctx, opts)
}

// guide:end

// A process that is killed leaves what another one needs to go on without a person.
func Example_resume() {
	path, err := os.MkdirTemp("", "vcon-transfer-example-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(path)
	inBubble(func(ctx context.Context) {
		source, sink, done := sampleTransfer()
		defer done()
		var people transfertest.People
		var network transfertest.Network
		var received transfertest.State
		attempt := func(ctx context.Context, progress func(transfer.Progress)) error {
			ended := make(chan error, 1)
			go func() {
				left, err := received.Load()
				if err == nil {
					_, err = transfer.Receive(ctx, transfer.ReceiveOptions{Sink: sink, Acceptors: []transfer.Acceptor{&network},
						Prompter: &people, Progress: progress, State: &received, Resume: left})
				}
				ended <- err
			}()
			_, err := sendOrGoOn(ctx, path, make([]byte, statedir.KeySize),
				transfer.SendOptions{Source: source, Dialer: &network, Prompter: &people},
				func() (*pairing.Offer, error) { return people.Scan(ctx) })
			return errors.Join(err, <-ended)
		}

		killed, kill := context.WithCancel(ctx)
		err := attempt(killed, func(transfer.Progress) { kill() })
		fmt.Println("the first process was done:", err == nil)
		fmt.Println("the second:", attempt(ctx, nil))
		fmt.Println("asked for consent:", len(people.Asked()))
	})

	// Output:
	// the first process was done: false
	// the second: <nil>
	// asked for consent: 1
}

// inBubble runs f with fake time.
func inBubble(f func(context.Context)) {
	synctest.Test(new(testing.T), func(t *testing.T) { f(t.Context()) })
}

// sampleTransfer is a conversation with a picture, and a folder to receive it.
func sampleTransfer() (source *history.Source, sink *history.DirSink, done func()) {
	v, err := codec.DecodeCBOR(sample.CBOR)
	if err != nil {
		panic(err)
	}
	dir, err := os.MkdirTemp("", "vcon-transfer-example-")
	if err != nil {
		panic(err)
	}
	if sink, err = history.OpenDir(dir, history.DirOptions{}); err != nil {
		panic(err)
	}
	source = history.NewSource(history.FromVCons([]*codec.VCon{v}), history.SourceOptions{})
	return source, sink, func() {
		sink.Close()
		os.RemoveAll(dir)
	}
}
