package sqlite

import (
	"strings"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

// eventWords tells roster events in words, one a line. name gives the name of a
// party's row.
func eventWords(events []codec.PartyEvent, name func(row *uint32) string) string {
	var lines []string
	for _, e := range events {
		lines = append(lines, eventLine(e, name))
	}
	return strings.Join(lines, "\n")
}

func eventLine(e codec.PartyEvent, name func(row *uint32) string) string {
	who, by := name(e.Party), ""
	if e.Originator != nil && (e.Party == nil || *e.Originator != *e.Party) {
		by = name(e.Originator)
	}
	done := func(active, passive string) string {
		if by == "" {
			return who + " " + passive
		}
		return by + " " + active + " " + who
	}
	switch e.Event {
	case "add":
		return done("added", "was added")
	case "self_add":
		return who + " joined"
	case "leave":
		return who + " left"
	case "remove":
		return done("removed", "was removed")
	case "ban":
		return done("banned", "was banned")
	case "update":
		return updateLine(e, who, by)
	case "room":
		return roomLine(e.Room, by)
	}
	if what, ok := callEvents[e.Event]; ok {
		return who + " " + what
	}
	if e.Event == "keydown" || e.Event == "keyup" {
		return who + keyWords(e)
	}
	return who + ": unknown event " + e.Event
}

// callEvents are what happens in a call (vcon-core, "Party_History Object").
var callEvents = map[string]string{
	"join": "joined the call", "drop": "left the call", "hold": "was put on hold", "unhold": "was taken off hold",
	"mute": "was muted", "unmute": "was unmuted",
}

func keyWords(e codec.PartyEvent) string {
	what := " pressed"
	if e.Event == "keyup" {
		what = " released"
	}
	var button string
	if e.Extra["button"].Decode(&button) != nil {
		return what + " a key"
	}
	return what + " " + button
}

func updateLine(e codec.PartyEvent, who, by string) string {
	var did []string
	if e.Name != "" {
		did = append(did, "is now called "+e.Name)
	}
	if e.Role != "" {
		did = append(did, "now has the role "+e.Role)
	}
	if did == nil {
		did = append(did, "was updated")
	}
	line := who + " " + strings.Join(did, " and ")
	if by != "" {
		line += " (by " + by + ")"
	}
	return line
}

func roomLine(r *codec.Room, by string) string {
	var did []string
	if r != nil {
		for _, p := range []struct{ what, to string }{
			{"name", r.Name}, {"subject", r.Subject}, {"picture", r.Avatar}, {"mood", r.Mood},
		} {
			if p.to != "" {
				did = append(did, p.what+" to "+p.to)
			}
		}
		if len(r.Description) > 0 {
			did = append(did, "description")
		}
	}
	what := strings.Join(did, ", ")
	if what == "" {
		what = "details"
	}
	if by == "" {
		return "the room's " + what + " was changed"
	}
	return by + " changed the room's " + what
}
