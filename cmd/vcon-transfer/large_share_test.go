package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/convert"
	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/hpke"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer/sealedfile"
)

// A memorySink is the messages that are committed to it, by id.
type memorySink struct {
	staged, final map[string]string
	other         uint64 // roster events
}

func (s *memorySink) Begin(context.Context, segment.TransferInfo) error {
	s.staged = map[string]string{}
	return nil
}

func (s *memorySink) Have(_ context.Context, _ segment.RoomEntry, entries []segment.Entry) ([]segment.Want, error) {
	wants := make([]segment.Want, len(entries))
	for i := range wants {
		wants[i].Need = true
	}
	return wants, nil
}

func (s *memorySink) StageSegment(_ context.Context, _ segment.RoomEntry, _ segment.SegmentEntry, data []byte) (segment.Ledger, error) {
	seg, err := segment.Decode(data)
	if err != nil {
		return segment.Ledger{}, err
	}
	for _, it := range seg.Items {
		if it.Dialog.MessageID == "" {
			s.other++
			continue
		}
		s.staged[string(it.Dialog.MessageID)] = string(it.Dialog.Body.Data)
	}
	return segment.Ledger{Imported: uint64(len(seg.Items))}, nil
}

func (s *memorySink) StageAttachment(context.Context, segment.RoomEntry, segment.ID, segment.AttachmentEntry, uint64) (segment.AttachmentWriter, error) {
	return nil, fmt.Errorf("IRC has no attachments")
}

func (s *memorySink) Commit(context.Context, segment.End, []byte) error {
	s.final = s.staged
	return nil
}

func (s *memorySink) Abort(context.Context, error) error { return nil }

// Fifty thousand messages since a date, for 25 members: sealed once, as large as for one
// but for the stanzas, and each of them imports what a filter in plain words selects.
func TestLargeShare(t *testing.T) {
	if raceEnabled {
		t.Skip("one goroutine a file")
	}
	const days, before, members = 60, 10, 25
	vcons, _, err := convert.All(t.Context(), convert.IRC, ircLogs(days), ".", convert.Options{})
	if err != nil {
		t.Fatal(err)
	}
	source := history.NewSource(history.FromVCons(withoutContents(vcons)), history.SourceOptions{})
	defer source.Close()
	since, err := time.Parse(time.DateOnly, dayOf(before))
	if err != nil {
		t.Fatal(err)
	}
	want := sharedSince(t, vcons, since)
	if len(want) != (days-before)*largePerDay {
		t.Fatalf("%d messages", len(want))
	}
	room := "vcon:" + vcons[0].UUID
	if r := vcons[0].Room; r != nil {
		room = r.ID
	}
	var keys []*hpke.PrivateKey
	var recipients []*hpke.PublicKey
	for range members {
		k, err := hpke.GenerateKey(hpke.SuiteXWing, nil)
		if err != nil {
			t.Fatal(err)
		}
		keys, recipients = append(keys, k), append(recipients, k.Public())
	}
	sharer, err := pairing.NewIdentityKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	sealFor := func(to []*hpke.PublicKey) ([]byte, *sealedfile.Result) {
		var w bytes.Buffer
		begun := time.Now()
		r, err := sealedfile.Seal(t.Context(), &w, sealedfile.SealOptions{
			Source: source, Scope: segment.Scope{Rooms: []string{room}, Since: since}, Recipients: to, Intent: pairing.CatchUp, Signer: sharer,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("for %d: %.1f s, %d bytes", len(to), time.Since(begun).Seconds(), w.Len())
		return w.Bytes(), r
	}
	one, _ := sealFor(recipients[:1])
	file, sealed := sealFor(recipients)
	stanza := hpke.SuiteXWing.EncSize() + 48
	if grown, limit := len(file)-len(one), 31*stanza+len(one)/100; grown > limit {
		t.Errorf("%d bytes more than for one recipient, and 31 stanzas have %d", grown, 31*stanza)
	}
	if sealed.Ledger.Source != sealed.Head.Messages+sealed.Ledger.Columns() && sealed.Ledger.Excluded[segment.OutsideScope] < before*largePerDay {
		t.Errorf("%+v", sealed.Ledger)
	}
	begun := time.Now()
	var wait sync.WaitGroup
	turns := make(chan struct{}, 2)
	for _, key := range keys {
		wait.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			sink := &memorySink{}
			r, err := sealedfile.Open(t.Context(), bytes.NewReader(file), sealedfile.OpenOptions{
				Keys: []*hpke.PrivateKey{key}, Trust: []pairing.Identity{sharer.Identity()}, Expect: &sealed.Root, Sink: sink,
			})
			if err != nil {
				t.Error(err)
				return
			}
			if !maps.Equal(sink.final, want) {
				t.Errorf("%d messages, not the %d that the filter selects", len(sink.final), len(want))
			}
			if r.Ledger.Imported != uint64(len(want))+sink.other || r.Ledger.Balanced() != nil {
				t.Errorf("%+v", r.Ledger)
			}
		})
	}
	wait.Wait()
	t.Logf("%d opened: %.1f s", members, time.Since(begun).Seconds())
}

// sharedSince filters in the plainest way: what is of the room and not before since, and
// refers to nothing that is before it.
func sharedSince(t *testing.T, vcons []*convert.VCon, since time.Time) map[string]string {
	t.Helper()
	kept := map[string]string{}
	gone := map[string]bool{}
	for _, v := range vcons {
		for i := range v.Dialog {
			d := &v.Dialog[i]
			at, ok := d.Start.Instant()
			if d.Type != "text" {
				continue
			}
			if !ok {
				t.Fatal("undated")
			}
			if at.Before(since) || gone[string(d.InReplyTo)] {
				gone[string(d.MessageID)] = true
				continue
			}
			kept[string(d.MessageID)] = string(d.Body.Data)
		}
	}
	return kept
}
