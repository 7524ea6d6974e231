package codec

// Limits of what is read. Each is compared with a length, count or depth from
// outside before anything is allocated for it.
const (
	// MaxVCon bounds a vCon that is read whole, in bytes: four segments of the
	// largest size; anything longer is for a Scanner.
	MaxVCon = 16 << 20
	// MaxElement bounds one element (party, dialog, room, unknown parameter) in
	// bytes: the largest message with an inline voice note fits, and a Scanner's
	// memory is a small multiple of it.
	MaxElement = 8 << 20
	// MaxInlineBody is the largest attachment body, in bytes as encoded, that a
	// Scanner loads; a longer one is given as a Section. Of an element that is
	// copied it is the largest text that is held, wherever it stands.
	MaxInlineBody = 64 << 10
	// MaxLongTexts bounds the texts and byte strings beyond MaxInlineBody in one
	// element that is copied: their places are remembered.
	MaxLongTexts = 1 << 16
	// MaxDepth bounds the nesting of arrays and objects: real vCons reach 8; the
	// recursion of the readers stays small.
	MaxDepth = 32
	// MaxParties bounds the parties of one vCon: no messenger has rooms near it.
	MaxParties = 1 << 20
	// MaxDialogs bounds the dialogs of one vCon in memory: a struct is much
	// larger than its encoding, so that longer histories are for a Scanner.
	MaxDialogs = 1 << 18
	// MaxAttachments bounds the attachments of one vCon in memory, as MaxDialogs.
	MaxAttachments = 1 << 16
	// MaxPartyHistory bounds the events of one dialog: a full roster of a very
	// large room, replayed.
	MaxPartyHistory = 1 << 17
	// MaxParts bounds the parts of one multi_part: MIMI's part index is 16 bits.
	MaxParts = 1 << 16
	// MaxDialogParties bounds the recipients that one dialog lists.
	MaxDialogParties = 1 << 17
	// MaxDescriptions bounds a room's description: one for each language.
	MaxDescriptions = 1 << 10
	// MaxStrings bounds lists of names such as extensions and critical.
	MaxStrings = 1 << 10
	// MaxName bounds the name of a parameter, in bytes, so that a name is never
	// a way to carry data into an index or a log.
	MaxName = 1 << 10
	// MaxNumber bounds the text of a JSON number, in bytes: conversion to and
	// from a bignum takes quadratic time.
	MaxNumber = 4 << 10

	// MaxFields bounds the top-level parameters that a Scanner passes: it must
	// remember their names to refuse a second one.
	MaxFields = 1 << 12

	// maxNesting is MaxDepth for CBOR, where a tag is a level of its own: a
	// decimal fraction at the deepest place of a JSON text adds two.
	maxNesting = MaxDepth + 2
	// minObjectBytes and minExtraBytes bound what a small input can make us
	// allocate: an object costs some hundred bytes of memory, an entry of Extra
	// about one hundred. Beyond budgetFloor of each, the input must have this
	// many bytes for each one; no real vCon comes near.
	minObjectBytes = 16
	minExtraBytes  = 4
	budgetFloor    = 1 << 16
)
