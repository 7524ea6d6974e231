package mimi

import "math"

// ParseContent reads one MIMI content message, which must fill b. It holds b to
// the data model of section 6 and to the limits of this package; an encoding
// that is well-formed but not deterministic is accepted and reported by
// Deterministic. The content keeps slices of b. Errors are of type *ParseError.
func ParseContent(b []byte) (*Content, error) {
	if len(b) > MaxContentBytes {
		return nil, &ParseError{0, "content exceeds the limit of bytes"}
	}
	r := &reader{b: b}
	c, err := r.content()
	if err != nil {
		return nil, err
	}
	if r.left() > 0 {
		return nil, r.fail("bytes after the content")
	}
	if r.loose {
		c.raw = b
	}
	return c, nil
}

const contentFields = 7

func (r *reader) content() (*Content, error) {
	n, err := r.array()
	if err != nil {
		return nil, err
	}
	if n >= 0 && n != contentFields {
		return nil, r.fail("array of the wrong length")
	}
	c := &Content{}
	at := r.off
	salt, err := r.bytes()
	if err != nil {
		return nil, err
	}
	if len(salt) != SaltSize {
		return nil, &ParseError{at, "salt of the wrong length"}
	}
	copy(c.Salt[:], salt)
	if c.Replaces, err = r.messageID(); err != nil {
		return nil, err
	}
	at = r.off
	if c.TopicID, err = r.bytes(); err != nil {
		return nil, err
	}
	if len(c.TopicID) > MaxTopicID {
		return nil, &ParseError{at, "topic id exceeds the limit of bytes"}
	}
	if c.Expires, err = r.expiration(); err != nil {
		return nil, err
	}
	if c.InReplyTo, err = r.messageID(); err != nil {
		return nil, err
	}
	if c.Extensions, err = r.extensions(); err != nil {
		return nil, err
	}
	parts := 0
	if err = r.part(&c.Body, 1, &parts); err != nil {
		return nil, err
	}
	return c, r.close(n, contentFields)
}

func (r *reader) messageID() (*MessageID, error) {
	if r.null() {
		return nil, nil
	}
	at := r.off
	b, err := r.bytes()
	if err != nil {
		return nil, err
	}
	if len(b) != len(MessageID{}) {
		return nil, &ParseError{at, "message id of the wrong length"}
	}
	id := MessageID(b)
	return &id, nil
}

func (r *reader) expiration() (*Expiration, error) {
	if r.null() {
		return nil, nil
	}
	n, err := r.array()
	if err != nil {
		return nil, err
	}
	e := &Expiration{}
	switch c, _ := r.peek(); c {
	case cborTrue:
		e.Relative = true
	case cborFalse:
	default:
		return nil, r.fail("want true or false")
	}
	r.off++
	t, err := r.uint(math.MaxUint32)
	if err != nil {
		return nil, err
	}
	e.Time = uint32(t)
	return e, r.close(n, 2)
}

func (r *reader) part(p *NestedPart, depth int, parts *int) error {
	if depth > MaxPartDepth {
		return r.fail("parts nested too deeply")
	}
	if *parts++; *parts > MaxParts {
		return r.fail("too many parts")
	}
	n, err := r.array()
	if err != nil {
		return err
	}
	d, err := r.uint(math.MaxUint8)
	if err != nil {
		return err
	}
	p.Disposition = Disposition(d)
	if p.Language, err = r.text(); err != nil {
		return err
	}
	at := r.off
	k, err := r.uint(math.MaxUint8)
	if err != nil {
		return err
	}
	switch p.Cardinality = Cardinality(k); p.Cardinality {
	case Null:
	case Single:
		if p.ContentType, err = r.text(); err != nil {
			return err
		}
		if p.Content, err = r.bytes(); err != nil {
			return err
		}
	case External:
		if err = r.external(p); err != nil {
			return err
		}
	case Multi:
		if err = r.multi(p, depth, parts); err != nil {
			return err
		}
	default:
		return &ParseError{at, "unknown cardinality"}
	}
	return r.close(n, p.Cardinality.fields())
}

func (r *reader) external(p *NestedPart) error {
	e := &ExternalPart{}
	p.External = e
	var err error
	text := func(s *string) {
		if err == nil {
			*s, err = r.text()
		}
	}
	bytes := func(s *[]byte) {
		if err == nil {
			*s, err = r.bytes()
		}
	}
	uint := func(limit uint64) (v uint64) {
		if err == nil {
			v, err = r.uint(limit)
		}
		return v
	}
	text(&p.ContentType)
	text(&e.URL)
	e.Expires = uint32(uint(math.MaxUint32))
	e.Size = uint(math.MaxUint64)
	e.EncAlg = uint16(uint(math.MaxUint16))
	bytes(&e.Key)
	bytes(&e.Nonce)
	bytes(&e.AAD)
	e.HashAlg = uint8(uint(math.MaxUint8))
	bytes(&e.ContentHash)
	text(&e.Description)
	text(&e.Filename)
	return err
}

func (r *reader) multi(p *NestedPart, depth int, parts *int) error {
	s, err := r.uint(uint64(ProcessAll))
	if err != nil {
		return err
	}
	p.Semantics = PartSemantics(s)
	at := r.off
	n, err := r.array()
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		more, err := r.more(i, n)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		p.Parts = append(p.Parts, NestedPart{})
		if err = r.part(&p.Parts[i], depth+1, parts); err != nil {
			return err
		}
	}
	if len(p.Parts) < 2 {
		return &ParseError{at, "fewer than two parts"}
	}
	return nil
}
