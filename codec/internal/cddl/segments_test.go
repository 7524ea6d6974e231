package cddl_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/convert"
	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/internal/cddl"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/testdata"
	"github.com/vcon-transfer/vcon-transfer/testdata/gen"
)

// TestSegmentVectors: the segments of the vectors are of the strict grammar, and of
// the invalid ones those that one segment's shape can tell are not.
func TestSegmentVectors(t *testing.T) {
	s, n := ours(t), 0
	refused := map[string]string{}
	for _, name := range glob(t, vectors+"segment/*.json") {
		var v struct {
			Parser, Hex string
			Segments    []struct{ Hex string }
		}
		readJSON(t, name, &v)
		for _, one := range v.Segments {
			n++
			must(t, s, "segment", name, unhex(t, one.Hex))
		}
		if v.Parser == "segment" {
			refused[strings.TrimSuffix(filepath.Base(name), ".json")] = ""
			if err := s.Validate("segment", unhex(t, v.Hex)); isMismatch(err) {
				refused[strings.TrimSuffix(filepath.Base(name), ".json")], _, _ = strings.Cut(err.Error(), ":")
			} else if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if n < 4 {
		t.Errorf("%d segments", n)
	}
	want := map[string]string{
		"invalid-segment-attachment-content": "/attachments/0/body",
		"invalid-segment-critical":           "/critical",
		"invalid-segment-event":              "/dialog/1/party_history",
		"invalid-segment-no-kind":            "/vcon_transfer",
		"invalid-segment-version":            "/vcon",
		// What refers to something elsewhere is beyond CDDL.
		"invalid-segment-order": "", "invalid-segment-party-0": "", "invalid-segment-party-index": "",
	}
	if !maps.Equal(refused, want) {
		t.Errorf("refused: %q", refused)
	}
}

// TestReferenceSegments: those of a second implementation, whose sources hold all
// that is odd, once a plug for it is there.
func TestReferenceSegments(t *testing.T) {
	var cases []struct {
		Source   json.RawMessage
		Segments []string
	}
	readJSON(t, vectors+"reference/segments.json", &cases)
	s, loose, n, strict := ours(t), ours(t, foreign), 0, 0
	for _, c := range cases {
		for _, text := range c.Segments {
			n++
			data := unhex(t, text)
			must(t, loose, "segment", "reference", data)
			if s.Validate("segment", data) == nil {
				strict++
			}
		}
	}
	if n < 6 || strict == n {
		t.Errorf("%d segments, %d of the strict grammar", n, strict)
	}
	t.Logf("%d of %d segments match the strict grammar", strict, n)
}

// TestSegmentMutations: our own parameter, and what else only segments have.
func TestSegmentMutations(t *testing.T) {
	s, loose := ours(t), ours(t, foreign)
	var v struct{ Segments []struct{ Kind, Hex string } }
	readJSON(t, vectors+"segment/segments-room.json", &v)
	byKind := map[string][]byte{}
	for _, one := range v.Segments {
		byKind[one.Kind] = unhex(t, one.Hex)
	}
	own := func(more ...any) obj { return append(obj{"kind", "messages"}, more...) }
	roster := func(more ...any) obj { return append(obj{"kind", "roster"}, more...) }
	for _, test := range []struct {
		kind string
		path []any
		to   any
		want string
	}{
		{"messages", list("vcon_transfer"), own(), ""},
		{"messages", list("vcon_transfer"), own("room", "r"), ""},
		{"messages", list("vcon_transfer"), own("again", list(0, 4095), "instants", list(list(0, -5))), ""},
		{"messages", list("vcon_transfer"), own("room", ""), "/vcon_transfer/room"},
		{"messages", list("vcon_transfer"), own("room", long(2049)), "/vcon_transfer/room"},
		{"messages", list("vcon_transfer"), own("again", list()), "/vcon_transfer/again"},
		{"messages", list("vcon_transfer"), own("again", list(4096)), "/vcon_transfer/again/0"},
		{"messages", list("vcon_transfer"), own("instants", list(list(0))), "/vcon_transfer/instants/0"},
		{"messages", list("vcon_transfer"), own("instants", list(list(0, 1, 2))), "/vcon_transfer/instants/0/2"},
		{"messages", list("vcon_transfer"), own("whole", true), "/vcon_transfer"},
		{"messages", list("vcon_transfer"), own("roster", 1), "/vcon_transfer"},
		{"messages", list("vcon_transfer"), own("x", 1), "/vcon_transfer"},
		{"messages", list("vcon_transfer"), obj{"kind", "other"}, "/vcon_transfer/kind"},
		{"messages", list("vcon_transfer"), nil, "/vcon_transfer"},
		{"messages", list("vcon"), "0.4.1", "/vcon"},
		{"messages", list("uuid"), "0195544A-b9b1-8ee4-b9a2-279e0d16bc46", "/uuid"},
		{"messages", list("uuid"), "0195544a-b9b1-4ee4-b9a2-279e0d16bc46", "/uuid"},
		{"messages", list("extensions"), list("mimi-messages"), "/extensions"},
		{"messages", list("created_at"), "2024-02-08T22:13:45Z", "/created_at"},
		{"messages", list("dialog"), list(), "/dialog"},
		{"messages", list("dialog"), slices.Repeat(list(obj{"type", "text"}), 4096), ""},
		{"messages", list("dialog"), slices.Repeat(list(obj{"type", "text"}), 4097), "/dialog/4096"},
		{"messages", list("room"), obj{"id", "r", "subject", "s"}, "/room/subject"},
		{"messages", list("attachments", 0, "vcon_transfer"), obj{"size", 1 << 40, "dialog", 0}, ""},
		{"messages", list("attachments", 0, "vcon_transfer"), obj{"size", 1<<40 + 1, "dialog", 0}, "/attachments/0/vcon_transfer/size"},
		{"messages", list("attachments", 0, "vcon_transfer"), obj{"size", 1}, "/attachments/0/vcon_transfer"},
		{"messages", list("attachments", 0, "vcon_transfer"), obj{"dialog", 4096}, "/attachments/0/vcon_transfer"},
		{"messages", list("attachments", 0, "vcon_transfer"), obj{"dialog", 0, "x", 0}, "/attachments/0/vcon_transfer/x"},
		{"roster", list("vcon_transfer"), roster("roster", 2, "whole", true), ""},
		{"roster", list("vcon_transfer"), roster("whole", true, "extra", obj{"subject", "s", "x", 1}), ""},
		{"roster", list("vcon_transfer"), roster("whole", true, "extra", obj{"extensions", list("e")}), ""},
		{"roster", list("vcon_transfer"), roster("whole", true, "extra", obj{}), "/vcon_transfer/extra"},
		{"roster", list("vcon_transfer"), roster("whole", false), "/vcon_transfer/whole"},
		{"roster", list("vcon_transfer"), roster("roster", 0, "whole", true), "/vcon_transfer/roster"},
		{"roster", list("vcon_transfer"), roster("extra", obj{"x", 1}), "/vcon_transfer"},
	} {
		whole := tree(t, byKind[test.kind])
		*at(whole, test.path...) = test.to
		data := enc(whole)
		err := s.Validate("segment", data)
		if test.want == "" && err != nil || test.want != "" && (!isMismatch(err) || !strings.HasPrefix(err.Error(), test.want)) {
			t.Errorf("%s %v as %v: %v, want %s", test.kind, test.path, test.to, err, test.want)
		}
		if err := loose.Validate("segment", data); (err == nil) != (test.want == "") {
			t.Errorf("%s %v as %v, with the plug: %v", test.kind, test.path, test.to, err)
		}
	}
}

// move receives all of a history into a folder, and checks the segments on the way.
func move(t *testing.T, s *cddl.Schema, dir string, vcons []*codec.VCon, scope segment.Scope) (segments int) {
	t.Helper()
	ctx := t.Context()
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	src := history.NewSource(history.FromVCons(vcons), history.SourceOptions{Now: func() time.Time { return time.Unix(1709283600, 0) }})
	defer src.Close()
	d, err := history.OpenDir(dir, history.DirOptions{Format: codec.FormatCBOR})
	ok(err)
	defer d.Close()
	info := segment.TransferInfo{}
	if scope.CatchUp {
		info.SharedBy = "Bob"
	}
	ok(d.Begin(ctx, info))
	var room segment.RoomEntry
	var last segment.ID
	for page, err := range src.Manifest(ctx, scope) {
		ok(err)
		for _, e := range page.Entries {
			if e.Type == segment.RoomType {
				room = e.Room
				continue
			}
			wants, err := d.Have(ctx, room, []segment.Entry{e})
			ok(err)
			switch {
			case e.Type == segment.SegmentType:
				last = e.Segment.ID
				data, err := src.AppendSegment(ctx, e.Segment.ID, nil)
				ok(err)
				must(t, s, "segment", "segment", data)
				segments++
				if wants[0].Need {
					_, err = d.StageSegment(ctx, room, e.Segment, data)
					ok(err)
				}
			case wants[0].Need:
				r, err := src.OpenAttachment(ctx, room.ID, last, e.Attachment, 0)
				if errors.Is(err, segment.ErrContentAbsent) {
					continue
				}
				ok(err)
				content, err := io.ReadAll(r)
				ok(err)
				ok(r.Close())
				w, err := d.StageAttachment(ctx, room, last, e.Attachment, 0)
				ok(err)
				_, err = w.Write(content)
				ok(err)
				ok(w.Commit(sha256.Sum256(content)))
				ok(w.Close())
			}
		}
	}
	ok(d.Commit(ctx, segment.End{}, nil))
	return segments
}

// TestHistories: the segments of histories, and the rooms that a receiver writes,
// are of the strict grammar.
func TestHistories(t *testing.T) {
	sample, err := codec.DecodeCBOR(read(t, root+"testdata/sample/sample.cbor"))
	if err != nil {
		t.Fatal(err)
	}
	every, err := codec.DecodeCBOR(read(t, everyParameter+".cbor"))
	if err != nil {
		t.Fatal(err)
	}
	every.Critical = nil // else nothing of it travels
	var scopes struct{ VCon json.RawMessage }
	readJSON(t, vectors+"history/scopes.json", &scopes)
	vector, err := codec.DecodeJSON(scopes.VCon)
	if err != nil {
		t.Fatal(err)
	}
	irc, _, err := convert.All(t.Context(), convert.IRC, testdata.FS, "irc", convert.Options{Room: "#ubuntu"})
	if err != nil {
		t.Fatal(err)
	}
	s := ours(t)
	var whole bytes.Buffer
	scopesOf := map[string]segment.Scope{
		"irc":    {MaxMessages: 800}, // who left before is cited, and no member
		"sample": {CatchUp: true},
	}
	for name, vcons := range map[string][]*codec.VCon{
		"sample": {sample}, "every": {every}, "vector": {vector}, "irc": {irc[0].VCon}, "generated": gen.New(7).Messages(500),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			n := move(t, s, dir, vcons, scopesOf[name])
			if n < 2 {
				t.Errorf("%d segments", n)
			}
			if name == "vector" { // once more, by somebody else, who tells another story
				for i := range vcons[0].Dialog {
					if d := &vcons[0].Dialog[i]; i%3 == 0 && d.Body.Kind == codec.BodyText {
						d.Body.Data = append([]byte("no: "), d.Body.Data...)
					}
				}
				move(t, s, dir, vcons, segment.Scope{})
			}
			for _, file := range glob(t, dir+"/*.vcon.cbor") {
				data, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				must(t, s, "room-file", name, data)
				whole.Write(data)
				if err := s.Validate("segment", data); !isMismatch(err) {
					t.Errorf("a room as a segment: %v", err)
				}
			}
			// The same rooms as convert writes them of a folder.
			r, err := history.OpenFiles(t.Context(), []string{dir}, history.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			rooms, err := r.Rooms(t.Context())
			if err != nil || len(rooms) == 0 {
				t.Fatalf("%d rooms: %v", len(rooms), err)
			}
			for _, info := range rooms {
				var b bytes.Buffer
				if err := history.WriteVCon(t.Context(), &b, r, info, history.WriteOptions{}); err != nil {
					t.Fatal(err)
				}
				must(t, s, "room-file", name+" without files beside it", b.Bytes())
			}
		})
	}
	for _, name := range []string{"vcon_transfer", "sha256", "size", "roster", "instant", "shared_by"} {
		if !bytes.Contains(whole.Bytes(), enc(name)) {
			t.Errorf("no file has %s", name)
		}
	}
}

// TestRoomFileMutations: our parameter in what a receiver writes.
func TestRoomFileMutations(t *testing.T) {
	s := ours(t)
	file := func(top, dialog, attachment any) []byte {
		return enc(obj{"vcon", "0.4.0", "uuid", "x", "extensions", list("mimi-messages", "vcon-transfer", "more"),
			"created_at", tag{0, "2024-02-08T22:13:45.000Z"}, "vcon_transfer", top,
			"dialog", list(obj{"vcon_transfer", dialog}), "attachments", list(obj{"vcon_transfer", attachment})})
	}
	roster, instant, size := obj{"roster", 0}, obj{"instant", -1}, obj{"size", 1}
	for _, test := range []struct {
		top, dialog, attachment any
		want                    string
	}{
		{roster, instant, size, ""},
		{roster, obj{"shared_by", "bob"}, obj{"dialog", 3}, ""},
		{roster, obj{"instant", 1, "shared_by", "bob"}, obj{"size", 1, "sha256", strings.Repeat("0a", 32)}, ""},
		{obj{}, instant, size, "/vcon_transfer"},
		{obj{"roster", -1}, instant, size, "/vcon_transfer/roster"},
		{obj{"roster", 1, "x", 1}, instant, size, "/vcon_transfer/x"},
		{roster, obj{}, size, "/dialog/0/vcon_transfer"},
		{roster, obj{"instant", "1"}, size, "/dialog/0/vcon_transfer/instant"},
		{roster, obj{"shared_by", ""}, size, "/dialog/0/vcon_transfer/shared_by"},
		{roster, instant, obj{"sha256", strings.Repeat("0A", 32)}, "/attachments/0/vcon_transfer/sha256"},
		{roster, instant, obj{"size", tag{2, []byte{1}}}, "/attachments/0/vcon_transfer/size"},
		{roster, instant, obj{"content", 1}, "/attachments/0/vcon_transfer/content"},
	} {
		err := s.Validate("room-file", file(test.top, test.dialog, test.attachment))
		if test.want == "" && err != nil || test.want != "" && (!isMismatch(err) || !strings.HasPrefix(err.Error(), test.want)) {
			t.Errorf("%v %v %v: %v, want %s", test.top, test.dialog, test.attachment, err, test.want)
		}
	}
}
