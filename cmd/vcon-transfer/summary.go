package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/transfer"
)

// summarize says in plain words how a transfer ended. It only runs when the
// import is committed.
func summarize(ui *terminal, r *transfer.Result, verb, where string) {
	l := r.Ledger
	ui.say("Done: %s %s %s in %s (%s on the wire).", plural(l.Source-sumOf(l.Excluded), "item"), verb, where,
		r.Duration.Round(10*time.Millisecond), size(r.Sent+r.Received))
	sayAll(ui, ledgerLines(l))
	sayComplete(ui, l)
	if r.Reconnects > 0 {
		ui.remark("The connection was lost %s and taken up again.", times(r.Reconnects))
	}
}

// sayComplete says whether all of a history is here.
func sayComplete(ui *terminal, l segment.Ledger) {
	if lost := l.Lost() + sumOf(l.AttachmentsQuarantined); lost == 0 && sumOf(l.Excluded)+sumOf(l.AttachmentsExcluded) == 0 {
		ui.say("Everything that was on the old device is here.")
	} else if lost == 0 {
		ui.say("Everything that was chosen is here.")
	} else {
		ui.say("Not everything is here: see above.")
	}
}

// strictFlag is --strict: an end with items in quarantine is not a good one.
type strictFlag bool

func (f *strictFlag) bind(c *cobra.Command) {
	c.Flags().BoolVar((*bool)(f), "strict", false, "exit code 13 when items, or attachments, are in quarantine at the end")
}

// judge is what --strict says of a history that is imported.
func (f strictFlag) judge(l *segment.Ledger) error {
	if n := sumOf(l.Quarantined) + sumOf(l.AttachmentsQuarantined); f && n > 0 {
		return quarantineError(n)
	}
	return nil
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
