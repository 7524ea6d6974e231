package codec

import "math"

func (r *reader) text() (s []byte, ok bool, err error) {
	c, err := r.peek()
	if err != nil || c>>5 != majorText {
		return nil, false, err
	}
	h, err := r.head()
	if err != nil {
		return nil, false, err
	}
	s, err = r.stringBody(h)
	return s, err == nil, err
}

// tagged reads a string of the major type with the tag, or a text without it.
func (r *reader) tagged(tag byte, major byte) (s []byte, ok bool, err error) {
	c, err := r.peek()
	if err != nil {
		return nil, false, err
	}
	if c != majorTag<<5|tag {
		return r.text()
	}
	r.off++
	if c, err = r.peek(); err != nil || c>>5 != major {
		return nil, false, err
	}
	h, err := r.head()
	if err != nil {
		return nil, false, err
	}
	s, err = r.stringBody(h)
	return s, err == nil, err
}

func (r *reader) binary(p *Binary) (bool, error) {
	c, err := r.peek()
	if err != nil {
		return false, err
	}
	s, ok, err := r.tagged(tagBase64URL, majorBytes)
	if !ok || err != nil || len(s) == 0 {
		return false, err
	}
	if c>>5 == majorTag {
		*p = BinaryOf(s)
	} else {
		*p = Binary(s)
	}
	return true, nil
}

func (r *reader) body(p *Body) (bool, error) {
	c, err := r.peek()
	if err != nil {
		return false, err
	}
	s, ok, err := r.tagged(tagBase64URL, majorBytes)
	if !ok || err != nil {
		return false, err
	}
	*p = Body{Kind: BodyText, Data: append([]byte{}, s...)}
	if c>>5 == majorTag {
		p.Kind = BodyBytes
	}
	return true, nil
}

// settle brings a body that was read before its encoding into its final form.
func (b *Body) settle(encoding string, extra *Fields) {
	switch {
	case b.Kind == BodyText && encoding == EncodingBase64URL:
		if data, ok := Binary(b.Data).Bytes(); ok {
			*b = Body{Kind: BodyBytes, Data: data}
		}
	case b.Kind == BodyBytes && encoding != EncodingBase64URL:
		set(extra, "body", AppendBytes(Raw{0xd5}, b.Data))
		*b = Body{}
	}
}

func (r *reader) boolean() (b, ok bool, err error) {
	c, err := r.peek()
	if err != nil || c != simpleTrue && c != simpleFalse {
		return false, false, err
	}
	r.off++
	return c == simpleTrue, true, nil
}

func (r *reader) uint(largest uint64) (n uint64, ok bool, err error) {
	c, err := r.peek()
	if err != nil || c>>5 != majorUint {
		return 0, false, err
	}
	h, err := r.head()
	return h.arg, err == nil && h.arg <= largest, err
}

// array reads the head of an array and calls element for each element, until it
// returns false, with the declared number of elements or 1.
func (r *reader) array(limit int, element func(n uint64) (bool, error)) (ok bool, err error) {
	c, err := r.peek()
	if err != nil || c>>5 != majorArray {
		return false, err
	}
	h, err := r.head()
	if err != nil {
		return false, err
	}
	if err := r.enter(); err != nil {
		return false, err
	}
	defer r.leave()
	declared := h.arg
	if h.indefinite {
		declared = 1
	}
	for i := 0; ; i++ {
		more, err := r.next(h, i)
		if err != nil {
			return false, inIndex(err, i)
		}
		if !more {
			return i > 0, nil
		}
		if i == limit {
			return false, inIndex(r.fail("too many elements"), i)
		}
		if ok, err := element(declared); !ok || err != nil {
			return false, inIndex(err, i)
		}
	}
}

func (r *reader) indexes(p *[]uint32) (bool, error) {
	ok, err := r.array(MaxDialogParties, func(uint64) (bool, error) {
		n, ok, err := r.uint(math.MaxUint32)
		*p = append(*p, uint32(n))
		return ok, err
	})
	if !ok {
		*p = nil
	}
	return ok, err
}

func (r *reader) strings(p *[]string) (bool, error) {
	ok, err := r.array(MaxStrings, func(uint64) (bool, error) {
		s, ok, err := r.text()
		*p = append(*p, string(s))
		return ok && len(s) > 0, err
	})
	if !ok {
		*p = nil
	}
	return ok, err
}
