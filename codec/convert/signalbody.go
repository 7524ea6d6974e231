package convert

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
)

// text takes a text with its ranges. Of a long text the message has the beginning,
// and the whole is in a file.
func (x *signalItem) text(f, long fields) ([]span, error) {
	body := f.text("body")
	if long != nil {
		whole, err := x.longText(long, body)
		if err != nil {
			return nil, err
		}
		body = whole
	}
	var ranges []signalRange
	for _, v := range f.list("bodyRanges") {
		r, ok := fieldsOf(v)
		if !ok {
			x.report.mend(FieldUnknown)
			continue
		}
		start, _ := r.int("start")
		n, _ := r.int("length")
		one := signalRange{start: start, end: start + n}
		if aci := r.bytes("mentionAci"); aci != nil {
			who := x.account(serviceID(aci))
			one.mention = &who
		}
		switch r.text("style") {
		case "BOLD":
			one.look = bold
		case "ITALIC":
			one.look = italic
		case "SPOILER":
			one.look = spoiler
		case "STRIKETHROUGH":
			one.look = strike
		case "MONOSPACE":
			one.look = code
		}
		if start >= 0 && n > 0 && n <= MaxRecord && start <= MaxRecord {
			ranges = append(ranges, one)
		}
		x.rest(r)
	}
	x.rest(f)
	return x.spans(body, ranges), nil
}

// A signalRange is a format or a mention of a part of a text, in UTF-16 units.
type signalRange struct {
	start, end int64
	look       look
	mention    *person
}

// spans cuts a text where a range begins or ends: ranges overlap.
func (x *signalItem) spans(body string, ranges []signalRange) []span {
	if body == "" {
		return nil
	}
	if len(ranges) == 0 {
		return []span{{text: body}}
	}
	type edge struct {
		at, by  int64 // by 1 begins, by -1 ends
		look    look
		mention *person
	}
	var edges []edge
	for _, r := range ranges {
		edges = append(edges, edge{r.start, 1, r.look, r.mention}, edge{r.end, -1, r.look, r.mention})
	}
	slices.SortStableFunc(edges, func(a, b edge) int { return int(a.at - b.at) })
	units := utf16.Encode([]rune(body))
	var spans []span
	open := [8]int64{} // ranges of each look that are open
	var mentions []*person
	at := int64(0)
	cut := func(to int64) {
		to = min(to, int64(len(units)))
		if to < int64(len(units)) && to > 0 && units[to]&0xfc00 == 0xdc00 && units[to-1]&0xfc00 == 0xd800 {
			to++ // not within a character
		}
		if to <= at {
			return
		}
		s := span{text: string(utf16.Decode(units[at:to]))}
		for i, n := range open {
			if n > 0 {
				s.look |= 1 << i
			}
		}
		if len(mentions) > 0 { // the text is one placeholder
			who := mentions[len(mentions)-1]
			s.text, s.href = mentionOf("@"+who.name), x.userURI(who.key)
		}
		spans = append(spans, s)
		at = to
	}
	for _, e := range edges {
		cut(e.at)
		for i := range open {
			if e.look&(1<<i) != 0 {
				open[i] += e.by
			}
		}
		switch i := slices.Index(mentions, e.mention); {
		case e.mention == nil:
		case e.by > 0 && len(mentions) < maxMentions:
			mentions = append(mentions, e.mention)
		case e.by < 0 && i >= 0:
			mentions = slices.Delete(mentions, i, i+1)
		}
	}
	cut(int64(len(units)))
	return spans
}

// maxMentions bounds the mentions of one place, of which Signal has one.
const maxMentions = 4

func (x *signalItem) sticker(f fields) error {
	x.msg.origin.Kind = "sticker"
	s := f.object("sticker")
	if s == nil {
		return nil
	}
	x.msg.text = s.text("emoji")
	s.drop("packId", "packKey", "stickerId")
	if data := s.object("data"); data != nil {
		sticker, err := x.pointer(data)
		if err != nil {
			return err
		}
		x.msg.files = append(x.msg.files, sticker)
	}
	x.rest(s)
	return nil
}

func (x *signalItem) viewOnce(f fields) error {
	x.msg.origin.Kind, x.msg.text = "view once", "View-once media"
	if a := f.object("attachment"); a != nil {
		return x.attachment(a)
	}
	return nil
}

func (x *signalItem) storyReply(f fields) error {
	x.msg.origin.Kind, x.msg.text = "story reply", f.text("emoji")
	if reply := f.object("textReply"); reply != nil {
		spans, err := x.text(reply.object("text"), reply.object("longText"))
		if err != nil {
			return err
		}
		x.msg.text, x.msg.mediaType = textOf(spans)
		x.rest(reply)
	}
	return nil
}

func (x *signalItem) payment(f fields) error {
	said := []string{"Payment"}
	if amount := f.text("amountMob"); amount != "" {
		said[0] += ": " + amount + " MOB"
	}
	if fee := f.text("feeMob"); fee != "" {
		said = append(said, "fee "+fee+" MOB")
	}
	x.msg.origin.Kind, x.msg.text = "payment", joined(", ", append(said, f.text("note"))...)
	return nil
}

func (x *signalItem) gift(f fields) error {
	x.msg.origin.Kind, x.msg.text = "gift", "Donation badge"
	if state := f.text("state"); state != "" {
		x.msg.text += " (" + strings.ToLower(state) + ")"
	}
	f.drop("receiptCredentialPresentation") // a secret, for the server
	return nil
}

// poll takes a poll with who voted for what.
func (x *signalItem) poll(f fields) error {
	lines := []string{"Poll: " + f.text("question")}
	if f.is("allowMultiple") {
		lines[0] += " (more than one answer)"
	}
	for _, v := range f.list("options") {
		o, ok := fieldsOf(v)
		if !ok {
			x.report.mend(FieldUnknown)
			continue
		}
		var who []string
		for _, v := range o.list("votes") {
			if vote, ok := fieldsOf(v); ok {
				who = append(who, x.author(vote.text("voterId")).name)
				vote.drop("voteCount") // how often it was changed
				x.rest(vote)
			}
		}
		line := "- " + o.text("option") + " (" + votes(fmt.Sprint(len(who)))
		if len(who) > 0 {
			line += ": " + strings.Join(who, ", ")
		}
		lines = append(lines, line+")")
		x.rest(o)
	}
	if f.is("hasEnded") {
		lines = append(lines, "The poll has ended.")
	}
	x.msg.origin.Kind, x.msg.text = "poll", strings.Join(lines, "\n")
	return nil
}

// contactMessage takes a contact that was sent.
func (x *signalItem) contactMessage(f fields) error {
	x.msg.origin.Kind = "contact"
	c := f.object("contact")
	if c == nil {
		x.msg.text = "Contact"
		return nil
	}
	name := ""
	if n := c.object("name"); n != nil {
		name = joined(" ", n.text("prefix"), n.text("givenName"), n.text("middleName"), n.text("familyName"), n.text("suffix"))
		if nick := n.text("nickname"); nick != "" && nick != name {
			name = strings.TrimSpace(name + " (" + nick + ")")
		}
		x.rest(n)
	}
	lines := []string{"Contact: " + joined(", ", name, c.text("organization"))}
	for _, list := range []string{"number", "email", "address"} {
		for _, v := range c.list(list) {
			one, ok := fieldsOf(v)
			if !ok {
				x.report.mend(FieldUnknown)
				continue
			}
			label := one.text("label")
			if kind := one.text("type"); label == "" && kind != "CUSTOM" {
				label = strings.ToLower(kind)
			}
			value := joined(", ", one.text("value"), one.text("street"), one.text("pobox"), one.text("neighborhood"),
				one.text("city"), one.text("region"), one.text("postcode"), one.text("country"))
			if label != "" {
				value += " (" + label + ")"
			}
			lines = append(lines, value)
			x.rest(one)
		}
	}
	if avatar := c.object("avatar"); avatar != nil {
		picture, err := x.pointer(avatar)
		if err != nil {
			return err
		}
		x.msg.files = append(x.msg.files, picture)
	}
	x.rest(c)
	x.msg.text = strings.Join(lines, "\n")
	return nil
}
