package history

import (
	"errors"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/codec"
	"github.com/vcon-transfer/vcon-transfer/codec/segment"
)

// A source is opened once, when something is asked of it, and what is gone is gone for
// every question.
func TestLazySource(t *testing.T) {
	opened := 0
	s := NewLazySource(func() (Reader, error) { opened++; return FromVCons([]*codec.VCon{{Version: codec.Version}}), nil })
	if s.Close(); opened != 0 {
		t.Error("opened, and nothing was asked")
	}
	for range 2 {
		if _, err := s.Overview(t.Context(), segment.Scope{}); err != nil {
			t.Error(err)
		}
	}
	if err := errors.Join(s.Open(), s.Close()); err != nil || opened != 1 {
		t.Errorf("opened %d times, %v", opened, err)
	}

	errGone := errors.New("gone")
	gone := NewLazySource(func() (Reader, error) { return nil, errGone })
	if _, err := gone.Overview(t.Context(), segment.Scope{}); !errors.Is(err, errGone) {
		t.Errorf("overview of what is gone: %v", err)
	}
	pages := 0
	for _, err := range gone.Manifest(t.Context(), segment.Scope{}) {
		if pages++; !errors.Is(err, errGone) {
			t.Errorf("manifest of what is gone: %v", err)
		}
	}
	if _, err := gone.AppendSegment(t.Context(), segment.ID{}, nil); !errors.Is(err, errGone) || pages != 1 {
		t.Errorf("segment of what is gone: %v; %d pages", err, pages)
	}
	if _, err := gone.OpenAttachment(t.Context(), "", segment.ID{}, segment.AttachmentEntry{}, 0); !errors.Is(err, errGone) {
		t.Errorf("attachment of what is gone: %v", err)
	}
	if err := gone.Close(); err != nil {
		t.Error(err)
	}
}
