package transfer

import (
	"fmt"
	"math"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/hpke"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// What one package may make the next one has to carry: pairing does not import
// wire, nor wire anything, so the equal numbers are written twice.
func TestMessagesFitTheirFrames(t *testing.T) {
	for _, c := range []struct {
		what      string
		got, want int
	}{
		{"hello", wire.HelloSize, pairing.HelloSize},
		{"bundle", wire.MaxBundle, pairing.MaxBundleMessage},
		{"request", wire.MaxRequest, pairing.MaxRequestMessage},
		{"accept", wire.MaxAccept, pairing.MaxAcceptMessage},
		{"early error", wire.MaxError, pairing.MaxErrorMessage},
		{"chunk", wire.MaxData, hpke.MaxSealedChunk},
		{"plaintext of a chunk", chunkSize, hpke.MaxChunk},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d bytes in a frame, %d where it is made", c.what, c.got, c.want)
		}
	}
	for _, c := range []struct {
		what string
		body int
	}{
		{"page", 4 + segment.MaxPage},
		{"answer", 4 + segment.MaxAnswer},
		{"end", segment.MaxEnd},
		{"receipt", 32 + 32 + 8 + segment.MaxEnd + hpke.Overhead},
	} {
		if n := 1 + c.body + hpke.Overhead; n > wire.MaxControl {
			t.Errorf("a record with a %s has %d bytes, a frame %d", c.what, n, wire.MaxControl)
		}
	}
	// Every code that pairing seals by itself is one of the table.
	for code, name := range map[wire.Code]string{9: "expired", 10: "taken", 11: "intent", 20: "busy"} {
		if code.String() != name {
			t.Errorf("code %d is %v, not %s", uint16(code), code, name)
		}
	}
}

// A receipt has to fit M3, where a later version may carry it.
func TestReceiptFitsAccept(t *testing.T) {
	full := func() map[segment.Reason]uint64 {
		m := map[segment.Reason]uint64{}
		for _, r := range []segment.Reason{segment.OutsideScope, segment.NoMedia, segment.Expired, segment.Superseded,
			segment.Dangling, segment.TooLarge, segment.Malformed, segment.Conflict, segment.Unsupported, segment.ContentAbsent} {
			m[r] = segment.MaxCount
		}
		return m
	}
	end := segment.End{Ledger: segment.Ledger{
		Source: segment.MaxCount, Imported: segment.MaxCount, There: segment.MaxCount, Tombstones: segment.MaxCount,
		Excluded: full(), Quarantined: full(), Attachments: segment.MaxCount,
		AttachmentsImported: segment.MaxCount, AttachmentsThere: segment.MaxCount,
		AttachmentsExcluded: full(), AttachmentsQuarantined: full(),
	}}
	b, err := receipt{end: end}.append(nil)
	if err != nil {
		t.Fatal(err)
	}
	if n := 32 + len(b) + hpke.Overhead; n > pairing.MaxReceipt {
		t.Errorf("a receipt with every reason that we know has %d bytes, M3 holds %d", n, pairing.MaxReceipt)
	}
}

// Each number that counts up ends at its limit, and not before.
func TestCountersEnd(t *testing.T) {
	empty := new(segment.Page)
	in, _, _ := fuzzInbound(t)
	in.queue, in.pages = nil, maxPages-1
	if _, err := in.page(t.Context(), empty); err != nil {
		t.Errorf("the last page: %v", err)
	}
	if _, err := in.page(t.Context(), empty); CodeOf(err) != wire.CodeLimit {
		t.Errorf("one page more: %v", err)
	}
	out := &outbound{pages: maxPages}
	if err := out.announce(t.Context(), empty); CodeOf(err) != wire.CodeLimit {
		t.Errorf("one page more to send: %v", err)
	}
	n := uint64(math.MaxUint64 - 1)
	if _, err := recordNonce(&n); err != nil {
		t.Errorf("the last record: %v", err)
	}
	if _, err := recordNonce(&n); CodeOf(err) != wire.CodeLimit || n != math.MaxUint64 {
		t.Errorf("one record more: %v, %d", err, n)
	}
	s := &sender{opts: SendOptions{Timing: Timing{}.withDefaults()}}
	s.result.Reconnects = maxReconnects
	if _, err := s.reconnect(t.Context(), nil); CodeOf(err) != wire.CodeLimit {
		t.Errorf("one connection more: %v", err)
	}
}

// The keys of a connection do not show in any format.
func TestKeysAreRedacted(t *testing.T) {
	k := &keys{plain: []byte("secret")}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		if got := fmt.Sprintf(verb, k); got != "keys(redacted)" {
			t.Errorf("%s prints %q", verb, got)
		}
	}
}

// Padmé sizes, against the examples of its definition.
func TestPadme(t *testing.T) {
	for n, want := range map[uint64]uint64{0: 0, 1: 1, 2: 2, 9: 10, 129: 144, 1000: 1024, 1 << 20: 1 << 20, 1<<20 + 1: 1081344} {
		if got := padme(n); got != want {
			t.Errorf("padme(%d) = %d, want %d", n, got, want)
		}
	}
}
