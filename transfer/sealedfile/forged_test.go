package sealedfile

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/hpke"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// A forgery is a sealed file as a dishonest sharer, or a recipient of one, makes it.
type forgery struct {
	v          *codec.VCon
	recipients []*hpke.PublicKey
	sharer     pairing.Signer // signs the head
	ends       pairing.Signer // signs the end
	head       func(*pairing.ShareHead)
	id         func([32]byte) [32]byte // for the root and the end
	sealing    func(*sealing)          // before the end
	raw        func(header [32]byte) []byte
	plain      func([]byte) []byte // the payload
	source     func(transfer.Source) transfer.Source
}

func (f forgery) make(t *testing.T) []byte {
	t.Helper()
	o := SealOptions{Source: sourceOf(t, f.v), Scope: segment.Scope{Rooms: []string{room}, CatchUp: true},
		Recipients: f.recipients, Intent: pairing.CatchUp, Signer: f.ends, Label: "Alice"}
	if f.source != nil {
		o.Source = f.source(o.Source)
	}
	now := time.Now().Truncate(time.Millisecond)
	overview, err := o.Source.Overview(t.Context(), o.Scope)
	if err != nil {
		t.Fatal(err)
	}
	o.Lifetime = time.Hour
	head, err := o.head(now, len(f.recipients), overview)
	if err != nil {
		t.Fatal(err)
	}
	if f.head != nil {
		f.head(head)
	}
	var w bytes.Buffer
	sealer, err := hpke.NewFileSealer(&w, f.recipients[0].Suite(), f.recipients)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := pairing.SignShareHead(f.sharer, sealer.Header(), *head)
	if err != nil {
		t.Fatal(err)
	}
	if f.raw != nil {
		signed = f.raw(sealer.Header())
	}
	stream, err := sealer.SealHead(signed)
	if err != nil {
		t.Fatal(err)
	}
	// The payload is made aside, so that plain can change it.
	var aside bytes.Buffer
	secret := make([]byte, hpke.SuiteXWing.KeySize())
	asideStream, err := hpke.NewWriter(&aside, hpke.SuiteXWing, secret)
	if err != nil {
		t.Fatal(err)
	}
	s := &sealing{o: &o, w: asideStream, meter: newMeter(nil, 0, 0), result: Result{ID: pairing.ShareID(sealer.Header(), signed), Head: head}}
	if f.id != nil {
		s.result.ID = f.id(s.result.ID)
	}
	s.root = segment.NewRootHasher(s.result.ID)
	if err := s.history(t.Context()); err != nil {
		t.Fatal(err)
	}
	if f.sealing != nil {
		f.sealing(s)
	}
	if err := s.end(); err != nil {
		t.Fatal(err)
	}
	if err := asideStream.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := hpke.NewReader(&aside, hpke.SuiteXWing, secret)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if f.plain != nil {
		payload = f.plain(payload)
	}
	if _, err := stream.Write(payload); err != nil {
		t.Fatal(err)
	}
	if err := stream.Close(); err != nil {
		t.Fatal(err)
	}
	return w.Bytes()
}

// Each recipient has the file key: he can write another payload behind the sharer's
// head, or seal all of it to somebody else. The signatures find him out.
func TestForged(t *testing.T) {
	key, sharer, thief := keyFor(t, hpke.SuiteXWing), identity(t), identity(t)
	honest := forgery{v: conversation(30, 1), recipients: publics(key), sharer: sharer, ends: sharer}
	o := OpenOptions{Keys: []*hpke.PrivateKey{key}, Trust: []pairing.Identity{sharer.Identity()}}
	sink := newSink(t)
	o.Sink = sink
	if _, err := Open(t.Context(), bytes.NewReader(honest.make(t)), o); err != nil || sink.committed != 1 {
		t.Fatal("what a forgery is made of does not open: ", err)
	}
	var passedOn []byte // the head that the sharer signed, for another file
	earlier := honest
	earlier.raw = func(header [32]byte) []byte {
		h := pairing.ShareHead{Intent: pairing.CatchUp, Room: room, Created: time.Now().Truncate(time.Millisecond), Recipients: 1}
		h.NotAfter = h.Created.Add(time.Hour)
		var err error
		if passedOn, err = pairing.SignShareHead(sharer, header, h); err != nil {
			t.Fatal(err)
		}
		return passedOn
	}
	earlier.make(t)
	for name, c := range map[string]struct {
		change func(*forgery)
		why    error
	}{
		"a recipient writes the payload":           {func(f *forgery) { f.ends = thief }, pairing.ErrTampered},
		"sealed to somebody else":                  {func(f *forgery) { f.raw = func([32]byte) []byte { return passedOn } }, pairing.ErrTampered},
		"an end of another file":                   {func(f *forgery) { f.id = func(id [32]byte) [32]byte { id[0] ^= 1; return id } }, pairing.ErrTampered},
		"messages before the window":               {func(f *forgery) { f.head = func(h *pairing.ShareHead) { h.Since = begin.Add(time.Minute) } }, nil},
		"messages behind the window":               {func(f *forgery) { f.head = func(h *pairing.ShareHead) { h.Until = begin.Add(29 * time.Minute) } }, nil},
		"another room":                             {func(f *forgery) { f.head = func(h *pairing.ShareHead) { h.Room += "2" } }, nil},
		"a ledger that hides what was left":        {func(f *forgery) { f.sealing = func(s *sealing) { s.result.Ledger.Source++ } }, nil},
		"a root that lists another segment":        {func(f *forgery) { f.sealing = func(s *sealing) { s.root.Segment(segment.ID{1}, 5) } }, nil},
		"a record that nobody knows":               {func(f *forgery) { f.sealing = func(s *sealing) { s.record(9, 0, nil) } }, nil},
		"a second page cut short":                  {func(f *forgery) { f.sealing = func(s *sealing) { s.record(recordPage, 3, []byte{1, 2, 3}) } }, nil},
		"a segment that no page lists":             {func(f *forgery) { f.sealing = func(s *sealing) { s.record(recordSegment, 1, []byte{1}) } }, nil},
		"padding that is not what a sealer writes": {func(f *forgery) { f.sealing = func(s *sealing) { s.record(recordPadding, 1, []byte{0}) } }, nil},
		"a segment under another's name": {func(f *forgery) {
			f.plain = func(p []byte) []byte { return bytes.Replace(p, []byte("message 7:"), []byte("message 8:"), 1) }
		}, nil},
		"a content under another's hash": {func(f *forgery) {
			f.plain = func(p []byte) []byte { p[bytes.Index(p, []byte{0, 1, 2, 3, 4, 5, 6, 7, 0, 1})+4] ^= 1; return p }
		}, nil},
		"data behind the end": {func(f *forgery) { f.plain = func(p []byte) []byte { return append(p, 0) } }, nil},
		"padding that is shorter than a sealer's": {func(f *forgery) {
			var at uint64
			f.sealing = func(s *sealing) { at = s.written }
			f.plain = func(p []byte) []byte {
				n := binary.BigEndian.Uint64(p[at+1:])
				if p[at] != byte(recordPadding) || n == 0 {
					t.Fatalf("no padding at %d", at)
				}
				binary.BigEndian.PutUint64(p[at+1:], n-1)
				return slices.Delete(p, int(at)+recordHead, int(at)+recordHead+1)
			}
		}, nil},
		"a manifest that says later than it is": {func(f *forgery) {
			f.source = func(s transfer.Source) transfer.Source { return later{s} }
		}, nil},
		"padding that hides something": {func(f *forgery) {
			f.plain = func(p []byte) []byte { p[bytes.LastIndex(p, make([]byte, 64))+60] = 1; return p }
		}, nil},
	} {
		f := honest
		c.change(&f)
		t.Run(name, func(t *testing.T) { refused(t, f.make(t), o, wire.CodeVerification, c.why) })
	}
	t.Run("a page too large", func(t *testing.T) {
		f := honest
		f.sealing = func(s *sealing) { s.record(recordPage, segment.MaxPage+1, nil) }
		refused(t, f.make(t), o, wire.CodeLimit, nil)
	})
	t.Run("his own word", func(t *testing.T) {
		f := honest
		f.sharer, f.ends = thief, thief
		refused(t, f.make(t), o, wire.CodeUntrusted, pairing.ErrUntrusted)
	})
}

// later says in the manifest that messages are later than they are: they would pass a
// window.
type later struct{ transfer.Source }

func (l later) Manifest(ctx context.Context, scope segment.Scope) iter.Seq2[*segment.Page, error] {
	return func(yield func(*segment.Page, error) bool) {
		for p, err := range l.Source.Manifest(ctx, scope) {
			if p != nil {
				for i := range p.Entries {
					if e := &p.Entries[i]; e.Type == segment.SegmentType && e.Segment.Kind == segment.Messages {
						e.Segment.First = e.Segment.Last
					}
				}
			}
			if !yield(p, err) {
				return
			}
		}
	}
}
