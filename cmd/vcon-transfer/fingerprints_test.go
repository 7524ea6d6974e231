package main

import (
	"strconv"
	"testing"
)

func TestFingerprints(t *testing.T) {
	f := fingerprints{limit: 1 << 10}
	const most = 1 << 10 / 8 * 7
	for i := range most {
		if s := strconv.Itoa(i); !f.add(s) || f.add(s) {
			t.Fatalf("text %d is not new, or is new again", i)
		}
	}
	if f.full || f.n != most {
		t.Errorf("full after %d of %d", f.n, most)
	}
	if !f.add("one too many") || !f.full || f.n != most || len(f.slots) != 1<<10 {
		t.Errorf("%d texts in %d slots", f.n, len(f.slots))
	}
	if !f.add("one too many") || f.add("7") {
		t.Error("a full set forgets what it has, or has what it does not take")
	}
}
