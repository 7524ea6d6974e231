package transfer_test

import (
	"bytes"
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
	pause     = 11
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
