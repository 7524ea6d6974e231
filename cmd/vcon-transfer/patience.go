package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/vcon-transfer/vcon-transfer/transfer"
)

const (
	defaultTimeout = 15 * time.Second
	// minTimeout leaves three words a second, which a LAN can carry.
	minTimeout = time.Second
	// maxTimeout is longer than a person waits for a network.
	maxTimeout = 10 * time.Minute

	// mostSilent is how often each side speaks at least, whatever its timeout: the
	// other one may have a shorter one.
	mostSilent = 5 * time.Second
	// lookFactor is how many times the timeout another connection is looked for.
	lookFactor = 8
	// leastHello is for a step of the handshake, which needs no less time when silence
	// is to be noticed soon.
	leastHello = 10 * time.Second
)

// A timeoutFlag is --timeout: how long a silent device or relay is waited for.
type timeoutFlag struct{ silence time.Duration }

func (f *timeoutFlag) bind(c *cobra.Command) {
	c.Flags().DurationVar(&f.silence, "timeout", defaultTimeout,
		"a device or relay that is silent for so long is lost; another connection is looked for 8 times as long")
}

func (f *timeoutFlag) check() error {
	if f.silence < minTimeout || f.silence > maxTimeout {
		return usageError{fmt.Errorf("--timeout is between %v and %v", minTimeout, maxTimeout)}
	}
	return nil
}

// timing is what the flag means for a session; the default is that of the library.
func (f *timeoutFlag) timing(answer time.Duration) transfer.Timing {
	return transfer.Timing{
		Peer: f.silence, KeepAlive: min(f.silence/3, mostSilent), Reconnect: lookFactor * f.silence,
		Hello: max(f.silence*2/3, leastHello), Person: answer,
	}
}
