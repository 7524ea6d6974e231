package segment

import (
	"errors"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

// AppendAnswer appends the answer to a page: an array with the offset for what is
// needed, and our own SHA-256, or nothing, as a byte string for what is held.
func AppendAnswer(b []byte, a *Answer) ([]byte, error) {
	if len(a.Wants) > MaxEntries {
		return b, errors.New("encode answer: too many wants")
	}
	b = codec.AppendArray(b, len(a.Wants))
	for i := range a.Wants {
		switch w := &a.Wants[i]; {
		case w.Need && w.Offset > MaxContent:
			return b, errors.New("encode answer: offset too large")
		case w.Need:
			b = codec.AppendUint(b, w.Offset)
		case w.Have == [32]byte{}:
			b = codec.AppendBytes(b, "")
		default:
			b = codec.AppendBytes(b, w.Have[:])
		}
	}
	return b, nil
}

// ParseAnswer reads the answer to a page; Page.Accepts holds it against the page.
// Every error is an *Error. What it accepts AppendAnswer encodes to the same bytes.
func ParseAnswer(data []byte) (*Answer, error) {
	r := reader{object: "answer", b: data}
	if len(data) > MaxAnswer {
		r.failAt(MaxAnswer, "too long")
		return nil, r.err
	}
	a := new(Answer)
	for range r.array(MaxEntries) {
		w := Want{Need: r.peek() == majorUint}
		if w.Need {
			w.Offset = r.number(MaxContent)
		} else {
			at := r.off
			if have := r.bytes(0, len(w.Have)); len(have) > 0 {
				copy(w.Have[:], have)
				if w.Have == [32]byte{} {
					r.failAt(at, "hash of zeros")
				}
			}
		}
		if r.err != nil {
			return nil, r.err
		}
		a.Wants = append(a.Wants, w)
	}
	if err := r.end(); err != nil {
		return nil, err
	}
	return a, nil
}

// Accepts tells whether a answers p: one want for each segment and attachment, a
// segment from its beginning, an attachment from within or its end, and a hash
// for each attachment that is held and for no segment.
func (p *Page) Accepts(a *Answer) bool {
	wants := a.Wants
	for i := range p.Entries {
		e := &p.Entries[i]
		if e.Type == RoomType {
			continue
		}
		if len(wants) == 0 {
			return false
		}
		w, largest := wants[0], uint64(0)
		if e.Type == AttachmentType {
			largest = e.Attachment.Size
		}
		if w.Need && (w.Offset > largest || w.Have != [32]byte{}) {
			return false
		}
		if !w.Need && (w.Have != [32]byte{}) != (e.Type == AttachmentType) {
			return false
		}
		wants = wants[1:]
	}
	return len(wants) == 0
}

// A Pager collects entries into pages.
type Pager struct {
	entries []Entry
	size    int
	scratch []byte
}

// Add puts e on the page. When there was no room for it, Add returns the page
// that is full, and e is the first of the next. An entry too large for any page
// cannot be: its limits forbid that, and Add cuts nothing.
func (p *Pager) Add(e Entry) (full *Page) {
	p.scratch = e.append(p.scratch[:0])
	if len(p.entries) == MaxEntries || p.size+len(p.scratch) > MaxPage-MaxEnd {
		full = p.Take()
	}
	p.entries = append(p.entries, e)
	p.size += len(p.scratch)
	return full
}

// Len is the number of entries on the page.
func (p *Pager) Len() int { return len(p.entries) }

// Take ends the page and returns it, without entries if there were none. Its
// Left is empty: the caller fills it in.
func (p *Pager) Take() *Page {
	page := &Page{Entries: p.entries}
	p.entries, p.size = nil, 0
	return page
}
