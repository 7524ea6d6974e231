package host

import "time"

const (
	// MaxCommand bounds a line of commands, in bytes: an answer that rejects every item of
	// a batch, or a part of the segments that a host has, fits many times over.
	MaxCommand = 1 << 20

	// progressInterval keeps the events of progress to ten a second.
	progressInterval = 100 * time.Millisecond

	// pauseTime bounds how long the command pause waits for the other device to be told:
	// less than the systems of phones leave an app that goes into the background.
	pauseTime = 4 * time.Second

	// DefaultWindow is how many batches a host has to acknowledge at once at most, until
	// it says otherwise; MaxWindow is the largest that it can ask for, since what is in
	// flight is held here too.
	DefaultWindow = 4
	MaxWindow     = 64

	// maxAcks is how many acks wait here while nobody reads them: those of the largest
	// window, and as many that are said twice.
	maxAcks = 2 * MaxWindow

	// MaxMarks bounds the rooms of Marks: more than anybody is in.
	MaxMarks = 1 << 16
)

const (
	// MaxBatchItems and MaxBatchBytes are what a batch is filled up to: so much of an app's
	// store is locked at once, and so much is repeated after a death. An item that is larger
	// is a batch of its own.
	MaxBatchItems = 256
	MaxBatchBytes = 1 << 20

	// DefaultAnswer is how long a host is waited for.
	DefaultAnswer = 5 * time.Minute

	// MaxHeld bounds what a host may say that it has, in segments and in attachments: a
	// million segments are a thousand million messages. They are kept in memory.
	MaxHeld = 1 << 20

	// maxHaves is how many commands have wait here while nobody reads them: what MaxHeld
	// allows, with sixteen on a line.
	maxHaves = MaxHeld / 16

	// maxJournal and maxEntry bound a journal and one of its lines, in bytes: 64 MiB have
	// about a quarter of a million segments.
	maxJournal = 64 << 20
	maxEntry   = 64 << 10

	// maxReceipt is more than any receipt has, in bytes.
	maxReceipt = 64 << 10

	// maxRejections bounds the codes of rejections that a ledger lists one by one; the
	// others are counted together. Half of what a ledger has room for.
	maxRejections = 16

	// maxStaged is how long what was never committed waits for its transfer, and a receipt
	// for an old device that did not get it.
	maxStaged = 30 * 24 * time.Hour
)
