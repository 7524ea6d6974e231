package codec

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// A jsonWalker finds the bounds of values in a JSON vCon. It looks only at
// strings, brackets and commas: what it collects is read strictly by transcode.
type jsonWalker struct {
	src        *source
	transcoder transcoder
	started    bool // the object has had a member
	inArray    bool // and so has the array
}

func newJSONWalker(src *source, mend func(Mend)) *jsonWalker {
	return &jsonWalker{src: src, transcoder: transcoder{mend: mend}}
}

// blank passes blanks and returns the next byte.
func (w *jsonWalker) blank() (byte, error) {
	for {
		b, err := w.src.buffered()
		if err != nil {
			return 0, err
		}
		rest := bytes.TrimLeft(b, " \t\r\n")
		w.src.pass(len(b) - len(rest))
		if len(rest) > 0 {
			return rest[0], nil
		}
	}
}

func (w *jsonWalker) begin() error {
	if b, err := w.src.peek(3); err == nil && string(b) == "\xef\xbb\xbf" {
		w.src.pass(3)
	}
	if _, err := w.blank(); err != nil { // DetectFormat saw the brace
		return err
	}
	w.src.pass(1)
	return nil
}

// separator passes the comma before a member, or the closing bracket.
func (w *jsonWalker) separator(end byte, started bool) (more bool, err error) {
	c, err := w.blank()
	switch {
	case err != nil:
		return false, err
	case c == end:
		w.src.pass(1)
		return false, nil
	case !started:
		return true, nil
	case c != ',':
		return false, w.src.fail("malformed JSON")
	}
	w.src.pass(1)
	if c, err = w.blank(); err == nil && c == end {
		return false, w.src.fail("malformed JSON")
	}
	return true, err
}

func (w *jsonWalker) name() (string, bool, error) {
	more, err := w.separator('}', w.started)
	if !more || err != nil {
		return "", false, err
	}
	w.started = true
	if c, err := w.blank(); err != nil || c != '"' {
		if err == nil {
			err = w.src.fail("malformed JSON")
		}
		return "", false, err
	}
	c := collector{limit: 6*MaxName + 2, offset: -1}
	at := w.src.off
	w.src.name = at
	if err := w.text(&c, textKept); err != nil {
		return "", false, err
	}
	if c.overflow {
		return "", false, w.src.fail("name too long")
	}
	var m Mend
	name, err := appendUnquoted(nil, c.b, at, w.transcoder.mendInto(&m))
	if err != nil {
		return "", false, err
	}
	if m.Count > 0 {
		m.Pointer = "/" + publicName(string(name))
		w.transcoder.mend(m)
	}
	if colon, err := w.blank(); err != nil || colon != ':' {
		if err == nil {
			err = w.src.fail("malformed JSON")
		}
		return "", false, err
	}
	w.src.pass(1)
	s, err := w.src.checkName(name)
	return s, err == nil, err
}

func (w *jsonWalker) open() (bool, error) {
	c, err := w.blank()
	if err != nil || c != '[' {
		return false, err
	}
	// An empty array is a value, and its end may be far away.
	for n := 2; ; n *= 2 {
		b, err := w.src.peek(min(n, scanBuffer))
		if err != nil {
			return false, err
		}
		rest := bytes.TrimLeft(b[1:], " \t\r\n")
		if len(rest) > 0 && rest[0] == ']' {
			return false, nil
		}
		if len(rest) > 0 || len(b) < n || n >= scanBuffer {
			w.src.pass(1)
			w.inArray = false
			return true, nil
		}
	}
}

func (w *jsonWalker) element() (bool, error) {
	more, err := w.separator(']', w.inArray)
	w.inArray = true
	return more, err
}

func (w *jsonWalker) isObject() (bool, error) {
	b, err := w.blank()
	return b == '{', err
}

func (w *jsonWalker) value(c *collector) error {
	first, err := w.blank()
	if err != nil {
		return err
	}
	c.offset = w.src.off
	switch first {
	case '"':
		return w.text(c, longOf(c, false))
	case '{', '[':
		c.splitBody = c.splitBody && first == '{'
		return w.items(c)
	}
	for {
		b, err := w.src.buffered()
		if err != nil {
			return err
		}
		n := bytes.IndexAny(b, ",]} \t\r\n")
		if n >= 0 {
			c.add(b[:n]...)
			w.src.pass(n)
			return nil
		}
		c.add(b...)
		w.src.pass(len(b))
	}
}

// structural marks the bytes that items looks for.
var structural = [256]bool{'"': true, '{': true, '}': true, '[': true, ']': true, ',': true}

// items collects an object or array. With c.splitBody a large member "body" of
// the outermost object is left out and becomes a section; its place is an empty
// text, so that a second body is still a duplicate name. With c.holes every long
// text that is not a name becomes a hole.
func (w *jsonWalker) items(c *collector) error {
	depth, wantName, isBody := 0, false, false
	var objects uint64 // one bit for each level that is an object; deeper than 63 is refused later
	for {
		b, err := w.src.buffered()
		if err != nil {
			return err
		}
		n := 0
		for n < len(b) && !structural[b[n]] {
			n++
		}
		if n == len(b) {
			c.add(b...)
			w.src.pass(len(b))
			continue
		}
		c.add(b[:n]...)
		ch := b[n]
		w.src.pass(n)
		if ch != '"' {
			c.add(ch)
			w.src.pass(1)
		}
		switch ch {
		case '"':
			at := len(c.b)
			long := textKept
			if !wantName {
				long = longOf(c, isBody && depth == 1)
			}
			if err := w.text(c, long); err != nil {
				return err
			}
			if wantName && depth == 1 && c.splitBody {
				name, err := jsontext.AppendUnquote(nil, c.b[min(at, len(c.b)):])
				isBody = err == nil && string(name) == "body"
			}
			wantName = false
		case '{', '[':
			if objects <<= 1; ch == '{' {
				objects |= 1
			}
			depth++
			wantName = ch == '{'
		case '}', ']':
			objects >>= 1
			if depth--; depth == 0 {
				return nil
			}
		case ',':
			wantName, isBody = objects&1 != 0, depth != 1 && isBody
		}
	}
}

func (w *jsonWalker) decode(c *collector, e *Event) error {
	b, err := w.transcoder.transcode(c.b, c.offset, depthOf(e))
	if err != nil {
		return err
	}
	return e.build(&reader{b: b, base: -1, depth: depthOf(e)}, c.section)
}

func (w *jsonWalker) end() error {
	for {
		if end, err := w.src.atEnd(); end || err != nil {
			return err
		}
		b, err := w.src.buffered()
		if err != nil {
			return err
		}
		rest := bytes.TrimLeft(b, " \t\r\n")
		w.src.pass(len(b) - len(rest))
		if len(rest) > 0 {
			return w.src.fail("trailing bytes")
		}
	}
}
