package host

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// ErrNoAnswer says that the host has not answered in time.
var ErrNoAnswer = errors.New("the host has not answered in time")

// A flight is the batches that are with the host: at most as many as its window.
type flight struct {
	s       *Sink
	answers <-chan *Command
	pending map[uint64]batch
}

// A batch is one that is with the host: whose items it has.
type batch struct {
	items []segment.Item // nil for an attachment, which is one
	n     int
}

// settle waits for acks until fewer than most are in flight.
func (f *flight) settle(ctx context.Context, most int, take func(batch, *Command)) error {
	for len(f.pending) > 0 && len(f.pending) >= most {
		cmd, err := f.s.wait(ctx, f.answers)
		if err != nil {
			return err
		}
		b, ok := f.pending[*cmd.Batch]
		if !ok {
			f.s.conn.Tell("bad-command", "ack of a batch that is not in flight")
			continue
		}
		if err := b.fits(cmd); err != nil {
			f.s.conn.Tell("bad-command", err.Error())
			continue // the host has another try
		}
		delete(f.pending, *cmd.Batch)
		take(b, cmd)
	}
	return nil
}

// fits refuses an ack that is not of b's items, each once.
func (b batch) fits(cmd *Command) error {
	seen := make(map[int]bool)
	check := func(item int) error {
		if item < 0 || item >= b.n {
			return fmt.Errorf("batch %d has no such item", *cmd.Batch)
		}
		if seen[item] {
			return fmt.Errorf("an item of batch %d is named twice", *cmd.Batch)
		}
		seen[item] = true
		return nil
	}
	for _, r := range cmd.Rejected {
		if err := check(*r.Item); err != nil {
			return err
		}
	}
	for _, item := range cmd.There {
		if err := check(item); err != nil {
			return err
		}
	}
	return nil
}

// wait waits for a command for as long as a host is waited for.
func (s *Sink) wait(ctx context.Context, answers <-chan *Command) (*Command, error) {
	timer := time.NewTimer(s.opts.Answer)
	defer timer.Stop()
	select {
	case cmd, ok := <-answers:
		if !ok {
			return nil, ErrClosed
		}
		return cmd, nil
	case <-timer.C:
		return nil, ErrNoAnswer
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// count says how the items of a batch ended, by its ack.
func (s *Sink) count(l *segment.Ledger, b batch, cmd *Command) {
	how := make(map[int]segment.Reason)
	for _, r := range cmd.Rejected {
		how[*r.Item] = s.reason(r.Code)
	}
	there := make(map[int]bool)
	for _, item := range cmd.There {
		there[item] = true
	}
	for i := range b.items {
		switch reason, rejected := how[i]; {
		case rejected:
			l.AddQuarantined(reason, 1)
		case there[i]:
			l.There++
		case b.items[i].Dialog.Type == "tombstone":
			l.Tombstones++
		default:
			l.Imported++
		}
	}
}

// reason is what a host's code is in the ledger.
func (s *Sink) reason(code string) segment.Reason {
	if !s.reasons[code] {
		if len(s.reasons) == maxRejections {
			return segment.Reason(strings.TrimSpace(reasonPrefix))
		}
		s.reasons[code] = true
	}
	return segment.Reason(reasonPrefix + code)
}

// reasonPrefix tells a host's codes from our own reasons.
const reasonPrefix = "host "
