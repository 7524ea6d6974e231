//go:build darwin || linux || freebsd || netbsd || openbsd || dragonfly

package disk

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// Lock takes the lock of the file, and makes that when it is not there.
func (r *root) Lock(name string) (Lock, error) {
	for {
		f, err := r.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = ErrLocked
		}
		same := false
		if err == nil {
			same, err = r.same(f, name)
		}
		if err == nil && same {
			return &lock{r, name, f}, nil
		}
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
	}
}

// Unlock removes the file before the lock ends: who waits for it sees that it is gone.
func (l *lock) Unlock() error {
	err := l.dir.Remove(l.name)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, l.file.Close())
}

// same tells whether a locked file is still the one with its name: the process
// before may have removed it in between.
func (r *root) same(f *os.File, name string) (bool, error) {
	held, err := f.Stat()
	if err != nil {
		return false, err
	}
	there, err := r.Root.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(held, there), err
}
