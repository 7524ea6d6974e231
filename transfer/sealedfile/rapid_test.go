package sealedfile

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/policy"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/hpke"
	"github.com/vcon-transfer/vcon-transfer/pairing"
)

// Whatever is selected, under whatever policy: each record of the room is in one column
// of the ledger, and what the policy forbids is refused.
func TestLedgerOfAnyShare(t *testing.T) {
	key := keyFor(t, hpke.SuiteX25519)
	sharer := identity(t)
	rapid.Check(t, func(rt *rapid.T) {
		v := drawn(rt)
		rules := drawnPolicy(rt)
		role := rapid.Uint32Range(2, 4).Draw(rt, "role")
		scope := segment.Scope{
			Rooms: []string{room}, MaxMessages: rapid.Uint64Range(0, 20).Draw(rt, "most"), NoMedia: rapid.Bool().Draw(rt, "no media"),
		}
		if minute := rapid.IntRange(-1, 40).Draw(rt, "since"); minute >= 0 {
			scope.Since = begin.Add(time.Duration(minute) * time.Minute)
		}
		if minute := rapid.IntRange(-1, 60).Draw(rt, "until"); minute >= 0 && begin.Add(time.Duration(minute)*time.Minute).After(scope.Since) {
			scope.Until = begin.Add(time.Duration(minute) * time.Minute)
		}
		// The clock of a bubble, of which rapid knows nothing.
		var failed string
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(time.Until(begin.Add(time.Hour)))
			failed = shareOnce(t, v, key, SealOptions{
				Source: sourceOf(t, v), Scope: scope, Recipients: publics(key), Classic: true, Intent: pairing.CatchUp, Signer: sharer, Policy: rules, Role: role,
			})
		})
		if failed != "" {
			rt.Fatal(failed)
		}
	})
}

// shareOnce seals, opens, and says what is wrong.
func shareOnce(t *testing.T, v *codec.VCon, key *hpke.PrivateKey, o SealOptions) string {
	var w bytes.Buffer
	since := o.Scope.Since
	sealed, err := Seal(t.Context(), &w, o)
	if p := o.Policy; p != nil {
		earliest := begin.Add(time.Hour - time.Duration(p.MaxPeriod)*time.Second)
		allowed := p.Sharing != policy.Forbidden && slices.Contains(p.Roles, o.Role) && (since.IsZero() || !since.Before(earliest))
		if allowed == errors.Is(err, policy.ErrForbidden) {
			return fmt.Sprintf("allowed %v, and %v", allowed, err)
		}
		if !allowed {
			return ""
		}
	}
	if errors.Is(err, ErrNothing) {
		return "" // as the overview says
	}
	if err != nil {
		return err.Error()
	}
	opened, err := Open(t.Context(), bytes.NewReader(w.Bytes()), OpenOptions{
		Keys: []*hpke.PrivateKey{key}, Classic: true, Policy: o.Policy, Sink: newSink(t),
	})
	if err != nil {
		return err.Error()
	}
	l := opened.Ledger
	if l.Source != uint64(len(v.Dialog)) || l.Columns() != l.Source || l.AttachmentColumns() != l.Attachments || l.There > 0 {
		return fmt.Sprintf("%d records: %+v", len(v.Dialog), l)
	}
	if !excludedAlike(sealed.Ledger, l) {
		return fmt.Sprintf("sealed %+v, opened %+v", sealed.Ledger, l)
	}
	return ""
}

func excludedAlike(a, b segment.Ledger) bool {
	a, b = a.Clone(), b.Clone()
	for _, l := range []*segment.Ledger{&a, &b} {
		l.Imported, l.There, l.Tombstones, l.AttachmentsImported = 0, 0, 0, 0
	}
	return a.Equal(b)
}

// drawn is a room with edits, deletes, reactions, replies, expiries, tombstones, roster
// events and attachments.
func drawn(t *rapid.T) *codec.VCon {
	v := conversation(0, 0)
	ids := []codec.Binary{}
	for i := range rapid.IntRange(0, 40).Draw(t, "records") {
		sum := sha256.Sum256(fmt.Append(nil, room, i))
		sum[0] = 1
		at := codec.Date(begin.Add(time.Duration(i) * time.Minute).Format(time.RFC3339))
		d := codec.Dialog{
			Type: "text", Start: at, Duration: new(uint64), Parties: []uint32{0}, Originator: new(uint32(1 + i%2)), MessageID: codec.BinaryOf(sum[:]),
			MediaType: "text/plain", Encoding: codec.EncodingNone, Body: codec.Body{Kind: codec.BodyText, Data: fmt.Appendf(nil, "message %d", i)},
		}
		past := codec.Binary("")
		if len(ids) > 0 {
			past = rapid.SampledFrom(ids).Draw(t, "past")
		}
		switch kind := rapid.IntRange(0, 8).Draw(t, "kind"); {
		case kind == 0:
			d = codec.Dialog{Type: "tombstone", Start: at, MessageID: d.MessageID, Status: "retracted"}
		case kind == 1:
			d = codec.Dialog{PartyHistory: []codec.PartyEvent{{Party: new(uint32(2)), Originator: new(uint32(1)), Time: at, Event: "join"}}}
		case kind == 2 && past != "":
			d.Replaces = past
		case kind == 3 && past != "":
			d.Replaces, d.Disposition, d.Body, d.MediaType, d.Encoding = past, "", codec.Body{}, "", ""
		case kind == 4 && past != "":
			d.InReplyTo = past
		case kind == 5 && past != "":
			d.InReplyTo, d.Disposition = past, "reaction"
		case kind == 6:
			if d.Expires = (&codec.Expires{Relative: true, RelativeTime: 60}); rapid.Bool().Draw(t, "absolute") {
				d.Expires = &codec.Expires{AbsoluteTime: codec.Date(begin.Add(2 * time.Hour).Format(time.RFC3339))}
			}
		}
		if d.MessageID != "" {
			ids = append(ids, d.MessageID)
		}
		v.Dialog = append(v.Dialog, d)
		if d.Type == "text" && d.Replaces == "" && rapid.IntRange(0, 4).Draw(t, "attached") == 0 {
			v.Attachments = append(v.Attachments, codec.Attachment{
				Start: at, Party: d.Originator, MediaType: "image/png", Encoding: codec.EncodingBase64URL,
				DialogObjectRef: "mid:" + string(d.MessageID) + ":0@anon.invalid",
				Body:            codec.Body{Kind: codec.BodyBytes, Data: []byte{byte(i), 1, 2}},
			})
		}
	}
	return v
}

func drawnPolicy(t *rapid.T) *policy.History {
	switch rapid.IntRange(0, 3).Draw(t, "policy") {
	case 0:
		return nil
	case 1:
		return &policy.History{Sharing: policy.Forbidden}
	}
	return &policy.History{
		Roles: []uint32{2, 3}, MaxPeriod: rapid.Uint32Range(0, 7200).Draw(t, "period"),
	}
}
