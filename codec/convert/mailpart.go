package convert

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/textproto"
	"net/url"
	"strings"
)

// openPart opens the content of a part.
func openPart(open func() (io.ReadCloser, error), path []int) (io.ReadCloser, error) {
	mail, err := open()
	if err != nil {
		return nil, err
	}
	h, body, err := readHeader(mail)
	for _, index := range path {
		if err != nil {
			break
		}
		_, params := contentType(h)
		m := multipart.NewReader(body, params["boundary"])
		var p *multipart.Part
		for i := 0; i <= index && err == nil; i++ {
			p, err = m.NextRawPart()
		}
		if err == nil {
			h, body = headerOf(p.Header), p
		}
	}
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = ErrContentChanged
		}
		return nil, errors.Join(err, mail.Close())
	}
	return decoded{decodedPart(h, body), mail}, nil
}

// readHeader reads the header of a mail, of which MaxHeader counts, and leaves its
// body.
func readHeader(in io.Reader) (mailHeader, io.Reader, error) {
	buf := bufio.NewReaderSize(in, 16<<10)
	var header []byte
	for lineStart := true; ; {
		part, err := buf.ReadSlice('\n')
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
			return nil, nil, err
		}
		header = append(header, part[:min(len(part), MaxHeader-len(header))]...)
		if errors.Is(err, io.EOF) || lineStart && len(bytes.TrimRight(part, "\r\n")) == 0 {
			break
		}
		lineStart = err == nil
	}
	h, _ := parseHeader(string(header))
	return h, buf, nil
}

// decodedPart is the content of a part. That a part has no end is known from its
// parts already.
func decodedPart(h mailHeader, body io.Reader) io.Reader {
	body = endless{body}
	switch strings.ToLower(strings.Trim(h.get("content-transfer-encoding"), "\"' ")) {
	case "base64":
		return newBase64Reader(body)
	case "quoted-printable":
		return newQuotedReader(body)
	}
	return body
}

// An endless reader ends where its part breaks off.
type endless struct{ in io.Reader }

func (e endless) Read(p []byte) (int, error) {
	n, err := e.in.Read(p)
	if _, ok := errors.AsType[*exportError](err); !ok && errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}

func headerOf(m textproto.MIMEHeader) mailHeader {
	h := make(mailHeader, len(m))
	for name, v := range m {
		h[strings.ToLower(name)] = v
	}
	return h
}

// contentType is the media type of a part, in lower case, and its parameters. What
// is no media type is read as far as it can be.
func contentType(h mailHeader) (string, map[string]string) {
	v := h.get("content-type")
	t, params, err := mime.ParseMediaType(v)
	if err != nil || params == nil {
		t, params = looseType(v)
	}
	if !strings.Contains(t, "/") {
		if t != "" && t != "text" {
			return "application/octet-stream", params
		}
		t = "text/plain"
	}
	return t, params
}

func looseType(v string) (string, map[string]string) {
	t, rest, _ := strings.Cut(v, ";")
	params := make(map[string]string)
	for one := range strings.SplitSeq(rest, ";") {
		name, value, ok := strings.Cut(one, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if _, there := params[name]; ok && !there && len(params) < 32 {
			params[name] = strings.Trim(strings.TrimSpace(value), `"'`)
		}
	}
	return strings.ToLower(strings.TrimSpace(t)), params
}

// dispositionOf is how a part is to be shown, and the name of its file.
func dispositionOf(h mailHeader, params map[string]string) (disposition, name string) {
	v := h.get("content-disposition")
	disposition, own, err := mime.ParseMediaType(v)
	if err != nil || own == nil {
		disposition, own = looseType(v)
	}
	name = own["filename"]
	if name == "" {
		name = extended(v, "filename")
	}
	if name == "" {
		name = params["name"]
	}
	if name == "" {
		name = extended(h.get("content-type"), "name")
	}
	name = headerText(name)
	return disposition, name[strings.LastIndexAny(name, `/\`)+1:]
}

// extended is a parameter in a character set that package mime does not decode (RFC
// 2231, section 4), "" when there is none.
func extended(v, name string) string {
	_, params := looseType(v)
	charset, rest, ok := strings.Cut(params[name+"*"], "'")
	_, value, ok2 := strings.Cut(rest, "'")
	e := charsetOf(charset)
	if !ok || !ok2 || e == nil {
		return ""
	}
	raw, err := url.PathUnescape(value)
	if err != nil {
		return ""
	}
	s, err := e.NewDecoder().String(raw)
	if err != nil {
		return ""
	}
	return s
}

// extensionOf is a usual extension for a file without a name.
func extensionOf(mediaType string) string {
	switch mediaType {
	case "text/plain":
		return ".txt"
	case "text/html":
		return ".html"
	case "text/calendar":
		return ".ics"
	case "text/vcard", "text/x-vcard":
		return ".vcf"
	case "message/rfc822":
		return ".eml"
	case "image/jpeg":
		return ".jpg"
	case "image/png":
		return ".png"
	case "image/gif":
		return ".gif"
	case "application/pdf":
		return ".pdf"
	case "application/pgp-signature", "application/pgp-encrypted":
		return ".asc"
	}
	return ""
}
