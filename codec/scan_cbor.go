package codec

// A cborWalker walks the heads of a CBOR vCon.
type cborWalker struct {
	src   *source
	top   level
	array level
	depth int
}

// A level is an array or map that is being read.
type level struct {
	indefinite bool
	left       uint64
}

// head reads a head, and gives its bytes to c.
func (w *cborWalker) head(c *collector) (head, error) {
	b, err := w.src.peek(9)
	if err != nil {
		return head{}, err
	}
	n := headSize(b[0])
	if len(b) < n {
		return head{}, w.src.fail("truncated input")
	}
	h, reason := parseHead(b)
	if reason != "" {
		return h, w.src.fail(reason)
	}
	c.add(b[:n]...)
	w.src.pass(n)
	return h, nil
}

// next reports whether l has another element, and counts it.
func (w *cborWalker) next(l *level) (bool, error) {
	if !l.indefinite {
		if l.left == 0 {
			return false, nil
		}
		l.left--
		return true, nil
	}
	b, err := w.src.peek(1)
	if err != nil || b[0] != breakCode {
		return err == nil, err
	}
	w.src.pass(1)
	return false, nil
}

func (w *cborWalker) begin() error {
	if b, err := w.src.peek(3); err == nil && len(b) == 3 && string(b) == "\xd9\xd9\xf7" {
		w.src.pass(3)
	}
	h, err := w.head(new(collector))
	if err != nil {
		return err
	}
	if h.major != majorMap {
		return w.src.fail("not an object")
	}
	w.top = level{h.indefinite, h.arg}
	w.depth = 1
	return nil
}

// name reads a key. One that is not a text is a name as in Fields.
func (w *cborWalker) name() (string, bool, error) {
	more, err := w.next(&w.top)
	if !more || err != nil {
		return "", false, err
	}
	c := collector{limit: MaxName + 9, offset: -1}
	at := w.src.off
	w.src.name = at
	if err := w.value(&c); err != nil {
		return "", false, err
	}
	if c.overflow {
		return "", false, w.src.fail("name too long")
	}
	r := &reader{b: c.b, base: at}
	key, isText, err := r.key()
	if err != nil {
		return "", false, err
	}
	if !isText {
		return notText + string(key), true, nil
	}
	return string(key), true, nil
}

func (w *cborWalker) open() (bool, error) {
	b, err := w.src.peek(9)
	if err != nil || b[0]>>5 != majorArray || len(b) < headSize(b[0]) {
		return false, err
	}
	h, reason := parseHead(b)
	if reason != "" || !h.indefinite && h.arg == 0 || h.indefinite && len(b) > 1 && b[1] == breakCode {
		return false, nil // value reports what is wrong
	}
	w.src.pass(headSize(b[0]))
	w.array = level{h.indefinite, h.arg}
	w.depth++
	return true, nil
}

func (w *cborWalker) element() (bool, error) {
	more, err := w.next(&w.array)
	if !more && err == nil {
		w.depth--
	}
	return more, err
}

func (w *cborWalker) isObject() (bool, error) {
	b, err := w.src.peek(1)
	return err == nil && b[0]>>5 == majorMap, err
}

func (w *cborWalker) value(c *collector) error {
	if c.offset < 0 {
		c.offset = w.src.off
	}
	if c.splitBody {
		if b, err := w.src.peek(1); err == nil && b[0]>>5 == majorMap {
			return w.attachment(c)
		}
	}
	at := len(c.b)
	h, err := w.head(c)
	if err != nil {
		return err
	}
	switch h.major {
	case majorBytes, majorText:
		if c.holes != nil && !c.overflow && (h.indefinite || h.arg > MaxInlineBody) {
			return w.long(c, h, at)
		}
		return w.stringBody(c, h)
	case majorTag, majorArray, majorMap:
	default:
		return nil
	}
	if w.depth++; w.depth > maxNesting {
		return w.src.fail("nested too deep")
	}
	defer func(hs *holes) { w.depth, c.holes = w.depth-1, hs }(c.holes)
	held := c.holes
	l := level{h.indefinite, h.arg}
	if h.major == majorTag {
		l = level{left: 1}
		if h.arg == tagPosBignum || h.arg == tagNegBignum {
			held = nil // the bytes are a number
		}
	}
	for {
		more, err := w.next(&l)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if c.holes = held; h.major == majorMap {
			c.holes = nil // a name is never left out
		}
		if err := w.value(c); err != nil {
			return err
		}
		if c.holes = held; h.major == majorMap {
			if err := w.value(c); err != nil {
				return err
			}
		}
	}
	if h.indefinite {
		c.add(breakCode)
	}
	return nil
}

func (w *cborWalker) stringBody(c *collector, h head) error {
	if !h.indefinite {
		c.room(h.arg) // before any of it is copied
		return w.src.copy(c, h.arg)
	}
	l := level{indefinite: true}
	for {
		more, err := w.next(&l)
		if err != nil {
			return err
		}
		if !more {
			c.add(breakCode)
			return nil
		}
		part, err := w.head(c)
		if err != nil {
			return err
		}
		if part.major != h.major || part.indefinite {
			return w.src.fail("malformed chunk of an indefinite-length string")
		}
		if err := w.stringBody(c, part); err != nil {
			return err
		}
	}
}

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

// each passes n bytes by way of f, then calls done.
func (s *source) each(n uint64, f func([]byte), done func()) error {
	for n > 0 {
		b, err := s.buffered()
		if err != nil {
			return err
		}
		b = b[:min(uint64(len(b)), n)]
		f(b)
		n -= uint64(len(b))
		s.pass(len(b))
	}
	done()
	return nil
}

func (w *cborWalker) decode(c *collector, e *Event) error {
	r := &reader{b: c.b, base: c.offset, depth: depthOf(e)}
	if c.section != nil {
		r.base = -1
	}
	return e.build(r, c.section)
}

func (w *cborWalker) end() error {
	if end, err := w.src.atEnd(); !end && err == nil {
		return w.src.fail("trailing bytes")
	} else {
		return err
	}
}
