package convert

import (
	"cmp"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

// member converts a change of somebody's membership ("m.room.member").
func (x *matrixExport) member(m *room, e *matrixEvent, millis int64) error {
	id := string(*e.StateKey)
	before, called := e.Unsigned.Prev, x.who(id)
	if name := string(e.Content.DisplayName); name != "" && len(x.people) < MaxPeople {
		x.people[id] = name
	}
	who, by := x.who(id), x.who(string(e.Sender))
	if before.Membership == "" {
		before = e.Prev
	}
	if e.Content.Reason != "" {
		x.report.mend(FieldUnknown)
	}
	own := id == string(e.Sender)
	switch was := before.Membership; e.Content.Membership {
	case "join":
		if was == "join" {
			if name := string(e.Content.DisplayName); name != string(before.DisplayName) {
				return m.changes(millis, change{event: "update", who: called, by: by, name: cmp.Or(name, id)})
			}
			return x.line(m, e, millis, who.name+" changed their picture.")
		}
		return m.changes(millis, change{event: "self_add", who: who, by: who})
	case "invite":
		return x.line(m, e, millis, by.name+" invited "+who.name+".")
	case "knock":
		return x.line(m, e, millis, who.name+" asked to join.")
	case "ban":
		return m.changes(millis, change{event: "ban", who: who, by: by})
	case "leave":
		switch {
		case was == "ban":
			return x.line(m, e, millis, by.name+" unbanned "+who.name+".")
		case was == "invite" && own:
			return x.line(m, e, millis, who.name+" declined the invitation.")
		case was == "invite":
			return x.line(m, e, millis, by.name+" withdrew the invitation of "+who.name+".")
		case was == "knock" && own:
			return x.line(m, e, millis, who.name+" no longer asks to join.")
		case was == "knock":
			return x.line(m, e, millis, by.name+" refused "+who.name+".")
		case own:
			return m.changes(millis, change{event: "leave", who: who, by: who})
		}
		return m.changes(millis, change{event: "remove", who: who, by: by})
	}
	x.report.leave(EventUnknown)
	return nil
}

// state converts a change of the room. Those that MIMI has no field for are
// written out, without their tables (rights, servers, pinned messages).
func (x *matrixExport) state(m *room, e *matrixEvent, millis int64) error {
	by := x.who(string(e.Sender))
	c := &e.Content
	changed := func(room codec.Room) error {
		return m.changes(millis, change{event: "room", who: roomItself, by: by, room: &room})
	}
	text := ""
	switch e.Type {
	case "m.room.name":
		return changed(codec.Room{Name: x.short(string(c.Name))})
	case "m.room.topic":
		return changed(codec.Room{Subject: string(c.Topic)})
	case "m.room.avatar":
		return changed(codec.Room{Avatar: string(c.URL)})
	case "m.room.create":
		text = "created the room."
	case "m.room.encryption":
		text = "turned on end-to-end encryption."
	case "m.room.power_levels":
		text = "changed who may do what."
	case "m.room.canonical_alias":
		text = "set the room's address to " + string(c.Alias) + "."
		if c.Alias == "" {
			text = "removed the room's address."
		}
	case "m.room.join_rules":
		text = "changed who may join: " + string(c.JoinRule) + "."
	case "m.room.history_visibility":
		text = "changed who may read earlier messages: " + string(c.Visibility) + "."
	case "m.room.guest_access":
		text = "changed whether guests may join: " + string(c.Guests) + "."
	case "m.room.pinned_events":
		text = "changed the pinned messages."
	case "m.room.server_acl":
		text = "changed which servers may take part."
	case "m.room.third_party_invite":
		text = "invited " + cmp.Or(string(c.Invited), "somebody") + "."
	case "m.room.tombstone":
		text = "replaced the room with another one. " + string(c.Body) + " " + string(c.Replacement)
	case "im.vector.modular.widgets", "m.widget":
		text = "changed a widget: " + cmp.Or(string(c.Name), "none") + "."
	default:
		if strings.Contains(string(e.Type), ".call") {
			x.report.leave(NotAMessage)
			return nil
		}
		x.report.leave(EventUnknown)
		return nil
	}
	return x.line(m, e, millis, strings.TrimSpace(by.name+" "+text))
}

// line carries a change as a notice.
func (x *matrixExport) line(m *room, e *matrixEvent, millis int64, text string) error {
	_, err := m.notice(millis, text, salt(m.uri, string(e.EventID)))
	return err
}
