package mimi

import "github.com/vcon-transfer/vcon-transfer/codec"

// What a text dialog does to another one. Nothing here says that it may: an edit
// or a delete counts only from the original sender (section 9.3).

// IsReaction reports whether a dialog is a reaction to the message that it
// replies to (section 5.3).
func IsReaction(d *codec.Dialog) bool {
	return d.Type == "text" && d.Disposition == Reaction.String() && d.InReplyTo != "" && !isNull(d)
}

// IsDelete reports whether a dialog retracts the message that it replaces: a
// delete, or an unlike when that message is a reaction (sections 5.6 and 5.7).
func IsDelete(d *codec.Dialog) bool {
	return d.Type == "text" && d.Replaces != "" && isNull(d)
}

// IsEdit reports whether a dialog is a new version of the message that it
// replaces (section 5.5).
func IsEdit(d *codec.Dialog) bool {
	return d.Type == "text" && d.Replaces != "" && !isNull(d)
}

// isNull reports whether the body is a NullPart.
func isNull(d *codec.Dialog) bool {
	if d.ExternalPart != nil || d.MultiPart != nil {
		return false
	}
	_, present, _ := bytesOf(d.Body, d.Encoding, d.Extra)
	return !present
}
