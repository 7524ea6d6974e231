package sqlite

import (
	"crypto/sha256"
	"database/sql"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// remembered is what Staged says of a transfer: ledgers by segment, and attachments.
func remembered(t *testing.T, s *Store, id [32]byte) map[string]segment.Ledger {
	t.Helper()
	out := map[string]segment.Ledger{}
	for _, v := range collect(t, s.Staged(t.Context(), id)) {
		if a := v.Attachment; a != nil {
			out[fmt.Sprint(v.Room, a.MessageID, a.Part, a.Size)] = segment.Ledger{}
		} else {
			out[fmt.Sprintf("%x", v.Segment)] = v.Ledger
		}
	}
	return out
}

// What a transfer staged is counted the same when the store is opened again: until
// it is committed, or another one has made up for it.
func TestStagedIsRemembered(t *testing.T) {
	c := withPicture(t, []byte("a picture"), sha256Of([]byte("a picture")), nil)
	all := leaves(t, c.source())
	for _, tt := range []struct {
		name string
		last byte // the transfer that completes it
	}{{"committed", 1}, {"superseded", 2}} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "history.db")
			s, closeIt := openStore(t, path)
			begin(t, s, info(1, ""), all)
			want := map[string]segment.Ledger{}
			files := 0
			for _, l := range all {
				switch l.e.Type {
				case segment.SegmentType:
					want[fmt.Sprintf("%x", l.e.Segment.ID)] = stageOne(t, s, l)
				case segment.AttachmentType:
					stageOne(t, s, l)
					a := l.e.Attachment
					want[fmt.Sprint(l.room.ID, a.MessageID, a.Part, a.Size)] = segment.Ledger{}
					files++
				}
			}
			if files == 0 || len(want) == files {
				t.Fatalf("%d attachments of %d leaves", files, len(want))
			}
			closeIt()

			s, closeIt = openStore(t, path)
			defer closeIt()
			if got := remembered(t, s, info(1, "").ID); !maps.EqualFunc(got, want, segment.Ledger.Equal) {
				t.Errorf("%v, want %v", got, want)
			}
			if got := remembered(t, s, info(2, "").ID); len(got) > 0 {
				t.Errorf("another transfer: %v", got)
			}
			begin(t, s, info(1, ""), all)
			if got := remembered(t, s, info(1, "").ID); !maps.EqualFunc(got, want, segment.Ledger.Equal) {
				t.Errorf("begun again: %v, want %v", got, want)
			}
			transferTo(t, s, info(tt.last, ""), c.source())
			var n int
			if err := s.read.QueryRow("SELECT (SELECT count(*) FROM staged_segments) + (SELECT count(*) FROM staged_attachments)").Scan(&n); err != nil || n > 0 {
				t.Errorf("%d are left, %v", n, err)
			}
			checked(t, s)
		})
	}
}

// A segment that is kept aside has a ledger too, with its reasons; one that failed
// has none.
func TestStagedAside(t *testing.T) {
	s := newStore(t)
	all := leaves(t, manyMessages(t, 5).source())
	begin(t, s, info(1, ""), all)
	l := all[len(all)-1]
	if _, err := s.write.Exec("PRAGMA query_only = 1"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.StageSegment(t.Context(), l.room, l.e.Segment, l.data); err == nil {
		t.Error("no error")
	}
	if _, err := s.write.Exec("PRAGMA query_only = 0"); err != nil {
		t.Fatal(err)
	}
	if got := remembered(t, s, info(1, "").ID); len(got) > 0 {
		t.Errorf("of what failed: %v", got)
	}
	l.data = []byte("no segment")
	want := stageOne(t, s, l)
	got := remembered(t, s, info(1, "").ID)[fmt.Sprintf("%x", l.e.Segment.ID)]
	if !got.Equal(want) || got.Quarantined[segment.Malformed] != l.e.Segment.Items {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// A message comes while a transfer is under way, and its segment is cut anew: what this
// transfer brought in the old one was not there before it, for another transfer it was.
func TestCutAnew(t *testing.T) {
	c := newChat(t, "ada", "bob")
	for n := range 5 {
		c.say(said{by: "ada", text: fmt.Sprint(n), at: time.Duration(n) * time.Minute})
	}
	s := newStore(t)
	staged := func(id byte) (l segment.Ledger) {
		all := leaves(t, c.source())
		begin(t, s, info(id, ""), all)
		for _, leaf := range all {
			if leaf.e.Type == segment.SegmentType {
				l.Add(stageOne(t, s, leaf))
			}
		}
		return l
	}
	first := staged(1)
	c.say(said{by: "bob", text: "one more", at: time.Hour})
	if l := staged(1); l.There != 0 || l.Imported != first.Imported+1 {
		t.Errorf("%+v after %+v", l, first)
	}
	if l := staged(2); l.Imported != 0 || l.There != first.Imported+1 {
		t.Errorf("another transfer: %+v", l)
	}
	checked(t, s)
}

// A content that was published when the process died, and not yet noted as held, was
// brought by this transfer.
func TestPublishedIsRemembered(t *testing.T) {
	s := newStore(t)
	all := leaves(t, withPicture(t, []byte("a picture"), sha256Of([]byte("a picture")), nil).source())
	begin(t, s, info(1, ""), all)
	if _, err := s.write.Exec("CREATE TEMP TRIGGER dies BEFORE INSERT ON attachments BEGIN SELECT RAISE(ABORT, 'dies'); END"); err != nil {
		t.Fatal(err)
	}
	for _, l := range all {
		if l.e.Type != segment.AttachmentType {
			continue
		}
		w, err := s.StageAttachment(t.Context(), l.room, l.seg, l.e.Attachment, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(l.data); err != nil {
			t.Fatal(err)
		}
		if err := w.Commit(sha256.Sum256(l.data)); err == nil {
			t.Error("no error")
		}
		if got := remembered(t, s, info(1, "").ID); len(got) != 1 {
			t.Errorf("%v", got)
		}
		return
	}
	t.Error("no attachment")
}

// A store of version 1 is taken to the present version, and keeps what it has.
func TestMigrated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	script := version1 + fmt.Sprintf("; PRAGMA application_id = %d; PRAGMA user_version = 1; INSERT INTO sources (shared_by) VALUES ('Eve')", applicationID)
	if _, err := db.Exec(script); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s, closeIt := openStore(t, path)
	defer closeIt()
	var version, kept int
	if err := s.read.QueryRow("SELECT (SELECT count(*) FROM sources WHERE shared_by = 'Eve'), user_version FROM pragma_user_version").Scan(&kept, &version); err != nil || kept != 1 || version != 2 {
		t.Errorf("version %d, %d kept, %v", version, kept, err)
	}
	all := leaves(t, manyMessages(t, 3).source())
	begin(t, s, info(1, ""), all)
	stageOne(t, s, all[len(all)-1])
	if got := remembered(t, s, info(1, "").ID); len(got) != 1 {
		t.Errorf("%v", got)
	}
}

// An unfinished content waits for 30 days, and goes when the next transfer begins.
func TestUnfinishedLongAgo(t *testing.T) {
	s := newStore(t)
	for name, age := range map[string]time.Duration{"young": maxUnfinished - time.Hour, "old": maxUnfinished + time.Hour} {
		path := s.files.path(filepath.Join(unfinished, name))
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if at := s.now().Add(-age); os.Chtimes(path, at, at) != nil {
			t.Fatal("no time")
		}
	}
	left := func() (names []string) {
		entries, err := os.ReadDir(s.files.path(unfinished))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names
	}
	if got := left(); len(got) != 2 {
		t.Fatalf("%v", got)
	}
	if err := s.Begin(t.Context(), info(1, "")); err != nil {
		t.Fatal(err)
	}
	if got := left(); !slices.Equal(got, []string{"young"}) {
		t.Errorf("left %v", got)
	}
}
