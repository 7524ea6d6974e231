package statedir

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/vcon-transfer/vcon-transfer/transfer"
)

// An Item is one unfinished transfer of the directory.
type Item struct {
	ID         string // for Forget
	Place      string // what the command named
	Checkpoint *transfer.Checkpoint
	InUse      bool  // a process is at work on it
	Err        error // why it cannot be read: ErrForeignKey, ErrDamaged or ErrNewer; Place and Checkpoint are empty then
}

// List gives what is unfinished, the newest first, and then what cannot be read. At
// most MaxFiles files are looked at. Every error is an *Error.
func (d *Dir) List() ([]Item, error) {
	names, err := d.names(fileSuffix)
	if err != nil {
		return nil, wrap("list transfers", err)
	}
	var items []Item
	for _, name := range names {
		item := Item{ID: name}
		item.Place, item.Checkpoint, item.Err = d.read(name)
		if errors.Is(item.Err, fs.ErrNotExist) {
			continue // ended meanwhile
		}
		item.Err = wrap("read the state of a transfer", item.Err)
		e, err := d.take(name)
		if errors.Is(err, ErrInUse) {
			item.InUse = true
		} else if err != nil {
			return nil, wrap("list transfers", err)
		} else if err := e.Close(); err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	slices.SortStableFunc(items, func(a, b Item) int {
		switch {
		case a.Checkpoint == nil && b.Checkpoint == nil:
			return strings.Compare(a.ID, b.ID)
		case a.Checkpoint == nil:
			return 1
		case b.Checkpoint == nil:
			return -1
		}
		return b.Checkpoint.Paired.Compare(a.Checkpoint.Paired)
	})
	return items, nil
}

// Forget removes a transfer that List gave, readable or not: nobody can go on with
// it. Every error is an *Error; ErrInUse is in its chain.
func (d *Dir) Forget(id string) error {
	e, err := d.take(id)
	if err != nil {
		return wrap("forget transfer", err)
	}
	return errors.Join(e.Remove(context.Background()), e.Close())
}

// Clean removes what nobody can use any more: transfers that are over their
// lifetime, and what processes left that died. It leaves alone what is in use, and
// what is sealed under another key or written by a newer program and may still live. Every error is an *Error.
func (d *Dir) Clean() error {
	const op = "clean state directory"
	var all []string
	for _, suffix := range []string{fileSuffix, newSuffix, lockSuffix} {
		names, err := d.names(suffix)
		if err != nil {
			return wrap(op, err)
		}
		all = append(all, names...)
	}
	slices.Sort(all)
	for _, name := range slices.Compact(all) {
		e, err := d.take(name)
		if errors.Is(err, ErrInUse) {
			continue
		}
		if err == nil {
			err = errors.Join(e.clean(), e.Close())
		}
		if err != nil {
			return wrap(op, err)
		}
	}
	return nil
}

func (e *Entry) clean() error {
	_, c, err := e.dir.read(e.name)
	switch {
	case err == nil && c.Expired():
		return e.remove()
	case errors.Is(err, ErrForeignKey), errors.Is(err, ErrDamaged), errors.Is(err, ErrNewer):
		info, err := e.dir.disk.Stat(e.name + fileSuffix)
		if err != nil {
			return err
		}
		if time.Since(info.ModTime()) > transfer.MaxLifetime {
			return e.remove()
		}
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	}
	if err := e.dir.disk.Remove(e.name + newSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// names lists the files of one ending, without it.
func (d *Dir) names(suffix string) (names []string, err error) {
	all, err := d.disk.Names(MaxFiles)
	if err != nil {
		return nil, err
	}
	for _, name := range all {
		base, ok := strings.CutSuffix(name, suffix)
		if !ok || !isName(base) {
			continue
		}
		info, err := d.disk.Stat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // another process is done with it
		}
		if err != nil {
			return nil, err
		}
		if info.Mode().IsRegular() {
			names = append(names, base)
		}
	}
	return names, nil
}

// isName tells a name of ours from whatever else lies in the directory.
func isName(s string) bool { return len(s) == 2*nameSize && strings.Trim(s, "0123456789abcdef") == "" }
