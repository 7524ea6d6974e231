package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/vcon-transfer/vcon-transfer/transfer/statedir"
)

// keyFlags say where the state key comes from: a program that keeps it with its own
// secrets leaves nothing on the disk that opens what is unfinished.
type keyFlags struct {
	file string
	fd   fdFlag
	ask  bool
}

func (f *keyFlags) bind(c *cobra.Command) {
	p := c.Flags()
	p.StringVar(&f.file, "state-key-file", "", "file with the state key, 32 bytes in base64 (default: one in the state directory)")
	p.Var(&f.fd, "state-key-fd", "the same, from a file descriptor")
	if c.Name() != "status" {
		p.BoolVar(&f.ask, "ask-state-key", false, "with --json: the program that runs this one keeps it, and is asked")
	}
}

// read returns the state key, or nil for that in the directory.
func (f *keyFlags) read(ctx context.Context, ui *terminal) ([]byte, error) {
	given := 0
	for _, b := range []bool{f.file != "", f.fd != 0, f.ask} {
		if b {
			given++
		}
	}
	var text []byte
	var err error
	switch {
	case given > 1:
		return nil, usageError{errors.New("--state-key-file, --state-key-fd and --ask-state-key exclude each other")}
	case f.ask && ui.host == nil:
		return nil, usageError{errors.New("--ask-state-key needs --json")}
	case f.ask:
		key, err := answered(ctx, ui.host, ui.host.StateKey)
		if err != nil {
			return nil, err
		}
		return wholeKey(key)
	case f.fd != 0:
		text, err = f.fd.read("state-key", maxKeyText)
	case f.file != "":
		var file *os.File
		if file, err = os.Open(f.file); err == nil {
			text, err = io.ReadAll(io.LimitReader(file, maxKeyText+1))
			file.Close()
		}
	default:
		return nil, nil
	}
	if err != nil {
		return nil, usageError{fmt.Errorf("read the state key: %w", err)}
	}
	key, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil {
		return nil, usageError{errors.New("the state key is not base64")}
	}
	return wholeKey(key)
}

// maxKeyText is more than a key in base64 takes.
const maxKeyText = 100

func wholeKey(key []byte) ([]byte, error) {
	if len(key) != statedir.KeySize {
		return nil, usageError{fmt.Errorf("a state key has %d bytes", statedir.KeySize)}
	}
	return key, nil
}
