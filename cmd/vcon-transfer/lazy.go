package main

import (
	"context"
	"io"
	"iter"
	"sync"

	"github.com/vcon-transfer/vcon-transfer/codec/history"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// A lazySource is opened when something is asked of it. A transfer whose receipt is
// here asks nothing, as a rule: its source may be slow, or gone.
type lazySource struct {
	open func() (history.Reader, error)

	once   sync.Once
	source *history.Source // nil when it was not opened, or could not be
	err    error
}

func (s *lazySource) get() (*history.Source, error) {
	s.once.Do(func() {
		reader, err := s.open()
		if s.err = err; err == nil {
			s.source = history.NewSource(reader, history.SourceOptions{})
		}
	})
	return s.source, s.err
}

// Overview is that of transfer.Source, as all that follows.
func (s *lazySource) Overview(ctx context.Context, scope segment.Scope) (*segment.Overview, error) {
	source, err := s.get()
	if err != nil {
		return nil, err
	}
	return source.Overview(ctx, scope)
}

func (s *lazySource) Manifest(ctx context.Context, scope segment.Scope) iter.Seq2[*segment.Page, error] {
	source, err := s.get()
	if err != nil {
		return func(yield func(*segment.Page, error) bool) { yield(nil, err) }
	}
	return source.Manifest(ctx, scope)
}

func (s *lazySource) AppendSegment(ctx context.Context, id segment.ID, buf []byte) ([]byte, error) {
	source, err := s.get()
	if err != nil {
		return buf, err
	}
	return source.AppendSegment(ctx, id, buf)
}

func (s *lazySource) OpenAttachment(ctx context.Context, room string, seg segment.ID, entry segment.AttachmentEntry, offset uint64) (io.ReadCloser, error) {
	source, err := s.get()
	if err != nil {
		return nil, err
	}
	return source.OpenAttachment(ctx, room, seg, entry, offset)
}

// Close closes what was opened.
func (s *lazySource) Close() {
	if s.source != nil {
		s.source.Close()
	}
}
