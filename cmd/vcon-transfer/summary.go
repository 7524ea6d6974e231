package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/transfer"
)

// summarize says in plain words how a transfer ended. It only runs when the
// import is committed.
func summarize(ui *terminal, r *transfer.Result, verb, where string) {
	l := r.Ledger
	ui.say("Done: %s %s %s in %s (%s on the wire).", plural(l.Source-sumOf(l.Excluded), "item"), verb, where,
		r.Duration.Round(10*time.Millisecond), size(r.Sent+r.Received))
	parts := []string{count(l.Imported) + " imported"}
	if l.There > 0 {
		parts = append(parts, count(l.There)+" already there")
	}
	if l.Tombstones > 0 {
		parts = append(parts, count(l.Tombstones)+" deleted or expired, kept as a mark")
	}
	ui.say("  %s", strings.Join(parts, ", "))
	if l.Attachments > 0 {
		ui.say("  %s: %s imported, %s already there", plural(l.Attachments, "attachment"),
			count(l.AttachmentsImported), count(l.AttachmentsThere))
	}
	left := l
	sayLeft(ui, "left out", left)
	if lost := l.Lost() + sumOf(l.AttachmentsQuarantined); lost == 0 && sumOf(l.Excluded)+sumOf(l.AttachmentsExcluded) == 0 {
		ui.say("Everything that was on the old device is here.")
	} else if lost == 0 {
		ui.say("Everything that was chosen is here.")
	} else {
		ui.say("Not everything is here: see above.")
	}
	if r.Reconnects > 0 {
		ui.remark("The connection was lost %s and taken up again.", times(r.Reconnects))
	}
}

// sayLeft lists what is not moved, by reason.
func sayLeft(ui *terminal, what string, l segment.Ledger) {
	for _, part := range []struct {
		counts map[segment.Reason]uint64
		noun   string
	}{
		{l.Excluded, "message"}, {l.AttachmentsExcluded, "attachment"},
		{l.Quarantined, "record"}, {l.AttachmentsQuarantined, "attachment"},
	} {
		for _, reason := range slices.Sorted(maps.Keys(part.counts)) {
			if n := part.counts[reason]; n > 0 {
				ui.say("  %s %s: %s", what, plural(n, part.noun), reasonWords(reason))
			}
		}
	}
}

// reasonWords says a reason of the ledger to a person, where its token does not.
func reasonWords(r segment.Reason) string {
	switch r {
	case segment.Unsupported:
		return "their vCon says that it must not be read without an extension that this program does not have (critical)"
	case history.SealedVCon:
		return "signed or encrypted vCon, into which nobody can look for what has expired or was taken back"
	}
	return string(r)
}

func sumOf(m map[segment.Reason]uint64) (n uint64) {
	for _, v := range m {
		n += v
	}
	return n
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
