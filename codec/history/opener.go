package history

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// An opener keeps the file that was read last open.
type opener struct {
	mu   sync.Mutex
	at   *diskFile
	file *os.File
}

// use calls f with a file, unless that changed since it was seen first.
func (o *opener) use(d *diskFile, f func(io.ReaderAt) error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.at != d {
		if err := o.drop(); err != nil {
			return err
		}
		file, err := d.openFile()
		if err != nil {
			return err
		}
		o.at, o.file = d, file
	}
	if err := f(o.file); err != nil {
		return err
	}
	return d.checkFile(o.file)
}

func (o *opener) drop() error {
	if o.file == nil {
		return nil
	}
	err := o.file.Close()
	o.at, o.file = nil, nil
	return err
}

func (o *opener) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.drop()
}

// A diskFile is a vCon in a file that is not ours.
type diskFile struct {
	path   string
	opener *opener
	info   os.FileInfo // as first seen
}

func (d *diskFile) length() int64 { return d.info.Size() }

func (d *diskFile) use(f func(io.ReaderAt) error) error { return d.opener.use(d, f) }

func (d *diskFile) open() (openBacking, error) {
	file, err := d.openFile()
	if err != nil {
		return nil, err
	}
	return openFile{file, d}, nil
}

// openFile opens the file again, as the file that it was.
func (d *diskFile) openFile() (*os.File, error) {
	file, err := os.Open(filepath.Clean(d.path))
	if err != nil {
		if d.info != nil {
			return nil, ErrChanged
		}
		return nil, err
	}
	if err := d.checkFile(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// checkFile compares the file with what it was when it was seen first.
func (d *diskFile) checkFile(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if d.info == nil {
		if !info.Mode().IsRegular() {
			return errors.New("not a regular file")
		}
		d.info = info
		return nil
	}
	if !os.SameFile(d.info, info) || info.Size() != d.info.Size() || !info.ModTime().Equal(d.info.ModTime()) {
		return ErrChanged
	}
	return nil
}

// An openFile is a file that stays open.
type openFile struct {
	*os.File
	d *diskFile
}

func (f openFile) check() error { return f.d.checkFile(f.File) }
