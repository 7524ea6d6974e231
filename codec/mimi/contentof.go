package mimi

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

// A MissingError names the parameters without which a dialog does not turn back
// into a MIMI message. The draft lets exporters drop some.
type MissingError struct {
	Missing []string
}

func (e *MissingError) Error() string {
	return "make mimi content: missing or unusable: " + strings.Join(e.Missing, ", ")
}

// ContentOf makes the MIMI message of a text dialog: the very message when the
// exporter kept all parameters, which Verify tells. The error is a
// *MissingError when a parameter is absent or not of its form.
func ContentOf(d *codec.Dialog) (*Content, error) {
	c, missing := contentOf(d)
	if len(missing) > 0 {
		return nil, &MissingError{missing}
	}
	return c, nil
}

// A builder collects what lacks while a content is made.
type builder struct {
	missing []string
}

func (b *builder) lack(name string) {
	if !slices.Contains(b.missing, name) {
		b.missing = append(b.missing, name)
	}
}

func contentOf(d *codec.Dialog) (*Content, []string) {
	b := &builder{}
	c := &Content{}
	if d.Type != "text" {
		b.lack("type")
		return nil, b.missing
	}
	b.known(d.Extra, "", "salt", "replaces", "in_reply_to", "topic_id", "expires",
		"mimi_extensions", "disposition", "language", "mediatype", "external_part", "multi_part")
	if salt := b.bytes("salt", d.Salt); len(salt) == SaltSize {
		copy(c.Salt[:], salt)
	} else {
		b.lack("salt")
	}
	c.Replaces = b.id("replaces", d.Replaces)
	c.InReplyTo = b.id("in_reply_to", d.InReplyTo)
	if c.TopicID = b.bytes("topic_id", d.TopicID); len(c.TopicID) > MaxTopicID {
		b.lack("topic_id")
	}
	c.Expires = b.expires(d.Expires)
	c.Extensions = b.extensions(d.Extensions)
	budget := MaxParts
	c.Body = b.part(&partOf{
		name: "", disposition: d.Disposition, language: d.Language, mediaType: d.MediaType, encoding: d.Encoding,
		body: d.Body, external: d.ExternalPart, multi: d.MultiPart, extra: d.Extra,
	}, 1, &budget)
	if kept, ok := d.Extra[KeepParameter]; ok && len(b.missing) == 0 {
		c = b.kept(kept, c)
	}
	return c, b.missing
}

// kept returns the content that KeepParameter holds, if it says the same as the
// parameters that people see.
func (b *builder) kept(item codec.Raw, shown *Content) *Content {
	r := &reader{b: item}
	text, err := r.text()
	if err == nil {
		if raw, ok := codec.Binary(text).Bytes(); ok {
			if c, err := ParseContent(raw); err == nil && bytes.Equal(c.Append(nil), shown.Append(nil)) {
				return c
			}
		}
	}
	b.lack(KeepParameter)
	return shown
}

// known reports parameters that are present in a form that is not theirs.
func (b *builder) known(extra codec.Fields, prefix string, names ...string) {
	if len(extra) == 0 {
		return
	}
	for _, name := range names {
		if v, ok := extra[name]; ok && !blank(v) {
			b.lack(prefix + name)
		}
	}
}

// blank reports whether a value says no more than its absence: null, an empty
// text or bytes (also with tag 21), 0 or false.
func blank(v codec.Raw) bool {
	if len(v) == 2 && v[0] == 0xd5 {
		v = v[1:]
	}
	return len(v) == 1 && (v[0] == cborNull || v[0] == 0x60 || v[0] == 0x40 || v[0] == 0 || v[0] == cborFalse)
}

func (b *builder) bytes(name string, v codec.Binary) []byte {
	s, ok := v.Bytes()
	if !ok {
		b.lack(name)
		return nil
	}
	return s
}

func (b *builder) id(name string, v codec.Binary) *MessageID {
	if v == "" {
		return nil
	}
	s := b.bytes(name, v)
	if len(s) != len(MessageID{}) {
		b.lack(name)
		return nil
	}
	id := MessageID(s)
	return &id
}

func (b *builder) expires(e *codec.Expires) *Expiration {
	if e == nil {
		return nil
	}
	if e.Relative {
		if e.RelativeTime > 1<<32-1 || e.AbsoluteTime != "" {
			b.lack("expires")
		}
		return &Expiration{Relative: true, Time: uint32(e.RelativeTime)}
	}
	s, ok := secondsOf(e.AbsoluteTime)
	if !ok {
		b.lack("expires")
	}
	return &Expiration{Time: s}
}

// extensions takes the map as it is: an exporter copies the message's bytes.
func (b *builder) extensions(v codec.Binary) RawMap {
	m := b.bytes("mimi_extensions", v)
	if len(m) == 0 || len(m) == 1 && m[0] == cborNull {
		return nil
	}
	r := &reader{b: m}
	if _, err := r.extensions(); err != nil || r.left() > 0 {
		b.lack("mimi_extensions")
	}
	return m
}

// A partOf is what a dialog object and a part object have in common.
type partOf struct {
	name                                       string // prefix of its parameters' names
	disposition, language, mediaType, encoding string
	body                                       codec.Body
	external                                   *codec.ExternalPart
	multi                                      *codec.MultiPart
	extra                                      codec.Fields
}

func (b *builder) part(p *partOf, depth int, budget *int) NestedPart {
	out := NestedPart{Language: p.language}
	if *budget--; *budget < 0 || depth > MaxPartDepth {
		b.lack("multi_part")
		return out
	}
	var ok bool
	if out.Disposition, ok = dispositionOf(p.disposition); !ok {
		b.lack(p.name + "disposition")
	}
	switch {
	case p.external != nil:
		out.Cardinality = External
		out.ContentType = p.external.MediaType
		out.External = b.external(p.name+"external_part.", p.external)
	case p.multi != nil:
		out.Cardinality = Multi
		if out.Semantics, ok = semanticsOf(p.multi.PartSemantics); !ok {
			b.lack(p.name + "multi_part.part_semantics")
		}
		if len(p.multi.Parts) > *budget {
			b.lack("multi_part")
			return out
		}
		out.Parts = make([]NestedPart, len(p.multi.Parts))
		for i := range p.multi.Parts {
			q := &p.multi.Parts[i]
			b.known(q.Extra, "part.", "disposition", "language", "mediatype", "external_part", "multi_part")
			out.Parts[i] = b.part(&partOf{
				name: "part.", disposition: q.Disposition, language: q.Language, mediaType: q.MediaType, encoding: q.Encoding,
				body: q.Body, external: q.ExternalPart, multi: q.MultiPart, extra: q.Extra,
			}, depth+1, budget)
		}
	default:
		content, present, ok := bytesOf(p.body, p.encoding, p.extra)
		if !ok || !present && (p.mediaType != "" || p.encoding != "") {
			b.lack(p.name + "body")
		}
		if present {
			out.Cardinality = Single
			out.ContentType = p.mediaType
			out.Content = content
		}
	}
	return out
}

// bytesOf returns the content of a body; present is false for a NullPart.
func bytesOf(body codec.Body, encoding string, extra codec.Fields) (content []byte, present, ok bool) {
	switch body.Kind {
	case codec.BodyAbsent:
		v, has := extra["body"]
		if !has || len(v) == 1 && v[0] == cborNull {
			return nil, false, true
		}
		return nil, true, blank(v)
	case codec.BodyBytes:
		return body.Data, true, true
	}
	switch encoding {
	case codec.EncodingNone, "":
		return body.Data, true, true
	case codec.EncodingBase64URL:
		content, ok = lenient64(string(body.Data))
		return content, true, ok
	}
	return nil, true, false
}

// lenient64 decodes base64 in any of its alphabets, with or without padding and
// line breaks, as exporters write it; the id tells whether it was right.
func lenient64(s string) ([]byte, bool) {
	s = strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(strings.TrimSpace(s), "="))
	b, err := base64.RawURLEncoding.DecodeString(s)
	return b, err == nil
}

func (b *builder) external(name string, x *codec.ExternalPart) *ExternalPart {
	b.known(x.Extra, name, "mediatype", "url", "expires", "size", "description", "filename",
		"content_hash", "enc_alg", "key", "nonce", "aad")
	e := &ExternalPart{
		URL:         x.URL,
		Description: x.Description,
		Filename:    x.Filename,
		Key:         b.bytes(name+"key", x.Key),
		Nonce:       b.bytes(name+"nonce", x.Nonce),
		AAD:         b.bytes(name+"aad", x.AAD),
	}
	ok := true
	if x.Expires != "" {
		if e.Expires, ok = secondsOf(x.Expires); !ok {
			b.lack(name + "expires")
		}
	}
	if x.Size != nil {
		e.Size = *x.Size
	}
	if x.EncAlg != nil {
		if e.EncAlg = uint16(*x.EncAlg); *x.EncAlg > 1<<16-1 {
			b.lack(name + "enc_alg")
		}
	}
	if x.ContentHash != "" {
		if e.HashAlg, e.ContentHash, ok = hashOf(x.ContentHash); !ok {
			b.lack(name + "content_hash")
		}
	}
	return e
}
