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

// A flight is a segment, or the content of an attachment, that is with the host: some
// batches, at most as many as its window. It outlives a lost connection, so that the
// host is not given again what it has in the same process.
type flight struct {
	of      cargo
	next    int  // item of the segment that is given next
	given   bool // all of it
	pending map[uint64]batch
	ledger  segment.Ledger // of what is acknowledged
	refused segment.Reason // the content, if the host rejected it
}

// A cargo is what a flight is of: a segment, or a content with its hash.
type cargo struct {
	id  segment.ID
	key contentKey
	sum [32]byte
}

// A batch is one that is with the host: whose items it has.
type batch struct {
	items []segment.Item // nil for an attachment, which is one
	n     int
}

// board gives the flight of what is staged now: the one that is under way, if that is
// of the same. What the host says to another one is of no use then.
func (s *Sink) board(of cargo) *flight {
	if s.flight == nil || s.flight.of != of {
		s.flight = &flight{of: of, pending: make(map[uint64]batch)}
	}
	return s.flight
}

// settle waits for acks until fewer than most are in flight. The host may change its
// window meanwhile.
func (s *Sink) settle(ctx context.Context, f *flight, most func() int) error {
	for len(f.pending) > 0 && len(f.pending) >= most() {
		cmd, err := s.wait(ctx, s.acks)
		if err != nil {
			return err
		}
		if cmd == nil {
			continue // another window
		}
		b, ok := f.pending[*cmd.Batch]
		if !ok {
			s.conn.Tell("bad-command", "ack of a batch that is not in flight")
			continue
		}
		if err := b.fits(cmd); err != nil {
			s.conn.Tell("bad-command", err.Error())
			continue // the host has another try
		}
		delete(f.pending, *cmd.Batch)
		s.count(f, b, cmd)
	}
	return nil
}

// all is the window in which everything is waited for.
func all() int { return 1 }

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

// wait waits for a command for as long as a host is waited for. It is nil when the window
// has changed.
func (s *Sink) wait(ctx context.Context, answers <-chan *Command) (*Command, error) {
	timer := time.NewTimer(s.opts.Answer)
	defer timer.Stop()
	select {
	case cmd, ok := <-answers:
		if !ok {
			return nil, ErrClosed
		}
		return cmd, nil
	case <-s.conn.resized:
		return nil, nil
	case <-timer.C:
		return nil, ErrNoAnswer
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// count says how the items of a batch ended, by its ack.
func (s *Sink) count(f *flight, b batch, cmd *Command) {
	how := make(map[int]segment.Reason)
	for _, r := range cmd.Rejected {
		how[*r.Item] = s.reason(r.Code)
	}
	if b.items == nil {
		f.refused = how[0]
		return
	}
	there := make(map[int]bool)
	for _, item := range cmd.There {
		there[item] = true
	}
	l := &f.ledger
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

// known remembers a reason that an earlier process gave.
func (s *Sink) known(r segment.Reason) {
	if code, ok := strings.CutPrefix(string(r), reasonPrefix); ok {
		s.reasons[code] = true
	}
}

const (
	// reasonPrefix tells a host's codes from our own reasons.
	reasonPrefix = "host "

	// reasonNoForm is of what a vCon in CBOR can hold and one in JSON cannot.
	reasonNoForm segment.Reason = "no json form"
)
