package convert

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Mail: mbox files (RFC 4155, with ">From " quoted as mboxo or mboxrd do), as
// Thunderbird, mutt, Apple Mail ("Inbox.mbox/mbox") and Google Takeout write them
// (whose X-GM-THRID and X-Gmail-Labels are used), and .eml files of one mail each
// (RFC 5322, MIME as in RFC 2045 to 2047, 2183, 2231, 2387, 3676).
//
// A thread is a room. All files of a folder are read as one mailbox, since the
// answers are in another file than what they answer.
//
//  1. The headers of all mails are read. Mails that name each other (Message-ID,
//     In-Reply-To, References), or have one X-GM-THRID, are one thread. About two
//     hundred bytes of memory are kept for each mail.
//  2. Thread by thread the mails are read whole, what is answered before the answer:
//     texts become messages, everything else files that are read from the mailbox
//     again when they are asked for.

// A mailbox is the state while mails are read.
type mailbox struct {
	*run
	files   []string
	isMbox  []bool
	held    map[int32][]byte // files of an archive, where nothing can be looked up
	mails   []mailEntry
	nodes   map[[16]byte]int32 // by what identifies a mail or a thread
	hashes  [][16]byte         // of the nodes
	group   []int32            // of the nodes: union-find
	known   map[[16]byte]bool  // mails that are there
	limit   int                // of nodes; 0 is MaxMessageIDs
	holding int64
}

// A mailEntry is what is kept of a mail.
type mailEntry struct {
	mailPlace
	millis  int64
	node    int32    // its own
	root    int32    // what it says that its thread begins with
	answers [2]int32 // what it may answer, -1 for none
}

// convertMbox converts a mailbox file, and all that follow in a folder.
func convertMbox(r *run, name string) error {
	b := &mailbox{run: r, files: append([]string{name}, r.files...), held: map[int32][]byte{},
		nodes: map[[16]byte]int32{}, known: map[[16]byte]bool{}}
	r.report.Files += uint64(len(r.files))
	r.files = nil
	for i := range b.files {
		if err := b.index(int32(i)); err != nil {
			return err
		}
	}
	b.nodes, b.known = nil, nil
	for _, thread := range b.threads() {
		if err := b.thread(thread); err != nil {
			return err
		}
	}
	return nil
}

// open opens a file from an offset on.
func (b *mailbox) open(file int32, offset int64) (io.ReadCloser, error) {
	if data, ok := b.held[file]; ok {
		return io.NopCloser(bytes.NewReader(data[min(offset, int64(len(data))):])), nil
	}
	return b.openAt(b.files[file], offset)
}

// hold reads a file into memory when it is in an archive that cannot be read from
// its middle on.
func (b *mailbox) hold(file int32) error {
	f, err := b.openAt(b.files[file], 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, ok := f.(io.Seeker); ok {
		return nil
	}
	data, err := io.ReadAll(io.LimitReader(f, MaxHeldMail-b.holding+1))
	if err != nil {
		return fmt.Errorf("read export: %w", err)
	}
	if b.holding += int64(len(data)); b.holding > MaxHeldMail {
		return fmt.Errorf("read export: mail of more than %d bytes in an archive: unpack it first", int64(MaxHeldMail))
	}
	b.held[file] = data
	return nil
}

// index reads the headers of a file.
func (b *mailbox) index(file int32) error {
	if err := b.hold(file); err != nil {
		return err
	}
	f, err := b.open(file, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	begin := make([]byte, 5)
	n, err := io.ReadFull(f, begin)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("read export: %w", err)
	}
	b.isMbox = append(b.isMbox, isMbox(begin[:n]))
	s := newMailScanner(io.MultiReader(bytes.NewReader(begin[:n]), f), b.isMbox[file])
	for i := 0; ; i++ {
		if i%256 == 0 {
			if err := b.ctx.Err(); err != nil {
				return err
			}
		}
		m, err := s.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if s.offset > MaxExport {
			return fmt.Errorf("read export: %w", errExportTooLong)
		}
		if len(b.mails) >= MaxMails {
			return fmt.Errorf("read export: more than %d mails", MaxMails)
		}
		m.file = file
		b.report.Records++
		if why := b.enter(m); why != "" {
			b.report.leave(why)
		}
	}
}

// enter keeps a mail, unless there is a reason not to.
func (b *mailbox) enter(m *scannedMail) Reason {
	h, _ := parseHeader(m.header)
	switch {
	case len(h) == 0:
		return RecordMalformed
	case strings.Contains(h.get("subject"), "FOLDER INTERNAL DATA") && strings.Contains(m.from, "MAILER-DAEMON"):
		return ServerNotice // of programs that keep their state in the mailbox
	case isExpunged(h.get("x-mozilla-status")):
		return Expunged
	}
	millis, second, ok := mailDate(h, m.from)
	if !ok {
		return RecordUndated
	}
	ids := messageIDs(h.get("message-id"))
	id := strings.Join(ids[:min(1, len(ids))], "")
	same := sum16("mail", id, h.get("from"), h.get("date"), h.get("subject"), h.get("to"))
	if id != "" {
		same = sum16("mail", id, h.get("from"), h.get("date"))
	}
	if b.known[same] {
		return RecordTwice
	}
	b.known[same] = true
	if second {
		b.report.mend(DeliveryDate)
	}
	e := mailEntry{mailPlace: m.mailPlace, millis: millis, answers: [2]int32{-1, -1}}
	own := same
	if id != "" {
		own = sum16("id", id)
	}
	e.node = b.node(own)
	e.root = e.node
	refs, to := messageIDs(h.get("references")), messageIDs(h.get("in-reply-to"))
	if len(refs) > MaxReferences {
		refs = append(refs[:1:1], refs[len(refs)-MaxReferences+1:]...)
	}
	var chain []int32
	for _, id := range refs {
		if n := b.cited(sum16("id", id)); n >= 0 {
			chain = append(chain, n)
		}
	}
	if len(chain) > 0 {
		e.answers[0], e.root = chain[len(chain)-1], chain[0]
	}
	if len(to) > 0 {
		if n := b.cited(sum16("id", to[0])); n >= 0 {
			e.answers[1] = n
			chain = append(chain, n)
			if e.root == e.node {
				e.root = n
			}
		}
	}
	if id := h.get("x-gm-thrid"); id != "" {
		if n := b.cited(sum16("gmail", id)); n >= 0 {
			e.root = n
			chain = []int32{n} // Google knows better
		}
	}
	for _, n := range chain {
		b.join(e.node, n)
	}
	b.mails = append(b.mails, e)
	return ""
}

// isExpunged reports the bit of Thunderbird's X-Mozilla-Status for what was deleted
// and is in the file until it is compacted.
func isExpunged(status string) bool {
	v, err := hex.DecodeString(status)
	return err == nil && len(v) == 2 && v[1]&0x08 != 0
}

// cited is the node with the hash of what a mail names, -1 when there are as many as
// MaxMessageIDs: a mail names up to MaxReferences, which need not exist.
func (b *mailbox) cited(hash [16]byte) int32 {
	if n, ok := b.nodes[hash]; ok {
		return n
	}
	if len(b.nodes) >= cmp.Or(b.limit, MaxMessageIDs) {
		return -1
	}
	return b.node(hash)
}

// node is the node with a hash. When there are as many as MaxMessageIDs, further
// ones are not found again.
func (b *mailbox) node(hash [16]byte) int32 {
	if n, ok := b.nodes[hash]; ok {
		return n
	}
	n := int32(len(b.hashes))
	b.hashes, b.group = append(b.hashes, hash), append(b.group, n)
	if len(b.nodes) < MaxMessageIDs {
		b.nodes[hash] = n
	}
	return n
}

// find is the node that stands for the group of n.
func (b *mailbox) find(n int32) int32 {
	for b.group[n] != n {
		b.group[n] = b.group[b.group[n]]
		n = b.group[n]
	}
	return n
}

func (b *mailbox) join(x, y int32) {
	// The older node stands for both, which keeps the chains short enough: with the
	// halving in find they are so on average.
	x, y = b.find(x), b.find(y)
	b.group[max(x, y)] = min(x, y)
}

// openMail opens a mail from its header on.
func (b *mailbox) openMail(p mailPlace) (io.ReadCloser, error) {
	f, err := b.open(p.file, p.offset)
	if err != nil {
		return nil, err
	}
	var in io.Reader = io.LimitReader(exportReader{f}, p.size)
	if b.isMbox[p.file] {
		in = newUnquoter(in)
	}
	return decoded{in, f}, nil
}
