package segment

import (
	"cmp"
	"errors"
	"maps"
	"slices"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

// A ledger is an array of its counts and columns in the order of the fields; a
// column by reason is a map from reason to count, without zeros.
func appendLedger(b []byte, l *Ledger) ([]byte, error) {
	b = codec.AppendArray(b, 11)
	for _, n := range []uint64{l.Source, l.Imported, l.There, l.Tombstones} {
		b = codec.AppendUint(b, min(n, MaxCount))
	}
	b, err := appendColumn(b, l.Excluded)
	if err != nil {
		return b, err
	}
	if b, err = appendColumn(b, l.Quarantined); err != nil {
		return b, err
	}
	for _, n := range []uint64{l.Attachments, l.AttachmentsImported, l.AttachmentsThere} {
		b = codec.AppendUint(b, min(n, MaxCount))
	}
	if b, err = appendColumn(b, l.AttachmentsExcluded); err != nil {
		return b, err
	}
	return appendColumn(b, l.AttachmentsQuarantined)
}

func (r *reader) ledger() (l Ledger) {
	r.tuple(11)
	for _, n := range []*uint64{&l.Source, &l.Imported, &l.There, &l.Tombstones} {
		*n = r.number(MaxCount)
	}
	l.Excluded, l.Quarantined = r.column(), r.column()
	for _, n := range []*uint64{&l.Attachments, &l.AttachmentsImported, &l.AttachmentsThere} {
		*n = r.number(MaxCount)
	}
	l.AttachmentsExcluded, l.AttachmentsQuarantined = r.column(), r.column()
	return l
}

func byKey(x, y Reason) int { return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y)) }

func appendColumn(b []byte, m map[Reason]uint64) ([]byte, error) {
	reasons := slices.SortedFunc(maps.Keys(m), byKey)
	reasons = slices.DeleteFunc(reasons, func(r Reason) bool { return m[r] == 0 })
	if len(reasons) > MaxReasons {
		return b, errors.New("encode ledger: too many reasons")
	}
	b = codec.AppendMap(b, len(reasons))
	for _, r := range reasons {
		if !r.valid() {
			return b, errors.New("encode ledger: malformed reason")
		}
		b = codec.AppendUint(codec.AppendText(b, string(r)), min(m[r], MaxCount))
	}
	return b, nil
}

func (r *reader) column() (m map[Reason]uint64) {
	var last Reason
	for range r.mapping(MaxReasons) {
		at := r.off
		reason := Reason(r.text(MaxReason))
		if r.err == nil && (!reason.valid() || byKey(last, reason) >= 0) {
			r.failAt(at, "malformed reason, or out of order")
		}
		n := r.number(MaxCount)
		if r.err == nil && n == 0 {
			r.fail("reason without a count")
		}
		if r.err != nil {
			return nil
		}
		if m == nil {
			m = make(map[Reason]uint64)
		}
		m[reason], last = n, reason
	}
	return m
}

// valid: a reason is a short token that can be shown to a person as it is.
func (r Reason) valid() bool {
	for i := range len(r) {
		if c := r[i]; !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == ' ' || c == '-') {
			return false
		}
	}
	return len(r) > 0 && len(r) <= MaxReason
}

// AppendLedger appends a ledger, in at most MaxEnd bytes. Counts beyond MaxCount
// are written as that.
func AppendLedger(b []byte, l *Ledger) ([]byte, error) { return appendLedger(b, l) }

// ParseLedger reads a ledger. Every error is an *Error.
func ParseLedger(data []byte) (*Ledger, error) {
	r := reader{object: "ledger", b: data}
	if len(data) > MaxEnd {
		r.failAt(MaxEnd, "too long")
		return nil, r.err
	}
	l := r.ledger()
	if err := r.end(); err != nil {
		return nil, err
	}
	return &l, nil
}

// AppendEnd appends the end of a transfer.
func AppendEnd(b []byte, e *End) ([]byte, error) {
	return appendLedger(codec.AppendBytes(codec.AppendArray(b, 2), e.Root[:]), &e.Ledger)
}

// ParseEnd reads the end of a transfer. Every error is an *Error. The ledger need
// not balance: the sender does not know how its items end.
func ParseEnd(data []byte) (*End, error) {
	r := reader{object: "end", b: data}
	if len(data) > MaxEnd {
		r.failAt(MaxEnd, "too long")
		return nil, r.err
	}
	e := new(End)
	r.tuple(2)
	copy(e.Root[:], r.bytes(len(e.Root)))
	e.Ledger = r.ledger()
	if err := r.end(); err != nil {
		return nil, err
	}
	return e, nil
}
