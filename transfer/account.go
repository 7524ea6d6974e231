package transfer

import (
	"sync"
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

// A meter reports progress, at most one report every progressEvery, and none while
// the peer is paused.
type meter struct {
	report   func(Progress)
	p        Progress
	expected amount // by the consent, or by an earlier connection
	listed   amount // by the manifest so far
	whole    bool   // and that is all of it
	clock    clock
	last     time.Time

	mu     sync.Mutex // one report or silence at a time
	silent bool
	since  time.Time     // if silent
	slept  time.Duration // the peer, since begin
}

// An amount is how much there is of something.
type amount struct{ messages, bytes uint64 }

func (a amount) max(b amount) amount {
	return amount{max(a.messages, b.messages), max(a.bytes, b.bytes)}
}

func newMeter(report func(Progress)) *meter {
	return &meter{report: report}
}

// begin starts the clock.
func (m *meter) begin(p *Pauser) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clock, m.slept = p.clock(), 0
}

// expect is what the consent was for.
func (m *meter) expect(messages, bytes uint64) {
	m.expected = m.expected.max(amount{messages, bytes})
	m.totals()
}

// again begins with a new manifest. What the one before listed is still expected.
func (m *meter) again() {
	m.expected = m.expected.max(m.listed)
	m.listed, m.whole, m.p.Storing = amount{}, false, false
	m.totals()
}

// list adds the leaf of a manifest to what is to be taken.
func (m *meter) list(e *segment.Entry) {
	switch e.Type {
	case segment.SegmentType:
		m.listed.messages += e.Segment.Items
		m.listed.bytes += e.Segment.Bytes
	case segment.AttachmentType:
		m.listed.bytes += e.Attachment.Size
	}
	m.totals()
}

// absent takes out an attachment whose content is not there.
func (m *meter) absent(a *segment.AttachmentEntry) {
	m.listed.bytes -= a.Size
	m.totals()
}

// complete says that all of the manifest is listed.
func (m *meter) complete() {
	m.whole = true
	m.totals()
}

// totals are what is expected until all is listed. Bytes stay below theirs until all
// of it is taken: what is listed next is not known before.
func (m *meter) totals() {
	t := m.listed
	if !m.whole {
		t = t.max(m.expected)
	}
	t = t.max(amount{m.p.Messages, m.p.Bytes})
	if !m.p.Storing && t.bytes == m.p.Bytes {
		t.bytes++
	}
	m.p.TotalMessages, m.p.TotalBytes = t.messages, t.bytes
}

// set says what is done.
func (m *meter) set(messages, bytes, held uint64) {
	m.p.Messages, m.p.Bytes, m.p.Held = messages, bytes, held
	m.totals()
	m.tick(false)
}

// storing says that all of it is taken.
func (m *meter) storing() {
	m.p.Storing = true
	m.totals()
	m.tick(true)
}

// finish reports the end. When the receipt came before this process had listed all of
// it, the receipt's ledger counts: the source may have other totals by now.
func (m *meter) finish(l *segment.Ledger) {
	if !m.p.Storing {
		m.p.Storing = true
		m.totals()
		m.p.Messages = l.Imported + l.There + l.Tombstones
		m.p.TotalMessages, m.p.Bytes = m.p.Messages, m.p.TotalBytes
	}
	m.tick(true)
}

// tick reports when it is time, or now.
func (m *meter) tick(now bool) {
	if m.report == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	t := time.Now()
	if m.silent || !now && t.Sub(m.last) < progressEvery {
		return
	}
	m.last = t
	if m.clock.p != nil {
		m.p.Elapsed = max(m.clock.passed()-m.slept, 0)
	}
	m.report(m.p)
}

// silence says whether the peer is paused. When it returned, nothing is being
// reported.
func (m *meter) silence(paused bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.silent {
		m.slept += time.Since(m.since)
	}
	m.silent, m.since = paused, time.Now()
}
