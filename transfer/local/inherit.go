package local

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// ErrNotStream says that an inherited file is no connected stream socket: a pipe, a
// terminal, a datagram socket.
var ErrNotStream = errors.New("not a connected stream socket")

// Inherit makes a connection of a socket that another process has connected and passed
// on, and closes f. It needs a stream socket, half of a socketpair for instance: a pipe
// goes one way only. Not on Windows.
func Inherit(f *os.File) (wire.Conn, error) {
	c, err := net.FileConn(f)
	if err := errors.Join(err, f.Close()); err != nil {
		if c != nil {
			c.Close()
		}
		return nil, fmt.Errorf("%w: %w", ErrNotStream, err)
	}
	switch c := c.(type) {
	case *net.TCPConn:
		return c, nil
	case *net.UnixConn:
		if c.LocalAddr().Network() == "unix" {
			return c, nil
		}
	}
	c.Close()
	return nil, ErrNotStream
}
