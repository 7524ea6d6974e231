package segment

import "crypto/sha256"

const (
	// MaxSegment bounds the weight of the items of one segment, so that sender
	// and receiver need the memory of one megabyte and a cut connection costs
	// little.
	MaxSegment = 1 << 20

	// MinWeight is what an item weighs at least in cutting, so that no segment
	// has more than MaxItems items, however small.
	MinWeight = 256

	// MaxItems is the number of items of a segment that follows from MaxSegment
	// and MinWeight; a decoder refuses more.
	MaxItems = MaxSegment / MinWeight

	// Window is the weight on either side of a boundary in which no other place
	// has a higher key: segments weigh twice this on average, and practically
	// never reach MaxSegment by themselves.
	Window = MaxSegment / 8

	// maxGap is the weight after which a cutter that found no boundary makes
	// one, so that its memory is bounded when somebody orders messages by key.
	maxGap = 16 * MaxSegment

	// MaxRecord bounds one item: its dialog object and the metadata of its
	// attachments. Larger ones are quarantined as TooLarge by sources.
	MaxRecord = 4 << 20

	// MaxCited bounds the party records that one item cites: about a hundred
	// thousand people in one list.
	MaxCited = 8 << 20

	// citedShare is the part of its cited parties' bytes that an item's size
	// counts: a segment of full weight then cites at most MaxCited bytes, and a
	// list of parties that each message repeats does not shrink segments much.
	citedShare = MaxCited / MaxSegment

	// MaxRoom bounds the metadata and the other top-level parameters of a room.
	MaxRoom = 8 << 20

	// maxParties bounds the parties of a segment, in bytes: what a full roster
	// span and the events beside it may cite.
	maxParties = MaxCited + 2*MaxSegment

	// MaxParty bounds one party record, so that any party fits a roster segment.
	MaxParty = 256 << 10

	// MaxSegmentBytes bounds the bytes of a segment: the largest item with the
	// most parties, or the largest room, and what surrounds them.
	MaxSegmentBytes = 16 << 20

	// MaxAttachments bounds the attachments of one item; more of them are not
	// one message of any client.
	MaxAttachments = 1024
)

// Limits of a manifest.
const (
	// MaxPage bounds the bytes of a page: it fits one control frame.
	MaxPage = 192 << 10

	// MaxEntries bounds the entries of a page, and the wants of an answer.
	MaxEntries = 2048

	// MaxAnswer bounds the bytes of an answer: a hash for each entry.
	MaxAnswer = 5 + MaxEntries*(sha256.Size+2)

	// MaxEnd bounds the bytes of an end, and of a ledger: every column with its
	// reasons.
	MaxEnd = 16 << 10

	// MaxRoomID bounds a room's id: URIs are no longer in practice, and a page
	// must hold several. Sources quarantine rooms with longer ones.
	MaxRoomID = 2048

	// MaxName bounds the names of rooms and files in a manifest, where they are
	// for people; longer ones are cut there, and whole in their segment.
	MaxName = 512

	// MaxMessageID bounds a message id in a manifest, as MaxName: ids of all
	// known forms are shorter than 100 bytes.
	MaxMessageID = 512

	// MaxMediaType bounds a media type in a manifest, as MaxName.
	MaxMediaType = 256

	// MaxDeclared bounds a declared hash in a manifest: SHA-512 in hexadecimal
	// with its prefix.
	MaxDeclared = 256

	// MaxContent bounds the content of one attachment, in bytes: a terabyte, so
	// that sums stay far from overflow.
	MaxContent = 1 << 40

	// MaxPart bounds a part index: MIMI has 16 bits, dialog_object_ref 32.
	MaxPart = 1<<32 - 1

	// MaxCount bounds each count of a ledger, so that sums stay far from overflow.
	MaxCount = 1 << 48

	// MaxReasons and MaxReason bound the reasons of a column, and the bytes of
	// one: twice as many as we know, for later versions.
	MaxReasons = 32
	MaxReason  = 48

	// maxParameterName bounds the names in our own parameter.
	maxParameterName = 16
)
