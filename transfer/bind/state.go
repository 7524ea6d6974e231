package bind

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/host"
	"github.com/vcon-transfer/vcon-transfer/transfer/statedir"
)

// A keeping says where an unfinished transfer is kept, and under which name.
type keeping struct {
	dir, place string
	key        []byte
}

// A kept is the state of one transfer while it runs.
type kept struct {
	dir   *statedir.Dir
	entry *statedir.Entry
	found *transfer.Checkpoint // to be gone on with, or nil
	lost  error                // why what is unfinished is not gone on with
	there atomic.Bool          // something is kept
}

// open takes the place, and what is unfinished in it unless that is not wanted. The
// state key is erased. Without a directory there is nothing.
func (k *keeping) open(role pairing.Role, fresh bool) (s *kept, err error) {
	defer clear(k.key)
	s = &kept{}
	if k.dir == "" {
		return s, nil
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	var options statedir.Options
	if len(k.key) > 0 {
		options.Key = k.key
	}
	if s.dir, err = statedir.Open(k.dir, options); err != nil {
		return s, host.Fail(host.CodeStorage, err)
	}
	if s.entry, err = s.dir.Take(statedir.Name{Role: role, Place: k.place}); err != nil {
		return s, host.Fail(host.CodeStorage, err)
	}
	if !fresh {
		s.found, s.lost = s.entry.Load()
		s.there.Store(s.found != nil)
	}
	_ = s.dir.Clean() // what is over, of any transfer; the next run tries again
	return s, nil
}

// state is what transfer is given: nil when nothing is kept.
func (s *kept) state() transfer.State {
	if s.entry == nil {
		return nil
	}
	return s
}

// Save is that of transfer.State.
func (s *kept) Save(ctx context.Context, c *transfer.Checkpoint) error {
	err := s.entry.Save(ctx, c)
	if err == nil {
		s.there.Store(true)
	}
	return err
}

// Remove is that of transfer.State.
func (s *kept) Remove(ctx context.Context) error {
	err := s.entry.Remove(ctx)
	if err == nil {
		s.there.Store(false)
	}
	return err
}

func (s *kept) close() {
	if s.found != nil {
		s.found.Erase()
	}
	if s.entry != nil {
		s.entry.Close()
	}
	if s.dir != nil {
		s.dir.Close()
	}
}

// bounded gives a place that a directory takes.
func bounded(place string) string {
	if len(place) <= statedir.MaxPlace {
		return place
	}
	return fmt.Sprintf("%s... #%x", strings.ToValidUTF8(place[:maxPlaceShown], ""), sha256.Sum256([]byte(place)))
}

// maxPlaceShown is what is left of a place that is too long, in bytes.
const maxPlaceShown = 4 << 10

// patience is how long is waited for the other device, and for the person, in seconds.
type patience struct{ timeout, person int64 }

func (p patience) check() error {
	if p.timeout < 0 || p.timeout > maxTimeout {
		return usage("TimeoutSeconds is at most %d", maxTimeout)
	}
	if p.person < 0 || p.person > maxPerson {
		return usage("PersonSeconds is at most %d", maxPerson)
	}
	return nil
}

// timing is what that means for a session, as `--timeout` does; 0 is its default.
func (p patience) timing() transfer.Timing {
	t := transfer.Timing{Person: time.Duration(p.person) * time.Second}
	if silence := time.Duration(p.timeout) * time.Second; silence > 0 {
		t.Peer, t.KeepAlive = silence, min(silence/3, mostSilent)
		t.Reconnect, t.Hello = lookFactor*silence, max(silence*2/3, leastHello)
	}
	return t
}

const (
	// mostSilent is how often this side speaks at least: the other one may be less patient.
	mostSilent = 5 * time.Second
	// lookFactor is how many times the timeout another connection is looked for.
	lookFactor = 8
	// leastHello is for a step of the handshake, whatever the timeout.
	leastHello = 10 * time.Second
)

// errorOf is the error of a session in err's chain.
func errorOf(err error) (*transfer.Error, bool) { return errors.AsType[*transfer.Error](err) }
