package convert

import (
	"bytes"
	"errors"
	"fmt"
	stdhtml "html"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"strconv"
	"strings"

	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// A mailBody is what the parts of a mail become.
type mailBody struct {
	run    *run
	open   func() (io.ReadCloser, error) // the mail, from its header on
	texts  []*mailTexts
	held   int // bytes of texts
	files  []file
	parts  int
	broken bool // it breaks the rules of MIME, or a limit: not all of it was read
}

// A mailTexts is one text of a mail, in one form or in two.
type mailTexts struct {
	plain, html       strings.Builder
	hasPlain, hasHTML bool
}

// readBody reads the body that follows a header.
func (r *run) readBody(h mailHeader, body io.Reader, open func() (io.ReadCloser, error)) (*mailBody, error) {
	b := &mailBody{run: r, open: open}
	if err := b.part(h, body, nil, nil); err != nil {
		return nil, err
	}
	return b, nil
}

// part reads one part: path are its indexes in the parts around it, both the text
// that it is a form of, if any.
func (b *mailBody) part(h mailHeader, body io.Reader, path []int, both *mailTexts) error {
	if b.parts++; b.parts > MaxMailParts || len(path) > MaxMailDepth {
		b.broken = true
		return nil
	}
	mediaType, params := contentType(h)
	if strings.HasPrefix(mediaType, "multipart/") && params["boundary"] != "" {
		return b.multipart(mediaType, params["boundary"], body, path, both)
	}
	in := decodedPart(h, body)
	disposition, name := dispositionOf(h, params)
	isText := mediaType == "text/plain" || mediaType == "text/html"
	if isText && disposition != "attachment" && name == "" && b.held < MaxMessageText {
		text, err := io.ReadAll(io.LimitReader(in, int64(MaxMessageText-b.held)+1))
		if err = b.survive(err); err != nil {
			return err
		}
		if b.held+len(text) <= MaxMessageText {
			b.held += len(text)
			b.text(mediaType, params, text, both)
			return nil
		}
		in = io.MultiReader(bytes.NewReader(text), in)
		b.run.report.mend(TextAsFile)
	}
	size, err := io.Copy(io.Discard, in)
	if err = b.survive(err); err != nil {
		return err
	}
	if size == 0 && (isText || len(path) == 0) && name == "" {
		return nil // an empty body
	}
	b.file(h, mediaType, params, path, disposition, name, size)
	return nil
}

// survive takes an error of a part as the end of it, unless it is one of reading
// the export.
func (b *mailBody) survive(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*exportError](err); ok {
		return err
	}
	b.broken = true
	return nil
}

// An exportError is an error of reading the file, which is none of the mail in it.
type exportError struct{ err error }

func (e *exportError) Error() string { return "read export: " + e.err.Error() }
func (e *exportError) Unwrap() error { return e.err }

// An exportReader marks the errors of a file.
type exportReader struct{ in io.Reader }

func (r exportReader) Read(p []byte) (int, error) {
	n, err := r.in.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = &exportError{err}
	}
	return n, err
}

func (b *mailBody) multipart(mediaType, boundary string, body io.Reader, path []int, both *mailTexts) error {
	m := multipart.NewReader(body, boundary)
	alternative := mediaType == "multipart/alternative" && both == nil
	if alternative {
		both = &mailTexts{}
	}
	for i := 0; ; i++ {
		p, err := m.NextRawPart()
		if errors.Is(err, io.EOF) && i > 0 {
			break
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				b.broken = true // not even one part
				break
			}
			if err := b.survive(err); err != nil {
				return err
			}
			break
		}
		h := headerOf(p.Header)
		if mediaType == "multipart/digest" && h.get("content-type") == "" {
			h["content-type"] = []string{"message/rfc822"}
		}
		if err := b.part(h, p, append(path[:len(path):len(path)], i), both); err != nil {
			return err
		}
		if b.parts > MaxMailParts {
			break
		}
	}
	if alternative && (both.hasPlain || both.hasHTML) {
		b.texts = append(b.texts, both)
	}
	return nil
}

// text takes a text, as a form of both or as one of its own.
func (b *mailBody) text(mediaType string, params map[string]string, raw []byte, both *mailTexts) {
	s := b.run.mailText(raw, params["charset"])
	if strings.EqualFold(params["format"], "flowed") && mediaType == "text/plain" {
		s = unflow(s, strings.EqualFold(params["delsp"], "yes"))
	}
	if strings.TrimSpace(s) == "" {
		return
	}
	t := both
	if t == nil {
		t = &mailTexts{}
		b.texts = append(b.texts, t)
	}
	if mediaType == "text/html" {
		t.html.WriteString(s)
		t.hasHTML = true
		return
	}
	if t.hasPlain {
		t.plain.WriteByte('\n')
	}
	t.plain.WriteString(s)
	t.hasPlain = true
}

// message is the text of the mail: its plain form and its HTML form, of which one
// may be empty. Where only some texts have the plain form, all are HTML.
func (b *mailBody) message() (plain, rich string) {
	allPlain, anyHTML := true, false
	for _, t := range b.texts {
		allPlain, anyHTML = allPlain && t.hasPlain, anyHTML || t.hasHTML
	}
	var p, r strings.Builder
	for i, t := range b.texts {
		if i > 0 {
			p.WriteByte('\n')
			r.WriteByte('\n')
		}
		p.WriteString(t.plain.String())
		if t.hasHTML {
			r.WriteString(t.html.String())
		} else {
			r.WriteString("<pre>" + stdhtml.EscapeString(t.plain.String()) + "</pre>")
		}
	}
	if allPlain {
		plain = strings.TrimRight(p.String(), "\r\n\t ")
	}
	if anyHTML {
		rich = r.String()
	}
	return plain, rich
}

// file takes a part as a file, which is read again when it is asked for.
func (b *mailBody) file(h mailHeader, mediaType string, params map[string]string, path []int, disposition, name string, size int64) {
	if name == "" {
		name = "part"
		for _, i := range path {
			name += "-" + strconv.Itoa(i+1)
		}
		name += extensionOf(mediaType)
	}
	if charset := params["charset"]; charset != "" && strings.HasPrefix(mediaType, "text/") {
		mediaType = mime.FormatMediaType(mediaType, map[string]string{"charset": charset})
	}
	f := file{name: b.run.short(name), mediaType: plainType(mediaType)}
	if f.mediaType == "" || f.mediaType == "application/octet-stream" {
		f.mediaType = mediaTypeOf(f.name)
	}
	if disposition == "attachment" {
		f.disposition = mimi.Attachment
	}
	if id := strings.Trim(h.get("content-id"), "<> "); id != "" && len(id) <= maxMessageID {
		f.url = "cid:" + url.PathEscape(id) // RFC 2392: so the HTML form refers to it
	}
	open := b.open
	f.content = &Content{size: size, open: func() (io.ReadCloser, error) { return openPart(open, path) }}
	b.files = append(b.files, f)
}

// whole adds the mail itself as a file.
func (b *mailBody) whole() error {
	in, err := b.open()
	if err != nil {
		return err
	}
	size, err := io.Copy(io.Discard, in)
	if err = errors.Join(err, in.Close()); err != nil {
		return fmt.Errorf("read export: %w", err)
	}
	b.files = append(b.files, file{
		name: "message.eml", mediaType: "message/rfc822", disposition: mimi.Attachment,
		content: &Content{size: size, open: func() (io.ReadCloser, error) {
			in, err := b.open()
			return decoded{in, in}, err
		}},
	})
	return nil
}
