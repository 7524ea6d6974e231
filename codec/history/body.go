package history

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

// A bodyWriter writes one attachment, with a body of any size.
type bodyWriter struct {
	w      io.Writer
	format codec.Format
}

// plain writes an attachment as it is.
func (b *bodyWriter) plain(a *codec.Attachment) error {
	raw, err := b.encode(a)
	if err != nil {
		return err
	}
	_, err = b.w.Write(raw)
	return err
}

func (b *bodyWriter) encode(a *codec.Attachment) ([]byte, error) {
	if b.format == codec.FormatJSON {
		return codec.AppendAttachmentJSON(nil, a)
	}
	return codec.AppendAttachmentCBOR(nil, a)
}

// inline writes an attachment with a content of size bytes as its body. Content
// that the attachment's encoding has as text is text only if it is UTF-8, which
// reading it once tells; anything else becomes base64url.
func (b *bodyWriter) inline(a *codec.Attachment, size uint64, open func() (io.ReadCloser, error)) error {
	c := *a
	if c.Encoding != codec.EncodingBase64URL {
		text, err := isText(open)
		if err != nil {
			return err
		}
		if !text {
			c.Encoding = codec.EncodingBase64URL
		}
	}
	content, err := open()
	if err != nil {
		return err
	}
	return errors.Join(b.frame(&c, size, content), content.Close())
}

// frame encodes the attachment with a body of random bytes, which occur nowhere
// else in it, and writes the content in their place.
func (b *bodyWriter) frame(a *codec.Attachment, size uint64, content io.Reader) error {
	text := a.Encoding != codec.EncodingBase64URL
	mark := []byte(rand.Text() + rand.Text())
	a.Body = codec.Body{Kind: codec.BodyBytes, Data: mark}
	var in []byte // how the mark is encoded
	switch json := b.format == codec.FormatJSON; {
	case text && json:
		a.Body.Kind, in = codec.BodyText, mark
	case text:
		a.Body.Kind, in = codec.BodyText, codec.AppendText(nil, mark)
	case json:
		in = []byte(base64.RawURLEncoding.EncodeToString(mark))
	default:
		in = codec.AppendBytes(nil, mark)
	}
	raw, err := b.encode(a)
	if err != nil {
		return err
	}
	before, after, ok := bytes.Cut(raw, in)
	if !ok {
		return errors.New("body has no place")
	}
	if _, err := b.w.Write(before); err != nil {
		return err
	}
	exact := &sizedReader{r: content, left: size}
	switch json := b.format == codec.FormatJSON; {
	case json && text:
		err = copyEscaped(b.w, exact)
	case json:
		enc := base64.NewEncoder(base64.RawURLEncoding, b.w)
		if _, err = io.Copy(enc, exact); err == nil {
			err = enc.Close()
		}
	default:
		head := codec.AppendHead(nil, in[0]>>5, size)
		if _, err = b.w.Write(head); err == nil {
			_, err = io.Copy(b.w, exact)
		}
	}
	if err != nil {
		return err
	}
	_, err = b.w.Write(after)
	return err
}

// A sizedReader makes content of another length than was said an error.
type sizedReader struct {
	r    io.Reader
	left uint64
}

func (s *sizedReader) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if uint64(n) > s.left || err == io.EOF && uint64(n) < s.left {
		return 0, fmt.Errorf("content of an attachment: %w", ErrChanged)
	}
	s.left -= uint64(n)
	return n, err
}

// isText tells whether content is UTF-8.
func isText(open func() (io.ReadCloser, error)) (bool, error) {
	r, err := open()
	if err != nil {
		return false, err
	}
	defer r.Close()
	buf := make([]byte, copyBuffer)
	held := 0
	for {
		n, err := r.Read(buf[held:])
		whole := held + n
		for i := 1; err == nil && i < utf8.UTFMax && i <= held+n; i++ {
			if at := held + n - i; utf8.RuneStart(buf[at]) {
				if !utf8.FullRune(buf[at : held+n]) {
					whole = at
				}
				break
			}
		}
		if !utf8.Valid(buf[:whole]) {
			return false, nil
		}
		held = copy(buf, buf[whole:held+n])
		if err == io.EOF {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
}

// copyEscaped copies UTF-8 as the inside of a JSON string.
func copyEscaped(w io.Writer, r io.Reader) error {
	in := make([]byte, copyBuffer)
	var out []byte
	for {
		n, err := r.Read(in)
		out = out[:0]
		for _, c := range in[:n] {
			switch {
			case c == '"' || c == '\\':
				out = append(out, '\\', c)
			case c < ' ':
				out = fmt.Appendf(out, `\u%04x`, c)
			default:
				out = append(out, c)
			}
		}
		if _, err := w.Write(out); err != nil {
			return err
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
