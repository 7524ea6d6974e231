package codec

import (
	"errors"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// An Error says what is wrong with a vCon and where; it is the only error of
// decoding, and of encoding what has no encoding. It carries no user data: in Pointer, a name that no specification
// defines is shown as "*".
type Error struct {
	Pointer string // JSON pointer (RFC 6901) of the value, for instance "/dialog/812/parties/3"
	Offset  int64  // in bytes from the start of the input, or -1 when unknown
	Reason  string
}

func (e *Error) Error() string {
	where := e.Pointer
	if where == "" {
		where = "/"
	}
	if e.Offset < 0 {
		return "vcon: " + where + ": " + e.Reason
	}
	return "vcon: " + where + ": byte " + strconv.FormatInt(e.Offset, 10) + ": " + e.Reason
}

// Mendable reports whether the error is of a text that is no Unicode: in JSON,
// Options.Mend and CopyOptions.Mend read it all the same.
func (e *Error) Mendable() bool { return e.Reason == reasonUTF8 || e.Reason == reasonSurrogate }

// inName puts err's position below the member name of an object.
func inName(err error, name string) error {
	if e, ok := errors.AsType[*Error](err); ok {
		e.Pointer = "/" + publicName(name) + e.Pointer
	}
	return err
}

// inIndex puts err's position below element i of an array.
func inIndex(err error, i int) error {
	if e, ok := errors.AsType[*Error](err); ok {
		e.Pointer = "/" + strconv.Itoa(i) + e.Pointer
	}
	return err
}

// publicName is name when a specification defines it, else "*": an unknown name
// may be somebody's data.
func publicName(name string) string {
	if specified[name] {
		return name
	}
	return "*"
}

// publicPointer masks the unknown names of p. A token of digits is taken for an
// index, unless it is as long as a telephone number.
func publicPointer(p jsontext.Pointer) string {
	var b strings.Builder
	for tok := range p.Tokens() {
		b.WriteByte('/')
		if _, err := strconv.ParseUint(tok, 10, 32); err == nil && len(tok) <= 7 {
			b.WriteString(tok)
		} else {
			b.WriteString(publicName(tok))
		}
	}
	return b.String()
}

// fromJSON makes an Error of what jsontext reports. Its own texts quote the
// input, so that only their kind is kept.
func fromJSON(err error, base int64) error {
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	s, ok := errors.AsType[*jsontext.SyntacticError](err)
	if !ok {
		return &Error{Offset: -1, Reason: "truncated or unreadable JSON"}
	}
	reason := "malformed JSON"
	text := s.Err.Error()
	switch {
	case errors.Is(s.Err, jsontext.ErrDuplicateName):
		reason = "duplicate name"
	case strings.Contains(text, "UTF-8"):
		reason = reasonUTF8
	case strings.Contains(text, "surrogate"):
		reason = reasonSurrogate
	case strings.Contains(text, "EOF"):
		reason = "truncated JSON"
	}
	return &Error{Pointer: publicPointer(s.JSONPointer), Offset: base + s.ByteOffset, Reason: reason}
}
