package convert

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// A mailPlace is where a mail is.
type mailPlace struct {
	file         int32 // index of the file
	offset, size int64 // of its header and body, in bytes
}

// A mailScanner finds the mails of a file: those that From_ lines separate (RFC
// 4155), or one that is the whole file. A From_ line follows an empty line and has
// a time and a year, and a header field follows it: programs that quote no "From "
// in texts are older than most mail, and still in use.
type mailScanner struct {
	in     *bufio.Reader
	mbox   bool
	offset int64  // of the next byte
	from   []byte // the From_ line that was read ahead
	ended  bool
}

func newMailScanner(in io.Reader, mbox bool) *mailScanner {
	return &mailScanner{in: bufio.NewReaderSize(in, 64<<10), mbox: mbox}
}

// A scannedMail is a mail that was passed over: its From_ line, and its header up
// to MaxHeader.
type scannedMail struct {
	mailPlace
	from, header string
}

// next passes over the next mail; io.EOF when there is none.
func (s *mailScanner) next() (*scannedMail, error) {
	if s.ended {
		return nil, io.EOF
	}
	if s.offset == 0 && s.mbox {
		if err := s.first(); err != nil {
			return nil, err
		}
	}
	m := &scannedMail{from: string(s.from), mailPlace: mailPlace{offset: s.offset}}
	var header []byte
	inHeader, lineStart, afterEmpty := true, true, false
	for {
		part, err := s.in.ReadSlice('\n')
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
			return nil, fmt.Errorf("read export: %w", err)
		}
		if s.mbox && lineStart && afterEmpty && isFromLine(part) && s.headerFollows() {
			s.from = append(s.from[:0], part[:min(len(part), maxFromLine)]...)
			m.size = s.offset - m.offset
			s.offset += int64(len(part))
			m.header = string(header)
			return m, nil
		}
		s.offset += int64(len(part))
		empty := lineStart && len(bytes.TrimRight(part, "\r\n")) == 0 && len(part) > 0
		if inHeader {
			header = append(header, part[:min(len(part), MaxHeader-len(header))]...)
			inHeader = !empty
		}
		afterEmpty = empty || afterEmpty && len(part) == 0
		lineStart = err == nil
		if errors.Is(err, io.EOF) {
			s.ended = true
			m.size = s.offset - m.offset
			m.header = string(header)
			if m.size == 0 && len(s.from) == 0 {
				return nil, io.EOF
			}
			return m, nil
		}
	}
}

// first reads the From_ line that begins the file.
func (s *mailScanner) first() error {
	for {
		part, err := s.in.ReadSlice('\n')
		s.offset += int64(len(part))
		if len(s.from) < maxFromLine {
			s.from = append(s.from, part...)
		}
		switch {
		case err == nil || errors.Is(err, io.EOF) && len(part) > 0:
			return nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return err
		}
	}
}

// headerFollows reports whether a header field follows the line that was read.
func (s *mailScanner) headerFollows() bool {
	next, _ := s.in.Peek(maxFieldName)
	return len(next) == 0 || isField(next)
}

// isField reports whether a line begins as a header field does, or as the From_
// line of another program that was kept in the header.
func isField(line []byte) bool {
	for i, c := range line {
		switch {
		case c == ':':
			return i > 0
		case c <= ' ' || c >= 0x7f:
			return bytes.HasPrefix(line, []byte(">From "))
		}
	}
	return false
}

// isFromLine reports a From_ line: after the sender stand a time and a year, in
// any of the forms that there are.
func isFromLine(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte("From "))
	if !ok || len(rest) > maxFromLine {
		return false
	}
	clock, year := false, false
	for word := range bytes.FieldsSeq(rest) {
		switch {
		case len(word) >= 4 && isDigits(word[:1]) && bytes.IndexByte(word, ':') > 0:
			clock = true
		case len(word) == 4 && isDigits(word):
			year = true
		}
	}
	return clock && year
}

// An unquoter takes one ">" from lines that are ">From " after any number of ">",
// as mboxrd writes them; mboxo wrote them so too, but for those with more of it.
type unquoter struct {
	in    *bufio.Reader
	line  []byte // what is left of the line
	begun bool   // line is not the beginning of its line
	err   error
}

func newUnquoter(in io.Reader) *unquoter { return &unquoter{in: bufio.NewReaderSize(in, 16<<10)} }

func (u *unquoter) Read(p []byte) (int, error) {
	for len(u.line) == 0 {
		if u.err != nil {
			return 0, u.err
		}
		part, err := u.in.ReadSlice('\n')
		if !u.begun && len(part) > 0 && part[0] == '>' && bytes.HasPrefix(bytes.TrimLeft(part, ">"), []byte("From ")) {
			part = part[1:]
		}
		u.line, u.begun = part, err != nil
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			u.err = err
		}
	}
	n := copy(p, u.line)
	u.line = u.line[n:]
	return n, nil
}

const (
	maxFromLine  = 1 << 10
	maxFieldName = 128
)

// detectMbox looks for a From_ line with a header after it, or for the header of
// one mail.
func detectMbox(name string, prefix []byte) bool {
	line, rest, _ := bytes.Cut(prefix, []byte("\n"))
	if isFromLine(line) {
		return isField(rest)
	}
	if !strings.HasSuffix(strings.ToLower(name), ".eml") {
		return false
	}
	h, _ := parseHeader(string(prefix))
	return h.get("from") != "" && (h.get("date") != "" || h.get("message-id") != "" || h.get("received") != "")
}

// isMbox tells a file of mails from a file that is one mail.
func isMbox(prefix []byte) bool { return bytes.HasPrefix(prefix, []byte("From ")) }
