//go:build darwin || linux || freebsd || netbsd || openbsd || dragonfly

package statedir

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// lock takes the advisory lock of a file, which ends with the process however it
// dies.
func (d *Dir) lock(name string) (*os.File, error) {
	for {
		f, err := d.root.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = ErrInUse
		}
		same := false
		if err == nil {
			same, err = d.same(f, name)
		}
		if err == nil && same {
			return f, nil
		}
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
	}
}

// unlock removes the file before the lock ends: who waits for it sees that it is gone.
func (d *Dir) unlock(name string, f *os.File) error {
	err := d.root.Remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, f.Close())
}

// same tells whether a locked file is still the one with its name: the process
// before may have removed it in between.
func (d *Dir) same(f *os.File, name string) (bool, error) {
	held, err := f.Stat()
	if err != nil {
		return false, err
	}
	there, err := d.root.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(held, there), err
}
