package history

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/testdata/sample"
)

func TestWalk(t *testing.T) {
	dir := t.TempDir()
	put := func(name string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, sample.CBOR, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"b.vcon", "a/c.CBOR", "a/d.vcon.json", ".hidden.vcon", ".dir/e.vcon", "notes.txt", "attachments/00"} {
		put(name)
	}
	if err := os.Symlink(filepath.Join(dir, "b.vcon"), filepath.Join(dir, "link.vcon")); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, path := range []string{dir, filepath.Join(dir, "notes.txt")} {
		files, err := walk(t.Context(), path, maxFiles)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			name, _ := filepath.Rel(dir, f.path)
			names = append(names, filepath.ToSlash(name))
		}
	}
	if got := strings.Join(names, " "); got != "a/c.CBOR a/d.vcon.json b.vcon notes.txt" {
		t.Errorf("files: %s", got)
	}
	empty := t.TempDir()
	for path, want := range map[string]string{
		empty:                        "no vCon files",
		filepath.Join(dir, "absent"): "no such file",
		"-":                          "no standard input",
	} {
		_, err := OpenFiles(t.Context(), []string{path}, Options{})
		if e, ok := errors.AsType[*FileError](err); !ok || e.File != path || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	deep := filepath.Join(t.TempDir(), strings.Repeat("d/", maxFileDepth+1))
	if err := os.MkdirAll(deep, 0o700); err != nil {
		t.Fatal(err)
	}
	top := deep[:len(deep)-2*(maxFileDepth+1)]
	if _, err := walk(t.Context(), top, maxFiles); !isLimit(err) {
		t.Errorf("folders %d deep: %v", maxFileDepth+1, err)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(filepath.Clean(deep)), "x.vcon"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(deep); err != nil {
		t.Fatal(err)
	}
	if files, err := walk(t.Context(), top, maxFiles); err != nil || len(files) != 1 {
		t.Errorf("folders %d deep: %v", maxFileDepth, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := OpenFiles(ctx, []string{dir}, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func isLimit(err error) bool { _, ok := errors.AsType[*LimitError](err); return ok }

func TestStandardInputIsSpooled(t *testing.T) {
	tmp := t.TempDir()
	for _, pad := range []int{0, (heldChunks + 3) * spoolChunk} { // in memory, and in a file
		text := append(bytes.Clone(sample.JSON), bytes.Repeat([]byte(" "), pad)...)
		r, err := OpenFiles(t.Context(), []string{"-"}, Options{Stdin: bytes.NewReader(text), TempDir: tmp})
		if err != nil {
			t.Fatal(err)
		}
		if l := list(t, NewSource(r, SourceOptions{}), segment.Scope{}); len(l.items()) == 0 {
			t.Error("nothing was read")
		}
		if file := r.(*files).spool.file; (file != nil) != (pad > 0) {
			t.Errorf("of %d bytes there is a file: %t", len(text), file != nil)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := OpenFiles(t.Context(), []string{"-"}, Options{Stdin: strings.NewReader("{"), TempDir: tmp}); err == nil {
		t.Error("half a vCon was read")
	}
	if _, err := OpenFiles(t.Context(), []string{"-"}, Options{Stdin: io.MultiReader(strings.NewReader("{"), failing{}), TempDir: tmp}); !errors.Is(err, errFailing) {
		t.Errorf("failing input: %v", err)
	}
	if _, err := OpenFiles(t.Context(), []string{"-"}, Options{Stdin: zeros{}, TempDir: filepath.Join(tmp, "absent")}); !isSpool(err) {
		t.Errorf("no place for a file: %v", err)
	}
	if names, err := os.ReadDir(tmp); len(names) != 0 || err != nil {
		t.Errorf("%d files are still there, %v", len(names), err)
	}
}

func isSpool(err error) bool { _, ok := errors.AsType[*SpoolError](err); return ok }

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

type failing struct{}

var errFailing = errors.New("device broke")

func (failing) Read([]byte) (int, error) { return 0, errFailing }

func TestTruncatedFilesAreErrors(t *testing.T) {
	for name, whole := range map[string][]byte{"s.cbor": sample.CBOR, "s.json": bytes.TrimSpace(sample.JSON)} {
		path := filepath.Join(t.TempDir(), name)
		step := max(1, len(whole)/150)
		for n := 0; n < len(whole); n += step {
			if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := OpenFiles(t.Context(), []string{path}, Options{})
			e, ok := errors.AsType[*FileError](err)
			if !ok || e.File != path {
				t.Fatalf("%d of %d bytes of %s: %v", n, len(whole), name, err)
			}
			if _, ok := errors.AsType[*codec.Error](err); !ok {
				t.Fatalf("%d bytes of %s: no place: %v", n, name, err)
			}
		}
	}
}

func TestWhatIsNoVConIsNamed(t *testing.T) {
	for text, want := range map[string]string{
		`{"name":"left-pad","version":"1.0.0"}`:                  "not a vCon",
		`{"vcon":"0.4.0","parties":[{"name":"x"},null]}`:         "/parties",
		`{"vcon":"0.4.0","dialog":[{"type":"text","type":"x"}]}`: "duplicate name",
		`[]`:           "neither",
		"\xff\xff\xff": "neither",
	} {
		_, err := OpenFiles(t.Context(), []string{write(t, "x.vcon", []byte(text))}, Options{})
		if _, ok := errors.AsType[*FileError](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := OpenFiles(t.Context(), []string{t.TempDir() + "/../."}, Options{}); err == nil {
		t.Error("a folder without vCons is a source")
	}
}

// ledgerOf indexes one text and says what is left and what travels.
func ledgerOf(t *testing.T, text string) (listing, segment.Ledger) {
	t.Helper()
	r := open(t, write(t, "x.vcon", []byte(text)))
	left, err := r.Left(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return list(t, NewSource(r, SourceOptions{}), segment.Scope{}), left
}

func TestWhatCannotTravelIsCounted(t *testing.T) {
	for _, c := range []struct {
		name, text string
		items      int
		reason     segment.Reason
		n, atts    uint64
	}{
		{"critical", `{"vcon":"0.4.0","uuid":"a","critical":["warp drive"],"dialog":[{"type":"text"},{"type":"text"}],"attachments":[{"body":"x"}]}`, 0, segment.Unsupported, 2, 1},
		{"critical behind the dialogs", `{"vcon":"0.4.0","room":{"id":"r"},"parties":[{}],"dialog":[{"type":"text","message_id":"AA"}],"critical":["warp drive"]}`, 0, segment.Unsupported, 1, 0},
		{"must_support", `{"vcon":"0.3.0","uuid":"a","must_support":["warp drive"],"dialog":[{"type":"text"}]}`, 0, segment.Unsupported, 1, 0},
		{"critical of another form", `{"vcon":"0.4.0","uuid":"a","critical":7,"dialog":[{"type":"text"}]}`, 0, segment.Unsupported, 1, 0},
		{"critical that we know", `{"vcon":"0.4.0","uuid":"a","critical":["mimi-messages"],"dialog":[{"type":"text"}]}`, 1, "", 0, 0},
		{"signed, with parties beside it", `{"parties":[],"payload":"x","signatures":[]}`, 0, "", 0, 0},
		{"not an object", `{"vcon":"0.4.0","uuid":"a","dialog":[7,{"type":"text"},null]}`, 1, segment.Malformed, 2, 0},
		{"party that is not there", `{"vcon":"0.4.0","uuid":"a","parties":[{}],"dialog":[{"type":"text","originator":1},{"type":"text","originator":0}]}`, 1, segment.Malformed, 1, 0},
		{"too large", `{"vcon":"0.4.0","uuid":"a","dialog":[{"type":"text","body":"` + strings.Repeat("x", segment.MaxRecord) + `"},{"type":"text"}]}`, 1, segment.TooLarge, 1, 0},
		{"much too large", `{"vcon":"0.4.0","uuid":"a","dialog":[{"type":"text"},{"type":"text","body":"` + strings.Repeat("x", codec.MaxElement) + `"}]}`, 1, segment.TooLarge, 1, 0},
		{"parameter too large", `{"vcon":"0.4.0","uuid":"a","dialog":[{"type":"text"}],"analysis":"` + strings.Repeat("x", codec.MaxElement) + `"}`, 1, segment.TooLarge, 1, 0},
		{"room id too long", `{"vcon":"0.4.0","room":{"id":"` + strings.Repeat("r", segment.MaxRoomID+1) + `"},"dialog":[{"type":"text"}]}`, 0, segment.TooLarge, 1, 0},
		{"dialog of another form", `{"vcon":"0.4.0","uuid":"a","dialog":{"type":"text"}}`, 0, segment.Malformed, 1, 0},
		{"attachment without a dialog", `{"vcon":"0.4.0","uuid":"a","attachments":[{"body":"x","encoding":"none"}]}`, 0, segment.Malformed, 0, 1},
		{"attachment of another dialog", `{"vcon":"0.4.0","uuid":"a","dialog":[{"type":"text"}],"attachments":[{"body":"x","encoding":"none","dialog":3}]}`, 1, segment.Malformed, 0, 1},
		{"attachment of nobody", `{"vcon":"0.4.0","uuid":"a","dialog":[{"type":"text"}],"attachments":[{"body":"x","party":5}, 9]}`, 1, segment.Malformed, 0, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, left := ledgerOf(t, c.text)
			if len(l.items()) != c.items || left.Quarantined[c.reason] != c.n || left.AttachmentsQuarantined[c.reason] != c.atts {
				t.Errorf("%d items, left %+v", len(l.items()), left)
			}
			if !left.Equal(l.left) {
				t.Errorf("manifest leaves %+v", l.left)
			}
		})
	}
}

func TestAttachmentsWithoutAMessageStayWithADialog(t *testing.T) {
	l, left := ledgerOf(t, `{"vcon":"0.4.0","uuid":"a","parties":[{"name":"x"}],
		"dialog":[{"type":"text","start":"2024-01-01T00:00:00Z","body":"a","encoding":"none"},{"type":"text","start":"2024-01-02T00:00:00Z","body":"b","encoding":"none","message_id":"AA"}],
		"attachments":[{"type":"contract","party":0,"body":"one","encoding":"none"},
			{"type":"invoice","dialog":1,"body":"two two","encoding":"none"},
			{"type":"remote","dialog":1,"url":"https://example.com/x"},
			{"type":"lost","dialog_object_ref":"mid:BB:0@anon.invalid","body":"three","encoding":"none"}]}`)
	if len(l.atts) != 2 || l.left.AttachmentsExcluded[segment.ContentAbsent] != 1 || left.AttachmentsExcluded[segment.Dangling] != 1 {
		t.Errorf("%d entries, left %+v", len(l.atts), l.left)
	}
	items := l.items()
	a, b := items[len(items)-2], items[len(items)-1]
	if len(a.Attachments) != 1 || a.Attachments[0].Type != "contract" || len(b.Attachments) != 2 {
		t.Errorf("%d and %d attachments", len(a.Attachments), len(b.Attachments))
	}
}

func TestOneRoomInSeveralFiles(t *testing.T) {
	v := newMaker(5, room, 5).history(200)
	half := func(lo, hi int) []byte {
		c := *v
		c.Dialog = v.Dialog[lo:hi]
		data, err := c.AppendCBOR(nil)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	dir := t.TempDir()
	for name, data := range map[string][]byte{"b.vcon": half(0, 120), "a.vcon": half(80, 200)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := list(t, NewSource(FromVCons([]*codec.VCon{v}), SourceOptions{Now: longAgo}), segment.Scope{})
	got := list(t, NewSource(open(t, dir), SourceOptions{Now: longAgo}), segment.Scope{})
	if !sameIDs(got.ids, want.ids) {
		t.Error("two files that overlap are another history than one")
	}
	if got.left.Excluded[Duplicate] != 40 || got.left.AttachmentsExcluded[Duplicate] == 0 {
		t.Errorf("left %+v", got.left)
	}
	if want := uint64(200 + 40); got.left.Source+uint64(len(got.items())) != want {
		t.Errorf("%d items of %d", got.left.Source+uint64(len(got.items())), want)
	}
}

func TestTheVConThatBeginsFirstTellsTheRoom(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.vcon": `{"vcon":"0.4.0","room":{"id":"r","name":"later"},"subject":"later","x":1,"dialog":[{"type":"text","start":"2024-02-01T00:00:00Z"}]}`,
		"b.vcon": `{"vcon":"0.4.0","room":{"id":"r","name":"first"},"subject":"first","dialog":[{"type":"text","start":"2024-01-01T00:00:00Z"}]}`,
		"c.vcon": `{"vcon":"0.4.0","room":{"id":"r","name":"last"},"y":2,"dialog":[{"type":"text","start":"2024-03-01T00:00:00Z"}]}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rooms, err := open(t, dir).Rooms(t.Context())
	if err != nil || len(rooms) != 1 {
		t.Fatalf("%d rooms, %v", len(rooms), err)
	}
	r := rooms[0]
	if r.Room.Meta.Name != "first" || string(r.Room.Extra["subject"]) != "\x65first" || len(r.Room.Extra) != 3 || r.Items != 3 {
		t.Errorf("room %+v %v", r.Room.Meta, r.Room.Extra)
	}
}

func TestAVConWithoutARoomIsNamedAfterItself(t *testing.T) {
	for text, want := range map[string]string{
		`{"vcon":"0.4.0","uuid":"ABC","dialog":[{"type":"text"}]}`:                                      "vcon:abc",
		`{"dialog":[{"type":"text"}],"uuid":"ABC","vcon":"0.4.0"}`:                                      "vcon:abc",
		`{"vcon":"0.4.0","room":{"name":"no id"},"uuid":"abc","dialog":[{"type":"text"}],"parties":[]}`: "vcon:abc",
	} {
		l, _ := ledgerOf(t, text)
		if len(l.rooms) != 1 || l.rooms[0].ID != want {
			t.Errorf("%s: %v", text, l.rooms)
		}
	}
	// Without a uuid its content names it, the same from both encodings.
	v := &codec.VCon{Version: "0.0.1", Parties: []codec.Party{{Name: "a"}}, Dialog: []codec.Dialog{{Type: "text", Originator: new(uint32(0))}}}
	raw, err := v.AppendCBOR(nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := v.AppendJSON(nil)
	if err != nil {
		t.Fatal(err)
	}
	a := list(t, NewSource(open(t, write(t, "a.cbor", raw)), SourceOptions{}), segment.Scope{})
	b := list(t, NewSource(open(t, write(t, "b.json", text)), SourceOptions{}), segment.Scope{})
	c := list(t, NewSource(FromVCons([]*codec.VCon{v}), SourceOptions{}), segment.Scope{})
	if a.rooms[0] != b.rooms[0] || a.rooms[0] != c.rooms[0] || !sameIDs(a.ids, b.ids) || len(a.rooms[0].ID) != len("vcon:")+36 {
		t.Errorf("rooms %v %v %v", a.rooms, b.rooms, c.rooms)
	}
}

func TestAFileThatChangesIsNeverReadWrong(t *testing.T) {
	for _, name := range []string{"x.cbor", "x.json"} {
		data := sample.CBOR
		if strings.HasSuffix(name, "json") {
			data = sample.JSON
		}
		path := write(t, name, data)
		r := open(t, path)
		src := NewSource(r, SourceOptions{})
		var seg segment.Entry
		for page, err := range src.Manifest(t.Context(), segment.Scope{}) {
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Entries {
				if e.Type == segment.SegmentType && e.Segment.Kind == segment.Messages {
					seg = e
				}
			}
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		src.recent = recent{} // what is still in memory is still right
		if err := os.WriteFile(path, append(bytes.Clone(data), ' '), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := src.AppendSegment(t.Context(), seg.Segment.ID, nil); !errors.Is(err, ErrChanged) {
			t.Errorf("%s grew: %v", name, err)
		}
		if err := os.Chtimes(path, time.Time{}, info.ModTime()); err != nil {
			t.Fatal(err)
		}
		if _, err := src.AppendSegment(t.Context(), seg.Segment.ID, nil); !errors.Is(err, ErrChanged) {
			t.Errorf("%s grew, and hides it: %v", name, err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := r.(*files).opener.close(); err != nil {
			t.Fatal(err)
		}
		if _, err := src.AppendSegment(t.Context(), seg.Segment.ID, nil); !errors.Is(err, ErrChanged) {
			t.Errorf("%s went away: %v", name, err)
		}
		if _, err := src.AppendSegment(t.Context(), segment.ID{1}, nil); !errors.Is(err, ErrNotNamed) {
			t.Errorf("unknown segment: %v", err)
		}
	}
}

func TestOldNamesAreUpgradedOnRequest(t *testing.T) {
	path := write(t, "old.json", []byte(`{"vcon":"0.0.1","uuid":"a","parties":[{"imUri":"mimi://e/u/a"}],
		"dialog":[{"type":"text","originator":0,"messageId":"AA","mimeType":"text/plain","body":"x"}]}`))
	for _, upgrade := range []bool{false, true} {
		r, err := OpenFiles(t.Context(), []string{path}, Options{Upgrade: upgrade})
		if err != nil {
			t.Fatal(err)
		}
		items := list(t, NewSource(r, SourceOptions{}), segment.Scope{}).items()
		d := items[len(items)-1].Dialog
		if (d.MessageID == "AA") != upgrade || (items[len(items)-1].Parties[0].IMURI != "") != upgrade {
			t.Errorf("upgrade %v: %+v", upgrade, d)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func FuzzOpenFiles(f *testing.F) {
	v := newMaker(1, room, 3).history(30)
	raw, err := v.AppendCBOR(nil)
	if err != nil {
		f.Fatal(err)
	}
	text, err := v.AppendJSON(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add(text)
	f.Add([]byte(`{"vcon":"0.4.0","dialog":[{"vcon_transfer":{"instant":-5}}],"attachments":[{"body":"AA","encoding":"base64url","vcon_transfer":{"dialog":0,"size":9,"sha256":"00"}}]}`))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(dir, fmt.Sprintf("%d.vcon", os.Getpid()))
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := OpenFiles(t.Context(), []string{path}, Options{})
		if err != nil {
			if _, ok := errors.AsType[*FileError](err); !ok {
				t.Fatalf("not one of our errors: %v", err)
			}
			return
		}
		defer r.Close()
		// Whatever was read can be listed, sent, written for people and read again.
		want := list(t, NewSource(r, SourceOptions{Now: longAgo}), segment.Scope{})
		rooms, err := r.Rooms(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i, info := range rooms {
			var out bytes.Buffer
			if err := WriteVCon(t.Context(), &out, r, info, WriteOptions{}); err != nil {
				t.Fatal(err)
			}
			again := filepath.Join(dir, fmt.Sprintf("%d-%d.out", os.Getpid(), i))
			if err := os.WriteFile(again, out.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			back, err := OpenFiles(t.Context(), []string{again}, Options{})
			if err != nil {
				t.Fatal(err)
			}
			got := list(t, NewSource(back, SourceOptions{Now: longAgo}), segment.Scope{})
			if common(got.ids, want.ids) != len(got.ids) {
				t.Errorf("written and read again it is another history")
			}
			if err := errors.Join(back.Close(), os.Remove(again)); err != nil {
				t.Fatal(err)
			}
		}
	})
}
