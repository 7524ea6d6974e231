package convert

import (
	"cmp"

	"github.com/go-json-experiment/json/jsontext"
)

// A matrixScan is what the first reading finds: which events there are, what
// people and rooms are called, and which events were redacted by whom.
type matrixScan struct {
	events   map[string]struct{}
	people   map[string]string // the first known displayname, by user id
	names    map[string]string // of rooms, by id
	roomIDs  map[string]struct{}
	powers   map[string]*matrixPower // by room
	redacts  map[matrixRedaction]struct{}
	oneRoom  string
	creators map[string]string
}

// A matrixRedaction says that somebody redacted an event of a room. by is "" for
// everybody who may redact what others wrote.
type matrixRedaction struct{ room, event, by string }

// A matrixPower is what a room lets people do.
type matrixPower struct {
	users             map[string]int64
	redact, byDefault int64
}

func newMatrixScan() matrixScan {
	return matrixScan{events: map[string]struct{}{}, people: map[string]string{}, names: map[string]string{}, roomIDs: map[string]struct{}{},
		powers: map[string]*matrixPower{}, redacts: map[matrixRedaction]struct{}{}, creators: map[string]string{}}
}

// event notes what one event says.
func (s *matrixScan) event(raw jsontext.Value) error {
	var head struct { // most events need no more
		Type     flexible  `json:"type"`
		EventID  flexible  `json:"event_id"`
		RoomID   flexible  `json:"room_id"`
		StateKey *flexible `json:"state_key"`
	}
	if raw.Kind() != '{' || !unmarshal(raw, &head) {
		return nil
	}
	e := &matrixEvent{EventID: head.EventID, RoomID: head.RoomID}
	if (head.StateKey != nil || head.Type == "m.room.redaction") && !unmarshal(raw, e) {
		return nil
	}
	room := string(e.RoomID)
	remember(s.events, string(e.EventID), struct{}{})
	if room != "" {
		if len(s.roomIDs) >= MaxRooms {
			return errRooms
		}
		s.roomIDs[room] = struct{}{}
		s.oneRoom = room
	}
	switch {
	case e.Type == "m.room.member" && e.StateKey != nil:
		id, name := string(*e.StateKey), cmp.Or(e.Unsigned.Prev.DisplayName, e.Prev.DisplayName, e.Content.DisplayName)
		if s.people[id] == "" && name != "" && len(s.people) < MaxPeople {
			s.people[id] = string(name)
		}
	case e.Type == "m.room.name" && e.Content.Name != "":
		s.names[room] = string(e.Content.Name)
	case e.Type == "m.room.canonical_alias" && s.names[room] == "" && e.Content.Alias != "":
		s.names[room] = string(e.Content.Alias)
	case e.Type == "m.room.create":
		s.creators[room] = string(e.Sender)
	case e.Type == "m.room.power_levels" && e.StateKey != nil:
		s.powers[room] = powerOf(&e.Content)
	case e.Type == "m.room.redaction":
		to := string(cmp.Or(e.Redacts, e.Content.Redacts))
		by := string(e.Sender)
		if s.mayRedact(room, by) {
			by = ""
		}
		if to != "" && e.Sender != "" && len(s.redacts) < MaxMessageIDs {
			s.redacts[matrixRedaction{room, to, by}] = struct{}{}
		}
	}
	return nil
}

// powerOf reads power levels, with the defaults of the specification.
func powerOf(c *matrixContent) *matrixPower {
	p := &matrixPower{redact: 50}
	if n, ok := c.RedactLevel.int64(); ok {
		p.redact = n
	}
	p.byDefault, _ = c.UsersDefault.int64()
	var users map[string]flexible
	if len(c.Users) > 0 && unmarshal(c.Users, &users) {
		p.users = make(map[string]int64, len(users))
		for id, level := range users {
			p.users[id], _ = level.int64()
		}
	}
	return p
}

// mayRedact reports whether somebody may redact what others wrote, by what the
// room said last; before it said anything only who made it may.
func (s *matrixScan) mayRedact(room, user string) bool {
	p := s.powers[room]
	if p == nil {
		return user != "" && s.creators[room] == user
	}
	level, ok := p.users[user]
	if !ok {
		level = p.byDefault
	}
	return level >= p.redact
}

// redacted reports whether an event was deleted: its server says so, or its author
// or who may in its room did it. Redactions that do not say their room are of the
// only one.
func (s *matrixScan) redacted(e *matrixEvent) bool {
	if k := e.Unsigned.Because.Kind(); k == '{' {
		return true
	}
	rooms := []string{string(e.RoomID)}
	if len(s.roomIDs) <= 1 {
		rooms = []string{"", s.onlyRoom()}
	}
	for _, room := range rooms {
		for _, by := range []string{"", string(e.Sender)} {
			if _, ok := s.redacts[matrixRedaction{room, string(e.EventID), by}]; ok {
				return true
			}
		}
	}
	return false
}

func (s *matrixScan) has(id string) bool {
	_, ok := s.events[id]
	return ok
}

// onlyRoom is the room of events that do not say theirs.
func (s *matrixScan) onlyRoom() string {
	if len(s.roomIDs) == 1 {
		return s.oneRoom
	}
	return ""
}
