package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/history"
)

// free reports an output that exists.
func free(path string) error {
	if path == "-" {
		return nil
	}
	if _, err := os.Lstat(path); err == nil {
		return destinationError{fmt.Errorf("%s exists: remove it or choose another name", path)}
	}
	return nil
}

// writeOut writes standard output, or a file that is there only when it is whole.
func writeOut(ui *terminal, path string, write func(io.Writer) error) error {
	if path == "-" {
		if err := write(ui.out); ofSource(err) {
			return err
		} else if err != nil {
			return destinationError{fmt.Errorf("write standard output: %w", err)}
		}
		return nil
	}
	err := wholeFile(path, write)
	switch {
	case err == nil:
		return nil
	case ofSource(err):
		return sourceError{err}
	}
	return destinationError{fmt.Errorf("write %s: %w", path, bare(err))}
}

// wholeFile writes a file (mode 0600) that is there only when it is whole, and durable.
func wholeFile(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".vcon-transfer-*")
	if err != nil {
		return destinationError{err}
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// ofSource reports whether an error of writing is one of what was read for it.
func ofSource(err error) bool {
	_, own := errors.AsType[sourceError](err)
	_, format := errors.AsType[*codec.Error](err)
	return own || format || errors.Is(err, history.ErrChanged)
}

// bare is the cause of an error that names a temporary file.
func bare(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}

// roomFile names the file of a room: a readable part of its id, and a hash of all
// of it. No id is a path.
func roomFile(id string) string {
	id = strings.TrimRight(id, "/")
	sum := sha256.Sum256([]byte(id))
	var b strings.Builder
	for _, r := range id[strings.LastIndexAny(id, "/:")+1:] {
		switch r = unicode.ToLower(r); {
		case b.Len() >= 40:
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	name := strings.Trim(b.String(), "-")
	if name == "" {
		name = "room"
	}
	return name + "-" + hex.EncodeToString(sum[:6])
}
