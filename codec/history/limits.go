package history

import (
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// limits are those that a test can set: the real ones are out of its reach.
type limits struct {
	files, items, rooms int
	spool               int64
}

// Limits of this package. Each is compared with a count or a length before
// anything is allocated or opened for it.
const (
	// maxFiles bounds the files of one source: a vCon a conversation and day for
	// a lifetime fits, a mistaken "/" does not run for ever.
	maxFiles = 1 << 17
	// maxFileDepth bounds the nesting of folders below the one that was named.
	maxFileDepth = 64
	// maxSpool bounds standard input, in bytes: it is spooled to disk before it is
	// read, and a pipe that never ends must not fill the disk.
	maxSpool = 64 << 30
	// maxItems bounds the dialogs of one vCon, and its attachments: an empty object
	// takes three bytes of a file and eighty of memory.
	maxItems = 1 << 25
	// maxRooms bounds the rooms of one source, for the same reason.
	maxRooms = 1 << 20
	// maxSlug and maxSlugInput bound the readable part of a room's file name, and
	// how much of the room's id is looked at for it: file systems allow 255 bytes.
	maxSlug      = 48
	maxSlugInput = 256
	// itemBatch is how many items are read at once where a whole room is walked:
	// enough to read ahead, small beside one segment.
	itemBatch = 256
	// firstPage is the length of the first page of a manifest, in entries: the
	// first segment leaves as soon as one segment is cut.
	firstPage = 4
	// maxPageSegments bounds the segments of a page, each of which is made before
	// the page can leave.
	maxPageSegments = 64
	// maxRecent bounds the segments that are kept after they were named, in bytes.
	maxRecent = 8 << 20
	// maxPlanned bounds the heads that are kept of rooms that were listed: 64 MiB.
	maxPlanned = 1 << 20
	// maxStaged is how long what was staged and never committed waits for a transfer
	// that completes it.
	maxStaged = 30 * 24 * time.Hour
	// maxNotes bounds what is noted of one transfer, in bytes: ten million segments.
	maxNotes = 1 << 30
	// maxReceipt bounds a receipt that is kept: an end, and what seals it.
	maxReceipt = segment.MaxEnd + 1024
	// maxDecoded bounds the staged segments that are in memory while a room's file
	// is written.
	maxDecoded = 6
	// maxKnown bounds the parties that a writer remembers by address, to look
	// fewer of them up: 1 MiB.
	maxKnown = 1 << 15
	// copyBuffer is the size of the windows that content passes through, in bytes.
	copyBuffer = 64 << 10
)
