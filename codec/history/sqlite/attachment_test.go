package sqlite

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// withPicture is a room with one message that refers to content.
func withPicture(t testing.TB, content []byte, declared string, change func(d *codec.Dialog, a *codec.Attachment)) *chat {
	c := newChat(t, "Ann")
	d := c.say(said{by: "Ann"})
	size := uint64(len(content))
	d.Body, d.MediaType, d.Encoding = codec.Body{}, "", ""
	d.ExternalPart = &codec.ExternalPart{
		MediaType: "image/png", URL: "https://example.com/p.png", Size: &size, Filename: "p.png", ContentHash: declared, Cached: true,
	}
	a := codec.Attachment{
		Start: "2024-05-01T08:00:00Z", Party: new(uint32(1)), MediaType: "image/png", Filename: "p.png", ContentHash: declared,
		DialogObjectRef: "mid:" + string(d.MessageID) + ":0@anon.invalid", Encoding: "base64url",
		Body: codec.Body{Kind: codec.BodyBytes, Data: content},
	}
	if change != nil {
		change(d, &a)
	}
	c.v.Attachments = append(c.v.Attachments, a)
	return c
}

func sha256Of(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + base64.RawURLEncoding.EncodeToString(sum[:])
}

func pictureLeaf(t testing.TB, c *chat) leaf {
	t.Helper()
	for _, l := range leaves(t, c.source()) {
		if l.e.Type == segment.AttachmentType {
			return l
		}
	}
	t.Fatal("no attachment in the manifest")
	return leaf{}
}

func TestAttachmentInPieces(t *testing.T) {
	content := bytes.Repeat([]byte("harbour "), 1000)
	c := withPicture(t, content, sha256Of(content), nil)
	path := filepath.Join(t.TempDir(), "history.db")
	all, l := leaves(t, c.source()), pictureLeaf(t, c)
	for _, cut := range []int{0, 1, 100, 4000, len(content)} {
		s, closeIt := openStore(t, path)
		wants := begin(t, s, info(1, ""), all)
		w := wants[len(wants)-1]
		f, err := s.StageAttachment(t.Context(), l.room, l.seg, l.e.Attachment, w.Offset)
		if err != nil {
			t.Fatal(err)
		}
		if !w.Need || int(w.Offset) > cut {
			t.Fatalf("want %+v before %d", w, cut)
		}
		if _, err := f.Write(content[w.Offset:cut]); err != nil {
			t.Fatal(err)
		}
		if _, err := s.StageAttachment(t.Context(), l.room, l.seg, l.e.Attachment, w.Offset); err == nil {
			t.Error("two writers of one attachment")
		}
		if cut < len(content) {
			// The process dies: nothing is closed properly, or at least not committed.
			if cut%2 == 0 {
				if err := f.Close(); err != nil {
					t.Fatal(err)
				}
			}
			closeIt()
			continue
		}
		if err := f.Commit(sha256.Sum256(content)); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte("more")); err == nil {
			t.Error("write after commit")
		}
		if err := f.Commit([32]byte{}); err == nil {
			t.Error("commit twice")
		}
		for _, l := range all {
			if l.e.Type == segment.SegmentType {
				stageOne(t, s, l)
			}
		}
		wants = begin(t, s, info(2, ""), all)
		if w := wants[len(wants)-1]; w.Need || w.Have != sha256.Sum256(content) {
			t.Errorf("want %+v", w)
		}
		unfinishedOnes, err := os.ReadDir(path + ".attachments/" + unfinished)
		if err != nil || len(unfinishedOnes) != 0 {
			t.Errorf("left over: %v, %v", unfinishedOnes, err)
		}
		checked(t, s)
		closeIt()
	}
}

func TestAttachmentRefused(t *testing.T) {
	content := []byte("a picture")
	c := withPicture(t, content, "", nil)
	l := pictureLeaf(t, c)
	s := newStore(t)
	if _, err := s.StageAttachment(t.Context(), l.room, l.seg, l.e.Attachment, 0); !errors.Is(err, ErrNoTransfer) {
		t.Errorf("before begin: %v", err)
	}
	begin(t, s, info(1, ""), leaves(t, c.source()))
	stage := func(write []byte) error {
		t.Helper()
		w, err := s.StageAttachment(t.Context(), l.room, l.seg, l.e.Attachment, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err1 := w.Write(write)
		return errors.Join(err1, w.Commit(sha256.Sum256(content)), w.Close())
	}
	for name, data := range map[string][]byte{"other": []byte("a PICTURE"), "short": content[1:], "long": append([]byte("x"), content...), "empty": nil} {
		if err := stage(data); !errors.Is(err, segment.ErrHash) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A part that is there is written again from an earlier place.
	w, err := s.StageAttachment(t.Context(), l.room, l.seg, l.e.Attachment, 0)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := w.Write(append(content[1:], 1, 2)); n != 0 || !errors.Is(err, segment.ErrHash) {
		t.Errorf("more than announced: %d, %v", n, err)
	}
	if err := w.Commit(sha256.Sum256(content)); !errors.Is(err, segment.ErrHash) {
		t.Errorf("commit after a failed write: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, keep := range [][]byte{content[:5], content[:2]} {
		if w, err = s.StageAttachment(t.Context(), l.room, l.seg, l.e.Attachment, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(keep); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		have, err := s.Have(t.Context(), l.room, []segment.Entry{{Type: segment.AttachmentType, Attachment: l.e.Attachment}})
		if err != nil || have[0].Offset != uint64(len(keep)) {
			t.Errorf("%+v, %v", have, err)
		}
	}
	for _, e := range []struct {
		size, offset uint64
		ok           bool
	}{{maxAttachment, 0, true}, {maxAttachment + 1, 0, false}, {5, 6, false}, {5, 5, false}} {
		entry := segment.AttachmentEntry{MessageID: "m", Size: e.size}
		w, err := s.StageAttachment(t.Context(), l.room, l.seg, entry, e.offset)
		if (err == nil) != e.ok {
			t.Errorf("size %d from %d: %v", e.size, e.offset, err)
		}
		if w != nil {
			w.Close()
		}
		_, err = s.Have(t.Context(), l.room, []segment.Entry{{Type: segment.AttachmentType, Attachment: entry}})
		if (err == nil) != (e.size <= maxAttachment) {
			t.Errorf("have with size %d: %v", e.size, err)
		}
	}
	if err := stage(content); err != nil {
		t.Fatal(err)
	}
}

// A content that is held is not asked for again under another message.
func TestAttachmentByHash(t *testing.T) {
	content := []byte("a picture")
	s := newStore(t)
	transferTo(t, s, info(1, ""), withPicture(t, content, "", nil).source())
	if err := s.Begin(t.Context(), info(2, "")); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	e := segment.AttachmentEntry{MessageID: "another", Part: 3, Size: uint64(len(content)), SHA256: &sum}
	room := segment.RoomEntry{ID: roomURI, Name: "Harbour"}
	w, err := s.Have(t.Context(), room, []segment.Entry{{Type: segment.AttachmentType, Attachment: e}})
	if err != nil || w[0].Need || w[0].Have != sum {
		t.Fatal(w, err)
	}
	r, err := s.OpenAttachment(t.Context(), roomURI, e, 2)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	r.Close()
	if err != nil || string(got) != "picture" {
		t.Errorf("%q, %v", got, err)
	}
	e.Size++
	if w, err := s.Have(t.Context(), room, []segment.Entry{{Type: segment.AttachmentType, Attachment: e}}); err != nil || !w[0].Need {
		t.Errorf("another size: %v, %v", w, err)
	}
}

// A tombstone takes the content of its message along, unless another message has
// it too.
func TestTombstoneTakesContent(t *testing.T) {
	content := []byte("a picture")
	for _, shared := range []bool{false, true} {
		s := newStore(t)
		c := withPicture(t, content, "", nil)
		transferTo(t, s, info(1, ""), c.source())
		sum := sha256.Sum256(content)
		if shared {
			if err := s.Begin(t.Context(), info(2, "")); err != nil {
				t.Fatal(err)
			}
			e := segment.AttachmentEntry{MessageID: "another", Size: uint64(len(content)), SHA256: &sum}
			if _, err := s.Have(t.Context(), segment.RoomEntry{ID: roomURI}, []segment.Entry{{Type: segment.AttachmentType, Attachment: e}}); err != nil {
				t.Fatal(err)
			}
		}
		d := c.v.Dialog[0]
		c.v.Dialog[0] = codec.Dialog{Type: "tombstone", Start: d.Start, MessageID: d.MessageID, Status: "retracted"}
		c.v.Attachments = nil
		transferTo(t, s, info(3, ""), c.source())
		if there, err := s.files.holds(sum[:], uint64(len(content))); err != nil || there != shared {
			t.Errorf("shared %v: content there %v, %v", shared, there, err)
		}
		checked(t, s)
	}
}

// Nothing that a peer names becomes a path.
func TestNamesAreNoPaths(t *testing.T) {
	s := newStore(t)
	if err := s.Begin(t.Context(), info(1, "")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"../../x", "/etc/passwd", "a\x00b", string(make([]byte, 500)), "con", ""} {
		e := segment.AttachmentEntry{MessageID: name, Filename: name, MediaType: name, Declared: name, Size: 1}
		w, err := s.StageAttachment(t.Context(), segment.RoomEntry{ID: "room/../" + name}, segment.ID{}, e, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte{1}); err != nil {
			t.Fatal(err)
		}
		if err := w.Commit(sha256.Sum256([]byte{1})); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(s.files.dir)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte{1})
	for _, e := range entries {
		if e.Name() != unfinished && e.Name() != hex.EncodeToString(sum[:]) {
			t.Errorf("file %q", e.Name())
		}
	}
}

// A link in the folder leads nowhere outside of it.
func TestFolderIsARoot(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside")
	content := []byte(outside) // as long as the link that is to take its place
	s := newStore(t)
	c := withPicture(t, content, "", nil)
	transferTo(t, s, info(1, ""), c.source())
	sum := sha256.Sum256(content)
	name := filepath.Join(s.files.dir, hex.EncodeToString(sum[:]))
	if err := errors.Join(os.WriteFile(outside, content, 0o600), os.Remove(name), os.Symlink(outside, name)); err != nil {
		t.Fatal(err)
	}
	if a := conversation(t, s, roomURI)[0].Attachments[0]; a.Have {
		t.Errorf("a link counts as content: %+v", a)
	}
	if _, err := s.OpenAttachment(t.Context(), roomURI, pictureLeaf(t, c).e.Attachment, 0); !errors.Is(err, segment.ErrContentAbsent) {
		t.Errorf("a link is opened: %v", err)
	}
}
