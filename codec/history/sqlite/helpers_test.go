package sqlite

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

const roomURI = "mimi://example.com/r/harbour"

var base = time.Date(2024, 5, 1, 8, 0, 0, 0, time.UTC)

// now is the clock of the stores under test.
func now() time.Time { return base.AddDate(1, 0, 0) }

func newStore(t testing.TB) *Store {
	t.Helper()
	s, closeIt := openStore(t, filepath.Join(t.TempDir(), "history.db"))
	t.Cleanup(closeIt)
	return s
}

func openStore(t testing.TB, path string) (s *Store, closeIt func()) {
	t.Helper()
	s, err := Open(t.Context(), path, Options{Now: now, unsynced: true, Free: noFree})
	if err != nil {
		t.Fatal(err)
	}
	return s, func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// noFree is a disk that does not say what is free: tests announce what none holds.
func noFree(string) (uint64, bool) { return 0, false }

// A chat builds a vCon of one room, message by message.
type chat struct {
	t    testing.TB
	v    *codec.VCon
	room string
	salt *rand.Rand
}

func newChat(t testing.TB, people ...string) *chat {
	c := &chat{t: t, room: roomURI, salt: rand.New(rand.NewPCG(1, 2))}
	c.v = &codec.VCon{
		Version: "0.4.0", UUID: "0189d8c4-2d5f-8bd2-9a3e-0242ac120002",
		Room:    &codec.Room{ID: roomURI, Name: "Harbour", Subject: "boats"},
		Parties: []codec.Party{{IMURI: roomURI, Name: "Harbour"}},
	}
	for _, p := range people {
		c.v.Parties = append(c.v.Parties, codec.Party{IMURI: uriOf(p), Name: p, Role: "member"})
	}
	return c
}

func uriOf(name string) string { return "mimi://example.com/u/" + name }

func (c *chat) party(name string) uint32 {
	for i, p := range c.v.Parties {
		if i > 0 && p.Name == name {
			return uint32(i)
		}
	}
	c.t.Fatalf("no party %s", name)
	return 0
}

// A said is what one message says; the zero value of a field leaves it out.
type said struct {
	by, text  string
	at        time.Duration // after base
	replaces  codec.Binary
	reply     codec.Binary
	react     bool
	null      bool
	markdown  bool
	expires   *mimi.Expiration
	unsigned  bool // the id is made up
	multipart []string
}

func (c *chat) say(m said) *codec.Dialog {
	c.t.Helper()
	content := mimi.Content{Expires: m.expires}
	for i := range content.Salt {
		content.Salt[i] = byte(c.salt.Uint32())
	}
	content.Replaces, content.InReplyTo = idOf(c.t, m.replaces), idOf(c.t, m.reply)
	content.Body = mimi.NestedPart{Disposition: mimi.Render, Cardinality: mimi.Single, ContentType: "text/plain;charset=utf-8", Content: []byte(m.text)}
	if m.markdown {
		content.Body.ContentType = "text/markdown;variant=GFM-MIMI"
	}
	if m.react {
		content.Body.Disposition = mimi.Reaction
	}
	if m.null {
		content.Body.Cardinality, content.Body.ContentType, content.Body.Content = mimi.Null, "", nil
	}
	if m.multipart != nil {
		content.Body.Cardinality, content.Body.ContentType, content.Body.Content = mimi.Multi, "", nil
		content.Body.Semantics = mimi.ProcessAll
		for _, p := range m.multipart {
			content.Body.Parts = append(content.Body.Parts, mimi.NestedPart{Disposition: mimi.Render, Cardinality: mimi.Single, ContentType: "text/plain", Content: []byte(p)})
		}
	}
	d, err := content.Dialog(mimi.Envelope{
		SenderURI: uriOf(m.by), RoomURI: c.room, Originator: c.party(m.by),
		Start: mimi.DateOf(base.Add(m.at).UnixMilli()),
	})
	if err != nil {
		c.t.Fatal(err)
	}
	if m.unsigned {
		d.Salt = ""
	}
	return c.add(d)
}

func (c *chat) add(d *codec.Dialog) *codec.Dialog {
	c.v.Dialog = append(c.v.Dialog, *d)
	return &c.v.Dialog[len(c.v.Dialog)-1]
}

func idOf(t testing.TB, b codec.Binary) *mimi.MessageID {
	if b == "" {
		return nil
	}
	raw, ok := b.Bytes()
	if !ok || len(raw) != 32 {
		t.Fatal("not a message id")
	}
	id := mimi.MessageID(raw)
	return &id
}

func (c *chat) source() *history.Source { return sourceOf(c.v) }

func sourceOf(v ...*codec.VCon) *history.Source {
	return history.NewSource(history.FromVCons(v), history.SourceOptions{Now: func() time.Time { return base }})
}

// A leaf is a segment or an attachment of a manifest, with its content.
type leaf struct {
	room segment.RoomEntry
	e    segment.Entry
	seg  segment.ID
	data []byte
}

// leaves are everything that a source would send.
func leaves(t testing.TB, src *history.Source) []leaf {
	t.Helper()
	var out []leaf
	for page, err := range src.Manifest(t.Context(), segment.Scope{}) {
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Entries {
			l := leaf{e: e}
			if n := len(out); n > 0 {
				l.room, l.seg = out[n-1].room, out[n-1].seg
			}
			switch e.Type {
			case segment.RoomType:
				l.room = e.Room
			case segment.SegmentType:
				l.seg = e.Segment.ID
				if l.data, err = src.AppendSegment(t.Context(), e.Segment.ID, nil); err != nil {
					t.Fatal(err)
				}
			case segment.AttachmentType:
				r, err := src.OpenAttachment(t.Context(), l.room.ID, l.seg, e.Attachment, 0)
				if err != nil {
					t.Fatal(err)
				}
				if l.data, err = io.ReadAll(r); err != nil {
					t.Fatal(err)
				}
				r.Close()
			}
			out = append(out, l)
		}
	}
	return out
}

// names are the ids of all segments of a source, in manifest order.
func names(t testing.TB, src *history.Source) []string {
	t.Helper()
	var out []string
	for _, l := range leaves(t, src) {
		switch l.e.Type {
		case segment.SegmentType:
			out = append(out, fmt.Sprintf("%x", l.e.Segment.ID))
		case segment.AttachmentType:
			out = append(out, fmt.Sprintf("%s %d %d %x", l.e.Attachment.MessageID, l.e.Attachment.Part, l.e.Attachment.Size, sha256.Sum256(l.data)))
		}
	}
	return out
}

func info(id byte, sharedBy string) segment.TransferInfo {
	return segment.TransferInfo{ID: [32]byte{id}, Started: base, Sender: "old phone", SharedBy: sharedBy, Messages: 100}
}

// begin opens a transfer and lists everything, as a session does.
func begin(t testing.TB, s *Store, in segment.TransferInfo, all []leaf) []segment.Want {
	t.Helper()
	if err := s.Begin(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	var wants []segment.Want
	for i := 0; i < len(all); {
		if all[i].e.Type == segment.RoomType {
			i++
			continue
		}
		var part []segment.Entry
		room := all[i].room
		for ; i < len(all) && all[i].e.Type != segment.RoomType && len(part) < 7; i++ {
			part = append(part, all[i].e)
		}
		w, err := s.Have(t.Context(), room, part)
		if err != nil {
			t.Fatal(err)
		}
		if len(w) != len(part) {
			t.Fatalf("%d wants for %d entries", len(w), len(part))
		}
		wants = append(wants, w...)
	}
	return wants
}

func stageOne(t testing.TB, s *Store, l leaf) segment.Ledger {
	t.Helper()
	switch l.e.Type {
	case segment.SegmentType:
		ledger, err := s.StageSegment(t.Context(), l.room, l.e.Segment, l.data)
		if err != nil {
			t.Fatal(err)
		}
		if ledger.Columns() != l.e.Segment.Items || ledger.Source != l.e.Segment.Items {
			t.Fatalf("ledger %+v for %d items", ledger, l.e.Segment.Items)
		}
		return ledger
	case segment.AttachmentType:
		w, err := s.StageAttachment(t.Context(), l.room, l.seg, l.e.Attachment, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(l.data); err != nil {
			t.Fatal(err)
		}
		if err := w.Commit(sha256.Sum256(l.data)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return segment.Ledger{}
}

// transferTo imports everything that src has and the store asks for.
func transferTo(t testing.TB, s *Store, in segment.TransferInfo, src *history.Source) segment.Ledger {
	t.Helper()
	all := leaves(t, src)
	wants := begin(t, s, in, all)
	var ledger segment.Ledger
	for _, l := range all {
		if l.e.Type == segment.RoomType {
			continue
		}
		if wants[0].Need {
			ledger.Add(stageOne(t, s, l))
		} else if l.e.Type == segment.SegmentType {
			ledger.Source += l.e.Segment.Items
			ledger.There += l.e.Segment.Items
		}
		wants = wants[1:]
	}
	if err := s.Commit(t.Context(), segment.End{Root: [32]byte{1}, Ledger: ledger}, []byte("receipt")); err != nil {
		t.Fatal(err)
	}
	return ledger
}

func collect[T any](t testing.TB, seq iter.Seq2[T, error]) []T {
	t.Helper()
	var out []T
	for m, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, m)
	}
	return out
}

func conversation(t testing.TB, s *Store, room string) []Message {
	t.Helper()
	return collect(t, s.Messages(t.Context(), room, Query{}))
}

// asReader hides Close, so that a source over a store leaves it open.
type asReader struct{ *Store }

func (asReader) Close() error { return nil }

func sourceOfStore(s *Store) *history.Source {
	return history.NewSource(asReader{s}, history.SourceOptions{Now: func() time.Time { return base }})
}

func checked(t testing.TB, s *Store) {
	t.Helper()
	r, err := s.Check(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if !r.OK() {
		t.Fatalf("check: %+v", r)
	}
}
