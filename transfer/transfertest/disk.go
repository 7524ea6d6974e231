package transfertest

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/vcon-transfer/vcon-transfer/transfer/internal/disk"
)

// Disk is a directory in memory that outlives its processes. It keeps what was synced; what was not, a
// power failure may take: the content of a file, wholly or in part, and each name that came or went.
type Disk struct {
	mu      sync.Mutex
	names   map[string]*diskFile
	synced  map[string]*diskFile // the names as of the last Sync
	changes []nameChange         // since then
	locks   map[string]*process
}

// A diskFile is what names lead to.
type diskFile struct {
	data, synced []byte // synced is nil before the first Sync
	modified     time.Time
}

// A nameChange is one step: of a Rename both halves, or none.
type nameChange struct {
	set, unset string // "" for none
	file       *diskFile
}

func (c nameChange) apply(names map[string]*diskFile) {
	delete(names, c.unset)
	if c.set != "" {
		names[c.set] = c.file
	}
}

// NewDisk returns an empty directory.
func NewDisk() *Disk {
	return &Disk{names: map[string]*diskFile{}, synced: map[string]*diskFile{}, locks: map[string]*process{}}
}

// A DiskCall is one call that changes a Disk.
type DiskCall struct {
	Op   string // create, write, sync, link, rename, remove, syncdir, lock, unlock
	Data []byte // of write
	Done bool   // it has happened
}

// Process returns the directory as one process has it. step, when set, is called before each call that
// changes something, and after it; its error is that of the call.
func (d *Disk) Process(step func(DiskCall) error) disk.Dir {
	if step == nil {
		step = func(DiskCall) error { return nil }
	}
	return &process{d, step}
}

// Crash ends the processes. Without rnd they were killed, and the system still has what they wrote; with
// it the power failed, and rnd says what is left of what was not synced.
func (d *Disk) Crash(rnd *rand.Rand) {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.locks)
	if rnd == nil {
		return
	}
	ordered := rnd.IntN(2) == 0 // a file system that journals its names loses the last ones
	for _, c := range d.changes {
		if rnd.IntN(2) == 0 {
			c.apply(d.synced)
		} else if ordered {
			break
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.synced)) {
		d.synced[name].lose(rnd)
	}
	d.names, d.changes = maps.Clone(d.synced), nil
}

// lose keeps of what was not synced all, a part, nothing, or its length.
func (f *diskFile) lose(rnd *rand.Rand) {
	if f.synced != nil && bytes.Equal(f.data, f.synced) {
		return
	}
	switch rnd.IntN(4) {
	case 0:
	case 1:
		f.data = f.data[:rnd.IntN(len(f.data)+1)]
	case 2:
		f.data = bytes.Clone(f.synced)
	case 3:
		f.data = make([]byte, len(f.data))
	}
	f.synced = append([]byte{}, f.data...)
}

// Durable returns what is left for certain: another Disk with nothing that was not synced.
func (d *Disk) Durable() *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := NewDisk()
	for name, f := range d.synced {
		c.names[name] = &diskFile{bytes.Clone(f.synced), append([]byte{}, f.synced...), f.modified}
	}
	c.synced = maps.Clone(c.names)
	return c
}

// Copy returns another Disk with what is there now, all of it synced.
func (d *Disk) Copy() *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := NewDisk()
	for name, f := range d.names {
		c.names[name] = &diskFile{bytes.Clone(f.data), append([]byte{}, f.data...), f.modified}
	}
	c.synced = maps.Clone(c.names)
	return c
}

// Names lists the files, in order.
func (d *Disk) Names() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(maps.Keys(d.names))
}

// A process is a disk.Dir.
type process struct {
	d    *Disk
	step func(DiskCall) error
}

// do is one call that changes something.
func (p *process) do(call DiskCall, change func() error) error {
	if err := p.step(call); err != nil {
		return err
	}
	p.d.mu.Lock()
	err := change()
	p.d.mu.Unlock()
	if err != nil {
		return err
	}
	call.Done = true
	return p.step(call)
}

// change notes a change of names, and makes it. The lock is held.
func (d *Disk) change(c nameChange) error {
	d.changes = append(d.changes, c)
	c.apply(d.names)
	return nil
}

func (p *process) find(name string) (*diskFile, error) {
	if f := p.d.names[name]; f != nil {
		return f, nil
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

func (p *process) Stat(name string) (fs.FileInfo, error) {
	if name == "." {
		return diskInfo{name: name, mode: fs.ModeDir | 0o700}, nil
	}
	p.d.mu.Lock()
	defer p.d.mu.Unlock()
	f, err := p.find(name)
	if err != nil {
		return nil, err
	}
	return f.info(name), nil
}

func (p *process) Open(name string) (fs.File, error) {
	p.d.mu.Lock()
	defer p.d.mu.Unlock()
	f, err := p.find(name)
	if err != nil {
		return nil, err
	}
	return &diskReader{bytes.NewReader(bytes.Clone(f.data)), f.info(name)}, nil
}

func (p *process) Create(name string) (disk.File, error) {
	f := &diskFile{modified: time.Now()}
	return &diskWriter{p, f}, p.do(DiskCall{Op: "create"}, func() error {
		if p.d.names[name] != nil {
			return fs.ErrExist
		}
		return p.d.change(nameChange{set: name, file: f})
	})
}

func (p *process) Link(from, to string) error {
	return p.do(DiskCall{Op: "link"}, func() error {
		f, err := p.find(from)
		if err == nil && p.d.names[to] != nil {
			err = fs.ErrExist
		}
		if err != nil {
			return err
		}
		return p.d.change(nameChange{set: to, file: f})
	})
}

func (p *process) Rename(from, to string) error {
	return p.do(DiskCall{Op: "rename"}, func() error {
		f, err := p.find(from)
		if err != nil {
			return err
		}
		return p.d.change(nameChange{set: to, unset: from, file: f})
	})
}

func (p *process) Remove(name string) error {
	return p.do(DiskCall{Op: "remove"}, func() error {
		if _, err := p.find(name); err != nil {
			return err
		}
		return p.d.change(nameChange{unset: name})
	})
}

func (p *process) Names(most int) ([]string, error) {
	names := p.d.Names()
	if len(names) >= most {
		return nil, errors.New("too many files")
	}
	return names, nil
}

func (p *process) Sync() error {
	return p.do(DiskCall{Op: "syncdir"}, func() error {
		p.d.synced, p.d.changes = maps.Clone(p.d.names), nil
		return nil
	})
}

func (p *process) Lock(name string) (disk.Lock, error) {
	return &diskLock{p, name}, p.do(DiskCall{Op: "lock"}, func() error {
		if p.d.locks[name] != nil {
			return disk.ErrLocked
		}
		p.d.locks[name] = p
		if p.d.names[name] != nil {
			return nil
		}
		return p.d.change(nameChange{set: name, file: &diskFile{modified: time.Now()}})
	})
}

func (p *process) Close() error { return nil }

type diskLock struct {
	p    *process
	name string
}

func (l *diskLock) Unlock() error {
	d := l.p.d
	return l.p.do(DiskCall{Op: "unlock"}, func() error {
		if d.locks[l.name] == l.p {
			delete(d.locks, l.name)
		}
		return d.change(nameChange{unset: l.name})
	})
}

type diskWriter struct {
	p *process
	f *diskFile
}

func (w *diskWriter) Write(b []byte) (int, error) {
	return len(b), w.p.do(DiskCall{Op: "write", Data: b}, func() error {
		w.f.data, w.f.modified = append(w.f.data, b...), time.Now()
		return nil
	})
}

func (w *diskWriter) Sync() error {
	return w.p.do(DiskCall{Op: "sync"}, func() error {
		w.f.synced = append([]byte{}, w.f.data...)
		return nil
	})
}

func (w *diskWriter) Close() error { return nil }

type diskReader struct {
	*bytes.Reader
	info fs.FileInfo
}

func (r *diskReader) Stat() (fs.FileInfo, error) { return r.info, nil }
func (r *diskReader) Close() error               { return nil }

type diskInfo struct {
	name     string
	size     int64
	mode     fs.FileMode
	modified time.Time
}

func (f *diskFile) info(name string) fs.FileInfo {
	return diskInfo{name, int64(len(f.data)), 0o600, f.modified}
}

func (i diskInfo) Name() string       { return i.name }
func (i diskInfo) Size() int64        { return i.size }
func (i diskInfo) Mode() fs.FileMode  { return i.mode }
func (i diskInfo) ModTime() time.Time { return i.modified }
func (i diskInfo) IsDir() bool        { return i.mode.IsDir() }
func (i diskInfo) Sys() any           { return nil }
