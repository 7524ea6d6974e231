// Package gen makes any number of realistic messages for tests: rooms, replies,
// reactions, edits, deletes, expiring messages, roster events and attachments,
// with the texts of the excerpts in testdata and with message ids that verify.
// The same seed gives the same history, and a longer one begins with the shorter
// one. Only tests import it.
package gen

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// A Generator makes one history. Its options are set before the first call of
// Messages.
type Generator struct {
	Rooms       int  // how many rooms share the messages; 0 means 8
	People      int  // how many people a room has at most; 0 means 24
	NoInline    bool // no attachment has its content
	NoRoster    bool // no party_history after the beginning
	NoSameTimes bool // no two dialogs of a room have one instant

	seed   uint64
	rng    *rand.Rand
	rooms  []*room
	millis int64
	made   int
}

// New returns a generator. Equal seeds and options give equal histories.
func New(seed uint64) *Generator {
	return &Generator{seed: seed, rng: rand.New(rand.NewPCG(seed, 0x76636f6e)), millis: begin}
}

// begin is 1 March 2021, 08:00 UTC.
const begin = 1614585600000

// Messages makes n messages, and the roster events between them, and returns the
// history so far: one vCon a room, in the order of the rooms' first messages.
// Calling it again goes on; what it returned before is not changed.
func (g *Generator) Messages(n int) []*codec.VCon {
	if g.rooms == nil {
		g.open()
	}
	for range n {
		r := g.rooms[g.pick(len(g.rooms))]
		g.tick(r)
		if !g.NoRoster && g.rng.IntN(250) == 0 {
			g.roster(r)
			g.tick(r)
		}
		g.message(r)
		g.made++
	}
	var all []*codec.VCon
	for _, r := range g.rooms {
		if len(r.dialogs) > 0 {
			all = append(all, r.vcon(g.seed))
		}
	}
	return all
}

// open makes the rooms and their members.
func (g *Generator) open() {
	rooms, people := g.Rooms, g.People
	if rooms == 0 {
		rooms = 8
	}
	if people == 0 {
		people = 24
	}
	for i := range rooms {
		r := newRoom(i)
		size := 2 + g.rng.IntN(max(1, people-1))
		for _, p := range g.rng.Perm(max(size, people))[:size] {
			r.members = append(r.members, r.join(p))
		}
		for i := range r.members {
			r.parties[r.members[i]].Role = "member"
		}
		r.parties[r.members[0]].Role = "moderator"
		g.rooms = append(g.rooms, r)
	}
}

// pick prefers low numbers: some rooms and some people say most.
func (g *Generator) pick(n int) int {
	f := g.rng.Float64()
	return int(f * f * float64(n))
}

// tick lets time pass: seconds within a conversation, hours between, and now and
// then nothing at all.
func (g *Generator) tick(r *room) {
	gap := int64(g.rng.ExpFloat64() * 40_000)
	switch {
	case g.rng.IntN(200) == 0:
		gap += int64(g.rng.ExpFloat64() * 6 * 3_600_000)
	case !g.NoSameTimes && g.rng.IntN(400) == 0 && len(r.dialogs) > 0:
		return
	}
	g.millis += 1 + gap
}

// A room of the generator.
type room struct {
	meta    codec.Room
	parties []codec.Party
	person  []int // by party index: which person
	members []uint32
	dialogs []codec.Dialog
	held    []codec.Attachment
	recent  []said
	last    codec.Date
}

// A said is a message that others can answer.
type said struct {
	id       mimi.MessageID
	sender   uint32
	reply    *mimi.MessageID
	reaction bool
	gone     bool
}

func newRoom(i int) *room {
	name := roomNames[i%len(roomNames)]
	if i >= len(roomNames) {
		name = fmt.Sprintf("%s %d", name, i/len(roomNames)+1)
	}
	uri := fmt.Sprintf("mimi://hub.example/r/room-%d", i+1)
	return &room{
		meta: codec.Room{
			ID: uri, Name: name, Avatar: fmt.Sprintf("https://hub.example/avatars/%d", i+1),
			Description: []codec.RoomDescription{{Lang: "en", Content: "All about " + name}},
		},
		parties: []codec.Party{{IMURI: uri, Name: name}},
		person:  []int{-1},
	}
}

// join returns the party index of a person, who gets one when new.
func (r *room) join(person int) uint32 {
	for i, p := range r.person {
		if p == person {
			return uint32(i)
		}
	}
	name, uri := personOf(person)
	r.parties = append(r.parties, codec.Party{IMURI: uri, Name: name})
	r.person = append(r.person, person)
	return uint32(len(r.parties) - 1)
}

// vcon is the room so far. Slices are clipped: what is added later is not seen.
func (r *room) vcon(seed uint64) *codec.VCon {
	meta := r.meta
	in := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, seed), uint64(len(r.dialogs)))
	id := sha256.Sum256(append(in, r.meta.ID...))
	return &codec.VCon{
		Version:     "0.4.0",
		UUID:        fmt.Sprintf("%x-0000-8000-8000-%x", id[:4], id[4:10]),
		Extensions:  []string{codec.ExtensionMIMI},
		CreatedAt:   r.last,
		Room:        &meta,
		Parties:     append([]codec.Party(nil), r.parties...),
		Dialog:      r.dialogs[:len(r.dialogs):len(r.dialogs)],
		Attachments: r.held[:len(r.held):len(r.held)],
	}
}
