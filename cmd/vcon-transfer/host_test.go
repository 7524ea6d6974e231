package main

import (
	"strings"
	"testing"
)

func TestWantsJSON(t *testing.T) {
	for line, want := range map[string]bool{
		"send --json":           true,
		"receive --json=true":   true,
		"-q send x.cbor --json": true,
		"--json -q send":        true,
		"send -- --json":        false,
		"send x.cbor":           false,
		"inspect --json send":   false,
		"--json":                false,
		"":                      false,
	} {
		if got := wantsJSON(strings.Fields(line)); got != want {
			t.Errorf("%q: %v, want %v", line, got, want)
		}
	}
}
