package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// A stdoutSink writes each segment of a sealed file as a vCon in JSON, one a line: a
// portion of a conversation that can be read alone. It keeps nothing: what comes is
// verified before, and one who reads a pipe knows by the exit code that all has come.
// Contents of attachments are not written.
type stdoutSink struct {
	out      io.Writer
	line     []byte
	contents uint64
}

func (s *stdoutSink) Begin(context.Context, segment.TransferInfo) error { return nil }

func (s *stdoutSink) Have(_ context.Context, _ segment.RoomEntry, entries []segment.Entry) ([]segment.Want, error) {
	wants := make([]segment.Want, len(entries))
	for i := range wants {
		wants[i].Need = true
	}
	return wants, nil
}

func (s *stdoutSink) StageSegment(_ context.Context, _ segment.RoomEntry, e segment.SegmentEntry, data []byte) (l segment.Ledger, err error) {
	v, err := codec.Options{MaxBytes: segment.MaxSegmentBytes}.DecodeCBOR(data)
	if err != nil {
		return l, err
	}
	if s.line, err = v.AppendJSON(s.line[:0]); err != nil {
		l.AddQuarantined(noJSONForm, e.Items) // what only CBOR can hold
		return l, nil
	}
	s.line = append(s.line, '\n')
	if _, err := s.out.Write(s.line); err != nil {
		return l, destinationError{fmt.Errorf("write standard output: %w", err)}
	}
	for i := range v.Dialog {
		if v.Dialog[i].Type == "tombstone" {
			l.Tombstones++
		} else {
			l.Imported++
		}
	}
	return l, nil
}

// noJSONForm is that of an import into a host.
const noJSONForm segment.Reason = "no json form"

func (s *stdoutSink) StageAttachment(context.Context, segment.RoomEntry, segment.ID, segment.AttachmentEntry, uint64) (segment.AttachmentWriter, error) {
	s.contents++
	return &unwanted{Hash: sha256.New()}, nil
}

func (s *stdoutSink) Commit(context.Context, segment.End, []byte) error { return nil }

func (s *stdoutSink) Abort(context.Context, error) error { return nil }

// unwanted takes a content to nowhere.
type unwanted struct{ hash.Hash }

func (u *unwanted) Commit(sum [32]byte) error {
	if [32]byte(u.Sum(nil)) != sum {
		return segment.ErrHash
	}
	return &segment.RejectedError{Reason: notWritten}
}

func (u *unwanted) Close() error { return nil }

// notWritten is why contents are not on standard output.
const notWritten segment.Reason = "not written"
