package history

import (
	"slices"
	"strconv"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// A roster is the state of a room and its parties at one instant: what the
// top-level room object and the parties array of a vCon that begins there say
// (vcon-mimi-messages, "Room information" and "Changes to the parties").
type roster struct {
	room    *codec.Room
	order   []string // identities in order of appearance
	parties map[string]codec.Party
	member  map[string]bool
}

// newRoster is the state before any event: the room's own metadata and parties,
// all of them members until base or an event says otherwise.
func newRoster(info RoomInfo) *roster {
	r := &roster{
		room:    cloneRoom(info.Room.Meta),
		parties: make(map[string]codec.Party, len(info.Roster)),
		member:  make(map[string]bool, len(info.Roster)),
	}
	for _, p := range info.Roster {
		r.see(p, true)
	}
	return r
}

// see records a party that was not known.
func (r *roster) see(p codec.Party, member bool) string {
	id := identity(p)
	if _, ok := r.parties[id]; !ok {
		r.order = append(r.order, id)
		r.parties[id] = p
		r.member[id] = member && !r.isRoom(p)
	}
	return id
}

// isRoom reports that p stands for the room itself (party 0).
func (r *roster) isRoom(p codec.Party) bool {
	return r.room != nil && r.room.ID != "" && p.IMURI == r.room.ID
}

// A rosterStart finds the members before the first event: the recipients that the
// first message lists, or else everyone who is not seen joining later.
type rosterStart struct {
	r   *roster
	met map[string]bool
}

// listed takes the list of the first message, if it has one.
func (s *rosterStart) listed(first *segment.Item) bool {
	list, ok := explicitParties(first)
	if !ok {
		return false
	}
	clear(s.r.member)
	for _, p := range list {
		s.r.member[s.r.see(p, true)] = !s.r.isRoom(p)
	}
	return true
}

// see takes the next event: who is added there was no member before.
func (s *rosterStart) see(it segment.Item) {
	if s.met == nil {
		s.met = map[string]bool{}
	}
	for _, ev := range it.Dialog.PartyHistory {
		p, ok := partyAt(it.Parties, ev.Party)
		if !ok || ev.Event == "room" || ev.Event == "update" {
			continue
		}
		id := s.r.see(p, true)
		if !s.met[id] && (ev.Event == "add" || ev.Event == "self_add") {
			s.r.member[id] = false
		}
		s.met[id] = true
	}
}

// apply replays the events of one roster item. Events that no draft defines
// change nothing.
func (r *roster) apply(it segment.Item) {
	for _, ev := range it.Dialog.PartyHistory {
		if ev.Event == "room" {
			r.update(ev.Room)
			continue
		}
		p, ok := partyAt(it.Parties, ev.Party)
		if !ok {
			continue
		}
		id := r.see(p, false)
		switch ev.Event {
		case "add", "self_add":
			r.member[id] = !r.isRoom(p)
		case "leave", "remove", "ban":
			r.member[id] = false
		}
		// An update of the name alone keeps the role, and the other way round.
		now := r.parties[id]
		if ev.Name != "" {
			now.Name = ev.Name
		}
		if ev.Role != "" {
			now.Role = ev.Role
		}
		r.parties[id] = now
	}
}

// update lays new metadata over the room's: what the event does not name stays.
func (r *roster) update(n *codec.Room) {
	if n == nil {
		return
	}
	if r.room == nil {
		r.room = &codec.Room{}
	}
	for _, f := range []struct {
		to   *string
		from string
	}{
		{&r.room.Name, n.Name},
		{&r.room.Avatar, n.Avatar},
		{&r.room.Subject, n.Subject},
		{&r.room.Mood, n.Mood},
	} {
		if f.from != "" {
			*f.to = f.from
		}
	}
	if len(n.Description) > 0 {
		r.room.Description = slices.Clone(n.Description)
	}
	for name, v := range n.Extra {
		if r.room.Extra == nil {
			r.room.Extra = codec.Fields{}
		}
		r.room.Extra[name] = v
	}
}

// roster lists the records that the room's roster holds now: the room and the
// members. Who left, and who is yet to come, is where an event or a message cites
// him.
func (r *roster) roster() []codec.Party {
	var out []codec.Party
	for _, id := range r.order {
		if p := r.parties[id]; r.member[id] || r.isRoom(p) {
			out = append(out, p)
		}
	}
	return out
}

// members lists the members' records, in order of appearance.
func (r *roster) members() []codec.Party {
	var out []codec.Party
	for _, id := range r.order {
		if r.member[id] {
			out = append(out, r.parties[id])
		}
	}
	return out
}

// present gives a list of parties the records that they have now.
func (r *roster) present(parties []codec.Party) []codec.Party {
	out := make([]codec.Party, len(parties))
	for i, p := range parties {
		if now, ok := r.parties[identity(p)]; ok {
			p = now
		}
		out[i] = p
	}
	return out
}

// explicitParties are the parties that a message lists as its recipients, unless
// it leaves that to the roster with a lone index 0.
func explicitParties(it *segment.Item) ([]codec.Party, bool) {
	if it == nil || it.Dialog == nil || len(it.Dialog.Parties) == 0 {
		return nil, false
	}
	if len(it.Dialog.Parties) == 1 && it.Dialog.Parties[0] == 0 {
		return nil, false
	}
	var out []codec.Party
	for _, i := range it.Dialog.Parties {
		if p, ok := partyAt(it.Parties, &i); ok {
			out = append(out, p)
		}
	}
	return out, len(out) > 0
}

func partyAt(parties []codec.Party, i *uint32) (codec.Party, bool) {
	if i == nil || uint64(*i) >= uint64(len(parties)) {
		return codec.Party{}, false
	}
	return parties[*i], true
}

// identity names a party through changes of its name and role: by URI and client
// key, else by the first other address, else by the whole record. Its fields are
// length-prefixed, so that no two parties run together.
func identity(p codec.Party) string {
	var b strings.Builder
	put := func(kind byte, fields ...string) string {
		b.WriteByte(kind)
		for _, f := range fields {
			b.WriteString(strconv.Itoa(len(f)))
			b.WriteByte(':')
			b.WriteString(f)
		}
		return b.String()
	}
	switch {
	case p.IMURI != "":
		return put('i', p.IMURI, p.Thumbprint)
	case p.UUID != "":
		return put('u', p.UUID)
	case p.Tel != "":
		return put('t', p.Tel)
	case p.Mailto != "":
		return put('m', p.Mailto)
	}
	put('r', p.Name, p.Role, p.Thumbprint)
	for _, name := range sortedNames(p.Extra) {
		put('x', name, string(p.Extra[name]))
	}
	return b.String()
}

func sortedNames(f codec.Fields) []string {
	names := make([]string, 0, len(f))
	for name := range f {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func cloneRoom(r *codec.Room) *codec.Room {
	if r == nil {
		return nil
	}
	c := *r
	c.Description = slices.Clone(r.Description)
	if r.Extra != nil {
		c.Extra = make(codec.Fields, len(r.Extra))
		for name, v := range r.Extra {
			c.Extra[name] = v
		}
	}
	return &c
}
