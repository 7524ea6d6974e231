package history

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/testdata/sample"
)

// kept is content that a test holds, and counts who opens it.
type kept struct {
	size   int64 // as it says
	data   []byte
	err    error
	opened int
}

func (k *kept) Size() int64 { return k.size }

func (k *kept) Open(offset int64) (io.ReadCloser, error) {
	k.opened++
	if k.err != nil {
		return nil, k.err
	}
	return io.NopCloser(iotest.OneByteReader(bytes.NewReader(k.data[min(offset, int64(len(k.data))):]))), nil
}

// apartFrom takes the contents out of a vCon's attachments.
func apartFrom(t *testing.T, v *codec.VCon) (*codec.VCon, []Content) {
	t.Helper()
	out := *v
	out.Attachments = slices.Clone(v.Attachments)
	contents := make([]Content, len(v.Attachments))
	for i := range out.Attachments {
		data, err := out.Attachments[i].Content()
		if err != nil {
			t.Fatal(err)
		}
		contents[i] = &kept{size: int64(len(data)), data: data}
		out.Attachments[i].Body = codec.Body{}
	}
	return &out, contents
}

// built is the Reader of a Builder to which add added something.
func built(t *testing.T, add func(b *Builder) error) Reader {
	t.Helper()
	b := NewBuilder(Options{TempDir: t.TempDir()})
	if err := add(b); err != nil {
		t.Fatal(err)
	}
	r, err := b.Reader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// contentsOf reads all attachments of a source, twice, the second time from
// their second byte on.
func contentsOf(t *testing.T, r Reader) map[string]string {
	t.Helper()
	all := map[string]string{}
	s := NewSource(r, SourceOptions{Now: longAgo})
	for page, err := range s.Manifest(t.Context(), segment.Scope{}) {
		if err != nil {
			t.Fatal(err)
		}
		var room string
		var of segment.ID
		for _, e := range page.Entries {
			switch e.Type {
			case segment.RoomType:
				room = e.Room.ID
			case segment.SegmentType:
				of = e.Segment.ID
			case segment.AttachmentType:
				for _, offset := range []uint64{1, 0} {
					c, err := s.OpenAttachment(t.Context(), room, of, e.Attachment, offset)
					if err != nil {
						t.Fatal(err)
					}
					data, err := io.ReadAll(c)
					if err := errors.Join(err, c.Close()); err != nil || uint64(len(data)) != e.Attachment.Size-offset {
						t.Fatalf("%d bytes of %d from %d: %v", len(data), e.Attachment.Size, offset, err)
					}
					all[entryName(e.Attachment)] = string(data)
				}
			}
		}
	}
	return all
}

// One history, however it comes, is one history: segments, contents, ledger.
func TestBuilderMakesTheHistoryOfOpenFiles(t *testing.T) {
	small, err := codec.DecodeCBOR(sample.CBOR)
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]*codec.VCon{"sample": small, "generated": newMaker(3, room, 6).history(700)} {
		raw, err := v.AppendCBOR(nil)
		if err != nil {
			t.Fatal(err)
		}
		path := write(t, "x.cbor", raw)
		want := open(t, path)
		ids, contents := list(t, NewSource(want, SourceOptions{Now: longAgo}), segment.Scope{}), contentsOf(t, want)
		if len(contents) == 0 {
			t.Fatal("there are no contents")
		}
		for how, add := range map[string]func(b *Builder) error{
			"file":  func(b *Builder) error { return b.AddPath(t.Context(), path) },
			"input": func(b *Builder) error { b.opts.Stdin = bytes.NewReader(raw); return b.AddPath(t.Context(), "-") },
			"vCon":  func(b *Builder) error { return b.AddVCon(t.Context(), "x", v, nil) },
			"vCon and contents": func(b *Builder) error {
				v, contents := apartFrom(t, v)
				return b.AddVCon(t.Context(), "x", v, contents)
			},
			"vCon whose bodies are not asked": func(b *Builder) error {
				_, contents := apartFrom(t, v)
				other := *v
				other.Attachments = slices.Clone(v.Attachments)
				for i := range other.Attachments {
					other.Attachments[i].Body = codec.Body{Kind: codec.BodyText, Data: []byte("not this")}
				}
				return b.AddVCon(t.Context(), "x", &other, contents)
			},
			"files as a reader": func(b *Builder) error { return b.AddReader(t.Context(), want) },
			"reader of contents apart": func(b *Builder) error {
				v, contents := apartFrom(t, v)
				r := built(t, func(b *Builder) error { return b.AddVCon(t.Context(), "x", v, contents) })
				return b.AddReader(t.Context(), r)
			},
			"file twice": func(b *Builder) error {
				return errors.Join(b.AddPath(t.Context(), path), b.AddPath(t.Context(), path))
			},
			"vCon beside its file": func(b *Builder) error {
				v, contents := apartFrom(t, v)
				return errors.Join(b.AddVCon(t.Context(), "x", v, contents), b.AddPath(t.Context(), path), b.AddReader(t.Context(), want))
			},
		} {
			got := built(t, add)
			l := list(t, NewSource(got, SourceOptions{Now: longAgo}), segment.Scope{})
			if !sameIDs(l.ids, ids.ids) {
				t.Errorf("%s, %s: other segments", name, how)
			}
			if !maps.Equal(contentsOf(t, got), contents) {
				t.Errorf("%s, %s: other contents", name, how)
			}
		}
	}
}

func TestBuilderWritesNoMedia(t *testing.T) {
	m := newMaker(1, room, 3)
	m.attach(m.text("look"), 1, pattern(3<<20))
	v, contents := apartFrom(t, m.v)
	one := contents[0].(*kept)
	var r Reader
	for _, v := range []*codec.VCon{m.v, v} { // with a body, which is passed over, and without
		r = built(t, func(b *Builder) error { return b.AddVCon(t.Context(), "x", v, contents) })
		if n := r.(*files).spool.Len(); n == 0 || n > 4096 {
			t.Errorf("%d bytes are spooled", n)
		}
	}
	again := built(t, func(b *Builder) error { return b.AddReader(t.Context(), r) })
	if n := again.(*files).spool.Len(); n == 0 || n > 4096 {
		t.Errorf("%d bytes are spooled of a reader", n)
	}
	if len(contentsOf(t, again)) != 1 || one.opened == 0 {
		t.Error("the content is not there")
	}
	var out bytes.Buffer
	info, err := again.Rooms(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteVCon(t.Context(), &out, again, info[0], WriteOptions{}); err != nil || !bytes.Contains(out.Bytes(), one.data) {
		t.Errorf("written for people it is without its content: %v", err)
	}
}

// What a caller does with its vCon afterwards is no matter of ours.
func TestBuilderKeepsNothingOfTheCaller(t *testing.T) {
	m := newMaker(1, room, 3)
	m.attach(m.text("look"), 1, []byte("content"))
	v, contents := apartFrom(t, m.v)
	want := list(t, NewSource(built(t, func(b *Builder) error { return b.AddVCon(t.Context(), "x", v, contents) }), SourceOptions{}), segment.Scope{})
	got := built(t, func(b *Builder) error {
		if err := b.AddVCon(t.Context(), "x", v, contents); err != nil {
			return err
		}
		clear(v.Dialog[0].Body.Data)
		clear(contents)
		v.Room.Name, v.Parties[1].Name, v.Attachments[0].MediaType = "", "", ""
		clear(v.Dialog)
		return nil
	})
	if l := list(t, NewSource(got, SourceOptions{}), segment.Scope{}); !sameIDs(l.ids, want.ids) || len(l.atts) != 1 || len(contentsOf(t, got)) != 1 {
		t.Error("another history")
	}
}

func TestBuilderAddsLedgers(t *testing.T) {
	lost := segment.Ledger{Source: 2}
	lost.AddQuarantined(segment.Malformed, 2)
	inner := built(t, func(b *Builder) error {
		b.AddLeft(lost)
		return b.AddVCon(t.Context(), "x", newMaker(1, room, 3).history(5), nil)
	})
	r := built(t, func(b *Builder) error {
		b.AddLeft(lost)
		return b.AddReader(t.Context(), inner)
	})
	if left, err := r.Left(t.Context()); err != nil || left.Source != 4 || left.Quarantined[segment.Malformed] != 4 {
		t.Errorf("left %v, %v", left, err)
	}
}

func TestBuilderRefuses(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	v := newMaker(1, room, 3).history(5)
	// An error stays.
	b := NewBuilder(Options{TempDir: dir})
	if err := b.AddVCon(ctx, "mine", v, make([]Content, len(v.Attachments)+1)); err == nil {
		t.Error("more contents than attachments")
	}
	if err := b.AddVCon(ctx, "mine", v, nil); err == nil {
		t.Error("something was added after an error")
	}
	if _, err := b.Reader(ctx); err == nil {
		t.Error("half a history is read")
	}
	// A Builder is used once.
	for name, end := range map[string]func(b *Builder) error{
		"Close":  (*Builder).Close,
		"Reader": func(b *Builder) error { r, err := b.Reader(ctx); return errors.Join(err, r.Close()) },
	} {
		b := NewBuilder(Options{TempDir: dir})
		if err := errors.Join(b.AddVCon(ctx, "mine", v, nil), end(b), b.Close()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		b.AddLeft(segment.Ledger{Source: 1})
		_, err := b.Reader(ctx)
		for _, err := range []error{err, b.AddPath(ctx, dir), b.AddVCon(ctx, "mine", v, nil), b.AddReader(ctx, FromVCons(nil))} {
			if !errors.Is(err, errBuilt) {
				t.Errorf("after %s: %v", name, err)
			}
		}
	}
	// What is spooled is limited in all.
	lim := limits{files: 2, items: 100, rooms: 9}
	raw, err := v.AppendCBOR(nil)
	if err != nil {
		t.Fatal(err)
	}
	for less, over := range []bool{false, true} {
		lim.spool = int64(2*len(raw) - less)
		b := NewBuilder(Options{TempDir: dir, limits: &lim})
		first := b.AddVCon(ctx, "mine", v, nil)
		if err := b.AddVCon(ctx, "mine", v, nil); first != nil || isLimit(err) != over {
			t.Errorf("%d bytes of %d: %v, %v", 2*len(raw), lim.spool, first, err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
	// So are files, those of all paths and standard input together.
	lim.spool = maxSpool
	for n, over := range []bool{false, true} {
		b := NewBuilder(Options{limits: &lim, Stdin: bytes.NewReader(raw)})
		err := b.AddPath(ctx, write(t, "x.cbor", raw))
		for range n {
			err = errors.Join(err, b.AddPath(ctx, write(t, "x.cbor", raw)))
		}
		if last := b.AddPath(ctx, "-"); err != nil || isLimit(last) != over {
			t.Errorf("%d files and standard input: %v, %v", n+1, err, last)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
	if names, err := filepath.Glob(filepath.Join(dir, "*")); len(names) > 0 || err != nil {
		t.Errorf("left behind: %v, %v", names, err)
	}
	// A vCon that CBOR does not have is an error with its name.
	b = NewBuilder(Options{TempDir: dir})
	err = b.AddVCon(ctx, "mine", &codec.VCon{Version: "\xff"}, nil)
	if e, ok := errors.AsType[*FileError](err); !ok || e.File != "mine" {
		t.Errorf("a vCon that is none: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	// An error of a Reader is its own.
	whole := FromVCons([]*codec.VCon{v})
	for i, r := range []broken{{Reader: whole, rooms: true}, {Reader: whole, heads: true}, {Reader: whole, items: true}, {Reader: whole, left: true}} {
		b := NewBuilder(Options{TempDir: dir})
		if err := b.AddReader(ctx, r); !errors.Is(err, errFailing) {
			t.Errorf("%d: %v", i, err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	if err := NewBuilder(Options{}).AddVCon(stopped, "mine", v, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// counter counts how often it is closed.
type counter struct{ closed int }

func (c *counter) Close() error { c.closed++; return errFailing }

func TestBuilderClosesWhatItOwns(t *testing.T) {
	var reader, builder counter
	b := NewBuilder(Options{})
	b.Own(&reader)
	r, err := b.Reader(t.Context())
	if err != nil || reader.closed != 0 {
		t.Fatal(err)
	}
	if err := r.Close(); !errors.Is(err, errFailing) || reader.closed != 1 {
		t.Errorf("closed %d times: %v", reader.closed, err)
	}
	if err := r.Close(); err != nil || reader.closed != 1 {
		t.Errorf("closed %d times: %v", reader.closed, err)
	}
	b = NewBuilder(Options{})
	b.Own(&builder)
	if err := b.Close(); !errors.Is(err, errFailing) || builder.closed != 1 {
		t.Errorf("closed %d times: %v", builder.closed, err)
	}
	b.Own(&builder) // too late
}

// The file of a large source has no name and nothing in clear.
func TestBuilderLeavesNothingInClear(t *testing.T) {
	dir := t.TempDir()
	m := newMaker(1, room, 3)
	for i := range 12000 {
		m.text(fmt.Sprintf("the old mill at nine, number %d, and not a word to anybody about where the key to the boat is kept", i))
	}
	b := NewBuilder(Options{TempDir: dir})
	if err := b.AddVCon(t.Context(), "mine", m.v, nil); err != nil {
		t.Fatal(err)
	}
	raw := onDisk(t, b.f.spool)
	if len(raw) < 1<<16 || bytes.Contains(raw, []byte("old mill")) || bytes.Contains(raw, []byte("example.com")) {
		t.Errorf("%d bytes on disk, or some of them in clear", len(raw))
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) > 0 && runtime.GOOS != "windows" {
		t.Errorf("the file has a name: %v, %v", names, err)
	}
	r, err := b.Reader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if l := list(t, NewSource(r, SourceOptions{}), segment.Scope{}); len(l.items()) < 12000 {
		t.Errorf("%d items", len(l.items()))
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) > 0 {
		t.Errorf("left behind: %v, %v", names, err)
	}
}
