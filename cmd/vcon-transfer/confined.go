package main

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// A confined is the file system of an export that is a folder, or a file in one.
// Names begin at the root of the system; there is nothing outside of the folder.
// An export that somebody made may have symbolic links that lead out of it, to a
// key for instance, which must not get into a transfer, and pipes and devices,
// which never end: all of these are not there.
type confined struct {
	folder *os.Root
	dir    string // its name from the root on
}

// Open implements fs.FS.
func (c *confined) Open(name string) (fs.File, error) {
	rel, err := c.inside("open", name)
	if err != nil {
		return nil, err
	}
	if info, err := c.Stat(name); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() && !info.IsDir() { // to open it may take for ever
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	f, err := c.folder.Open(rel)
	if err != nil {
		return nil, refusal("open", name, err)
	}
	return f, nil
}

// Stat implements fs.StatFS. It opens nothing.
func (c *confined) Stat(name string) (fs.FileInfo, error) {
	rel, err := c.inside("stat", name)
	if err != nil {
		return nil, err
	}
	info, err := c.folder.Stat(rel)
	if err != nil {
		return nil, refusal("stat", name, err)
	}
	return info, nil
}

// ReadDir implements fs.ReadDirFS. It lists what cannot be opened, too.
func (c *confined) ReadDir(name string) ([]fs.DirEntry, error) {
	rel, err := c.inside("readdir", name)
	if err != nil {
		return nil, err
	}
	all, err := fs.ReadDir(c.folder.FS(), rel)
	if err != nil {
		return nil, refusal("readdir", name, err)
	}
	return all, nil
}

// inside is a name from the folder on.
func (c *confined) inside(op, name string) (string, error) {
	switch rest, ok := strings.CutPrefix(name, c.dir+"/"); {
	case !fs.ValidPath(name):
		return "", &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	case name == c.dir:
		return ".", nil
	case c.dir == ".":
		return name, nil
	case ok:
		return rest, nil
	}
	return "", &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}

// refusal is the error of a name. What the system did not refuse, os.Root did,
// since it leads out of the folder: it is not there.
func refusal(op, name string, err error) error {
	if _, ok := errors.AsType[syscall.Errno](err); !ok && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrClosed) {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}
