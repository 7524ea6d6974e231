package transfer

import (
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// An account follows a manifest in its order: it builds the root and the ledger
// of a transfer. Both sides keep one, and compare at the end. A reconnect starts
// a new account, because the manifest starts again.
type account struct {
	root   *segment.RootHasher
	ledger segment.Ledger
}

func newAccount(transferID [32]byte) *account {
	return &account{root: segment.NewRootHasher(transferID)}
}

// announced counts what a page lists and what it leaves out.
func (a *account) announced(p *segment.Page) {
	a.ledger.Add(p.Left)
	for i := range p.Entries {
		switch e := &p.Entries[i]; e.Type {
		case segment.SegmentType:
			a.ledger.Source += e.Segment.Items
		case segment.AttachmentType:
			a.ledger.Attachments++
		}
	}
}

// reasons is the largest number of reasons in a column, which a receipt has to
// hold.
func (a *account) reasons() int {
	l := &a.ledger
	return max(len(l.Excluded), len(l.Quarantined), len(l.AttachmentsExcluded), len(l.AttachmentsQuarantined))
}

// A meter reports progress, at most one report every progressEvery.
type meter struct {
	report func(Progress)
	p      Progress
	start  time.Time
	last   time.Time
}

func newMeter(report func(Progress)) *meter {
	return &meter{report: report}
}

// expect raises the totals to what is known by now.
func (m *meter) expect(messages, bytes uint64) {
	m.p.TotalMessages = max(m.p.TotalMessages, messages)
	m.p.TotalBytes = max(m.p.TotalBytes, bytes)
}

// set says what is done; it never exceeds the totals, which grow with it.
func (m *meter) set(messages, bytes, held uint64) {
	m.p.Messages, m.p.Bytes, m.p.Held = messages, bytes, held
	m.expect(messages, bytes)
	m.tick(false)
}

// tick reports when it is time, or now.
func (m *meter) tick(now bool) {
	if m.report == nil {
		return
	}
	t := time.Now()
	if !now && t.Sub(m.last) < progressEvery {
		return
	}
	m.last, m.p.Elapsed = t, t.Sub(m.start)
	m.report(m.p)
}
