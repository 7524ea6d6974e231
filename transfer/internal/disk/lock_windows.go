package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// errSharing is ERROR_SHARING_VIOLATION.
const errSharing = syscall.Errno(32)

// Lock opens a file that nobody else can open meanwhile; that ends with the process.
func (r *root) Lock(name string) (Lock, error) {
	path, err := syscall.UTF16PtrFromString(filepath.Join(r.Root.Name(), name))
	if err != nil {
		return nil, err
	}
	h, err := syscall.CreateFile(path, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil,
		syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if errors.Is(err, errSharing) {
		return nil, ErrLocked
	}
	if err != nil {
		return nil, err
	}
	return &lock{r, name, os.NewFile(uintptr(h), name)}, nil
}

// Unlock removes the file, unless somebody else has it by then.
func (l *lock) Unlock() error {
	if err := l.file.Close(); err != nil {
		return err
	}
	err := l.dir.Remove(l.name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errSharing) {
		return nil
	}
	return err
}
