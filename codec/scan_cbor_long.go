package codec

// long collects a string that may be long, whose head has been collected at at,
// or makes it a hole.
func (w *cborWalker) long(c *collector, h head, at int) error {
	start := w.src.off
	if !h.indefinite && h.arg > uint64(w.src.size-start) {
		return w.src.fail("truncated input")
	}
	hole := hole{at: c.offset + int64(at), Section: Section{Offset: start, form: sectionBytes}}
	if h.major == majorText {
		hole.form = sectionText
	}
	if h.indefinite {
		short := collector{limit: MaxInlineBody}
		if err := w.stringBody(&short, h); err != nil || !short.overflow {
			c.add(short.b...)
			return err
		}
		w.src.seek(start)
		if hole.form = sectionByteChunks; h.major == majorText {
			hole.form = sectionTextChunks
		}
	}
	if h.major == majorText {
		b, err := w.src.peek(64)
		if err != nil {
			return err
		}
		if h.indefinite {
			b = b[min(len(b), headSize(b[0])):]
		}
		if startsAsDate(b) {
			return w.stringBody(c, h)
		}
	}
	if err := w.scanLong(&hole, h); err != nil {
		return err
	}
	if hole.Length = w.src.off - start; h.indefinite {
		hole.Length-- // the break
	}
	n := holeBytes
	if h.major == majorText {
		if n = holeText; !hole.Canonical {
			n++
		}
	}
	c.b = AppendHead(c.b[:at], h.major, uint64(n))
	hole.grow = w.src.off - c.offset - int64(len(c.b)+n)
	var err error
	c.b, err = c.holes.append(c.b, hole)
	return err
}

// scanLong passes a long string and learns what a hole has to know of it.
func (w *cborWalker) scanLong(hole *hole, h head) error {
	var t textScan
	content := func(n uint64) error {
		if h.major == majorBytes {
			hole.size += int64(n)
			return w.src.copy(&collector{overflow: true}, n)
		}
		at := w.src.off
		t.u = unquoter{}
		err := w.src.each(n, t.add, t.end)
		if e, ok := t.err.(*Error); ok && err == nil {
			e.Offset += at
			err = e
		}
		return err
	}
	if !h.indefinite {
		if err := content(h.arg); err != nil {
			return err
		}
	}
	for l := (level{indefinite: true}); h.indefinite; {
		more, err := w.next(&l)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		part, err := w.head(new(collector)) // stringBody has seen that it is a chunk
		if err == nil {
			err = content(part.arg)
		}
		if err != nil {
			return err
		}
	}
	if h.major == majorText {
		hole.size, hole.Canonical = t.size, t.check.canonical()
	}
	return nil
}

// attachment collects a map, but for a large body of definite length, which
// becomes a section. The copy is a map of indefinite length.
func (w *cborWalker) attachment(c *collector) error {
	h, err := w.head(new(collector))
	if err != nil {
		return err
	}
	c.splitBody = false
	c.add(majorMap<<5 | 31)
	l := level{h.indefinite, h.arg}
	for {
		more, err := w.next(&l)
		if err != nil {
			return err
		}
		if !more {
			c.add(breakCode)
			return nil
		}
		key := collector{limit: MaxName + 9, offset: -1}
		if err := w.value(&key); err != nil {
			return err
		}
		if key.overflow {
			return w.src.fail("name too long")
		}
		if string(key.b) == "\x64body" {
			if c.section != nil {
				return w.src.fail("duplicate name")
			}
			if s, err := w.section(); s != nil || err != nil {
				if err != nil {
					return err
				}
				c.section = s
				continue
			}
		}
		c.add(key.b...)
		if err := w.value(c); err != nil {
			return err
		}
	}
}

// section passes a large body: bytes with tag 21, or a text. It returns nil when
// the value is not one.
func (w *cborWalker) section() (*Section, error) {
	b, err := w.src.peek(10)
	if err != nil {
		return nil, err
	}
	form, tag := sectionText, 0
	if b[0] == majorTag<<5|tagBase64URL {
		form, tag, b = sectionBytes, 1, b[1:]
	}
	if len(b) == 0 || len(b) < headSize(b[0]) {
		return nil, nil
	}
	h, reason := parseHead(b)
	if reason != "" || h.indefinite || h.arg <= MaxInlineBody || h.arg > 1<<62 ||
		form == sectionBytes && h.major != majorBytes || form == sectionText && h.major != majorText {
		return nil, nil
	}
	w.src.pass(tag + headSize(b[0]))
	s := &Section{Offset: w.src.off, Length: int64(h.arg), form: form}
	if form == sectionBytes {
		s.Canonical = true
		return s, w.src.copy(new(collector), h.arg)
	}
	var check base64Check
	return s, w.src.each(h.arg, check.add, func() { s.Canonical = check.canonical() })
}
