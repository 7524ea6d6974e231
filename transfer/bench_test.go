package transfer_test

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

// BenchmarkTransfer moves segments of 256 KiB, and then one large attachment, over
// TCP on loopback into a sink that only counts: what the session itself costs.
func BenchmarkTransfer(b *testing.B) {
	b.Run("segments", func(b *testing.B) { benchmark(b, newSource(1, 1, 256, 256<<10, 0), 256*256<<10) })
	const large = 256 << 20
	src := newSource(1, 1, 1, 100, 1)
	src.pages[0].Entries[2].Attachment.Size = large
	b.Run("attachment", func(b *testing.B) { benchmark(b, &zeroSource{src, large}, large) })
}

func benchmark(b *testing.B, src transfer.Source, bytes int64) {
	b.SetBytes(bytes)
	b.ReportAllocs()
	for b.Loop() {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		people := newPeople()
		done := make(chan error, 1)
		go func() {
			_, err := transfer.Receive(b.Context(), transfer.ReceiveOptions{
				Sink: &nullSink{newSink(b)}, Acceptors: []transfer.Acceptor{tcp{listener}}, Prompter: people,
			})
			done <- err
		}()
		_, err = transfer.Send(b.Context(), transfer.SendOptions{
			Source: src, Offer: <-people.offer, Dialer: tcp{listener}, Prompter: people,
		})
		listener.Close()
		if err := errors.Join(err, <-done); err != nil {
			b.Fatal(err)
		}
	}
}

type tcp struct{ net.Listener }

func (t tcp) Accept(ctx context.Context, _ wire.Rendezvous) (wire.Conn, error) {
	stop := context.AfterFunc(ctx, func() { t.Listener.Close() })
	defer stop()
	c, err := t.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (t tcp) Dial(context.Context, pairing.Route, wire.Rendezvous) (wire.Conn, error) {
	return net.Dial("tcp", t.Addr().String())
}

// A zeroSource has one attachment of zeros.
type zeroSource struct {
	*memorySource
	size int64
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func (s *zeroSource) OpenAttachment(_ context.Context, _ string, _ segment.ID, _ segment.AttachmentEntry, _ uint64) (io.ReadCloser, error) {
	return io.NopCloser(io.LimitReader(zeros{}, s.size)), nil
}

// A nullSink forgets.
type nullSink struct{ *memorySink }

func (s *nullSink) StageSegment(_ context.Context, _ segment.RoomEntry, e segment.SegmentEntry, _ []byte) (segment.Ledger, error) {
	return segment.Ledger{Imported: e.Items}, nil
}

func (s *nullSink) StageAttachment(context.Context, segment.RoomEntry, segment.ID, segment.AttachmentEntry, uint64) (segment.AttachmentWriter, error) {
	return nullWriter{}, nil
}

type nullWriter struct{}

func (nullWriter) Write(p []byte) (int, error) { return len(p), nil }
func (nullWriter) Commit([32]byte) error       { return nil }
func (nullWriter) Close() error                { return nil }
