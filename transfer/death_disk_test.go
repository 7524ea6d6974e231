package transfer_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"syscall"
	"time"

	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/statedir"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
)

// This file is what a device keeps: the real state directory, on a disk that loses
// what was not synced.

// jump moves the wall clock between two processes: what is stored gets as much
// older, as time itself cannot jump here.
func (d *device) jump(by time.Duration) {
	c := d.stored()
	if by == 0 || c == nil {
		return
	}
	c.Paired, c.Expires = c.Paired.Add(-by), c.Expires.Add(-by)
	b, err := c.MarshalBinary()
	if err != nil {
		return // before 1970
	}
	dir, err := statedir.OpenOn(d.disk.Process(nil), statedir.Options{})
	if err != nil {
		d.w.t.Error(err)
		return
	}
	e, err := dir.Take(d.of)
	if err == nil {
		err = errors.Join(e.Save(d.w.t.Context(), c), e.Close(), dir.Close())
	}
	if err != nil {
		d.w.t.Error(err)
	}
	d.hold(b)
	d.w.note("clock jumped")
}

// hold says what is on the disk from now on.
func (d *device) hold(may ...[]byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.may = may
}

// alsoHold says what may be there from now on too.
func (d *device) alsoHold(b []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.may = append(d.may, b)
}

// open takes the transfer and reads what is stored. It reports false when the
// process did not get so far.
func (l *life) open() (ok bool) {
	d := l.d
	err := func() (err error) {
		if l.dir, err = statedir.OpenOn(d.disk.Process(l.onDisk), statedir.Options{}); err != nil {
			return err
		}
		if l.entry, err = l.dir.Take(d.of); err != nil {
			return err
		}
		l.checkpoint, err = l.entry.Load()
		return err
	}()
	over := l.over()
	switch {
	case !l.lives():
		if over {
			d.alsoHold(nil)
		}
		return false
	case errors.Is(err, transfer.ErrOver) && over:
		d.hold(nil)
		d.w.note("over")
		return true
	case errors.Is(err, syscall.ENOSPC) && l.isFull():
		return false
	case err != nil:
		d.w.t.Errorf("the %s cannot read what it kept: %v", d.name, err)
		d.w.giveUp()
		return false
	}
	var b []byte
	if l.checkpoint != nil {
		if b, err = l.checkpoint.MarshalBinary(); err != nil {
			d.w.t.Error(err)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.ContainsFunc(d.may, func(may []byte) bool { return bytes.Equal(may, b) }) || over && b != nil {
		d.w.t.Errorf("the %s finds %v, and that is not what it kept last", d.name, l.checkpoint)
	}
	d.may = [][]byte{b}
	return true
}

// over tells whether what may be stored is over its lifetime, or from the future.
func (l *life) over() bool {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	for _, b := range l.d.may {
		if b == nil {
			continue
		}
		c, err := transfer.ParseCheckpoint(b)
		if err != nil {
			l.d.w.t.Error(err)
			continue
		}
		if now := time.Now(); !now.Before(c.Expires) || c.Paired.Sub(now) > 24*time.Hour {
			return true
		}
	}
	return false
}

// onDisk is a step before and after each call of statedir.
func (l *life) onDisk(call transfertest.DiskCall) error {
	l.d.w.mu.Lock()
	for _, secret := range l.d.w.secrets {
		if bytes.Contains(call.Data, secret) {
			l.d.w.t.Error("a secret is on the disk in clear")
		}
	}
	l.d.w.mu.Unlock()
	switch call.Op {
	case "create", "write", "link", "rename", "lock":
		if !call.Done {
			return l.room()
		}
	}
	if !l.step() {
		return errKilled
	}
	return nil
}

// Save and Remove are statedir's, and what is expected of it.
func (l *life) Save(ctx context.Context, c *transfer.Checkpoint) error {
	b, err := c.MarshalBinary()
	if err != nil {
		return err
	}
	l.d.w.secret(c.Resumption[:])
	if c.Role == pairing.RoleSender && c.Receipt != nil && !l.d.w.store.has(c.TransferID) {
		l.d.w.t.Error("the old device has a receipt, and the sink has not committed")
	}
	if c.End != nil && l.d.w.ended[c.End.Root] == nil {
		l.d.w.ended[c.End.Root] = l.d.w.listed
	}
	how := savingWorks
	if l.d.saves != nil {
		how = l.d.saves(l.d.started, c)
	}
	if how == savingHasNoRoom {
		l.d.wasFull = true
		return syscall.ENOSPC
	}
	l.d.alsoHold(b)
	if err := l.entry.Save(ctx, c); err != nil {
		return err
	}
	l.d.hold(b)
	if how == savingIsTheLast {
		l.killNow()
		return errKilled
	}
	return nil
}

func (l *life) Remove(ctx context.Context) error {
	l.d.w.checkRemove(l)
	l.d.alsoHold(nil)
	if err := l.entry.Remove(ctx); err != nil {
		return err
	}
	l.d.hold(nil)
	return nil
}

// stored is the checkpoint on the disk, or nil; durable is the one that is there for
// certain when the power fails now.
func (d *device) stored() *transfer.Checkpoint  { return d.look(d.disk.Copy()) }
func (d *device) durable() *transfer.Checkpoint { return d.look(d.disk.Durable()) }

func (d *device) look(disk *transfertest.Disk) *transfer.Checkpoint {
	dir, err := statedir.OpenOn(disk.Process(nil), statedir.Options{})
	if err != nil {
		d.w.t.Error(err)
		return nil
	}
	defer dir.Close()
	e, err := dir.Take(d.of)
	if err != nil {
		d.w.t.Error(err)
		return nil
	}
	c, err := e.Load()
	if err != nil && !errors.Is(err, transfer.ErrOver) {
		d.w.t.Errorf("what the %s keeps: %v", d.name, err)
	}
	return c
}

// A saving is how it goes.
type saving int

const (
	savingWorks saving = iota
	savingHasNoRoom
	savingIsTheLast // act of its process
)
