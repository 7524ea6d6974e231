package mimi

// Append appends the content in core deterministic encoding (section 6.1).
// Extensions are appended as they are.
func (c *Content) Append(b []byte) []byte {
	b = appendHead(b, majorArray, contentFields)
	b = appendBytes(b, c.Salt[:])
	b = appendID(b, c.Replaces)
	b = appendBytes(b, c.TopicID)
	if c.Expires == nil {
		b = append(b, cborNull)
	} else {
		b = appendHead(b, majorArray, 2)
		if c.Expires.Relative {
			b = append(b, cborTrue)
		} else {
			b = append(b, cborFalse)
		}
		b = appendHead(b, majorUint, uint64(c.Expires.Time))
	}
	b = appendID(b, c.InReplyTo)
	if len(c.Extensions) == 0 {
		b = appendHead(b, majorMap, 0)
	} else {
		b = append(b, c.Extensions...)
	}
	return c.Body.append(b)
}

func (p *NestedPart) append(b []byte) []byte {
	b = appendHead(b, majorArray, uint64(p.Cardinality.fields()))
	b = appendHead(b, majorUint, uint64(p.Disposition))
	b = appendText(b, p.Language)
	b = appendHead(b, majorUint, uint64(p.Cardinality))
	switch p.Cardinality {
	case Single:
		b = appendText(b, p.ContentType)
		b = appendBytes(b, p.Content)
	case External:
		b = appendText(b, p.ContentType)
		b = p.External.append(b)
	case Multi:
		b = appendHead(b, majorUint, uint64(p.Semantics))
		b = appendHead(b, majorArray, uint64(len(p.Parts)))
		for i := range p.Parts {
			b = p.Parts[i].append(b)
		}
	}
	return b
}

// fields is the length of the array of a part (section 4.4); 0 when unknown.
func (k Cardinality) fields() int {
	switch k {
	case Null:
		return 3
	case Single, Multi:
		return 5
	case External:
		return 15
	}
	return 0
}

func (e *ExternalPart) append(b []byte) []byte {
	b = appendText(b, e.URL)
	b = appendHead(b, majorUint, uint64(e.Expires))
	b = appendHead(b, majorUint, e.Size)
	b = appendHead(b, majorUint, uint64(e.EncAlg))
	b = appendBytes(b, e.Key)
	b = appendBytes(b, e.Nonce)
	b = appendBytes(b, e.AAD)
	b = appendHead(b, majorUint, uint64(e.HashAlg))
	b = appendBytes(b, e.ContentHash)
	b = appendText(b, e.Description)
	return appendText(b, e.Filename)
}

func appendID(b []byte, id *MessageID) []byte {
	if id == nil {
		return append(b, cborNull)
	}
	return appendBytes(b, id[:])
}

func appendBytes(b, s []byte) []byte {
	return append(appendHead(b, majorBytes, uint64(len(s))), s...)
}

func appendText(b []byte, s string) []byte {
	return append(appendHead(b, majorText, uint64(len(s))), s...)
}

// appendHead appends the shortest head of an item.
func appendHead(b []byte, major byte, arg uint64) []byte {
	m := major << 5
	switch {
	case arg < 24:
		return append(b, m|byte(arg))
	case arg <= 0xff:
		return append(b, m|24, byte(arg))
	case arg <= 0xffff:
		return append(b, m|25, byte(arg>>8), byte(arg))
	case arg <= 0xffffffff:
		return append(b, m|26, byte(arg>>24), byte(arg>>16), byte(arg>>8), byte(arg))
	}
	return append(b, m|27, byte(arg>>56), byte(arg>>48), byte(arg>>40), byte(arg>>32),
		byte(arg>>24), byte(arg>>16), byte(arg>>8), byte(arg))
}
