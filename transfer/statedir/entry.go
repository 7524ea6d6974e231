package statedir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"time"

	"github.com/vcon-transfer/vcon-transfer/hpke"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/internal/disk"
)

// An Entry is one transfer, which no other process works on meanwhile. It is a
// transfer.State.
type Entry struct {
	dir  *Dir
	name string
	of   Name

	mu   sync.Mutex
	lock disk.Lock // nil when it was given back
}

// Take takes a transfer for this process, whether or not there is something of it.
// Close gives it back; the system does when the process dies. Every error is an
// *Error; ErrInUse is in its chain.
func (d *Dir) Take(n Name) (*Entry, error) {
	const op = "take transfer"
	if len(n.Place) > MaxPlace {
		return nil, wrap(op, fmt.Errorf("a name of more than %d bytes", MaxPlace))
	}
	e, err := d.take(d.file(n))
	for range lookTries {
		if !errors.Is(err, ErrInUse) {
			break
		}
		<-time.After(lookTime) // it may only be looked at, by List or Clean
		e, err = d.take(d.file(n))
	}
	if err != nil {
		return nil, wrap(op, err)
	}
	e.of = n
	return e, nil
}

func (d *Dir) take(name string) (*Entry, error) {
	lock, err := d.disk.Lock(name + lockSuffix)
	if errors.Is(err, disk.ErrLocked) {
		err = ErrInUse
	}
	if err != nil {
		return nil, err
	}
	return &Entry{dir: d, name: name, lock: lock}, nil
}

// Load returns what is kept, or nil, and makes that durable: it may be the last act of
// a process that was killed within it. What is over its lifetime is removed, and the
// error has transfer.ErrOver in its chain. Other errors: ErrForeignKey, ErrDamaged,
// ErrNewer, in an *Error.
func (e *Entry) Load() (*transfer.Checkpoint, error) {
	const op = "read the state of a transfer"
	_, c, err := e.dir.read(e.name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, wrap(op, e.dir.disk.Sync())
	}
	if err != nil {
		return nil, wrap(op, err)
	}
	if c.Expired() {
		c.Erase()
		return nil, wrap(op, errors.Join(transfer.ErrOver, e.Remove(context.Background())))
	}
	if err := e.dir.disk.Sync(); err != nil {
		c.Erase()
		return nil, wrap(op, err)
	}
	return c, nil
}

// Save is that of transfer.State. Every error is an *Error.
func (e *Entry) Save(_ context.Context, c *transfer.Checkpoint) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return wrap("save the state of a transfer", e.save(c))
}

func (e *Entry) save(c *transfer.Checkpoint) error {
	if e.lock == nil {
		return fs.ErrClosed
	}
	body, err := c.MarshalBinary()
	if err != nil {
		return err
	}
	plain := append(hpke.AppendPrefixed(nil, []byte(e.of.Place)), body...)
	defer clear(plain)
	clear(body)
	sealed, err := e.dir.seal(e.name, c.TransferID, plain)
	if err != nil {
		return err
	}
	if err := e.dir.write(e.name+newSuffix, sealed); err != nil {
		return err
	}
	if err := e.dir.disk.Rename(e.name+newSuffix, e.name+fileSuffix); err != nil {
		return err
	}
	return e.dir.disk.Sync()
}

// Remove is that of transfer.State. Every error is an *Error.
func (e *Entry) Remove(context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return wrap("remove the state of a transfer", e.remove())
}

func (e *Entry) remove() error {
	if e.lock == nil {
		return fs.ErrClosed
	}
	for _, suffix := range []string{newSuffix, fileSuffix} {
		if err := e.dir.disk.Remove(e.name + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return e.dir.disk.Sync()
}

// Close gives the transfer back. What is kept of it stays.
func (e *Entry) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.lock == nil {
		return nil
	}
	lock := e.lock
	e.lock = nil
	return wrap("give back a transfer", lock.Unlock())
}

// read opens and checks a file.
func (d *Dir) read(name string) (place string, c *transfer.Checkpoint, err error) {
	f, err := d.disk.Open(name + fileSuffix)
	if err != nil {
		return "", nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err != nil {
		return "", nil, err
	}
	plain, err := d.unseal(name, b)
	if err != nil {
		return "", nil, err
	}
	defer clear(plain)
	text, body, ok := cutPrefixed(plain)
	if !ok {
		return "", nil, ErrDamaged
	}
	if c, err = transfer.ParseCheckpoint(body); err != nil {
		kind := ErrDamaged
		if errors.Is(err, transfer.ErrCheckpointNewer) {
			kind = ErrNewer
		}
		return "", nil, fmt.Errorf("%w: %w", kind, err)
	}
	return string(text), c, nil
}
