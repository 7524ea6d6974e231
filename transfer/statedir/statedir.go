// Package statedir keeps the checkpoints of unfinished transfers in a directory, so
// that the same command goes on with a transfer whose process died.
//
// Each checkpoint is a file of its own, sealed under a key that comes from the state
// key, which the host brings or which lies beside them in a file of mode 0600. It is
// replaced in one step, durable before Save returns, and gone when the transfer is
// done. Nothing in the directory but its file names, sizes and times can be read
// without the state key, and no file name says what it is of. A lock keeps two
// processes from one transfer.
//
// It implements security "Key schedule", "state at rest", of docs/threat-model.md.
// It never keeps anything of a history.
package statedir

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"time"

	"github.com/vcon-transfer/vcon-transfer/hpke"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/internal/disk"
)

// The errors that a caller decides by. Those of the system, such as a full disk or a
// missing permission, are in an *Error's chain as the system gave them.
var (
	// ErrInUse: another process is at work on this transfer.
	ErrInUse = errors.New("another process is at work on this transfer")
	// ErrForeignKey: the file is sealed under another state key than this one.
	ErrForeignKey = errors.New("sealed under another state key")
	// ErrDamaged: the file is none of ours, or was changed.
	ErrDamaged = errors.New("damaged, or none of this program")
	// ErrNewer: the file was written by a newer version of the program, which can go on
	// with it. It is left as it is.
	ErrNewer = errors.New("written by a newer version of the program")
	// ErrOpenToOthers: the directory or the key is readable for others.
	ErrOpenToOthers = errors.New("others can read it: the directory has to have the mode 0700, its key 0600")
)

// An Error is what went wrong with the directory. It does not name the path, which
// is the caller's to print.
type Error struct {
	Op  string
	Err error
}

func (e *Error) Error() string { return e.Op + ": " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// wrap keeps nil, and leaves out paths.
func wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = fmt.Errorf("%s: %w", p.Op, p.Err)
	} else if l, ok := errors.AsType[*os.LinkError](err); ok {
		err = fmt.Errorf("%s: %w", l.Op, l.Err)
	}
	return &Error{op, err}
}

// Options configure Open.
type Options struct {
	// Key is the state key, KeySize bytes: then who copies the directory has nothing.
	// Without one it is in the directory, in a file that is made on first use, and who
	// copies both can pose as this device until the transfers in it are over.
	Key []byte
}

// A Dir is an open state directory. It may be used by several goroutines, and by
// several processes at once.
type Dir struct {
	disk disk.Dir
	key  hpke.Secret
}

// Open opens a state directory, and makes it (0700) when there is none. Every error
// is an *Error; ErrOpenToOthers and ErrDamaged (of the key) are in its chain.
func Open(path string, o Options) (*Dir, error) {
	on, err := disk.Open(path)
	if err != nil {
		return nil, wrap(opOpen, err)
	}
	return OpenOn(on, o)
}

// OpenOn is Open for a directory that is open already, which it closes with its own
// end: that of a test, which loses what was not synced.
func OpenOn(on disk.Dir, o Options) (*Dir, error) {
	d := &Dir{disk: on}
	if err := d.open(o); err != nil {
		return nil, wrap(opOpen, errors.Join(err, d.Close()))
	}
	return d, nil
}

func (d *Dir) open(o Options) error {
	if o.Key != nil && len(o.Key) != KeySize {
		return fmt.Errorf("a state key has %d bytes", KeySize)
	}
	info, err := d.disk.Stat(".")
	if err != nil {
		return err
	}
	if open(info) {
		return ErrOpenToOthers
	}
	if o.Key != nil {
		d.key = hpke.Secret(o.Key)
		return nil
	}
	return d.ownKey()
}

// open tells whether others than the owner may do anything. Windows has other means.
func open(info fs.FileInfo) bool {
	return runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0
}

// ownKey reads the key file, or makes it. Of two processes that make one, the first
// wins, and the other one reads that.
func (d *Dir) ownKey() error {
	err := d.readKey()
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var key hpke.Secret
	rand.Read(key[:])
	defer key.Erase()
	temp := hex.EncodeToString(random(nameSize)) + newSuffix
	if err := d.write(temp, key[:]); err != nil {
		return err
	}
	err = d.disk.Link(temp, keyName)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		err = d.disk.Rename(temp, keyName) // a file system without links
	}
	if rest := d.disk.Remove(temp); rest != nil && !errors.Is(rest, fs.ErrNotExist) {
		return rest
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := d.disk.Sync(); err != nil {
		return err
	}
	return d.readKey()
}

func (d *Dir) readKey() error {
	f, err := d.disk.Open(keyName)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if open(info) {
		return ErrOpenToOthers
	}
	b, err := io.ReadAll(io.LimitReader(f, KeySize+1))
	defer clear(b)
	if err != nil {
		return err
	}
	if len(b) != KeySize {
		return fmt.Errorf("state key: %w", ErrDamaged)
	}
	copy(d.key[:], b)
	return nil
}

// Close erases the key in memory. What was taken is given back before.
func (d *Dir) Close() error {
	d.key.Erase()
	return d.disk.Close()
}

// A Name says which transfer is meant: the same command gives the same one.
type Name struct {
	Role  pairing.Role
	Place string // what the command names, for people too; at most MaxPlace bytes
}

// file is what the files of a transfer are called, without the endings. Without the
// state key nobody can tell whether it is of a place that he guesses.
func (d *Dir) file(n Name) string {
	return hex.EncodeToString(d.key.Expand("file name", append([]byte{byte(n.Role)}, n.Place...), nameSize))
}

// write makes a file and its content durable, but not its name.
func (d *Dir) write(name string, data []byte) (err error) {
	if err := d.disk.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err // left by a process that died
	}
	f, err := d.disk.Create(name)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		_ = d.disk.Remove(name) // the next process would
	}
	return err
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

const (
	// KeySize is the size of a state key, in bytes.
	KeySize = 32
	// MaxPlace bounds Name.Place, in bytes: the paths of one command.
	MaxPlace = 64 << 10
	// MaxFile bounds a file, in bytes: what is larger is none of ours.
	MaxFile = headerSize + 4 + MaxPlace + transfer.MaxCheckpoint + hpke.Overhead
	// MaxFiles bounds what List looks at.
	MaxFiles = 4096

	// lookTries and lookTime bound how long Take waits for List or Clean of another
	// process, which look at each file for a moment.
	lookTries = 5
	lookTime  = 20 * time.Millisecond

	nameSize = 16

	opOpen = "open state directory"

	keyName    = "key"
	fileSuffix = ".transfer"
	newSuffix  = ".new"
	lockSuffix = ".lock"
)
