// Package upgrade lets a test play a program of another version than this one: which
// protocol versions it speaks, and a field that this one does not know. It is internal,
// because a program that claims a version which it does not speak breaks its transfers.
//
// It knows nothing of a message, and the zero Program is the program as it is. It serves
// docs/wire-format.md, section "Versions".
package upgrade

// A Program is what one side of a transfer speaks.
type Program struct {
	Oldest uint8  // lowest protocol version; 0 is that of this program
	Newest uint8  // highest protocol version; 0 is that of this program
	Field  []byte // one CBOR item that the bundle, the summary and the accept carry under Key; none if empty
}

// Key is the key of Field, which no version gives a meaning.
const Key = 0xf0
