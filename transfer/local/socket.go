package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
)

// ErrSocketInUse means that another process listens on the socket.
var ErrSocketInUse = errors.New("socket is in use")

// ErrNotSocket means that something else than a socket is at the socket's path; it is left alone.
var ErrNotSocket = errors.New("path exists and is not a socket")

// ErrSocketFolder means that others could replace the socket: its folder belongs to another user, or is
// writable by others without the sticky bit.
var ErrSocketFolder = errors.New("folder of the socket is writable by others")

// socket is a unix socket that is listened on, and the file that it is known by.
type socket struct {
	ln   *net.UnixListener
	path string
	file fs.FileInfo
}

// listenSocket listens on path, mode 0600. A missing folder is made with mode 0700, a socket that nobody
// listens on is replaced.
func listenSocket(ctx context.Context, path string) (*socket, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if len(path) > MaxSocketPath {
		return nil, fmt.Errorf("path of %d bytes is too long: at most %d", len(path), MaxSocketPath)
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := checkFolder(dir); err != nil {
		return nil, err
	}
	if err := checkStale(ctx, path); err != nil {
		return nil, err
	}
	ln, err := bindSocket(ctx, path)
	if err != nil {
		return nil, err
	}
	ln.SetUnlinkOnClose(false) // it may be another process's by then: remove looks first
	file, err := os.Lstat(path)
	if err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	return &socket{ln, path, file}, nil
}

// checkStale refuses a path at which something other than an abandoned socket is.
func checkStale(ctx context.Context, path string) error {
	fi, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if fi.Mode().Type() != fs.ModeSocket {
		return ErrNotSocket
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	c, err := new(net.Dialer).DialContext(ctx, "unix", path)
	switch {
	case err == nil:
		c.Close()
		return ErrSocketInUse
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return fmt.Errorf("probe socket: %w", err)
}

// remove deletes the socket's file if it is still the one that was made here.
func (s *socket) remove() error {
	fi, err := os.Lstat(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !os.SameFile(fi, s.file) {
		return nil
	}
	return os.Remove(s.path)
}
