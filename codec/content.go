package codec

import (
	"encoding/base64"
	"strings"
)

// BytesOfBody is the content that a body stands for under its encoding: the
// bytes of base64url text, else the text itself. Text that is base64url but not
// canonical (padding, line breaks, the characters of base64) is decoded too.
func BytesOfBody(b Body, encoding string) ([]byte, error) {
	if b.Kind != BodyText || encoding != EncodingBase64URL {
		return b.Data, nil
	}
	out, err := base64.RawURLEncoding.DecodeString(plainBase64(string(b.Data)))
	if err != nil {
		return nil, &Error{Pointer: "/body", Offset: -1, Reason: "body is not base64url"}
	}
	return out, nil
}

// plainBase64 turns the common variants of base64 into base64url without padding.
func plainBase64(s string) string {
	return strings.TrimRight(strings.Map(func(c rune) rune {
		switch c {
		case '+':
			return '-'
		case '/':
			return '_'
		case ' ', '\t', '\r', '\n':
			return -1
		}
		return c
	}, s), "=")
}

// Content is the content of d's body: see BytesOfBody. A body that is not a
// text (encoding "json", or none given) is its JSON text. Without a body it is
// nil.
func (d *Dialog) Content() ([]byte, error) { return content(d.Body, d.Encoding, d.Extra) }

// Content is the content of a's body, as Dialog.Content.
func (a *Attachment) Content() ([]byte, error) { return content(a.Body, a.Encoding, a.Extra) }

// Content is the content of p's body, as Dialog.Content.
func (p *Part) Content() ([]byte, error) { return content(p.Body, p.Encoding, p.Extra) }

func content(b Body, encoding string, extra Fields) ([]byte, error) {
	if b.Kind != BodyAbsent {
		return BytesOfBody(b, encoding)
	}
	raw, ok := extra["body"]
	if !ok || len(raw) == 1 && raw[0] == simpleNull {
		return nil, nil
	}
	out, err := raw.AppendJSON(nil)
	if err != nil {
		return nil, inName(err, "body")
	}
	return out, nil
}
