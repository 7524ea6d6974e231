package mimi

import "github.com/vcon-transfer/vcon-transfer/codec"

// Append appends the content in core deterministic encoding (section 6.1).
// Extensions are appended as they are.
func (c *Content) Append(b []byte) []byte {
	b = codec.AppendHead(b, majorArray, contentFields)
	b = codec.AppendBytes(b, c.Salt[:])
	b = appendID(b, c.Replaces)
	b = codec.AppendBytes(b, c.TopicID)
	if c.Expires == nil {
		b = append(b, cborNull)
	} else {
		b = codec.AppendHead(b, majorArray, 2)
		if c.Expires.Relative {
			b = append(b, cborTrue)
		} else {
			b = append(b, cborFalse)
		}
		b = codec.AppendHead(b, majorUint, uint64(c.Expires.Time))
	}
	b = appendID(b, c.InReplyTo)
	if len(c.Extensions) == 0 {
		b = codec.AppendHead(b, majorMap, 0)
	} else {
		b = append(b, c.Extensions...)
	}
	return c.Body.append(b)
}

func (p *NestedPart) append(b []byte) []byte {
	b = codec.AppendHead(b, majorArray, uint64(p.Cardinality.fields()))
	b = codec.AppendHead(b, majorUint, uint64(p.Disposition))
	b = codec.AppendText(b, p.Language)
	b = codec.AppendHead(b, majorUint, uint64(p.Cardinality))
	switch p.Cardinality {
	case Single:
		b = codec.AppendText(b, p.ContentType)
		b = codec.AppendBytes(b, p.Content)
	case External:
		b = codec.AppendText(b, p.ContentType)
		b = p.External.append(b)
	case Multi:
		b = codec.AppendHead(b, majorUint, uint64(p.Semantics))
		b = codec.AppendHead(b, majorArray, uint64(len(p.Parts)))
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
	b = codec.AppendText(b, e.URL)
	b = codec.AppendHead(b, majorUint, uint64(e.Expires))
	b = codec.AppendHead(b, majorUint, e.Size)
	b = codec.AppendHead(b, majorUint, uint64(e.EncAlg))
	b = codec.AppendBytes(b, e.Key)
	b = codec.AppendBytes(b, e.Nonce)
	b = codec.AppendBytes(b, e.AAD)
	b = codec.AppendHead(b, majorUint, uint64(e.HashAlg))
	b = codec.AppendBytes(b, e.ContentHash)
	b = codec.AppendText(b, e.Description)
	return codec.AppendText(b, e.Filename)
}

func appendID(b []byte, id *MessageID) []byte {
	if id == nil {
		return append(b, cborNull)
	}
	return codec.AppendBytes(b, id[:])
}
