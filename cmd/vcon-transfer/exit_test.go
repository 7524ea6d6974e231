package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestHints: only what goes on, or imports, is said to.
func TestHints(t *testing.T) {
	full := destinationError{errors.New("full")}
	for _, c := range []struct {
		command       string
		interrupted   string // part of the hint
		noDestination string
	}{
		{"send", "to go on with what is missing", "imported before"},
		{"receive", "to go on with what is missing", "imported before"},
		{"convert", "from the start", ""},
		{"inspect", "from the start", ""},
	} {
		for s, code := range map[os.Signal]int{os.Interrupt: exitInterrupted, syscall.SIGTERM: exitTerminated} {
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(signalError{s})
			exit, _, hint := explain(ctx, c.command, ctx.Err())
			if exit != code || !strings.Contains(hint, c.interrupted) {
				t.Errorf("%s after %v: %d, %q", c.command, s, exit, hint)
			}
		}
		exit, _, hint := explain(t.Context(), c.command, full)
		if exit != exitDestination || !strings.Contains(hint, c.noDestination) || c.noDestination == "" && hint != "" {
			t.Errorf("%s: %d, %q", c.command, exit, hint)
		}
	}
}
