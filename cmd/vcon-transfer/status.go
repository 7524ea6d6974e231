package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/host"
	"github.com/vcon-transfer/vcon-transfer/transfer/statedir"
)

func newStatus(ui *terminal) *cobra.Command {
	var f stateFlags
	var forget, asJSON bool
	c := &cobra.Command{
		Use:   "status",
		Short: "list the transfers that are unfinished on this device and the requests that wait, and forget them",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return status(c.Context(), ui, &f, forget, asJSON) },
	}
	c.Flags().StringVar(&f.dir, "state-dir", "", "where unfinished transfers are kept (default: in the user's data directory)")
	f.key.bind(c)
	c.Flags().BoolVar(&forget, "forget", false, "remove them: they cannot be gone on with; what was received stays")
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a transfer on standard output")
	return c
}

// A statusLine is one transfer in --json.
type statusLine struct {
	Role     string       `json:"role,omitempty"` // send, receive, request
	Mark     string       `json:"mark,omitempty"` // of a request
	Transfer string       `json:"transfer,omitempty"`
	Peer     string       `json:"peer,omitempty"` // not escaped
	Place    string       `json:"place,omitempty"`
	State    string       `json:"state"` // unfinished, complete (and the old device may not know), unreadable
	Started  *time.Time   `json:"started,omitempty"`
	Expires  *time.Time   `json:"expires,omitempty"`
	Progress *statusDone  `json:"progress,omitempty"`
	Ledger   *host.Ledger `json:"ledger,omitempty"` // of one that is complete
	InUse    bool         `json:"in_use"`
	Forgot   bool         `json:"forgot,omitempty"`
	Error    string       `json:"error,omitempty"`
}

type statusDone struct {
	Bytes         uint64 `json:"bytes"`
	TotalBytes    uint64 `json:"total_bytes"`
	Messages      uint64 `json:"messages"`
	TotalMessages uint64 `json:"total_messages"`
}

// status lists what is unfinished. What is over its lifetime is removed first.
func status(ctx context.Context, ui *terminal, f *stateFlags, forget, asJSON bool) error {
	if _, err := os.Stat(f.path()); errors.Is(err, fs.ErrNotExist) {
		ui.remark("Nothing is unfinished.")
		return nil
	}
	key, err := f.key.read(ctx, ui)
	if err != nil {
		return err
	}
	dir, err := statedir.Open(f.path(), statedir.Options{Key: key})
	if err != nil {
		return destinationError{fmt.Errorf("%s: %w", f.path(), err)}
	}
	defer dir.Close()
	if err := dir.Clean(); err != nil {
		return destinationError{err}
	}
	items, err := dir.List()
	if err != nil {
		return destinationError{err}
	}
	requests, err := sayRequests(ui, dir, forget, asJSON)
	if err != nil {
		return err
	}
	if len(items) == 0 && requests == 0 {
		ui.remark("Nothing is unfinished.")
	}
	var busy error
	for _, item := range items {
		forgot := false
		if forget {
			err := dir.Forget(item.ID)
			if errors.Is(err, statedir.ErrInUse) {
				item.InUse, busy = true, destinationError{fmt.Errorf("a transfer was not forgotten: %w", statedir.ErrInUse)}
			} else if err != nil {
				return destinationError{err}
			}
			forgot = err == nil
		}
		if err := sayItem(ui, item, forgot, asJSON); err != nil {
			return destinationError{fmt.Errorf("write standard output: %w", err)}
		}
	}
	return busy
}

func sayItem(ui *terminal, item statedir.Item, forgot, asJSON bool) error {
	line := lineOf(item, forgot)
	if asJSON {
		return json.NewEncoder(ui.out).Encode(line)
	}
	end := ""
	if item.InUse {
		end = " A process is at work on it."
	} else if forgot {
		end = " Forgotten."
		if c := item.Checkpoint; c != nil && c.Role == pairing.RoleReceiver && c.Receipt == nil {
			end = " Forgotten. What came of it stays there, incomplete, for another transfer."
		}
	}
	c := item.Checkpoint
	if c == nil {
		_, err := fmt.Fprintf(ui.out, "cannot be read: %v.%s\n", item.Err, end)
		return err
	}
	direction, what := "from", "unfinished"+share(c)
	if c.Role == pairing.RoleSender {
		direction = "to"
	}
	if line.State == stateComplete {
		what = "complete, but the old device may not know"
		if c.Role == pairing.RoleSender {
			what = "complete, but the new device may not know that this one knows"
		}
	}
	text := fmt.Sprintf("%s %s %q, began %s, until %s: %s.%s\n  %s\n", line.Role, direction, printable(c.Peer, 64),
		moment(c.Paired), moment(c.Expires), what, end, printable(item.Place, 400))
	for _, done := range doneLines(c) {
		text += "  " + done + "\n"
	}
	_, err := io.WriteString(ui.out, text)
	return err
}

// doneLines say how far a transfer is, or how it ended.
func doneLines(c *transfer.Checkpoint) []string {
	if l, ok := c.Ledger(); ok {
		return ledgerLines(l)
	}
	p := c.Progress
	if c.Receipt != nil || p.TotalMessages == 0 && p.TotalBytes == 0 {
		return nil
	}
	line := fmt.Sprintf("at least %s of %s", count(p.Messages), plural(p.TotalMessages, "message"))
	if p.TotalBytes > 0 {
		line += fmt.Sprintf(", %s of %s", size(p.Bytes), size(p.TotalBytes))
	}
	return []string{line}
}

const (
	stateUnfinished = "unfinished"
	stateComplete   = "complete"
	stateUnreadable = "unreadable"
)

func lineOf(item statedir.Item, forgot bool) statusLine {
	line := statusLine{State: stateUnfinished, InUse: item.InUse, Forgot: forgot, Place: item.Place}
	c := item.Checkpoint
	if c == nil {
		line.State = stateUnreadable
		if item.Err != nil {
			line.Error = item.Err.Error()
		}
		return line
	}
	line.Role, line.Peer, line.Transfer = roleName(c), c.Peer, hex.EncodeToString(c.TransferID[:])
	started, expires := c.Paired.UTC(), c.Expires.UTC()
	line.Started, line.Expires = &started, &expires
	if c.Receipt != nil {
		line.State = stateComplete
	}
	if l, ok := c.Ledger(); ok {
		line.Ledger = host.LedgerOf(l)
	}
	if p := c.Progress; p.TotalBytes > 0 || p.TotalMessages > 0 {
		line.Progress = &statusDone{p.Bytes, p.TotalBytes, p.Messages, p.TotalMessages}
	}
	return line
}

func roleName(c *transfer.Checkpoint) string {
	if c.Role == pairing.RoleSender {
		return "send"
	}
	return "receive"
}
