package convert

import (
	"cmp"
	"encoding/hex"
	stdhtml "html"
	"io"
	"slices"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// threads are the mails of each thread, in the order of time, the threads in the
// order of their first mails in the files.
func (b *mailbox) threads() [][]mailEntry {
	number := make(map[int32]int)
	for i := range b.mails {
		g := b.find(b.mails[i].node)
		if _, ok := number[g]; !ok {
			number[g] = len(number)
		}
	}
	slices.SortStableFunc(b.mails, func(x, y mailEntry) int {
		return cmp.Or(cmp.Compare(number[b.find(x.node)], number[b.find(y.node)]), cmp.Compare(x.millis, y.millis))
	})
	var threads [][]mailEntry
	for rest := b.mails; len(rest) > 0; {
		g, n := b.find(rest[0].node), 1
		for n < len(rest) && b.find(rest[n].node) == g {
			n++
		}
		threads = append(threads, rest[:n])
		rest = rest[n:]
	}
	return threads
}

// A thread is one room while its mails are read.
type mailThread struct {
	*mailbox
	room    *room
	ids     map[int32]mimi.MessageID // by node
	members map[string]bool          // by key
}

// thread converts the mails of one thread. The room is named by what the oldest
// says that the thread begins with, so that newer mails change nothing.
func (b *mailbox) thread(mails []mailEntry) error {
	root := b.hashes[mails[0].root]
	t := &mailThread{mailbox: b, ids: make(map[int32]mimi.MessageID, len(mails)), members: make(map[string]bool)}
	for _, i := range answersLast(mails) {
		if err := b.ctx.Err(); err != nil {
			return err
		}
		if err := t.mail(&mails[i], "t-"+hex.EncodeToString(root[:])); err != nil {
			return err
		}
	}
	return t.room.flush()
}

// answersLast is an order of mails in which what is answered comes first, else that
// of time.
func answersLast(mails []mailEntry) []int {
	at := make(map[int32]int, len(mails))
	for i := range mails {
		if _, ok := at[mails[i].node]; !ok {
			at[mails[i].node] = i
		}
	}
	order, seen := make([]int, 0, len(mails)), make([]bool, len(mails))
	var chain []int
	for i := range mails {
		chain = chain[:0]
		for ok := true; ok && !seen[i]; {
			seen[i] = true
			chain = append(chain, i)
			i, ok = answered(&mails[i], at)
		}
		slices.Reverse(chain)
		order = append(order, chain...)
	}
	return order
}

// answered finds the mail that e answers.
func answered[T any](e *mailEntry, at map[int32]T) (T, bool) {
	for _, n := range e.answers {
		if v, ok := at[n]; ok && n != e.node {
			return v, true
		}
	}
	var none T
	return none, false
}

// mail converts one mail.
func (t *mailThread) mail(e *mailEntry, key string) error {
	open := func() (io.ReadCloser, error) { return t.openMail(e.mailPlace) }
	in, err := open()
	if err != nil {
		return err
	}
	defer in.Close()
	h, rest, err := readHeader(in)
	if err != nil {
		return err
	}
	body, err := t.readBody(h, rest, open)
	if err != nil {
		return err
	}
	if body.broken {
		t.report.mend(MailBroken)
		if err := body.whole(); err != nil {
			return err
		}
	}
	subject := headerText(h.get("subject"))
	if t.room == nil {
		t.room = t.roomOf(key, cmp.Or(threadName(subject), "(no subject)"))
	}
	if err := t.room.full(); err != nil {
		return err
	}
	sender, err := t.people(h, e.millis)
	if err != nil {
		return err
	}
	m := t.message(h, body, subject)
	m.sender, m.millis = sender, e.millis
	if e.answers[0] >= 0 || e.answers[1] >= 0 {
		t.report.Links++
		if id, ok := answered(e, t.ids); ok {
			m.reply = &id
			t.report.Replies++
		} else {
			t.report.leaveLink(LinkToNothing)
		}
	}
	hash := t.hashes[e.node]
	m.salt = salt("mail", t.room.uri, string(hash[:]))
	id, err := t.room.add(m)
	if _, there := t.ids[e.node]; !there {
		t.ids[e.node] = id
	}
	return err
}

// message is what people wrote in a mail. A subject that is not that of the room is
// the beginning of it.
func (t *mailThread) message(h mailHeader, body *mailBody, subject string) *message {
	m := &message{files: body.files}
	plain, rich := body.message()
	if name := threadName(subject); subject != "" && !strings.EqualFold(name[:min(len(name), MaxName/2)], t.room.name[:min(len(t.room.name), MaxName/2)]) {
		if plain != "" || rich == "" {
			plain = withSubject(subject, plain)
		}
		if rich != "" {
			rich = "<p>Subject: " + stdhtml.EscapeString(subject) + "</p>\n" + rich
		}
	}
	if m.text, m.html = plain, rich; plain == "" && rich != "" {
		m.text, m.html, m.mediaType = rich, "", html
	}
	labels := strings.Split(headerText(h.get("x-gmail-labels")), ",")
	if slices.Contains(labels, "Drafts") || h.get("x-mozilla-draft-info") != "" {
		m.origin = mimi.Origin{Kind: "draft"}
	}
	return m
}

// people takes those of a mail into the room. The people of the first one are there
// from the beginning; who is addressed first later, was added by who wrote.
func (t *mailThread) people(h mailHeader, millis int64) (sender person, err error) {
	from := t.addresses(h.get("from"))
	if len(from) == 0 {
		from = t.addresses(h.get("sender"))
	}
	sender = person{key: "unknown", name: "Unknown sender"}
	if len(from) > 0 {
		sender = from[0]
		from = from[1:]
	}
	for _, name := range []string{"to", "cc", "bcc"} {
		for _, v := range h[name] {
			from = append(from, t.addresses(v)...)
		}
	}
	first := len(t.members) == 0
	t.members[sender.key] = true
	t.room.party(sender)
	var added []change
	for _, p := range from {
		if t.members[p.key] {
			t.room.party(p) // he may have a name now
			continue
		}
		if len(t.members) >= MaxMembers {
			t.report.mend(TooManyPeople)
			break
		}
		t.members[p.key] = true
		if t.room.party(p); !first {
			added = append(added, change{event: "add", who: p, by: sender})
		}
	}
	if len(added) == 0 {
		return sender, nil
	}
	t.report.Records++
	return sender, t.room.changes(millis, added...)
}
