package statedir

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/hpke"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
)

func sample(n byte) *transfer.Checkpoint {
	paired := time.Now().Round(0).Truncate(time.Millisecond)
	return &transfer.Checkpoint{
		Role: pairing.RoleSender, Suite: hpke.SuiteXWing, Intent: pairing.SameAccount,
		TransferID: [32]byte(bytes.Repeat([]byte{n}, 32)), Resumption: hpke.Secret(bytes.Repeat([]byte{n + 100}, 32)),
		Paired: paired, Expires: paired.Add(time.Hour), Peer: "new phone", Code: "123456",
		Scope: segment.Scope{Rooms: []string{"mimi://example.com/r/room"}},
	}
}

func opened(t *testing.T, path string, key []byte) *Dir {
	t.Helper()
	d, err := Open(path, Options{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func taken(t *testing.T, d *Dir, place string) *Entry {
	t.Helper()
	e, err := d.Take(Name{pairing.RoleSender, place})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func saved(t *testing.T, e *Entry, c *transfer.Checkpoint) {
	t.Helper()
	if err := e.Save(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

// files are the names in a directory.
func files(t *testing.T, path string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// only is the one file of a kind.
func only(t *testing.T, path, suffix string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(path, "*"+suffix))
	if err != nil || len(found) != 1 {
		t.Fatalf("%v, %v", found, err)
	}
	return found[0]
}

func TestSaveLoadRemove(t *testing.T) {
	for name, key := range map[string][]byte{"own key": nil, "key of the host": bytes.Repeat([]byte{7}, KeySize)} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a", "state")
			d := opened(t, path, key)
			e := taken(t, d, "/home/alice/history.db")
			if c, err := e.Load(); c != nil || err != nil {
				t.Fatalf("%v, %v", c, err)
			}
			want := sample(1)
			saved(t, e, want)
			want.Connection = 9
			saved(t, e, want)
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}

			again := opened(t, path, key) // another process
			e = taken(t, again, "/home/alice/history.db")
			c, err := e.Load()
			if err != nil || c.Connection != 9 || c.Resumption != want.Resumption || c.TransferID != want.TransferID {
				t.Fatalf("%v, %v", c, err)
			}
			if err := errors.Join(e.Remove(t.Context()), e.Remove(t.Context()), e.Close(), e.Close()); err != nil {
				t.Fatal(err)
			}
			left := files(t, path)
			if key == nil && !slices.Equal(left, []string{keyName}) || key != nil && len(left) > 0 {
				t.Errorf("left: %v", left)
			}
			if err := e.Save(t.Context(), want); !errors.Is(err, fs.ErrClosed) {
				t.Errorf("saved without the lock: %v", err)
			}
			if err := e.Remove(t.Context()); !errors.Is(err, fs.ErrClosed) {
				t.Errorf("removed without the lock: %v", err)
			}
		})
	}
}

// Nothing that a checkpoint or a command holds can be read in the directory, neither
// in a file nor in a name, and nobody else may look.
func TestNothingInClear(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	d := opened(t, path, nil)
	e := taken(t, d, "/home/alice/history.db")
	c := sample(1)
	saved(t, e, c)
	key, err := os.ReadFile(filepath.Join(path, keyName))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	err = filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if want := map[bool]fs.FileMode{true: 0o700, false: 0o600}[entry.IsDir()]; runtime.GOOS != "windows" && info.Mode().Perm() != want {
			t.Errorf("%s has the mode %v", name, info.Mode())
		}
		if entry.IsDir() {
			return nil
		}
		seen++
		content, err := os.ReadFile(name)
		for what, secret := range map[string][]byte{
			"secret": c.Resumption[:], "code": []byte(c.Code), "peer": []byte(c.Peer), "room": []byte("mimi"), "place": []byte("alice"), "state key": key,
		} {
			if filepath.Base(name) != keyName && bytes.Contains(content, secret) || strings.Contains(name, string(secret)) {
				t.Errorf("%s shows the %s", name, what)
			}
		}
		return err
	})
	if err != nil || seen != 3 { // key, lock, checkpoint
		t.Errorf("%d files, %v", seen, err)
	}
}

// No two saves have one key: the salt is new, also for the same content.
func TestEachSaveHasItsSalt(t *testing.T) {
	path := t.TempDir()
	os.Chmod(path, 0o700)
	d := opened(t, path, nil)
	e := taken(t, d, "x")
	salts := map[string]bool{}
	for range 20 {
		saved(t, e, sample(1))
		b, err := os.ReadFile(only(t, path, fileSuffix))
		if err != nil {
			t.Fatal(err)
		}
		salts[string(b[saltAt:checkAt])] = true
	}
	if len(salts) != 20 {
		t.Errorf("%d salts for 20 saves", len(salts))
	}
}

func TestForeignKeyAndDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	one, two := bytes.Repeat([]byte{1}, KeySize), bytes.Repeat([]byte{2}, KeySize)
	d := opened(t, path, one)
	e := taken(t, d, "x")
	saved(t, e, sample(1))
	file := only(t, path, fileSuffix)
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}

	// Another key has another name for the same place, and cannot read this one's.
	other := opened(t, path, two)
	if c, err := taken(t, other, "x").Load(); c != nil || err != nil {
		t.Errorf("%v, %v", c, err)
	}
	items, err := other.List()
	if err != nil || len(items) != 1 || !errors.Is(items[0].Err, ErrForeignKey) || items[0].Checkpoint != nil {
		t.Errorf("%v, %v", items, err)
	}
	if _, ok := errors.AsType[*Error](items[0].Err); !ok {
		t.Errorf("%T", items[0].Err)
	}

	for at := 0; at < len(good); at += 7 {
		bad := slices.Clone(good)
		bad[at] ^= 1
		if err := os.WriteFile(file, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		want := ErrDamaged
		if at >= idAt && at < headerSize {
			want = ErrForeignKey // or damaged there: the check tells no difference
		}
		if c, err := e.Load(); c != nil || !errors.Is(err, want) {
			t.Fatalf("byte %d changed: %v, %v", at, c, err)
		}
	}
	for _, n := range []int{0, 7, headerSize, headerSize + hpke.Overhead - 1, len(good) - 1} {
		os.WriteFile(file, good[:n], 0o600)
		if _, err := e.Load(); !errors.Is(err, ErrDamaged) {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
	os.WriteFile(file, append(good, make([]byte, MaxFile)...), 0o600)
	if _, err := e.Load(); !errors.Is(err, ErrDamaged) {
		t.Errorf("too long: %v", err)
	}
	// The file of one transfer in the place of another's.
	os.WriteFile(file, good, 0o600)
	another := taken(t, d, "y")
	os.WriteFile(filepath.Join(path, another.name+fileSuffix), good, 0o600)
	if _, err := another.Load(); !errors.Is(err, ErrDamaged) {
		t.Errorf("in another place: %v", err)
	}
	if _, err := e.Load(); err != nil {
		t.Error(err)
	}
}

// What a newer program wrote is told apart from what is damaged, by the file or by the
// checkpoint in it, and stays as it is until nobody can go on with it.
func TestNewer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	d := opened(t, path, nil)
	e := taken(t, d, "x")
	saved(t, e, sample(1))
	file := only(t, path, fileSuffix)
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	body, err := sample(1).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	// 26 elements, the first of them 2: the others may be anything.
	body = append([]byte{0x98, 26, transfer.CheckpointVersion + 1}, body[3:]...)
	inside, err := d.seal(e.name, sample(1).TransferID, append(hpke.AppendPrefixed(nil, []byte("x")), body...))
	if err != nil {
		t.Fatal(err)
	}
	outside := slices.Clone(good)
	outside[versionAt] = Version + 1
	for name, newer := range map[string][]byte{
		"checkpoint": inside, "file": outside, "a few bytes": outside[:idAt], "a larger file": append(outside, make([]byte, MaxFile)...),
	} {
		if err := os.WriteFile(file, newer, 0o600); err != nil {
			t.Fatal(err)
		}
		if c, err := e.Load(); c != nil || !errors.Is(err, ErrNewer) {
			t.Errorf("%s: %v, %v", name, c, err)
		}
		e.Close()
		if items, err := d.List(); err != nil || len(items) != 1 || !errors.Is(items[0].Err, ErrNewer) {
			t.Errorf("%s: %v, %v", name, items, err)
		}
		if err := d.Clean(); err != nil {
			t.Error(err)
		}
		if b, err := os.ReadFile(file); err != nil || !slices.Equal(b, newer) {
			t.Errorf("%s: the file has changed: %v", name, err)
		}
		e = taken(t, d, "x")
	}
	old := time.Now().Add(-transfer.MaxLifetime - time.Hour)
	if err := os.Chtimes(file, old, old); err != nil {
		t.Fatal(err)
	}
	e.Close()
	if err := d.Clean(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it stays for ever: %v", err)
	}
}

func TestExpiredIsRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	d := opened(t, path, nil)
	e := taken(t, d, "x")
	c := sample(1)
	c.Paired = c.Paired.Add(-2 * time.Hour)
	c.Expires = c.Paired.Add(time.Hour)
	saved(t, e, c)
	if c, err := e.Load(); c != nil || !errors.Is(err, transfer.ErrOver) {
		t.Errorf("%v, %v", c, err)
	}
	if c, err := e.Load(); c != nil || err != nil {
		t.Errorf("the second time: %v, %v", c, err)
	}
}

func TestClean(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	d := opened(t, path, nil)
	over := sample(2)
	over.Paired = over.Paired.Add(-2 * time.Hour)
	over.Expires = over.Paired.Add(time.Hour)
	live, dead, used := taken(t, d, "live"), taken(t, d, "dead"), taken(t, d, "used")
	saved(t, live, sample(1))
	saved(t, dead, over)
	saved(t, used, over)
	foreign := opened(t, path, bytes.Repeat([]byte{2}, KeySize))
	old, young := taken(t, foreign, "old"), taken(t, foreign, "young")
	saved(t, old, sample(3))
	saved(t, young, sample(4))
	long := time.Now().Add(-transfer.MaxLifetime - time.Hour)
	if err := os.Chtimes(filepath.Join(path, old.name+fileSuffix), long, long); err != nil {
		t.Fatal(err)
	}
	for _, e := range []*Entry{live, dead, old, young} {
		e.Close()
	}
	// What processes left that died, and what is none of ours.
	killed := strings.Repeat("a", 2*nameSize)
	for _, name := range []string{live.name + newSuffix, killed + newSuffix, killed + lockSuffix, "notes.transfer", "README"} {
		if err := os.WriteFile(filepath.Join(path, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Clean(); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"README", keyName, "notes.transfer", live.name + fileSuffix, used.name + fileSuffix, used.name + lockSuffix, young.name + fileSuffix,
	}
	slices.Sort(want)
	if got := files(t, path); !slices.Equal(got, want) {
		t.Errorf("left\n%v\nwant\n%v", got, want)
	}
	items, err := d.List()
	if err != nil || len(items) != 3 {
		t.Fatalf("%v, %v", items, err)
	}
	for _, item := range items {
		if item.InUse {
			if err := d.Forget(item.ID); !errors.Is(err, ErrInUse) {
				t.Errorf("forgot what is in use: %v", err)
			}
		} else if err := d.Forget(item.ID); err != nil {
			t.Error(err)
		}
	}
	if items, err := d.List(); err != nil || len(items) != 1 || items[0].Place != "used" || !items[0].InUse {
		t.Errorf("%v, %v", items, err)
	}
}

func TestListIsNewestFirst(t *testing.T) {
	d := opened(t, filepath.Join(t.TempDir(), "state"), nil)
	for i, place := range []string{"b", "c", "a"} {
		c := sample(byte(i + 1))
		c.Paired = c.Paired.Add(time.Duration(i) * time.Second)
		e := taken(t, d, place)
		saved(t, e, c)
		e.Close()
	}
	items, err := d.List()
	if err != nil || len(items) != 3 || items[0].Place != "a" || items[1].Place != "c" || items[2].Place != "b" || items[0].InUse {
		t.Errorf("%v, %v", items, err)
	}
}

// One process at a time, also when the other one has just given back the lock.
func TestInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	one, two := opened(t, path, nil), opened(t, path, nil)
	e := taken(t, one, "x")
	if _, err := two.Take(Name{pairing.RoleSender, "x"}); !errors.Is(err, ErrInUse) {
		t.Errorf("taken twice: %v", err)
	}
	for _, other := range []Name{{pairing.RoleReceiver, "x"}, {pairing.RoleSender, "y"}} {
		o, err := two.Take(other)
		if err != nil {
			t.Fatal(err)
		}
		o.Close()
	}
	e.Close()
	o, err := two.Take(Name{pairing.RoleSender, "x"})
	if err != nil {
		t.Fatal(err)
	}
	o.Close()
	if left := files(t, path); !slices.Equal(left, []string{keyName}) {
		t.Errorf("left: %v", left)
	}
}

func TestOpenRefuses(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no modes")
	}
	path := filepath.Join(t.TempDir(), "state")
	opened(t, path, nil)
	key := filepath.Join(path, keyName)
	refuses := func(what string, want error) {
		t.Helper()
		d, err := Open(path, Options{})
		if _, ok := errors.AsType[*Error](err); d != nil || !ok || !errors.Is(err, want) {
			t.Errorf("%s: %v", what, err)
		}
		if err != nil && strings.Contains(err.Error(), path) {
			t.Errorf("%s: the error names the path: %v", what, err)
		}
	}
	os.Chmod(path, 0o750)
	refuses("a directory for the group", ErrOpenToOthers)
	os.Chmod(path, 0o700)
	os.Chmod(key, 0o640)
	refuses("a key for the group", ErrOpenToOthers)
	os.Chmod(key, 0o600)
	for _, n := range []int{0, KeySize - 1, KeySize + 1} {
		os.WriteFile(key, make([]byte, n), 0o600)
		refuses("a key of another size", ErrDamaged)
	}
	os.WriteFile(key, make([]byte, KeySize), 0o600)
	opened(t, path, nil)
	if _, err := Open(path, Options{Key: make([]byte, KeySize-1)}); err == nil {
		t.Error("no error for a short key")
	}
	file := filepath.Join(t.TempDir(), "file")
	os.WriteFile(file, nil, 0o600)
	path = file
	refuses("a file", syscall.ENOTDIR)
	if os.Getuid() != 0 {
		locked := t.TempDir()
		os.Chmod(locked, 0o500)
		path = filepath.Join(locked, "state")
		refuses("a directory that cannot be written", fs.ErrPermission)
	}
}

// What the system said stays to be found, without the path.
func TestErrorsOfTheSystem(t *testing.T) {
	for _, e := range []error{
		&fs.PathError{Op: "write", Path: "/home/alice", Err: syscall.ENOSPC},
		&os.LinkError{Op: "rename", Old: "/home/alice", New: "/home/bob", Err: syscall.ENOSPC},
		errors.Join(&fs.PathError{Op: "write", Path: "/home/alice", Err: syscall.ENOSPC}, errors.New("close")),
	} {
		if err := wrap("save", e); !errors.Is(err, syscall.ENOSPC) || strings.Contains(err.Error(), "/home") {
			t.Error(err)
		}
	}
}

func TestLongPlace(t *testing.T) {
	d := opened(t, filepath.Join(t.TempDir(), "state"), nil)
	e := taken(t, d, strings.Repeat("x", MaxPlace))
	saved(t, e, sample(1))
	if c, err := e.Load(); c == nil || err != nil {
		t.Error(err)
	}
	if _, err := d.Take(Name{pairing.RoleSender, strings.Repeat("x", MaxPlace+1)}); err == nil {
		t.Error("no error for a longer one")
	}
}

// Many processes open a new directory at once: there is one key.
func TestFirstUseAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	keys := make(chan hpke.Secret)
	for range 8 {
		go func() {
			d, err := Open(path, Options{})
			if err != nil {
				t.Error(err)
				keys <- hpke.Secret{}
				return
			}
			keys <- d.key
			d.Close()
		}()
	}
	first := <-keys
	for range 7 {
		if k := <-keys; !k.Equal(first) {
			t.Error("two keys")
		}
	}
	if left := files(t, path); !slices.Equal(left, []string{keyName}) {
		t.Errorf("left: %v", left)
	}
}

// Processes come and go while another one looks around.
func TestListWhileOthersWork(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	d := opened(t, path, nil)
	stop, done := make(chan struct{}), make(chan struct{})
	for n := range 3 {
		go func() {
			defer func() { done <- struct{}{} }()
			for {
				select {
				case <-stop:
					return
				default:
				}
				e, err := d.Take(Name{pairing.RoleSender, strings.Repeat("x", n)})
				if errors.Is(err, ErrInUse) {
					continue // it was looked at for long, on a busy machine
				}
				if err != nil {
					t.Error(err)
					return
				}
				if err := errors.Join(e.Save(t.Context(), sample(1)), e.Remove(t.Context()), e.Close()); err != nil {
					t.Error(err)
					return
				}
			}
		}()
	}
	for range 50 {
		if err := d.Clean(); err != nil {
			t.Error(err)
		}
		items, err := d.List()
		if err != nil {
			t.Error(err)
		}
		for _, item := range items {
			if item.Err != nil {
				t.Error(item.Err)
			}
		}
	}
	close(stop)
	for range 3 {
		<-done
	}
}

// Both sides of the number of files.
func TestManyFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	d := opened(t, path, bytes.Repeat([]byte{1}, KeySize))
	for n := range MaxFiles - 1 {
		if err := os.WriteFile(filepath.Join(path, strconv.Itoa(n)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.List(); err != nil {
		t.Error(err)
	}
	for n := range 2 {
		os.WriteFile(filepath.Join(path, "x"+strconv.Itoa(n)), nil, 0o600)
	}
	if _, err := d.List(); err == nil {
		t.Error("no error")
	}
}

func FuzzUnseal(f *testing.F) {
	d := &Dir{key: hpke.Secret{1}}
	b, err := d.seal("name", [32]byte{2}, []byte("plain"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		if plain, err := d.unseal("name", b); err == nil {
			cutPrefixed(plain)
		} else if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrForeignKey) && !errors.Is(err, ErrNewer) {
			t.Errorf("foreign error: %v", err)
		}
	})
}
