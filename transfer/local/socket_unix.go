//go:build unix

package local

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
)

// bindSocket makes the socket in a folder of its own, gives it its mode there, and renames it into place:
// at no moment can another user connect, whatever the umask, and a stale one is replaced in one step.
func bindSocket(ctx context.Context, path string) (_ *net.UnixListener, err error) {
	dir, err := os.MkdirTemp(filepath.Dir(path), ".vt-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	name := filepath.Join(dir, "s")
	ln, err := new(net.ListenConfig).Listen(ctx, "unix", name)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(os.Chmod(name, 0o600), os.Rename(name, path)); err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	return ln.(*net.UnixListener), nil
}

// checkFolder refuses a folder in which another user could put his own socket in the place of ours. The
// session would notice him, but a transfer that is always disturbed is no use.
func checkFolder(dir string) error {
	fi, err := os.Stat(dir)
	if err != nil {
		return err
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	owned := st.Uid == 0 || int(st.Uid) == os.Geteuid()
	shared := fi.Mode().Perm()&0o022 != 0 && fi.Mode()&fs.ModeSticky == 0
	if !owned || shared {
		return ErrSocketFolder
	}
	return nil
}
