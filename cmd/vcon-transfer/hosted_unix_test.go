//go:build unix

package main

import (
	"os"
	"syscall"
	"testing"
)

// socketPair is a connection as a host makes it.
func socketPair(t *testing.T) (one, other *os.File) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fds[0]), "one"), os.NewFile(uintptr(fds[1]), "other")
}
