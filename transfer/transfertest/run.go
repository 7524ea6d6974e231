package transfertest

import (
	"context"
	"errors"
	"fmt"

	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
)

// An Outcome is how a transfer ended on both devices.
type Outcome struct {
	Sent, Received      *transfer.Result // nil beside an error
	SendErr, ReceiveErr error
}

// Err is nil when both devices had success; else it says which one had not.
func (o *Outcome) Err() error {
	var errs []error
	if o.SendErr != nil {
		errs = append(errs, fmt.Errorf("send: %w", o.SendErr))
	}
	if o.ReceiveErr != nil {
		errs = append(errs, fmt.Errorf("receive: %w", o.ReceiveErr))
	}
	return errors.Join(errs...)
}

// Run runs both devices, each as its options say, until both have ended. A Source and a Sink are enough:
// where Dialer or Acceptors are missing, a Network of its own joins the devices, and missing persons are
// People. A prompter of yours may be that of one device only: Run brings the offer to the old one, and what
// your SendPrompter shows to the People that are asked for it.
//
// Each device ends by itself, as it would alone: outside of a synctest bubble one that waits for the other
// takes its time, and ctx bounds it.
func Run(ctx context.Context, send transfer.SendOptions, receive transfer.ReceiveOptions) *Outcome {
	var people People
	var network Network
	if send.Dialer == nil {
		send.Dialer = &network
	}
	if receive.Acceptors == nil {
		receive.Acceptors = []transfer.Acceptor{&network}
	}
	send.Prompter = join(send.Prompter, &people)
	receive.Prompter = joinReceiver(receive.Prompter, &people)

	o := new(Outcome)
	showing, ended := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer ended()
		o.Received, o.ReceiveErr = transfer.Receive(ctx, receive)
	}()
	if send.Offer == nil && send.Resume == nil {
		send.Offer, o.SendErr = people.Scan(showing)
	}
	if o.SendErr == nil {
		o.Sent, o.SendErr = transfer.Send(ctx, send)
	}
	<-done
	return o
}

// A sender tells the other person what its own prompter shows.
type sender struct {
	transfer.SendPrompter
	people *People
}

func join(p transfer.SendPrompter, people *People) transfer.SendPrompter {
	if p == nil {
		return people
	}
	return &sender{p, people}
}

func (s *sender) ShowCheckCode(ctx context.Context, code string) error {
	if err := s.SendPrompter.ShowCheckCode(ctx, code); err != nil {
		return err
	}
	return s.people.ShowCheckCode(ctx, code)
}

// A receiver does so with the offer.
type receiver struct {
	transfer.ReceivePrompter
	people *People
}

func joinReceiver(p transfer.ReceivePrompter, people *People) transfer.ReceivePrompter {
	if p == nil {
		return people
	}
	return &receiver{p, people}
}

func (r *receiver) ShowOffer(ctx context.Context, offer *pairing.Offer) error {
	if err := r.ReceivePrompter.ShowOffer(ctx, offer); err != nil {
		return err
	}
	return r.people.ShowOffer(ctx, offer)
}

// A State keeps the checkpoint of one transfer in memory, where it outlives a Send or a Receive and not the
// test. For one whose disk fails or loses power, see Disk and statedir.OpenOn. The zero value is ready.
type State struct{ checkpoint []byte }

var _ transfer.State = (*State)(nil)

// Save is that of transfer.State.
func (s *State) Save(_ context.Context, c *transfer.Checkpoint) error {
	b, err := c.MarshalBinary()
	if err != nil {
		return fmt.Errorf("save checkpoint: %w", err)
	}
	s.checkpoint = b
	return nil
}

// Remove is that of transfer.State.
func (s *State) Remove(context.Context) error {
	s.checkpoint = nil
	return nil
}

// Load is what is kept, or nil when no transfer is unfinished.
func (s *State) Load() (*transfer.Checkpoint, error) {
	if s.checkpoint == nil {
		return nil, nil
	}
	return transfer.ParseCheckpoint(s.checkpoint)
}
