package pairing

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"net/netip"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/hpke"
)

// stream is a fixed source of randomness.
type stream struct {
	seed string
	n    uint64
	rest []byte
}

func (s *stream) Read(p []byte) (int, error) {
	for len(s.rest) < len(p) {
		h := sha256.Sum256(binary.BigEndian.AppendUint64([]byte(s.seed), s.n))
		s.n++
		s.rest = append(s.rest, h[:]...)
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

var errNoRandom = errors.New("no randomness")

// dry gives n bytes and then fails.
type dry struct{ n int }

func (d *dry) Read(p []byte) (int, error) {
	if d.n < len(p) {
		return 0, errNoRandom
	}
	d.n -= len(p)
	clear(p)
	p[0] = byte(d.n) | 1
	return len(p), nil
}

func lan() Route {
	return Route{Kind: RouteTCP, Addr: netip.MustParseAddrPort("192.168.178.231:65432")}
}

func newReceiver(t testing.TB, o ReceiverOptions) *Receiver {
	t.Helper()
	if o.Routes == nil {
		o.Routes = []Route{lan()}
	}
	r, err := NewReceiver(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func newSender(t testing.TB, offer *Offer, o SenderOptions) *Sender {
	t.Helper()
	s, err := NewSender(offer, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func summary() Summary {
	return Summary{
		Time: time.UnixMilli(1_700_000_000_123), Messages: 100_000, Attachments: 12, Bytes: 1 << 30,
		Rooms:      []RoomCount{{ID: "mimi://example.com/r/engineering", Name: "Engineering Team", Messages: 99_000, First: 1_600_000_000_000, Last: 1_700_000_000_000}},
		RoomsTotal: 3, Label: "old phone",
	}
}

// run is a whole handshake that went well.
type run struct {
	r                  *Receiver
	s                  *Sender
	conn               *ReceiverConn
	m0, m1, m2, m3     []byte
	bundle             *Bundle
	summary            *Summary
	accept             *Accept
	receiving, sending *Session
	key                []byte // R's one-time key, for vectors
}

func shake(t testing.TB, r *Receiver, s *Sender) *run {
	t.Helper()
	h := &run{r: r, s: s, m0: s.Hello()}
	var err error
	must := func() {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	h.m1, h.conn, err = r.Hello(h.m0)
	must()
	h.bundle, err = s.OpenBundle(h.m1)
	must()
	h.m2, err = s.Request(summary())
	must()
	h.summary, err = h.conn.OpenRequest(h.m2)
	must()
	h.m3, h.receiving, err = h.conn.Accept(Accept{HasAny: true})
	must()
	h.accept, h.sending, err = s.OpenAccept(h.m3)
	must()
	return h
}

func paired(t testing.TB) *run {
	t.Helper()
	r := newReceiver(t, ReceiverOptions{Label: "new phone"})
	return shake(t, r, newSender(t, r.Offer(), SenderOptions{}))
}

func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error is %v, want %v", err, want)
	}
}

func sameSession(t testing.TB, a, b *Session) {
	t.Helper()
	for _, d := range []Direction{SenderToReceiver, ReceiverToSender} {
		if k := a.ControlKey(d); len(k) != a.Suite().KeySize() || !bytes.Equal(k, b.ControlKey(d)) {
			t.Errorf("control keys of direction %d differ", d)
		}
	}
	if !bytes.Equal(a.DataKey(), b.DataKey()) || a.DataKey() == nil {
		t.Error("data keys differ")
	}
	if bytes.Equal(a.DataKey(), a.ControlKey(SenderToReceiver)) || bytes.Equal(a.ControlKey(ReceiverToSender), a.ControlKey(SenderToReceiver)) {
		t.Error("two keys are one")
	}
	if a.CheckCode() != b.CheckCode() || a.TransferID() != b.TransferID() || !a.Resumption().Equal(b.Resumption()) || a.Connection() != b.Connection() {
		t.Error("code, transfer id, rms or connection number differ")
	}
}

var _ io.Reader = (*stream)(nil)

func suites() []hpke.Suite { return []hpke.Suite{hpke.SuiteXWing, hpke.SuiteX25519} }

// seal makes M2 of any content, which Request would not.
func (s *Sender) seal(content []byte) error {
	enc, ctx, err := s.encapsulate()
	if err != nil {
		return err
	}
	defer ctx.Erase()
	return s.finish(enc, ctx, content)
}
