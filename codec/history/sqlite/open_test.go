package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

func TestOpenModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // has no modes
	}
	path := filepath.Join(t.TempDir(), "a", "b c?#%.db")
	s, closeIt := openStore(t, path)
	transferTo(t, s, info(1, ""), manyMessages(t, 3).source())
	for name, want := range map[string]fs.FileMode{
		path: 0o600, path + "-wal": 0o600, path + "-shm": 0o600, filepath.Dir(path): 0o700,
		path + ".attachments": 0o700, path + ".attachments/" + unfinished: 0o700,
	} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", filepath.Base(name), info, err)
		}
	}
	var journal string
	var synchronous, keys int
	err := errors.Join(s.write.QueryRow("PRAGMA journal_mode").Scan(&journal), s.write.QueryRow("PRAGMA foreign_keys").Scan(&keys))
	if err != nil || journal != "wal" || keys != 1 {
		t.Errorf("journal %s, foreign keys %d, %v", journal, keys, err)
	}
	closeIt()
	d, err := Open(t.Context(), path, Options{MustExist: true})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.write.QueryRow("PRAGMA synchronous").Scan(&synchronous); err != nil || synchronous != 2 {
		t.Errorf("synchronous %d, %v", synchronous, err)
	}
	if _, err := d.read.Exec("DELETE FROM items"); err == nil {
		t.Error("the reader writes")
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	database := func(name, script string) string {
		path := filepath.Join(dir, name)
		db, err := sql.Open("sqlite", "file:"+path)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Exec(script); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, tt := range []struct {
		name string
		path string
		opts Options
		want error
	}{
		{"another database", database("other.db", "CREATE TABLE t (x)"), Options{}, ErrNotStore},
		{"another program's", database("app.db", "PRAGMA application_id = 7"), Options{}, ErrNotStore},
		{"newer", database("newer.db", fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, len(migrations)+1)), Options{}, ErrNewer},
		{"no database", file("text.db", strings.Repeat("this is not a database ", 100)), Options{}, ErrDestination},
		{"folder", dir, Options{}, ErrNotStore},
		{"missing", filepath.Join(dir, "none.db"), Options{MustExist: true}, fs.ErrNotExist},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := Open(t.Context(), tt.path, tt.opts)
			if s != nil {
				s.Close()
			}
			if !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), dir) {
				t.Errorf("the error names a path: %v", err)
			}
		})
	}
	if _, err := os.Stat(filepath.Join(dir, "none.db")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a store was made where none should be")
	}
}

// A disk that is full, a database that another program holds, and one that may
// not be written: each is told apart, and nothing is half imported.
func TestDestinationErrors(t *testing.T) {
	c := manyMessages(t, 1200)
	all := leaves(t, c.source())
	for _, tt := range []struct {
		name  string
		spoil string
		cause Cause
	}{
		{"full", "PRAGMA max_page_count = 80", Full},
		{"read only", "PRAGMA query_only = 1", ReadOnly},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStore(t)
			begin(t, s, info(1, ""), all)
			if _, err := s.write.Exec(tt.spoil); err != nil {
				t.Fatal(err)
			}
			var failed error
			for _, l := range all {
				if l.e.Type == segment.SegmentType && failed == nil {
					_, failed = s.StageSegment(t.Context(), l.room, l.e.Segment, l.data)
				}
			}
			var e *DestinationError
			if !errors.Is(failed, ErrDestination) || !errors.As(failed, &e) || e.Cause != tt.cause {
				t.Fatalf("%v", failed)
			}
			if want := "stage segment: " + string(tt.cause); failed.Error() != want {
				t.Errorf("%q, want %q", failed, want)
			}
			if _, err := s.write.Exec("PRAGMA query_only = 0; PRAGMA max_page_count = 1000000"); err != nil {
				t.Fatal(err)
			}
			transferTo(t, s, info(1, ""), c.source())
			if n := len(conversation(t, s, roomURI)); n != 1200 {
				t.Errorf("%d messages after it was mended", n)
			}
			checked(t, s)
		})
	}
}

func TestLocked(t *testing.T) {
	s := newStore(t)
	if _, err := s.write.Exec("PRAGMA busy_timeout = 1"); err != nil {
		t.Fatal(err)
	}
	var path string
	if err := s.read.QueryRow("SELECT file FROM pragma_database_list WHERE name = 'main'").Scan(&path); err != nil {
		t.Fatal(err)
	}
	other, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	other.SetMaxOpenConns(1)
	if _, err := other.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	var e *DestinationError
	if err := s.Begin(t.Context(), info(1, "")); !errors.As(err, &e) || e.Cause != Locked {
		t.Errorf("%v", err)
	}
	if _, err := other.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := s.Begin(t.Context(), info(1, "")); err != nil {
		t.Errorf("unlocked: %v", err)
	}
}

func TestCauses(t *testing.T) {
	for err, want := range map[error]Cause{
		syscall.ENOSPC: Full, syscall.EROFS: ReadOnly, fs.ErrPermission: ReadOnly, syscall.EIO: Device, errors.New("x"): "",
		&fs.PathError{Op: "write", Path: "secret", Err: syscall.ENOSPC}: Full,
	} {
		got := wrap("do it", pathless(err))
		if errors.Is(got, ErrDestination) != (want != "") || !errors.Is(got, err) && !strings.Contains(err.Error(), "secret") {
			t.Errorf("%v: %v", err, got)
		}
		if strings.Contains(got.Error(), "secret") {
			t.Errorf("%v names a path", got)
		}
		if wrap("again", got); causeOf(err) != want {
			t.Errorf("%v: %q", err, causeOf(err))
		}
	}
	if wrap("x", nil) != nil || pathless(nil) != nil {
		t.Error("no error becomes one")
	}
	if err := wrap("outer", wrap("inner", syscall.ENOSPC)); err.Error() != "inner: disk full" {
		t.Errorf("%v", err)
	}
	link := pathless(&os.LinkError{Op: "rename", Old: "secret", New: "secret", Err: syscall.EROFS})
	if strings.Contains(link.Error(), "secret") || !errors.Is(link, syscall.EROFS) {
		t.Errorf("%v", link)
	}
}

func TestClosed(t *testing.T) {
	s, closeIt := openStore(t, filepath.Join(t.TempDir(), "history.db"))
	closeIt()
	closeIt()
	ctx := t.Context()
	_, err1 := s.Rooms(ctx)
	_, err2 := s.ListRooms(ctx)
	_, err3 := s.Items(ctx, roomURI, nil)
	_, err4 := s.OpenAttachment(ctx, roomURI, segment.AttachmentEntry{}, 0)
	_, err5 := s.Left(ctx)
	_, err6 := s.Transfers(ctx)
	_, err7 := s.Check(ctx)
	_, err8 := s.Versions(ctx, segment.Key{})
	errs := []error{err1, err2, err3, err4, err5, err6, err7, err8, s.Begin(ctx, info(1, ""))}
	for _, err := range s.Heads(ctx, roomURI) {
		errs = append(errs, err)
	}
	for _, err := range s.Messages(ctx, roomURI, Query{}) {
		errs = append(errs, err)
	}
	for _, err := range s.Search(ctx, "x", Query{}) {
		errs = append(errs, err)
	}
	if len(errs) != 12 {
		t.Errorf("%d errors", len(errs))
	}
	for i, err := range errs {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%d: %v", i, err)
		}
	}
}

func TestCheckFindsDamage(t *testing.T) {
	for name, script := range map[string]string{
		"item gone from segment": "DROP TRIGGER items_delete; DELETE FROM items WHERE id = 3",
		"head gone":              "UPDATE items SET head = 999 WHERE id = 3",
		"version gone":           "UPDATE items SET current = 999 WHERE id = 3",
		"reference":              "PRAGMA foreign_keys = 0; UPDATE items SET room = 99 WHERE id = 3",
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			transferTo(t, s, info(1, ""), manyMessages(t, 9).source())
			checked(t, s)
			if _, err := s.write.Exec(script); err != nil {
				t.Fatal(err)
			}
			if r, err := s.Check(t.Context()); err != nil || r.OK() || len(r.Damage) == 0 {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
}
