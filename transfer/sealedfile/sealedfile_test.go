package sealedfile

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/policy"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/hpke"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// Every recipient imports the same, once; who opens it again imports nothing.
func TestSealOpen(t *testing.T) {
	v := conversation(40, 3)
	for _, suite := range []hpke.Suite{hpke.SuiteXWing, hpke.SuiteX25519} {
		keys := []*hpke.PrivateKey{keyFor(t, suite), keyFor(t, suite), keyFor(t, suite)}
		sharer := identity(t)
		asked := 0
		file, sealed := seal(t, SealOptions{
			Source: sourceOf(t, v), Scope: segment.Scope{Rooms: []string{room}}, Recipients: append(publics(keys...), keys[0].Public()),
			Classic: true, Intent: pairing.CatchUp, Signer: sharer, Label: "Alice",
			Consent: func(_ context.Context, h *pairing.ShareHead, o *segment.Overview) error {
				asked++
				if h.Messages != 40 || o.Messages != 40 || h.Room != room || h.RoomName != "Engineering Team" || h.Recipients != 3 {
					t.Errorf("asks for %+v", h)
				}
				return nil
			},
		})
		if asked != 1 {
			t.Error("not asked")
		}
		for _, key := range keys {
			sink := newSink(t)
			var claim *Claim
			o := OpenOptions{
				Keys: []*hpke.PrivateKey{keyFor(t, suite), key}, Classic: true, Trust: []pairing.Identity{sharer.Identity()}, Expect: &sealed.Root,
				Sink: sink, Consent: func(_ context.Context, c *Claim) error {
					claim = c
					if sink.begun > 0 {
						t.Error("imports before it asks")
					}
					return nil
				},
			}
			opened, err := Open(t.Context(), bytes.NewReader(file), o)
			if err != nil {
				t.Fatal(err)
			}
			if claim.Head.Sharer != sharer.Identity() || claim.Head.Label != "Alice" || claim.Suite != suite {
				t.Errorf("%+v", claim.Head)
			}
			if opened.ID != sealed.ID || opened.Root != sealed.Root || opened.Ledger.Imported != 40 || opened.Ledger.AttachmentsImported != 3 {
				t.Errorf("%+v, sealed %+v", opened, sealed)
			}
			if texts := sink.bodies(t); len(texts) != 40 || texts[7] != string(v.Dialog[7].Body.Data) {
				t.Errorf("%d texts", len(texts))
			}
			sink.begun, sink.staged, sink.contents, o.Expect = 0, 0, 0, &sealed.ID
			again, err := Open(t.Context(), bytes.NewReader(file), o)
			if err != nil {
				t.Fatal(err)
			}
			if sink.staged+sink.contents > 0 || again.Ledger.There != 40 || again.Ledger.AttachmentsThere != 3 || again.Root != sealed.Root {
				t.Errorf("again: %+v", again.Ledger)
			}
		}
	}
}

// A newer file brings the difference only.
func TestOpenNewer(t *testing.T) {
	key, sink := keyFor(t, hpke.SuiteXWing), newSink(t)
	open := func(messages int) *Result {
		file, _ := seal(t, SealOptions{Source: sourceOf(t, conversation(messages, 2)), Recipients: publics(key)})
		r, err := Open(t.Context(), bytes.NewReader(file), OpenOptions{Keys: []*hpke.PrivateKey{key}, Sink: sink})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	open(3000)
	sink.staged = 0
	if r := open(3010); r.Ledger.Imported == 0 || r.Ledger.There < 1000 || r.Ledger.Imported+r.Ledger.There != 3010 || r.Ledger.AttachmentsImported != 2 {
		t.Errorf("%+v", r.Ledger)
	}
	if got := len(sink.bodies(t)); got != 3010 {
		t.Errorf("%d messages", got)
	}
}

// What is cut, or changed anywhere, imports nothing.
func TestDamaged(t *testing.T) {
	key := keyFor(t, hpke.SuiteXWing)
	file, _ := seal(t, SealOptions{Source: sourceOf(t, conversation(20, 1)), Recipients: publics(key)})
	o := OpenOptions{Keys: []*hpke.PrivateKey{key}}
	for n := 0; n < len(file); n += len(file)/60 + 1 {
		code := wire.CodeVerification
		if n < 4 {
			code = wire.CodeSource // not a sealed file
		}
		refused(t, file[:n], o, code, nil)
	}
	refused(t, file[:len(file)-1], o, wire.CodeVerification, nil)
	refused(t, append(slices.Clone(file), 0), o, wire.CodeVerification, nil)
	for n := 76; n < len(file); n += len(file)/60 + 1 {
		changed := slices.Clone(file)
		changed[n] ^= 1
		sink := newSink(t)
		o.Sink = sink
		if _, err := Open(t.Context(), bytes.NewReader(changed), o); err == nil || sink.begun > 0 {
			t.Errorf("byte %d changed: %v", n, err)
		}
	}
}

func TestSealRefuses(t *testing.T) {
	xwing, classic := keyFor(t, hpke.SuiteXWing), keyFor(t, hpke.SuiteX25519)
	catchUp := SealOptions{Source: sourceOf(t, conversation(3, 0)), Recipients: publics(xwing), Intent: pairing.CatchUp,
		Scope: segment.Scope{Rooms: []string{room}}, Signer: identity(t)}
	with := func(change func(*SealOptions)) SealOptions {
		o := catchUp
		change(&o)
		return o
	}
	rules := policy.History{Roles: []uint32{3}, MaxPeriod: 3600}
	for name, c := range map[string]struct {
		o    SealOptions
		code wire.Code
		why  error
	}{
		"nobody":        {with(func(o *SealOptions) { o.Recipients = nil }), wire.CodeLimit, hpke.ErrRecipients},
		"two suites":    {with(func(o *SealOptions) { o.Recipients = publics(xwing, classic) }), wire.CodeSuite, hpke.ErrSuite},
		"classic":       {with(func(o *SealOptions) { o.Recipients = publics(classic) }), wire.CodeSuite, ErrClassic},
		"every room":    {with(func(o *SealOptions) { o.Scope.Rooms = nil }), wire.CodeIntent, pairing.ErrIntent},
		"nobody's word": {with(func(o *SealOptions) { o.Signer = nil }), wire.CodeUntrusted, pairing.ErrUntrusted},
		"another role":  {with(func(o *SealOptions) { o.Policy, o.Role = &rules, 2 }), wire.CodePolicy, policy.ErrForbidden},
		"forbidden":     {with(func(o *SealOptions) { o.Policy, o.Role = &policy.History{Sharing: policy.Forbidden}, 3 }), wire.CodePolicy, policy.ErrForbidden},
		"too far back":  {with(func(o *SealOptions) { o.Policy, o.Role, o.Scope.Since = &rules, 3, begin }), wire.CodePolicy, policy.ErrForbidden},
		"too long":      {with(func(o *SealOptions) { o.Lifetime = pairing.MaxShareLife + time.Hour }), wire.CodeInternal, pairing.ErrLimit},
		"no consent": {with(func(o *SealOptions) {
			o.Consent = func(context.Context, *pairing.ShareHead, *segment.Overview) error { return transfer.ErrDeclined }
		}), wire.CodeDeclined, transfer.ErrDeclined},
		"a full disk": {catchUp, wire.CodeStorage, io.ErrShortWrite},
	} {
		var out io.Writer = &bytes.Buffer{}
		if name == "a full disk" {
			out = short{}
		}
		if _, err := Seal(t.Context(), out, c.o); transfer.CodeOf(err) != c.code || !errors.Is(err, c.why) {
			t.Errorf("%s: %v (%v)", name, err, transfer.CodeOf(err))
		}
		if b, ok := out.(*bytes.Buffer); ok && b.Len() > 0 && c.code == wire.CodePolicy {
			t.Errorf("%s: something was written", name)
		}
	}
}

type short struct{}

func (short) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

// The opener's own policy decides, not the one that the sharer claims.
func TestOpenerJudges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(begin.Add(2 * time.Hour)))
		key, sharer := keyFor(t, hpke.SuiteXWing), identity(t)
		generous := &policy.History{Roles: []uint32{2, 3}, MaxPeriod: 90 * 60}
		file, sealed := seal(t, SealOptions{
			Source: sourceOf(t, conversation(60, 1)), Scope: segment.Scope{Rooms: []string{room}}, Recipients: publics(key),
			Intent: pairing.CatchUp, Signer: sharer, Policy: generous, Role: 2,
		})
		if !sealed.Head.Since.Equal(begin.Add(30*time.Minute)) || sealed.Head.Messages != 30 || sealed.Ledger.Excluded[segment.OutsideScope] != 30 {
			t.Errorf("the policy caps nothing: %+v, %+v", sealed.Head, sealed.Ledger)
		}
		o := OpenOptions{Keys: []*hpke.PrivateKey{key}}
		with := func(change func(*OpenOptions)) OpenOptions {
			o := o
			change(&o)
			return o
		}
		refused(t, file, with(func(o *OpenOptions) { o.Policy = &policy.History{Roles: []uint32{3}, MaxPeriod: 90 * 60} }), wire.CodePolicy, policy.ErrForbidden)
		refused(t, file, with(func(o *OpenOptions) { o.Policy = &policy.History{Roles: []uint32{2}, MaxPeriod: 90*60 - 1} }), wire.CodePolicy, policy.ErrForbidden)
		refused(t, file, with(func(o *OpenOptions) { o.Policy = &policy.History{Sharing: policy.Forbidden} }), wire.CodePolicy, policy.ErrForbidden)
		refused(t, file, with(func(o *OpenOptions) { o.Trust = []pairing.Identity{identity(t).Identity()} }), wire.CodeUntrusted, pairing.ErrUntrusted)
		refused(t, file, with(func(o *OpenOptions) { o.Expect = new([32]byte) }), wire.CodeVerification, ErrExpected)
		refused(t, file, with(func(o *OpenOptions) { o.Keys = []*hpke.PrivateKey{keyFor(t, hpke.SuiteXWing)} }), wire.CodeIntent, hpke.ErrRecipient)
		refused(t, file, with(func(o *OpenOptions) { o.Keys = []*hpke.PrivateKey{keyFor(t, hpke.SuiteX25519)} }), wire.CodeSuite, hpke.ErrSuite)
		refused(t, file, with(func(o *OpenOptions) { o.Consent = func(context.Context, *Claim) error { return transfer.ErrDeclined } }), wire.CodeDeclined, transfer.ErrDeclined)
		sink := newSink(t)
		own := with(func(o *OpenOptions) { o.Policy, o.Sink = &policy.History{Roles: []uint32{2}, MaxPeriod: 90 * 60}, sink })
		r, err := Open(t.Context(), bytes.NewReader(file), own)
		if err != nil || r.Ledger.Imported != 30 {
			t.Fatal(r, err)
		}
		time.Sleep(time.Until(sealed.Head.NotAfter))
		if _, err := Open(t.Context(), bytes.NewReader(file), own); err != nil {
			t.Error("in its last moment: ", err)
		}
		time.Sleep(time.Millisecond)
		refused(t, file, o, wire.CodeExpired, pairing.ErrExpired)
	})
}

// A sealed file that the clock of its opener has not come to yet.
func TestFromTheFuture(t *testing.T) {
	key := keyFor(t, hpke.SuiteXWing)
	var file []byte
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(pairing.MaxSkew + time.Second)
		file, _ = seal(t, SealOptions{Source: sourceOf(t, conversation(3, 0)), Recipients: publics(key)})
	})
	synctest.Test(t, func(t *testing.T) { // begins at the same instant
		o := OpenOptions{Keys: []*hpke.PrivateKey{key}}
		refused(t, file, o, wire.CodeExpired, nil)
		time.Sleep(time.Second)
		if _, err := Open(t.Context(), bytes.NewReader(file), o); err != nil {
			t.Error(err)
		}
	})
}

// An import that was interrupted goes on: what was staged is not staged again, and is
// counted as imported.
func TestGoesOn(t *testing.T) {
	key, sink := keyFor(t, hpke.SuiteXWing), newSink(t)
	file, _ := seal(t, SealOptions{Source: sourceOf(t, conversation(4000, 1)), Recipients: publics(key)})
	o := OpenOptions{Keys: []*hpke.PrivateKey{key}, Sink: sink}
	sink.failAfter = 2
	if _, err := Open(t.Context(), bytes.NewReader(file), o); transfer.CodeOf(err) != wire.CodeStorage {
		t.Fatal(err)
	}
	if len(sink.vcons(t)) > 0 || sink.committed > 0 {
		t.Error("half of it is there")
	}
	first := sink.staged
	sink.failAfter, sink.staged = 0, 0
	r, err := Open(t.Context(), bytes.NewReader(file), o)
	if err != nil {
		t.Fatal(err)
	}
	if first == 0 || sink.staged == 0 || r.Ledger.Imported != 4000 || r.Ledger.There != 0 || len(sink.bodies(t)) != 4000 {
		t.Errorf("%d and %d staged: %+v", first, sink.staged, r.Ledger)
	}
}

// A sink that holds another content under the name of an attachment is not told that
// it has the shared one.
func TestAnotherContent(t *testing.T) {
	key, sink := keyFor(t, hpke.SuiteXWing), newSink(t)
	file, _ := seal(t, SealOptions{Source: sourceOf(t, conversation(3, 1)), Recipients: publics(key)})
	o := OpenOptions{Keys: []*hpke.PrivateKey{key}, Sink: holding{sink}}
	if _, err := Open(t.Context(), bytes.NewReader(file), o); transfer.CodeOf(err) != wire.CodeVerification || sink.committed > 0 {
		t.Error(err)
	}
}

// holding has every content already, it says.
type holding struct{ *watched }

func (h holding) Have(ctx context.Context, r segment.RoomEntry, entries []segment.Entry) ([]segment.Want, error) {
	wants, err := h.watched.Have(ctx, r, entries)
	for i := range wants {
		if entries[i].Type == segment.AttachmentType {
			wants[i] = segment.Want{Have: [32]byte{1}}
		}
	}
	return wants, err
}
