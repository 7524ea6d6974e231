package sqlite

import "time"

const (
	// busyTimeout is how long to wait for another program that writes: an import
	// transaction of one segment takes well under a second.
	busyTimeout = 10 * time.Second
	// cacheKiB is SQLite's page cache for each connection: enough for the upper
	// levels of all indexes of some million items.
	cacheKiB = 8 << 10
	// journalPages is how many pages the journal takes before they are copied into
	// the database: 4 MiB, some segments. With four times as many an import is not
	// measurably faster, and a history of pictures took more disk by a sixth.
	journalPages = 1000
	// maxReaders bounds the connections of iterators that are open at once.
	maxReaders = 4
	// maxParties bounds the cache of party rows; beyond it the database is asked.
	maxParties = 1 << 15
	// maxChain bounds the versions of one message that are resolved together, so
	// that an endless chain of edits cannot make each import slower than the last.
	maxChain = 512
	// maxAttachment bounds the announced size of an attachment in bytes: 1 TiB is
	// more than any device that shows messages holds.
	maxAttachment = 1 << 40
	// maxUnfinished is how long an unfinished content waits for a transfer that needs
	// it, as in a folder.
	maxUnfinished = 30 * 24 * time.Hour
	// maxHave bounds the entries of one call of Have: a page of a manifest is
	// smaller.
	maxHave = 1 << 16
	// maxHeads bounds the heads of one call of Items: those of one segment.
	maxHeads = 1 << 20
	// maxTerms bounds the words of a search: each costs a lookup in the index.
	maxTerms = 32
	// maxQuery bounds the text of a search in bytes.
	maxQuery = 4 << 10
	// maxIndexed bounds the text of one message that is indexed, in bytes: a pasted
	// log file of many MiB would only slow down every import and search.
	maxIndexed = 256 << 10
	// maxLabel bounds what is stored of a peer's label, and of a reason for the end
	// of a transfer, in bytes.
	maxLabel = 1 << 10
	// maxSearched is the most messages that one search looks at: a text without
	// letters and digits is not in the index.
	maxSearched = 1 << 20
	// searchLimit is how many messages a search finds unless it is told.
	searchLimit = 100
	// viewRows is how many messages are put together at a time.
	viewRows = 200
	// maxPlaces is more than the items of a segment: the step of the sequence
	// numbers of two segments that share an instant.
	maxPlaces = 1 << 20
	// rosterFirst is more than any sequence number of a message.
	rosterFirst = 1 << 50
	// lookupRows and writeRows are how many rows one statement finds or writes:
	// beyond, nothing is gained, and SQLite allows 32,766 values.
	lookupRows = 250
	writeRows  = 50
	// snippet is the longest quotation of the message that a reply refers to, in
	// characters.
	snippet = 80
)
