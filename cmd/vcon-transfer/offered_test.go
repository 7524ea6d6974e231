package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
)

// An offer that is piped in begins a new transfer, also while an unfinished one is
// gone on with; what else comes in does not matter.
func TestOfferOnStandardInput(t *testing.T) {
	ctx := limited(t)
	n := &cleaning{old: newDevice(t, "old"), new: newDevice(t, "new"), sources: []string{sampleFile(t)}, into: "--store"}
	n.destination = filepath.Join(n.new.dir, "history.db")
	r, s, code := n.meet(t, ctx)
	fell := make(chan struct{})
	n.wire.set(1, func() { close(fell); r.signal(os.Kill); s.signal(os.Kill) })
	r.tell(code)
	select {
	case <-fell:
	case <-s.ended:
		t.Fatal(s.stderr())
	}
	r.wait()
	s.wait()
	n.wire.set(1<<60, func() {})

	s = n.old.begin(t, ctx, n.send()...)
	heard(t, ctx, s, "Going on with the transfer to")
	s.tell("no offer")
	s.tell("and this is none")
	heard(t, ctx, s, "is no offer")
	r = n.new.begin(t, ctx, append(n.receive(), "--new")...)
	heard(t, ctx, r, "Waiting")
	text, err := os.ReadFile(filepath.Join(n.new.dir, "offer.txt"))
	if err != nil {
		t.Fatal(err)
	}
	s.tell(string(bytes.TrimSpace(text)))
	r.tell(heard(t, ctx, s, `(?s)A new offer was given.*Check code: (\d{6})`))
	exits(t, s, exitDone)
	exits(t, r, exitDone)
	if strings.Count(s.stderr(), "is no offer") != 1 {
		t.Errorf("says\n%s", s.stderr())
	}
	n.old.onlyKey(t)
	n.new.onlyKey(t)
}

// A transfer whose receipt is here needs its source no more; every other one does.
func TestSourceIsNotNeeded(t *testing.T) {
	end := segment.End{Root: [32]byte{7}, Ledger: segment.Ledger{Source: 5, Imported: 5}}
	for _, have := range []bool{true, false} {
		var said strings.Builder
		ui := newTerminal(strings.NewReader(""), &said, &said)
		f := &sendFlags{state: stateFlags{dir: filepath.Join(t.TempDir(), "state")}, timeout: timeoutFlag{defaultTimeout}, host: hostFlags{answer: defaultAnswer}}
		sources := []string{filepath.Join(t.TempDir(), "gone.cbor")}
		c := storedTransfer(1, time.Now())
		c.End = &end
		if have {
			c.Receipt = sealedReceipt(t, c, end)
		}
		k, err := f.state.find(t.Context(), ui, pairing.RoleSender, f.place(sources), true)
		if err != nil {
			t.Fatal(err)
		}
		if err := k.state().Save(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		k.close()
		err = send(t.Context(), ui, f, sources)
		if _, source := errors.AsType[sourceError](err); source == have || have && (err != nil || !strings.Contains(said.String(), "5 imported")) {
			t.Errorf("with the receipt %t: %v, and said\n%s", have, err, &said)
		}
	}
}
