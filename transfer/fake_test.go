package transfer_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/transfertest"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// A memorySource is a history whose segments are random bytes: a session does not
// look into them.
type memorySource struct {
	rooms    []string
	pages    []*segment.Page
	segments map[segment.ID][]byte
	content  map[string][]byte // by message id
	opened   int               // attachments opened
	left     segment.Ledger

	beforeManifest func()
	closing        error // of each attachment
}

// newSource makes rooms with a number of segments of a size, each with one
// attachment of another size; size 0 has no attachment.
func newSource(seed uint64, rooms, segments, size, attachment int) *memorySource {
	random := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	s := &memorySource{segments: map[segment.ID][]byte{}, content: map[string][]byte{}}
	for r := range rooms {
		id := fmt.Sprintf("mimi://example.com/r/%d", r)
		s.rooms = append(s.rooms, id)
		page := &segment.Page{Entries: []segment.Entry{{Type: segment.RoomType, Room: segment.RoomEntry{ID: id, Name: "Room"}}}}
		for i := range segments {
			data := make([]byte, size)
			random.Read(data)
			e := segment.SegmentEntry{
				ID: sha256.Sum256(data), Kind: segment.Messages, Items: 10,
				First: int64(i * 1000), Last: int64(i*1000 + 999), Bytes: uint64(size),
			}
			s.segments[e.ID] = data
			page.Entries = append(page.Entries, segment.Entry{Type: segment.SegmentType, Segment: e})
			if attachment > 0 {
				message := fmt.Sprintf("message-%d-%d", r, i)
				content := make([]byte, attachment)
				random.Read(content)
				s.content[message] = content
				page.Entries = append(page.Entries, segment.Entry{Type: segment.AttachmentType, Attachment: segment.AttachmentEntry{
					MessageID: message, Size: uint64(attachment), MediaType: "image/png",
				}})
			}
		}
		s.pages = append(s.pages, page)
	}
	return s
}

func (s *memorySource) Overview(_ context.Context, _ segment.Scope) (*segment.Overview, error) {
	o := &segment.Overview{Left: s.left}
	for i, id := range s.rooms {
		room := segment.OverviewRoom{ID: id, Name: "Room"}
		for _, e := range s.pages[i].Entries {
			room.Messages += e.Segment.Items
			room.Bytes += e.Segment.Bytes
		}
		o.Rooms = append(o.Rooms, room)
		o.Messages += room.Messages
		o.Bytes += room.Bytes
	}
	return o, nil
}

func (s *memorySource) Manifest(_ context.Context, scope segment.Scope) iter.Seq2[*segment.Page, error] {
	return func(yield func(*segment.Page, error) bool) {
		if s.beforeManifest != nil {
			s.beforeManifest()
		}
		for i, p := range s.pages {
			if scope.Rooms != nil && !slices.Contains(scope.Rooms, s.rooms[i]) {
				continue
			}
			if !yield(p, nil) {
				return
			}
		}
	}
}

func (s *memorySource) AppendSegment(_ context.Context, id segment.ID, buf []byte) ([]byte, error) {
	data, ok := s.segments[id]
	if !ok {
		return nil, errors.New("no such segment")
	}
	return append(buf, data...), nil
}

func (s *memorySource) OpenAttachment(_ context.Context, _ string, _ segment.ID, e segment.AttachmentEntry, offset uint64) (io.ReadCloser, error) {
	s.opened++
	data, ok := s.content[e.MessageID]
	if !ok {
		return nil, segment.ErrContentAbsent
	}
	return failingCloser{bytes.NewReader(data[offset:]), s.closing}, nil
}

type failingCloser struct {
	io.Reader
	err error
}

func (c failingCloser) Close() error { return c.err }

// A memorySink keeps what a crash would keep.
type memorySink struct {
	t         testing.TB
	begun     int
	segments  map[segment.ID][]byte
	partial   map[string][]byte
	content   map[string][]byte
	committed *segment.End
	aborted   int
	slow      time.Duration
	commits   int
	failStage error
}

func newSink(t testing.TB) *memorySink {
	return &memorySink{t: t, segments: map[segment.ID][]byte{}, partial: map[string][]byte{}, content: map[string][]byte{}}
}

func (s *memorySink) Begin(context.Context, segment.TransferInfo) error { s.begun++; return nil }

func (s *memorySink) Have(_ context.Context, _ segment.RoomEntry, entries []segment.Entry) ([]segment.Want, error) {
	if s.begun == 0 {
		s.t.Error("asked before the transfer began")
	}
	var wants []segment.Want
	for _, e := range entries {
		var w segment.Want
		if e.Type == segment.SegmentType {
			_, ok := s.segments[e.Segment.ID]
			w.Need = !ok
		} else if data, ok := s.content[e.Attachment.MessageID]; ok {
			w.Have = sha256.Sum256(data)
		} else {
			w.Need, w.Offset = true, uint64(len(s.partial[e.Attachment.MessageID]))
		}
		wants = append(wants, w)
	}
	return wants, nil
}

func (s *memorySink) StageSegment(_ context.Context, _ segment.RoomEntry, e segment.SegmentEntry, data []byte) (segment.Ledger, error) {
	if s.failStage != nil {
		return segment.Ledger{}, s.failStage
	}
	if _, ok := s.segments[e.ID]; ok {
		s.t.Error("a segment that is held was sent again")
	}
	time.Sleep(s.slow) // fake time
	s.segments[e.ID] = bytes.Clone(data)
	return segment.Ledger{Imported: e.Items}, nil
}

func (s *memorySink) StageAttachment(_ context.Context, _ segment.RoomEntry, _ segment.ID, e segment.AttachmentEntry, offset uint64) (segment.AttachmentWriter, error) {
	if offset != uint64(len(s.partial[e.MessageID])) {
		s.t.Errorf("attachment goes on at %d, not at %d", offset, len(s.partial[e.MessageID]))
	}
	return &memoryWriter{s, e.MessageID}, nil
}

func (s *memorySink) Commit(_ context.Context, end segment.End, _ []byte) error {
	s.commits++
	s.committed = &end
	return nil
}

func (s *memorySink) Abort(context.Context, error) error { s.aborted++; return nil }

type memoryWriter struct {
	s    *memorySink
	name string
}

func (w *memoryWriter) Write(p []byte) (int, error) {
	w.s.partial[w.name] = append(w.s.partial[w.name], p...)
	return len(p), nil
}

func (w *memoryWriter) Commit(sum [32]byte) error {
	data := w.s.partial[w.name]
	delete(w.s.partial, w.name)
	if sha256.Sum256(data) != sum {
		return segment.ErrHash
	}
	w.s.content[w.name] = data
	return nil
}

func (w *memoryWriter) Close() error { return nil }

// people are both persons: the new device's types what the old one's shows.
type people struct {
	offer    chan *pairing.Offer
	code     chan string
	typo     []string // typed before the right code
	scope    *segment.Scope
	decline  error
	mu       sync.Mutex
	warnings []transfer.Warning
	asked    []transfer.ConsentRequest
	onCode   func()

	onConsent func(context.Context) error
}

func newPeople() *people {
	return &people{offer: make(chan *pairing.Offer, 1), code: make(chan string, 1)}
}

func (p *people) ShowOffer(_ context.Context, o *pairing.Offer) error { p.offer <- o; return nil }

func (p *people) AskCheckCode(ctx context.Context, _ segment.TransferInfo, _ int) (string, error) {
	if len(p.typo) > 0 {
		t := p.typo[0]
		p.typo = p.typo[1:]
		return t, nil
	}
	select {
	case code := <-p.code:
		return code, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func (p *people) Warn(_ context.Context, w transfer.Warning) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.warnings = append(p.warnings, w)
}

func (p *people) Consent(ctx context.Context, r transfer.ConsentRequest) (segment.Scope, error) {
	p.asked = append(p.asked, r)
	if p.onConsent != nil {
		return r.Scope, p.onConsent(ctx)
	}
	if p.scope != nil {
		return *p.scope, p.decline
	}
	return r.Scope, p.decline
}

func (p *people) ShowCheckCode(_ context.Context, code string) error {
	if p.onCode != nil {
		p.onCode()
	}
	p.code <- code
	return nil
}

// A network joins the two devices in memory. faults, when set, says what goes
// wrong with the n-th connection, counted from 0, in each direction.
type network struct {
	conns  chan wire.Conn
	mu     sync.Mutex
	dialed int
	faults func(n int) (toReceiver, toSender transfertest.Faults)
	wrap   func(wire.Conn) wire.Conn // both ends
	wrapS  func(wire.Conn) wire.Conn // the sender's end
	wrapR  func(wire.Conn) wire.Conn // the receiver's end
	each   func(wire.Conn) wire.Conn // the receiver's end, of a sender that the test plays
	down   func(n int) bool
	hang   func(int, pairing.Route) bool // Dial waits for its context
	refuse func(pairing.Route) bool
}

func newNetwork() *network { return &network{conns: make(chan wire.Conn)} }

func (n *network) Accept(ctx context.Context, _ wire.Rendezvous) (wire.Conn, error) {
	select {
	case c := <-n.conns:
		return c, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (n *network) Dial(ctx context.Context, route pairing.Route, _ wire.Rendezvous) (wire.Conn, error) {
	n.mu.Lock()
	i := n.dialed
	n.dialed++
	n.mu.Unlock()
	if n.hang != nil && n.hang(i, route) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if n.down != nil && n.down(i) || n.refuse != nil && n.refuse(route) {
		return nil, errors.New("network is down")
	}
	var s, r wire.Conn = transfertest.Pipe()
	if n.faults != nil {
		toReceiver, toSender := n.faults(i)
		s, r = faulty(s, toReceiver), faulty(r, toSender)
	}
	if n.wrap != nil {
		s, r = n.wrap(s), n.wrap(r)
	}
	if n.wrapS != nil {
		s = n.wrapS(s)
	}
	if n.wrapR != nil {
		r = n.wrapR(r)
	}
	select {
	case n.conns <- r:
		return s, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(5 * time.Second):
		return nil, errors.New("nobody listens")
	}
}

func faulty(c wire.Conn, f transfertest.Faults) wire.Conn {
	return transfertest.Faulty(c.(net.Conn), f)
}

// equal reports what differs between what was to be sent and what is held.
func (s *memorySink) equal(src *memorySource) error {
	if !maps.EqualFunc(s.segments, src.segments, bytes.Equal) {
		return fmt.Errorf("%d segments held, %d sent, or others", len(s.segments), len(src.segments))
	}
	if !maps.EqualFunc(s.content, src.content, bytes.Equal) {
		return fmt.Errorf("%d attachments held, %d sent, or others", len(s.content), len(src.content))
	}
	return nil
}
