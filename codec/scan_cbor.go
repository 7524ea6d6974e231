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
