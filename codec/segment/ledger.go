package segment

// A Reason is why an item is excluded or quarantined: a short fixed token, never
// text from the history.
type Reason string

const (
	OutsideScope  Reason = "outside scope" // not in the rooms, dates or count that were chosen
	NoMedia       Reason = "no media"      // attachments, with NoMedia
	Expired       Reason = "expires"       // has an expiration and this is a catch-up
	Superseded    Reason = "superseded"    // an older version, in a catch-up
	Dangling      Reason = "refers to excluded"
	TooLarge      Reason = "record too large"
	Malformed     Reason = "malformed"
	Conflict      Reason = "conflict"
	Unsupported   Reason = "critical not supported"
	ContentAbsent Reason = "content not in source" // an attachment that the source only refers to
)

// A Ledger accounts for the items of a source: each is in exactly one column, so
// that Source = Imported + There + Tombstones + the sum of Excluded + the sum of
// Quarantined. Attachments have a ledger of their own kind in Attachments*.
type Ledger struct {
	Source      uint64
	Imported    uint64
	There       uint64
	Tombstones  uint64
	Excluded    map[Reason]uint64
	Quarantined map[Reason]uint64

	Attachments            uint64
	AttachmentsImported    uint64
	AttachmentsThere       uint64
	AttachmentsExcluded    map[Reason]uint64
	AttachmentsQuarantined map[Reason]uint64
}
