package codec

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io"
	"sort"
)

// Holes are the long texts and byte strings that a Copy leaves out of the
// elements that it holds. A placeholder takes the place of each; the element is
// decoded and encoded as always, and in what comes out each placeholder is
// replaced by what stands in the source. For that a placeholder has what decides
// the form of a value ("Forms" in docs/wire-format.md): it is a text or a byte
// string, and a text that is canonical base64url exactly if the long one is. A
// text that may be a date is never left out.
//
// Placeholders begin with random bytes of this Copy, so that no source can have
// one by itself.
type holes struct {
	raw   []byte // what each begins with in a byte string
	text  []byte // and in a text
	list  []hole
	first int // those of the element at hand begin here
}

// A hole is one string that was left out.
type hole struct {
	Section
	used bool       // it was written
	size int64      // of the text in bytes, resolved; of bytes, their number
	err  error      // what is wrong with the text, told when the text is reached
	mend Mend       // what was mended in it; Count is 0 when nothing was
	all  *parameter // instead of a string: a parameter that is copied by itself
	at   int64      // where its placeholder is, as if nothing had been left out
	grow int64      // bytes that the source has more up to its end than the element at hand
}

const (
	holeRandom = 24 // a multiple of 3, so that its base64url stands apart
	holeBytes  = holeRandom + 3
	holeText   = holeBytes / 3 * 4
	holeOdd    = '!' // begins the placeholder of a text that is not base64url
)

func newHoles() *holes {
	h := &holes{raw: make([]byte, holeRandom)}
	rand.Read(h.raw)
	h.text = base64.RawURLEncoding.AppendEncode(nil, h.raw)
	return h
}

// begin forgets the holes after the first keep ones.
func (hs *holes) begin(keep int) { hs.list, hs.first = hs.list[:keep], keep }

// append notes h and appends its placeholder, without a head, to b.
func (hs *holes) append(b []byte, h hole) ([]byte, error) {
	n := len(hs.list)
	if n == MaxLongTexts {
		return b, &Error{Offset: h.Offset, Reason: "too many long texts in one value"}
	}
	hs.list = append(hs.list, h)
	raw := append(append(make([]byte, 0, holeBytes), hs.raw...), byte(n>>16), byte(n>>8), byte(n))
	if h.isBytes() {
		return append(b, raw...), nil
	}
	if !h.Canonical {
		b = append(b, holeOdd)
	}
	return base64.RawURLEncoding.AppendEncode(b, raw), nil
}

// named is the hole whose placeholder text is, or nil.
func (hs *holes) named(text []byte) *hole {
	if hs == nil || len(text) < holeText {
		return nil
	}
	text = bytes.TrimPrefix(text, []byte{holeOdd})
	if len(text) != holeText || !bytes.HasPrefix(text, hs.text) {
		return nil
	}
	var raw [holeBytes]byte
	if _, err := base64.RawURLEncoding.Decode(raw[:], text); err != nil {
		return nil
	}
	return hs.numbered(raw[holeRandom:])
}

func (hs *holes) numbered(b []byte) *hole {
	if n := int(b[0])<<16 | int(b[1])<<8 | int(b[2]); n < len(hs.list) {
		return &hs.list[n]
	}
	return nil
}

// place is where in the source something is that is at off of the element at
// hand, counted from the start of the source.
func (hs *holes) place(off int64) int64 {
	if hs == nil {
		return off
	}
	// The last one before off has the sum.
	list := hs.list[hs.first:]
	n := sort.Search(len(list), func(i int) bool { return list[i].at >= off })
	if n == 0 {
		return off
	}
	return off + list[n-1].grow
}

func (h *hole) isBytes() bool { return h.form == sectionBytes || h.form == sectionByteChunks }

// pieces calls f with the content, piece by piece: whole characters of a text, or
// bytes. The content has to be as long as it was when it was met.
func (h *hole) pieces(source io.ReaderAt, buf []byte, f func([]byte) error) error {
	var r io.Reader = &exactReader{r: io.NewSectionReader(source, h.Offset, h.Length), left: h.Length}
	if h.form == sectionTextChunks || h.form == sectionByteChunks {
		r = &chunkReader{r: r}
	}
	u := unquoter{quoted: h.form == sectionJSON, mend: h.Section.mend}
	var out []byte
	left := h.size
	for {
		n, err := r.Read(buf)
		if err != nil && err != io.EOF {
			return err
		}
		piece, end := buf[:n], err == io.EOF
		if !h.isBytes() {
			if out, err = u.write(out[:0], piece); err == nil && end {
				out, err = u.close(out)
			}
			if piece = out; err != nil {
				return ErrChanged
			}
		}
		if left -= int64(len(piece)); left < 0 || end && left != 0 {
			return ErrChanged
		}
		if len(piece) > 0 {
			if err := f(piece); err != nil {
				return err
			}
		}
		if end {
			return nil
		}
	}
}

// A chunkReader reads the content of the chunks of an indefinite-length string.
type chunkReader struct {
	r    io.Reader
	left uint64
}

func (c *chunkReader) Read(p []byte) (int, error) {
	for c.left == 0 {
		var b [9]byte
		if _, err := io.ReadFull(c.r, b[:1]); err != nil {
			return 0, err
		}
		if _, err := io.ReadFull(c.r, b[1:headSize(b[0])]); err != nil {
			return 0, io.ErrUnexpectedEOF
		}
		h, reason := parseHead(b[:])
		if reason != "" || h.indefinite || h.major != majorBytes && h.major != majorText {
			return 0, ErrChanged
		}
		c.left = h.arg
	}
	n, err := c.r.Read(p[:min(uint64(len(p)), c.left)])
	if c.left -= uint64(n); err == io.EOF && c.left > 0 {
		err = io.ErrUnexpectedEOF
	} else if err == io.EOF {
		err = nil // the next read finds the end
	}
	return n, err
}

// ErrChanged says that a Copy read something else the second time.
var ErrChanged = errors.New("vcon: the source changed while it was read")

// A textScan learns what a hole or a section has to know about a long text, which
// comes in pieces.
type textScan struct {
	u     unquoter
	check base64Check
	plain bool // only the text as it stands matters: no escapes are resolved
	size  int64
	err   error
	buf   []byte
}

func (t *textScan) add(piece []byte) {
	if t.plain {
		t.check.add(piece)
	}
	if t.err != nil || t.plain && !t.u.mend {
		return
	}
	t.buf, t.err = t.u.write(t.buf[:0], piece)
	t.took()
}

func (t *textScan) took() {
	if t.size += int64(len(t.buf)); !t.plain {
		t.check.add(t.buf)
	}
}

// end is the end of a text, or of a chunk of one.
func (t *textScan) end() {
	if t.err == nil && !(t.plain && !t.u.mend) {
		t.buf, t.err = t.u.close(t.buf[:0])
		t.took()
	}
}

// startsAsDate reports whether a text may be a date, however long.
func startsAsDate(text []byte) bool {
	const second = len("2006-01-02T15:04:05")
	if len(text) < second {
		return false
	}
	_, _, ok := Date(string(text[:second]) + "Z").parse()
	return ok
}
