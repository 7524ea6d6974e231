package history

import (
	"context"
	"io"
	"iter"
	"sync"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// A LazySource is a Source that is opened when something is asked of it. A transfer whose
// receipt is here asks nothing, as a rule: its source may be slow, or gone.
type LazySource struct {
	open func() (Reader, error)

	once   sync.Once
	source *Source // nil when it was not opened, or could not be
	err    error
}

// NewLazySource returns the Source of the Reader that open returns, once.
func NewLazySource(open func() (Reader, error)) *LazySource { return &LazySource{open: open} }

// Open opens it, if nothing has. Every other method returns the same error.
func (s *LazySource) Open() error {
	_, err := s.get()
	return err
}

func (s *LazySource) get() (*Source, error) {
	s.once.Do(func() {
		reader, err := s.open()
		if s.err = err; err == nil {
			s.source = NewSource(reader, SourceOptions{})
		}
	})
	return s.source, s.err
}

// Overview is that of Source, as all that follows.
func (s *LazySource) Overview(ctx context.Context, scope segment.Scope) (*segment.Overview, error) {
	source, err := s.get()
	if err != nil {
		return nil, err
	}
	return source.Overview(ctx, scope)
}

// Manifest is that of Source.
func (s *LazySource) Manifest(ctx context.Context, scope segment.Scope) iter.Seq2[*segment.Page, error] {
	source, err := s.get()
	if err != nil {
		return func(yield func(*segment.Page, error) bool) { yield(nil, err) }
	}
	return source.Manifest(ctx, scope)
}

// AppendSegment is that of Source.
func (s *LazySource) AppendSegment(ctx context.Context, id segment.ID, buf []byte) ([]byte, error) {
	source, err := s.get()
	if err != nil {
		return buf, err
	}
	return source.AppendSegment(ctx, id, buf)
}

// OpenAttachment is that of Source.
func (s *LazySource) OpenAttachment(ctx context.Context, room string, seg segment.ID, entry segment.AttachmentEntry, offset uint64) (io.ReadCloser, error) {
	source, err := s.get()
	if err != nil {
		return nil, err
	}
	return source.OpenAttachment(ctx, room, seg, entry, offset)
}

// Close closes what was opened.
func (s *LazySource) Close() error {
	if s.source == nil {
		return nil
	}
	return s.source.Close()
}
