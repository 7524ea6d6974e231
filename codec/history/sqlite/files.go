package sqlite

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// files is the folder beside the database that holds the contents of
// attachments, each under the hexadecimal SHA-256 of its bytes, and unfinished
// ones in a subfolder. No name in it comes from the history, and os.Root keeps
// everything inside even if the folder is tampered with.
type files struct {
	root *os.Root
	dir  string
}

const unfinished = "unfinished"

func openFiles(dir string) (*files, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, pathless(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, pathless(err)
	}
	f := &files{root: root, dir: dir}
	if err := root.Mkdir(unfinished, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, pathless(errors.Join(err, root.Close()))
	}
	return f, nil
}

func (f *files) close() error { return f.root.Close() }

// size is the length of a file, and -1 when there is none.
func (f *files) size(name string) (int64, error) {
	info, err := f.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return -1, nil
	}
	if err != nil {
		return 0, pathless(err)
	}
	if !info.Mode().IsRegular() {
		return -1, nil
	}
	return info.Size(), nil
}

// lengths are the lengths of the files in a folder: "." has the finished contents.
func (f *files) lengths(dir string) (all []uint64, err error) {
	entries, err := fs.ReadDir(f.root.FS(), dir)
	if err != nil {
		return nil, pathless(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return nil, pathless(err)
		}
		if info.Mode().IsRegular() {
			all = append(all, uint64(info.Size()))
		}
	}
	return all, nil
}

// prune removes unfinished contents that nobody wrote to since before.
func (f *files) prune(before time.Time) error {
	entries, err := fs.ReadDir(f.root.FS(), unfinished)
	if err != nil {
		return pathless(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && info.ModTime().Before(before) {
			err = f.root.Remove(unfinished + "/" + e.Name())
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return pathless(err)
		}
	}
	return nil
}

// open opens a finished content from offset on.
func (f *files) open(sum []byte, offset uint64) (*os.File, error) {
	file, err := f.root.Open(hex.EncodeToString(sum))
	if err != nil {
		return nil, pathless(err)
	}
	if _, err := file.Seek(int64(offset), io.SeekStart); err != nil {
		return nil, errors.Join(pathless(err), file.Close())
	}
	return file, nil
}

// verify reads a finished content and compares it with its name.
func (f *files) verify(sum []byte, size int64) error {
	file, err := f.open(sum, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	h := sha256.New()
	n, err := io.Copy(h, file)
	if err != nil {
		return pathless(err)
	}
	if n != size || string(h.Sum(nil)) != string(sum) {
		return segment.ErrHash
	}
	return nil
}

// holds reports whether a finished content of this size is there.
func (f *files) holds(sum []byte, size uint64) (bool, error) {
	n, err := f.size(hex.EncodeToString(sum))
	return err == nil && n >= 0 && uint64(n) == size, err
}

// path is where a person finds a content.
func (f *files) path(name string) string { return filepath.Join(f.dir, name) }

// discard removes contents that nothing refers to. One that stays does no harm.
func (f *files) discard(sums [][]byte) {
	for _, sum := range sums {
		_ = f.root.Remove(hex.EncodeToString(sum))
	}
}

// publish makes an unfinished content final: durable first, then renamed, so
// that a name never stands for less than its content.
func (f *files) publish(from string, file *os.File, sum [32]byte) error {
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return pathless(err)
	}
	if err := f.root.Rename(from, hex.EncodeToString(sum[:])); err != nil {
		return pathless(err)
	}
	return f.sync()
}

// sync makes the names of the folder durable. Windows cannot open a folder for
// that; its renames are journalled.
func (f *files) sync() error {
	if runtime.GOOS == "windows" {
		return nil
	}
	dir, err := f.root.Open(".")
	if err != nil {
		return pathless(err)
	}
	return pathless(errors.Join(dir.Sync(), dir.Close()))
}

// pathless removes the path from an error of the file system: the folder's name
// may name people, and errors are logged.
func pathless(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("%s attachment: %w", e.Op, e.Err)
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return fmt.Errorf("%s attachment: %w", e.Op, e.Err)
	}
	return err
}
