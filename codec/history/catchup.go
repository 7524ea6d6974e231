package history

import (
	"slices"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// A verdict is what becomes of one item of a room: why is "" when it travels,
// and as is then what it travels as.
type verdict struct {
	why segment.Reason
	as  form
	by  int32 // of a retracted message: the message that retracts it
}

// A form is how an item travels.
type form uint8

const (
	whole     form = iota // unchanged
	retracted             // as a tombstone with the status "retracted"
)

// judge applies the content rules for a newly added group member (design,
// section 8) to a room's messages, of which inWindow tells the selected ones:
//
//  1. What expires does not travel, nor a signed or encrypted vCon: what is in it
//     may have expired, or have been retracted.
//  2. Of a message and its edits, the last version in the window travels, and
//     nothing of it does when its sender retracted it at any time: a tombstone
//     stands in the place of the original.
//  3. What refers to a message that does not travel does not travel either. A
//     reference to a message that the source never had is kept.
//
// An edit counts only from the sender of what it replaces; from anyone else it
// is a message that refers to it.
func (b *factBook) judge(inWindow func(i int) bool) []verdict {
	c := &court{factBook: b, out: make([]verdict, len(b.facts)), inWindow: inWindow}
	c.groups(len(b.facts) + len(b.virtual))
	for i := range c.facts {
		c.out[i] = c.first(int32(i))
	}
	c.follow()
	return c.out
}

// A court is one run of judge.
type court struct {
	*factBook
	out      []verdict
	inWindow func(i int) bool
	root     []int32 // the first version of each message, itself when it is that
	last     []int32 // by root: the last version in the window that has content
	gone     []int32 // by root: what retracts it, or none
	stone    []int32 // by root: a tombstone of the source that is in the window, or none
}

// edits reports that i is a version of what it replaces.
func (c *court) edits(i int32) bool {
	f := c.facts[i]
	if f.replaces == none || f.replaces == i {
		return false
	}
	if int(f.replaces) >= len(c.facts) { // the original is lost: the sender's word
		return true
	}
	return f.sender != 0 && f.sender == c.facts[f.replaces].sender
}

// groups finds the versions of each message. Lost originals get a place each
// sender, so that nobody's edit meets another's.
func (c *court) groups(total int) {
	type lost struct {
		original int32
		sender   uint32
	}
	places := map[lost]int32{}
	parent := make([]int32, len(c.facts), total)
	for i := range c.facts {
		parent[i] = none
		if !c.edits(int32(i)) {
			parent[i] = c.twin(int32(i))
			continue
		}
		parent[i] = c.facts[i].replaces
		if int(parent[i]) < len(c.facts) {
			continue
		}
		l := lost{parent[i], c.facts[i].sender}
		if _, ok := places[l]; !ok {
			places[l] = int32(len(c.facts) + len(places))
		}
		parent[i] = places[l]
	}
	n := len(c.facts) + len(places)
	c.root, c.last = slices.Repeat([]int32{none}, n), slices.Repeat([]int32{none}, n)
	c.gone, c.stone = slices.Repeat([]int32{none}, n), slices.Repeat([]int32{none}, n)
	var path []int32
	for i := range int32(n) {
		at := i
		for path = path[:0]; c.root[at] == none; at = parent[at] {
			c.root[at] = at // marks the path, so that a ring of edits ends where it began
			path = append(path, at)
			if int(at) >= len(c.facts) || parent[at] == none {
				break
			}
		}
		for _, p := range path {
			c.root[p] = c.root[at]
		}
	}
	for i, f := range c.facts {
		r := c.root[i]
		switch in := c.inWindow(i); {
		case f.grave:
			c.gone[r] = int32(i)
			if in {
				c.stone[r] = int32(i)
			}
		case c.retracts(int32(i)):
			if c.gone[r] == none {
				c.gone[r] = int32(i)
			}
		case in:
			c.last[r] = int32(i)
		}
	}
}

// twin is the first message with the id of i, when i is another version of it:
// from the same sender, or a tombstone on either side.
func (c *court) twin(i int32) int32 {
	t := c.facts[i].first
	if t == none || t == i {
		return none
	}
	a, b := c.facts[i], c.facts[t]
	if a.grave || b.grave || a.sender != 0 && a.sender == b.sender {
		return t
	}
	return none
}

// retracts reports that i takes back a message that its sender may take back.
func (c *court) retracts(i int32) bool { return c.facts[i].deletes && c.edits(i) }

// first is the verdict on i by rules 1 and 2.
func (c *court) first(i int32) verdict {
	f, r := c.facts[i], c.root[i]
	switch {
	case !c.inWindow(int(i)):
		return verdict{why: segment.OutsideScope}
	case f.grave:
		return verdict{}
	case f.expires:
		return verdict{why: segment.Expired}
	case f.sealed:
		return verdict{why: SealedVCon}
	case c.retracts(i):
		return verdict{}
	case c.gone[r] != none && i == r && c.stone[r] == none:
		return verdict{as: retracted, by: c.gone[r]}
	case c.gone[r] != none, c.last[r] != i:
		return verdict{why: segment.Superseded}
	}
	return verdict{}
}

// stands is the item that stands for the versions of root r, or none when what
// stood for them does not travel.
func (c *court) stands(r int32) int32 {
	i := c.last[r]
	if c.gone[r] != none {
		if i = c.stone[r]; i == none && int(r) < len(c.facts) {
			i = r
		}
	}
	if i == none || c.out[i].why != "" {
		return none
	}
	return i
}

// refs are the roots of what i refers to: the message that it answers, and the
// one that it retracts, or replaces without a right to.
func (c *court) refs(i int32) (out [2]int32) {
	out = [2]int32{none, none}
	f := c.facts[i]
	if f.reply != none && f.reply != i {
		out[0] = c.root[f.reply]
	}
	if f.replaces == none || int(f.replaces) >= len(c.facts) || f.replaces == i {
		return out
	}
	if c.retracts(i) || !c.edits(i) {
		if out[1] = c.root[f.replaces]; int(out[1]) >= len(c.facts) {
			out[1] = none
		}
	}
	return out
}

// follow applies rule 3: each message is looked at once more for each message
// that it refers to, whatever the order and the rings.
func (c *court) follow() {
	// The referring messages of each root, one after the other in an array.
	start := make([]int32, len(c.root)+1)
	for i := range c.facts {
		for _, r := range c.refs(int32(i)) {
			if r != none {
				start[r+1]++
			}
		}
	}
	for r := range c.root {
		start[r+1] += start[r]
	}
	from := make([]int32, start[len(c.root)])
	next := slices.Clone(start)
	for i := range c.facts {
		for _, r := range c.refs(int32(i)) {
			if r != none {
				from[next[r]] = int32(i)
				next[r]++
			}
		}
	}
	var dead []int32
	for r := range int32(len(c.root)) {
		if c.stands(r) == none {
			dead = append(dead, r)
		}
	}
	for len(dead) > 0 {
		r := dead[len(dead)-1]
		dead = dead[:len(dead)-1]
		for _, i := range from[start[r]:start[r+1]] {
			if c.out[i].why != "" {
				continue
			}
			stood := c.stands(c.root[i])
			c.out[i] = verdict{why: segment.Dangling}
			if stood == i {
				dead = append(dead, c.root[i])
			}
		}
	}
}
