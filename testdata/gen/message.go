package gen

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// Media types that messengers send.
const (
	plain    = "text/plain;charset=utf-8"
	markdown = "text/markdown;variant=GFM-MIMI"
	html     = "text/html;charset=utf-8"
)

var emoji = []string{"❤", "👍", "😂", "🎉", "😮", "🙏", "👏", "🥳", "👩🏽‍⚕️", "+1"}

// recentMessages is how far back people answer.
const recentMessages = 48

// message adds one message to a room.
func (g *Generator) message(r *room) {
	sender := r.members[g.pick(len(r.members))]
	c := &mimi.Content{Salt: g.salt(), Extensions: mimi.URIs(r.parties[sender].IMURI, r.meta.ID)}
	s := said{sender: sender}
	target := g.target(r)
	var to *mimi.MessageID // a copy: what is remembered moves on
	mine := false          // whether who wrote the target is still here
	if target != nil {
		to = new(target.id)
		mine = slices.Contains(r.members, target.sender)
	}
	switch n := g.rng.IntN(1000); {
	case n < 120 && target != nil: // a reply
		c.InReplyTo = to
		c.Body = g.text()
	case n < 220 && target != nil && !target.reaction: // a reaction
		c.InReplyTo = to
		c.Body = part(mimi.Reaction, plain, emoji[g.rng.IntN(len(emoji))])
		s.reaction = true
	case n < 250 && mine && !target.reaction: // an edit, by who wrote it
		s.sender, c.Replaces, c.InReplyTo = target.sender, to, target.reply
		c.Body = g.text()
	case n < 262 && mine: // a delete or an unlike
		s.sender, c.Replaces, c.InReplyTo = target.sender, to, target.reply
		c.Body = mimi.NestedPart{Disposition: mimi.Render}
		if target.reaction {
			c.Body.Disposition = mimi.Reaction
		}
		target.gone = true
	case n < 272: // expiring
		c.Expires = &mimi.Expiration{Relative: g.rng.IntN(2) == 0, Time: 60 << g.rng.IntN(12)}
		if !c.Expires.Relative {
			c.Expires.Time += uint32(g.millis / 1000)
		}
		c.Body = g.text()
	case n < 300: // a mention
		c.Body = part(mimi.Render, markdown, g.mention(r)+" "+g.line())
	case n < 304: // the same in plain text and HTML
		text := g.line()
		c.Body = mimi.NestedPart{Disposition: mimi.Render, Cardinality: mimi.Multi, Semantics: mimi.ChooseOne, Parts: []mimi.NestedPart{
			part(mimi.Render, plain, text), part(mimi.Render, html, "<p>"+escape(text)+"</p>"),
		}}
	case n < 308: // in a topic
		c.TopicID = []byte(fmt.Sprintf("topic %d", g.rng.IntN(5)))
		c.Body = g.text()
	case n < 332:
		g.attachment(r, sender, c)
		return
	default:
		c.Body = g.text()
	}
	if s.sender != sender {
		c.Extensions = mimi.URIs(r.parties[s.sender].IMURI, r.meta.ID)
	}
	s.reply = c.InReplyTo
	s.id = g.add(r, s.sender, c)
	if c.Replaces == nil && (!s.reaction || g.rng.IntN(8) == 0) {
		r.remember(s)
	}
}

func (r *room) remember(s said) {
	if len(r.recent) >= recentMessages {
		r.recent = append(r.recent[:0], r.recent[1:]...)
	}
	r.recent = append(r.recent, s)
}

// target is a recent message that is still there, nil if there is none. It is
// valid until the next message is remembered.
func (g *Generator) target(r *room) *said {
	if len(r.recent) == 0 {
		return nil
	}
	s := &r.recent[len(r.recent)-1-g.pick(len(r.recent))]
	if s.gone {
		return nil
	}
	return s
}

// add appends the dialog of a content.
func (g *Generator) add(r *room, sender uint32, c *mimi.Content) mimi.MessageID {
	env := mimi.Envelope{
		SenderURI: r.parties[sender].IMURI, RoomURI: r.meta.ID, Originator: sender, Start: mimi.DateOf(g.millis),
	}
	if len(r.dialogs) == 0 {
		env.Parties = append([]uint32(nil), r.members...)
	}
	d, id, err := c.DialogID(env)
	if err != nil {
		panic(fmt.Sprintf("gen: %v", err)) // every URI is ours
	}
	r.dialogs = append(r.dialogs, *d)
	r.last = env.Start
	return id
}

func (g *Generator) text() mimi.NestedPart {
	kind := plain
	if g.rng.IntN(3) == 0 {
		kind = markdown
	}
	return part(mimi.Render, kind, g.line())
}

// line is one text of the excerpts.
func (g *Generator) line() string {
	all := texts()
	return all[g.rng.IntN(len(all))]
}

func (g *Generator) mention(r *room) string {
	p := r.parties[r.members[g.rng.IntN(len(r.members))]]
	return "[@" + p.Name + "](" + p.IMURI + ")"
}

func (g *Generator) salt() (s [mimi.SaltSize]byte) {
	binary.BigEndian.PutUint64(s[:8], g.rng.Uint64())
	binary.BigEndian.PutUint64(s[8:], g.rng.Uint64())
	return s
}

func part(d mimi.Disposition, kind, text string) mimi.NestedPart {
	return mimi.NestedPart{Disposition: d, Cardinality: mimi.Single, ContentType: kind, Content: []byte(text)}
}
