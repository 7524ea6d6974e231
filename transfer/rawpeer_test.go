package transfer_test

import (
	"bytes"
	"context"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math/bits"
	"sync"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/hpke"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// Types of control records, as docs/wire-format.md numbers them.
const (
	keepAlive = 1
	errorType = 2
	confirm   = 3
	ready     = 4
	page      = 5
	answer    = 6
	staged    = 7
	end       = 8
	receipt   = 9
	bye       = 10
)

// A rawLink speaks the session's records by hand, so that a test can misbehave in
// any place. It is written from docs/wire-format.md and uses nothing of package
// transfer.
type rawLink struct {
	t       testing.TB
	conn    wire.Conn
	frames  *wire.Reader
	writer  *wire.Writer
	session *pairing.Session
	in, out cipher.AEAD
	nIn     uint64
	nOut    uint64
	sealer  *hpke.ChunkSealer
	writing sync.Mutex
}

func nonce(n uint64) []byte { return binary.BigEndian.AppendUint64(make([]byte, 4), n) }

func (l *rawLink) keys(s *pairing.Session, side pairing.Role) {
	l.t.Helper()
	l.session = s
	fromS, errS := s.Suite().NewAEAD(s.ControlKey(pairing.SenderToReceiver))
	fromR, errR := s.Suite().NewAEAD(s.ControlKey(pairing.ReceiverToSender))
	sealer, err := hpke.NewChunkSealer(s.Suite(), s.DataKey())
	if err := errors.Join(errS, errR, err); err != nil {
		l.t.Fatal(err)
	}
	l.in, l.out, l.sealer, l.nIn, l.nOut = fromR, fromS, sealer, 0, 0
	if side == pairing.RoleReceiver {
		l.in, l.out, l.sealer = fromS, fromR, nil
	}
}

// record sends one record; what becomes of it is the peer's business.
func (l *rawLink) record(kind byte, body ...byte) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	sealed := l.out.Seal(nil, nonce(l.nOut), append([]byte{kind}, body...), nil)
	l.nOut++
	return l.writer.WriteFrame(wire.Control, 0, sealed)
}

// chunk sends one chunk of the data stream.
func (l *rawLink) chunk(plain []byte, last bool) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	var flags wire.Flags
	if last {
		flags = wire.Last
	}
	sealed, err := l.sealer.Seal(nil, plain, nil, last)
	if err != nil {
		l.t.Fatal(err)
	}
	return l.writer.WriteFrame(wire.Data, flags, sealed)
}

// read returns the next record, past keep-alives and chunks; kind 0 is the end of
// the connection.
func (l *rawLink) read() (kind byte, body []byte) {
	for {
		l.conn.SetReadDeadline(time.Now().Add(time.Hour))
		f, err := l.frames.ReadFrame()
		if err != nil {
			return 0, nil
		}
		if f.Type == wire.Data {
			continue
		}
		plain, err := l.in.Open(nil, nonce(l.nIn), f.Payload, nil)
		if err != nil {
			l.t.Errorf("a record of the peer does not open: %v", err)
			return 0, nil
		}
		l.nIn++
		if plain[0] != keepAlive {
			return plain[0], plain[1:]
		}
	}
}

// until reads records until the end of the connection, or one of this kind.
func (l *rawLink) until(kind byte) (body []byte, ok bool) {
	for {
		k, body := l.read()
		if k == kind || k == 0 {
			return body, k == kind
		}
	}
}

// greet is M0 and M1 of a sender on a new connection.
func greet(t testing.TB, n *network, s *pairing.Sender) (*rawLink, *pairing.Sender) {
	t.Helper()
	l := hello(t, n, s)
	if _, err := s.OpenBundle(l.frame(wire.Bundle)); err != nil {
		t.Fatal(err)
	}
	return l, s
}

// hello is M0.
func hello(t testing.TB, n *network, s *pairing.Sender) *rawLink {
	t.Helper()
	var conn, peer wire.Conn = transfertest.Pipe()
	if n.each != nil {
		peer = n.each(peer)
	}
	select {
	case n.conns <- peer:
	case <-time.After(time.Minute):
		t.Fatal("the receiver does not take the connection")
	}
	l := &rawLink{t: t, conn: conn, frames: wire.NewReader(conn), writer: wire.NewWriter(conn)}
	l.write(wire.Hello, s.Hello())
	return l
}

func (l *rawLink) write(k wire.Type, payload []byte) {
	l.t.Helper()
	if err := l.writer.WriteFrame(k, 0, payload); err != nil {
		l.t.Fatal(err)
	}
}

func (l *rawLink) frame(k wire.Type) []byte {
	l.t.Helper()
	l.conn.SetReadDeadline(time.Now().Add(time.Hour))
	f, err := l.frames.ReadFrame()
	if err != nil || f.Type != k {
		l.t.Fatalf("read %v, want %v: %v", f.Type, k, err)
	}
	return bytes.Clone(f.Payload)
}

// request is M2 and M3.
func (l *rawLink) request(s *pairing.Sender) {
	l.t.Helper()
	m2, err := s.Request(pairing.Summary{Messages: 10, Label: "old phone"})
	if err != nil {
		l.t.Fatal(err)
	}
	l.write(wire.Request, m2)
	_, session, err := s.OpenAccept(l.frame(wire.Accept))
	if err != nil {
		l.t.Fatal(err)
	}
	l.keys(session, pairing.RoleSender)
}

func newSender(t testing.TB, offer *pairing.Offer) *pairing.Sender {
	t.Helper()
	s, err := pairing.NewSender(offer, pairing.SenderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func resumeSender(t testing.TB, session *pairing.Session, last uint32) *pairing.Sender {
	t.Helper()
	s, err := pairing.NewResumeSender(pairing.ResumeOptions{Session: session, LastConnection: last})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// receiveAgainst runs Receive against a sender that the test plays.
type receiveAgainst struct {
	t       testing.TB
	network *network
	sink    *memorySink
	people  *people
	timing  transfer.Timing
	offer   *pairing.Offer
	result  *transfer.Result
	err     error
	took    time.Duration
	done    chan struct{}
}

func startReceive(t testing.TB, timing transfer.Timing) *receiveAgainst {
	return startReceiveInto(t, timing, nil)
}

func startReceiveInto(t testing.TB, timing transfer.Timing, wrap func(transfer.Sink) transfer.Sink) *receiveAgainst {
	r := &receiveAgainst{t: t, network: newNetwork(), sink: newSink(t), people: newPeople(), timing: timing, done: make(chan struct{})}
	start := time.Now()
	var sink transfer.Sink = r.sink
	if wrap != nil {
		sink = wrap(sink)
	}
	go func() {
		defer close(r.done)
		r.result, r.err = transfer.Receive(t.Context(), transfer.ReceiveOptions{
			Sink: sink, Acceptors: []transfer.Acceptor{r.network}, Prompter: r.people, Timing: timing,
			Offer: pairing.ReceiverOptions{Label: "new phone"},
		})
		r.took = time.Since(start)
	}()
	r.offer = <-r.people.offer
	return r
}

// pair is the handshake of an honest sender, up to ready.
func (r *receiveAgainst) pair() *rawLink {
	r.t.Helper()
	l, s := greet(r.t, r.network, newSender(r.t, r.offer))
	l.request(s)
	r.people.code <- l.session.CheckCode()
	l.record(confirm)
	if kind, _ := l.read(); kind != ready {
		r.t.Fatalf("record %d, want ready", kind)
	}
	return l
}

// resume is another connection of the transfer, up to confirm.
func (r *receiveAgainst) resume(session *pairing.Session, e uint32) *rawLink {
	r.t.Helper()
	l, s := greet(r.t, r.network, resumeSender(r.t, session, e-1))
	l.request(s)
	l.record(confirm)
	return l
}

// wait waits for Receive to return, which it must within limit.
func (r *receiveAgainst) wait(limit time.Duration) {
	r.t.Helper()
	select {
	case <-r.done:
	case <-time.After(limit):
		r.t.Fatalf("Receive has not returned after %v", limit)
	}
}

// refused checks that Receive ended with this code and nothing was committed.
func (r *receiveAgainst) refused(code wire.Code) {
	r.t.Helper()
	r.wait(time.Hour)
	if r.err == nil || transfer.CodeOf(r.err) != code {
		r.t.Errorf("receive: %v, want code %v", r.err, code)
	}
	if r.sink.commits > 0 {
		r.t.Error("something was committed")
	}
}

// sendAgainst runs Send against a receiver that the test plays.
type sendAgainst struct {
	t        testing.TB
	network  *network
	source   transfer.Source
	people   *people
	receiver *pairing.Receiver
	result   *transfer.Result
	err      error
	progress []transfer.Progress
	done     chan struct{}
	cancel   context.CancelFunc
}

func startSend(t testing.TB, source transfer.Source, timing transfer.Timing) *sendAgainst {
	t.Helper()
	receiver, err := pairing.NewReceiver(pairing.ReceiverOptions{Label: "new phone"})
	if err != nil {
		t.Fatal(err)
	}
	s := &sendAgainst{t: t, network: newNetwork(), source: source, people: newPeople(), receiver: receiver, done: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	s.cancel = cancel
	go func() {
		defer close(s.done)
		s.result, s.err = transfer.Send(ctx, transfer.SendOptions{
			Source: source, Offer: receiver.Offer(), Dialer: s.network, Prompter: s.people, Timing: timing, Label: "old phone",
			Progress: func(p transfer.Progress) { s.progress = append(s.progress, p) },
		})
	}()
	return s
}

// accept is the handshake of an honest receiver on the next connection, up to and
// without M3's answer.
func (s *sendAgainst) accept(r *pairing.Receiver) *rawLink {
	s.t.Helper()
	l, m3 := s.answer(r)
	l.write(wire.Accept, m3)
	return l
}

func (s *sendAgainst) answer(r *pairing.Receiver) (*rawLink, []byte) {
	s.t.Helper()
	var conn wire.Conn
	select {
	case conn = <-s.network.conns:
	case <-time.After(time.Hour):
		s.t.Fatal("the sender does not come")
	}
	l := &rawLink{t: s.t, conn: conn, frames: wire.NewReader(conn), writer: wire.NewWriter(conn)}
	m1, peer, err := r.Hello(l.frame(wire.Hello))
	if err != nil {
		s.t.Fatal(err)
	}
	l.write(wire.Bundle, m1)
	if _, err := peer.OpenRequest(l.frame(wire.Request)); err != nil {
		s.t.Fatal(err)
	}
	m3, session, err := peer.Accept(pairing.Accept{})
	if err != nil {
		s.t.Fatal(err)
	}
	l.keys(session, pairing.RoleReceiver)
	return l, m3
}

// pair is the handshake up to ready.
func (s *sendAgainst) pair() *rawLink {
	s.t.Helper()
	l := s.accept(s.receiver)
	if kind, _ := l.read(); kind != confirm {
		s.t.Fatalf("record %d, want confirm", kind)
	}
	<-s.people.code
	l.record(ready)
	return l
}

// wait waits for Send to return, which it must within limit.
func (s *sendAgainst) wait(limit time.Duration) {
	s.t.Helper()
	select {
	case <-s.done:
	case <-time.After(limit):
		s.t.Fatalf("Send has not returned after %v", limit)
	}
}

func (s *sendAgainst) refused(code wire.Code) {
	s.t.Helper()
	s.wait(time.Hour)
	if s.err == nil || transfer.CodeOf(s.err) != code {
		s.t.Errorf("send: %v, want code %v", s.err, code)
	}
}

// u32 and u64 append numbers as they travel.
func u32(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

// head is the head of a unit.
func head(kind byte, page, entry uint32, offset, length uint64) []byte {
	b := append([]byte{kind}, u32(page)...)
	b = append(b, u32(entry)...)
	b = binary.BigEndian.AppendUint64(b, offset)
	return binary.BigEndian.AppendUint64(b, length)
}

// pageOf is the body of a page record.
func pageOf(t testing.TB, number uint32, p *segment.Page) []byte {
	t.Helper()
	b, err := segment.AppendPage(u32(number), p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// endOf is the body of an end record.
func endOf(t testing.TB, e segment.End) []byte {
	t.Helper()
	b, err := segment.AppendEnd(nil, &e)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// onePage lists one room with these segments.
func onePage(segments ...[]byte) *segment.Page {
	p := &segment.Page{Entries: []segment.Entry{{Type: segment.RoomType, Room: segment.RoomEntry{ID: "mimi://example.com/r/0"}}}}
	for _, data := range segments {
		p.Entries = append(p.Entries, segment.Entry{Type: segment.SegmentType, Segment: segment.SegmentEntry{
			ID: sha256.Sum256(data), Kind: segment.Messages, Items: 1, Bytes: uint64(len(data)),
		}})
	}
	return p
}

// complete moves one segment over l, as an honest sender, and checks the result.
func (r *receiveAgainst) complete(l *rawLink, data []byte) {
	r.t.Helper()
	l.record(page, pageOf(r.t, 0, onePage(data))...)
	l.chunk(padded(append(head(1, 0, 1, 0, uint64(len(data))), data...)), true)
	l.record(end, endOf(r.t, endFor(l.session, data))...)
	if _, ok := l.until(receipt); !ok {
		r.t.Fatal("no receipt")
	}
	l.record(bye)
	r.wait(time.Hour)
	if r.err != nil || r.sink.commits != 1 {
		r.t.Errorf("receive: %v, %d commits", r.err, r.sink.commits)
	}
}

// endFor is the end of a transfer of these segments of onePage.
func endFor(s *pairing.Session, segments ...[]byte) segment.End {
	root := segment.NewRootHasher(s.TransferID())
	for _, data := range segments {
		root.Segment(sha256.Sum256(data), uint64(len(data)))
	}
	return segment.End{Root: root.Sum(), Ledger: segment.Ledger{Source: uint64(len(segments))}}
}

// padded adds the padding to a whole data stream, up to its Padmé size.
func padded(b []byte) []byte {
	n := len(b) + len(head(0, 0, 0, 0, 0))
	e := bits.Len(uint(n)) - 1
	mask := 1<<(e-bits.Len(uint(e))) - 1
	left := (n+mask)&^mask - n
	return append(append(b, head(0, 0, 0, 0, uint64(left))...), make([]byte, left)...)
}

func asError(err error) (e *transfer.Error, ok bool) { return errors.AsType[*transfer.Error](err) }
