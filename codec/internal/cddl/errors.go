package cddl

import (
	"errors"
	"fmt"
	"strings"
)

// A SyntaxError says what is wrong with a schema, and where.
type SyntaxError struct {
	Line   int // from 1
	Reason string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

// A MalformedError says that bytes are not one well-formed CBOR data item.
type MalformedError struct {
	Offset int
	Reason string
}

func (e *MalformedError) Error() string { return fmt.Sprintf("offset %d: %s", e.Offset, e.Reason) }

// A Mismatch is a data item that does not match. Of all that was tried it tells
// what came farthest into the item.
type Mismatch struct {
	Path   string // a JSON pointer; a key that is no text stands as itself
	Reason string
	Offset int // of the item at Path
}

func (e *Mismatch) Error() string {
	path := e.Path
	if path == "" {
		path = "(the whole)"
	}
	return fmt.Sprintf("%s: %s (offset %d)", path, e.Reason, e.Offset)
}

var (
	// errSteps means that matching took more steps than limits.go allows.
	errSteps = errors.New("the schema takes too many steps for this item")
	// errCalls means that rules refer to themselves without an item between.
	errCalls = errors.New("the schema's rules are inside each other too deep")
)

// pointerEscape is a key in a JSON pointer.
func pointerEscape(s string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(s)
}
