package host

import (
	"errors"
	"fmt"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

func TestCodeOf(t *testing.T) {
	own := errors.New("something")
	coded := func(c wire.Code, peer bool, err error) error { return &transfer.Error{Code: c, Peer: peer, Err: err} }
	for _, c := range []struct {
		err  error
		code string
		exit int
	}{
		{nil, "ok", 0},
		{own, "internal", 1},
		{coded(wire.CodeInternal, false, own), "internal", 1},
		{coded(4711, true, nil), "internal", 1},
		{Fail(CodeUsage, own), "usage", 2},
		{fmt.Errorf("read offer: %w", Fail(CodeOffer, pairing.ErrMistyped)), "offer", 4},
		{Fail(CodeOffer, pairing.ErrVersion), "version", 12},
		{Fail(CodeOffer, pairing.ErrSuite), "suite", 12},
		{Fail(CodeOffer, pairing.ErrIntent), "intent", 4},
		{coded(wire.CodeExpired, false, own), "expired", 4},
		{coded(wire.CodeTooManyTries, true, nil), "too-many-tries", 5},
		{transfer.ErrDeclined, "declined", 6},
		{coded(wire.CodeInternal, false, transfer.ErrDeclined), "declined", 6},
		{coded(wire.CodeDeclined, false, transfer.ErrDeclined), "declined", 6},
		{coded(wire.CodeDeclined, false, ErrClosed), "interrupted", 130}, // nobody said no
		{coded(wire.CodeCancelled, false, ErrCancelled), "interrupted", 130},
		{coded(wire.CodeCancelled, false, ErrGone), "interrupted", 130},
		{coded(wire.CodeCancelled, false, own), "interrupted", 130},
		{coded(wire.CodeCancelled, true, nil), "cancelled", 7},
		{coded(wire.CodeTimeout, false, own), "timeout", 7},
		{coded(wire.CodeProtocol, false, own), "protocol", 8},
		{coded(wire.CodeSource, false, own), "source", 9},
		{coded(wire.CodeSource, false, Fail(CodeStorage, own)), "storage", 10}, // its temporary file
		{coded(wire.CodeStorage, true, nil), "storage", 10},
		{coded(wire.CodePolicy, false, pairing.ErrPublicRoute), "policy", 11},
		{coded(wire.CodeVersion, true, nil), "version", 12},
	} {
		d := DoneOf(nil, c.err)
		if d.Code != c.code || d.Exit != c.exit || d.OK != (c.err == nil) || (d.Message == "") != (c.err == nil) {
			t.Errorf("DoneOf(%v) = %+v, want %s and %d", c.err, d, c.code, c.exit)
		}
	}
}

// Every code of the wire format has an exit code, and no code has two.
func TestExitOf(t *testing.T) {
	for c := wire.CodeInternal; c.Known(); c++ {
		if exit := ExitOf(c.String()); (exit == 1) != (c == wire.CodeInternal) {
			t.Errorf("ExitOf(%v) = %d", c, exit)
		}
	}
	seen := map[string]int{}
	for exit, codes := range exits {
		for _, code := range codes {
			if other, ok := seen[code]; ok {
				t.Errorf("%s has the exit codes %d and %d", code, exit, other)
			}
			seen[code] = exit
		}
	}
}

func TestDoneOf(t *testing.T) {
	d := DoneOf(&transfer.Result{TransferID: [32]byte{1}, Peer: "a\nb", Sent: 3}, nil)
	if !d.OK || d.Peer != "a b" || d.Transfer[:2] != "01" || len(d.Root) != 64 || d.Ledger == nil || d.Sent != 3 || d.Route != "" {
		t.Errorf("%+v", d)
	}
}
