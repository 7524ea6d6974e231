package transfer_test

import (
	"bytes"
	"testing"
	"testing/synctest"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
)

// cutOnce is a run whose first connection breaks after so many bytes of the
// sender; between is called before the second one.
func cutOnce(t *testing.T, src *memorySource, after int64, between func()) *run {
	r := newRun(t, src)
	r.network.faults = func(n int) (out, back transfertest.Faults) {
		if n == 0 {
			out.CutAfter = after
		}
		return
	}
	r.network.down = func(n int) bool {
		if n == 1 {
			between()
		}
		return false
	}
	return r
}

// The source loses a content of which the receiver has a part: that is counted,
// and the rest goes on.
func TestContentGoneAfterCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newSource(1, 1, 2, 1_000, 500_000)
		r := cutOnce(t, src, 300_000, func() { delete(src.content, "message-0-0") })
		r.do(t)
		if r.sendErr != nil || r.receiveErr != nil || r.sink.commits != 1 {
			t.Fatalf("send: %v\nreceive: %v", r.sendErr, r.receiveErr)
		}
		l := r.sent.Ledger
		if l.AttachmentsQuarantined[segment.ContentAbsent] != 1 || l.AttachmentsImported != 1 || !l.Equal(r.received.Ledger) {
			t.Errorf("ledger %+v", l)
		}
	})
}

// The source has another content under the same name by now: what the receiver
// has of the old one is thrown away.
func TestContentChangedAfterCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newSource(1, 1, 2, 1_000, 500_000)
		r := cutOnce(t, src, 300_000, func() {
			src.content["message-0-0"] = bytes.Repeat([]byte("new"), 200_000)[:500_000]
		})
		r.do(t)
		r.succeeded(t)
		if r.sent.Reconnects != 2 {
			t.Errorf("%d reconnects, want one for the cut and one for the hash", r.sent.Reconnects)
		}
	})
}

// A message has the same attachment twice, and the connection breaks inside: the
// second one does not go on where the first one was.
func TestSameAttachmentTwiceAfterCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newSource(1, 1, 1, 1_000, 500_000)
		entries := src.pages[0].Entries
		src.pages[0].Entries = append(entries, entries[2])
		r := cutOnce(t, src, 300_000, func() {})
		r.do(t)
		r.succeeded(t)
		if n := r.sent.Ledger.AttachmentsImported; n != 2 {
			t.Errorf("%d attachments imported, want 2", n)
		}
	})
}
