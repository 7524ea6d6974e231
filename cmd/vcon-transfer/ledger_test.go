package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/hpke"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/host"
)

// ledgerIn is the ledger that a process printed at its end.
func ledgerIn(t *testing.T, p *process) (lines []string) {
	t.Helper()
	_, said, ok := strings.Cut(p.stderr(), "\nDone: ")
	if !ok {
		_, said, ok = strings.Cut(p.stderr(), "Done: ")
	}
	for i, line := range strings.Split(said, "\n") {
		if line, indented := strings.CutPrefix(line, "  "); indented {
			lines = append(lines, line)
		} else if i > 0 {
			break
		}
	}
	if !ok || len(lines) == 0 {
		t.Fatalf("%s printed no ledger:\n%s", p.name, p.stderr())
	}
	return lines
}

// sameLedgers compares what both sides printed with what the store says of its last
// transfer, in words and in JSON, and returns it.
func sameLedgers(t *testing.T, ctx context.Context, dir, store string, receive, send *process) *host.Ledger {
	t.Helper()
	want := ledgerIn(t, receive)
	if got := ledgerIn(t, send); !slices.Equal(got, want) {
		t.Errorf("the old device says %q, the new one %q", got, want)
	}
	inspect := begin(t, ctx, dir, "inspect", store)
	exits(t, inspect, exitDone)
	_, said, _ := strings.Cut(inspect.out.String(), "\nTransfers\n")
	lines := strings.Split(said, "\n")
	if len(lines) <= len(want) || !slices.EqualFunc(lines[1:1+len(want)], want, func(a, b string) bool { return a == "    "+b }) {
		t.Errorf("the store says %q, the new device %q", lines, want)
	}
	inspect = begin(t, ctx, dir, "inspect", "--json", store)
	exits(t, inspect, exitDone)
	var in inspection
	if err := json.Unmarshal(inspect.out.Bytes(), &in); err != nil || len(in.Transfers) == 0 || in.Transfers[0].Ledger == nil {
		t.Fatalf("%s, %v", &inspect.out, err)
	}
	l := in.Transfers[0].Ledger
	if got := ledgerLines(l.Segment()); !slices.Equal(got, want) {
		t.Errorf("the store says %q in JSON, the new device %q", got, want)
	}
	return l
}

// Both devices and the store say the same of a transfer, undisturbed, killed and
// interrupted on both sides, for a history that is partly there and partly left out; while it is
// unfinished, `status` says of both how far it is.
func TestLedgersAreEqual(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*processTime)
	defer cancel()
	dir := t.TempDir()
	writeChat(t, dir, "WhatsApp Chat - Ledger", 3, 30, 0)
	sources := []string{sampleFile(t), "WhatsApp Chat - Ledger"}
	run := func(kill os.Signal, store string, extra ...string) *host.Ledger {
		t.Helper()
		addr := freeAddr(t)
		wire := newTripwire(t, addr)
		defer wire.Close()
		receive := []string{"receive", "--qr", "none", "--store", store, "--listen", addr, "--advertise", wire.Addr().String()}
		send := slices.Concat([]string{"send", "--yes"}, extra, sources)
		r := begin(t, ctx, dir, append(slices.Clone(receive), "--offer-out", "offer.txt")...)
		heard(t, ctx, r, "Waiting")
		s := begin(t, ctx, dir, append(slices.Clone(send), "--offer-file", "offer.txt")...)
		code := heard(t, ctx, s, `Check code: (\d{6})`)
		heard(t, ctx, r, "six digits")
		fell := make(chan struct{})
		if kill != nil {
			wire.set(2<<20, func() { close(fell); r.signal(kill); s.signal(kill) })
		}
		r.tell(code)
		if kill != nil {
			select {
			case <-fell:
			case <-s.ended:
				t.Fatal(s.stderr())
			}
			r.wait()
			s.wait()
			status := begin(t, ctx, dir, "status")
			exits(t, status, exitDone)
			// Whoever is not killed at once keeps how far it is.
			got := strings.Count(status.out.String(), "  at least ")
			if kill == os.Interrupt && got != 2 || !strings.Contains(status.out.String(), "unfinished") {
				t.Errorf("status of both:\n%s", &status.out)
			}
			r = begin(t, ctx, dir, receive...)
			heard(t, ctx, r, goingOnFrom)
			s = begin(t, ctx, dir, send...)
		}
		exits(t, s, exitDone)
		exits(t, r, exitDone)
		return sameLedgers(t, ctx, dir, store, r, s)
	}
	calm := run(nil, "calm.db")
	if killed := run(os.Kill, "killed.db"); !reflect.DeepEqual(killed, calm) {
		t.Errorf("killed: %+v, undisturbed: %+v", killed, calm)
	}
	if calm.Imported == 0 || calm.There > 0 || calm.Attachments.Imported == 0 || calm.Segment().Balanced() != nil {
		t.Errorf("undisturbed: %+v", calm)
	}
	// A part first: then some is there, and some is new.
	if some := run(nil, "some.db", "--no-media"); some.Attachments.Excluded[segment.NoMedia] == 0 {
		t.Errorf("without media: %+v", some)
	}
	if rest := run(os.Interrupt, "some.db"); rest.There == 0 || rest.Attachments.Imported == 0 {
		t.Errorf("the rest: %+v", rest)
	}
}

// status says how a transfer ended whose last word is missing, on either device, and
// how far one is that is unfinished.
func TestStatusHasLedgers(t *testing.T) {
	ledger := segment.Ledger{
		Source: 1234, Imported: 1000, There: 230, Tombstones: 1, Excluded: map[segment.Reason]uint64{segment.OutsideScope: 2},
		Quarantined: map[segment.Reason]uint64{segment.Conflict: 1}, Attachments: 3, AttachmentsImported: 2, AttachmentsThere: 1,
	}
	const words = "  1,000 imported, 230 already there, 1 deleted or expired, kept as a mark\n" +
		"  3 attachments: 2 imported, 1 already there\n" +
		"  left out 2 messages: outside scope\n  left out 1 record: conflict\n"
	for name, c := range map[string]struct {
		change func(*transfer.Checkpoint)
		want   string
		absent string
		ledger bool
	}{
		"sender": {func(c *transfer.Checkpoint) {}, "send to \"phone\", .*complete, but the new device may not know that this one knows.*\n.*\n" + words, "at least", true},
		"receiver": {func(c *transfer.Checkpoint) {
			c.Role, c.Info = pairing.RoleReceiver, segment.TransferInfo{ID: c.TransferID}
		}, "receive from .*complete, but the old device may not know.*\n.*\n" + words, "at least", true},
		"unfinished":   {func(c *transfer.Checkpoint) { c.Receipt = nil }, "unfinished.*\n.*\n  at least 7 of 9 messages, 1.0 kB of 2.0 kB\n", "imported", false},
		"at its begin": {func(c *transfer.Checkpoint) { c.Receipt, c.Progress = nil, transfer.Progress{} }, "unfinished.*\n.*\n", "at least", false},
		"damaged":      {func(c *transfer.Checkpoint) { c.Receipt = make([]byte, 100) }, "complete.*\n.*\n", "imported", false},
	} {
		t.Run(name, func(t *testing.T) {
			var said strings.Builder
			ui := newTerminal(strings.NewReader(""), &said, &said)
			f := &stateFlags{dir: filepath.Join(t.TempDir(), "state")}
			checkpoint := storedTransfer(1, time.Now())
			checkpoint.Progress = transfer.Progress{Bytes: 1000, TotalBytes: 2000, Messages: 7, TotalMessages: 9}
			checkpoint.Receipt = sealedReceipt(t, checkpoint, segment.End{Ledger: ledger})
			c.change(checkpoint)
			k, err := f.find(t.Context(), ui, checkpoint.Role, "place", true)
			if err != nil {
				t.Fatal(err)
			}
			if err := k.state().Save(t.Context(), checkpoint); err != nil {
				t.Fatal(err)
			}
			k.close()
			if err := status(t.Context(), ui, f, false, false); err != nil {
				t.Fatal(err)
			}
			if got := said.String(); !regexp.MustCompile("^.*"+c.want+"$").MatchString(got) || strings.Contains(got, c.absent) {
				t.Errorf("says\n%s", got)
			}
			said.Reset()
			if err := status(t.Context(), ui, f, false, true); err != nil {
				t.Fatal(err)
			}
			var line statusLine
			if err := json.Unmarshal([]byte(said.String()), &line); err != nil {
				t.Fatal(err)
			}
			if (line.Ledger != nil) != c.ledger || c.ledger && !line.Ledger.Segment().Equal(ledger) {
				t.Errorf("says %s", &said)
			}
		})
	}
}

// sealedReceipt is the receipt of a transfer (wire-format, "Receipt").
func sealedReceipt(t *testing.T, c *transfer.Checkpoint, end segment.End) []byte {
	t.Helper()
	plain := binary.BigEndian.AppendUint64(slices.Clone(c.TransferID[:]), 1)
	plain, err := segment.AppendEnd(plain, &end)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := pairing.SealReceipt(hpke.SuiteXWing, c.Resumption, nil, plain)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}
