package main

import (
	"maps"
	"slices"

	"github.com/vcon-transfer/vcon-transfer/codec/convert"
)

// sayReport tells what became of an export.
func sayReport(ui *terminal, path string, r *convert.Report) {
	ui.remark("%s: %s, of which %s and %s of the roster", path, plural(r.Records, "record"),
		plural(r.Messages, "message"), plural(r.Changes, "change"))
	if r.Tombstones > 0 {
		ui.remark("  %s in the place of what was deleted", plural(r.Tombstones, "tombstone"))
	}
	if r.Links > 0 {
		ui.remark("  %s of %s kept", count(r.Replies), plural(r.Links-r.LeftLinks[convert.LinkToItself], "reply link"))
	}
	if r.Attachments > 0 {
		ui.remark("  %s of %s with content", count(r.Contents), plural(r.Attachments, "attachment"))
	}
	for _, l := range leftLines(r) {
		ui.remark("  left out %s: %s", l.what, l.why)
	}
	for _, line := range mendedLines(r) {
		ui.remark("  changed: %s", line)
	}
}

// A leftLine says what of an export is in no vCon for one reason.
type leftLine struct{ what, why string }

// leftLines lists what is left out, records first.
func leftLines(r *convert.Report) (lines []leftLine) {
	say := func(m map[convert.Reason]uint64, what string) {
		for _, why := range slices.Sorted(maps.Keys(m)) {
			if why == convert.LinkToItself {
				continue // it says that a line answers nothing
			}
			lines = append(lines, leftLine{plural(m[why], what), string(why)})
		}
	}
	say(r.Left, "record")
	say(r.LeftLinks, "reply link")
	say(r.LeftAttachments, "content")
	if r.OtherFiles > 0 {
		lines = append(lines, leftLine{plural(r.OtherFiles, "file"), "of another layout"})
	}
	return lines
}

// mendedLines says what is carried with a change, a line each.
func mendedLines(r *convert.Report) (lines []string) {
	for _, what := range slices.Sorted(maps.Keys(r.Mended)) {
		lines = append(lines, count(r.Mended[what])+" × "+string(what))
	}
	return lines
}
