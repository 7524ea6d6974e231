package convert

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
)

var errCharset = errors.New("unknown character set")

// charsetOf is the encoding of a name, nil when it is not known. The names are read
// as browsers do (encoding.spec.whatwg.org), who learned from mail what they are
// used for: what says ISO 8859-1 is windows-1252.
func charsetOf(name string) encoding.Encoding {
	name = strings.Trim(strings.TrimSpace(name), `"'`)
	if len(name) > 64 {
		return nil
	}
	if e, err := htmlindex.Get(name); err == nil && !strings.EqualFold(name, "replacement") {
		if n, err := htmlindex.Name(e); err == nil && n != "replacement" {
			return e
		}
	}
	if e, err := ianaindex.MIME.Encoding(name); err == nil && e != nil {
		return e
	}
	return nil
}

// mailText is a text of a mail in UTF-8, with the line ends of ours.
func (r *run) mailText(b []byte, charset string) string {
	s := string(b)
	e := charsetOf(charset)
	switch {
	case charset != "" && e == nil:
		r.report.mend(CharsetUnknown)
		fallthrough
	case charset == "" || isUTF8(charset) || isASCII(charset):
		// Programs that say nothing, or too little, mostly write UTF-8.
		if !utf8.ValidString(s) {
			r.report.mend(NotUTF8)
			s = latin1(s)
		}
	default:
		if d, err := e.NewDecoder().String(s); err == nil {
			s = d
		}
		if !utf8.ValidString(s) {
			r.report.mend(BrokenText)
			s = strings.ToValidUTF8(s, "\uFFFD")
		}
	}
	s = strings.TrimPrefix(s, "\uFEFF")
	return strings.ReplaceAll(s, "\r\n", "\n")
}

func isUTF8(charset string) bool {
	return strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "utf8")
}

func isASCII(charset string) bool {
	return strings.EqualFold(charset, "us-ascii") || strings.EqualFold(charset, "ascii")
}

// unflow joins the lines of a text in format=flowed (RFC 3676): those that end with
// a blank go on in the next line of the same depth of quotation. With delSp that
// blank is not part of the text.
func unflow(text string, delSp bool) string {
	var out strings.Builder
	out.Grow(len(text))
	flowing, last := false, 0
	for i, line := range strings.Split(text, "\n") {
		body := strings.TrimLeft(line, ">")
		depth := len(line) - len(body)
		body = strings.TrimPrefix(body, " ") // stuffed
		signature := body == "-- "
		switch {
		case i == 0:
		case flowing && depth == last && !signature:
		default:
			out.WriteByte('\n')
			flowing = false
		}
		if !flowing && depth > 0 {
			out.WriteString(line[:depth] + " ")
		}
		flowing, last = strings.HasSuffix(body, " ") && !signature, depth
		if flowing && delSp {
			body = body[:len(body)-1]
		}
		out.WriteString(body)
	}
	return out.String()
}

// A quotedReader decodes quoted-printable (RFC 2045, section 6.7). What breaks its
// rules is read as it stands, where mime/quotedprintable ends with an error.
type quotedReader struct{ in *bufio.Reader }

func newQuotedReader(in io.Reader) *quotedReader { return &quotedReader{bufio.NewReader(in)} }

func (q *quotedReader) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		c, err := q.in.ReadByte()
		if err != nil {
			if n > 0 {
				return n, nil
			}
			return 0, err
		}
		if c == '=' {
			if q.softBreak() {
				continue
			}
			if hex, _ := q.in.Peek(2); len(hex) == 2 && isHex(hex[0]) && isHex(hex[1]) {
				c = unhex(hex[0])<<4 | unhex(hex[1])
				_, _ = q.in.Discard(2)
			}
		}
		p[n] = c
		n++
	}
	return n, nil
}

// softBreak passes over a line end, with blanks before it, or the end of the text.
func (q *quotedReader) softBreak() bool {
	for i := 1; i <= maxBlanks; i++ {
		next, err := q.in.Peek(i)
		if len(next) < i {
			if errors.Is(err, io.EOF) {
				_, _ = q.in.Discard(len(next))
				return true
			}
			return false
		}
		switch next[i-1] {
		case '\n':
			_, _ = q.in.Discard(i)
			return true
		case ' ', '\t', '\r':
		default:
			return false
		}
	}
	return false
}

// maxBlanks is how many blanks before a line end are looked for.
const maxBlanks = 256

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'F' || 'a' <= c && c <= 'f'
}

func unhex(c byte) byte {
	switch {
	case c >= 'a':
		return c - 'a' + 10
	case c >= 'A':
		return c - 'A' + 10
	}
	return c - '0'
}
