package convert

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// An xmlScanner reads the tags of an XML file in which everything is in
// attributes, as SMS Backup & Restore writes it. encoding/xml cannot be used on
// those files: they have surrogates and control characters as numeric entities,
// which XML forbids, so that it refuses the file from the first emoji on; and it
// holds each attribute, of which one may be a film.
//
// A value of an attribute that is to be passed over is not held: its place in the
// file is.
type xmlScanner struct {
	in     *bufio.Reader
	offset int64 // of the next byte of in
	// pass says which attributes are to be passed over.
	pass   func(element, attribute string) bool
	mended bool // the element that was read last had characters that are no Unicode
	name   []byte
	value  []byte
	values base64Values
}

// A tag is one tag of an XML file.
type tag struct {
	name    string
	end     bool // </name>
	empty   bool // <name/>
	attrs   []attribute
	tooLong bool // it has more, or longer, attributes than its limits; attrs are empty
}

// An attribute is one attribute of a tag.
type attribute struct {
	name, value string
	passed      passedValue
}

// A passedValue is a value that was passed over.
type passedValue struct {
	offset, size int64 // in the file, in bytes, as it is written there
	entities     bool  // it has entities
	head         string

	// What it is when it is base64.
	decoded int64 // bytes
	dirty   bool  // something in it is no base64
	run     int64 // digits that are not in decoded yet
	inside  bool  // of an entity
}

// add counts what a base64Reader behind an entityless makes of more of the value.
func (v *passedValue) add(part []byte, values *base64Values) {
	v.size += int64(len(part))
	for _, c := range part {
		d := values[c]
		switch {
		case d < 64 && !v.inside:
			v.run++
		case v.inside:
			v.inside = c != ';'
		case c == '&':
			v.inside, v.entities = true, true
		case d == base64Padding:
			v.end()
		case d == base64Wrong:
			v.dirty = true
		}
	}
}

// end ends a run of digits: what is left of them makes no byte.
func (v *passedValue) end() {
	v.decoded += v.run * 6 / 8
	v.run = 0
}

// The limits of the scanner, per tag.
const (
	maxAttributes = 256
	maxXMLName    = 256
	// passedHead is how much of a value that is passed over is held.
	passedHead = 8
)

var (
	errTruncatedXML = errors.New("truncated XML")
	errMalformedXML = errors.New("malformed XML")
)

func newXMLScanner(in io.Reader, pass func(element, attribute string) bool) *xmlScanner {
	return &xmlScanner{in: bufio.NewReaderSize(in, 64<<10), pass: pass, values: newBase64Values()}
}

// next returns the next tag; io.EOF at the end of the file. Text, comments and
// declarations are passed over.
func (s *xmlScanner) next() (*tag, error) {
	for {
		if err := s.skipTo("<"); err != nil {
			return nil, err
		}
		c, err := s.byte()
		if err != nil {
			return nil, err
		}
		switch c {
		case '?':
			err = s.skipTo("?>")
		case '!':
			err = s.declaration()
		default:
			s.unread()
			return s.tag()
		}
		if err != nil {
			return nil, truncated(err)
		}
	}
}

// declaration passes over a comment, a CDATA section or a document type.
func (s *xmlScanner) declaration() error {
	switch head, _ := s.in.Peek(2); {
	case string(head) == "--":
		s.discard(2)
		return s.skipTo("-->")
	case strings.HasPrefix(string(head), "["):
		return s.skipTo("]]>")
	}
	// A document type may have declarations in brackets.
	for depth := 1; depth > 0; {
		c, err := s.byte()
		if err != nil {
			return err
		}
		switch c {
		case '<':
			depth++
		case '>':
			depth--
		}
	}
	return nil
}

func (s *xmlScanner) tag() (*tag, error) {
	t := &tag{}
	s.mended = false
	c, err := s.byte()
	if err != nil {
		return nil, err
	}
	if c == '/' {
		t.end = true
	} else {
		s.unread()
	}
	if t.name, err = s.word(); err != nil {
		return nil, err
	}
	for held := 0; ; {
		c, err := s.nonBlank()
		if err != nil {
			return nil, err
		}
		switch c {
		case '>':
			return t, nil
		case '/':
			if c, err = s.byte(); err != nil {
				return nil, err
			}
			if c != '>' {
				return nil, s.malformed()
			}
			t.empty = true
			return t, nil
		}
		s.unread()
		a := attribute{}
		if err := s.attribute(t, &a, MaxXMLTag-held); err != nil {
			return nil, err
		}
		held += len(a.name) + len(a.value)
		if len(t.attrs) >= maxAttributes || held >= MaxXMLTag {
			t.tooLong = true
		}
		if t.tooLong {
			t.attrs = nil
			held = MaxXMLTag
			continue
		}
		t.attrs = append(t.attrs, a)
	}
}

// attribute reads one attribute, of whose value at most left bytes are held.
func (s *xmlScanner) attribute(t *tag, a *attribute, left int) (err error) {
	if a.name, err = s.word(); err != nil {
		return err
	}
	c, err := s.nonBlank()
	if err != nil {
		return err
	}
	if c != '=' {
		return s.malformed()
	}
	quote, err := s.nonBlank()
	if err != nil {
		return err
	}
	if quote != '"' && quote != '\'' {
		return s.malformed()
	}
	a.passed.offset = s.offset
	hold, pass := max(left, 0), s.pass(t.name, a.name)
	if pass {
		hold = passedHead
	}
	s.value = s.value[:0]
	for {
		part, err := s.in.ReadSlice(quote)
		s.offset += int64(len(part))
		if err == nil {
			part = part[:len(part)-1]
		}
		if pass {
			a.passed.add(part, &s.values)
		} else {
			a.passed.size += int64(len(part))
		}
		s.value = append(s.value, part[:min(len(part), hold-len(s.value))]...)
		if err == nil {
			break
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return truncated(err)
		}
	}
	if pass {
		a.passed.end()
		a.passed.head = string(s.value)
		return nil
	}
	if a.passed.size > int64(hold) {
		t.tooLong = true
		return nil
	}
	a.value = s.text(string(s.value))
	return nil
}

// word reads a name.
func (s *xmlScanner) word() (string, error) {
	s.name = s.name[:0]
	for {
		c, err := s.byte()
		if err != nil {
			return "", err
		}
		if isXMLBlank(c) || strings.IndexByte("=/><\"'&", c) >= 0 {
			s.unread()
			break
		}
		if len(s.name) >= maxXMLName {
			return "", s.malformed()
		}
		s.name = append(s.name, c)
	}
	if len(s.name) == 0 {
		return "", s.malformed()
	}
	return string(s.name), nil
}

func (s *xmlScanner) nonBlank() (byte, error) {
	for {
		c, err := s.byte()
		if err != nil || !isXMLBlank(c) {
			return c, err
		}
	}
}

// byte reads one byte inside of a tag, where the file must not end.
func (s *xmlScanner) byte() (byte, error) {
	c, err := s.in.ReadByte()
	if err != nil {
		return 0, truncated(err)
	}
	s.offset++
	return c, nil
}

func (s *xmlScanner) unread() {
	if s.in.UnreadByte() == nil {
		s.offset--
	}
}

func (s *xmlScanner) discard(n int) {
	n, _ = s.in.Discard(n)
	s.offset += int64(n)
}

// skipTo passes over what stands before a mark, and the mark.
func (s *xmlScanner) skipTo(mark string) error {
	tail := make([]byte, 0, 8)
	for {
		part, err := s.in.ReadSlice(mark[len(mark)-1])
		s.offset += int64(len(part))
		if n := len(part); n >= len(mark) {
			tail = append(tail[:0], part[n-len(mark):]...)
		} else {
			tail = append(tail, part...)
			tail = tail[max(0, len(tail)-len(mark)):]
		}
		switch {
		case err == nil && string(tail) == mark:
			return nil
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return err
		}
	}
}

func (s *xmlScanner) malformed() error { return errMalformedXML }

// failed says where an error of the scanner is.
func (s *xmlScanner) failed(err error) error {
	return fmt.Errorf("read export: byte %d: %w", s.offset, err)
}

func truncated(err error) error {
	if errors.Is(err, io.EOF) {
		return errTruncatedXML
	}
	return err
}

func isXMLBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
