package history

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
)

// An opener keeps the file that was read last open.
type opener struct {
	mu   sync.Mutex
	unit *fileUnit
	file *os.File
}

// use calls f with the unit's file, unless that changed since it was seen first.
func (o *opener) use(u *fileUnit, f func(*os.File) error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.unit != u {
		if err := o.drop(); err != nil {
			return err
		}
		file, err := u.openFile()
		if err != nil {
			return err
		}
		o.unit, o.file = u, file
	}
	if err := f(o.file); err != nil {
		return err
	}
	return u.check(o.file)
}

func (o *opener) drop() error {
	if o.file == nil {
		return nil
	}
	err := o.file.Close()
	o.unit, o.file = nil, nil
	return err
}

func (o *opener) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.drop()
}

// openFile opens the unit's file again, as the file that it was.
func (u *fileUnit) openFile() (*os.File, error) {
	file, err := os.Open(filepath.Clean(u.path))
	if err != nil {
		if u.info != nil {
			return nil, ErrChanged
		}
		return nil, err
	}
	if err := u.check(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// check compares the file with what it was when it was seen first.
func (u *fileUnit) check(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if u.info == nil {
		if !info.Mode().IsRegular() {
			return errors.New("not a regular file")
		}
		u.info, u.size = info, info.Size()
		return nil
	}
	if !os.SameFile(u.info, info) || info.Size() != u.size || !info.ModTime().Equal(u.info.ModTime()) {
		return ErrChanged
	}
	return nil
}
