package gen

import (
	"fmt"
	"slices"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// roster adds one change of the members, of one of them, or of the room.
func (g *Generator) roster(r *room) {
	by := r.members[0]
	event := func(party, by uint32, name string) codec.PartyEvent {
		return codec.PartyEvent{Party: &party, Originator: &by, Time: mimi.DateOf(g.millis), Event: name}
	}
	var events []codec.PartyEvent
	switch n := g.rng.IntN(10); {
	case n < 3: // one or two are added
		for range 1 + g.rng.IntN(2) {
			p := g.newcomer(r)
			events = append(events, event(p, by, "add"))
		}
	case n < 5:
		p := g.newcomer(r)
		events = append(events, event(p, p, "self_add"))
	case n < 7 && len(r.members) > 2: // the first member, who moderates, stays
		i := 1 + g.rng.IntN(len(r.members)-1)
		p := r.members[i]
		r.members = slices.Delete(r.members, i, i+1)
		how := []string{"leave", "remove", "ban"}[g.rng.IntN(3)]
		if how == "leave" {
			by = p
		}
		events = append(events, event(p, by, how))
	case n < 9:
		p := r.members[g.rng.IntN(len(r.members))]
		e := event(p, p, "update")
		if g.rng.IntN(2) == 0 {
			e.Name = r.parties[p].Name + " 🌻"
		} else {
			e.Role = "moderator"
		}
		events = append(events, e)
	default:
		e := event(0, by, "room")
		e.Room = &codec.Room{Name: r.meta.Name, Subject: fmt.Sprintf("Week %d", 1+g.rng.IntN(52))}
		events = append(events, e)
	}
	r.dialogs = append(r.dialogs, codec.Dialog{PartyHistory: events})
	r.last = mimi.DateOf(g.millis)
}

// newcomer makes somebody a member who is none.
func (g *Generator) newcomer(r *room) uint32 {
	for n := g.rng.IntN(100); ; n++ {
		if p := r.join(n); !slices.Contains(r.members, p) {
			r.members = append(r.members, p)
			return p
		}
	}
}
