package transfertest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/transfer"
)

// CheckSink holds a Sink against its contract, as far as calls can tell: a transfer and the same again, cut
// in several places, given up and completed by another one, with a message that is retracted in between, and
// with content that is damaged. fresh returns an empty sink each time. That what is there equals what was sent,
// and that it is durable, is for the caller to see.
//
// A connection that was cut takes a moment to come back; in a synctest bubble it takes no time.
func CheckSink(t testing.TB, fresh func() transfer.Sink) {
	t.Helper()
	c := &sinkCheck{t}
	c.twice(fresh())
	for cut := int64(checkBytes / 8); cut < checkBytes; cut += checkBytes / 4 {
		c.cut(fresh(), cut)
	}
	c.givenUp(fresh())
	c.retracted(fresh())
	c.damaged(fresh())
}

const (
	checkMessages    = 400
	checkAttachments = 2
	checkContent     = 100_000 // bytes of one
	checkBytes       = checkMessages*1000 + checkAttachments*checkContent
	checkRetracted   = 7 // the message that is
)

type sinkCheck struct{ t testing.TB }

// twice: what was imported is there, and not asked for again.
func (c *sinkCheck) twice(sink transfer.Sink) {
	l := c.send("first transfer", sink, checkHistory(false), new(Network))
	c.count("first transfer", "imported", l.Imported, checkMessages)
	c.count("first transfer", "imported attachments", l.AttachmentsImported, checkAttachments)
	c.there("same again", sink)
}

func (c *sinkCheck) there(step string, sink transfer.Sink) {
	watched := &watchedSink{Sink: sink}
	l := c.send(step, watched, checkHistory(false), new(Network))
	c.count(step, "there", l.There, checkMessages)
	c.count(step, "attachments there", l.AttachmentsThere, checkAttachments)
	if watched.staged > 0 {
		c.t.Errorf("%s: Have asked for %d segments and attachments that are there", step, watched.staged)
	}
}

// cut: the ledger does not show that a connection was lost.
func (c *sinkCheck) cut(sink transfer.Sink, after int64) {
	step := fmt.Sprintf("cut after %d bytes", after)
	network := &Network{Faults: func(n int) (toReceiver, toSender Faults) {
		if n == 0 {
			toReceiver.CutAfter = after
		}
		return toReceiver, toSender
	}}
	l := c.send(step, sink, checkHistory(false), network)
	if network.Made() != 2 {
		c.t.Errorf("%s: %d connections", step, network.Made())
	}
	c.count(step, "imported", l.Imported, checkMessages)
	c.count(step, "imported attachments", l.AttachmentsImported, checkAttachments)
}

// givenUp: another transfer completes what was staged.
func (c *sinkCheck) givenUp(sink transfer.Sink) {
	const step = "another transfer after one that was given up"
	ctx, giveUp := context.WithCancel(c.t.Context())
	defer giveUp()
	var network Network
	o := Run(ctx, transfer.SendOptions{Source: source(checkHistory(false)), Dialer: &network},
		transfer.ReceiveOptions{Sink: &watchedSink{Sink: sink, each: giveUp}, Acceptors: []transfer.Acceptor{&network}})
	if o.Err() == nil {
		c.t.Errorf("%s: it was not given up", step)
	}
	l := c.send(step, sink, checkHistory(false), new(Network))
	c.count(step, "imported or there", l.Imported+l.There, checkMessages)
	c.count(step, "imported or there, of attachments,", l.AttachmentsImported+l.AttachmentsThere, checkAttachments)
	c.there("same again after "+step, sink)
}

// retracted: a tombstone takes the place of its message, and no older history
// brings that back.
func (c *sinkCheck) retracted(sink transfer.Sink) {
	c.send("before a message is retracted", sink, checkHistory(false), new(Network))
	step := "a message is retracted"
	l := c.send(step, sink, checkHistory(true), new(Network))
	c.count(step, "tombstones", l.Tombstones, 1)
	c.count(step, "there", l.There, checkMessages-1)
	step = "an older history comes" // whose segment may be held, or not
	l = c.send(step, sink, checkHistory(false), new(Network))
	c.count(step, "tombstones or there", l.Tombstones+l.There, checkMessages)
}

// send runs one transfer that has to succeed.
func (c *sinkCheck) send(step string, sink transfer.Sink, v *codec.VCon, network *Network) segment.Ledger {
	c.t.Helper()
	o := Run(c.t.Context(), transfer.SendOptions{Source: source(v), Dialer: network},
		transfer.ReceiveOptions{Sink: sink, Acceptors: []transfer.Acceptor{network}})
	if err := o.Err(); err != nil {
		c.t.Fatalf("%s: %v", step, err)
	}
	l := o.Sent.Ledger
	if err := l.Balanced(); err != nil || l.Source != checkMessages || l.Lost() > 0 {
		c.t.Errorf("%s: %d of %d messages, %d lost: %v", step, l.Columns(), l.Source, l.Lost(), err)
	}
	return l
}

func (c *sinkCheck) count(step, what string, got, want uint64) {
	c.t.Helper()
	if got != want {
		c.t.Errorf("%s: %d %s, want %d", step, got, what, want)
	}
}

// damaged calls the sink itself: content that does not match is gone, and content
// that was interrupted goes on.
func (c *sinkCheck) damaged(sink transfer.Sink) {
	ctx := c.t.Context()
	must := func(what string, err error) {
		if err != nil {
			c.t.Fatalf("damaged content: %s: %v", what, err)
		}
	}
	must("begin", sink.Begin(ctx, segment.TransferInfo{ID: [32]byte{1}, Started: time.Now(), Messages: checkMessages, Bytes: checkBytes}))
	src := source(checkHistory(false))
	for page, err := range src.Manifest(ctx, segment.Scope{}) {
		must("manifest", err)
		room := page.Entries[0].Room
		for i, e := range page.Entries {
			if e.Type != segment.AttachmentType {
				continue
			}
			at := i - 1 // of the segment, in the answers
			for page.Entries[at].Type != segment.SegmentType {
				at--
			}
			entries := []segment.Entry{page.Entries[at], e}
			seg := entries[0].Segment
			have := func() segment.Want {
				wants, err := sink.Have(ctx, room, entries)
				must("have", err)
				if len(wants) != len(entries) {
					c.t.Fatalf("damaged content: Have gave %d answers to %d entries", len(wants), len(entries))
				}
				return wants[1]
			}
			have()
			data, err := src.AppendSegment(ctx, seg.ID, nil)
			must("segment", err)
			_, err = sink.StageSegment(ctx, room, seg, data)
			must("stage segment", err)
			c.content(sink, room, seg.ID, e.Attachment, have)
			must("abort", sink.Abort(ctx, errors.New("the check is over")))
			return
		}
	}
}

func (c *sinkCheck) content(sink transfer.Sink, room segment.RoomEntry, seg segment.ID, e segment.AttachmentEntry, have func() segment.Want) {
	good := checkBody(checkAttachments - 1) // the newest segment comes first
	sum := sha256.Sum256(good)
	write := func(p []byte, offset uint64, commit bool) (err error) {
		w, err := sink.StageAttachment(c.t.Context(), room, seg, e, offset)
		if err != nil {
			return err
		}
		if _, err := w.Write(p); err != nil {
			return errors.Join(err, w.Close())
		}
		if commit {
			err = w.Commit(sum)
		}
		return errors.Join(err, w.Close())
	}
	bad := bytes.Clone(good)
	bad[len(bad)/2] ^= 1
	if err := write(bad, 0, true); !errors.Is(err, segment.ErrHash) {
		c.t.Errorf("damaged content: Commit = %v, want ErrHash", err)
	}
	if w := have(); !w.Need || w.Offset != 0 {
		c.t.Errorf("damaged content: Have = %+v, want all of it", w)
	}
	half := good[:len(good)/2]
	if err := write(half, 0, false); err != nil {
		c.t.Errorf("half of a content: %v", err)
	}
	w := have()
	if !w.Need || w.Offset > uint64(len(half)) {
		c.t.Fatalf("half of a content: Have = %+v", w)
	}
	if err := write(good[w.Offset:], w.Offset, true); err != nil {
		c.t.Errorf("content that goes on: %v", err)
	}
	if w := have(); w.Need || w.Have != sum {
		c.t.Errorf("complete content: Have = %+v, want its hash", w)
	}
}

// A watchedSink counts what is staged.
type watchedSink struct {
	transfer.Sink
	staged int
	each   func()
}

func (s *watchedSink) StageSegment(ctx context.Context, room segment.RoomEntry, e segment.SegmentEntry, data []byte) (segment.Ledger, error) {
	l, err := s.Sink.StageSegment(ctx, room, e, data)
	if s.staged++; s.each != nil {
		s.each()
	}
	return l, err
}

func (s *watchedSink) StageAttachment(ctx context.Context, room segment.RoomEntry, seg segment.ID, e segment.AttachmentEntry, offset uint64) (segment.AttachmentWriter, error) {
	s.staged++
	return s.Sink.StageAttachment(ctx, room, seg, e, offset)
}

func source(v *codec.VCon) *history.Source {
	return history.NewSource(history.FromVCons([]*codec.VCon{v}), history.SourceOptions{})
}

// checkHistory is one room. With retracted one of its messages is a tombstone.
func checkHistory(retracted bool) *codec.VCon {
	const room = "mimi://example.com/r/check"
	v := &codec.VCon{Version: codec.Version, Room: &codec.Room{ID: room, Name: "Check"}, Parties: []codec.Party{
		{IMURI: room}, {IMURI: "mimi://example.com/u/alice", Name: "Alice"}, {IMURI: "mimi://example.com/u/bob", Name: "Bob"},
	}}
	begin := time.Date(2024, 3, 1, 9, 0, 0, 0, time.UTC)
	for i := range checkMessages {
		sum := sha256.Sum256(fmt.Append(nil, room, i))
		sum[0] = 1 // as MIMI's message ids begin
		d := codec.Dialog{
			Type: "text", Start: codec.Date(begin.Add(time.Duration(i) * time.Minute).Format(time.RFC3339)),
			Duration: new(uint64), Parties: []uint32{0}, Originator: new(uint32(1 + i%2)), MessageID: codec.BinaryOf(sum[:]),
			MediaType: "text/plain", Encoding: codec.EncodingNone,
			Body: codec.Body{Kind: codec.BodyText, Data: []byte(strings.Repeat(fmt.Sprintf("message %3d ", i), 80))},
		}
		if retracted && i == checkRetracted {
			d = codec.Dialog{Type: "tombstone", Start: d.Start, MessageID: d.MessageID, Status: "retracted"}
		}
		v.Dialog = append(v.Dialog, d)
		if n := i - (checkMessages - checkAttachments); n >= 0 {
			v.Attachments = append(v.Attachments, codec.Attachment{
				Start: d.Start, Party: d.Originator, MediaType: "image/png", Encoding: codec.EncodingBase64URL,
				DialogObjectRef: "mid:" + string(d.MessageID) + ":0@anon.invalid",
				Body:            codec.Body{Kind: codec.BodyBytes, Data: checkBody(n)},
			})
		}
	}
	return v
}

// checkBody is the content of the n-th attachment.
func checkBody(n int) []byte {
	return bytes.Repeat([]byte{byte(n), 1, 2, 3, 4, 5, 6, 7, 8, 9}, checkContent/10)
}
