package sqlite

import (
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// A store of the next version, or another program's database, is refused, and neither a
// byte of it nor what lies beside it changes.
func TestRefusedIsUntouched(t *testing.T) {
	sqlite := func(t *testing.T, path, script string) {
		db, err := sql.Open("sqlite", "file:"+path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = db.Exec(script)
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
	}
	later := func(t *testing.T, path string) {
		s, closeIt := openStore(t, path)
		transferTo(t, s, info(1, ""), manyMessages(t, 3).source())
		closeIt()
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if v := binary.BigEndian.Uint32(b[versionAt:]); int(v) != SchemaVersion {
			t.Fatalf("user_version %d in the file, want %d", v, SchemaVersion)
		}
		binary.BigEndian.PutUint32(b[versionAt:], uint32(SchemaVersion)+1)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name string
		make func(t *testing.T, path string)
		want error
	}{
		{"newer store", later, ErrNewer},
		{"newer store with another journal", func(t *testing.T, path string) {
			later(t, path)
			sqlite(t, path, "PRAGMA journal_mode = DELETE")
		}, ErrNewer},
		{"another program's database", func(t *testing.T, path string) {
			sqlite(t, path, "PRAGMA application_id = 7")
		}, ErrNotStore},
		{"a database with tables", func(t *testing.T, path string) {
			sqlite(t, path, "CREATE TABLE t (x)")
		}, ErrNotStore},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "history.db")
			c.make(t, path)
			before := tree(t, dir)
			s, err := Open(t.Context(), path, Options{})
			if s != nil {
				s.Close()
			}
			if !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
			after := tree(t, dir)
			for name := range after {
				if before[name] != after[name] {
					t.Errorf("%s has changed", name)
				}
			}
			if len(before) != len(after) {
				t.Errorf("%d files before, %d after", len(before), len(after))
			}
		})
	}
}

// tree is what is in a folder, by name.
func tree(t *testing.T, dir string) map[string][32]byte {
	t.Helper()
	all := map[string][32]byte{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(filepath.Join(dir, name))
		all[name] = sha256.Sum256(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
