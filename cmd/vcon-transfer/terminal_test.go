package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/transfer"
)

func TestProgressLine(t *testing.T) {
	for _, c := range []struct {
		p    transfer.Progress
		want string
	}{
		{transfer.Progress{TotalBytes: 1}, "0 of 0 messages, 0 bytes of 1 bytes"},
		{transfer.Progress{Messages: 600, TotalMessages: 600, Bytes: 15_900_000, TotalBytes: 120_300_000, Elapsed: 10 * time.Second},
			"600 of 600 messages, 15.9 MB of 120.3 MB, 1.6 MB/s, 1m5s left"},
		{transfer.Progress{Messages: 600, TotalMessages: 600, Bytes: 2_000, TotalBytes: 3_000, Held: 2_000, Elapsed: 10 * time.Second},
			"600 of 600 messages, 2.0 kB of 3.0 kB"},
		{transfer.Progress{Messages: 50_000, TotalMessages: 50_000, Bytes: 1_203_000_000, TotalBytes: 1_203_000_000, Elapsed: time.Minute, Storing: true},
			"50,000 of 50,000 messages, 1.20 GB; waiting for the new device to store it"},
	} {
		if got := progressLine(c.p, "waiting for the new device to store it"); got != c.want || len(got) > 79 {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// What is said of a device that is paused, with its connection and without.
func TestSayPaused(t *testing.T) {
	for _, c := range []struct {
		cause error
		want  string
	}{
		{nil, "The other device is paused. Waiting for it until "},
		{errors.New("cut"), "The connection to the paused device was lost. Waiting until "},
	} {
		var said strings.Builder
		ui := newTerminal(strings.NewReader(""), &said, &said)
		ui.interrupted(transfer.Interruption{Paused: true, Cause: c.cause, Until: time.Now().Add(24 * time.Hour)})
		lines := strings.Split(strings.TrimSpace(said.String()), "\n")
		if len(lines) != 1 || len(lines[0]) > 79 || !strings.HasPrefix(lines[0], c.want) {
			t.Errorf("%q", said.String())
		}
	}
}
