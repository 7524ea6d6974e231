package history

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

func TestLimitsOfASource(t *testing.T) {
	lim := limits{files: 2, items: 3, rooms: 2, spool: 200}
	vcon := func(room string, dialogs int, atts int) string {
		return fmt.Sprintf(`{"vcon":"0.4.0","room":{"id":%q},"parties":[],"dialog":[%s],"attachments":[%s]}`, room,
			strings.TrimSuffix(strings.Repeat(`{"type":"text","body":"x"},`, dialogs), ","), strings.TrimSuffix(strings.Repeat(`{},`, atts), ","))
	}
	try := func(stdin string, files ...string) error {
		dir := t.TempDir()
		for i, text := range files {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.vcon", i)), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		paths := []string{dir}
		if stdin != "" {
			paths = []string{"-"}
		}
		r, err := OpenFiles(t.Context(), paths, Options{limits: &lim, Stdin: strings.NewReader(stdin), TempDir: dir})
		if err == nil {
			err = r.Close()
		}
		return err
	}
	for _, c := range []struct {
		name     string
		at, over error
	}{
		{"files", try("", vcon("a", 1, 0), vcon("a", 1, 0)), try("", vcon("a", 1, 0), vcon("a", 1, 0), vcon("a", 1, 0))},
		{"dialogs", try("", vcon("a", 3, 0)), try("", vcon("a", 4, 0))},
		{"attachments", try("", vcon("a", 1, 3)), try("", vcon("a", 1, 4))},
		{"rooms", try("", vcon("a", 1, 0), vcon("b", 1, 0)), try("", vcon("a", 1, 0), `{"vcon":"0","uuid":"a"}`+" ", `{"vcon":"0","uuid":"b"}`)},
		{"spool", try(vcon("a", 1, 0) + strings.Repeat(" ", 200-len(vcon("a", 1, 0)))), try(vcon("a", 1, 0) + strings.Repeat(" ", 201-len(vcon("a", 1, 0))))},
	} {
		if c.at != nil || !isLimit(c.over) {
			t.Errorf("%s: at the limit %v, over it %v", c.name, c.at, c.over)
		}
	}
	many := make([]string, 3)
	for i := range many {
		many[i] = write(t, "x.vcon", []byte(vcon("a", 1, 0)))
	}
	if _, err := OpenFiles(t.Context(), many, Options{limits: &lim}); !isLimit(err) {
		t.Errorf("three files by name: %v", err)
	}
	if d := (&Options{}).limit(); d.files != maxFiles || d.items != maxItems || d.rooms != maxRooms || d.spool != maxSpool {
		t.Errorf("default limits %+v", d)
	}
}

func TestRoomsOfATransferAreLimited(t *testing.T) {
	d := openDir(t, t.TempDir(), 0)
	if err := d.Begin(t.Context(), segment.TransferInfo{}); err != nil {
		t.Fatal(err)
	}
	d.rooms = make([]*sinkRoom, maxRooms-1)
	if _, err := d.Have(t.Context(), segment.RoomEntry{ID: "a"}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Have(t.Context(), segment.RoomEntry{ID: "b"}, nil); !isLimit(err) {
		t.Errorf("one room more: %v", err)
	}
}

func TestPagesGrow(t *testing.T) {
	var vcons []*codec.VCon
	for i := range 100 {
		m := newMaker(uint64(i), fmt.Sprintf("mimi://e/r/%d", i), 2)
		m.now = m.now.Add(1e9 * 60 * 60 * 24 * 1000 / 1000) // one instant for all: order is by id
		m.text("hello")
		vcons = append(vcons, m.v)
	}
	src := source(vcons...)
	var sizes []int
	for page, err := range src.Manifest(t.Context(), segment.Scope{}) {
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, e := range page.Entries {
			if e.Type == segment.SegmentType {
				n++
			}
		}
		sizes = append(sizes, n)
	}
	if !slices.Equal(sizes, []int{4, 8, 16, 32, 64, 64, 12}) {
		t.Errorf("segments of the pages: %v", sizes)
	}
	for range src.Manifest(t.Context(), segment.Scope{}) {
		break // nobody wants more
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range src.Manifest(ctx, segment.Scope{}) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	}
	if _, err := src.Overview(ctx, segment.Scope{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if err := src.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestPlansThatWereDroppedAreMadeAgain(t *testing.T) {
	r := FromVCons([]*codec.VCon{newMaker(1, room, 3).history(100), newMaker(2, room+"2", 3).history(100)})
	src := NewSource(r, SourceOptions{Now: longAgo})
	want := map[segment.ID][]byte{}
	for page, err := range src.Manifest(t.Context(), segment.Scope{CatchUp: true, MaxMessages: 50}) {
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Entries {
			if e.Type != segment.SegmentType {
				continue
			}
			data, err := src.AppendSegment(t.Context(), e.Segment.ID, nil)
			if err != nil {
				t.Fatal(err)
			}
			want[e.Segment.ID] = data
		}
	}
	src.recent, src.plans = recent{}, planCache{}
	if _, err := src.Overview(t.Context(), segment.Scope{}); err != nil { // of another scope, in between
		t.Fatal(err)
	}
	for id, data := range want {
		src.plans = planCache{}
		got, err := src.AppendSegment(t.Context(), id, []byte("before"))
		if err != nil || !bytes.Equal(got, append([]byte("before"), data...)) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	}
	// The cache itself.
	var c planCache
	big := func(id string) *plan {
		return &plan{room: segment.Room{ID: id}, messages: make([]segment.Head, maxPlanned/2)}
	}
	c.keep(big("a"))
	c.keep(big("b"))
	if c.find("a") == nil || c.find("b") == nil {
		t.Error("two halves do not fit")
	}
	c.find("a")
	c.keep(&plan{room: segment.Room{ID: "c"}, events: make([]segment.Head, 1)})
	if c.find("b") != nil || c.find("a") == nil || c.find("c") == nil || c.items != maxPlanned/2+1 {
		t.Error("the plan that was not used for the longest time stays")
	}
	var rec recent
	rec.keep(segment.ID{1}, make([]byte, maxRecent-1))
	rec.keep(segment.ID{2}, make([]byte, 1))
	if rec.find(segment.ID{1}) == nil {
		t.Error("recent segments do not fit")
	}
	rec.keep(segment.ID{3}, make([]byte, 1))
	if rec.find(segment.ID{1}) != nil || rec.find(segment.ID{3}) == nil {
		t.Error("recent segments are not limited")
	}
}

// A broken reader fails where it is told to.
type broken struct {
	Reader
	rooms, heads, items, left bool
}

func (b broken) Rooms(ctx context.Context) ([]RoomInfo, error) {
	if b.rooms {
		return nil, errFailing
	}
	return b.Reader.Rooms(ctx)
}

func (b broken) Heads(ctx context.Context, room string) iter.Seq2[segment.Head, error] {
	if b.heads {
		return func(yield func(segment.Head, error) bool) { yield(segment.Head{}, errFailing) }
	}
	return b.Reader.Heads(ctx, room)
}

func (b broken) Items(ctx context.Context, room string, heads []segment.Head) ([]segment.Item, error) {
	if b.items {
		return nil, errFailing
	}
	return b.Reader.Items(ctx, room, heads)
}

func (b broken) Left(ctx context.Context) (segment.Ledger, error) {
	if b.left {
		return segment.Ledger{}, errFailing
	}
	return b.Reader.Left(ctx)
}

func TestErrorsOfAReaderComeOut(t *testing.T) {
	m := newMaker(1, room, 3)
	m.text("one")
	m.event("leave", 1)
	m.attach(m.text("two"), 0, []byte("x"))
	r := FromVCons([]*codec.VCon{m.v})
	for i, b := range []broken{{Reader: r, rooms: true}, {Reader: r, heads: true}, {Reader: r, items: true}, {Reader: r, left: true}} {
		src := NewSource(b, SourceOptions{})
		for _, scope := range []segment.Scope{{}, {CatchUp: true}, {MaxMessages: 1}} {
			var got error
			for _, err := range src.Manifest(t.Context(), scope) {
				got = err
			}
			if !errors.Is(got, errFailing) {
				t.Errorf("%d: manifest: %v", i, got)
			}
			if _, err := src.Overview(t.Context(), scope); !errors.Is(err, errFailing) {
				t.Errorf("%d: overview: %v", i, err)
			}
		}
		rooms, _ := r.Rooms(t.Context())
		if err := WriteVCon(t.Context(), io.Discard, b, rooms[0], WriteOptions{}); (b.heads || b.items) != errors.Is(err, errFailing) {
			t.Errorf("%d: write: %v", i, err)
		}
	}
	rooms, _ := r.Rooms(t.Context())
	for n := range 12 {
		err := WriteVCon(t.Context(), &shortWriter{left: n * 100}, r, rooms[0], WriteOptions{Format: codec.FormatJSON})
		if n < 8 && !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("a writer that takes %d bytes: %v", n*100, err)
		}
	}
}

type shortWriter struct{ left int }

func (s *shortWriter) Write(p []byte) (int, error) {
	if s.left -= len(p); s.left < 0 {
		return 0, io.ErrShortWrite
	}
	return len(p), nil
}

func TestReaderRefusesWhatItDidNotYield(t *testing.T) {
	r := FromVCons([]*codec.VCon{newMaker(1, room, 3).history(5)})
	ctx := t.Context()
	for head := range r.Heads(ctx, room) {
		other := head
		other.Key[0]++
		if _, err := r.Items(ctx, room, []segment.Head{other}); !errors.Is(err, ErrChanged) {
			t.Errorf("another key: %v", err)
		}
		other = head
		other.Ref = 99
		if _, err := r.Items(ctx, room, []segment.Head{other}); !errors.Is(err, ErrChanged) {
			t.Errorf("another place: %v", err)
		}
		break
	}
	if _, err := r.Items(ctx, "elsewhere", nil); !errors.Is(err, ErrChanged) {
		t.Errorf("another room: %v", err)
	}
	for range r.Heads(ctx, "elsewhere") {
		t.Error("a room that is not there has heads")
	}
	for _, id := range []string{room, "elsewhere"} {
		if _, err := r.OpenAttachment(ctx, id, segment.AttachmentEntry{MessageID: "x"}, 0); !errors.Is(err, segment.ErrContentAbsent) {
			t.Errorf("attachment that is not there: %v", err)
		}
	}
	src := source(newMaker(1, room, 3).history(5))
	if _, err := src.OpenAttachment(ctx, room, segment.ID{}, segment.AttachmentEntry{}, 0); !errors.Is(err, ErrNotNamed) {
		t.Errorf("attachment of no segment: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestIdentityKeepsPartiesApart(t *testing.T) {
	parties := []codec.Party{
		{IMURI: "a"}, {IMURI: "a", Thumbprint: "b"}, {IMURI: "a1:b"}, {UUID: "a"}, {Tel: "a"}, {Mailto: "a"},
		{Name: "a"}, {Name: "a", Role: "b"}, {Name: "ab"}, {Thumbprint: "a"}, {},
		{Extra: codec.Fields{"sip": codec.Raw("\x61a")}}, {Extra: codec.Fields{"sip": codec.Raw("\x61b")}},
	}
	seen := map[string]int{}
	for i, p := range parties {
		if j, ok := seen[identity(p)]; ok {
			t.Errorf("parties %d and %d are one", j, i)
		}
		seen[identity(p)] = i
	}
	if identity(codec.Party{IMURI: "a", Name: "x", Role: "y"}) != identity(codec.Party{IMURI: "a"}) {
		t.Error("a new name makes a new party")
	}
}

func TestRoomEventsAreLaidOver(t *testing.T) {
	r := newRoster(RoomInfo{Room: segment.Room{ID: "r"}})
	r.update(nil)
	if r.room != nil {
		t.Error("no metadata became metadata")
	}
	r.update(&codec.Room{Name: "a", Avatar: "b", Subject: "c", Mood: "d", Extra: codec.Fields{"x": codec.Raw{1}}})
	r.update(&codec.Room{Subject: "e", Extra: codec.Fields{"y": codec.Raw{2}}})
	if got := r.room; got.Name != "a" || got.Avatar != "b" || got.Subject != "e" || got.Mood != "d" || len(got.Extra) != 2 {
		t.Errorf("%+v", got)
	}
	c := cloneRoom(r.room)
	c.Extra["x"] = codec.Raw{3}
	if r.room.Extra["x"][0] != 1 {
		t.Error("a clone shares its parameters")
	}
}

func TestLargeParametersOfARoomAreLeft(t *testing.T) {
	big := func(n int) codec.Raw { return codec.AppendText(nil, strings.Repeat("x", n)) }
	v := newMaker(1, room, 2).history(3)
	v.Extra = codec.Fields{"a": big(6 << 20), "b": big(3 << 20), "c": big(10), "dialog": codec.Raw("\xa1\x61x\x01"), "room": codec.Raw{0xf6}}
	v.Room.Extra = codec.Fields{"x": big(5 << 20)}
	v.Parties = append(v.Parties, codec.Party{Name: strings.Repeat("n", segment.MaxParty)})
	r := FromVCons([]*codec.VCon{v})
	left, err := r.Left(t.Context())
	if err != nil || left.Quarantined[segment.TooLarge] != 3 || left.Quarantined[segment.Malformed] != 1 {
		t.Errorf("left %+v, %v", left, err)
	}
	l := list(t, NewSource(r, SourceOptions{}), segment.Scope{})
	for _, s := range l.segs {
		if s.Whole && (len(s.Room.Extra) != 2 || s.Room.Extra["a"] != nil || s.Room.Meta.Name != "Engineering Team") {
			t.Errorf("%d parameters travel", len(s.Room.Extra))
		}
	}
}

func TestAttachmentsOfAnotherFileFindTheirParty(t *testing.T) {
	m := newMaker(1, room, 3)
	m.attach(m.text("x"), 0, []byte("content"))
	with := *m.v
	without := *m.v
	without.Attachments = nil
	without.Parties = []codec.Party{m.v.Parties[0], m.v.Parties[3], m.v.Parties[2], m.v.Parties[1]}
	without.Dialog = slices.Clone(m.v.Dialog)
	if err := without.Dialog[0].MapParties(func(n uint32) (uint32, error) { return []uint32{0, 3, 2, 1}[n], nil }); err != nil {
		t.Fatal(err)
	}
	want := list(t, source(&with), segment.Scope{})
	got := list(t, source(&without, &with), segment.Scope{})
	if !sameIDs(got.ids, want.ids) || got.left.Excluded[Duplicate] != 1 {
		t.Errorf("left %+v", got.left)
	}
	// The same attachment twice, and another content under its name.
	other := with
	other.Attachments = slices.Clone(with.Attachments)
	other.Attachments[0].Body.Data = []byte("CONTENT")
	got = list(t, source(&without, &with, &with, &other), segment.Scope{})
	if len(got.atts) != 1 || got.left.AttachmentsExcluded[Duplicate] != 1 || got.left.AttachmentsExcluded[segment.ContentAbsent] != 1 {
		t.Errorf("%d entries, left %+v", len(got.atts), got.left)
	}
}

func TestRivals(t *testing.T) {
	a := newMaker(1, room, 3)
	msg := segment.Item{Dialog: a.text("x"), Parties: a.v.Parties}
	msg.Dialog.Originator = new(uint32(1))
	with := func(f func(*codec.Dialog), by string) segment.Item {
		d := *msg.Dialog
		f(&d)
		return segment.Item{Dialog: &d, Parties: msg.Parties, Provenance: by}
	}
	stone := func(by string) segment.Item {
		return with(func(d *codec.Dialog) { *d = codec.Dialog{Type: "tombstone", MessageID: d.MessageID} }, by)
	}
	renamed := msg
	renamed.Parties = slices.Clone(msg.Parties)
	renamed.Parties[1].Name = "new name"
	long := with(func(d *codec.Dialog) { d.Parties = []uint32{1, 2} }, "")
	mine, alices := msg, with(func(*codec.Dialog) {}, "alice")
	for i, c := range []struct {
		a, b segment.Item
		want choice
	}{
		{mine, renamed, keepFirst},
		{mine, long, keepFirst},
		{long, mine, keepSecond},
		{mine, with(func(d *codec.Dialog) { d.Body.Data = []byte("y") }, ""), keepBoth},
		{mine, with(func(d *codec.Dialog) { d.Originator = new(uint32(2)) }, ""), keepBoth},
		{mine, with(func(d *codec.Dialog) { d.Originator = nil }, ""), keepBoth},
		{mine, stone(""), keepSecond},
		{stone(""), mine, keepFirst},
		{mine, stone("bob"), keepFirst},
		{stone("bob"), mine, keepSecond},
		{alices, stone("bob"), keepFirst},
		{alices, stone("alice"), keepSecond},
		{alices, stone(""), keepSecond},
		{stone("bob"), stone(""), keepSecond},
		{stone(""), stone("bob"), keepFirst},
	} {
		if got := rival(c.a, c.b); got != c.want {
			t.Errorf("%d: %d, want %d", i, got, c.want)
		}
	}
}

func TestDuplicatesWithinOneFileAreOneItem(t *testing.T) {
	d := `{"type":"text","start":"2024-01-01T00:00:00Z","body":"lol","encoding":"none"}`
	l, left := ledgerOf(t, `{"vcon":"0.4.0","uuid":"a","dialog":[`+d+`,`+d+`,`+d+`]}`)
	if len(l.items()) != 1 || left.Excluded[Duplicate] != 2 || left.Source != 2 {
		t.Errorf("%d items, left %+v", len(l.items()), left)
	}
	// One id and other records are both there.
	l, left = ledgerOf(t, `{"vcon":"0.4.0","uuid":"a","dialog":[{"type":"text","message_id":"AA","body":"1","encoding":"none"},
		{"type":"text","message_id":"AA","body":"2","encoding":"none"},{"type":"text","message_id":"AA","body":"1","encoding":"none"}]}`)
	items := l.items()
	if len(items) != 2+0 || !items[1].Again || items[0].Again || left.Excluded[Duplicate] != 1 {
		t.Errorf("%d items, left %+v", len(items), left)
	}
}

func TestUndatedItemsKeepTheirPlace(t *testing.T) {
	text := `{"vcon":"0.4.0","uuid":"a","dialog":[{"type":"text","body":"1"},{"type":"text","body":"2","start":"2024-01-02T00:00:00Z"},
		{"type":"text","body":"3"},{"type":"text","body":"4","start":"1969-01-01T00:00:00Z"},{"type":"text","body":"5"}]}`
	r := open(t, write(t, "x.vcon", []byte(text)))
	want := list(t, NewSource(r, SourceOptions{}), segment.Scope{})
	var bodies []string
	for _, it := range want.items() {
		bodies = append(bodies, string(it.Dialog.Body.Data))
	}
	if got := strings.Join(bodies, ""); got != "45123" {
		t.Errorf("order %s", got)
	}
	rooms, _ := r.Rooms(t.Context())
	for _, format := range []codec.Format{codec.FormatCBOR, codec.FormatJSON} {
		var out bytes.Buffer
		if err := WriteVCon(t.Context(), &out, r, rooms[0], WriteOptions{Format: format}); err != nil {
			t.Fatal(err)
		}
		got := list(t, NewSource(open(t, write(t, "y.vcon", out.Bytes())), SourceOptions{}), segment.Scope{})
		if !sameIDs(got.ids, want.ids) {
			t.Errorf("%v: another history", format)
		}
	}
}
