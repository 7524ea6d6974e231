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

// What was stopped before the devices were paired cannot be gone on with.
func TestHintOfWhatIsNotKept(t *testing.T) {
	dir, ctx := t.TempDir(), limited(t)
	r, _ := hostReceive(t, ctx, dir)
	r.tell(`{"cmd":"cancel"}`)
	d := r.ends(exitInterrupted, "interrupted")
	if hint, _ := d["hint"].(string); d["resume"] != false || !strings.Contains(hint, "begin again") {
		t.Errorf("%v", d)
	}
	r, offer := hostReceive(t, ctx, dir)
	s := hostSend(t, ctx, dir, offer, "--yes")
	s.event("check_code")
	s.tell(`{"cmd":"cancel"}`)
	d = s.ends(exitInterrupted, "interrupted")
	if hint, _ := d["hint"].(string); d["resume"] != true || !strings.Contains(hint, "go on") {
		t.Errorf("%v", d)
	}
	d = r.ends(exitPeer, "cancelled")
	if hint, _ := d["hint"].(string); d["resume"] != false || !strings.Contains(hint, "begin again") || strings.Contains(hint, "go on") {
		t.Errorf("%v", d)
	}
}
