package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// A disk is a file system of its own, of a size.
type disk struct {
	dir string
}

// mountsHere makes sure that this test can mount, in this process or else in another
// one, in namespaces of its own, which then does all of the test. Where neither is
// allowed the test is skipped.
func mountsHere(t *testing.T) bool {
	t.Helper()
	const inside = "VCON_TRANSFER_TEST_MOUNTS"
	probe := t.TempDir()
	direct := syscall.Mount("tmpfs", probe, "tmpfs", 0, "size=64k")
	if direct == nil {
		if err := syscall.Unmount(probe, 0); err != nil {
			t.Fatal(err)
		}
		return true
	}
	if os.Getenv(inside) != "" {
		t.Skipf("in namespaces of its own: mount: %v", direct)
	}
	c := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	c.Env = append(os.Environ(), inside+"=1")
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := c.CombinedOutput()
	if _, ran := errors.AsType[*exec.ExitError](err); err != nil && !ran {
		t.Skipf("no disk can be made small: mount: %v; namespaces of its own: %v", direct, err)
	}
	switch {
	case err != nil:
		t.Errorf("%v:\n%s", err, out)
	case bytes.Contains(out, []byte("--- SKIP")):
		t.Skipf("no disk can be made small: mount: %v\n%s", direct, out)
	default:
		t.Logf("in namespaces of its own:\n%s", out)
	}
	return false
}

// newDisk mounts a disk of size bytes, as long as the test runs.
func newDisk(t *testing.T, size int64) *disk {
	t.Helper()
	d := &disk{filepath.Join(t.TempDir(), "disk")}
	if err := os.Mkdir(d.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", d.dir, "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, "mode=700,size="+strconv.FormatInt(size, 10)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(d.dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return d
}

func (d *disk) ballast() string { return filepath.Join(d.dir, "ballast") }

// free is how much may still be written, in bytes.
func (d *disk) free() (int64, error) {
	var fs syscall.Statfs_t
	err := syscall.Statfs(d.dir, &fs)
	return int64(fs.Bavail) * fs.Bsize, err
}

// fill leaves so many bytes.
func (d *disk) fill(left int64) error {
	f, err := os.Create(d.ballast())
	if err != nil {
		return err
	}
	var held, free int64
	for {
		if free, err = d.free(); err != nil || free <= left {
			break
		}
		err = syscall.Fallocate(int(f.Fd()), 0, held, free-left)
		if err == nil {
			held += free - left
		} else if !errors.Is(err, syscall.ENOSPC) { // somebody else writes too
			break
		}
	}
	return errors.Join(err, f.Close())
}

// makeRoom takes away what fill put there.
func (d *disk) makeRoom(t *testing.T) {
	t.Helper()
	if err := os.Remove(d.ballast()); err != nil {
		t.Fatal(err)
	}
}
