package segment

import (
	"errors"
	"strconv"
)

var (
	// ErrHash says that content is not what its hash says. An AttachmentWriter's
	// Commit returns it.
	ErrHash = errors.New("content does not match its hash")

	// ErrContentAbsent says that a source only refers to the content of an
	// attachment.
	ErrContentAbsent = errors.New("content is not in the source")

	// ErrTooLarge says that an item, a party or a room is larger than MaxRecord,
	// MaxCited, MaxParty or MaxRoom allow: a source quarantines it as TooLarge.
	ErrTooLarge = errors.New("larger than a segment can hold")

	// ErrNoParty says that a dialog cites a party that the vCon does not have: a
	// source quarantines it as Malformed.
	ErrNoParty = errors.New("cites a party that is not there")
)

// A RejectedError is what an AttachmentWriter's Commit returns for a content that came
// whole and is not wanted: it counts as quarantined, with the reason.
type RejectedError struct{ Reason Reason }

func (e *RejectedError) Error() string { return "content rejected: " + string(e.Reason) }

// An Error says what is wrong with a manifest page, an answer, an end, a ledger
// or a segment. It carries nothing of the content.
type Error struct {
	Object string // "page", "answer", "end", "ledger", "segment"
	Offset int    // of the first byte that is wrong, or -1
	Reason string
}

func (e *Error) Error() string {
	s := "decode " + e.Object + ": "
	if e.Offset >= 0 {
		s += "byte " + strconv.Itoa(e.Offset) + ": "
	}
	return s + e.Reason
}
