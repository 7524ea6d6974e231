//go:build !(darwin || linux || freebsd || netbsd || openbsd || dragonfly || windows)

package disk

import "os"

// Lock takes nothing where the system has no locks: two processes on one transfer are
// then the user's to avoid.
func (r *root) Lock(name string) (Lock, error) {
	f, err := r.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	return &lock{r, name, f}, nil
}

func (l *lock) Unlock() error { return l.file.Close() }
