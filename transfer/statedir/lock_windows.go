package statedir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// errSharing is ERROR_SHARING_VIOLATION.
const errSharing = syscall.Errno(32)

// lock opens a file that nobody else can open meanwhile; that ends with the process.
func (d *Dir) lock(name string) (*os.File, error) {
	path, err := syscall.UTF16PtrFromString(filepath.Join(d.root.Name(), name))
	if err != nil {
		return nil, err
	}
	h, err := syscall.CreateFile(path, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil,
		syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if errors.Is(err, errSharing) {
		return nil, ErrInUse
	}
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(h), name), nil
}

// unlock removes the file, unless somebody else has it by then.
func (d *Dir) unlock(name string, f *os.File) error {
	if err := f.Close(); err != nil {
		return err
	}
	err := d.root.Remove(name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errSharing) {
		return nil
	}
	return err
}
