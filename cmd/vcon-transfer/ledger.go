package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// ledgerLines says in plain words where the items of a transfer ended: the same words
// on both devices, in `status`, and of a store.
func ledgerLines(l segment.Ledger) []string {
	parts := []string{count(l.Imported) + " imported"}
	if l.There > 0 {
		parts = append(parts, count(l.There)+" already there")
	}
	if l.Tombstones > 0 {
		parts = append(parts, count(l.Tombstones)+" deleted or expired, kept as a mark")
	}
	lines := []string{strings.Join(parts, ", ")}
	if l.Attachments > 0 {
		lines = append(lines, fmt.Sprintf("%s: %s imported, %s already there", plural(l.Attachments, "attachment"),
			count(l.AttachmentsImported), count(l.AttachmentsThere)))
	}
	return append(lines, notMoved("left out", l)...)
}

// notMoved lists what is not moved, by reason.
func notMoved(what string, l segment.Ledger) (lines []string) {
	for _, part := range []struct {
		counts map[segment.Reason]uint64
		noun   string
	}{
		{l.Excluded, "message"}, {l.AttachmentsExcluded, "attachment"},
		{l.Quarantined, "record"}, {l.AttachmentsQuarantined, "attachment"},
	} {
		for _, reason := range slices.Sorted(maps.Keys(part.counts)) {
			if n := part.counts[reason]; n > 0 {
				lines = append(lines, fmt.Sprintf("%s %s: %s", what, plural(n, part.noun), reasonWords(reason)))
			}
		}
	}
	return lines
}

// sayLeft lists what is not moved below what was said last.
func sayLeft(ui *terminal, what string, l segment.Ledger) { sayAll(ui, notMoved(what, l)) }

func sayAll(ui *terminal, lines []string) {
	for _, line := range lines {
		ui.say("  %s", line)
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
