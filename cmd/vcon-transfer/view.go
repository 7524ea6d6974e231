package main

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/vcon-transfer/vcon-transfer/codec/history/sqlite"
)

// A view writes conversations: in columns, wrapped and with highlights on a
// screen, and as plain lines elsewhere. Everything that comes from the history
// goes through shown.
//
// Only what the view itself writes begins in the first column, so that no text of
// a message can pass for another message.
type view struct {
	out    *bufio.Writer
	width  int // of the screen; 0 is no screen
	styled bool
	levels bool // say the level of each message

	day        string            // of the last message
	provenance string            // of the last message
	names      map[string]string // who had a name first, by name
}

func newView(ui *terminal) *view {
	v := &view{out: bufio.NewWriterSize(ui.out, 64<<10), names: map[string]string{}}
	if f, ok := ui.out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		v.width = 80
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			v.width = max(w, minWidth)
		}
		v.styled = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	return v
}

const (
	minWidth = 24 // below it columns make no sense
	minTable = 66 // below it a list of rooms has no columns

	maxShownName = 40      // runes of the name of a person, room or file
	maxShownText = 1 << 16 // runes of a message
	maxReactors  = 8       // names behind one reaction

	maxShownEvents = 4000 // runes of the roster events of one moment
)

// flush writes what is left. A reader that has seen enough is no failure.
func (v *view) flush() error {
	if err := v.out.Flush(); err != nil {
		return destinationError{fmt.Errorf("write standard output: %w", err)}
	}
	return nil
}

func (v *view) line(parts ...string) {
	for _, p := range parts {
		v.out.WriteString(p)
	}
	v.out.WriteByte('\n')
}

func (v *view) bold(s string) string  { return v.style("1", s) }
func (v *view) faint(s string) string { return v.style("2", s) }

func (v *view) style(code, s string) string {
	if !v.styled || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// heading introduces a room.
func (v *view) heading(r *sqlite.RoomSummary) {
	v.line(v.bold(shown(titleOf(r), maxShownName)))
	if titleOf(r) != r.ID {
		v.line(v.faint(shown(r.ID, 200)))
	}
	facts := []string{plural(r.Messages, "message"), people(r.Participants)}
	if dates := span(r.First, r.Last); dates != "" {
		facts = append(facts, dates)
	}
	v.line(strings.Join(facts, ", "))
	if r.Incomplete {
		v.line(v.bold("Incomplete: a transfer of this room did not end. Run `send` on the old device again."))
	}
	if r.Quarantined > 0 {
		v.line(plural(r.Quarantined, "record"), " of this room could not be imported and ", isAre(r.Quarantined), " kept aside.")
	}
}

func titleOf(r *sqlite.RoomSummary) string {
	return cmp.Or(r.Name, r.Who, r.ID)
}

func people(n uint64) string {
	if n == 1 {
		return "1 person"
	}
	return count(n) + " people"
}

func isAre(n uint64) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// span is the days from the first to the last message. What no date is known of has
// the instant 0; "" when that is all.
func span(first, last time.Time) string {
	if last.IsZero() || last.UnixMilli() == 0 {
		return ""
	}
	if first.UnixMilli() == 0 {
		first = last
	}
	a, b := first.Local().Format(time.DateOnly), last.Local().Format(time.DateOnly)
	if a == b {
		return a
	}
	return a + " to " + b
}

// rooms lists the rooms, two lines each.
func (v *view) rooms(rooms []sqlite.RoomSummary) {
	if v.width > 0 && v.width < minTable {
		v.stackedRooms(rooms)
		return
	}
	name := cells("ROOM")
	for i := range rooms {
		name = max(name, cells(shown(titleOf(&rooms[i]), maxShownName)))
	}
	const others = 6 + 12 + 9 + 26 // what stands beside the name
	if v.width > 0 {
		name = max(min(name, v.width-others), 10)
	}
	v.line(v.faint(fmt.Sprintf("%4s  %s  %10s  %7s  %s", "#", pad("ROOM", name), "MESSAGES", "PEOPLE", "DATES")))
	for i := range rooms {
		r := &rooms[i]
		dates := span(r.First, r.Last)
		v.line(fmt.Sprintf("%4d  ", i+1), v.bold(pad(shown(titleOf(r), maxShownName), name)),
			fmt.Sprintf("  %10s  %7s  %s", count(r.Messages), count(r.Participants), dates))
		uri := shown(r.ID, 200)
		if v.width > 0 {
			uri = fit(uri, v.width-6)
		}
		v.line("      ", v.faint(uri))
		v.state(r)
	}
}

// state is what is wrong with a room.
func (v *view) state(r *sqlite.RoomSummary) {
	if r.Incomplete {
		v.body("      ", 6, "      ", "incomplete: a transfer of this room did not end", nil)
	}
	if r.Quarantined > 0 {
		v.body("      ", 6, "      ", plural(r.Quarantined, "record")+" kept aside", nil)
	}
}

// stackedRooms is rooms for a narrow screen.
func (v *view) stackedRooms(rooms []sqlite.RoomSummary) {
	const indent = "      "
	for i := range rooms {
		r := &rooms[i]
		v.body(v.faint(fmt.Sprintf("%4d  ", i+1)), len(indent), indent, shown(titleOf(r), maxShownName), v.bold)
		v.body(indent, len(indent), indent, plural(r.Messages, "message")+", "+people(r.Participants), nil)
		if dates := span(r.First, r.Last); dates != "" {
			v.body(indent, len(indent), indent, dates, nil)
		}
		v.line(indent, v.faint(fit(shown(r.ID, 200), v.width-len(indent))))
		v.state(r)
	}
}

// incomplete tells of transfers that did not end.
func (v *view) incomplete(transfers []sqlite.Transfer) {
	for i := range transfers {
		t := &transfers[i]
		if t.Complete || t.Superseded {
			continue
		}
		why := ""
		if t.Cause != "" {
			why = " (" + shown(t.Cause, 100) + ")"
		}
		for _, l := range wrap(fmt.Sprintf("Incomplete: the transfer from %q that began %s%s. Run `send` there again to complete it.",
			shown(t.Sender, maxShownName), t.Started.Local().Format("2006-01-02 15:04"), why), 0, v.width) {
			v.line(l)
		}
	}
}
