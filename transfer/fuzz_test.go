package transfer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// A fuzzSink wants everything but what held names, and attachments from an
// offset. It keeps what it got.
type fuzzSink struct {
	Sink
	held     map[segment.ID]bool
	offset   uint64
	segments [][]byte
	content  []byte
	sum      []byte
	open     int
}

func (s *fuzzSink) Have(_ context.Context, _ segment.RoomEntry, entries []segment.Entry) (wants []segment.Want, err error) {
	for _, e := range entries {
		switch e.Type {
		case segment.SegmentType:
			wants = append(wants, segment.Want{Need: !s.held[e.Segment.ID]})
		case segment.AttachmentType:
			wants = append(wants, segment.Want{Need: true, Offset: min(s.offset, e.Attachment.Size)})
		}
	}
	return wants, nil
}

func (s *fuzzSink) StageSegment(_ context.Context, _ segment.RoomEntry, e segment.SegmentEntry, data []byte) (segment.Ledger, error) {
	s.segments = append(s.segments, bytes.Clone(data))
	return segment.Ledger{Imported: e.Items}, nil
}

func (s *fuzzSink) StageAttachment(context.Context, segment.RoomEntry, segment.ID, segment.AttachmentEntry, uint64) (segment.AttachmentWriter, error) {
	s.open++
	return &fuzzWriter{s}, nil
}

type fuzzWriter struct{ s *fuzzSink }

func (w *fuzzWriter) Write(p []byte) (int, error) {
	w.s.content = append(w.s.content, p...)
	return len(p), nil
}

// Commit takes any hash: then the bytes of the stream are free in this place.
func (w *fuzzWriter) Commit(sum [32]byte) error { w.s.sum = sum[:]; return nil }
func (w *fuzzWriter) Close() error              { w.s.open--; return nil }

// fuzzInbound has been told of a page: two segments that are missing, one with an
// attachment, and between them one that is held.
func fuzzInbound(t testing.TB) (*inbound, *fuzzSink, [][]byte) {
	a, held, b := []byte("segment a"), []byte("held"), bytes.Repeat([]byte("b"), 100)
	entry := func(data []byte) segment.Entry {
		return segment.Entry{Type: segment.SegmentType, Segment: segment.SegmentEntry{
			ID: sha256.Sum256(data), Kind: segment.Messages, Items: 1, Bytes: uint64(len(data)),
		}}
	}
	page := &segment.Page{Entries: []segment.Entry{
		{Type: segment.RoomType, Room: segment.RoomEntry{ID: "r"}},
		entry(a),
		{Type: segment.AttachmentType, Attachment: segment.AttachmentEntry{MessageID: "m", Size: 20}},
		entry(held),
		entry(b),
	}}
	sink := &fuzzSink{held: map[segment.ID]bool{sha256.Sum256(held): true}, offset: 7}
	in := &inbound{
		sink: sink, account: newAccount([32]byte{1}), meter: newMeter(nil),
		counted: map[segment.ID]segment.Ledger{}, fetched: map[attachmentKey]segment.Reason{},
	}
	answer, err := in.page(t.Context(), page)
	if err != nil || !page.Accepts(answer) {
		t.Fatalf("answer %+v: %v", answer, err)
	}
	return in, sink, [][]byte{a, b}
}

// streamOf is the data stream of fuzzInbound's page with this content of the
// attachment from its offset on and its hash, or without them.
func streamOf(segments [][]byte, content []byte, sum []byte, padding bool) []byte {
	b := unit{kind: unitSegment, entry: 1, length: uint64(len(segments[0]))}.append(nil)
	b = append(b, segments[0]...)
	if sum != nil {
		b = unit{kind: unitAttachment, entry: 2, offset: 7, length: 13}.append(b)
		b = append(append(b, content...), sum...)
	} else {
		b = unit{kind: unitAbsent, entry: 2}.append(b)
	}
	b = unit{kind: unitSegment, entry: 4, length: uint64(len(segments[1]))}.append(b)
	b = append(b, segments[1]...)
	if padding {
		n := uint64(len(b) + unitHeadSize)
		left := padme(n) - n
		b = append(unit{length: left}.append(b), make([]byte, left)...)
	}
	return b
}

// FuzzUnits: whatever comes in the data stream, in whatever pieces, gives our own
// errors only; and a stream that is taken whole is the one that an honest sender
// would have sent for these contents.
func FuzzUnits(f *testing.F) {
	_, _, segments := fuzzInbound(f)
	content, sum := []byte("of attachment"), bytes.Repeat([]byte{7}, sha256.Size)
	for _, padding := range []bool{false, true} {
		f.Add(streamOf(segments, content, sum, padding), uint16(1))
		f.Add(streamOf(segments, content, sum, padding), uint16(1000))
		f.Add(streamOf(segments, nil, nil, padding), uint16(64))
	}
	f.Add(unit{length: 1<<64 - 1}.append(nil), uint16(3))
	f.Fuzz(func(t *testing.T, stream []byte, piece uint16) {
		in, sink, segments := fuzzInbound(t)
		var err error
		for rest := stream; len(rest) > 0 && err == nil; {
			n := min(len(rest), 1+int(piece))
			err = in.chunk(t.Context(), rest[:n])
			rest = rest[n:]
		}
		if err == nil {
			err = in.finish(&segment.End{Root: in.account.root.Sum(), Ledger: in.account.ledger}, true)
		}
		whole := err == nil
		if e, ok := errors.AsType[*Error](err); !whole && !isLost(err) && (!ok || e.Code != wire.CodeProtocol && e.Code != wire.CodeVerification) {
			t.Errorf("error %v", err)
		}
		if err := in.close(); err != nil || sink.open != 0 {
			t.Errorf("%v, %d writers are open", err, sink.open)
		}
		if cap(in.segment) > 2*len(stream)+1024 {
			t.Errorf("%d bytes of memory for a stream of %d", cap(in.segment), len(stream))
		}
		if !whole {
			return
		}
		if again := streamOf(segments, sink.content, sink.sum, in.padded); !bytes.Equal(again, stream) {
			t.Errorf("the stream\n%x\nis taken for\n%x", stream, again)
		}
	})
}

// FuzzRecords: the bodies of control records give our own errors only, and what is
// read is written as the same bytes.
func FuzzRecords(f *testing.F) {
	rec, err := receipt{transfer: [32]byte{1}, committed: 2, end: segment.End{Root: [32]byte{3}}}.append(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append([]byte{byte(recordReceipt)}, rec...))
	f.Add(staged{1, 2, 3}.append([]byte{byte(recordStaged)}))
	f.Add(unit{unitAttachment, 1, 2, 3, 4}.append([]byte{byte(recordData)}))
	f.Add(appendError([]byte{byte(recordError)}, wire.CodeSource))
	f.Add(appendNumber([]byte{byte(recordPage)}, 7))
	for kind := recordData; kind <= recordBye; kind++ {
		f.Add([]byte{byte(kind)})
		f.Add(append([]byte{byte(kind)}, make([]byte, 60)...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		kind, body := recordType(b[0]), b[1:]
		var again []byte
		var err error
		switch kind {
		case recordReceipt:
			var r receipt
			if r, err = parseReceipt(body); err == nil {
				again, err = r.append(nil)
			}
		case recordStaged:
			var s staged
			if s, err = parseStaged(body); err == nil {
				again = s.append(nil)
			}
		case recordData:
			if len(body) != unitHeadSize {
				return
			}
			var u unit
			if u, err = parseUnit(body); err == nil {
				again = u.append(nil)
			}
		case recordPage:
			var rest []byte
			if rest, err = numbered(body, 7); err == nil {
				again = append(appendNumber(nil, 7), rest...)
			}
		case recordError:
			e, ok := errors.AsType[*Error](parsePeerError(body))
			if !ok || e.Peer != (len(body) >= 2) {
				t.Errorf("error %v", e)
			}
			return
		default:
			return
		}
		if err != nil {
			if e, ok := errors.AsType[*Error](err); !ok || e.Code != wire.CodeProtocol {
				t.Errorf("error %v", err)
			}
			return
		}
		if !bytes.Equal(again, body) {
			t.Errorf("%x is written as %x", body, again)
		}
	})
}
