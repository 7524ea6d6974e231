package mimi

import (
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

// KeepParameter is the extension parameter of a dialog object that keeps the
// bytes of a message whose encoding was not deterministic, as base64url text:
// without them its id could not be computed again.
const KeepParameter = "mimi_content"

// An Envelope is what MLS and the MIMI protocol say of a message, beside its
// content (vcon-mimi-messages, section 2).
type Envelope struct {
	SenderURI   string
	RoomURI     string
	Originator  uint32     // the sender's index in parties
	Parties     []uint32   // recipients; nil is the room, [0]
	Start       codec.Date // the hub's accepted timestamp
	FrankingTag []byte
	Frank       []byte
}

// ErrURI says that a sender or room URI is missing or longer than MaxURI.
var ErrURI = errors.New("make dialog: sender or room uri missing or too long")

// Dialog makes the text dialog of a message, with its -08 message id. ContentOf
// makes the same bytes of it again.
func (c *Content) Dialog(env Envelope) (*codec.Dialog, error) {
	d, _, err := c.DialogID(env)
	return d, err
}

// DialogID is Dialog for who needs the message id too, to refer to it.
func (c *Content) DialogID(env Envelope) (*codec.Dialog, MessageID, error) {
	for _, uri := range []string{env.SenderURI, env.RoomURI} {
		if uri == "" || len(uri) > MaxURI {
			return nil, MessageID{}, ErrURI
		}
	}
	bytes := c.Bytes()
	id := MessageIDv8(env.SenderURI, env.RoomURI, bytes, c.Salt)
	originator := env.Originator
	d := &codec.Dialog{
		Type:        "text",
		Start:       env.Start,
		Duration:    new(uint64),
		Parties:     env.Parties,
		Originator:  &originator,
		MessageID:   codec.BinaryOf(id[:]),
		Salt:        codec.BinaryOf(c.Salt[:]),
		Replaces:    binaryOfID(c.Replaces),
		InReplyTo:   binaryOfID(c.InReplyTo),
		TopicID:     codec.BinaryOf(c.TopicID),
		FrankingTag: codec.BinaryOf(env.FrankingTag),
		Frank:       codec.BinaryOf(env.Frank),
		Language:    c.Body.Language,
		Disposition: dispositionText(c.Body.Disposition),
	}
	if d.Parties == nil {
		d.Parties = []uint32{0}
	}
	if c.Expires != nil {
		d.Expires = &codec.Expires{Relative: c.Expires.Relative}
		if c.Expires.Relative {
			d.Expires.RelativeTime = uint64(c.Expires.Time)
		} else {
			d.Expires.AbsoluteTime = dateOfSeconds(c.Expires.Time)
		}
	}
	if len(c.Extensions) > 1 { // an empty map is left out
		d.Extensions = codec.BinaryOf(c.Extensions)
	}
	switch c.Body.Cardinality {
	case Single:
		d.MediaType = c.Body.ContentType
		d.Encoding, d.Body = bodyOf(c.Body.ContentType, c.Body.Content)
	case External:
		d.ExternalPart = externalOf(&c.Body)
	case Multi:
		index := uint64(0)
		d.MultiPart = multiOf(&c.Body, &index)
	}
	if !c.Deterministic() {
		d.Extra = codec.Fields{KeepParameter: codec.AppendText(nil, codec.BinaryOf(bytes))}
	}
	return d, id, nil
}

// bodyOf writes content as text when its type is text and it is valid UTF-8,
// else as base64url; both turn back into the same bytes.
func bodyOf(contentType string, content []byte) (string, codec.Body) {
	if isText(contentType) && utf8.Valid(content) {
		return codec.EncodingNone, codec.Body{Kind: codec.BodyText, Data: content}
	}
	return codec.EncodingBase64URL, codec.Body{Kind: codec.BodyBytes, Data: content}
}

func isText(contentType string) bool {
	return len(contentType) >= 5 && strings.EqualFold(contentType[:5], "text/")
}

func dispositionText(d Disposition) string {
	if d == Render {
		return ""
	}
	return d.String()
}

func externalOf(p *NestedPart) *codec.ExternalPart {
	e := p.External
	x := &codec.ExternalPart{
		MediaType:   p.ContentType,
		URL:         e.URL,
		Description: e.Description,
		Filename:    e.Filename,
		Key:         codec.BinaryOf(e.Key),
		Nonce:       codec.BinaryOf(e.Nonce),
		AAD:         codec.BinaryOf(e.AAD),
	}
	if e.Expires != 0 {
		x.Expires = dateOfSeconds(e.Expires)
	}
	if e.Size != 0 {
		size := e.Size
		x.Size = &size
	}
	if e.EncAlg != 0 {
		alg := uint64(e.EncAlg)
		x.EncAlg = &alg
	}
	if e.HashAlg != 0 || len(e.ContentHash) > 0 {
		x.ContentHash = hashText(e.HashAlg, e.ContentHash)
	}
	return x
}

// multiOf makes a multi_part; index is the part index of p, counted depth first
// (section 4.4).
func multiOf(p *NestedPart, index *uint64) *codec.MultiPart {
	m := &codec.MultiPart{PartSemantics: p.Semantics.String(), Parts: make([]codec.Part, len(p.Parts))}
	for i := range p.Parts {
		q := &p.Parts[i]
		*index++
		n := *index
		part := codec.Part{
			Disposition: dispositionText(q.Disposition),
			Language:    q.Language,
			PartIndex:   &n,
			Cardinality: q.Cardinality.String(),
		}
		switch q.Cardinality {
		case Single:
			part.MediaType = q.ContentType
			part.Encoding, part.Body = bodyOf(q.ContentType, q.Content)
		case External:
			part.ExternalPart = externalOf(q)
		case Multi:
			part.MultiPart = multiOf(q, index)
		}
		m.Parts[i] = part
	}
	return m
}

func binaryOfID(id *MessageID) codec.Binary {
	if id == nil {
		return ""
	}
	return codec.BinaryOf(id[:])
}

// dateOfSeconds and secondsOf carry the 32-bit times of section 4 as dates.
func dateOfSeconds(s uint32) codec.Date {
	return codec.Date(time.Unix(int64(s), 0).UTC().Format("2006-01-02T15:04:05Z"))
}

func secondsOf(d codec.Date) (uint32, bool) {
	t, ok := d.Instant()
	if !ok || t.Nanosecond() != 0 || t.Unix() < 0 || t.Unix() > 1<<32-1 {
		return 0, false
	}
	return uint32(t.Unix()), true
}

// DateOf is the date of a hub's accepted timestamp in milliseconds since 1970
// (section 3.4). Years beyond 9999 have no date: the result is then empty.
func DateOf(ms int64) codec.Date {
	t := time.UnixMilli(ms).UTC()
	if t.Year() < 0 || t.Year() > 9999 {
		return ""
	}
	return codec.Date(t.Format("2006-01-02T15:04:05.000Z"))
}
