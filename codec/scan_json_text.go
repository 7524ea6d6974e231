package codec

import "bytes"

// A longText says what becomes of a text beyond MaxInlineBody.
type longText uint8

const (
	textKept    longText = iota
	textSection          // c.section
	textHole             // one of c.holes
)

func longOf(c *collector, isBody bool) longText {
	switch {
	case c.overflow:
		return textKept
	case c.holes != nil:
		return textHole
	case isBody && c.splitBody && c.section == nil:
		return textSection
	}
	return textKept
}

// text collects a string.
func (w *jsonWalker) text(c *collector, long longText) error {
	at := len(c.b)
	c.add('"')
	w.src.pass(1)
	start := w.src.off
	var scan *textScan
	for escaped, escapes := false, false; ; {
		b, err := w.src.buffered()
		if err != nil {
			return err
		}
		n, end := 0, false
		n, end, escaped = textEnd(b, escaped)
		escapes = escapes || long == textSection && bytes.IndexByte(b[:n], '\\') >= 0
		if long != textKept && scan == nil && !c.overflow && w.src.off+int64(n)-start > MaxInlineBody {
			if scan = w.scanLong(c.b[at+1:], long); scan == nil {
				long = textKept
			} else {
				c.b = c.b[:at+1]
			}
		}
		if scan == nil {
			c.add(b[:n]...)
		} else {
			scan.add(b[:n])
		}
		w.src.pass(n)
		if !end {
			continue
		}
		if scan != nil {
			if err := w.leaveOut(c, at, start, scan, escapes); err != nil {
				return err
			}
		}
		c.add('"')
		w.src.pass(1)
		return nil
	}
}

// textEnd is how many bytes of b belong to a text, and whether it ends there. A
// byte after a backslash is escaped, also when that ended the piece before.
func textEnd(b []byte, escaped bool) (n int, end, escapes bool) {
	i, quote := 0, -1
	if escaped {
		i = 1
	}
	for {
		if quote < i && quote < len(b) {
			if quote = bytes.IndexByte(b[i:], '"'); quote < 0 {
				quote = len(b)
			} else {
				quote += i
			}
		}
		n := bytes.IndexByte(b[i:quote], '\\')
		if n < 0 {
			return quote, quote < len(b), false
		}
		if i += n + 2; i > len(b) {
			return len(b), false, true
		}
	}
}

// scanLong begins to scan a text that has turned out long, or returns nil when it
// has to be held.
func (w *jsonWalker) scanLong(begun []byte, long longText) *textScan {
	scan := &textScan{u: unquoter{quoted: true, mend: w.transcoder.mend != nil}, plain: long == textSection}
	if long == textHole {
		u := unquoter{quoted: true, mend: true}
		first, err := u.write(nil, begun[:min(len(begun), 256)])
		if err == nil && startsAsDate(first) {
			return nil
		}
	}
	scan.add(begun)
	return scan
}

// leaveOut puts a section or a hole in the place of a text that began at start,
// and whose quote was collected at at.
func (w *jsonWalker) leaveOut(c *collector, at int, start int64, scan *textScan, escapes bool) error {
	scan.end()
	s := Section{Offset: start, Length: w.src.off - start, form: sectionJSON, Canonical: scan.check.canonical()}
	mend := Mend{Offset: start + scan.u.first, Count: scan.u.mended}
	s.mend, s.mended = w.transcoder.mend != nil, mend.Count > 0
	if scan.plain {
		s.escaped, s.Canonical = escapes, s.Canonical && !escapes
		c.section = &s
		if mend.Count > 0 {
			mend.Pointer = "/body"
			w.transcoder.mend(mend)
		}
		return nil
	}
	if e, ok := scan.err.(*Error); ok {
		e.Offset += start
	}
	h := hole{Section: s, size: scan.size, err: scan.err, mend: mend, at: c.offset + int64(len(c.b))}
	b, err := c.holes.append(c.b, h)
	c.b = b
	if err == nil {
		last := &c.holes.list[len(c.holes.list)-1]
		last.grow = w.src.off - c.offset - int64(len(c.b))
	}
	return err
}
