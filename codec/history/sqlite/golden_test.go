package sqlite

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/testdata/golden"
)

// A goldenStore says what is in a store, in forms that do not change with the program.
type goldenStore struct {
	Schema    int                 `json:"schema"`
	Rooms     []string            `json:"rooms"`
	Messages  map[string][]string `json:"messages"` // by room, as they are shown
	Search    []string            `json:"search"`   // what "the" finds, newest first
	Sent      []string            `json:"sent"`     // segments and attachments, if the store is a source
	Transfers []string            `json:"transfers"`
	Receipt   string              `json:"receipt"`
	Staged    []string            `json:"staged"` // of the transfer that is not complete
}

var goldens = filepath.Join("..", "..", "..", "testdata", "golden")

// The stores of every version: this program migrates them, and what is in them is what it
// was. The transfer that was not complete can be completed.
func TestGoldenStore(t *testing.T) {
	const name = "store"
	if path := golden.New(t, goldens, name); path != "" {
		makeGolden(t, path)
	}
	golden.Each(t, goldens, name, func(t *testing.T, path string) {
		b, err := os.ReadFile(path + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var want goldenStore
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatal(err)
		}
		t.Run("as it was", func(t *testing.T) { checkGolden(t, copied(t, path), want) })
		if want.Schema == 2 {
			// Before the first release there was schema 1, which is 2 without two tables.
			t.Run("schema 1", func(t *testing.T) {
				file := copied(t, path)
				run(t, file, "DROP TABLE staged_segments; DROP TABLE staged_attachments; PRAGMA user_version = 1")
				want.Schema, want.Staged = 1, nil
				checkGolden(t, file, want)
			})
		}
	})
}

// checkGolden opens a store, and does with it what a program does.
func checkGolden(t *testing.T, file string, want goldenStore) {
	t.Helper()
	if version := ask[int](t, file, "PRAGMA user_version"); version != want.Schema {
		t.Fatalf("the file has schema %d, want %d", version, want.Schema)
	}
	s, closeIt := openStore(t, file)
	defer closeIt()
	if version := ask[int](t, file, "PRAGMA user_version"); version != SchemaVersion {
		t.Errorf("migrated to schema %d, want %d", version, SchemaVersion)
	}
	got := goldenOf(t, s)
	got.Schema = want.Schema
	if !reflect.DeepEqual(got, want) {
		a, _ := json.MarshalIndent(got, "", " ")
		b, _ := json.MarshalIndent(want, "", " ")
		t.Errorf("the store has\n%s\nwant\n%s", a, b)
	}
	checked(t, s)
	transferTo(t, s, info(2, "Bea"), shared(t))
	rooms, err := s.ListRooms(t.Context())
	if err != nil || len(rooms) != 3 {
		t.Errorf("%d rooms, %v", len(rooms), err)
	}
	for _, r := range rooms {
		if r.Incomplete || r.Messages == 0 {
			t.Errorf("the transfer is not complete: %+v", r)
		}
	}
	checked(t, s)
}

// makeGolden makes a store: the sample of testdata from the person's own device, and the
// first half of what somebody shares.
func makeGolden(t *testing.T, path string) {
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "history.db")
	s, closeIt := openStore(t, file)
	transferTo(t, s, info(1, ""), sourceOf(sampleVCon(t)))
	all := leaves(t, shared(t))
	begin(t, s, info(2, "Bea"), all)
	for _, l := range all {
		if l.e.Type != segment.RoomType && l.room.ID == all[0].room.ID {
			stageOne(t, s, l)
		}
	}
	g := goldenOf(t, s)
	g.Schema = SchemaVersion
	closeIt()
	if err := os.CopyFS(path, os.DirFS(filepath.Dir(file))); err != nil {
		t.Fatal(err)
	}
	b, err := json.MarshalIndent(g, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".json", append(b, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

// goldenOf is what is in a store.
func goldenOf(t *testing.T, s *Store) goldenStore {
	t.Helper()
	g := goldenStore{Messages: map[string][]string{}, Sent: names(t, sourceOfStore(s))}
	rooms, err := s.ListRooms(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rooms {
		g.Rooms = append(g.Rooms, fmt.Sprintf("%s %q, %d messages, %d events, %d quarantined, incomplete %v", r.ID, r.Name, r.Messages, r.Events, r.Quarantined, r.Incomplete))
		for _, m := range conversation(t, s, r.ID) {
			g.Messages[r.ID] = append(g.Messages[r.ID], lineOf(&m))
		}
	}
	for _, m := range collect(t, s.Search(t.Context(), "the", Query{})) {
		g.Search = append(g.Search, lineOf(&m))
	}
	transfers, err := s.Transfers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, tr := range transfers {
		g.Transfers = append(g.Transfers, fmt.Sprintf("%x from %q, shared by %q, complete %v, %s", tr.ID[:4], tr.Sender, tr.SharedBy, tr.Complete, counts(&tr.Ledger)))
	}
	receipt, err := s.Receipt(t.Context(), info(1, "").ID)
	if err != nil {
		t.Fatal(err)
	}
	g.Receipt = string(receipt)
	for _, staged := range collect(t, s.Staged(t.Context(), info(2, "").ID)) {
		g.Staged = append(g.Staged, fmt.Sprintf("%x: %s", staged.Segment, counts(&staged.Ledger)))
	}
	return g
}

func counts(l *segment.Ledger) string {
	return fmt.Sprintf("%d of %d imported, %d there, %d tombstones, %d of %d attachments", l.Imported, l.Source, l.There, l.Tombstones, l.AttachmentsImported, l.Attachments)
}

func lineOf(m *Message) string {
	line := fmt.Sprintf("%s %s: %q %s", m.Time.UTC().Format("2006-01-02T15:04:05.000Z"), m.Sender.URI, m.Text, m.Level)
	for _, r := range m.Reactions {
		line += fmt.Sprintf(", %+v", r)
	}
	for _, a := range m.Attachments {
		line += fmt.Sprintf(", %q of %d bytes", a.Name, a.Size)
	}
	if m.Edited || m.Deleted || m.Expired || m.Event != "" {
		line += fmt.Sprintf(", edited %v, deleted %v, expired %v, %q", m.Edited, m.Deleted, m.Expired, m.Event)
	}
	return line + ", " + m.Provenance
}

func sampleVCon(t *testing.T) *codec.VCon {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "testdata", "sample", "sample.cbor"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := codec.DecodeCBOR(b)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// shared is what somebody shares: two rooms, of which the golden has the newer one.
func shared(t *testing.T) *history.Source {
	t.Helper()
	var all []*codec.VCon
	for i, name := range []string{"harbour", "tide"} {
		c := newChat(t, "Bea", "Carl")
		c.room = "mimi://example.com/r/" + name
		c.v.UUID = fmt.Sprintf("0189d8c4-2d5f-8bd2-9a3e-0242ac12000%d", i)
		c.v.Room.ID, c.v.Room.Name, c.v.Parties[0] = c.room, name, codec.Party{IMURI: c.room, Name: name}
		at := time.Duration(i) * time.Hour
		first := c.say(said{by: "Bea", text: "the boats are in", at: at})
		id := first.MessageID
		c.say(said{by: "Carl", text: "all of the boats?", reply: id, at: at + time.Minute})
		c.say(said{by: "Carl", text: "⛵", react: true, reply: id, at: at + 2*time.Minute})
		c.say(said{by: "Bea", text: "all the boats are in", replaces: id, at: at + 3*time.Minute})
		gone := c.say(said{by: "Carl", text: "the wrong room", at: at + 4*time.Minute})
		c.say(said{by: "Carl", null: true, replaces: gone.MessageID, at: at + 5*time.Minute})
		all = append(all, c.v)
	}
	return sourceOf(all...)
}

// copied is a store that may be changed.
func copied(t *testing.T, path string) (file string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(path)); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "history.db")
}

// ask asks the database for one value.
func ask[T any](t *testing.T, file, query string) (v T) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file)
	if err != nil {
		t.Fatal(err)
	}
	err = db.QueryRow(query).Scan(&v)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return v
}

func run(t *testing.T, file, script string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(script)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}
