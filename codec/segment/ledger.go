package segment

import (
	"errors"
	"maps"
	"math"
)

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
// Quarantined. Attachments have a ledger of their own kind in Attachments*. A copy
// of a Ledger shares its maps: see Clone.
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

// ErrUnbalanced says that a ledger's columns do not sum up to its source.
var ErrUnbalanced = errors.New("ledger does not balance")

// Columns is the number of items in all columns: what Source has to be.
func (l Ledger) Columns() uint64 {
	return sum(l.Imported, l.There, l.Tombstones, total(l.Excluded), total(l.Quarantined))
}

// AttachmentColumns is Columns for attachments.
func (l Ledger) AttachmentColumns() uint64 {
	return sum(l.AttachmentsImported, l.AttachmentsThere,
		total(l.AttachmentsExcluded), total(l.AttachmentsQuarantined))
}

// Balanced returns ErrUnbalanced unless every item and every attachment of the
// source is in exactly one column.
func (l Ledger) Balanced() error {
	if l.Source != l.Columns() || l.Attachments != l.AttachmentColumns() {
		return ErrUnbalanced
	}
	return nil
}

// Lost is the number of items that were not imported and should have been: those
// in quarantine.
func (l Ledger) Lost() uint64 { return total(l.Quarantined) }

// Equal tells whether both count the same; a reason with the count 0 is as absent.
func (l Ledger) Equal(o Ledger) bool {
	return l.Source == o.Source && l.Imported == o.Imported && l.There == o.There &&
		l.Tombstones == o.Tombstones && l.Attachments == o.Attachments &&
		l.AttachmentsImported == o.AttachmentsImported && l.AttachmentsThere == o.AttachmentsThere &&
		equal(l.Excluded, o.Excluded) && equal(l.Quarantined, o.Quarantined) &&
		equal(l.AttachmentsExcluded, o.AttachmentsExcluded) &&
		equal(l.AttachmentsQuarantined, o.AttachmentsQuarantined)
}

// Add adds all of o's counts to l's. A sum that does not fit stays at the largest
// number, so that the ledger does not balance.
func (l *Ledger) Add(o Ledger) {
	l.Source = sum(l.Source, o.Source)
	l.Attachments = sum(l.Attachments, o.Attachments)
	l.AddColumns(o)
}

// AddColumns is Add without Source and Attachments: o says how items ended that
// l has counted before.
func (l *Ledger) AddColumns(o Ledger) {
	l.Imported = sum(l.Imported, o.Imported)
	l.There = sum(l.There, o.There)
	l.Tombstones = sum(l.Tombstones, o.Tombstones)
	l.AttachmentsImported = sum(l.AttachmentsImported, o.AttachmentsImported)
	l.AttachmentsThere = sum(l.AttachmentsThere, o.AttachmentsThere)
	merge(&l.Excluded, o.Excluded)
	merge(&l.Quarantined, o.Quarantined)
	merge(&l.AttachmentsExcluded, o.AttachmentsExcluded)
	merge(&l.AttachmentsQuarantined, o.AttachmentsQuarantined)
}

// AddExcluded, AddQuarantined, AddAttachmentExcluded and AddAttachmentQuarantined
// put n more into a column; Source and Attachments stay as they are.
func (l *Ledger) AddExcluded(r Reason, n uint64) { count(&l.Excluded, r, n) }

// AddQuarantined: see AddExcluded.
func (l *Ledger) AddQuarantined(r Reason, n uint64) { count(&l.Quarantined, r, n) }

// AddAttachmentExcluded: see AddExcluded.
func (l *Ledger) AddAttachmentExcluded(r Reason, n uint64) { count(&l.AttachmentsExcluded, r, n) }

// AddAttachmentQuarantined: see AddExcluded.
func (l *Ledger) AddAttachmentQuarantined(r Reason, n uint64) {
	count(&l.AttachmentsQuarantined, r, n)
}

// Clone is a copy that shares no map with l.
func (l Ledger) Clone() Ledger {
	l.Excluded = maps.Clone(l.Excluded)
	l.Quarantined = maps.Clone(l.Quarantined)
	l.AttachmentsExcluded = maps.Clone(l.AttachmentsExcluded)
	l.AttachmentsQuarantined = maps.Clone(l.AttachmentsQuarantined)
	return l
}

func count(m *map[Reason]uint64, r Reason, n uint64) {
	if n == 0 {
		return
	}
	if *m == nil {
		*m = make(map[Reason]uint64)
	}
	(*m)[r] = sum((*m)[r], n)
}

func merge(m *map[Reason]uint64, o map[Reason]uint64) {
	for r, n := range o {
		count(m, r, n)
	}
}

func total(m map[Reason]uint64) (n uint64) {
	for _, c := range m {
		n = sum(n, c)
	}
	return n
}

func equal(a, b map[Reason]uint64) bool {
	for r, n := range a {
		if b[r] != n {
			return false
		}
	}
	for r, n := range b {
		if a[r] != n {
			return false
		}
	}
	return true
}

// sum saturates.
func sum(ns ...uint64) (s uint64) {
	for _, n := range ns {
		if s += n; s < n {
			return math.MaxUint64
		}
	}
	return s
}
