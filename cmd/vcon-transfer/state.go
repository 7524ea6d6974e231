package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/statedir"
)

// stateFlags say where unfinished transfers are kept, and whether one is gone on with.
type stateFlags struct {
	dir   string
	fresh bool
	key   keyFlags
}

func (f *stateFlags) bind(c *cobra.Command) {
	c.Flags().StringVar(&f.dir, "state-dir", "", "where unfinished transfers are kept (default: in the user's data directory)")
	f.key.bind(c)
	c.Flags().BoolVar(&f.fresh, "new", false, "begin a new transfer, with a new code, also when one is unfinished")
}

// open opens the state directory. Without it a transfer goes well all the same, if it
// is not interrupted: only a directory that was asked for has to be there.
func (f *stateFlags) open(ctx context.Context, ui *terminal) (*statedir.Dir, error) {
	key, err := f.key.read(ctx, ui)
	if err != nil {
		return nil, err
	}
	path := f.path()
	dir, err := statedir.Open(path, statedir.Options{Key: key})
	if err == nil {
		return dir, nil
	}
	err = destinationError{fmt.Errorf("%s: %w", path, err)}
	if f.dir != "" {
		return nil, err
	}
	sayWithout(ui, err)
	return nil, nil
}

func sayWithout(ui *terminal, err error) {
	ui.warn("no-state", "an interrupted transfer cannot be gone on with after this process: %v", err)
}

// path is --state-dir or the default, beside the default store.
func (f *stateFlags) path() string {
	if f.dir != "" {
		return f.dir
	}
	store := defaultStore()
	if dir := filepath.Dir(store); dir != "." {
		return filepath.Join(dir, "state")
	}
	return "vcon-transfer-state" // no home: the store is in the current directory too
}

// kept is the state of the one transfer of a command.
type kept struct {
	dir     *statedir.Dir
	entry   *statedir.Entry      // nil when nothing can be kept
	found   *transfer.Checkpoint // to be gone on with, or nil
	without func(error)          // tells that nothing can be kept; nil when the directory was asked for
}

// maxAtOnce bounds the transfers of one command that run, or are unfinished, at once:
// a history may be sent to several devices.
const maxAtOnce = 8

// find takes what the same command left unfinished, the newest; or with fresh, or when
// there is nothing, a place for a new transfer, which takes that of an unfinished one.
func (f *stateFlags) find(ctx context.Context, ui *terminal, role pairing.Role, place string, fresh bool) (k *kept, err error) {
	k = &kept{}
	if f.dir == "" {
		k.without = func(err error) { sayWithout(ui, err) }
	}
	if k.dir, err = f.open(ctx, ui); err != nil || k.dir == nil {
		return k, err
	}
	defer func() {
		if err != nil {
			k.close()
		}
	}()
	for n := range maxAtOnce {
		name := statedir.Name{Role: role, Place: place}
		if n > 0 {
			name.Place += fmt.Sprintf(" #%d", n+1)
		}
		e, err := k.dir.Take(name)
		if errors.Is(err, statedir.ErrInUse) {
			continue
		}
		if err != nil && k.without != nil {
			k.without(err) // no locks on this file system, or a file of another user
			return k, nil
		}
		if err != nil {
			return k, destinationError{err}
		}
		var c *transfer.Checkpoint
		if !fresh {
			if c, err = e.Load(); errors.Is(err, statedir.ErrNewer) {
				// It stays for the program that can go on with it; this one takes another place.
				ui.warn("state", "an unfinished transfer is not gone on with: %v", err)
				e.Close()
				continue
			} else if err != nil {
				// A new code is what is left of it, and what comes next.
				ui.warn("state", "an unfinished transfer is not gone on with: %v", err)
			}
		}
		switch {
		case k.entry == nil, c != nil && (k.found == nil || c.Paired.After(k.found.Paired)):
			k.take(e, c)
		default:
			e.Close()
		}
		if fresh {
			break
		}
	}
	if k.entry == nil {
		ui.warn("no-state", "%d transfers like this one are under way; this one cannot be gone on with after this process.", maxAtOnce)
	}
	if err := k.dir.Clean(); err != nil {
		ui.warn("state", "%v", err)
	}
	return k, nil
}

func (k *kept) take(e *statedir.Entry, c *transfer.Checkpoint) {
	if k.entry != nil {
		k.entry.Close()
	}
	k.entry, k.found = e, c
}

// state is what transfer is given: nil when nothing can be kept.
func (k *kept) state() transfer.State {
	if k.entry == nil {
		return nil
	}
	if k.without != nil && k.found == nil {
		return &optionalState{Entry: k.entry, without: k.without}
	}
	return k.entry
}

// An optionalState is of a directory that nobody asked for: when not even the first
// checkpoint can be kept, on a full disk for instance, the transfer goes on without.
type optionalState struct {
	*statedir.Entry
	without func(error)
	kept    bool // the first one was
	off     bool // it could not be, and nothing is there
}

// Save is that of transfer.State. When something is kept, an error is one.
func (s *optionalState) Save(ctx context.Context, c *transfer.Checkpoint) error {
	if s.off {
		return nil
	}
	err := s.Entry.Save(ctx, c)
	if err == nil || s.kept {
		s.kept = true
		return err
	}
	if left := s.Entry.Remove(ctx); left != nil {
		return errors.Join(err, left)
	}
	s.off = true
	s.without(err)
	return nil
}

func (k *kept) close() {
	if k.found != nil {
		k.found.Erase()
	}
	if k.entry != nil {
		k.entry.Close()
	}
	if k.dir != nil {
		k.dir.Close()
	}
}

// sayGoingOn tells that there will be no code, and what to do on the other device.
func sayGoingOn(ui *terminal, c *transfer.Checkpoint) {
	peer, began := printable(c.Peer, 64), moment(c.Paired)
	switch {
	case c.Role == pairing.RoleSender && c.Receipt != nil:
		ui.say("Going on with the transfer to %q that began %s: the receipt is here, and that device is told.", peer, began)
	case c.Role == pairing.RoleSender && c.Code != "":
		ui.say("Going on with the transfer to %q that began %s. Its digits were not typed yet, as far as this device knows.", peer, began)
		ui.remark("That works if they were typed since: then `vcon-transfer receive` asks for no code there. If it shows a new one: `--new` begins again.")
	case c.Role == pairing.RoleSender:
		ui.say("Going on with the transfer to %q that began %s%s. No code is needed.", peer, began, share(c))
		ui.remark("Run `vcon-transfer receive` on the new device, if it does not run there. `--new` begins again.")
	case c.Receipt != nil:
		ui.say("The transfer from %q that began %s is complete; that device has not said that it knows. Waiting for it.", peer, began)
		ui.remark("Run `vcon-transfer send` there once more. `--new` begins a new transfer.")
	default:
		ui.say("Going on with the transfer from %q that began %s%s. No code is needed.", peer, began, share(c))
		ui.remark("Run `vcon-transfer send` on the old device, if it does not run there. `--new` begins again.")
	}
}

// share is how much was there when that was kept last.
func share(c *transfer.Checkpoint) string {
	if percent, ok := percentOf(c); ok && percent > 0 {
		return fmt.Sprintf("; at least %d %% is there", percent)
	}
	return ""
}

// percentOf is never 100: a transfer whose end is not certain is not done.
func percentOf(c *transfer.Checkpoint) (percent uint64, ok bool) {
	p := c.Progress
	done, all := p.Bytes, p.TotalBytes
	if all == 0 {
		done, all = p.Messages, p.TotalMessages
	}
	if all == 0 || done > all {
		return 0, false
	}
	return min(uint64(float64(done)/float64(all)*100), 99), true
}

// clockTime is a time that is near: of another day with its date.
func clockTime(t time.Time) string {
	t = t.Local()
	if t.Format(time.DateOnly) == time.Now().Format(time.DateOnly) {
		return t.Format("15:04:05")
	}
	return t.Format("2006-01-02 15:04")
}

// moment is a time for people: of today without its date.
func moment(t time.Time) string {
	t = t.Local()
	if t.Format(time.DateOnly) == time.Now().Format(time.DateOnly) {
		return "at " + t.Format("15:04:05")
	}
	return "on " + t.Format("2006-01-02 at 15:04")
}

// sayLeftState tells of state that could not be removed.
func sayLeftState(ui *terminal, r *transfer.Result) {
	if r.State != nil {
		ui.warn("state", "%v. `vcon-transfer status --forget` removes it.", r.State)
	}
}

// sayMoved tells when none of the places where the old device looks is one where this
// one waits: its address has changed, and it has no relay.
func sayMoved(ui *terminal, looked, waits []pairing.Route) {
	for _, r := range looked {
		if slices.Contains(waits, r) {
			return
		}
	}
	if len(looked) == 0 {
		return
	}
	ui.warn("moved", "the old device looks for this one at %s, and it is not there any more.", looked[0])
	ui.remark("Connect both to the network where they were, or begin again on both with `--new`: what is here is not sent again.")
}

// listenAgain sets the flags so that the old device finds this one where it was: on
// the same port, relay and socket.
func (f *receiveFlags) listenAgain(c *transfer.Checkpoint) error {
	port := ""
	for _, r := range c.Routes {
		switch r.Kind {
		case pairing.RouteTCP:
			port = strconv.Itoa(int(r.Addr.Port())) // the last one is not that of --advertise
		case pairing.RouteRelay:
			if f.relay == "" {
				f.relay = r.Path
			}
		case pairing.RouteUnix:
			if f.socket == "" {
				f.socket = r.Path
			}
		}
	}
	if port == "" || f.noLAN {
		return nil
	}
	host, given := "", ""
	if f.listen != "" {
		var err error
		if host, given, err = net.SplitHostPort(f.listen); err != nil {
			return usageError{fmt.Errorf("--listen: %w", err)}
		}
	}
	if given == "" || given == "0" {
		f.listen = net.JoinHostPort(host, port)
	}
	return nil
}
