package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// Open opens a directory of the system, and makes it (0700) when there is none.
func Open(path string) (Dir, error) {
	if err := makeAll(path); err != nil {
		return nil, err
	}
	r, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	return &root{r}, nil
}

// makeAll is os.MkdirAll, and makes durable what it made: otherwise the directory may
// be gone with all that is durable in it.
func makeAll(path string) error {
	err := os.Mkdir(path, 0o700)
	parent := filepath.Dir(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && parent != path:
		if err := makeAll(parent); err != nil {
			return err
		}
		return makeAll(path)
	case err == nil:
		return syncDir(parent)
	}
	info, gone := os.Stat(path)
	switch {
	case gone != nil:
		return err
	case !info.IsDir():
		return &fs.PathError{Op: "mkdir", Path: path, Err: syscall.ENOTDIR}
	}
	return nil // whoever made it
}

// syncDir makes the names in a directory durable. Windows journals names by itself;
// a directory that may not be read cannot be synced.
func syncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// root is a Dir of the system; no name leads out of it.
type root struct{ *os.Root }

func (r *root) Stat(name string) (fs.FileInfo, error) { return r.Lstat(name) }

func (r *root) Open(name string) (fs.File, error) {
	f, err := r.Root.Open(name)
	if err != nil {
		return nil, err // and no file that is a nil *os.File
	}
	return f, nil
}

func (r *root) Create(name string) (File, error) {
	f, err := r.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (r *root) Names(most int) ([]string, error) {
	f, err := r.Root.Open(".")
	if err != nil {
		return nil, err
	}
	names, err := f.Readdirnames(most)
	if errors.Is(err, io.EOF) {
		err = nil // there are none
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if len(names) >= most {
		return nil, fmt.Errorf("%d files or more", most)
	}
	return names, nil
}

// Sync does nothing on Windows, which journals names by itself.
func (r *root) Sync() error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := r.Root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// lock is a file that is locked as the system does that.
type lock struct {
	dir  *root
	name string
	file *os.File
}
