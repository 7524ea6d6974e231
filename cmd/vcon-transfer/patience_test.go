package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/transfer"
)

func TestTimeoutFlag(t *testing.T) {
	for _, c := range []struct {
		silence time.Duration
		ok      bool
		want    transfer.Timing
	}{
		{minTimeout - 1, false, transfer.Timing{}},
		{minTimeout, true, transfer.Timing{Peer: time.Second, KeepAlive: time.Second / 3, Reconnect: 8 * time.Second, Hello: 10 * time.Second}},
		// The defaults of the library.
		{defaultTimeout, true, transfer.Timing{Peer: 15 * time.Second, KeepAlive: 5 * time.Second, Reconnect: 2 * time.Minute, Hello: 10 * time.Second}},
		{time.Minute, true, transfer.Timing{Peer: time.Minute, KeepAlive: 5 * time.Second, Reconnect: 8 * time.Minute, Hello: 40 * time.Second}},
		{maxTimeout, true, transfer.Timing{Peer: 10 * time.Minute, KeepAlive: 5 * time.Second, Reconnect: 80 * time.Minute, Hello: 400 * time.Second}},
		{maxTimeout + 1, false, transfer.Timing{}},
		{0, false, transfer.Timing{}},
		{-time.Second, false, transfer.Timing{}},
	} {
		f := timeoutFlag{c.silence}
		err := f.check()
		if _, usage := errors.AsType[usageError](err); usage == c.ok || (err == nil) != c.ok {
			t.Errorf("%v: %v", c.silence, err)
		}
		if got := f.timing(0); c.ok && got != c.want {
			t.Errorf("%v: %+v", c.silence, got)
		}
	}
	for _, args := range [][]string{{"send", "x"}, {"receive"}} {
		_, stderr := ran(t, exitUsage, append(args, "--timeout", "999ms")...)
		if !strings.Contains(stderr, "--timeout is between 1s and 10m0s") {
			t.Error(stderr)
		}
	}
}
