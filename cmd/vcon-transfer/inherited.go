package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/local"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// An fdFlag is a file descriptor that was passed on by the program that runs this one;
// 0 when there is none: 0 to 2 are taken.
type fdFlag int

func (f *fdFlag) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n <= 2 {
		return errors.New("not the number of a file descriptor beyond standard error")
	}
	*f = fdFlag(n)
	return nil
}

func (f *fdFlag) String() string {
	if *f == 0 {
		return ""
	}
	return strconv.Itoa(int(*f))
}

// Type is what the help calls it.
func (f *fdFlag) Type() string { return "fd" }

// open takes the descriptor over.
func (f fdFlag) open(what string) (*os.File, error) {
	file := os.NewFile(uintptr(f), what)
	if file == nil {
		return nil, usageError{fmt.Errorf("--%s-fd %d is no file descriptor", what, f)}
	}
	if _, err := file.Stat(); err != nil {
		return nil, usageError{fmt.Errorf("--%s-fd %d cannot be used: %w", what, f, bare(err))}
	}
	return file, nil
}

// A transportFlag is --transport-fd: the program that runs this one has connected the
// two devices itself.
type transportFlag struct {
	fd   fdFlag
	conn wire.Conn
}

func (f *transportFlag) bind(c *cobra.Command) {
	c.Flags().Var(&f.fd, "transport-fd", "a connected stream socket to the other device, as a file descriptor, in the place of every route")
}

func (f *transportFlag) given() bool { return f.fd != 0 }

// open takes the descriptor over.
func (f *transportFlag) open() error {
	if !f.given() {
		return nil
	}
	file, err := f.fd.open("transport")
	if err != nil {
		return err
	}
	if f.conn, err = local.Inherit(file); err != nil {
		return usageError{fmt.Errorf("--transport-fd %d: %w", f.fd, err)}
	}
	return nil
}

// once gives the connection, and nobody another one.
func (f *transportFlag) once() (wire.Conn, error) {
	if f.conn == nil {
		return nil, errUsedUp
	}
	c := f.conn
	f.conn = nil
	return c, nil
}

var errUsedUp = errors.New("the connection of --transport-fd is used up")

// Dial is that of transfer.Dialer.
func (f *transportFlag) Dial(context.Context, pairing.Route, wire.Rendezvous) (wire.Conn, error) {
	return f.once()
}

// Accept is that of transfer.Acceptor.
func (f *transportFlag) Accept(ctx context.Context, _ wire.Rendezvous) (wire.Conn, error) {
	c, err := f.once()
	if err != nil {
		<-ctx.Done() // there will be none
	}
	return c, err
}

// timing does not look for a second connection where there is none.
func (f *transportFlag) timing(t transfer.Timing) transfer.Timing {
	if f.given() {
		t.Reconnect = time.Second
	}
	return t
}

func (f *transportFlag) close() {
	if f.conn != nil {
		f.conn.Close()
	}
}

// read reads a short text from the descriptor, and closes it.
func (f fdFlag) read(what string, most int64) ([]byte, error) {
	file, err := f.open(what)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, most+1))
	if err != nil {
		return nil, fmt.Errorf("read --%s-fd %d: %w", what, f, bare(err))
	}
	return b, nil
}
